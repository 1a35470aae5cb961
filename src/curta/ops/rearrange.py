"""Axes split, put in order, repeated and merged, as one way to look at the same storage."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from curta import shapes
from curta.memory.layout import Layout, Shape
from curta.ops.dispatch import bind
from curta.ops.elementwise import COPY
from curta.ops.movement import VIEW, expanded, free, permuted, viewed
from curta.ops.record import Gradient, Op, View

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor

#: operators with their parameters, one after the other
Moves = tuple[tuple[Op, dict[str, Any]], ...]

_CACHE_SIZE = 8192


def _geometry(
    layout: Layout, split: Shape, order: Shape, spread: Shape | None, merged: Shape | None
) -> tuple[Layout, int]:
    made, _ = permuted(viewed(layout, split)[0], order)
    if spread is not None:
        made, _ = expanded(made, spread)
    return (made, 0) if merged is None else viewed(made, merged)


def _rule(node: Node, gradient: Tensor) -> Tensor:
    """The way back: what was merged is split, what was repeated is added up, what was split is merged."""
    split, order, spread = (node.params[name] for name in ("split", "order", "spread"))
    placed = tuple(split[dim] for dim in order)
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    if spread is not None:
        gradient = gradient.reshape(spread).sum_to_size(placed)
    return rearranged(gradient, placed, back, None, node.input_layouts[0].shape)


#: `split` is the shape after dimensions have been split, `order` the order of the parts, `spread` the shape to which
#: those of size 1 are then repeated, `merged` the shape at the end, which must be a view; the last two may be None
REARRANGE = Op(
    "rearrange",
    lambda layout, **params: _geometry(layout, **params)[0],
    View(_geometry),
    Gradient(_rule),
    free,
)


@lru_cache(maxsize=_CACHE_SIZE)
def moves(layout: Layout, split: Shape, order: Shape, spread: Shape | None, merged: Shape) -> Moves:
    """What to run for a rearrangement: nothing, one view, or a copy where merging takes one."""
    plain = order == tuple(range(len(order))) and spread is None
    if plain and layout.shape == merged:
        return ()
    whole = {"split": split, "order": order, "spread": spread}
    placed, _ = _geometry(layout, **whole, merged=None)  # type: ignore[arg-type]
    if placed.shape == merged:
        return ((REARRANGE, {**whole, "merged": None}),)
    if shapes.view_strides(placed.shape, placed.strides, merged) is not None:
        return ((REARRANGE, {**whole, "merged": merged}),)
    copied = ((COPY, {"contiguous_format": True}), (VIEW, {"size": merged}))
    return copied if plain and layout.shape == split else ((REARRANGE, {**whole, "merged": None}), *copied)


def rearranged(x: Any, split: Shape, order: Shape, spread: Shape | None, merged: Shape) -> Any:
    """Dimensions split, put in order, repeated and merged: a view where strides allow it, else one copy."""
    for op, params in moves(x.layout, split, order, spread, merged):
        x = bind(op, (x,), **params)
    return x
