"""Curta as its users call it, at the level of processor that this process has, against NumPy in float64.

Sizes stand around the vectors and tiles of every level. Whatever the level, whole numbers, orders and random numbers
come out the same to the bit, and sums stay within the bounds on their roundings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import curta
from curta import Tensor
from curta.nn import functional as F

FLOATS = ("float32", "float64", "bfloat16", "float16")
#: half a unit in the last place, relative
ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53, "bfloat16": 2.0**-8, "float16": 2.0**-11}
#: around a vector of 4, 8, 16, 32 and 64 lanes
COUNTS = (1, 3, 8, 15, 16, 17, 31, 33, 63, 64, 65, 130)
#: M, N, K
PRODUCTS = (
    (1, 40, 33), (2, 70, 3), (3, 1, 65), (5, 33, 0), (17, 16, 1), (33, 31, 2), (64, 35, 34), (16, 100, 129),
    (40, 65, 515),
)  # fmt: skip

#: numbers 0, 1, 33 and 69 of three draws of 70 after `manual_seed(7)`, written down at level avx2
WHOLE = [1024990859, 436970406, 246216802, 335179399]
UNIFORM = [0.5946298241615295, 0.9833081364631653, 0.07040244340896606, 0.0545383095741272]
NORMAL = [-0.7704497575759888, 1.8845911026000977, 0.9641745090484619, 0.06905090808868408]


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = curta.get_num_threads()
    yield curta.set_num_threads
    curta.set_num_threads(before)


def made(shape: tuple[int, ...], name: str, seed: int = 1) -> Tensor:
    return curta.tensor(np.random.default_rng(seed).standard_normal(shape)).to(getattr(curta, name))


def wide(tensor: Tensor) -> Any:
    return tensor.detach().double().numpy()


def near(found: Tensor, wanted: Any, size: Any, steps: int) -> None:
    """Within the rounding of a sum of `steps` numbers whose sizes add up to `size`, and of the result."""
    name = str(found.dtype).removeprefix("curta.")
    summing = ROUNDING["float64" if name == "float64" else "float32"]
    subnormal = 2.0**-24 if name == "float16" else 0.0
    bound = 2 * (steps + 2) * summing * size + ROUNDING[name] * np.abs(wanted) + subnormal + 1e-40
    assert (np.abs(wide(found) - wanted) <= bound).all()


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("layout", ["NN", "NT", "TN", "TT"])
def test_products(name: str, layout: str, threads: Callable[[int], None]) -> None:
    for M, N, K in PRODUCTS:
        a, b = made((K, M) if layout[0] == "T" else (M, K), name), made((N, K) if layout[1] == "T" else (K, N), name, 2)
        a, b = (a.T if layout[0] == "T" else a), (b.T if layout[1] == "T" else b)
        found = []
        for count in (1, 2):
            threads(count)
            found.append(a @ b)
        near(found[0], wide(a) @ wide(b), np.abs(wide(a)) @ np.abs(wide(b)), K)
        assert curta.equal(*found)


@pytest.mark.parametrize("name", FLOATS)
def test_products_in_batches(name: str) -> None:
    for first, second in (((3, 17, 40), (3, 40, 33)), ((4, 1, 65), (4, 65, 16)), ((2, 1, 5, 9), (1, 3, 9, 20))):
        a, b = made(first, name), made(second, name, 2)
        near(a @ b, wide(a) @ wide(b), np.abs(wide(a)) @ np.abs(wide(b)), first[-1])


@pytest.mark.parametrize("name", ["int8", "uint8", "int16", "int32", "int64"])
def test_products_of_whole_numbers_wrap_around(name: str) -> None:
    limits = np.iinfo(name)
    rng = np.random.default_rng(3)
    for M, N, K in PRODUCTS:
        a, b = (rng.integers(limits.min, limits.max, shape, name, endpoint=True) for shape in ((M, K), (K, N)))
        assert ((curta.from_numpy(a) @ curta.from_numpy(b)).numpy() == a @ b).all()


@pytest.mark.parametrize("name", FLOATS)
def test_endings(name: str) -> None:
    """A linear layer with bias, GELU, a residual and a conversion to float32, as one compiled program."""

    def layer(x: Tensor, weight: Tensor, bias: Tensor, rest: Tensor) -> Tensor:
        return (F.gelu(F.linear(x, weight, bias)) + rest).float()

    compiled = curta.compile(layer)
    for rows, inner, columns in ((1, 33, 40), (7, 65, 31), (40, 130, 70)):
        operands = [
            made(shape, name, seed)
            for seed, shape in enumerate([(rows, inner), (columns, inner), (columns,), (rows, columns)])
        ]
        x, weight, bias, rest = map(wide, operands)
        sums = x @ weight.T + bias
        erf = np.vectorize(math.erf)(sums / math.sqrt(2)) if rows else sums
        size = np.abs(x) @ np.abs(weight).T + np.abs(bias) + np.abs(rest)
        between = 4 * ROUNDING[name] * size if name != "float64" else 4 * ROUNDING["float32"] * size
        steps = 2 * (inner + 8) * ROUNDING["float32" if name != "float64" else "float64"] * size
        found = compiled(*operands)
        assert found.dtype is curta.float32
        assert (np.abs(wide(found) - (sums * (1 + erf) / 2 + rest)) <= between + steps).all()


@pytest.mark.parametrize("name", FLOATS)
def test_convolutions(name: str) -> None:
    """Values and both gradients of a convolution are those of the windows' product."""
    for images, channels, filters, height, width, kernel, stride, padding in (
        (2, 3, 5, 7, 9, 3, 1, 1), (1, 17, 33, 8, 8, 1, 1, 0), (2, 4, 16, 9, 18, 3, 2, 1), (4, 32, 34, 8, 8, 3, 1, 1),
    ):  # fmt: skip
        x, weight = made((images, channels, height, width), name), made((filters, channels, kernel, kernel), name, 2)
        x.requires_grad_(), weight.requires_grad_()
        out = F.conv2d(x, weight, stride=stride, padding=padding)
        g = made(tuple(out.shape), name, 3)
        out.backward(g)
        assert x.grad is not None
        assert weight.grad is not None
        exact, sizes = (
            _convolved(*map(change, map(wide, (x, weight, g))), stride, padding) for change in (_same, np.abs)
        )
        steps = (channels * kernel**2, filters * kernel**2, g[:, 0].numel())
        for found, wanted, size, count in zip((out, x.grad, weight.grad), exact, sizes, steps, strict=True):
            near(found, wanted, size, count)


def _same(array: Any) -> Any:
    return array


def _convolved(x: Any, weight: Any, g: Any, stride: int, padding: int) -> tuple[Any, Any, Any]:
    """A convolution and its gradients with respect to the images and the weight, a tap at a time."""
    kernel = weight.shape[-1]
    framed = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out, dx, dw = np.zeros(g.shape), np.zeros(framed.shape), np.zeros(weight.shape)
    for row in range(kernel):
        for column in range(kernel):
            rows = slice(row, row + (g.shape[2] - 1) * stride + 1, stride)
            columns = slice(column, column + (g.shape[3] - 1) * stride + 1, stride)
            seen = framed[:, :, rows, columns]
            out += np.einsum("nchw,fc->nfhw", seen, weight[:, :, row, column])
            dx[:, :, rows, columns] += np.einsum("nfhw,fc->nchw", g, weight[:, :, row, column])
            dw[:, :, row, column] += np.einsum("nfhw,nchw->fc", g, seen)
    inner = slice(padding, -padding or None)
    return out, dx[:, :, inner, inner], dw


@pytest.mark.parametrize("name", FLOATS)
def test_attention(name: str) -> None:
    for queries, keys, size, causal in ((5, 5, 8, True), (17, 33, 40, False), (70, 70, 16, True)):
        query, key, value = (made((2, n, size), name, seed) for seed, n in enumerate((queries, keys, keys)))
        for each in (query, key, value):
            each.requires_grad_()
        out = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        g = made(tuple(out.shape), name, 4)
        out.backward(g)
        wanted = _attention(*map(wide, (query, key, value, g)), causal)
        # a half format's result, from which the gradients are made, has been rounded
        exactness = ROUNDING[name] * 16 + ROUNDING["float64" if name == "float64" else "float32"] * 200
        for found, expected in zip((out, query.grad, key.grad, value.grad), wanted, strict=True):
            assert found is not None
            assert (np.abs(wide(found) - expected) <= exactness * np.abs(expected).max()).all()


def _attention(q: Any, k: Any, v: Any, g: Any, causal: bool) -> tuple[Any, Any, Any, Any]:
    scale = q.shape[-1] ** -0.5
    scores = q @ k.swapaxes(-1, -2) * scale
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    slopes = g @ v.swapaxes(-1, -2)
    slopes = weights * (slopes - (slopes * weights).sum(-1, keepdims=True)) * scale
    return weights @ v, slopes @ k, slopes.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ g


@pytest.mark.parametrize("name", FLOATS)
def test_a_head_and_its_loss(name: str) -> None:
    rows, inner, classes = 37, 48, 133
    x, weight = made((rows, inner), name), made((classes, inner), name, 2)
    x.requires_grad_(), weight.requires_grad_()
    labels = np.random.default_rng(5).integers(0, classes, rows)
    loss = F.linear_cross_entropy(x, weight, curta.from_numpy(labels))
    loss.backward()
    scores = wide(x) @ wide(weight).T
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    expected = -np.log(weights[np.arange(rows), labels]).mean()
    assert abs(loss.item() - expected) <= (2 * ROUNDING[name] + 1e-6) * np.abs(scores).max()
    weights[np.arange(rows), labels] -= 1
    weights /= rows
    pairs = ((x.grad, weights @ wide(weight)), (weight.grad, weights.T @ wide(x)))
    for found, expected in pairs:
        assert found is not None
        assert np.abs(wide(found) - expected).max() <= (8 * ROUNDING[name] + 1e-5) * np.abs(expected).max()


@pytest.mark.parametrize("name", FLOATS)
def test_elements(name: str) -> None:
    for count in COUNTS:
        x, y = made((count,), name), made((count,), name, 2)
        a, b = wide(x), wide(y)
        for found, wanted in (
            (x * y, a * b), (x + y, a + b), (x / y, a / b), (x.exp(), np.exp(a)), (x.tanh(), np.tanh(a)),
            (x.abs().log(), np.log(np.abs(a))), (x.sigmoid(), 1 / (1 + np.exp(-a))), (x.sin(), np.sin(a)),
            (curta.where(x > y, x, y), np.maximum(a, b)), (x[::2] - y[::2], a[::2] - b[::2]),
        ):  # fmt: skip
            near(found, wanted, 4 * np.abs(wanted), 1)


@pytest.mark.parametrize("name", FLOATS)
def test_conversions(name: str) -> None:
    values = np.array(
        [0.0, -0.0, 1.5, -2.25, 3e-8, 6e-5, -7e4, 1e-40, np.inf, -np.inf, np.nan, 255.0, 1 / 3], np.float32
    )
    for count in COUNTS:
        x = np.resize(values, count)
        kept = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
        with np.errstate(over="ignore"):
            wanted = x.astype(kept)
        found = curta.from_numpy(x).to(getattr(curta, name))
        np.testing.assert_array_equal(wide(found), wanted.astype(np.float64))
        whole = np.arange(count, dtype=np.int64) * 37 - 300
        np.testing.assert_array_equal(
            wide(curta.from_numpy(whole).to(found.dtype)), whole.astype(kept).astype(np.float64)
        )


@pytest.mark.parametrize("name", ["int8", "uint8", "int16", "int32", "int64"])
def test_whole_numbers(name: str) -> None:
    limits = np.iinfo(name)
    rng = np.random.default_rng(6)
    for count in COUNTS:
        a, b = (rng.integers(limits.min, limits.max, count, name, endpoint=True) for _ in range(2))
        x, y = curta.from_numpy(a), curta.from_numpy(b)
        for found, wanted in ((x + y, a + b), (x * y, a * b), (x & y, a & b), (x.maximum(y), np.maximum(a, b))):
            assert (found.numpy() == wanted).all()
        assert (x > y).numpy().tolist() == (a > b).tolist()
        assert x.sum().item() == a.sum(dtype=np.int64)
        assert x.sort().values.numpy().tolist() == np.sort(a).tolist()


@pytest.mark.parametrize("name", FLOATS)
def test_reductions(name: str) -> None:
    for rows, columns in ((3, 5), (7, 33), (40, 16), (2, 130), (65, 3)):
        x = made((rows, columns), name)
        a = wide(x)
        for dim in (0, 1):
            near(x.sum(dim), a.sum(dim), np.abs(a).sum(dim), a.shape[dim])
            near(x.mean(dim), a.mean(dim), np.abs(a).mean(dim), a.shape[dim])
            assert (wide(x.amax(dim)) == a.max(dim)).all()
            assert (x.argmin(dim).numpy() == a.argmin(dim)).all()
            weights = np.exp(a - a.max(dim, keepdims=True))
            near(x.softmax(dim), weights / weights.sum(dim, keepdims=True), 4.0, 4)
            near(x.cumsum(dim), a.cumsum(dim), np.abs(a).sum(dim, keepdims=True), a.shape[dim])


@pytest.mark.parametrize("name", FLOATS)
def test_orders(name: str) -> None:
    for count in (*COUNTS, 700):
        x = made((count,), name)
        values, indices = x.sort(stable=True)
        order = np.argsort(wide(x), kind="stable")
        assert indices.numpy().tolist() == order.tolist()
        assert (wide(values) == wide(x)[order]).all()
        largest = min(5, count)
        assert (wide(x.topk(largest).values) == wide(x)[order[::-1][:largest]]).all()


def test_random_numbers() -> None:
    """The stream is the same at every level; that it is Philox's, `tests/tensor/test_random.py` says."""
    curta.manual_seed(7)
    whole = curta.randint(0, 1 << 30, (70,)).numpy()
    uniform, normal = curta.rand(70).numpy(), curta.randn(70).numpy()
    assert whole[[0, 1, 33, 69]].tolist() == WHOLE
    assert uniform[[0, 1, 33, 69]].tolist() == UNIFORM
    np.testing.assert_allclose(normal[[0, 1, 33, 69]], NORMAL, rtol=1e-6)
