"""Attention: products of small blocks with a softmax between them, so that no matrix of all scores is ever in memory."""

from curta.compiler.attention.plan import Sizes, plan_backward, plan_forward

__all__ = ["Sizes", "plan_backward", "plan_forward"]
