"""What masked functions do first: the mask in its input's shape, and masked elements replaced."""

from __future__ import annotations

from math import inf

from curta import dtypes
from curta.errors import IndexRangeError, UnsupportedDTypeError
from curta.functions import where
from curta.functions.inplace import scalar_name
from curta.functions.operands import tensor
from curta.number_formats import iinfo
from curta.tensor import Tensor


def spread(name: str, input: Tensor, mask: Tensor) -> Tensor:
    """`mask` as truth values in the input's shape."""
    given = tensor(name, mask, "mask").detach()
    if given.layout.rank > input.layout.rank:
        raise IndexRangeError(
            f"masked.{name}: the mask has {given.layout.rank} dimensions, more than the input's {input.layout.rank}"
        )
    return given.to(dtypes.bool_).expand(input.layout.shape)


def replaced(name: str, input: Tensor, mask: Tensor | None, number: float) -> Tensor:
    """The input with `number` where the mask says no."""
    x = tensor(name, input)
    return x if mask is None else where(spread(name, x, mask), x, number)


def lowest(name: str, input: Tensor) -> float:
    """What never is the largest: minus infinity, or the smallest integer."""
    dtype = _numbers(name, tensor(name, input))
    return -inf if dtype.is_floating_point else int(iinfo(dtype).min)


def highest(name: str, input: Tensor) -> float:
    dtype = _numbers(name, tensor(name, input))
    return inf if dtype.is_floating_point else int(iinfo(dtype).max)


def _numbers(name: str, input: Tensor) -> dtypes.DType:
    dtype = input.layout.dtype
    if dtype is dtypes.bool_:
        raise UnsupportedDTypeError(f'"masked.{name}" not implemented for {scalar_name(dtype)!r}')
    return dtype
