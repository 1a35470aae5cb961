"""Mixed precision by operator: products in a half format, losses in float32, the rest in the format it is given."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from curta.autograd.state import STATE
from curta.device import Device
from curta.dtypes import DType, bfloat16, float16
from curta.errors import UnsupportedError

F = TypeVar("F", bound=Callable[..., Any])


class autocast:  # noqa: N801 - PyTorch's name
    """Inside, products, convolutions and attention take float32 tensors in `dtype`, and losses give float32.

    A context manager, and a decorator. Formats of other operators follow from their operands; float64 stays what it is.
    `device_type` is "cpu", `dtype` bfloat16 (the default) or float16; UnsupportedError for others. `cache_enabled` is
    accepted and changes nothing.

    >>> import curta
    >>> x, w = curta.ones(2, 3), curta.ones(3, 4, requires_grad=True)
    >>> with autocast("cpu"):
    ...     y = x @ w
    >>> y.dtype, (y + x[:, :1]).dtype
    (curta.bfloat16, curta.float32)
    >>> y.sum().backward()
    >>> w.grad.dtype
    curta.float32
    """

    def __init__(
        self, device_type: str, dtype: DType | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if Device(device_type).type != "cpu":
            raise UnsupportedError(f"autocast: device_type={device_type!r} is not supported, 'cpu' is")
        if dtype not in (None, bfloat16, float16):
            raise UnsupportedError(f"autocast: dtype={dtype!r} is not supported, bfloat16 and float16 are")
        self.dtype: DType | None = (dtype or bfloat16) if enabled else None
        self._before: list[DType | None] = []

    def __enter__(self) -> autocast:
        self._before.append(STATE.autocast)
        STATE.autocast = self.dtype
        return self

    def __exit__(self, *exception: object) -> None:
        STATE.autocast = self._before.pop()

    def __call__(self, function: F) -> F:
        """The function with this around every call."""

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]


def is_autocast_enabled(device_type: str = "cpu") -> bool:
    """Whether products take float32 tensors in a half format now.

    >>> is_autocast_enabled()
    False
    """
    return Device(device_type).type == "cpu" and STATE.autocast is not None


def get_autocast_dtype(device_type: str = "cpu") -> DType:
    """The half format that `autocast` means where it is on: bfloat16 unless it was given another.

    >>> get_autocast_dtype("cpu")
    curta.bfloat16
    """
    return STATE.autocast or bfloat16
