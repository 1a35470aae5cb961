"""Running sums, products and extremes, differences and integrals: NumPy in float64, and literals from PyTorch 2.13."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import DTYPES, array, distance, exact, to_numpy

import curta
from curta.autograd import gradcheck, gradgradcheck
from curta.ops.dispatch import bind
from curta.ops.scan import CUMMAX, CUMPROD, CUMSUM, LOGCUMSUMEXP, RECURRENCE

NAN, INF = float("nan"), float("inf")
FLOATS = ("float16", "bfloat16", "float32", "float64")


def layouts(dtype: str) -> list[tuple[Any, Any]]:
    """Numbers and the tensor of them: wide enough for whole vectors and a rest, transposed, with gaps, empty."""
    values = array((3, 4, 37), (-1.5, 1.5), dtype, 1)
    x = curta.from_numpy(values)
    seen = [(values, x), (values.transpose(2, 0, 1), x.permute(2, 0, 1)), (values[:, ::2], x[:, ::2])]
    return [*seen, (values[:, :0], x[:, :0])] if dtype == "float32" else seen[:1]  # they are copied first


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_sums_and_products(name: str, dtype: str) -> None:
    for values, x in layouts(dtype):
        for dim in (0, 1, 2):
            found = getattr(curta, name)(x, dim)
            whole = dtype not in FLOATS
            assert found.dtype is (curta.int64 if whole else DTYPES[dtype])
            wanted = getattr(np, name)(exact(values), axis=dim, dtype=np.int64 if whole else np.float64)
            assert distance(to_numpy(found), wanted) <= (40 if dtype == "float64" else 0.51)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_extremes(name: str, dtype: str) -> None:
    accumulate = np.maximum.accumulate if name == "cummax" else np.minimum.accumulate
    for values, x in layouts(dtype):
        for dim in (0, 1, 2):
            found, places = getattr(curta, name)(x, dim)
            plain = values.astype(np.float64)
            wanted = accumulate(plain, axis=dim) if plain.size else plain
            np.testing.assert_array_equal(to_numpy(found).astype(np.float64), wanted)
            taken = np.take_along_axis(plain, places.numpy(), dim) if plain.size else plain
            np.testing.assert_array_equal(taken, wanted)


@pytest.mark.parametrize("dtype", FLOATS)
def test_logcumsumexp(dtype: str) -> None:
    for values, x in layouts(dtype):
        wanted = np.logaddexp.accumulate(exact(values), axis=0) if values.size else exact(values)
        # near 0 a logarithm has no more digits than what it is taken of
        np.testing.assert_allclose(
            to_numpy(curta.logcumsumexp(x, 0)).astype(np.float64), wanted,
            rtol={"float16": 1e-3, "bfloat16": 8e-3, "float32": 3e-7, "float64": 1e-14}[dtype], atol=1e-14,
        )  # fmt: skip


def test_by_pytorchs_conventions() -> None:
    """Ties go to the last, NaN stays, a number is a sum of one; recorded from PyTorch 2.13."""
    assert curta.tensor([1.0, 3.0, 3.0, NAN, 5.0]).cummax(0).indices.tolist() == [0, 1, 2, 3, 3]
    assert curta.tensor([3.0, 1.0, 1.0, NAN, 0.0]).cummin(0).indices.tolist() == [0, 1, 2, 3, 3]
    assert curta.tensor([True, False]).cummax(0).values.tolist() == [True, True]
    assert curta.tensor([-INF, -INF]).cummax(0).indices.tolist() == [0, 1]
    found = curta.tensor([-INF, 1.0, INF, 2.0, NAN, 1.0]).logcumsumexp(0).numpy()
    np.testing.assert_array_equal(found, [-INF, 1.0, INF, INF, NAN, NAN])
    assert curta.tensor([1, 2], dtype=curta.int8).cumsum(0, dtype=curta.int8).dtype is curta.int8
    assert curta.zeros(2).cumsum(0, dtype=curta.float64).dtype is curta.float64
    number = curta.tensor(3.0)
    for found in (number.cumsum(0), number.cumprod(-1), number.logcumsumexp(0), number.cummax(0).values):
        assert (found.item(), found.shape) == (3.0, ())


def test_in_place() -> None:
    x = curta.tensor([1, 2, 3], dtype=curta.int8)
    assert x.cumsum_(0) is x
    assert x.tolist() == [1, 3, 6]
    assert x.float().cumprod_(0).tolist() == [1.0, 3.0, 18.0]


def test_many_rows_run_side_by_side() -> None:
    values = np.random.default_rng(2).standard_normal((300, 500)).astype(np.float32)
    x = curta.from_numpy(values)
    for dim in (0, 1):
        np.testing.assert_allclose(x.cumsum(dim).numpy(), np.cumsum(values, dim, np.float64), rtol=1e-6, atol=1e-6)


def test_recurrence() -> None:
    b, a = (np.random.default_rng(seed).standard_normal((5, 3)) for seed in (1, 2))
    for reverse in (False, True):
        order = range(5)[::-1] if reverse else range(5)
        wanted, before = np.zeros((5, 3)), np.zeros(3)
        for row in order:
            wanted[row] = before = b[row] + a[row] * before
        found = bind(RECURRENCE, (curta.from_numpy(b), curta.from_numpy(a)), dim=0, reverse=reverse)
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def test_diff() -> None:
    values = np.random.default_rng(3).standard_normal((3, 5))
    x = curta.from_numpy(values)
    for n, dim in ((0, 0), (1, 0), (2, -1), (1, 1)):
        np.testing.assert_array_equal(x.diff(n, dim).numpy(), np.diff(values, n, dim))
    assert curta.tensor([True, False, False]).diff().tolist() == [True, False]
    assert curta.tensor([1, 3]).diff(n=5).shape == (0,)
    assert curta.tensor([1, 3]).diff(prepend=curta.tensor([0]), append=curta.tensor([1])).tolist() == [1, 2, -2]


def test_trapezoid() -> None:
    values = np.random.default_rng(5).standard_normal((3, 5))
    y, points = curta.from_numpy(values), np.array([0.0, 1.0, 3.0, 3.5, 5.0])
    np.testing.assert_allclose(curta.trapezoid(y, dx=0.5, dim=0).numpy(), np.trapezoid(values, dx=0.5, axis=0))
    np.testing.assert_allclose(curta.trapezoid(y, curta.from_numpy(points)).numpy(), np.trapezoid(values, points))
    np.testing.assert_allclose(curta.trapezoid(y, y, dim=0).numpy(), np.trapezoid(values, values, axis=0))
    for x, parts in ((None, np.ones(4)), (curta.from_numpy(points), np.diff(points))):
        wanted = np.cumsum((values[:, 1:] + values[:, :-1]) / 2 * parts, 1)
        np.testing.assert_allclose(curta.cumulative_trapezoid(y, x).numpy(), wanted)
    assert curta.trapezoid(curta.tensor([1, 2, 4])).item() == 4.5
    assert curta.trapezoid(curta.zeros(2, 0)).tolist() == [0.0, 0.0]
    assert curta.cumulative_trapezoid(curta.zeros(2, 0)).shape == (2, 0)
    assert curta.cumulative_trapezoid(curta.zeros(0, dtype=curta.int64)).dtype is curta.float32


def leaf(seed: int = 3) -> Any:
    return curta.from_numpy(np.random.default_rng(seed).uniform(0.5, 2.0, (3, 4))).requires_grad_()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.cumsum(0) ** 2,
        lambda x: x.cumprod(1),
        lambda x: x.logcumsumexp(1),
        lambda x: x.cummax(0).values ** 2,
        lambda x: x.cummin(1).values ** 2,
        lambda x: x.diff(2) ** 2,
        lambda x: curta.trapezoid(x * x),
        lambda x: curta.cumulative_trapezoid(x * x, x),
        lambda x: bind(RECURRENCE, (x * 2, x.exp()), dim=1, reverse=True),
    ],
)
def test_gradients(function: Any) -> None:
    assert gradcheck(function, (leaf(),))
    assert gradgradcheck(function, (leaf(),))


def test_gradient_of_products_with_zeros() -> None:
    """Recorded from PyTorch 2.13."""
    for values, wanted in (([2.0, 0.0, 3.0, 4.0], [1.0, 32.0, 0.0, 0.0]), ([0.0, 2.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0])):
        x = curta.tensor(values, requires_grad=True)
        x.cumprod(0).sum().backward()
        assert x.grad.tolist() == wanted


def test_gradients_of_nothing_and_of_infinities() -> None:
    for name in ("cumsum", "cumprod", "logcumsumexp"):
        x = curta.zeros(0, 2, requires_grad=True)
        getattr(x, name)(0).sum().backward()
        assert x.grad.shape == (0, 2)
    x = curta.tensor([-INF, 0.0, 1.0], requires_grad=True)
    x.logcumsumexp(0)[2].backward()
    # of an infinity that is all there is so far the slope is unknown, as in PyTorch
    np.testing.assert_allclose(x.grad.numpy(), [np.nan, 1 / (1 + np.e), np.e / (1 + np.e)], rtol=1e-6)
    for values, wanted in (([0.0, 100.0], [1.0, 1.0]), ([-2.0, INF, 1.0], [1.0, np.nan, 0.0])):  # exp(100) is none
        x = curta.tensor(values, requires_grad=True)
        x.logcumsumexp(0).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), wanted)


def test_compiled() -> None:
    """The same results to the bit, gradients too."""
    x = leaf().detach()

    def step(x: Any) -> Any:
        x = x.detach().requires_grad_()
        (x.cumprod(1) + x.logcumsumexp(0) + x.cumsum(0)).sum().backward()
        return x.cummax(0).indices, x.grad

    for found, wanted in zip(curta.compile(step)(x), step(x), strict=True):
        assert found.tolist() == wanted.tolist()


def test_meta() -> None:
    x = curta.empty(3, 4, device="meta")
    assert (x.cumsum(0).shape, x.cummax(1).indices.dtype) == ((3, 4), curta.int64)
    assert x.long().cumprod(0).dtype is curta.int64
    assert x.diff().shape == (3, 3)


def test_cost() -> None:
    """So much for each element but the first of a row."""
    x = curta.zeros(3, 4)
    layouts = ((x.layout,), (x.layout,))
    assert CUMSUM.cost(*layouts, dim=0)[:4] == (8, 0, 48, 48)
    assert CUMPROD.cost(*layouts, dim=1)[:4] == (9, 0, 48, 48)
    assert LOGCUMSUMEXP.cost(*layouts, dim=1)[:4] == (18, 18, 48, 48)
    assert RECURRENCE.cost((x.layout, x.layout), (x.layout,), dim=1)[:4] == (18, 0, 96, 48)
    assert CUMMAX.cost((x.layout,), (x.layout, x.long().layout), dim=0)[:4] == (0, 0, 48, 144)
