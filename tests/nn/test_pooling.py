"""Pooling against windows taken one by one in NumPy, and hand-worked ties, infinities and NaN."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.nn import functional as F

RNG = np.random.default_rng(5)
INF, NAN = float("inf"), float("nan")
SHAPE = (2, 3, 7, 9)
#: kernel, stride, padding, ceil_mode
OPTIONS = [
    ((2, 2), (2, 2), (0, 0), False),
    ((2, 2), (2, 2), (1, 1), True),
    ((3, 3), (2, 2), (1, 1), False),
    ((3, 3), (2, 2), (0, 0), True),
    ((3, 3), (1, 1), (1, 1), False),
    ((3, 2), (3, 1), (0, 1), True),
    ((1, 5), (2, 3), (0, 2), False),
]


def starts(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> list[int]:
    """Where windows begin: as long as one fits, or with `ceil` begins before the padding behind the image."""
    reach = dilation * (kernel - 1)
    last = size + padding - 1 - reach
    if ceil:
        last = min(size - 1, last + stride - 1)
    return list(range(-padding, last + 1, stride))


def windows(kernel: Any, stride: Any, padding: Any, ceil: bool, dilation: int = 1) -> Iterator[Any]:
    """(place of the window, rows of the image in it, columns)."""
    axes = [
        [
            [p for p in range(start, start + dilation * k, dilation) if 0 <= p < size]
            for start in starts(size, k, s, around, dilation, ceil)
        ]
        for size, k, s, around in zip(SHAPE[2:], kernel, stride, padding, strict=True)
    ]
    for (i, rows), (j, columns) in itertools.product(*map(enumerate, axes)):
        yield (..., i, j), rows, columns


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("kernel", "stride", "padding", "ceil"), OPTIONS)
def test_largest_elements_and_where_they_are(kernel: Any, stride: Any, padding: Any, ceil: bool, dilation: int) -> None:
    x = np.maximum(np.round(2 * RNG.standard_normal(SHAPE)), 0)  # many ties, most of them zeros
    tensor = curta.from_numpy(x.copy()).requires_grad_()
    made, places = F.max_pool2d(tensor, kernel, stride, padding, dilation, ceil, return_indices=True)
    seed = RNG.standard_normal(tuple(made.shape))
    made.backward(curta.from_numpy(seed.copy()))
    wanted, slopes, seen = np.full(seed.shape, NAN), np.zeros(SHAPE), 0
    for place, rows, columns in windows(kernel, stride, padding, ceil, dilation):
        seen += 1
        for n, c in np.ndindex(*SHAPE[:2]):
            part = x[n, c][np.ix_(rows, columns)]
            row, column = np.unravel_index(part.argmax(), part.shape)  # NumPy's is the first as well
            wanted[n, c, *place[1:]] = part.max()
            slopes[n, c, rows[row], columns[column]] += seed[n, c, *place[1:]]
            assert places.numpy()[n, c, *place[1:]] == rows[row] * SHAPE[3] + columns[column]
    assert seen == seed.shape[2] * seed.shape[3]
    assert (made.detach().numpy() == wanted).all()
    np.testing.assert_allclose(tensor.grad.numpy(), slopes, rtol=1e-13, atol=1e-13)
    assert (F.max_pool2d(tensor[0], kernel, stride, padding, dilation, ceil).detach().numpy() == wanted[0]).all()


@pytest.mark.parametrize(("kernel", "stride", "padding", "ceil"), OPTIONS)
def test_means(kernel: Any, stride: Any, padding: Any, ceil: bool) -> None:
    x = RNG.standard_normal(SHAPE)
    tensor = curta.from_numpy(x.copy()).requires_grad_()
    # with the padding as elements a window ends with the padding
    ends = [size + around for size, around in zip(SHAPE[2:], padding, strict=True)]
    for include, override in ((True, None), (False, None), (True, 7), (False, -3)):
        made = F.avg_pool2d(tensor, kernel, stride, padding, ceil, include, override)
        seed = RNG.standard_normal(tuple(made.shape))
        tensor.grad = None
        made.backward(curta.from_numpy(seed.copy()))
        wanted, slopes = np.full(seed.shape, NAN), np.zeros(SHAPE)
        for place, rows, columns in windows(kernel, stride, padding, ceil):
            begins = [at * s - p for at, s, p in zip(place[1:], stride, padding, strict=True)]
            whole = np.prod([min(b + k, end) - b for b, k, end in zip(begins, kernel, ends, strict=True)])
            count = override or (whole if include else len(rows) * len(columns))
            wanted[place] = x[..., rows, :][..., columns].sum((2, 3)) / count
            slopes[..., np.ix_(rows, columns)[0], columns] += seed[place][..., None, None] / count
        np.testing.assert_allclose(made.detach().numpy(), wanted, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(tensor.grad.numpy(), slopes, rtol=1e-12, atol=1e-13)
        again = F.avg_pool2d(tensor[0], kernel, stride, padding, ceil, include, override)
        np.testing.assert_allclose(again.detach().numpy(), wanted[0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3, (3, 4), (None, 2), (5, None), (7, 9), (11, 20), (1, 3), None])
def test_adaptive_means(size: Any) -> None:
    x = RNG.standard_normal(SHAPE)
    tensor = curta.from_numpy(x.copy()).requires_grad_()
    made = F.adaptive_avg_pool2d(tensor, size)
    H, W = SHAPE[2:]
    pair = size if isinstance(size, tuple) else (size, size)
    high, wide = H if pair[0] is None else pair[0], W if pair[1] is None else pair[1]
    seed = RNG.standard_normal((*SHAPE[:2], high, wide))
    made.backward(curta.from_numpy(seed.copy()))
    wanted, slopes = np.full(seed.shape, NAN), np.zeros(SHAPE)
    for i, j in np.ndindex(high, wide):
        rows = slice(i * H // high, -(-(i + 1) * H // high))
        columns = slice(j * W // wide, -(-(j + 1) * W // wide))
        part = x[..., rows, columns]
        wanted[..., i, j] = part.mean((2, 3))
        slopes[..., rows, columns] += seed[..., i, j][..., None, None] / (part.shape[2] * part.shape[3])
    np.testing.assert_allclose(made.detach().numpy(), wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(tensor.grad.numpy(), slopes, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(F.adaptive_avg_pool2d(tensor[1], size).detach().numpy(), wanted[1], rtol=1e-12)


def test_large_windows_go_along_one_axis_after_the_other() -> None:
    x = np.maximum(RNG.standard_normal((1, 2, 20, 23)), 0)
    tensor = curta.from_numpy(x.copy())
    made, places = F.max_pool2d(tensor, (10, 11), (10, 12), return_indices=True)
    mean = F.avg_pool2d(tensor, (10, 11), (10, 12))
    for c, i, j in np.ndindex(2, 2, 2):
        part = x[0, c, 10 * i : 10 * i + 10, 12 * j : 12 * j + 11]
        row, column = np.unravel_index(part.argmax(), part.shape)
        assert made[0, c, i, j].item() == part.max()
        assert places[0, c, i, j].item() == (10 * i + row) * 23 + 12 * j + column
        np.testing.assert_allclose(mean[0, c, i, j].item(), part.mean(), rtol=1e-13)
    smooth = curta.from_numpy(RNG.standard_normal((1, 1, 9, 9))).requires_grad_()
    assert curta.autograd.gradcheck(lambda x: F.max_pool2d(x, 9), (smooth,))
    assert curta.autograd.gradcheck(lambda x: F.avg_pool2d(x, 9), (smooth,))


@pytest.mark.parametrize("name", ["max", "average", "adaptive"])
def test_gradients_can_be_differentiated_again(name: str) -> None:
    function = {
        "max": lambda x: F.max_pool2d(x, 3, 2, 1),
        "average": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        "adaptive": lambda x: F.adaptive_avg_pool2d(x, 2),
    }[name]
    x = curta.from_numpy(RNG.standard_normal((1, 2, 5, 5))).requires_grad_()
    assert curta.autograd.gradcheck(function, (x,))
    assert curta.autograd.gradgradcheck(lambda x: function(x).sin(), (x,))


# values as torch 2.13 gives them


def test_infinities_and_nan() -> None:
    lowest, places = F.max_pool2d(curta.full((1, 1, 3, 3), -INF), 2, 1, return_indices=True)
    assert (lowest.tolist(), places.tolist()) == ([[[[-INF] * 2] * 2]], [[[[0, 1], [3, 4]]]])
    x = curta.tensor([[[[0.0, NAN, 1.0], [2.0, NAN, 0.0], [0.0, 0.0, 0.0]]]])
    made, places = F.max_pool2d(x, 3, 1, 1, return_indices=True)
    assert made.isnan().all().item()
    assert places.tolist() == [[[[4, 4, 4]] * 3]]
    mean = F.avg_pool2d(curta.tensor([[[[INF, 1.0, 2.0, 3.0]]]]), (1, 2))
    assert mean.tolist() == [[[[INF, 2.5]]]]


@pytest.mark.parametrize("dtype", [curta.int32, curta.uint8, curta.int64])
def test_largest_integers(dtype: Any) -> None:
    x = curta.tensor([[[[1, 7, 3], [5, 2, 9]]]], dtype=dtype)
    assert F.max_pool2d(x, 2, 1, (1, 0)).tolist() == [[[[7, 7], [7, 9], [5, 9]]]]


@pytest.mark.parametrize("dtype", [curta.bfloat16, curta.float16])
def test_half_formats(dtype: Any) -> None:
    x = curta.from_numpy(RNG.standard_normal(SHAPE)).to(dtype)
    step = 2.0**-8 if dtype is curta.bfloat16 else 2.0**-11
    for function in (
        lambda x: F.avg_pool2d(x, 3, 2, 1), lambda x: F.adaptive_avg_pool2d(x, 2), lambda x: F.adaptive_avg_pool2d(x, 1)
    ):  # fmt: skip
        made, wanted = function(x), function(x.double()).numpy()
        assert made.dtype is dtype
        assert (np.abs(made.double().numpy() - wanted) <= np.abs(wanted) * step + 1e-6).all()
    assert (F.max_pool2d(x, 3).double() == F.max_pool2d(x.double(), 3)).all().item()


def test_empty_batches_and_sizes() -> None:
    x = curta.zeros(0, 2, 4, 4, requires_grad=True)
    for function in (F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d):
        assert function(x, 2).shape == (0, 2, 2, 2)
    image = curta.ones(1, 2, 4, 4, requires_grad=True)
    made = F.adaptive_avg_pool2d(image, (0, 3))
    assert made.shape == (1, 2, 0, 3)
    made.sum().backward()
    assert image.grad.abs().sum().item() == 0.0


def test_modules_print_as_torchs_and_compile() -> None:
    assert repr(nn.MaxPool2d(3, 2, 1)) == ("MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)")
    assert repr(nn.AvgPool2d((2, 3), padding=1)) == "AvgPool2d(kernel_size=(2, 3), stride=(2, 3), padding=1)"
    assert repr(nn.AdaptiveAvgPool2d((1, None))) == "AdaptiveAvgPool2d(output_size=(1, None))"
    model = nn.Sequential(
        nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2, 1, 1, count_include_pad=False), nn.AdaptiveAvgPool2d(2)
    )
    x = curta.randn(2, 3, 9, 9)

    def run(x: Any) -> Any:
        x = x.detach().requires_grad_()
        made = model(x)
        made.backward(made.detach())
        return made, x.grad

    compiled = curta.compile(run)
    for mine, other in zip(compiled(x), run(x), strict=True):
        assert (mine.detach().numpy() == other.detach().numpy()).all()
    values, places = nn.MaxPool2d(2, return_indices=True)(x)
    assert (x.flatten(2).gather(2, places.flatten(2)) == values.flatten(2)).all().item()
