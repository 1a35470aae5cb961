"""Laying tensors side by side, and taking them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.compiler.expression import index
from curta.dtypes import bool_
from curta.memory.formats import suggested_order
from curta.memory.layout import Layout, contiguous, strided
from curta.memory.storage import allocate
from curta.ops.dispatch import bind, bind_into
from curta.ops.elementwise import COPY
from curta.ops.inference import each
from curta.ops.movement import region_geometry
from curta.ops.record import NO_GRADIENT, Composition, Gradient, Op, Pointwise
from curta.promotion import result_type
from curta.shapes import contiguous_strides, is_dense
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.autograd.node import Node


def _joined(*layouts: Layout, dim: int) -> Layout:
    first = layouts[0]
    dtype = result_type(*((one.dtype, one.rank) for one in layouts))
    size = sum(one.shape[dim] for one in layouts)
    shape = (*first.shape[:dim], size, *first.shape[dim + 1 :])
    order = suggested_order(first.shape, first.strides)
    if order is None or any(suggested_order(one.shape, one.strides) is None for one in layouts):
        return contiguous(shape, dtype, first.device)
    lying = contiguous_strides(tuple(shape[axis] for axis in order))
    return strided(shape, tuple(lying[order.index(axis)] for axis in range(len(shape))), dtype, first.device)


def _join_rule(node: Node, gradient: Tensor) -> tuple[Tensor | None, ...]:
    start, parts = 0, []
    for layout, wanted in zip(node.input_layouts, node.needs, strict=True):
        length = layout.shape[node.params["dim"]]
        parts.append(gradient.narrow(node.params["dim"], start, length) if wanted else None)
        start += length
    return tuple(parts)


#: whether an element lies before place `at` along a dimension
BEFORE = Op(
    "before",
    lambda x, dim, at: contiguous(x.shape, bool_, x.device),
    Pointwise(lambda x, dim, at: index(dim).lt(at), "raw", indexed=True),
    NO_GRADIENT,
    each(0),
)


def _join_body(*tensors: Tensor, dim: int) -> Any:
    """In a graph: of every part in its place among zeros, the one that an element lies in."""
    from curta.ops.choice import WHERE
    from curta.ops.movement import EMBED

    shape = _joined(*(one.layout for one in tensors), dim=dim).shape
    start, total = 0, None
    for one in tensors:
        length = one.layout.shape[dim]
        region = (*((0, size, 1) for size in shape[:dim]), (start, length, 1))
        part = bind(EMBED, (one,), shape=shape, region=region)
        total = part if total is None else bind(WHERE, (bind(BEFORE, (part,), dim=dim, at=start), total, part))
        start += length
    return total


#: runs eagerly as one copy for each part, see functions/joining.py
CAT = Op("cat", _joined, Composition(_join_body), Gradient(_join_rule), each(0))


# taking apart


def _part(layout: Layout, dim: int) -> Layout:
    return contiguous((*layout.shape[:dim], *layout.shape[dim + 1 :]), layout.dtype, layout.device)


def _parts_body(x: Tensor, *, dim: int) -> Any:
    return tuple(x.select(dim, place) for place in range(x.layout.shape[dim]))


def _unbound(layout: Layout, dim: int) -> tuple[Layout, ...]:
    return (_part(layout, dim),) * layout.shape[dim]


def _unbind_rule(node: Node, *gradients: Tensor) -> Tensor:
    """All the gradients in one tensor, laid out as the input was: nothing is added up, and nothing copied again."""
    dim, layout = node.params["dim"], node.input_layouts[0]
    if STATE.grad_enabled or STATE.graph is not None or any(one.batch is not None for one in gradients):
        from curta.functions import stack

        return stack(gradients, dim)
    dtype = gradients[0].layout.dtype
    dense = is_dense(layout.shape, layout.strides)
    strides = layout.strides if dense else contiguous_strides(layout.shape)
    whole = strided(layout.shape, strides, dtype, layout.device)
    made = Tensor._make(allocate(whole.nbytes, layout.device), whole, 0)
    before = tuple((0, size, 1) for size in layout.shape[:dim])
    for place, gradient in enumerate(gradients):
        part, distance = region_geometry(whole, (*before, place))
        bind_into(COPY, (gradient,), (Tensor._make(made.storage, part, distance),))
    made.storage.version = 0  # type: ignore[union-attr]  # nobody has seen it before
    return made


def _split_body(x: Tensor, *, dim: int, lengths: tuple[int, ...]) -> Any:
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    return tuple(x.narrow(dim, start, length) for start, length in zip(starts, lengths, strict=True))


def _split_layouts(layout: Layout, dim: int, lengths: tuple[int, ...]) -> tuple[Layout, ...]:
    before, after = layout.shape[:dim], layout.shape[dim + 1 :]
    return tuple(contiguous((*before, length, *after), layout.dtype, layout.device) for length in lengths)


def _split_rule(node: Node, *gradients: Tensor) -> Tensor:
    from curta.functions import cat

    return cat(gradients, node.params["dim"])


#: runs as one view for each part, see `apart` of nn/recurrent.py; the record is for its gradient
SPLIT = Op("split", _split_layouts, Composition(_split_body), Gradient(_split_rule), each(0))

#: runs as one view for each part, see functions/movement.py; the record is for its gradient
UNBIND = Op("unbind", _unbound, Composition(_parts_body), Gradient(_unbind_rule), each(0))
