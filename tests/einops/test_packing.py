"""`pack`, `unpack`, `parse_shape` and `asnumpy`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.einops import asnumpy, pack, parse_shape, unpack

SHAPES = (
    ("a b * c", [(3, 2, 6), (3, 2, 4, 5, 6), (3, 2, 8, 6)], [(), (4, 5), (8,)], (3, 2, 29, 6)),
    ("*", [(), (3,), (2, 2)], [(), (3,), (2, 2)], (8,)),
    ("* c", [(3,), (2, 3), (2, 0, 3)], [(), (2,), (2, 0)], (3, 3)),
    ("b *", [(2, 4)], [(4,)], (2, 4)),
    ("b * ", [(0, 2, 3), (0,)], [(2, 3), ()], (0, 7)),
)


def numbers(shapes: list[tuple[int, ...]]) -> list[Any]:
    return [np.arange(float(np.prod(shape))).reshape(shape) + number for number, shape in enumerate(shapes)]


@pytest.mark.parametrize(("pattern", "shapes", "inner", "whole"), SHAPES)
@pytest.mark.parametrize("of", [curta.tensor, np.asarray])
def test_there_and_back(pattern: str, shapes: Any, inner: Any, whole: Any, of: Any) -> None:
    arrays = numbers(shapes)
    packed, found = pack([of(one) for one in arrays], pattern)
    assert type(packed) is type(of(arrays[0]))
    assert found == inner
    assert tuple(packed.shape) == whole
    star = pattern.split().index("*")
    after = len(pattern.split()) - star - 1
    flat = []
    for array, shape in zip(arrays, inner, strict=True):
        back = array.ndim - after
        flat.append(array.reshape((*array.shape[:star], int(np.prod(shape)), *array.shape[back:])))
    np.testing.assert_array_equal(np.asarray(packed), np.concatenate(flat, star))
    for part, array in zip(unpack(packed, found, pattern), arrays, strict=True):
        assert tuple(part.shape) == array.shape
        np.testing.assert_array_equal(np.asarray(part), array)


def test_a_tuple_of_tensors_is_packed_too() -> None:
    packed, shapes = pack((curta.zeros(2), curta.ones(2, 2)), "* a")
    assert packed.tolist() == [[0, 0], [1, 1], [1, 1]]
    assert shapes == [(), (2,)]


@pytest.mark.parametrize("shapes", [[(2, -1), (1,)], [[2, 3], [-1]], [(-1, 3), ()], [(2, 3), (1, -1)]])
def test_one_size_may_follow_from_the_others(shapes: Any) -> None:
    parts = unpack(curta.arange(7), shapes, "*")
    assert tuple(parts[0].shape) == (2, 3)
    assert parts[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert parts[1].reshape(-1).tolist() == [6]


def test_gradients_go_back_to_every_tensor() -> None:
    tensors = [curta.ones(2, 3, requires_grad=True), curta.ones(2, 2, 2, requires_grad=True)]

    def function(*given: Any) -> Any:
        packed, shapes = pack(given, "a *")
        first, second = unpack(packed * packed, shapes, "a *")
        return first.sum(1), second * 3

    assert curta.autograd.gradcheck(function, tuple(one.double().detach().requires_grad_() for one in tensors))


def test_formats_are_those_of_cat() -> None:
    packed, _ = pack([curta.ones(2, dtype=curta.int32), curta.ones(2, 2)], "a *")
    assert packed.dtype is curta.float32


@pytest.mark.parametrize("of", [curta.tensor, np.asarray])
def test_sizes_by_name(of: Any) -> None:
    x = of(np.zeros((4, 6, 2, 9)))
    assert parse_shape(x, "first _ third fourth") == {"first": 4, "third": 2, "fourth": 9}
    assert parse_shape(x, "a ... d") == {"a": 4, "d": 9}
    assert parse_shape(x, "a (b) 2 _") == {"a": 4, "b": 6}
    assert parse_shape(x, "_ _ _ _") == {}
    assert parse_shape(x, "... a b c d") == {"a": 4, "b": 6, "c": 2, "d": 9}
    assert parse_shape(of(np.zeros((1, 2))), "1 a") == parse_shape(of(np.zeros((1, 2))), "() a") == {"a": 2}
    assert parse_shape(of(np.zeros(())), "") == {}


def test_what_is_found_may_be_changed() -> None:
    x = curta.zeros(2)
    parse_shape(x, "a")["a"] = 5
    assert parse_shape(x, "a") == {"a": 2}


def test_as_numpy() -> None:
    x = curta.tensor([1.0, 2.0], requires_grad=True)
    array = asnumpy(x)
    assert type(array) is np.ndarray
    array[0] = 5
    assert x.tolist() == [5.0, 2.0]
    assert asnumpy(array) is array


def test_numbers_of_numpys_are_its_arrays() -> None:
    array = np.arange(6.0).reshape(2, 3)
    packed, shapes = pack([array, array[0, 0]], "*")
    assert (packed.tolist(), shapes) == ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.0], [(2, 3), ()])
