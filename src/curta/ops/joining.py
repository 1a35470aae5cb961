"""Laying tensors side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.errors import CompilerError
from curta.memory.layout import Layout
from curta.ops.record import Cost, Generated, Gradient, Op

if TYPE_CHECKING:
    from curta.tensor import Tensor


def _infer(*operands: Layout, dim: int) -> Layout:
    from curta.memory.layout import contiguous
    from curta.promotion import promote_types

    first = operands[0]
    dtype = first.dtype
    for other in operands[1:]:
        dtype = promote_types(dtype, other.dtype)
    size = sum(operand.shape[dim] for operand in operands)
    return contiguous((*first.shape[:dim], size, *first.shape[dim + 1 :]), dtype, first.device)


def _not_fused(inputs: Any, outputs: Any, dim: int) -> Any:
    raise CompilerError("cat: cannot be part of a fused composition")


def _rule(node: Any, g: Tensor) -> tuple[Tensor, ...]:
    dim = node.params["dim"]
    parts, start = [], 0
    for layout in node.input_layouts:
        parts.append(g.narrow(dim, start, layout.shape[dim]))
        start += layout.shape[dim]
    return tuple(parts)


def _cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], dim: int) -> Cost:
    return Cost(0, 0, sum(layout.nbytes for layout in inputs), outputs[0].nbytes)


#: written piece by piece through views of the result, see functions/joining.py
CAT = Op("cat", _infer, Generated(_not_fused), Gradient(_rule), _cost)
