"""Operators on images and on rows: what each computes, in plain NumPy, and what it costs, counted by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curta.dtypes import float32
from curta.ops import batch_normalization as bn
from curta.ops import convolution, group_normalization, pooling, resampling
from curta.ops import rms_normalization as rms
from curta.ops.record import Cost, Op

HALVES, FLOATS = ("float16", "bfloat16"), ("float32", "float64")
ALL = (*HALVES, *FLOATS)


@dataclass(frozen=True)
class ImageCase:
    """An operator with its operands: `shapes`, and the `numbers` behind them; `cost` is that in float32.

    `oracle(*arrays, **params)` gives the results in float64. `batched` are the operands that have the images along
    their first dimension, `gradients` those with a gradient. `places` make operands of whole numbers of a shape.
    """

    name: str
    op: Op
    shapes: tuple[tuple[int, ...], ...]
    oracle: Callable[..., Any]
    cost: Cost
    params: dict[str, Any] = field(default_factory=dict)
    numbers: tuple[float, ...] = ()
    batched: tuple[int, ...] = (0,)
    gradients: tuple[int, ...] = ()
    places: dict[int, Callable[[tuple[int, ...]], Any]] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ALL


# convolutions: 2 images of 2 groups of 2 channels, 5 x 6, with 2 groups of 3 filters of 3 x 2 taps, to 2 x 6

STRIDE, PADDING, DILATION = (2, 1), ((1, 0), (0, 2)), (1, 2)
CONVOLUTION = {"stride": STRIDE, "padding": PADDING, "dilation": DILATION, "groups": 2}
X, WEIGHT, OUT, BIAS = (2, 4, 5, 6), (6, 2, 3, 2), (2, 6, 2, 6), (1, 6, 1, 1)
MULTIPLY_ADDS = 2 * (2 * 6 * 2 * 6) * (2 * 3 * 2)
X_BYTES, WEIGHT_BYTES, OUT_BYTES, BIAS_BYTES = 960, 288, 576, 24


def _products(images: int) -> Iterator[tuple[Any, Any, Any]]:
    """Which element of the image and which of the weight make a product of which element of the result."""
    for place in itertools.product(range(images), range(6), range(2), range(6), range(2), range(3), range(2)):
        n, filter_, i, j, channel, tap, other = place
        row, column = i * STRIDE[0] + tap - PADDING[0][0], j * STRIDE[1] + other * DILATION[1] - PADDING[1][0]
        if 0 <= row < 5 and 0 <= column < 6:
            x = n, filter_ // 3 * 2 + channel, row, column
            yield x, (filter_, channel, tap, other), (n, filter_, i, j)


def _convolved(x: Any, weight: Any, *bias: Any, **params: Any) -> Any:
    out = np.zeros((len(x), *OUT[1:]))
    for image, tap, place in _products(len(x)):
        out[place] += x[image] * weight[tap]
    return sum(bias, out)


def _to_input(g: Any, weight: Any, **params: Any) -> Any:
    out = np.zeros((len(g), *X[1:]))
    for image, tap, place in _products(len(g)):
        out[image] += g[place] * weight[tap]
    return out


def _to_weight(x: Any, g: Any, **params: Any) -> Any:
    out = np.zeros(WEIGHT)
    for image, tap, place in _products(len(x)):
        out[tap] += x[image] * g[place]
    return out


CONVOLUTIONS = [
    ImageCase(
        "conv2d", convolution.CONV2D, (X, WEIGHT), _convolved,
        Cost(MULTIPLY_ADDS, 0, X_BYTES + WEIGHT_BYTES, OUT_BYTES, MULTIPLY_ADDS), CONVOLUTION, gradients=(0, 1),
    ),
    ImageCase(
        "conv2d with bias", convolution.CONV2D_WITH_BIAS, (X, WEIGHT, BIAS), _convolved,
        Cost(MULTIPLY_ADDS + 144, 0, X_BYTES + WEIGHT_BYTES + BIAS_BYTES, OUT_BYTES, MULTIPLY_ADDS), CONVOLUTION,
        gradients=(0, 1, 2),
    ),
    ImageCase(
        "conv2d_backward_input", convolution.CONV2D_BACKWARD_INPUT, (OUT, WEIGHT), _to_input,
        Cost(MULTIPLY_ADDS, 0, OUT_BYTES + WEIGHT_BYTES, X_BYTES, MULTIPLY_ADDS),
        {**CONVOLUTION, "size": (5, 6)}, gradients=(0, 1),
    ),
    ImageCase(
        "conv2d_backward_weight", convolution.CONV2D_BACKWARD_WEIGHT, (X, OUT), _to_weight,
        Cost(MULTIPLY_ADDS, 0, X_BYTES + OUT_BYTES, WEIGHT_BYTES, MULTIPLY_ADDS),
        {**CONVOLUTION, "kernel": (3, 2)}, batched=(0, 1), gradients=(0, 1),
    ),
    ImageCase(
        "conv_transpose2d", convolution.CONV_TRANSPOSE2D, (OUT, WEIGHT), _to_input,
        Cost(MULTIPLY_ADDS, 0, OUT_BYTES + WEIGHT_BYTES, X_BYTES, MULTIPLY_ADDS),
        {**CONVOLUTION, "size": (5, 6)}, gradients=(0, 1),
    ),
]  # fmt: skip

# windows added up where they lie: 2 x 3 of them, 3 x 2 taps, in 2 images of 2 channels of 5 x 8, of which they cover
# all rows, 4 of them once and the middle one twice, and 6 columns

FOLDED = {"size": (5, 8), "kernel": (3, 2), "stride": (2, 2), "dilation": (1, 1), "counts": (2, 3)}


def _folded(windows: Any, **params: Any) -> Any:
    out = np.zeros((*windows.shape[:2], 5, 8))
    for tap, other, i, j in itertools.product(range(3), range(2), range(2), range(3)):
        out[..., 2 * i + tap, 2 * j + other] += windows[..., tap, other, i, j]
    return out


FOLDS = [
    ImageCase(
        "fold",
        convolution.FOLD,
        ((2, 2, 3, 2, 2, 3),),
        _folded,
        Cost(4 * (36 - 30), 0, 576, 640),
        FOLDED,
        gradients=(0,),
    ),
]

# pooling: windows of 3 x 2, 2 apart, one row of padding, from 6 planes of 5 x 6 to 3 x 3

ROWS, COLUMNS = pooling.Windows(5, 3, 3, 2, 1), pooling.Windows(6, 3, 2, 2, 0)
POOL = {"rows": ROWS, "columns": COLUMNS}
SPANS = {"rows": ROWS.span(), "columns": COLUMNS.span()}
IMAGES, POOLED = (2, 3, 5, 6), (2, 3, 3, 3)
#: a window has 2 or 3 rows: 7 in all the three
ADDITIONS = 6 * (7 * 6 - 3 * 3)
#: 42 times a window reaches over one of the 30 elements
SHARES = 6 * (42 - 30)


def _windows(x: Any) -> Iterator[tuple[Any, int, int, Any]]:
    for i, j in itertools.product(range(3), range(3)):
        top, left = max(2 * i - 1, 0), 2 * j
        yield (..., i, j), top, left, x[..., top : 2 * i + 2, left : left + 2]


def _largest(x: Any, **params: Any) -> tuple[Any, Any]:
    values, places = np.zeros((len(x), *POOLED[1:])), np.zeros((len(x), *POOLED[1:]), np.int64)
    for where, top, left, window in _windows(x):
        best = window.reshape(*window.shape[:2], window.shape[2] * 2).argmax(-1)
        values[where] = window.max((2, 3))
        places[where] = (top + best // 2) * 6 + left + best % 2
    return values, places


def _largest_backward(g: Any, places: Any, **params: Any) -> Any:
    """A place counts for the windows that cover it."""
    out = np.zeros((len(g), *IMAGES[1:]))
    numbers = np.arange(30).reshape(1, 1, 5, 6)
    for where, top, left, window in _windows(np.broadcast_to(numbers, out.shape)):
        taken = window == places.astype(np.int64)[where][..., None, None]
        out[..., top : top + window.shape[2], left : left + 2] += taken * g[where][..., None, None]
    return out


def _places(shape: tuple[int, ...]) -> Any:
    """For each window one of its elements."""
    generator = np.random.default_rng(7)
    rows, columns = (2 * np.arange(3) + generator.integers(0, 2, shape) for _ in range(2))
    return np.minimum(rows.swapaxes(2, 3), 4) * 6 + columns


def _summed(x: Any, divisor: Any = 1, **params: Any) -> Any:
    out = np.zeros((len(x), *POOLED[1:]))
    for where, _, _, window in _windows(x):
        out[where] = window.sum((2, 3)) / divisor
    return out


POOLING = [
    ImageCase("window_sum", pooling.WINDOW_SUM, (IMAGES,), _summed, Cost(ADDITIONS, 0, 720, 216), SPANS,
              gradients=(0,), dtypes=FLOATS),
    ImageCase("avg_pool2d", pooling.AVG_POOL, (IMAGES,), _summed, Cost(ADDITIONS + 54, 0, 720, 216),
              {**SPANS, "dtype": None}, (6.0,), gradients=(0,)),
    ImageCase("max_pool2d", pooling.MAX_POOL, (IMAGES,), _largest, Cost(0, 0, 720, 216 + 432), POOL, gradients=(0,)),
    ImageCase("max_pool2d_backward", pooling.MAX_POOL_BACKWARD, (POOLED, POOLED), _largest_backward,
              Cost(SHARES, 0, 216 + 432, 720), POOL, batched=(0, 1), gradients=(0,), places={1: _places},
              dtypes=FLOATS),
]  # fmt: skip

# the largest of windows of different sizes: 2 x 3 of them over 5 x 6, 3 rows and 2 columns each, one row in both

ADAPTIVE = {"rows": pooling.Span(5, 2, 5, 0, 6, 2), "columns": pooling.Span(6, 3, 6, 0, 8, 3)}


def _largest_adaptive(x: Any, **params: Any) -> tuple[Any, Any]:
    values, places = np.zeros((len(x), 3, 2, 3)), np.zeros((len(x), 3, 2, 3), np.int64)
    for i, j in itertools.product(range(2), range(3)):
        window = x[..., 2 * i : 2 * i + 3, 2 * j : 2 * j + 2]
        best = window.reshape(*window.shape[:2], 6).argmax(-1)
        values[..., i, j], places[..., i, j] = window.max((2, 3)), (2 * i + best // 2) * 6 + 2 * j + best % 2
    return values, places


POOLING.append(
    ImageCase("max_pool2d adaptive", pooling.MAX_POOL, (IMAGES,), _largest_adaptive, Cost(0, 0, 720, 144 + 288),
              ADAPTIVE, gradients=(0,))
)  # fmt: skip

# sums of 3 weighted elements along the third of four dimensions, of 4

WEIGHTED = [
    ImageCase("weighted_sum", resampling.WEIGHTED_SUM, ((2, 4, 3, 5), (4, 3, 1)),
              lambda x, weights, dim: (x * weights).sum(dim, keepdims=True), Cost(120 + 80, 0, 480 + 48, 160),
              {"dim": 2}, gradients=(0, 1)),
]  # fmt: skip

# group normalization of 4 samples of 2 groups of 3 channels of 5 elements: 120 in all, 8 groups; each sum takes 112
# additions; a mean and a variance are divided, the root takes two FLOPs

GROUPS, AFFINE = (4, 2, 3, 5), (1, 2, 3, 1)


def _group_norm(x: Any, *rest: Any, eps: float) -> Any:
    weight, bias = rest[:-1] or (1, 0)
    mean = x.mean((2, 3), keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean((2, 3), keepdims=True) + eps) * weight + bias


GROUP_NORMS = [
    ImageCase("group_norm", group_normalization.GROUP_NORM, (GROUPS, AFFINE, AFFINE), _group_norm,
              Cost(5 * 120 + 2 * 112 + 5 * 8, 0, 480 + 48, 480), {"eps": 1e-3}, (15.0,), gradients=(0, 1, 2)),
    ImageCase("plain_group_norm", group_normalization.PLAIN_GROUP_NORM, (GROUPS,), _group_norm,
              Cost(3 * 120 + 2 * 112 + 5 * 8, 0, 480, 480), {"eps": 1e-3}, (15.0,), gradients=(0,)),
]  # fmt: skip

# batch normalization of 3 channels of 40 elements: 120 in all; a sum over the channels takes 117 additions,
# 1 / sqrt(var + eps) three FLOPs a channel

BATCH, CHANNELS, EPS = (4, 3, 5, 2), (1, 3, 1, 1), 1e-3
NORMAL = {"eps": EPS}


def _over_channels(values: Any) -> Any:
    return values.sum((0, 2, 3), keepdims=True)


def _normal(x: Any, mean: Any, var: Any) -> Any:
    return (x - mean) / np.sqrt(var + EPS)


def _normalized(x: Any, *rest: Any, eps: float) -> tuple[Any, Any, Any]:
    *affine, count = rest
    mean = _over_channels(x) / count
    var = _over_channels((x - mean) ** 2) / count
    weight, bias = affine or (1, 0)
    return _normal(x, mean, var) * weight + bias, mean, var


def _known(x: Any, mean: Any, var: Any, weight: Any = 1, bias: Any = 0, *, eps: float) -> Any:
    return _normal(x, mean, var) * weight + bias


def _parameters_backward(g: Any, x: Any, mean: Any, var: Any, *, eps: float) -> tuple[Any, Any]:
    return _over_channels(g * _normal(x, mean, var)), _over_channels(g)


def _plain_backward(g: Any, x: Any, mean: Any, var: Any, count: Any, *, eps: float) -> Any:
    along, across = _parameters_backward(g, x, mean, var, eps=eps)
    return (g - across / count - _normal(x, mean, var) * along / count) / np.sqrt(var + EPS)


def _backward(g: Any, x: Any, weight: Any, mean: Any, var: Any, count: Any, *, eps: float) -> tuple[Any, Any, Any]:
    dx = _plain_backward(g, x, mean, var, count, eps=eps) * weight
    return dx, *_parameters_backward(g, x, mean, var, eps=eps)


def _running(mean: Any, var: Any, new_mean: Any, new_var: Any, kept: Any, taken: Any, unbiased: Any) -> Any:
    return mean * kept + new_mean * taken, var * kept + new_var * unbiased * taken


def _batch_norm(
    name: str, op: Op, oracle: Any, shapes: tuple[tuple[int, ...], ...], cost: Cost, numbers: tuple[float, ...] = (),
    gradients: tuple[int, ...] = (), batched: tuple[int, ...] = (0,), params: dict[str, Any] = NORMAL,
    dtypes: tuple[str, ...] = FLOATS,
) -> ImageCase:  # fmt: skip
    return ImageCase(name, op, shapes, oracle, cost, params, numbers, batched, gradients, dtypes=dtypes)


B, C = BATCH, CHANNELS
BATCH_NORMS = [
    _batch_norm("batch_norm", bn.BATCH_NORM, _normalized, (B, C, C),
                Cost(6 * 120 + 3 * 117 + 9 * 3, 0, 480 + 24, 480 + 24), (40.0,), (0, 1, 2)),
    _batch_norm("plain_batch_norm", bn.PLAIN_BATCH_NORM, _normalized, (B,),
                Cost(4 * 120 + 3 * 117 + 9 * 3, 0, 480, 480 + 24), (40.0,), (0,), dtypes=ALL),
    _batch_norm("batch_norm_backward", bn.BATCH_NORM_BACKWARD, _backward, (B, B, C, C, C),
                Cost(7 * 120 + 2 * 117 + 6 * 3, 0, 960 + 36, 480 + 24), (40.0,), batched=(0, 1)),
    _batch_norm("plain_batch_norm_backward", bn.PLAIN_BATCH_NORM_BACKWARD, _plain_backward, (B, B, C, C),
                Cost(7 * 120 + 2 * 117 + 5 * 3, 0, 960 + 24, 480), (40.0,), batched=(0, 1)),
    _batch_norm("batch_norm_dparameters", bn.BATCH_NORM_DPARAMETERS, _parameters_backward, (B, B, C, C),
                Cost(3 * 120 + 2 * 117 + 3 * 3, 0, 960 + 24, 24), batched=(0, 1)),
    _batch_norm("batch_norm_inference", bn.BATCH_NORM_INFERENCE, _known, (B, C, C, C, C),
                Cost(4 * 120 + 3 * 3, 0, 480 + 48, 480), gradients=(0, 1, 2, 3, 4), dtypes=ALL),
    _batch_norm("plain_batch_norm_inference", bn.PLAIN_BATCH_NORM_INFERENCE, _known, (B, C, C),
                Cost(2 * 120 + 3 * 3, 0, 480 + 24, 480), gradients=(0, 1, 2), dtypes=ALL),
    _batch_norm("running_statistics", bn.RUNNING_STATISTICS, _running, (C, C, C, C), Cost(7 * 3, 0, 48, 24),
                (0.9, 0.1, 1.025), batched=(), params={}),
]  # fmt: skip

# root mean square normalization of 5 rows of 2 x 3 elements: 30 in all; a sum over the rows takes 25 additions, one
# over the elements at each place 24; 1 / root of the mean square four FLOPs a row

ROWS, ROW, ROOTS = (5, 2, 3), (1, 2, 3), (5, 1, 1)
RMS: dict[str, Any] = {"count": 2}


def _rms_norm(x: Any, weight: Any = 1, *, count: int, eps: float) -> tuple[Any, Any]:
    rstd = 1 / np.sqrt((x**2).mean((1, 2), keepdims=True) + eps)
    return x * rstd * weight, rstd


def _rms_norm_backward(g: Any, x: Any, weight: Any, rstd: Any, *, count: int) -> Any:
    return (g * weight - x * rstd * (g * weight * x * rstd).mean((1, 2), keepdims=True)) * rstd


def _plain_rms_norm_backward(g: Any, x: Any, rstd: Any, *, count: int) -> Any:
    return _rms_norm_backward(g, x, 1, rstd, count=count)


def _rms_norm_dweight(g: Any, x: Any, rstd: Any, *, count: int) -> Any:
    return (g * x * rstd).sum(0, keepdims=True)


RMS_NORMS = [
    ImageCase("rms_norm", rms.RMS_NORM, (ROWS, ROW), _rms_norm, Cost(3 * 30 + 25 + 4 * 5, 0, 144, 140),
              {**RMS, "eps": EPS}, gradients=(0, 1)),
    ImageCase("plain_rms_norm", rms.PLAIN_RMS_NORM, (ROWS,), _rms_norm, Cost(2 * 30 + 25 + 4 * 5, 0, 120, 140),
              {**RMS, "eps": EPS}, gradients=(0,)),
    ImageCase("rms_norm_backward", rms.RMS_NORM_BACKWARD, (ROWS, ROWS, ROW, ROOTS), _rms_norm_backward,
              Cost(6 * 30 + 25 + 5, 0, 284, 120), RMS, batched=(0, 1, 3), dtypes=FLOATS),
    ImageCase("plain_rms_norm_backward", rms.PLAIN_RMS_NORM_BACKWARD, (ROWS, ROWS, ROOTS), _plain_rms_norm_backward,
              Cost(5 * 30 + 25 + 5, 0, 260, 120), RMS, batched=(0, 1, 2), dtypes=FLOATS),
    ImageCase("rms_norm_dweight", rms.RMS_NORM_DWEIGHT, (ROWS, ROWS, ROOTS), _rms_norm_dweight,
              Cost(2 * 30 + 24, 0, 260, 24), RMS, batched=(0, 1, 2), dtypes=FLOATS),
]  # fmt: skip

IMAGE_CASES = [*CONVOLUTIONS, *FOLDS, *POOLING, *WEIGHTED, *GROUP_NORMS, *BATCH_NORMS, *RMS_NORMS]


def params_of(case: ImageCase, dtype: Any = float32) -> dict[str, Any]:
    """The operator's parameters for operands of a format."""
    return {name: dtype if name == "dtype" else value for name, value in case.params.items()}
