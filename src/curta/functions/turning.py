"""Tensors turned, reversed and shifted along their dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import host, shapes
from curta.errors import ShapeError
from curta.functions.indexing import gathered
from curta.functions.movement import sizes
from curta.lazy import LazyModule
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def flip(input: Tensor, *dims: Any) -> Tensor:
    """A copy with some dimensions in reverse."""
    order = shapes.normalize_dims(sizes("flip", dims, "dims"), input.layout.rank)
    for dim in order:
        count = input.layout.shape[dim]
        back = host.tensor_from(np.arange(count)[::-1].astype(np.int64))
        input = gathered(input, {dim: back})
    return input if order else input.clone()


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """A copy shifted along dimensions; what leaves at one end comes in at the other."""
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        return roll(input.reshape(-1), shifts, 0).view(input.layout.shape)
    steps = (shifts,) if hasattr(shifts, "__index__") else tuple(shifts)
    order = (dims,) if hasattr(dims, "__index__") else tuple(dims)
    if len(steps) != len(order):
        raise ShapeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(order)}")
    for step, given in zip(steps, order, strict=True):
        dim = shapes.normalize_dim(given, input.layout.rank)
        count = input.layout.shape[dim]
        moved = (np.arange(count) - step) % max(count, 1)
        input = gathered(input, {dim: host.tensor_from(moved.astype(np.int64))})
    return input
