"""Conversions of format and device under PyTorch's names."""

from __future__ import annotations

from curta.device import Device, resolve
from curta.dtypes import DType
from curta.errors import UnsupportedError
from curta.ops.dispatch import bind
from curta.ops.elementwise import CAST, COPY
from curta.tensor import Tensor


def to(
    input: Tensor,
    *args: DType | Device | str | Tensor,
    dtype: DType | None = None,
    device: Device | str | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: object = None,
) -> Tensor:
    """The tensor in another format or on another device; itself when nothing changes and no copy is asked for."""
    for argument in args:
        if isinstance(argument, DType):
            dtype = argument
        elif isinstance(argument, Tensor):
            dtype, device = argument.layout.dtype, argument.layout.device
        else:
            device = argument
    if memory_format is not None:
        raise UnsupportedError("to(): the argument 'memory_format' is not supported")
    target = input.layout.device if device is None else resolve(device)
    if target is not input.layout.device:
        raise UnsupportedError(f"to(): cannot move a tensor from {input.layout.device} to {target}")
    if dtype is not None and dtype is not input.layout.dtype:
        return bind(CAST, (input,), dtype=dtype)
    return bind(COPY, (input,)) if copy else input


def cast(input: Tensor, dtype: DType) -> Tensor:
    """The tensor in format `dtype`; itself if it has that already."""
    return input if input.layout.dtype is dtype else bind(CAST, (input,), dtype=dtype)
