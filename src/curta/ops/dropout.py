"""Dropout: the mask follows from a seed and the element's number, so backward makes it again and keeps nothing."""

from __future__ import annotations

from typing import Any

from curta.compiler.expression import Expression
from curta.dtypes import float32
from curta.memory.layout import Layout, contiguous
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.random import _unit, random_words
from curta.ops.record import Gradient, Op, Pointwise


def _infer(x: Layout, key_low: type, key_high: type, first: type, p: float) -> Layout:
    return contiguous(x.shape, x.dtype, x.device)


def kept(key_low: Expression, key_high: Expression, first: Expression, p: float) -> Expression:
    """Whether this element stays."""
    return _unit(random_words(key_low, key_high, first)[0], float32).ge(p)


def _element(x: Expression, key_low: Expression, key_high: Expression, first: Expression, p: float) -> Expression:
    return kept(key_low, key_high, first, p).select(x * (1.0 / (1.0 - p)), 0)


def _rule(node: Any, g: Any) -> tuple[Any, ...]:
    seeds = (node.input(1), node.input(2), node.input(3))
    return bind(DROPOUT, (g, *seeds), **node.params), None, None, None


#: x, the generator's key in two halves and its counter; p is the chance of a zero
DROPOUT = Op("dropout", _infer, Pointwise(_element, "raw", indexed=True), Gradient(_rule, inputs=(1, 2, 3)), each(1))
