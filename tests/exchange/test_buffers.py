"""`frombuffer`: vectors over Python's buffers, and what is refused."""

from __future__ import annotations

import array
import gc
import mmap
from typing import Any

import numpy as np
import pytest

import curta
from curta.errors import ArgumentError, AutogradError, ExchangeError

FOUR = np.arange(4, dtype="f4").tobytes()


def test_memory_is_shared() -> None:
    memory = bytearray(FOUR)
    made = curta.frombuffer(memory, dtype=curta.float32)
    made[0] = 9
    assert np.frombuffer(memory, "f4").tolist() == [9, 1, 2, 3]
    memory[4:8] = np.float32(7).tobytes()
    assert made.tolist() == [9, 7, 2, 3]
    del memory
    gc.collect()
    assert made.sum().item() == 21


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"count": 2}, [0, 1]), ({"offset": 4}, [1, 2, 3]), ({"offset": 4, "count": 2}, [1, 2]),
        ({"count": -2}, [0, 1, 2, 3]),
    ],
)  # fmt: skip
def test_parts(options: dict[str, int], wanted: list[float]) -> None:
    assert curta.frombuffer(bytearray(FOUR), dtype=curta.float32, **options).tolist() == wanted


def test_formats_and_buffers() -> None:
    assert curta.frombuffer(array.array("i", [1, 2, 3]), dtype=curta.int32).tolist() == [1, 2, 3]
    assert curta.frombuffer(np.ones((2, 2), "f4"), dtype=curta.float32).tolist() == [1, 1, 1, 1]
    assert curta.frombuffer(bytearray([0, 1, 1]), dtype=curta.bool).tolist() == [False, True, True]
    assert curta.frombuffer(bytearray([0x80, 0x3F]), dtype=curta.bfloat16).tolist() == [1.0]
    assert curta.frombuffer(memoryview(bytearray(FOUR))[4:], dtype=curta.float32).tolist() == [1, 2, 3]
    assert curta.frombuffer(bytearray(FOUR), dtype=curta.float32, requires_grad=True).requires_grad
    pages = mmap.mmap(-1, 4096)
    pages[:16] = FOUR
    assert curta.frombuffer(pages, dtype=curta.float32, count=4).tolist() == [0, 1, 2, 3]


def test_what_cannot_be_shared_is_copied() -> None:
    made = curta.frombuffer(FOUR, dtype=curta.float32)
    made[0] = 9
    assert np.frombuffer(FOUR, "f4")[0] == 0
    uneven = bytearray(b"x" + FOUR)
    made = curta.frombuffer(uneven, dtype=curta.float32, offset=1)
    assert made.tolist() == [0, 1, 2, 3]
    assert made.data_ptr() % 4 == 0


@pytest.mark.parametrize(
    ("buffer", "options", "message"),
    [
        (3, {}, "object does not implement Python buffer protocol."),
        ([1], {}, "object does not implement Python buffer protocol."),
        (bytearray(), {}, "both buffer length (0) and count (-1) must not be 0"),
        (bytearray(16), {"count": 0}, "both buffer length (16) and count (0) must not be 0"),
        (
            bytearray(16), {"offset": -1},
            "offset (-1 bytes) must be non-negative and no greater than buffer length (16 bytes) minus 1",
        ),
        (
            bytearray(16), {"offset": 16},
            "offset (16 bytes) must be non-negative and no greater than buffer length (16 bytes) minus 1",
        ),
        (
            bytearray(16), {"offset": 14},
            "buffer length (2 bytes) after offset (14 bytes) must be a multiple of element size (4)",
        ),
        (
            bytearray(16), {"offset": 4, "count": 4},
            "requested buffer length (4 * 4 bytes) after offset (4 bytes) must not be greater than actual buffer "
            "length (16 bytes)",
        ),
    ],
)  # fmt: skip
def test_refused(buffer: Any, options: dict[str, int], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        curta.frombuffer(buffer, dtype=curta.float32, **options)
    assert str(caught.value) == message


def test_further_refusals() -> None:
    with pytest.raises(ExchangeError, match=r"^could not retrieve buffer from object$"):
        curta.frombuffer(np.ones((4, 4))[:, ::2], dtype=curta.float64)
    with pytest.raises(AutogradError, match=r"^Only Tensors of floating point and complex dtype can require gradie"):
        curta.frombuffer(bytearray(4), dtype=curta.int32, requires_grad=True)
