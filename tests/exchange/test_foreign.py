"""`tensor`, `as_tensor`, `asarray` of what is no list and not NumPy's: arrays of other frameworks, other sequences."""

from __future__ import annotations

from array import array
from collections import UserList, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import curta
from curta import array_api as xp
from curta.errors import ArgumentError, DTypeError, ExchangeError


class Speaker:
    """An array of a framework that is neither Curta nor NumPy; like many, it is a sequence too."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.__dlpack__ = values.__dlpack__
        self.__dlpack_device__ = values.__dlpack_device__

    def __len__(self) -> int:
        return len(self.values)  # a TypeError for one without dimensions

    def __getitem__(self, place: int) -> Any:
        return Speaker(np.asarray(self.values[place]))


class Convertible:
    """What NumPy can make an array of, and nothing else can look into."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self.values, dtype)


class Counted:
    """The least that is a sequence."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, place: int) -> Any:
        return self.parts[place]


@pytest.mark.parametrize("make", [curta.tensor, curta.as_tensor, curta.asarray, xp.asarray])
def test_arrays_of_other_frameworks_are_taken_as_they_are(make: Any) -> None:
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    made = make(Speaker(values))
    assert (made.dtype, made.tolist()) == (curta.int16, [[0, 1, 2], [3, 4, 5]])
    assert make(Speaker(np.array(2.5, np.float32))).item() == 2.5
    assert make(Speaker(values), dtype=curta.float64).dtype is curta.float64
    values[0, 0] = 9
    assert made[0, 0].item() == (0 if make is curta.tensor else 9)


def test_asarray_shares_an_array_or_says_that_it_cannot() -> None:
    values = np.arange(3.0)
    assert curta.asarray(Speaker(values), copy=True).data_ptr() != values.ctypes.data
    assert curta.asarray(Speaker(values), copy=False).data_ptr() == values.ctypes.data
    with pytest.raises(ArgumentError, match="cannot share memory"):
        curta.asarray(Speaker(values), dtype=curta.float32, copy=False)
    values.flags.writeable = False
    assert curta.as_tensor(Speaker(values)).data_ptr() != values.ctypes.data
    with pytest.raises(ExchangeError, match="read-only"):
        curta.asarray(Speaker(values), copy=False)


def test_arrays_of_other_frameworks_among_numbers() -> None:
    one, row = Speaker(np.array(1.5, np.float32)), Speaker(np.arange(2, dtype=np.int16))
    assert curta.tensor([one, one]).dtype is curta.float32
    assert curta.tensor([row, [3, 4]]).tolist() == [[0, 1], [3, 4]]
    assert curta.tensor([row, row]).dtype is curta.int16
    assert curta.tensor([Convertible([1, 2]), (3, 4)]).tolist() == [[1, 2], [3, 4]]


def test_what_numpy_can_convert() -> None:
    for make in (curta.tensor, curta.as_tensor, curta.asarray):
        made = make(Convertible(np.arange(3, dtype=np.float32)))
        assert (made.dtype, made.tolist()) == (curta.float32, [0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("sequence", "dtype", "values"),
    [
        (deque([1, 2]), curta.int64, [1, 2]),
        (UserList([1.0, 2.0]), curta.float32, [1.0, 2.0]),
        (array("i", [1, 2]), curta.int64, [1, 2]),
        (array("d", [1, 2]), curta.float32, [1.0, 2.0]),
        (bytearray(b"ab"), curta.int64, [97, 98]),
        (memoryview(b"ab"), curta.int64, [97, 98]),
        (Counted(1, 2), curta.int64, [1, 2]),
        (Counted(Counted(1.0), [2.0]), curta.float32, [[1.0], [2.0]]),
        ([[1], Counted(2)], curta.int64, [[1], [2]]),
        (Counted(), curta.float32, []),
        ((range(2), deque([5, 6])), curta.int64, [[0, 1], [5, 6]]),
    ],
)
def test_sequences_of_any_kind(sequence: Any, dtype: Any, values: Any) -> None:
    for make in (curta.tensor, curta.as_tensor):
        made = make(sequence)
        assert (made.dtype, made.tolist()) == (dtype, values)
        assert make(sequence, dtype=curta.float64).tolist() == values


def test_numbers_of_other_kinds_where_a_format_is_named() -> None:
    assert curta.tensor([Decimal("1.5"), Fraction(1, 4)], dtype=curta.float64).tolist() == [1.5, 0.25]
    with pytest.raises(DTypeError, match="Could not infer dtype of Decimal"):
        curta.tensor(Decimal("1.5"))
    with pytest.raises(DTypeError, match="Could not infer dtype of dict"):
        curta.tensor({1: 2}, dtype=curta.float64)


def test_tensors_among_numbers_have_a_format() -> None:
    def tensor_of(value: Any, dtype: Any) -> Any:
        return curta.tensor(value, dtype=dtype)

    pi = tensor_of(3.141592653589793, curta.float64)
    assert curta.tensor([pi, 1.0]).dtype is curta.float64
    assert curta.tensor([pi])[0].item() == 3.141592653589793
    assert curta.tensor([tensor_of(1.0, curta.bfloat16), 2]).dtype is curta.bfloat16
    assert curta.tensor([tensor_of(1.0, curta.bfloat16), 2.5]).dtype is curta.float32
    assert curta.tensor([tensor_of(1, curta.int8)]).dtype is curta.int8
    assert curta.tensor([tensor_of(1, curta.int8), 2]).dtype is curta.int64
    assert curta.tensor([tensor_of(True, curta.bool)]).dtype is curta.bool


def test_asarray_shares_buffers() -> None:
    memory = bytearray(b"\1\0\2\0")
    made = curta.asarray(memory, dtype=curta.int16)
    assert made.tolist() == [1, 2]
    made[0] = 258
    assert memory == b"\2\1\2\0"
    assert curta.asarray(memory).dtype is curta.uint8
    assert curta.asarray(b"\1\0\2\0", dtype=curta.int16).tolist() == [1, 2]
    counts = array("i", [1, 2])
    shared = xp.asarray(counts)
    shared[0] = 7
    assert (shared.dtype, counts[0]) == (xp.int32, 7)
    grid = np.arange(6.0).reshape(2, 3)
    assert xp.asarray(memoryview(grid)).tolist() == grid.tolist()
    assert xp.asarray(counts, dtype=xp.float64).tolist() == [7.0, 2.0]


def test_what_is_another_frameworks_is_named_with_its_package() -> None:
    theirs = type("Tensor", (), {"__module__": "torch"})()
    format_of_theirs = type("dtype", (), {"__module__": "torch"})()
    for call in (
        lambda: curta.add(curta.ones(1), theirs), lambda: curta.relu(theirs),
        lambda: curta.stack([curta.ones(1), theirs]), lambda: curta.ones(1).copy_(theirs),
        lambda: curta.zeros_like(theirs),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"torch\.Tensor$"):
            call()
    for call in (lambda: curta.zeros(1, dtype=format_of_theirs), lambda: curta.ones(1).to(format_of_theirs)):
        with pytest.raises(TypeError, match=r"torch\.dtype$"):
            call()


def test_a_list_in_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ArgumentError, match="too many dimensions 'list'"):
        curta.tensor(endless)
    deep: Any = 1.0
    for _ in range(60):
        deep = [deep]
    assert curta.tensor(deep).ndim == 60
