"""What autograd remembers of a write into part of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.memory.layout import Layout, strided
from curta.ops.dispatch import bind
from curta.ops.elementwise import COPY
from curta.ops.record import NO_COST, Gradient, Op, View

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor


def _region(layout: Layout, source: Any, size: Any, stride: Any, distance: int) -> tuple[Layout, int]:
    return strided(size, stride, layout.dtype, layout.device), distance


def _overwrite_rule(node: Node, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """What lies outside the region goes to the old contents, the region's to what was written."""
    from curta.batching.values import laid_out
    from curta.methods import late

    layout: Layout = node.input_layouts[0]
    size, stride, distance = (node.params[name] for name in ("size", "stride", "distance"))
    placed = gradient
    if gradient.layout.strides != layout.strides:
        kind = gradient.layout.dtype
        if gradient.batch is None:
            placed = late.functions.empty_strided(layout.shape, layout.strides, dtype=kind, device=layout.device)
            placed.copy_(gradient)
        else:
            placed = laid_out(gradient, layout)
    part = bind(COPY, (bind_region(placed, size, stride, distance),)) if node.needs[1] else None
    rest = None
    if node.needs[0]:
        rest = placed.clone() if placed is gradient else bind(COPY, (placed,))
        bind_region(rest, size, stride, distance).zero_()
    return rest, part


def bind_region(tensor: Tensor, size: Any, stride: Any, distance: int) -> Tensor:
    """The region of a tensor that is laid out as the one written to was."""
    from curta.ops.movement import AS_STRIDED

    found: Tensor = bind(AS_STRIDED, (tensor,), size=size, stride=stride, distance=distance)
    return found


#: never run: the write itself is a copy into the view, this is its place in the graph (PyTorch's CopySlices)
OVERWRITE = Op(
    "copy_slices",
    lambda base, source, **params: base,
    View(_region),
    Gradient(_overwrite_rule),
    lambda inputs, outputs, **params: NO_COST,
)
