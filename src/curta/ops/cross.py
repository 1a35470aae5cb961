"""The cross product of vectors of three elements, in one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.compiler.expression import Expression, index
from curta.memory.layout import Layout, Shape, contiguous
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.record import Gradient, Op, Pointwise
from curta.shapes import broadcast_shapes

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor


def _infer(a: Layout, b: Layout, dim: int) -> Layout:
    return contiguous(broadcast_shapes(a.shape, b.shape), a.dtype, a.device)


def _source(layout: Layout, shape: Shape, dim: int) -> tuple[Shape, Shape]:
    """Each operand is read at two other places of its dimension."""
    sizes = enumerate(zip(layout.shape, layout.strides, strict=True))
    return tuple(0 if axis == dim or size == 1 else step for axis, (size, step) in sizes), (dim,)


def _element(a: Any, b: Any, dim: int) -> Expression:
    here = index(dim)
    after, before = here.eq(2).select(0, here + 1), here.eq(0).select(2, here - 1)
    # both products are rounded: with a multiply-add a vector times itself would not be 0
    made: Expression = (a(after) * b(before)).apart() - (a(before) * b(after)).apart()
    return made


def _rule(node: Node, g: Tensor) -> tuple[Tensor | None, ...]:
    a, b = node.input(0), node.input(1)
    to_a = bind(CROSS, (b, g), dim=node.params["dim"]) if node.needs[0] else None
    return to_a, bind(CROSS, (g, a), dim=node.params["dim"]) if node.needs[1] else None


#: two tensors of one rank and format with 3 elements along `dim`; the other dimensions broadcast
CROSS = Op(
    "cross",
    _infer,
    Pointwise(_element, "raw", indexed=True, gathered=_source, gathers=(0, 1)),
    Gradient(_rule, inputs=(0, 1)),
    each(3),
)
