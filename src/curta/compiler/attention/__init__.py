"""Attention: products of small blocks with a softmax between them; the matrix of all scores is never in memory."""

from curta.compiler.attention.plan import WIDEST, Sizes, plan_backward, plan_forward, query_parts
from curta.compiler.attention.spec import NUMBERS, Dropout

__all__ = ["NUMBERS", "WIDEST", "Dropout", "Sizes", "plan_backward", "plan_forward", "query_parts"]
