"""Collation against literals that PyTorch 2.13 gives."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import curta
from curta.errors import ArgumentTypeError, ShapeError
from curta.utils.data import default_collate, default_convert

Point = namedtuple("Point", ["x", "y"])


@pytest.mark.parametrize(
    ("batch", "dtype", "values"),
    [
        ([1, 2], curta.int64, [1, 2]),
        ([True, False], curta.bool, [True, False]),
        ([0.5, 2.0], curta.float64, [0.5, 2.0]),
        ([curta.tensor([1, 2]), curta.tensor([3, 4])], curta.int64, [[1, 2], [3, 4]]),
        ([curta.tensor(1.5), curta.tensor(2.5)], curta.float32, [1.5, 2.5]),
        ([np.array([1.5, 2.5], np.float32)] * 2, curta.float32, [[1.5, 2.5], [1.5, 2.5]]),
        ([np.array(3), np.array(4)], curta.int64, [3, 4]),
        ([np.float32(0.5), np.float32(1.5)], curta.float32, [0.5, 1.5]),
        ([np.float64(0.5), np.float64(1.5)], curta.float64, [0.5, 1.5]),
        ([np.int16(3), np.int16(4)], curta.int16, [3, 4]),
        ([np.bool_(True), np.bool_(False)], curta.bool, [True, False]),
    ],
)
def test_as_a_tensor(batch: list[object], dtype: curta.dtype, values: list[object]) -> None:
    made = default_collate(batch)
    assert made.dtype is dtype
    assert made.tolist() == values


class Speaker:
    """An array of another framework."""

    def __init__(self, values: Any) -> None:
        self.__dlpack__ = values.__dlpack__
        self.__dlpack_device__ = values.__dlpack_device__


def test_arrays_of_other_frameworks_are_stacked() -> None:
    samples = [(Speaker(np.full(2, place, np.float32)), place) for place in range(3)]
    values, places = default_collate(samples)
    assert (values.dtype, values.tolist()) == (curta.float32, [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert places.tolist() == [0, 1, 2]


def test_strings_stay() -> None:
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate((b"a", b"b")) == (b"a", b"b")


def test_containers() -> None:
    found = default_collate([(1, [2.0, "a"]), (3, [4.0, "b"])])
    assert type(found) is list
    assert found[0].tolist() == [1, 3]
    assert type(found[1]) is list
    assert found[1][0].tolist() == [2.0, 4.0]
    assert found[1][1] == ("a", "b")
    point = default_collate([Point(1, 2), Point(3, 4)])
    assert type(point) is Point
    assert (point.x.tolist(), point.y.tolist()) == ([1, 3], [2, 4])


def test_mappings_keep_their_kind() -> None:
    ordered = default_collate([OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)])
    assert type(ordered) is OrderedDict
    assert [(key, value.tolist()) for key, value in ordered.items()] == [("b", [1, 3]), ("a", [2, 4])]
    frozen = default_collate([MappingProxyType({"a": 1})])
    assert type(frozen) is MappingProxyType
    assert frozen["a"].tolist() == [1]
    first = {"a": 1}
    default_collate([first, {"a": 2}])
    assert first == {"a": 1}

    class Closed(dict):
        def __copy__(self) -> object:
            raise TypeError("not to be copied")

    closed = default_collate([Closed(a=1)])
    assert type(closed) is dict


def test_sequences_keep_their_kind_where_they_can() -> None:
    found = default_collate([range(2), range(2)])
    assert type(found) is list
    assert [column.tolist() for column in found] == [[0, 0], [1, 1]]


def test_what_is_refused() -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        default_collate([object()])
    expected = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
    assert str(caught.value) == expected + "<class 'object'>"
    with pytest.raises(ArgumentTypeError) as caught:
        default_collate([np.array(["a"])])
    assert str(caught.value) == expected + "<U1"
    with pytest.raises(ShapeError) as size:
        default_collate([[1, 2], [3]])
    assert str(size.value) == "each element in list of batch should be of equal size, got sizes [1, 2]"


def test_convert() -> None:
    array = np.arange(3)
    found = default_convert({"a": array, "b": (array, "s", 5), "c": [b"x", None], "d": Point(array, 1)})
    assert found["a"].tolist() == [0, 1, 2]
    array[0] = 9
    assert found["a"][0].item() == 9
    assert type(found["b"]) is list
    assert found["b"][1:] == ["s", 5]
    assert found["c"] == [b"x", None]
    assert type(found["d"]) is Point
    assert default_convert(np.float32(2)).dtype is curta.float32
    text = np.array(["a"])
    assert default_convert(text) is text
