"""The floating-point format that new tensors and Python floats get when nobody names one."""

from __future__ import annotations

from collections.abc import Callable

from curta.dtypes import DType, float32
from curta.errors import ArgumentTypeError


class _Default:
    dtype: DType = float32


#: called after every change: what was worked out under the old default is no longer true
ON_CHANGE: list[Callable[[], None]] = []


def get_default_dtype() -> DType:
    """The current default floating-point format.

    >>> get_default_dtype()
    curta.float32
    """
    return _Default.dtype


def set_default_dtype(dtype: DType) -> None:
    """Make `dtype` the default floating-point format; ArgumentTypeError for any other kind of format.

    >>> from curta.dtypes import float64
    >>> set_default_dtype(float64)
    >>> get_default_dtype()
    curta.float64
    >>> set_default_dtype(float32)
    """
    if not isinstance(dtype, DType):
        raise ArgumentTypeError(f"invalid dtype object: only floating-point types are supported, got {dtype!r}")
    if not dtype.is_floating_point:
        raise ArgumentTypeError(f"only floating-point types are supported as the default type, got {dtype!r}")
    _Default.dtype = dtype
    for forget in ON_CHANGE:
        forget()
