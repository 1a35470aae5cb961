"""Running results along a dimension under PyTorch's names, differences and integrals."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.dtypes import DType, asked
from curta.errors import DTypeError, IndexRangeError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import zeros
from curta.functions.inplace import scalar_name
from curta.functions.joining import cat
from curta.functions.movement import dimension, integer
from curta.functions.operands import tensor
from curta.functions.outputs import into, into_all
from curta.ops import scan as ops
from curta.ops.dispatch import bind
from curta.ops.record import Op
from curta.return_types import Named, named
from curta.tensor import Tensor

#: what is said of tensors for results that have another format
_FOUND = ("expected scalar_type {made} but found {given}", "expected scalar_type {made} but found {given}")


def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The sum of each element along `dim` and all before it; integers add up in int64 unless `dtype` says otherwise.

    >>> import curta
    >>> curta.cumsum(curta.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    return _running("cumsum", ops.CUMSUM, input, dim, dtype, out)


def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The product of each element along `dim` and all before it; integers in int64 unless `dtype` says otherwise.

    >>> import curta
    >>> curta.cumprod(curta.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    return _running("cumprod", ops.CUMPROD, input, dim, dtype, out)


def _running(name: str, op: Op, input: Tensor, dim: int, dtype: DType | None, out: Any) -> Tensor:
    if out is not None:
        return into(name, out, _running(name, op, input, dim, dtype, None))
    x = tensor(name, input)
    kind = asked(dtype, name) or (x.layout.dtype if x.layout.dtype.is_floating_point else dtypes.int64)
    if kind is dtypes.bool_:
        raise UnsupportedDTypeError(f"\"{name}_out_cpu\" not implemented for 'Bool'")
    return _along(name, op, x.to(kind), dim)


def _along(name: str, op: Op, x: Tensor, dim: int) -> Tensor:
    place = dimension(name, dim, x.layout.rank)
    made: Tensor = bind(op, (x.reshape(x.layout.shape or (1,)).contiguous(),), dim=place, reverse=False)
    return made.reshape(x.layout.shape)


def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """log(cumsum(exp(input))) along `dim`, without overflow.

    >>> import curta
    >>> curta.logcumsumexp(curta.tensor([0.0, 0.0, 90.0]), 0)
    tensor([ 0.0000,  0.6931, 90.0000])
    """
    if out is not None:
        return into("logcumsumexp", out, logcumsumexp(input, dim))
    x = tensor("logcumsumexp", input)
    if not x.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"logcumsumexp_out_cpu" not implemented for {scalar_name(x.layout.dtype)!r}')
    return _along("logcumsumexp", ops.LOGCUMSUMEXP, x, dim)


def cummax(input: Tensor, dim: int, *, out: Any = None) -> Named:
    """The largest element along `dim` so far, and where it was met last; NaN from the first one on.

    >>> import curta
    >>> curta.cummax(curta.tensor([1, 3, 2]), 0).values
    tensor([1, 3, 3])
    """
    made = _extremes("cummax", ops.CUMMAX, tensor("cummax", input), dim)
    return made if out is None else into_all("cummax", out, made, _FOUND)


def cummin(input: Tensor, dim: int, *, out: Any = None) -> Named:
    """The smallest element along `dim` so far, and where it was met last; NaN from the first one on.

    >>> import curta
    >>> curta.cummin(curta.tensor([3, 1, 2]), 0).values
    tensor([3, 1, 1])
    """
    made = _extremes("cummin", ops.CUMMIN, tensor("cummin", input), dim)
    return made if out is None else into_all("cummin", out, made, _FOUND)


def _extremes(name: str, op: Op, x: Tensor, dim: int) -> Named:
    place, shape = dimension(name, dim, x.layout.rank), x.layout.shape
    values, indices = bind(op, (x.reshape(shape or (1,)).contiguous(),), dim=place)
    return named(name, (values.reshape(shape), indices.reshape(shape)))


def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Each element along `dim` less the one before it, `n` times over; of truth values, whether they differ.

    >>> import curta
    >>> curta.diff(curta.tensor([1, 3, 6]))
    tensor([2, 3])
    """
    if out is not None:
        return into("diff", out, diff(input, n, dim, prepend, append))
    x = tensor("diff", input)
    if not x.layout.rank:
        raise ShapeError("diff expects input to be at least one-dimensional")
    place, n = dimension("diff", dim, x.layout.rank), integer("diff", n, "n")
    for side, more in (("prepend", prepend), ("append", append)):
        if more is not None and tensor("diff", more, side).layout.rank != x.layout.rank:
            raise ShapeError("diff expects prepend or append to be the same dimension as input")
    if n < 0:
        raise ShapeError(f"order must be non-negative but got {n}")
    if n == 0:
        return x.clone()
    parts = [part for part in (prepend, x, append) if part is not None]
    x = cat(parts, place) if len(parts) > 1 else x
    for _ in range(min(n, x.layout.shape[place])):
        count = x.layout.shape[place] - 1
        later, earlier = x.narrow(place, 1, count), x.narrow(place, 0, count)
        x = later.logical_xor(earlier) if x.layout.dtype is dtypes.bool_ else later - earlier
    return x


# integrals by straight lines between the samples


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """The integral along `dim` of samples `y` at the points `x`, or `dx` (1) apart.

    >>> import curta
    >>> curta.trapezoid(curta.tensor([1.0, 2.0, 4.0]))
    tensor(4.5000)
    """
    place = _samples("trapezoid", y, x, dx, dim)
    if y.layout.shape[place] == 0:
        shape = (*y.layout.shape[:place], *y.layout.shape[place + 1 :])
        return zeros(shape, dtype=y.layout.dtype, device=y.layout.device)
    if x is None:
        ends = y.select(place, 0) + y.select(place, -1)
        return (y.sum(place) - ends * 0.5) * (1 if dx is None else dx)
    return (_pairs(y, place) * _steps("trapezoid", y, x, place)).sum(place) / 2.0


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """The integral from the first sample to each of the others, see `trapezoid`.

    >>> import curta
    >>> curta.cumulative_trapezoid(curta.tensor([1.0, 2.0, 4.0]))
    tensor([1.5000, 4.5000])
    """
    place = _samples("cumulative_trapezoid", y, x, dx, dim)
    if x is None:
        return cumsum(_pairs(y, place) * ((1 if dx is None else dx) / 2), place)
    return cumsum(_pairs(y, place) * _steps("cumulative_trapezoid", y, x, place), place) / 2.0


def _samples(name: str, y: Tensor, x: Tensor | None, dx: float | None, dim: int) -> int:
    if x is not None and dx is not None:
        raise ShapeError(f"{name}(): takes either the points x or their distance dx, got both")
    if not tensor(name, y, "y").layout.rank:
        raise IndexRangeError(f"Dimension specified as {dim} but tensor has no dimensions")
    if dtypes.bool_ in (y.layout.dtype, y.layout.dtype if x is None else x.layout.dtype):
        raise DTypeError(f"{name}: received a bool input for `x` or `y`, but bool is not supported")
    return dimension(name, dim, y.layout.rank)


def _pairs(y: Tensor, dim: int) -> Tensor:
    count = y.layout.shape[dim] - 1
    return y.narrow(dim, 0, count) + y.narrow(dim, 1, count) if count >= 0 else y


def _steps(name: str, y: Tensor, x: Tensor, dim: int) -> Tensor:
    """The distances of the points, one for each two neighbouring samples."""
    if x.layout.rank == 1:
        if x.layout.shape[0] != y.layout.shape[dim]:
            raise ShapeError(f"{name}: There must be one `x` value for each sample point")
        x = x.view((-1,) + (1,) * (y.layout.rank - dim - 1))
        return diff(x, dim=0)
    return diff(x, dim=dim - y.layout.rank)
