"""Tensors turned, reversed and shifted along their dimensions."""

from __future__ import annotations

from typing import Any

from curta import shapes
from curta.errors import ShapeError
from curta.functions.joining import cat
from curta.functions.movement import integer, sizes, transpose
from curta.ops.dispatch import bind
from curta.ops.turning import FLIP
from curta.tensor import Tensor


def flip(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """A copy with some dimensions in reverse."""
    given = order if dims is None else (dims,)
    places = shapes.normalize_dims(sizes("flip", given, "dims"), input.layout.rank)
    made: Tensor = bind(FLIP, (input,), dims=places) if places else input.clone()
    return made


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """A copy shifted along dimensions; what leaves at one end comes in at the other."""
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        return roll(input.reshape(-1), shifts, 0).view(input.layout.shape)
    steps = (shifts,) if hasattr(shifts, "__index__") else tuple(shifts)
    order = (dims,) if hasattr(dims, "__index__") else tuple(dims)
    if len(steps) != len(order):
        raise ShapeError(f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(order)}")
    rolled = input
    for step, given in zip(steps, order, strict=True):
        dim = shapes.normalize_dim(given, input.layout.rank)
        count = input.layout.shape[dim]
        first = -step % max(count, 1)
        if first:
            rolled = cat((rolled.narrow(dim, first, count - first), rolled.narrow(dim, 0, first)), dim)
    return input.clone() if rolled is input else rolled


def fliplr(input: Tensor) -> Tensor:
    """A copy with the second dimension in reverse; ShapeError below two dimensions.

    >>> import curta
    >>> curta.fliplr(curta.tensor([[1, 2, 3]]))
    tensor([[3, 2, 1]])
    """
    if input.layout.rank < 2:
        raise ShapeError("Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """A copy with the first dimension in reverse; ShapeError for a tensor without dimensions.

    >>> import curta
    >>> curta.flipud(curta.tensor([1, 2, 3]))
    tensor([3, 2, 1])
    """
    if input.layout.rank < 1:
        raise ShapeError("Input must be >= 1-d.")
    return flip(input, 0)


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """A copy turned by `k` quarters from the first of two dimensions towards the second.

    >>> import curta
    >>> curta.rot90(curta.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    plane, rank = sizes("rot90", (tuple(dims),), "dims"), input.layout.rank
    if len(plane) != 2:
        raise ShapeError(f"expected total rotation dims == 2, but got dims = {len(plane)}")
    if rank < 2:
        raise ShapeError(f"expected total dims >= 2, but got total dims = {rank}")
    first, second = (shapes.normalize_dim(dim, rank) for dim in plane)
    if first == second:
        raise ShapeError(f"expected rotation dims to be different, but got dim0 = {plane[0]} and dim1 = {plane[1]}")
    quarters = integer("rot90", k, "k") % 4
    if quarters == 0:
        return input.clone()
    if quarters == 2:
        return flip(input, first, second)
    return transpose(flip(input, second if quarters == 1 else first), first, second)
