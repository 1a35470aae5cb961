"""Memory around and between what tensors hold, filled on purpose; and results as bits, to be compared."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from support import to_numpy

import curta
from curta.memory import storage
from curta.runtime import native

#: makes a tensor of an array's numbers
Make = Callable[[Any], Any]


@contextmanager
def memory_filled_with(byte: int) -> Iterator[None]:
    """Inside, the allocator's memory and the threads' scratch hold this byte wherever nothing has been written."""
    original = storage.host_storage
    filled = 0

    def make(nbytes: int, *rest: Any) -> Any:
        nonlocal filled
        made = original(nbytes, *rest)
        ctypes.memset(made.address, byte, nbytes)
        runtime = native._runtime()
        if runtime.scratch_base:
            ctypes.memset(runtime.scratch_base, byte, runtime.scratch_stride * runtime.scratch_slots)
        filled += 1
        return made

    with ExitStack() as stack:
        for module in [one for name, one in sys.modules.items() if name.startswith("curta.")]:
            if getattr(module, "host_storage", None) is original:
                stack.enter_context(mock.patch.object(module, "host_storage", make))
        yield
    assert filled, "no memory was made"


def surrounded_by(byte: int) -> Make:
    """Makes tensors whose memory is surrounded by this byte, and has it between the elements that count."""

    def make(values: Any) -> Any:
        values = np.asarray(values)
        if not values.size:
            return curta.from_numpy(values.copy())
        room = 256 // values.itemsize
        reach = 1 + sum((size - 1) * abs(step) for size, step in zip(values.shape, values.strides, strict=True))
        count = -(-reach // values.itemsize)
        buffer = np.frombuffer(bytearray([byte]) * ((count + 2 * room) * values.itemsize), values.dtype)
        placed = np.lib.stride_tricks.as_strided(buffer[room:], values.shape, values.strides)
        placed[...] = values
        return curta.from_numpy(placed)

    return make


def bits(results: Any) -> list[tuple[Any, ...]]:
    """Shape, format and bytes of each result."""
    given = results if isinstance(results, tuple | list) else (results,)
    arrays = [to_numpy(one.detach()) for one in given if one is not None]
    return [(one.shape, one.dtype.name, np.ascontiguousarray(one).tobytes()) for one in arrays]
