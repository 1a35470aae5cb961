"""The standard's sums, extremes, means, running sums and questions over axes."""

from __future__ import annotations

from typing import Any

from curta import dtypes, functions
from curta.array_api.operands import Axes, reduced
from curta.dtypes import DType
from curta.errors import ArgumentError, ShapeError
from curta.tensor import Tensor


def _total(x: Tensor, dtype: DType | None) -> DType | None:
    """The format for sums and products: for unsigned formats the standard's, PyTorch takes int64."""
    return dtypes.uint64 if dtype is None and x.dtype.category == 1 and not x.dtype.is_signed else dtype


def _running(
    function: Any, name: str, start: int, x: Tensor, axis: int | None, dtype: DType | None, include_initial: bool
) -> Tensor:
    if axis is None:
        if x.ndim != 1:
            raise ArgumentError(f"{name}(): axis must be given for a tensor of {x.ndim} dimensions")
        axis = 0
    elif not x.ndim:
        raise ShapeError(f"{name}(): requires a tensor of at least one dimension")
    made: Tensor = function(x, axis, dtype=_total(x, dtype))
    if not include_initial:
        return made
    shape = list(made.shape)
    shape[axis] = 1
    first = functions.full(tuple(shape), start, dtype=made.dtype, device=made.device)
    return functions.cat((first, made), axis)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:
    """Running products along `axis`, which only a 1-d tensor may do without; `include_initial` puts a 1 before them.

    ArgumentError without an axis for other ranks, ShapeError for a tensor of no dimensions.

    >>> from curta import array_api as xp
    >>> xp.cumulative_prod(xp.asarray([2, 3, 4]))
    tensor([ 2,  6, 24])
    """
    return _running(functions.cumprod, "cumulative_prod", 1, x, axis, dtype, include_initial)


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:
    """Running sums along `axis`, which only a 1-d tensor may do without; `include_initial` puts a 0 before them.

    ArgumentError without an axis for other ranks, ShapeError for a tensor of no dimensions.

    >>> from curta import array_api as xp
    >>> xp.cumulative_sum(xp.asarray([2, 3, 4]), include_initial=True)
    tensor([0, 2, 5, 9])
    """
    return _running(functions.cumsum, "cumulative_sum", 0, x, axis, dtype, include_initial)


def max(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest elements over `axis`; NaN if there is one."""
    return reduced(functions.amax, x, axis, keepdims)


def mean(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The means over `axis`."""
    return reduced(functions.mean, x, axis, keepdims)


def min(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest elements over `axis`; NaN if there is one."""
    return reduced(functions.amin, x, axis, keepdims)


def prod(x: Tensor, /, *, axis: Axes = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """The products over `axis`; integers multiply in int64 or uint64 unless `dtype` says otherwise."""
    return reduced(functions.prod, x, axis, keepdims, dtype=_total(x, dtype))


def std(x: Tensor, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The standard deviations over `axis`, of all elements and not of a sample unless `correction` says so.

    >>> from curta import array_api as xp
    >>> xp.std(xp.asarray([1.0, 3.0])), xp.std(xp.asarray([[1.0, 3.0]]), axis=())
    (tensor(1.), tensor([[0., 0.]]))
    """
    return reduced(_std, x, axis, keepdims, correction=correction)


def sum(x: Tensor, /, *, axis: Axes = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """The sums over `axis`; integers add up in int64 or uint64 unless `dtype` says otherwise.

    >>> from curta import array_api as xp
    >>> xp.sum(xp.ones((2, 3)), axis=(0, 1), keepdims=True)
    tensor([[6.]])
    """
    return reduced(functions.sum, x, axis, keepdims, dtype=_total(x, dtype))


def var(x: Tensor, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The variances over `axis`, of all elements and not of a sample unless `correction` says so."""
    return reduced(_var, x, axis, keepdims, correction=correction)


def _std(x: Tensor, axis: Axes, keepdims: bool, correction: float) -> Tensor:
    return functions.std(x, axis, keepdim=keepdims, correction=correction)


def _var(x: Tensor, axis: Axes, keepdims: bool, correction: float) -> Tensor:
    return functions.var(x, axis, keepdim=keepdims, correction=correction)


# questions and differences


def all(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over `axis` are non-zero, as bool for every format."""
    return reduced(functions.all, x, axis, keepdims).to(dtypes.bool_)


def any(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether any element over `axis` is non-zero, as bool for every format."""
    return reduced(functions.any, x, axis, keepdims).to(dtypes.bool_)


def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The differences of neighbours along `axis`, taken `n` times."""
    return functions.diff(x, n, axis, prepend, append)
