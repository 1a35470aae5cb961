"""Order along a dimension under PyTorch's names: sorting, the largest, the k-th, the median, the most frequent."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.errors import ArgumentTypeError, IndexRangeError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import full, zeros
from curta.functions.inplace import scalar_name
from curta.functions.movement import dimension, integer
from curta.functions.operands import tensor
from curta.functions.outputs import EXACT, into, into_all
from curta.ops.counting import LONGEST_RUN
from curta.ops.dispatch import bind
from curta.ops.indexing import take
from curta.ops.selection import RANKED, SMALLEST
from curta.ops.sorting import ATTAINED, SORT
from curta.ops.statistics import MIDDLE_RANK
from curta.return_types import Named, named
from curta.tensor import Tensor

#: the smallest elements are sought, not sorted out, where they are one in so many or fewer
_SELECTED = 4
#: what is said of tensors for results that have another format, where it is not what others say
_KTH = ("output values must be of same type as input", "output indices must be of scalar type Long")
_MEDIAN = (
    "Expected tensor for 'values' to have the same type as tensor for argument #2 'self'; but type torch.{given}Tensor "
    "does not equal torch.{made}Tensor (while checking arguments for median)",
    "Expected tensor for argument #1 'indices' to have scalar type Long; but got torch.{given}Tensor instead (while "
    "checking arguments for median)",
)
_MODE = (
    "expected scalar type '{made}' but got '{given}' for values output",
    "expected scalar type '{made}' but got '{given}' for indices output",
)
#: the median of no integers: what processors make of NaN
_OF_NOTHING = {dtypes.int32: -(2**31), dtypes.int64: -(2**63)}


def picked(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The elements that places along `dim`, known to be there, name: `gather` without its checks."""
    sources = tuple(-1 if axis == dim else axis for axis in range(input.layout.rank))
    return take(input, [index], sources, (dim,), paired=True)


def ordered(input: Tensor, dim: int, descending: bool = False) -> Named:
    """`sort` along a dimension that is known to be there."""
    return named("sort", bind(SORT, (input.contiguous(),), dim=dim, descending=descending))


def _at_zero_dimensions(name: str, input: Tensor) -> Named:
    """A number by itself is in order."""
    place = zeros((), dtype=dtypes.int64, device=input.layout.device)
    return named(name, (input.clone(), place))


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Any = None) -> Named:
    """The elements along `dim` in order, and where they were (int64); equal ones stay as they were, NaN is largest.

    >>> import curta
    >>> curta.sort(curta.tensor([3, 1, 2])).indices
    tensor([1, 2, 0])
    """
    if out is not None:
        return into_all("sort", out, sort(input, dim, descending, stable))
    x = tensor("sort", input)
    place = dimension("sort", dim, x.layout.rank)
    return ordered(x, place, bool(descending)) if x.layout.rank else _at_zero_dimensions("sort", x)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Where the elements along `dim` stand in order: `sort(...).indices`.

    >>> import curta
    >>> curta.argsort(curta.tensor([3.0, 1.0, 2.0]), descending=True)
    tensor([0, 2, 1])
    """
    return sort(tensor("argsort", input).detach(), dim, descending).indices


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements along the first dimension in order.

    >>> import curta
    >>> curta.msort(curta.tensor([[3, 1], [1, 2]]))
    tensor([[1, 1],
            [3, 2]])
    """
    made = sort(tensor("msort", input), 0).values
    return made if out is None else into("msort", out, made, exact=EXACT)


def _ranked(input: Tensor, dim: int, first: int, count: int, largest: bool, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The elements from the `first` on in the order along `dim`; one of them without `keepdim` loses the dimension."""
    x, size = input.detach(), input.layout.shape[dim]
    if first == 0 and _SELECTED * count <= size:
        indices = bind(SMALLEST, (x.contiguous(),), dim=dim, count=count, descending=largest)
    elif count == 1 and not largest:
        shape = tuple(1 if axis == dim else length for axis, length in enumerate(input.layout.shape))
        indices = _of_rank(x, dim, full(shape, first, dtype=dtypes.int64, device=input.layout.device))
    else:
        indices = ordered(x, dim, largest).indices.narrow(dim, first, count).clone()
    values = picked(input, dim, indices)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


def _of_rank(x: Tensor, dim: int, ranks: Tensor) -> Tensor:
    """Where the element of a rank is along `dim`, for each rank."""
    found: Tensor = bind(RANKED, (x.contiguous(), ranks.contiguous()), dim=dim)
    return found


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Named:
    """The `k` largest (or smallest) elements along `dim`, in order, and where they are; of equal ones the first.

    >>> import curta
    >>> curta.topk(curta.tensor([1.0, 4.0, 3.0]), 2).values
    tensor([4., 3.])
    """
    if out is not None:
        return into_all("topk", out, topk(input, k, dim, largest, sorted))
    x = tensor("topk", input)
    place, k = dimension("topk", dim, x.layout.rank), integer("topk", k, "k")
    if not 0 <= k <= (x.layout.shape[place] if x.layout.rank else 1):
        raise ShapeError("selected index k out of range")
    if x.layout.dtype is dtypes.bool_:
        raise UnsupportedDTypeError("topk does not support bool dtypes on CPU")
    return (
        named("topk", _ranked(x, place, 0, k, bool(largest), True)) if x.layout.rank else _at_zero_dimensions("topk", x)
    )


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Named:
    """The `k`-th smallest element along `dim`, counted from 1, and where it is.

    >>> import curta
    >>> curta.kthvalue(curta.tensor([3.0, 1.0, 2.0]), 2).values
    tensor(2.)
    """
    if out is not None:
        return into_all("kthvalue", out, kthvalue(input, k, dim, keepdim), _KTH, (input,))
    x = tensor("kthvalue", input)
    place, k = _some("kthvalue", x, dim), integer("kthvalue", k, "k")
    if not 1 <= k <= (x.layout.shape[place] if x.layout.rank else 1):
        raise ShapeError(f"kthvalue(): selected number k out of range for dimension {place}")
    _no_truth("kthvalue_cpu", x)
    if not x.layout.rank:
        return _at_zero_dimensions("kthvalue", x)
    return named("kthvalue", _ranked(x, place, k - 1, 1, False, bool(keepdim)))


def _some(name: str, input: Tensor, dim: int) -> int:
    """The dimension counted from 0; IndexRangeError for one without elements."""
    place = dimension(name, dim, input.layout.rank)
    if input.layout.rank and input.layout.shape[place] == 0:
        raise IndexRangeError(f"{name}(): Expected reduction dim {place} to have non-zero size.")
    return place


def _no_truth(name: str, input: Tensor) -> None:
    if input.layout.dtype is dtypes.bool_:
        raise UnsupportedDTypeError(f'"{name}" not implemented for {scalar_name(input.layout.dtype)!r}')


def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The middle element, of an even number the lower one; along `dim` (values, indices). NaN if there is one.

    Without `dim`, elements equal to the median share the gradient evenly.

    >>> import curta
    >>> curta.median(curta.tensor([4, 1, 3, 2])), curta.median(curta.tensor([[4, 1, 3]]), 1).indices
    (tensor(2), tensor([2]))
    """
    return _median("median", input, dim, keepdim, out)


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The median of the elements that are not NaN, see `median`.

    >>> import curta
    >>> curta.nanmedian(curta.tensor([4.0, float("nan"), 3.0]))
    tensor(3.)
    """
    return _median("nanmedian", input, dim, keepdim, out)


def _median(name: str, input: Tensor, dim: int | None, keepdim: bool, out: Any) -> Any:
    if out is not None:
        return _median_into(name, out, _median(name, input, dim, keepdim, None))
    x = tensor(name, input)
    layout = x.layout
    place = None if dim is None else _some(name, x, dim)
    _no_truth("median_cpu", x)
    if place is not None:
        return named(name, _middle(name, x, place, bool(keepdim))) if layout.rank else _at_zero_dimensions(name, x)
    if not layout.numel:
        nothing = float("nan") if layout.dtype.is_floating_point else _OF_NOTHING.get(layout.dtype, 0)
        return full((), nothing, dtype=layout.dtype, device=layout.device)
    flat = x.reshape(-1)
    found, _ = _middle(name, flat.detach(), 0, True)
    return (bind(ATTAINED, (flat, found)) if flat.requires_grad else found).reshape(())


def _median_into(name: str, out: Any, made: Any) -> Any:
    if isinstance(made, Tensor):
        raise ArgumentTypeError(f"{name}(): the argument 'out' needs a 'dim'")
    return into_all(name, out, made, _MEDIAN)


def _middle(name: str, x: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The place in order is the middle of the numbers; where there is a NaN, the first of these, which stand behind."""
    count = x.layout.shape[dim]
    if not x.layout.dtype.is_floating_point:
        return _ranked(x, dim, (count - 1) // 2, 1, False, keepdim)
    plain = x.detach()
    rank = bind(MIDDLE_RANK, (plain, *(() if name == "nanmedian" else (count, (count - 1) // 2))), dim=dim)
    indices = _of_rank(plain, dim, rank)
    values = picked(x, dim, indices)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Named:
    """The most frequent element along `dim`, the smallest of equally frequent ones, and where it stands last.

    >>> import curta
    >>> curta.mode(curta.tensor([3, 1, 3, 2])).values
    tensor(3)
    """
    if out is not None:
        return into_all("mode", out, mode(input, dim, keepdim), _MODE)
    x = tensor("mode", input)
    layout, place = x.layout, _some("mode", x, dim)
    if not layout.rank:
        return _at_zero_dimensions("mode", x)
    if not layout.numel:
        shape = tuple(1 if axis == place else size for axis, size in enumerate(layout.shape))
        places = zeros(shape, dtype=dtypes.int64, device=layout.device)
    else:
        order = ordered(x.detach(), place)
        ends = bind(LONGEST_RUN, (order.values.contiguous(),), dim=place)
        places = picked(order.indices, place, ends)
    values = picked(x, place, places)
    return named("mode", (values, places) if keepdim else (values.squeeze(place), places.squeeze(place)))
