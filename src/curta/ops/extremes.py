"""The smallest and the largest of whole numbers, for Python: nothing of it is charged or counted."""

from __future__ import annotations

from ctypes import addressof, c_int64
from functools import lru_cache
from typing import Any

from curta.dtypes import int64
from curta.memory.layout import Layout
from curta.ops.program import Executable, executable
from curta.ops.reduce import AMINMAX
from curta.runtime.native import launcher
from curta.tensor import Tensor

_WORD = 8
_CACHE_SIZE = 1024


def extremes(tensor: Tensor) -> tuple[int, int]:
    """Both extremes of a tensor of int32 or int64 that has elements, and memory that may be read.

    >>> import curta
    >>> extremes(curta.tensor([3, -1, 2]))
    (-1, 3)
    """
    call, distances, words = _compiled(tensor.layout)
    memory = (c_int64 * words)()
    address = addressof(memory)
    call.launch_at([tensor.pointer, *[address + distance for distance in distances]])
    if tensor.layout.dtype is int64:
        return memory[0], memory[1]
    low, high = memoryview(memory).cast("B").cast("i")[0:4:2]
    return low, high


@lru_cache(maxsize=_CACHE_SIZE)
def _compiled(layout: Layout) -> tuple[Executable, list[int], int]:
    """The operator, how many bytes apart its two results and its temporaries lie, and how many words they take."""
    launcher()  # the runtime is made before the first plan
    params: dict[str, Any] = {"dims": tuple(range(layout.rank)), "keepdim": False}
    call = executable(AMINMAX, (layout,), params)
    words = 0
    distances = []
    for one in (*call.outputs, *call.temporaries):
        distances.append(words * _WORD)
        words += -(-one.nbytes // _WORD)
    return call, distances, words
