"""Conversions of format and device under PyTorch's names."""

from __future__ import annotations

from curta.device import META, Device, resolve
from curta.dtypes import DType, asked
from curta.errors import UnsupportedError
from curta.functions.arithmetic import clone
from curta.functions.creation import empty_like
from curta.functions.movement import contiguous
from curta.memory.formats import channel_order, contiguous_format, preserve_format
from curta.ops.dispatch import bind
from curta.ops.elementwise import CAST, COPY
from curta.tensor import Tensor


def to(
    input: Tensor,
    *args: DType | Device | str | Tensor | bool | None,
    dtype: DType | None = None,
    device: Device | str | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: object = None,
) -> Tensor:
    """The tensor in another format or on another device; itself when nothing changes and no copy is asked for."""
    flags = [argument for argument in args if isinstance(argument, bool)]
    copy = flags[1] if len(flags) > 1 else copy  # the first is `non_blocking`
    for argument in args:
        if isinstance(argument, bool):
            continue
        if isinstance(argument, (DType, type)):
            dtype = asked(argument, "to")
        elif isinstance(argument, Tensor):
            dtype, device = argument.layout.dtype, argument.layout.device
        else:
            device = argument
    dtype = asked(dtype, "to")
    order = channel_order("to", memory_format, input.layout.rank)
    target = input.layout.device if device is None else resolve(device)
    if target is META and input.layout.device is not META:
        return empty_like(input, dtype=dtype, device=META, memory_format=memory_format)
    if target is not input.layout.device:
        raise UnsupportedError(f"to(): cannot move a tensor from {input.layout.device} to {target}")
    changed = dtype is not None and dtype is not input.layout.dtype
    made: Tensor = bind(CAST, (input,), dtype=dtype) if changed else input
    if copy and not changed and order is None:
        made = bind(COPY, (input,), contiguous_format=True) if memory_format is contiguous_format else clone(input)
    elif memory_format is not None and memory_format is not preserve_format:
        made = contiguous(made, memory_format)
        if copy and made is input:
            made = clone(input)
    return made


def cast(input: Tensor, dtype: DType, memory_format: object = None) -> Tensor:
    """The tensor in format `dtype`; itself if it has that already."""
    if memory_format is not None:
        return to(input, dtype=dtype, memory_format=memory_format)
    return input if input.layout.dtype is dtype else bind(CAST, (input,), dtype=dtype)
