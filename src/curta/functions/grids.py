"""Grids and products of vectors, tensors of at least so many dimensions, and columns put together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from curta import host
from curta.errors import ArgumentTypeError, ShapeError
from curta.functions.joining import cat, hstack, stack, vstack
from curta.functions.movement import integer
from curta.functions.operands import tensor
from curta.functions.outputs import into
from curta.lazy import LazyModule
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def _several(name: str, tensors: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The tensors of `f(a, b)` or `f([a, b])`."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    for place, one in enumerate(tensors):
        if not isinstance(one, Tensor):
            raise ArgumentTypeError(
                f"{name}(): expected Tensor as element {place} in argument 0, but got {type(one).__name__}"
            )
    return tensors


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Each vector as a view that varies along a dimension of its own; with "xy" the first two are exchanged.

    >>> import curta
    >>> curta.meshgrid(curta.tensor([1, 2]), curta.tensor([3, 4, 5]))[0].tolist()
    [[1, 1, 1], [2, 2, 2]]
    """
    given = _several("meshgrid", tensors)
    if not given:
        raise ShapeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("ij", "xy"):
        raise ShapeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for one in given:
        if one.layout.rank > 1:
            raise ShapeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {list(one.layout.shape)}"
            )
        if one.layout.dtype is not given[0].layout.dtype:
            raise ShapeError("meshgrid expects all tensors to have the same dtype")
    exchanged = indexing == "xy" and len(given) > 1
    ordered = (given[1], given[0], *given[2:]) if exchanged else given
    shape = tuple(one.layout.numel for one in ordered)
    grids = [
        one.reshape((1,) * axis + (-1,) + (1,) * (len(shape) - axis - 1)).expand(shape)
        for axis, one in enumerate(ordered)
    ]
    if exchanged:
        grids[:2] = grids[1::-1]
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All rows with one element of each vector, the last changing fastest; of one vector itself.

    >>> import curta
    >>> curta.cartesian_prod(curta.tensor([1, 2]), curta.tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    given = _several("cartesian_prod", tensors)
    for one in given:
        if one.layout.rank != 1:
            raise ShapeError(f"Expect a 1D vector, but got shape {list(one.layout.shape)}")
    if len(given) == 1:
        return given[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*given)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All ways to choose `r` elements of a vector in their order, a row each.

    >>> import curta
    >>> curta.combinations(curta.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    if tensor("combinations", input).layout.rank != 1:
        raise ShapeError(f"Expect a 1D vector, but got shape {list(input.layout.shape)}")
    r = integer("combinations", r, "r")
    if r < 0:
        raise ShapeError(f"Expect a non-negative number, but got {r}")
    if not r:
        return input.new_empty((0,))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.layout.numel), r))
    places = host.tensor_from(np.array(rows, np.int64).reshape(len(rows), r))
    return input[places]


def _at_least(name: str, rank: int, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return _raised(tensors[0], rank)
    return tuple(_raised(one, rank) for one in _several(name, tensors))


def _raised(one: Tensor, rank: int) -> Tensor:
    shape = one.layout.shape
    if len(shape) >= rank:
        return one
    if not shape:
        return one.reshape((1,) * rank)
    if rank == 2:
        return one.unsqueeze(0)
    return one.unsqueeze(0).unsqueeze(-1) if len(shape) == 1 else one.unsqueeze(-1)


def atleast_1d(*tensors: Any) -> Any:
    """A tensor, or a tuple of several, with a dimension of size 1 for one without.

    >>> import curta
    >>> curta.atleast_1d(curta.tensor(2))
    tensor([2])
    """
    return _at_least("atleast_1d", 1, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """A tensor, or a tuple of several, with at least two dimensions; a vector is a row.

    >>> import curta
    >>> curta.atleast_2d(curta.tensor([2, 3])).shape
    torch.Size([1, 2])
    """
    return _at_least("atleast_2d", 2, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """A tensor, or a tuple of several, with at least three dimensions; a vector is in the middle one.

    >>> import curta
    >>> curta.atleast_3d(curta.tensor([2, 3])).shape
    torch.Size([1, 2, 1])
    """
    return _at_least("atleast_3d", 3, tensors)


def column_stack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side along dimension 1; vectors are columns.

    >>> import curta
    >>> curta.column_stack([curta.tensor([1, 2]), curta.tensor([3, 4])]).tolist()
    [[1, 3], [2, 4]]
    """
    if out is not None:
        return into("column_stack", out, column_stack(tensors))
    given = _several("column_stack", (tensors,))
    return hstack([one.reshape(-1, 1) if one.layout.rank < 2 else one for one in given])


def dstack(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """Tensors of at least three dimensions (`atleast_3d`) one behind the other, along dimension 2.

    >>> import curta
    >>> curta.dstack([curta.tensor([1, 2]), curta.tensor([3, 4])]).tolist()
    [[[1, 3], [2, 4]]]
    """
    if not _several("dstack", (tensors,)):
        raise ShapeError("dstack expects a non-empty TensorList")
    if out is not None:
        return into("dstack", out, dstack(tensors))
    return cat([_raised(one, 3) for one in _several("dstack", (tensors,))], 2)


row_stack = vstack


def argwhere(input: Tensor) -> Tensor:
    """The indices of all elements that are not zero, a row for each.

    >>> import curta
    >>> curta.argwhere(curta.tensor([0, 3, 4])).tolist()
    [[1], [2]]
    """
    return tensor("argwhere", input).nonzero()
