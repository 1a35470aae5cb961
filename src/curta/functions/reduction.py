"""Reductions under PyTorch's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from curta.dtypes import DType
from curta.functions.operands import refuse, tensor
from curta.ops import reduce as ops
from curta.ops.dispatch import bind
from curta.ops.record import Op
from curta.shapes import normalize_dim, normalize_dims
from curta.tensor import Tensor

Dims = int | Sequence[int] | None


def all_dims(input: Tensor, dim: Dims) -> tuple[int, ...]:
    """The dimensions to reduce over, sorted; None and () mean all."""
    rank = input.layout.rank
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(rank))
    dims = normalize_dims(dim, rank)
    return tuple(sorted(dims)) if rank else ()


def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The sum over `dim` (all dimensions by default); integers add up in int64."""
    refuse("sum", out=out)
    return bind(ops.SUM, (tensor("sum", input),), dims=all_dims(input, dim), keepdim=keepdim, dtype=dtype)


def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The mean over `dim` (all dimensions by default)."""
    refuse("mean", out=out)
    dims = all_dims(input, dim)
    count = 1
    for axis in dims:
        count *= input.layout.shape[axis]
    return bind(ops.SUM, (input,), dims=dims, keepdim=keepdim, dtype=dtype) / count


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The largest elements over `dim`; NaN if there is one."""
    refuse("amax", out=out)
    return bind(ops.AMAX, (tensor("amax", input),), dims=all_dims(input, dim), keepdim=keepdim)


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The smallest elements over `dim`; NaN if there is one."""
    refuse("amin", out=out)
    return bind(ops.AMIN, (tensor("amin", input),), dims=all_dims(input, dim), keepdim=keepdim)


def prod(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """The product over `dim` (all dimensions by default)."""
    return bind(ops.PROD, (tensor("prod", input),), dims=all_dims(input, dim), keepdim=keepdim, dtype=dtype)


def all(input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether all elements are non-zero."""
    refuse("all", out=out)
    return bind(ops.ALL, (tensor("all", input),), dims=all_dims(input, dim), keepdim=keepdim)


def any(input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether any element is non-zero."""
    refuse("any", out=out)
    return bind(ops.ANY, (tensor("any", input),), dims=all_dims(input, dim), keepdim=keepdim)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place of the largest element (the first of equal ones), in row-major order without `dim`."""
    return bind(ops.ARGMAX, (tensor("argmax", input),), dims=all_dims(input, dim), keepdim=keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The place of the smallest element (the first of equal ones), in row-major order without `dim`."""
    return bind(ops.ARGMIN, (tensor("argmin", input),), dims=all_dims(input, dim), keepdim=keepdim)


class Extremes(NamedTuple):
    """The result of `max` and `min` along a dimension."""

    values: Tensor
    indices: Tensor


def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """Of all elements the largest; along `dim` (values, indices); with another tensor the larger of each two."""
    return _extreme(input, dim, keepdim, other, (ops.AMAX, ops.ARGMAX), "maximum")


def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """Of all elements the smallest; along `dim` (values, indices); with another tensor the smaller of each two."""
    return _extreme(input, dim, keepdim, other, (ops.AMIN, ops.ARGMIN), "minimum")


def _extreme(
    input: Tensor, dim: Any, keepdim: bool, other: Tensor | None, pair: tuple[Op, Op], elementwise: str
) -> Any:
    if isinstance(dim, Tensor):
        other = dim
    if other is not None:
        return getattr(input, elementwise)(other)
    if dim is None:
        return bind(pair[0], (input,), dims=tuple(range(input.layout.rank)), keepdim=False)
    dims = (normalize_dim(dim, input.layout.rank),) if input.layout.rank else ()
    values = bind(pair[0], (input,), dims=dims, keepdim=keepdim)
    return Extremes(values, bind(pair[1], (input,), dims=dims, keepdim=keepdim))


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The tensor summed down to a shape that broadcasts to its own."""
    shape = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else tuple(size)
    own = input.layout.shape
    lead = len(own) - len(shape)
    dims = tuple(
        axis for axis, length in enumerate(own) if axis < lead or (shape[axis - lead] == 1 and length != 1)
    )
    if not dims:
        return input
    kept = bind(ops.SUM, (input,), dims=dims, keepdim=True, dtype=None)
    return kept if not lead else kept.reshape(shape)


