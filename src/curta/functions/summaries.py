"""Further reductions under PyTorch's names: pairs of statistics, sums that pass over NaN, distances, quantiles."""

from __future__ import annotations

from typing import Any

from curta import dtypes, host
from curta.autograd.state import STATE
from curta.dtypes import DType
from curta.errors import DTypeError, IndexRangeError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import full
from curta.functions.inplace import scalar_name
from curta.functions.movement import dimension
from curta.functions.operands import refuse, tensor
from curta.functions.outputs import into, into_all
from curta.functions.reduction import Dims, all_dims, sum
from curta.functions.sorting import ordered, picked
from curta.functions.statistics import mean, norm, std, var
from curta.ops import statistics as ops
from curta.ops.dispatch import bind
from curta.ops.reduce import AMINMAX, reduced_shape
from curta.return_types import Named, named
from curta.tensor import Tensor


def nansum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The sum over `dim` (all dimensions by default) with NaN as 0.

    >>> import curta
    >>> curta.nansum(curta.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    x = tensor("nansum", input)
    if out is not None:
        return _sum_into("nansum", nansum, x, dim, keepdim, dtype, out)
    if not x.layout.dtype.is_floating_point:
        return sum(x, dim, keepdim, dtype=dtype)
    x = x if dtype is None else x.to(dtype)
    dims = all_dims(x, dim)
    made: Tensor = bind(ops.NANSUM, (x,), dims=dims)
    return made if keepdim else made.reshape(reduced_shape(x.layout.shape, dims, False))


def _sum_into(name: str, function: Any, x: Tensor, dim: Dims, keepdim: bool, dtype: DType | None, out: Any) -> Tensor:
    """A sum for an `out`: without a `dtype`, of elements in the format of `out`, which must be of floating point."""
    if dtype is None and isinstance(out, Tensor) and x.layout.dtype.is_floating_point:
        dtype = out.layout.dtype
        if not dtype.is_floating_point:
            raise UnsupportedDTypeError(f'"nansum_cpu" not implemented for {scalar_name(dtype)!r}')
    return into(name, out, function(x, dim, keepdim, dtype=dtype))


def nanmean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The mean over `dim` (all dimensions by default) of the elements that are not NaN.

    >>> import curta
    >>> curta.nanmean(curta.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    x = tensor("nanmean", input)
    if out is not None:
        return _sum_into("nanmean", nanmean, x, dim, keepdim, dtype, out)
    if not x.layout.dtype.is_floating_point:
        raise DTypeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {scalar_name(x.layout.dtype)}"
        )
    plain = x.detach()
    return nansum(x, dim, keepdim, dtype=dtype) / sum(plain == plain, dim, keepdim)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Named:
    """The smallest and the largest element, of all or along `dim`; NaN if there is one.

    >>> import curta
    >>> curta.aminmax(curta.tensor([3, 1, 2]))
    curta.return_types.aminmax(
    min=tensor(1),
    max=tensor(3))
    """
    if out is not None:
        return into_all("aminmax", out, aminmax(input, dim=dim, keepdim=keepdim))
    x = tensor("aminmax", input)
    if dim is None:
        if not x.layout.numel:
            raise ShapeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
            )
        return named("aminmax", bind(AMINMAX, (x,), dims=all_dims(x, None), keepdim=bool(keepdim)))
    place = dimension("aminmax", dim, x.layout.rank)
    if x.layout.rank and x.layout.shape[place] == 0:
        raise IndexRangeError(f"aminmax: Expected reduction dim {place} to have non-zero size.")
    return named("aminmax", bind(AMINMAX, (x,), dims=all_dims(x, place), keepdim=bool(keepdim)))


def var_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Any = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over `dim`, see `var`.

    >>> import curta
    >>> curta.var_mean(curta.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    return _and_mean("var_mean", var, input, dim, unbiased, keepdim, correction, out)


def std_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Any = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over `dim`, see `std`.

    >>> import curta
    >>> curta.std_mean(curta.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    return _and_mean("std_mean", std, input, dim, unbiased, keepdim, correction, out)


def _and_mean(
    name: str, spread: Any, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any, out: Any
) -> tuple[Tensor, Tensor]:
    refuse(name, out=out)
    x = tensor(name, input)
    if not x.layout.dtype.is_floating_point:
        raise DTypeError(f"{name} only support floating point and complex dtypes")
    over = None if isinstance(dim, bool) else dim
    return spread(x, dim, unbiased, keepdim, correction=correction), mean(x, over, keepdim)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The norm of the difference of two tensors.

    >>> import curta
    >>> curta.dist(curta.tensor([3.0, 0.0]), curta.tensor([0.0, 4.0]))
    tensor(5.)
    """
    apart = tensor("dist", input) - tensor("dist", other, "other")
    if not apart.layout.dtype.is_floating_point:
        raise DTypeError(
            "norm(): input dtype should be either floating point or complex. Got "
            f"{scalar_name(apart.layout.dtype)} instead."
        )
    return norm(apart, p)


# quantiles

_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """What a share `q` of the elements along `dim` (of all by default) lies below; NaN if there is one.

    Several shares make a first dimension. Between two elements the `interpolation` decides: linear, lower, higher,
    midpoint or nearest. For float32 and float64.

    >>> import curta
    >>> curta.quantile(curta.tensor([1.0, 2.0, 3.0]), curta.tensor([0.5, 0.75]))
    tensor([2.0000, 2.5000])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out)


def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there is no other.

    >>> import curta
    >>> curta.nanquantile(curta.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out)


def _quantile(
    name: str, input: Tensor, q: float | Tensor, dim: int | None, keepdim: bool, interpolation: str, out: object
) -> Tensor:
    if out is not None:
        made = _quantile(name, input, q, dim, keepdim, interpolation, None)
        return into(name, out, made, exact="quantile() out tensor must be same dtype as the input tensor")
    x = tensor(name, input)
    layout = x.layout
    shares = _shares(name, x, q)
    if interpolation not in _WAYS:
        raise ShapeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    place = None if dim is None else dimension(name, dim, layout.rank)
    last = x.reshape(-1) if place is None or not layout.rank else x.movedim(place, -1)
    order = ordered(last, last.layout.rank - 1).values
    found = _between(order, _ranks(name, order, shares.reshape(-1)), interpolation)
    made = found.movedim(-1, 0)
    if keepdim and layout.rank:
        made = made.reshape((-1,) + (1,) * layout.rank) if place is None else made.unsqueeze(place + 1)
    return made if isinstance(q, Tensor) and shares.layout.rank else made.squeeze(0)


def _shares(name: str, x: Tensor, q: float | Tensor) -> Tensor:
    """`q` as a tensor of x's format, after the checks that PyTorch makes."""
    dtype = x.layout.dtype
    if not x.layout.numel:
        raise ShapeError(f"{name}() input tensor must be non-empty")
    if isinstance(q, Tensor) and q.layout.rank > 1:
        raise ShapeError(f"{name}() q must be a scalar or 1D tensor")
    if dtype not in (dtypes.float32, dtypes.float64):
        raise DTypeError(f"{name}() input tensor must be either float or double dtype")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise ShapeError(f"{name}() q must be in the range [0, 1] but got {q}")
        return full((), float(q), dtype=dtype, device=x.layout.device)
    if q.layout.dtype is not dtype:
        raise DTypeError(f"{name}() q tensor must be same dtype as the input tensor")
    if STATE.recorder is None and host.has_values(q):
        values = host.array(q.detach())
        if not ((values >= 0) & (values <= 1)).all():
            raise ShapeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _ranks(name: str, order: Tensor, shares: Tensor) -> Tensor:
    """How far into each row of sorted elements every share lies: [..., shares]; of a row with NaN, at its end."""
    last = order.layout.shape[-1] - 1
    plain = order.detach()
    if name == "quantile":
        ranks = (shares * last).clamp(0, last)
        return ranks.where(plain.narrow(-1, last, 1).isnan().logical_not(), float(last))
    numbers = (plain == plain).sum(-1, keepdim=True)
    return (shares * (numbers - 1)).clamp(0, last)


def _between(order: Tensor, ranks: Tensor, interpolation: str) -> Tensor:
    dim = order.layout.rank - 1
    rounded = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}.get(interpolation)
    if rounded is not None:
        return picked(order, dim, rounded().long())
    below = ranks.floor().detach()
    low, high = picked(order, dim, below.long()), picked(order, dim, ranks.ceil().long())
    return low.lerp(high, 0.5 if interpolation == "midpoint" else ranks - below)
