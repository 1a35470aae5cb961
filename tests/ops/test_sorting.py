"""Sorting, ranks, quantiles, search, counts and distinct elements: NumPy's answers, and literals from PyTorch 2.13."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import DTYPES, array, to_numpy

import curta
from curta.autograd import gradcheck, gradgradcheck
from curta.memory.layout import contiguous
from curta.ops import sorting
from curta.ops.dispatch import bind
from curta.ops.sorting import SEARCH, SORT

NAN = float("nan")


def drawn(shape: tuple[int, ...], dtype: str, seed: int = 1) -> tuple[Any, Any]:
    """Few different numbers, so that many are equal."""
    values = array(shape, (-9.0, 9.0), dtype, seed)
    if values.dtype.kind not in "iub":
        values = np.round(values.astype(np.float64)).astype(values.dtype)
    return values, curta.from_numpy(values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sort(dtype: str) -> None:
    """Stable in both directions, along every dimension of every layout."""
    values, x = drawn((3, 19, 4), dtype)
    plain = values.astype(np.float64)
    layouts = [(plain, x), (plain.transpose(2, 0, 1), x.permute(2, 0, 1)), (plain[:, ::2], x[:, ::2])]
    for seen, tensor in layouts if dtype == "float32" else layouts[:1]:  # other layouts are copied first
        for dim in range(3):
            order = np.argsort(seen, axis=dim, kind="stable")
            found, places = tensor.sort(dim)
            assert places.dtype is curta.int64
            assert found.dtype is tensor.dtype
            np.testing.assert_array_equal(places.numpy(), order)
            np.testing.assert_array_equal(to_numpy(found).astype(np.float64), np.take_along_axis(seen, order, dim))
            falling = np.argsort(-seen, axis=dim, kind="stable")
            np.testing.assert_array_equal(tensor.argsort(dim, descending=True).numpy(), falling)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, 70_001])
def test_sort_of_every_length(size: int) -> None:
    values = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    x = curta.from_numpy(values)
    np.testing.assert_array_equal(x.sort().indices.numpy(), np.argsort(values, kind="stable"))


def test_rows_too_long_for_narrow_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their places are int64 in the temporaries too; the bytes follow from the layouts, and nothing is made."""
    long = contiguous((2**32 + 1,), curta.int8)
    _, rooms = SORT.lower.plan((long,), SORT.infer(long, 0, False), 0, False)  # type: ignore[union-attr]
    assert [room.dtype.name for room in rooms] == ["int8", "int8", "int64", "int64"]
    values, x = drawn((3, 19), "int8", 5)
    monkeypatch.setattr(sorting, "_MOST_NARROW", 18)
    _, rooms = SORT.lower.plan((x.layout,), SORT.infer(x.layout, 1, False), 1, False)  # type: ignore[union-attr]
    assert rooms[2].dtype is curta.int64
    places = bind(replace(SORT), (x,), dim=1, descending=False)[1]  # another operator: not one compiled before
    np.testing.assert_array_equal(places.numpy(), np.argsort(values, 1, kind="stable"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_nan_is_largest_and_zeros_are_equal(dtype: str) -> None:
    x = curta.tensor([3.0, NAN, 0.0, -0.0, -float("inf"), -NAN, float("inf")], dtype=DTYPES[dtype])
    assert x.argsort().tolist() == [4, 2, 3, 0, 6, 1, 5]
    assert x.argsort(descending=True).tolist() == [1, 5, 6, 0, 2, 3, 4]
    assert np.signbit(to_numpy(x.sort().values)).tolist()[1:3] == [False, True]


def test_no_elements_and_no_dimensions() -> None:
    assert curta.zeros(0, 3).sort(0).indices.shape == (0, 3)
    assert curta.zeros(3, 0).sort(0).values.shape == (3, 0)
    number = curta.tensor(3.0)
    for found in (number.sort(), number.topk(1), number.kthvalue(1), number.median(0), number.mode()):
        assert (found.values.item(), found.indices.item(), found.values.shape) == (3.0, 0, ())
    assert curta.msort(number).item() == 3.0
    assert number.argsort().item() == 0


def test_msort() -> None:
    assert curta.msort(curta.tensor([[3, 1], [1, 2]])).tolist() == [[1, 1], [3, 2]]


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("dim", [0, 1])
def test_topk(largest: bool, dim: int) -> None:
    values, x = drawn((6, 7), "float32")
    found, places = x.topk(3, dim, largest)
    order = np.take(np.argsort(-values if largest else values, axis=dim, kind="stable"), range(3), dim)
    np.testing.assert_array_equal(places.numpy(), order)
    np.testing.assert_array_equal(found.numpy(), np.take_along_axis(values, order, dim))
    assert curta.tensor([1.0, NAN, 3.0]).topk(2).indices.tolist() == [1, 2]
    assert x.topk(0, dim).values.numel() == 0


def test_kthvalue() -> None:
    values, x = drawn((6, 7), "int32")
    np.testing.assert_array_equal(x.kthvalue(3, 0).values.numpy(), np.sort(values, 0)[2])
    assert x.kthvalue(3, 1, keepdim=True).indices.shape == (6, 1)
    assert curta.tensor([1.0, NAN, 3.0]).kthvalue(3).indices.item() == 1


def test_median() -> None:
    """The lower of two middle elements; the first NaN wins; recorded from PyTorch 2.13."""
    x = curta.tensor([4.0, NAN, 3.0, NAN])
    assert curta.tensor([4.0, 1.0, 3.0, 2.0]).median().item() == 2.0
    assert curta.median(x, 0).indices.item() == 1
    assert curta.isnan(curta.median(x, 0).values).item()
    assert curta.isnan(curta.median(x)).item()
    assert tuple(one.item() for one in curta.nanmedian(x, 0)) == (3.0, 2)
    assert curta.nanmedian(x).item() == 3.0
    assert curta.nanmedian(curta.tensor([NAN, NAN]), 0).indices.item() == 0
    assert curta.isnan(curta.nanmedian(curta.tensor([NAN, NAN]))).item()
    assert curta.isnan(curta.zeros(0).median()).item()
    for dtype, wanted in ((curta.int64, -(2**63)), (curta.int32, -(2**31)), (curta.int16, 0), (curta.uint8, 0)):
        assert curta.zeros(0, dtype=dtype).median().item() == wanted
    assert curta.zeros(2, 0).median(0).values.shape == (0,)
    values, y = drawn((5, 7), "int64")
    np.testing.assert_array_equal(y.median(1).values.numpy(), np.sort(values, 1)[:, 3])
    assert y.median(1, keepdim=True).values.shape == (5, 1)


@pytest.mark.parametrize("way", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantile(way: str) -> None:
    values = np.random.default_rng(4).standard_normal((4, 6))
    x, shares = curta.from_numpy(values), [0.0, 0.3, 0.55, 1.0]
    q = curta.tensor(shares, dtype=curta.float64)
    for dim in (None, 0, -1):
        for keepdim in (False, True):
            wanted = np.quantile(values, shares, axis=dim, keepdims=keepdim, method=way)
            np.testing.assert_allclose(x.quantile(q, dim, keepdim, interpolation=way).numpy(), wanted, rtol=1e-12)
            one = x.quantile(0.3, dim, keepdim, interpolation=way).numpy()
            np.testing.assert_allclose(one, wanted[1], rtol=1e-12)
    assert curta.tensor([1.0, 2.0, 3.0, 4.0, 5.0]).quantile(0.125, interpolation="nearest").item() == 1.0


def test_quantiles_and_nan() -> None:
    x = curta.tensor([[1.0, NAN, 3.0], [NAN, NAN, NAN], [2.0, 4.0, 6.0]])
    found = x.nanquantile(curta.tensor([0.5, 0.25]), 1)
    np.testing.assert_array_equal(found.numpy(), [[2.0, NAN, 4.0], [1.5, NAN, 3.0]])
    np.testing.assert_array_equal(x.quantile(0.5, 1).numpy(), [NAN, NAN, 4.0])
    assert curta.tensor(1.0).quantile(0.5).item() == 1.0
    assert curta.tensor([1.0, 2.0]).quantile(curta.zeros(0)).shape == (0,)


FORMATS = ["bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("shape", [(95,), (96,), (3, 97), (1000, 2), (20_000,)])
@pytest.mark.parametrize("spread", [1, 1e4])
def test_long_rows_against_numpy(dtype: str, shape: tuple[int, ...], spread: float) -> None:
    """Rows that are dealt out by digits, small ones and large: in order, equal ones as they were, NaN above all."""
    random = np.random.default_rng(shape[0])
    x = random.standard_normal(shape) * spread
    if dtype.startswith("float"):
        x = np.clip(x, -6e4, 6e4)
        x.flat[::7], x.flat[::5], x.flat[::11], x.flat[::13] = np.nan, -0.0, np.inf, 0.0
    elif dtype != "bool":
        limits = np.iinfo(dtype)
        x = np.clip(x, max(limits.min, -(2**40)), min(limits.max, 2**40))
    x = x.astype(dtype)
    dim = len(shape) - 1 if shape[-1] > 2 else 0
    up = np.argsort(x, dim, kind="stable")
    down = shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), dim, kind="stable"), dim)
    for descending, wanted in ((False, up), (True, down)):
        values, places = curta.from_numpy(x).sort(dim, descending=descending, stable=True)
        np.testing.assert_array_equal(places.numpy(), wanted)
        np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, wanted, dim))


def test_long_rows_of_bfloat16() -> None:
    x = curta.randn(500).bfloat16()
    values, places = x.sort()
    np.testing.assert_array_equal(places.numpy(), np.argsort(x.float().numpy(), kind="stable"))
    assert values.tolist() == sorted(x.tolist())


def test_whole_range_of_integers() -> None:
    """The largest less the smallest has as many digits as there are."""
    edges = np.array([-(2**63), 2**63 - 1, 0, -1, 1] * 40)
    values, places = curta.from_numpy(edges).sort()
    np.testing.assert_array_equal(values.numpy(), np.sort(edges))
    np.testing.assert_array_equal(places.numpy(), np.argsort(edges, kind="stable"))
    assert curta.full((300,), 7).sort().indices.tolist() == list(range(300))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64"])
@pytest.mark.parametrize(("numbers", "largest"), [(1, 0), (100, 100), (70_001, 50), (300_000, 90), (300_000, 100_000)])
def test_bincount_of_many(dtype: str, numbers: int, largest: int) -> None:
    """Tables of several parts are added up where there are many numbers, and few different ones."""
    random = np.random.default_rng(numbers)
    x = random.integers(0, min(largest, np.iinfo(dtype).max) + 1, numbers).astype(dtype)
    found = curta.from_numpy(x).bincount()
    assert found.dtype is curta.int64
    np.testing.assert_array_equal(found.numpy(), np.bincount(x))
    np.testing.assert_array_equal(curta.from_numpy(x)[::2].bincount().numpy(), np.bincount(x[::2]))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_mode_against_counting(dtype: str, dim: int) -> None:
    random = np.random.default_rng(dim)
    x = random.integers(0, 5, (7, 11, 13)).astype(dtype)
    found = curta.from_numpy(x).mode(dim)
    for place in np.ndindex(*(size for axis, size in enumerate(x.shape) if axis != dim)):
        row = x[(*place[:dim], slice(None), *place[dim:])]
        values, counts = np.unique(row, return_counts=True)
        wanted = values[counts.argmax()]  # the smallest of equally frequent ones
        assert found.values.numpy()[place] == wanted
        assert found.indices.numpy()[place] == np.flatnonzero(row == wanted)[-1]


def test_mode_without_equal_elements() -> None:
    """NaN equals nothing."""
    x = curta.tensor([float("nan"), 2.0, float("nan"), 1.0])
    assert x.mode().values.item() == 1
    assert curta.full((3,), float("nan")).mode().indices.item() == 0


def test_mode() -> None:
    """The smallest of the most frequent, at its last place; NaN is equal to nothing; recorded from PyTorch 2.13."""
    for values, wanted in (
        ([1, 2, 2, 3, 3], (2, 2)),
        ([2, 1, 2, 1, 1, 2], (1, 4)),
        ([1.0, NAN, NAN, 3.0, 3.0], (3.0, 4)),
        ([True, False, True], (True, 2)),
    ):
        assert tuple(one.item() for one in curta.tensor(values).mode()) == wanted
    x = curta.tensor([[1, 2], [1, 3], [4, 3]])
    assert x.mode(0).values.tolist() == [1, 3]
    assert x.mode(0, keepdim=True).indices.tolist() == [[1, 2]]
    assert curta.zeros(0, 2).mode(1).values.shape == (0,)


# search


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "int64", "float16", "bool"])
def test_searchsorted(right: bool, dtype: str) -> None:
    side: Any = "right" if right else "left"
    for size in (1, 2, 7, 64):
        values, x = drawn((3, 5), dtype, 2)
        steps = np.sort(drawn((size,), dtype, 3)[0])
        wanted = np.searchsorted(steps, values, side)
        np.testing.assert_array_equal(curta.searchsorted(curta.from_numpy(steps), x, right=right).numpy(), wanted)
        np.testing.assert_array_equal(curta.bucketize(x.T, curta.from_numpy(steps), right=right).numpy(), wanted.T)
        rows = np.sort(drawn((size, 3), dtype, 3)[0], 0)
        found = curta.searchsorted(curta.from_numpy(rows).T, x, side=side).numpy()
        np.testing.assert_array_equal(
            found, [np.searchsorted(row, one, side) for row, one in zip(rows.T, values, strict=True)]
        )


def test_search_by_pytorchs_conventions() -> None:
    steps = curta.tensor([1, 2, 3])
    assert curta.searchsorted(steps, 2).item() == 1
    assert curta.searchsorted(steps, 2.5).item() == 2
    assert curta.searchsorted(steps, curta.tensor([2.5, NAN])).tolist() == [2, 3]
    assert (
        curta.searchsorted(curta.tensor([3.0, 1.0, 2.0]), curta.tensor([2.0]), sorter=curta.tensor([1, 2, 0])).item()
        == 1
    )
    assert curta.searchsorted(curta.zeros(0), curta.tensor([2.0])).tolist() == [0]
    assert curta.bucketize(3, steps, right=True, out_int32=True).dtype is curta.int32


def test_isin() -> None:
    values, x = drawn((6, 5), "int32")
    others = [3, -2, 7, 3]
    np.testing.assert_array_equal(curta.isin(x, curta.tensor(others)).numpy(), np.isin(values, others))
    assert curta.isin(curta.tensor([1.0, NAN]), curta.tensor([NAN, 1.0]), invert=True).tolist() == [False, True]
    assert curta.isin(curta.tensor([1, 2]), 2).tolist() == [False, True]
    assert curta.isin(1, curta.tensor([2, 1])).item() is True
    assert curta.isin(curta.tensor([1.5, 2.0]), curta.tensor([2])).tolist() == [False, True]
    assert curta.isin(x, curta.zeros(0), invert=True).all().item()


# counts and distinct elements


def test_histc() -> None:
    values = np.random.default_rng(3).uniform(-1, 1, 500).astype(np.float32)
    x = curta.from_numpy(values)
    np.testing.assert_array_equal(x.histc(7, -0.5, 0.75).numpy(), np.histogram(values, 7, (-0.5, 0.75))[0])
    assert x.histc(10).sum().item() == 500
    assert curta.tensor([1.0, 2.0, 1.0, NAN, 9.0]).histc(4, 0, 3).tolist() == [0.0, 2.0, 1.0, 0.0]
    assert curta.tensor([1.0, 1.0, 1.0]).histc(4).tolist() == [0.0, 0.0, 3.0, 0.0]
    assert curta.tensor([1.0, 2.0, 1.0], dtype=curta.float16).histc(2).tolist() == [2.0, 1.0]
    assert curta.zeros(0).histc(2).tolist() == [0.0, 0.0]
    assert curta.zeros(3, device="meta").histc(2).shape == (2,)


def test_bincount() -> None:
    x = curta.tensor([0, 1, 3, 1])
    assert x.bincount().tolist() == [1, 2, 0, 1]
    assert x.to(curta.uint8).bincount(minlength=6).tolist() == [1, 2, 0, 1, 0, 0]
    assert x.bincount(curta.tensor([0.5, 0.25, 1.0, 1.0])).tolist() == [0.5, 1.25, 0.0, 1.0]
    assert x.bincount(curta.tensor([1, 2, 3, 4])).dtype is curta.float64
    assert curta.zeros(0, dtype=curta.int64).bincount(minlength=2).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "bool"])
def test_unique(dtype: str) -> None:
    values, x = drawn((4, 9), dtype)
    found = x.unique(return_inverse=True, return_counts=True)
    wanted = np.unique(values.astype(np.float64), return_inverse=True, return_counts=True)
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(to_numpy(ours).astype(np.float64).reshape(-1), theirs.reshape(-1))
    assert found[1].shape == x.shape
    assert found[0].dtype is x.dtype


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64"])
@pytest.mark.parametrize("spread", [3, 255])
def test_unique_of_whole_numbers(dtype: str, spread: int) -> None:
    """Near to each other and far apart, at both ends of the format."""
    dice = np.random.default_rng(5)
    limits = np.iinfo(dtype)
    for low in (int(limits.min), int(limits.max) - spread):
        values = (low + dice.integers(0, spread + 1, (40, 10)).astype(object)).astype(dtype)[::2]
        found = curta.from_numpy(values).unique(return_inverse=True, return_counts=True)
        wanted = np.unique(values, return_inverse=True, return_counts=True)
        assert found[0].dtype is curta.from_numpy(values).dtype
        assert found[1].shape == values.shape
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(ours.numpy().reshape(-1), theirs.reshape(-1))
        np.testing.assert_array_equal(curta.from_numpy(values).unique().numpy(), wanted[0])


def test_unique_by_pytorchs_conventions() -> None:
    x = curta.tensor([[1, 2], [0, 1], [1, 2]])
    assert [one.tolist() for one in x.unique(True, True, True, 0)] == [[[0, 1], [1, 2]], [1, 0, 1], [1, 2]]
    assert x.unique(dim=1).tolist() == [[1, 2], [0, 1], [1, 2]]
    values, inverse, counts = curta.tensor([NAN, 1.0, NAN, -0.0, 0.0]).unique(True, True, True)
    np.testing.assert_array_equal(values.numpy(), [0.0, 1.0, NAN, NAN])
    assert (inverse.tolist(), counts.tolist()) == ([2, 1, 3, 0, 0], [2, 1, 1, 1])
    assert [one.tolist() for one in curta.tensor(3.0).unique(True, True, True)] == [[3.0], 0, [1]]
    assert curta.zeros(0, 3).unique(dim=0).shape == (0, 3)
    y = curta.tensor([1, 1, 2, 1])
    assert [one.tolist() for one in y.unique_consecutive(True, True)] == [[1, 2, 1], [0, 0, 1, 2], [2, 1, 1]]
    assert curta.tensor([[1, 1], [1, 1], [2, 1]]).unique_consecutive(dim=0).tolist() == [[1, 1], [2, 1]]
    assert curta.tensor([NAN, NAN]).unique_consecutive().shape == (2,)


# gradients, compiled functions, the books


def spread(seed: int = 7) -> Any:
    """Different numbers, so that no order changes within finite differences."""
    values = np.random.default_rng(seed).permutation(12).astype(np.float64)
    return curta.from_numpy(values.reshape(3, 4)).requires_grad_()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sort(0).values ** 2,
        lambda x: x.topk(2).values ** 2,
        lambda x: x.kthvalue(2, 0).values ** 2,
        lambda x: x.median(1).values ** 2,
        lambda x: x.median() ** 2,
        lambda x: x.mode(0).values ** 2,
        lambda x: x.quantile(curta.tensor([0.3, 0.8], dtype=curta.float64), 1) ** 2,
        lambda x: x.nanquantile(0.4) ** 2,
    ],
)
def test_gradients(function: Any) -> None:
    assert gradcheck(function, (spread(),))
    assert gradgradcheck(function, (spread(),))


def test_a_median_that_occurs_often_shares_its_gradient() -> None:
    for values, wanted in (([1.0, 2.0, 2.0, 5.0], [0.0, 0.5, 0.5, 0.0]), ([1.0, NAN, 2.0, NAN], [0.0, 0.5, 0.0, 0.5])):
        x = curta.tensor(values, requires_grad=True)
        x.median().backward()
        assert x.grad.tolist() == wanted


def _everything(x: Any, steps: Any) -> Any:
    values, places = x.sort(1, descending=True)
    near = curta.searchsorted(steps, x)
    inside = curta.isin(near, curta.tensor([1, 2]))
    ranks = (x.topk(2, 0).values, x.median(), x.mode(1).values, x.quantile(0.3), x.nanmedian(0).indices)
    return values, places, near, inside, *ranks


def test_compiled() -> None:
    """The same results, with the gradient's, as eager mode."""
    x, steps = spread().detach(), curta.tensor([2.5, 6.0, 9.0], dtype=curta.float64)
    for found, wanted in zip(curta.compile(_everything)(x, steps), _everything(x, steps), strict=True):
        assert found.tolist() == wanted.tolist()

    def slope(x: Any) -> Any:
        x = x.detach().requires_grad_()
        (x.topk(2).values ** 2).sum().backward()
        return x.grad

    assert curta.compile(slope)(x).tolist() == slope(x).tolist()


def test_what_depends_on_values_is_refused_when_compiled() -> None:
    for function in (curta.unique, curta.unique_consecutive, curta.bincount):
        with pytest.raises(curta.errors.CompileError, match="known only when the compiled function runs"):
            curta.compile(lambda x, function=function: function(x * 2))(curta.tensor([1, 2]))


def test_meta() -> None:
    x = curta.empty(3, 4, device="meta")
    values, places = x.sort(0)
    assert (values.shape, places.dtype, values.device.type) == ((3, 4), curta.int64, "meta")
    assert x.topk(2).values.shape == (3, 2)
    assert x.median().shape == ()
    assert x.mode(0).indices.shape == (4,)
    assert x.quantile(0.5, 0).shape == (4,)
    assert curta.searchsorted(curta.empty(5, device="meta"), x).shape == (3, 4)


def test_cost() -> None:
    """Comparisons are no FLOPs: everything is read once and written once."""
    x = curta.zeros(3, 4)
    values, places = x.sort(0)
    cost = SORT.cost((x.layout,), (values.layout, places.layout), dim=0, descending=False)
    assert cost[:4] == (0, 0, 48, 48 + 96)
    steps, found = curta.zeros(5), curta.searchsorted(curta.zeros(5), x)
    cost = SEARCH.cost((steps.layout, x.layout, int), (found.layout,), bits=3, right=False, dtype=curta.int64)
    assert cost[:4] == (0, 0, 3 * 12 * 4 + 48, 96)
    with curta.account() as account:
        x.sort(0)
    assert account.total.bytes_written == 144


def charged(function: Any) -> dict[str, tuple[int, ...]]:
    """(FLOPs, bytes read, bytes written) of the operators that run."""
    with curta.account(memory=False) as books:
        function()
    return {line.operator: (line.cost.flops, line.cost.bytes_read, line.cost.bytes_written) for line in books.lines}


def test_work_of_numpy_is_charged() -> None:
    """0 FLOPs, the bytes that it reads and makes."""
    x = curta.tensor([3, 1, 3, 2])
    assert charged(x.unique)["unique"] == (0, 32, 24)
    assert charged(lambda: x.unique(return_inverse=True, return_counts=True))["unique"] == (0, 32, 24 + 32 + 24)
    assert charged(x.unique_consecutive)["unique_consecutive"] == (0, 32, 32)
    assert charged(x.bincount)["bincount"] == (0, 32, 0)
    assert charged(x.bincount)["counts"] == (4, 32, 32)
    assert charged(lambda: (x > 2).nonzero())["nonzero"] == (0, 4, 16)
    assert charged(lambda: x[x > 2])["nonzero"] == (0, 4, 16)
    assert set(charged(lambda: x.double().histc(2))) >= {"amin", "amax", "scatter_rows"}
