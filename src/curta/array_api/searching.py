"""The standard's functions that search, sort, pick and tell apart."""

from __future__ import annotations

from typing import Any, NamedTuple

from curta import dtypes, functions
from curta.array_api.operands import Axes, pair, reduced
from curta.errors import ArgumentError
from curta.functions.operands import Operand
from curta.shapes import normalize_dim
from curta.tensor import Tensor

# places


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The places of the largest elements (the first of equal ones) along `axis`, in row-major order without one."""
    return _place(functions.argmax, x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The places of the smallest elements (the first of equal ones) along `axis`, in row-major order without one."""
    return _place(functions.argmin, x, axis, keepdims)


def _place(function: Any, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    made: Tensor = function(x, axis, keepdims and axis is not None)
    return made.reshape((1,) * x.ndim) if keepdims and axis is None else made


def count_nonzero(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """How many elements over `axis` are not zero.

    >>> from curta import array_api as xp
    >>> xp.count_nonzero(xp.asarray([[0, 2], [1, 3]]), axis=0, keepdims=True)
    tensor([[1, 2]])
    """
    return reduced(functions.sum, x != 0, axis, keepdims)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The places of the elements that are not zero, one tensor a dimension; ArgumentError for a tensor of none.

    >>> from curta import array_api as xp
    >>> xp.nonzero(xp.asarray([[0, 2], [1, 0]]))
    (tensor([0, 1]), tensor([1, 0]))
    """
    if not x.ndim:
        raise ArgumentError("nonzero(): requires a tensor of at least one dimension")
    places: tuple[Tensor, ...] = functions.nonzero(x, as_tuple=True)
    return places


def searchsorted(x1: Tensor, x2: Tensor, /, *, side: str = "left", sorter: Tensor | None = None) -> Tensor:
    """Where each element of `x2` would go into the sorted 1-d `x1`, before equal ones or ("right") after them."""
    sequence, values = pair("searchsorted", x1, x2)
    order = None if sorter is None else sorter.to(dtypes.int64)
    return functions.searchsorted(sequence, values, side=side, sorter=order)


def where(condition: Tensor, x1: Operand, x2: Operand, /) -> Tensor:
    """`x1` where the condition holds, else `x2`."""
    chosen: Tensor = functions.where(condition, *pair("where", x1, x2))
    return chosen


# order


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The places of the elements in order along `axis`; equal ones keep theirs."""
    return functions.argsort(x, axis, descending, stable)


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order along `axis`.

    >>> from curta import array_api as xp
    >>> xp.sort(xp.asarray([2, 1, 3]), descending=True)
    tensor([3, 2, 1])
    """
    return functions.sort(x, axis, descending, stable).values


# sets


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Tensor
    inverse_indices: Tensor


def _ordered(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The elements in order, where each was, and where a new value begins: NaN differs from NaN."""
    ordered = functions.sort(x.reshape(-1), stable=True)
    first = functions.ones(min(x.numel(), 1), dtype=dtypes.bool_, device=x.device)
    return ordered.values, ordered.indices, functions.cat((first, ordered.values[1:] != ordered.values[:-1]))


def unique_all(x: Tensor, /) -> UniqueAll:
    """The different elements in order, where each is first, which one each element is, and how often each is there.

    Every NaN is a value of its own.

    >>> from curta import array_api as xp
    >>> found = xp.unique_all(xp.asarray([[3, 1], [3, 2]]))
    >>> found.values, found.indices, found.counts
    (tensor([1, 2, 3]), tensor([1, 3, 0]), tensor([1, 1, 2]))
    >>> found.inverse_indices
    tensor([[2, 0],
            [2, 1]])
    """
    ordered, places, begins = _ordered(x)
    starts = functions.nonzero(begins).reshape(-1)
    groups = functions.cumsum(begins, 0) - 1
    inverse = functions.scatter(functions.zeros_like(places), 0, places, groups)
    end = functions.full((1,), x.numel(), dtype=dtypes.int64, device=x.device)
    counts = functions.diff(functions.cat((starts, end)))
    return UniqueAll(ordered[starts], places[starts], inverse.reshape(x.shape), counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """The different elements in order, and how often each is there."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """The different elements in order, and which one each element is."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Tensor, /) -> Tensor:
    """The different elements in order."""
    ordered, _, begins = _ordered(x)
    return ordered[begins]


# indexing


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The elements at `indices` along `axis`, which only a 1-d tensor may do without (ArgumentError else).

    >>> from curta import array_api as xp
    >>> xp.take(xp.asarray([[1, 2], [3, 4]]), xp.asarray([1, 0]), axis=1)
    tensor([[2, 1],
            [4, 3]])
    """
    if axis is None:
        if x.ndim != 1:
            raise ArgumentError(f"take(): axis must be given for a tensor of {x.ndim} dimensions")
        axis = 0
    before = (slice(None),) * normalize_dim(axis, x.ndim, wrap_scalar=False)
    picked: Tensor = x[(*before, indices.to(dtypes.int64))]
    return picked


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """The elements at `indices` along `axis`, each line with its own places."""
    return functions.take_along_dim(x, indices.to(dtypes.int64), axis)
