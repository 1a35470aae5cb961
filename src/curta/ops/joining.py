"""Laying tensors side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.memory.layout import Layout, contiguous
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.record import Composition, Gradient, Op
from curta.promotion import result_type

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor


def _joined(*layouts: Layout, dim: int) -> Layout:
    first = layouts[0]
    dtype = result_type(*((one.dtype, one.rank) for one in layouts))
    size = sum(one.shape[dim] for one in layouts)
    return contiguous((*first.shape[:dim], size, *first.shape[dim + 1 :]), dtype, first.device)


def _join_rule(node: Node, gradient: Tensor) -> tuple[Tensor | None, ...]:
    start, parts = 0, []
    for layout, wanted in zip(node.input_layouts, node.needs, strict=True):
        length = layout.shape[node.params["dim"]]
        parts.append(gradient.narrow(node.params["dim"], start, length) if wanted else None)
        start += length
    return tuple(parts)


def _join_body(*tensors: Tensor, dim: int) -> Any:
    """In a graph: every part in its place among zeros, added up."""
    from curta.ops.elementwise import ADD
    from curta.ops.movement import EMBED

    shape = _joined(*(one.layout for one in tensors), dim=dim).shape
    start, total = 0, None
    for one in tensors:
        length = one.layout.shape[dim]
        region = (*((0, size, 1) for size in shape[:dim]), (start, length, 1))
        part = bind(EMBED, (one,), shape=shape, region=region)
        total = part if total is None else bind(ADD, (total, part))
        start += length
    return total


#: runs eagerly as one copy for each part, see functions/joining.py
CAT = Op("cat", _joined, Composition(_join_body), Gradient(_join_rule), each(0))
