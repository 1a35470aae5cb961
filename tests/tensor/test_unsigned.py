"""uint16, uint32 and uint64, of which PyTorch has little: every value against NumPy, whose formats wrap alike."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta import array_api as xp
from curta.errors import ArgumentError, DTypeError, IndexRangeError

NAMES = ["uint16", "uint32", "uint64"]
named = pytest.mark.parametrize("name", NAMES)
Calls = dict[str, tuple[Callable[..., Any], Callable[..., Any]]]


def given(name: str) -> tuple[Any, Any, Any]:
    """Numbers of the whole range, some more without zeros, and numbers of places to shift by."""
    kind, random = np.dtype(name), np.random.default_rng(3)
    top = 2 ** (8 * kind.itemsize) - 1
    a, b = (random.integers(0, top, 37, dtype=kind, endpoint=True) for _ in range(2))
    a[:6], b[:8] = [0, 1, top, top - 1, top // 2, top // 2 + 1], [3, top, 1, 7, 2, top, 3, 5]
    return a, np.maximum(b, 1), random.integers(0, 8 * kind.itemsize + 3, 37).astype(kind)


def same(found: Any, wanted: Any) -> None:
    assert found.numpy().dtype == np.asarray(wanted).dtype
    np.testing.assert_array_equal(found.numpy(), wanted)


TWO: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "//": lambda x, y: x // y,
    "%": lambda x, y: x % y, "&": lambda x, y: x & y, "|": lambda x, y: x | y, "^": lambda x, y: x ^ y,
    "<": lambda x, y: x < y, "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y, "-x": lambda x, y: -x, "~x": lambda x, y: ~x, "abs": lambda x, y: abs(x),
    "max": lambda x, y: x.max(), "argmax": lambda x, y: x.argmax(), "argmin": lambda x, y: x.argmin(),
    "places": lambda x, y: x[[3, 1, 3]], "masked": lambda x, y: x[x > y], "every other": lambda x, y: x[::2] - y[::2],
}  # fmt: skip
OTHERS: Calls = {
    "fmod": (curta.fmod, np.fmod), "maximum": (curta.maximum, np.maximum), "minimum": (curta.minimum, np.minimum),
    "gcd": (curta.gcd, np.gcd), "cat": (lambda x, y: curta.cat((x, y)), lambda a, b: np.concatenate((a, b))),
    "sign": (lambda x, y: xp.sign(x), lambda a, b: np.sign(a)), "isin": (curta.isin, np.isin),
    "sort": (lambda x, y: x.sort().values, lambda a, b: np.sort(a)),
    "sort down": (lambda x, y: xp.sort(x, descending=True), lambda a, b: np.sort(a)[::-1]),
    "topk": (lambda x, y: x.topk(5).values, lambda a, b: np.sort(a)[:-6:-1]),
    "median": (lambda x, y: x.median(), lambda a, b: np.sort(a)[18]),
    "unique": (lambda x, y: curta.unique(x), lambda a, b: np.unique(a)),
    "searchsorted": (lambda x, y: xp.searchsorted(xp.sort(x), y), lambda a, b: np.searchsorted(np.sort(a), b)),
    "sum": (lambda x, y: xp.sum(x), lambda a, b: a.sum()), "prod": (lambda x, y: xp.prod(x), lambda a, b: a.prod()),
    "PyTorch's sum": (lambda x, y: x.sum(), lambda a, b: a.sum().astype(np.int64)),
    "cumulative": (lambda x, y: xp.cumulative_sum(x), lambda a, b: a.cumsum()),
    "cummax": (lambda x, y: x.cummax(0).values, lambda a, b: np.maximum.accumulate(a)),
    "where": (lambda x, y: curta.where(x > y, x, y), lambda a, b: np.where(a > b, a, b)),
    "matmul": (lambda x, y: x[None] @ y[:, None], lambda a, b: a[None] @ b[:, None]),
    "compiled": (
        curta.compile(lambda x, y: x * y // 3 + (x > y).to(x.dtype)), lambda a, b: a * b // 3 + (a > b).astype(a.dtype),
    ),
}  # fmt: skip


@named
def test_values_are_numpys(name: str) -> None:
    a, b, _ = given(name)
    x, y = curta.tensor(a), curta.tensor(b)
    assert x.dtype is getattr(curta, name)
    assert x.tolist() == a.tolist()
    with np.errstate(over="ignore"):
        for call in TWO.values():
            same(call(x, y), call(a, b))
        for ours, theirs in OTHERS.values():
            same(ours(x, y), theirs(a, b))


@named
def test_shifts_fill_with_zeros(name: str) -> None:
    a, _, count = given(name)
    same(curta.tensor(a) << curta.tensor(count), np.left_shift(a, count))
    same(curta.tensor(a) >> curta.tensor(count), np.right_shift(a, count))


@named
def test_conversions_wrap_and_truncate(name: str) -> None:
    a, _, _ = given(name)
    kind = getattr(curta, name)
    for other in ("bool", "uint8", "int8", "int64", "float32", "float64", *NAMES):
        same(curta.tensor(a).to(getattr(curta, other)), a.astype(other))
    for other in ("bool", "int8", "int64"):
        values = np.array([0, 1, -1, -100]).astype(other)
        same(curta.tensor(values).to(kind), values.astype(name))
    top = int(a[2])
    # PyTorch's for numbers below zero, which C leaves open
    found = curta.tensor([0.0, 1.5, 3.99, -0.5, -1.0, top * 0.75, float("nan")], dtype=curta.float64).to(kind)
    assert found.tolist() == [0, 1, 3, 0, top, int(top * 0.75), 0]


@named
def test_python_numbers_reach_the_top(name: str) -> None:
    a, _, _ = given(name)
    x, kind, top = curta.tensor(a), getattr(curta, name), int(a[2])
    plain = a.dtype.type(top)
    with np.errstate(over="ignore"):
        same(x + top, a + plain)
        same(x.clone().add_(top), a + plain)
        same(curta.compile(lambda x: x + top)(x), a + plain)
    same(x == top, a == plain)
    same(xp.clip(x, 5, top), np.clip(a, 5, plain).astype(name))
    for made in (curta.tensor([top, -1], dtype=kind), curta.full((2,), top, dtype=kind), x[:2].clone().fill_(top)):
        assert made.tolist() == [top, top]
    assert xp.iinfo(kind).max == curta.iinfo(kind).max == top
    assert xp.iinfo(kind).min == 0
    assert curta.tensor(top, dtype=kind).item() == top
    assert repr(curta.tensor([top], dtype=kind)) == f"tensor([{top}], dtype=curta.{name})"


@named
def test_making(name: str) -> None:
    kind = getattr(curta, name)
    assert curta.arange(9, dtype=kind).tolist() == curta.linspace(0, 8, 9, dtype=kind).tolist() == list(range(9))
    assert curta.eye(2, dtype=kind).tolist() == [[1, 0], [0, 1]]
    assert (curta.randint(3, 5, (8,), dtype=kind) // 3).tolist() == [1] * 8
    assert not kind.is_signed
    assert (curta.ones(2, device="meta", dtype=kind) * 2).dtype is kind


@named
def test_exchange(name: str) -> None:
    a, _, _ = given(name)
    x = curta.tensor(a)
    same(pickle.loads(pickle.dumps(x)), a)
    same(copy.deepcopy(x), a)
    same(curta.from_dlpack(a), a)
    same(curta.tensor(np.from_dlpack(x)), a)
    file = io.BytesIO()
    curta.save({"x": x[::2], "y": x}, file)
    file.seek(0)
    found = curta.load(file)
    same(found["x"], a[::2])
    assert found["x"].untyped_storage() is found["y"].untyped_storage()


def test_what_does_not_fit() -> None:
    x = curta.tensor([1], dtype=curta.uint64)
    with pytest.raises(DTypeError, match="no format holds the values of both uint64 and int64"):
        x + curta.tensor([1])
    with pytest.raises(DTypeError, match="value cannot be converted to type uint64 without overflow"):
        curta.tensor([2**64], dtype=curta.uint64)
    for too_large in (lambda: x + 2**64, lambda: x.add_(2**64), lambda: curta.ones(1).long() + 2**63):
        with pytest.raises(OverflowError):
            too_large()
    with pytest.raises(ArgumentError, match="Overflow when unpacking long long"):
        curta.tensor([2**63])
    for name in NAMES:
        with pytest.raises(IndexRangeError, match="tensors used as indices must be long, int, byte or bool tensors"):
            curta.ones(3)[curta.tensor([1], dtype=getattr(curta, name))]
    assert xp.take(curta.ones(3), curta.tensor([1], dtype=curta.uint64)).tolist() == [1.0]


def test_no_cast_between_uint64_and_signed_formats() -> None:
    assert not xp.can_cast(curta.uint64, curta.int64)
    assert not xp.can_cast(curta.int8, curta.uint64)
    assert xp.can_cast(curta.uint32, curta.uint64)
    assert xp.can_cast(curta.uint32, curta.int64)
