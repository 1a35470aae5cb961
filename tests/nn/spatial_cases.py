"""Functions over sequences, images and volumes: calls, their arrays, and what they give, worked out in plain NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SpatialCase:
    """`call(F, *tensors)` with `curta.nn.functional` or PyTorch's, and `oracle(*arrays)`, in float64.

    `ties` says that the arrays are of few whole numbers.
    """

    name: str
    call: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    oracle: Callable[..., Any]
    ties: bool = False

    def arrays(self) -> list[Any]:
        """The same numbers at every call."""
        generator = np.random.default_rng(3)
        drawn = [generator.uniform(-1.5, 1.5, shape) for shape in self.shapes]
        return [np.round(one * 2) for one in drawn] if self.ties else drawn


# convolutions, tap by tap


def _taps(kernel: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, kernel))


def convolved(
    x: Any, w: Any, b: Any = 0.0, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Any number of axes; `padding` is one number, or (before, behind) for each axis."""
    count = x.ndim - 2
    stride, dilation = (np.broadcast_to(one, count) for one in (stride, dilation))
    sides = [(padding, padding)] * count if isinstance(padding, int) else list(padding)
    x = np.pad(x, [(0, 0), (0, 0), *sides])
    kernel = w.shape[2:]
    sizes = [(x.shape[2 + a] - dilation[a] * (kernel[a] - 1) - 1) // stride[a] + 1 for a in range(count)]
    out = np.zeros((len(x), len(w), *sizes))
    for group in range(groups):
        filters = slice(group * len(w) // groups, (group + 1) * len(w) // groups)
        channels = slice(group * w.shape[1], (group + 1) * w.shape[1])
        for tap in _taps(kernel):
            places = tuple(
                slice(t * d, t * d + s * (n - 1) + 1, s)
                for t, d, s, n in zip(tap, dilation, stride, sizes, strict=True)
            )
            part = x[(slice(None), channels, *places)]
            out[:, filters] += np.einsum("nc...,oc->no...", part, w[(filters, slice(None), *tap)])
    return out + np.reshape(b, (-1,) + (1,) * count)


def spread(
    x: Any, w: Any, b: Any = 0.0, stride: int = 1, padding: int = 0, more: int = 0, groups: int = 1, dilation: int = 1
) -> Any:
    """A transposed convolution: every element times the kernels, added up where they lie, then cut off."""
    count, kernel, of_group = x.ndim - 2, w.shape[2:], w.shape[1]
    sizes = [(n - 1) * stride + dilation * (k - 1) + 1 for n, k in zip(x.shape[2:], kernel, strict=True)]
    out = np.zeros((len(x), of_group * groups, *(size + more for size in sizes)))
    for group in range(groups):
        channels = slice(group * x.shape[1] // groups, (group + 1) * x.shape[1] // groups)
        filters = slice(group * of_group, (group + 1) * of_group)
        for tap in _taps(kernel):
            places = tuple(
                slice(t * dilation, t * dilation + stride * (n - 1) + 1, stride)
                for t, n in zip(tap, x.shape[2:], strict=True)
            )
            shares = np.einsum("nc...,co->no...", x[:, channels], w[(channels, slice(None), *tap)])
            out[(slice(None), filters, *places)] += shares
    kept = tuple(slice(padding, size + more - padding) for size in sizes)
    return out[(slice(None), slice(None), *kept)] + np.reshape(b, (-1,) + (1,) * count)


CONVOLUTIONS = [
    SpatialCase(
        "conv1d", lambda F, *x: F.conv1d(*x, stride=2, padding=1, dilation=2, groups=2), ((2, 4, 8), (6, 2, 3), (6,)),
        lambda *x: convolved(*x, stride=2, padding=1, dilation=2, groups=2),
    ),
    SpatialCase(
        "conv1d same", lambda F, *x: F.conv1d(*x, padding="same"), ((1, 2, 5), (3, 2, 4)),
        lambda *x: convolved(*x, padding=[(1, 2)]),
    ),
    SpatialCase(
        "conv3d", lambda F, *x: F.conv3d(*x, stride=(1, 2, 1), padding=1, dilation=(2, 1, 1), groups=2),
        ((2, 4, 5, 4, 3), (4, 2, 2, 3, 2), (4,)),
        lambda *x: convolved(*x, stride=(1, 2, 1), padding=1, dilation=(2, 1, 1), groups=2),
    ),
    SpatialCase(
        "conv3d of single planes", lambda F, *x: F.conv3d(*x), ((1, 2, 3, 4, 3), (2, 2, 1, 2, 2)), convolved
    ),
    SpatialCase(
        "conv_tbc", lambda F, *x: F.conv_tbc(*x, 1), ((5, 2, 3), (3, 3, 4), (4,)),
        lambda x, w, b: convolved(x.transpose(1, 2, 0), w.transpose(2, 1, 0), b, padding=1).transpose(2, 0, 1),
    ),
    SpatialCase(
        "conv_transpose1d", lambda F, *x: F.conv_transpose1d(*x, 3, 1, 2, 2, 2), ((2, 4, 3), (4, 2, 3), (4,)),
        lambda *x: spread(*x, stride=3, padding=1, more=2, groups=2, dilation=2),
    ),
    SpatialCase(
        "conv_transpose2d", lambda F, *x: F.conv_transpose2d(*x, 2, 1, 1, 2), ((2, 4, 3, 4), (4, 2, 3, 3), (4,)),
        lambda *x: spread(*x, stride=2, padding=1, more=1, groups=2),
    ),
    SpatialCase(  # the result goes on behind the last kernel
        "conv_transpose2d dilated", lambda F, *x: F.conv_transpose2d(*x, output_padding=1, dilation=2),
        ((1, 2, 3, 3), (2, 2, 2, 2)),
        lambda *x: spread(*x, more=1, dilation=2),
    ),
    SpatialCase(
        "conv_transpose3d", lambda F, *x: F.conv_transpose3d(*x, 2, 1, 1, 2), ((1, 4, 2, 3, 2), (4, 1, 3, 2, 3), (2,)),
        lambda *x: spread(*x, stride=2, padding=1, more=1, groups=2),
    ),
]  # fmt: skip


# pooling, window by window


def pooled(x: Any, kernel: Any, stride: Any, padding: int, reduce: Any, ceil: bool = False, dilation: int = 1) -> Any:
    """`reduce(the window's elements, the size of the window with padding)` for every window of [N, C, ...]."""
    count = x.ndim - 2
    kernel, stride = np.broadcast_to(kernel, count), np.broadcast_to(stride, count)
    axes = []
    for size, k, s in zip(x.shape[2:], kernel, stride, strict=True):
        last = size + padding - 1 - dilation * (k - 1)
        last = min(size - 1, last + s - 1) if ceil else last
        axes.append([(at, min(at + k, size + padding) - at, [p for p in range(at, at + dilation * k, dilation)
                                                           if 0 <= p < size])
                     for at in range(-padding, last + 1, s)])  # fmt: skip
    made = np.zeros((*x.shape[:2], *map(len, axes)))
    for place in itertools.product(*(range(len(axis)) for axis in axes)):
        chosen = [axis[at] for axis, at in zip(axes, place, strict=True)]
        window = x[(slice(None), slice(None), *np.ix_(*(one[2] for one in chosen)))]
        made[(..., *place)] = reduce(window.reshape(*x.shape[:2], -1), np.prod([one[1] for one in chosen]))
    return made


def adaptive(x: Any, sizes: tuple[int, ...], reduce: Any) -> Any:
    made = np.zeros((*x.shape[:2], *sizes))
    for place in itertools.product(*map(range, sizes)):
        window = x[(slice(None), slice(None), *(
            slice(at * size // count, -(-(at + 1) * size // count))
            for at, count, size in zip(place, sizes, x.shape[2:], strict=True)
        ))]  # fmt: skip
        made[(..., *place)] = reduce(window.reshape(*x.shape[:2], -1))
    return made


def _largest(window: Any, size: int) -> Any:
    return window.max(-1)


def _mean(window: Any, size: int) -> Any:
    return window.sum(-1) / size


def _true_mean(window: Any, size: int) -> Any:
    return window.mean(-1)


def _unpooled(x: Any) -> Any:
    """The largest element of each pair of rows and columns stays, the first of equal ones."""
    made = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2):
        window = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        row, column = divmod(window.argmax(), 2)
        made[n, c, 2 * i + row, 2 * j + column] = window.max()
    return made


POOLING = [
    SpatialCase(
        "max_pool1d", lambda F, x: F.max_pool1d(x, 3, 2, 1, 2, True), ((2, 3, 9),),
        lambda x: pooled(x, 3, 2, 1, _largest, True, 2), ties=True,
    ),
    SpatialCase(
        "max_pool3d", lambda F, x: F.max_pool3d(x, (3, 2, 3), 2, 1, ceil_mode=True), ((2, 2, 5, 6, 7),),
        lambda x: pooled(x, (3, 2, 3), 2, 1, _largest, True), ties=True,
    ),
    SpatialCase(
        "avg_pool1d", lambda F, x: F.avg_pool1d(x, 3, 2, 1, True), ((2, 3, 8),),
        lambda x: pooled(x, 3, 2, 1, _mean, True),
    ),
    SpatialCase(
        "avg_pool3d", lambda F, x: F.avg_pool3d(x, 3, 2, 1, True), ((2, 2, 5, 6, 4),),
        lambda x: pooled(x, 3, 2, 1, _mean, True),
    ),
    SpatialCase(
        "avg_pool3d without padding", lambda F, x: F.avg_pool3d(x, 2, (2, 1, 2), 1, count_include_pad=False),
        ((1, 2, 3, 3, 4),), lambda x: pooled(x, 2, (2, 1, 2), 1, _true_mean),
    ),
    SpatialCase(
        "avg_pool3d divided", lambda F, x: F.avg_pool3d(x, (1, 2, 2), divisor_override=3), ((2, 2, 4, 4),),
        lambda x: pooled(x[None], (1, 2, 2), (1, 2, 2), 0, lambda window, size: window.sum(-1) / 3)[0],
    ),
    SpatialCase(
        "lp_pool1d", lambda F, x: F.lp_pool1d(x * x, 3, 2), ((2, 3, 7),),
        lambda x: pooled(x * x, 2, 2, 0, lambda window, size: (window**3).sum(-1) ** (1 / 3)),
    ),
    SpatialCase(
        "lp_pool3d", lambda F, x: F.lp_pool3d(x, 2, (2, 1, 2), 1), ((1, 2, 3, 2, 3),),
        lambda x: pooled(x, (2, 1, 2), 1, 0, lambda window, size: (window**2).sum(-1) ** 0.5),
    ),
    SpatialCase(
        "adaptive_avg_pool1d", lambda F, x: F.adaptive_avg_pool1d(x, 3), ((2, 3, 7),),
        lambda x: adaptive(x, (3,), lambda window: window.mean(-1)),
    ),
    SpatialCase(
        "adaptive_avg_pool3d", lambda F, x: F.adaptive_avg_pool3d(x, (2, None, 3)), ((2, 2, 5, 2, 7),),
        lambda x: adaptive(x, (2, 2, 3), lambda window: window.mean(-1)),
    ),
    SpatialCase(
        "adaptive_max_pool1d", lambda F, x: F.adaptive_max_pool1d(x, 3), ((2, 3, 7),),
        lambda x: adaptive(x, (3,), lambda window: window.max(-1)),
    ),
    SpatialCase(
        "adaptive_max_pool2d", lambda F, x: F.adaptive_max_pool2d(x, (None, 2)), ((2, 3, 4, 9),),
        lambda x: adaptive(x, (4, 2), lambda window: window.max(-1)),
    ),
    SpatialCase(
        "adaptive_max_pool3d", lambda F, x: F.adaptive_max_pool3d(x, (2, 1, 4)), ((2, 2, 5, 2, 3),),
        lambda x: adaptive(x, (2, 1, 4), lambda window: window.max(-1)),
    ),
    SpatialCase(
        "max_unpool2d", lambda F, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), ((2, 2, 4, 6),),
        _unpooled,
    ),
]  # fmt: skip


# padding: NumPy's own


def _pad(name: str, amounts: tuple[int, ...], mode: str, shape: tuple[int, ...], value: float | None = None) -> Any:
    words = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    last = list(zip(amounts[::2], amounts[1::2], strict=True))[::-1]
    sides = [(0, 0)] * (len(shape) - len(last)) + last
    more = {"constant_values": value or 0.0} if mode == "constant" else {}
    return SpatialCase(
        name, lambda F, x: F.pad(x, amounts, mode, value), (shape,), lambda x: np.pad(x, sides, words[mode], **more)
    )


PADDING = [
    _pad("pad with zeros", (1, 2, 0, 3), "constant", (2, 3, 4)),
    _pad("pad with a number", (1, 2, 0, 3), "constant", (2, 3, 4), 2.5),
    *(
        _pad(f"pad {mode} {count}d", (1, 2, 2, 0, 1, 1)[: 2 * count], mode, (2, 2, 3, 4, 3)[: count + 2])
        for mode in ("reflect", "replicate", "circular") for count in (1, 2, 3)
    ),
    *(_pad(f"pad {mode} far", (5, 3, 1, 2), mode, (1, 2, 4, 75)) for mode in ("reflect", "replicate", "circular")),
    SpatialCase("cropped", lambda F, x: F.pad(x, (-1, 2, 1, -2), value=4.0), ((2, 3, 4),),
                lambda x: np.pad(x[:, :1, 1:], [(0, 0), (1, 0), (0, 2)], constant_values=4.0)),
    SpatialCase("cropped and reflected", lambda F, x: F.pad(x, (-2, 3), "reflect"), ((2, 3, 4),),
                lambda x: x[..., [2, 3, 2, 1, 0]]),
]  # fmt: skip


# normalization


def _normal(x: Any, dims: tuple[int, ...]) -> Any:
    return (x - x.mean(dims, keepdims=True)) / np.sqrt(x.var(dims, keepdims=True) + 1e-3)


def _response(x: Any, size: int) -> Any:
    squares = np.pad(x * x, [(0, 0), (size // 2, (size - 1) // 2), (0, 0)])
    mean = sum(squares[:, at : at + x.shape[1]] for at in range(size)) / size
    return x / (1.3 + 0.7 * mean) ** 0.6


NORMALIZATION = [
    SpatialCase(
        "group_norm", lambda F, x, w, b: F.group_norm(x, 2, w, b, 1e-3), ((3, 4, 5, 2), (4,), (4,)),
        lambda x, w, b: _normal(x.reshape(3, 2, 2, 5, 2), (2, 3, 4)).reshape(x.shape) * w.reshape(-1, 1, 1)
        + b.reshape(-1, 1, 1),
    ),
    SpatialCase(
        "group_norm with a bias", lambda F, x, b: F.group_norm(x, 3, None, b, 1e-3), ((2, 6), (6,)),
        lambda x, b: _normal(x.reshape(2, 3, 2), (2,)).reshape(x.shape) + b,
    ),
    SpatialCase(
        "instance_norm", lambda F, x, w, b: F.instance_norm(x, None, None, w, b, eps=1e-3), ((2, 3, 5), (3,), (3,)),
        lambda x, w, b: _normal(x, (2,)) * w[:, None] + b[:, None],
    ),
    SpatialCase(
        "local_response_norm", lambda F, x: F.local_response_norm(x, 4, 0.7, 0.6, 1.3), ((2, 5, 3),),
        lambda x: _response(x, 4),
    ),
]  # fmt: skip


# windows as columns, pixels and channels


def _columns(x: Any) -> Any:
    """Windows of 2 x 3, 2 and 1 apart, their rows 2 apart, one zero above and below."""
    x = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 0)])
    rows, columns = range(0, x.shape[2] - 2, 2), range(x.shape[3] - 2)
    made = [x[:, :, i : i + 3 : 2, j : j + 3].reshape(len(x), -1) for i in rows for j in columns]
    return np.stack(made, -1)


def _added_up(columns: Any) -> Any:
    """The other way round, to 5 x 4."""
    made = np.zeros((len(columns), 2, 7, 4))
    for number, (i, j) in enumerate(itertools.product(range(0, 5, 2), range(2))):
        made[:, :, i : i + 3 : 2, j : j + 3] += columns[:, :, number].reshape(-1, 2, 2, 3)
    return made[:, :, 1:-1]


REARRANGING = [
    SpatialCase("unfold", lambda F, x: F.unfold(x, (2, 3), (2, 1), (1, 0), (2, 1)), ((2, 2, 5, 4),), _columns),
    SpatialCase("fold", lambda F, x: F.fold(x, (5, 4), (2, 3), (2, 1), (1, 0), (2, 1)), ((2, 12, 6),), _added_up),
    SpatialCase(  # more taps than one kernel has code for
        "fold of large windows", lambda F, x: F.fold(F.unfold(x, 5, padding=2), (5, 6), 5, padding=2), ((1, 2, 5, 6),),
        lambda x: x * np.outer([3, 4, 5, 4, 3], [3, 4, 5, 5, 4, 3]),
    ),
    SpatialCase(
        "pixel_shuffle", lambda F, x: F.pixel_shuffle(x, 2), ((2, 8, 3, 2),),
        lambda x: np.einsum("ncabhw->nchawb", x.reshape(2, 2, 2, 2, 3, 2)).reshape(2, 2, 6, 4),
    ),
    SpatialCase(
        "pixel_unshuffle", lambda F, x: F.pixel_unshuffle(x, 2), ((2, 6, 4),),
        lambda x: np.einsum("chawb->cabhw", x.reshape(2, 3, 2, 2, 2)).reshape(8, 3, 2),
    ),
    SpatialCase(
        "channel_shuffle", lambda F, x: F.channel_shuffle(x, 3), ((2, 6, 2),), lambda x: x[:, [0, 2, 4, 1, 3, 5]]
    ),
]  # fmt: skip


# other sizes: matrices along each axis


def _along(x: Any, *matrices: Any) -> Any:
    for axis, matrix in enumerate(matrices, 2):
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ np.asarray(matrix).T, -1, axis)
    return x


def _linear(size: int, count: int, factor: float | None = None, align: bool = False) -> Any:
    """Rows of `np.interp`'s weights: straight lines between the middles of elements."""
    if align:
        places = np.linspace(0, size - 1, count)
    else:
        places = (np.arange(count) + 0.5) * (1 / factor if factor else size / count) - 0.5
    return np.stack([np.interp(places, np.arange(size), row) for row in np.eye(size)], 1)


def _keys(x: Any, a: float) -> Any:
    """Keys' cubic kernel (1981), equation 15."""
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _cubic(size: int, count: int) -> Any:
    places = (np.arange(count) + 0.5) * size / count - 0.5
    matrix = np.zeros((count, size))
    for row, place in enumerate(places):
        for at in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            matrix[row, min(max(at, 0), size - 1)] += _keys(place - at, -0.75)
    return matrix


def _smooth(size: int, count: int, kernel: Any) -> Any:
    """A kernel as wide as the distance of the new elements, where that is larger, with a sum of 1."""
    stretch = max(size / count, 1.0)
    middles = (np.arange(count) + 0.5) * size / count
    weights = kernel((np.arange(size) + 0.5 - middles[:, None]) / stretch)
    return weights / weights.sum(1, keepdims=True)


RESIZING = [
    SpatialCase("nearest", lambda F, x: F.interpolate(x, (3, 10)), ((2, 2, 5, 4),),
                lambda x: x[:, :, [0, 1, 3]][..., [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]]),
    SpatialCase("nearest-exact", lambda F, x: F.interpolate(x, 3, mode="nearest-exact"), ((2, 2, 5),),
                lambda x: x[..., [0, 2, 4]]),
    SpatialCase("nearest repeated", lambda F, x: F.interpolate(x, scale_factor=(2, 1, 3)), ((2, 1, 2, 2, 2),),
                lambda x: x.repeat(2, 2).repeat(3, 4)),
    SpatialCase("linear", lambda F, x: F.interpolate(x, 7, mode="linear"), ((2, 2, 4),),
                lambda x: _along(x, _linear(4, 7))),
    SpatialCase("bilinear by a factor", lambda F, x: F.interpolate(x, scale_factor=1.7, mode="bilinear"),
                ((1, 2, 4, 3),), lambda x: _along(x, _linear(4, 6, 1.7), _linear(3, 5, 1.7))),
    SpatialCase("bilinear by a factor worked out anew", lambda F, x: F.interpolate(
        x, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True
    ), ((1, 2, 4, 3),), lambda x: _along(x, _linear(4, 6), _linear(3, 5))),
    SpatialCase("trilinear", lambda F, x: F.interpolate(x, (4, 2, 1), mode="trilinear", align_corners=True),
                ((1, 2, 3, 2, 3),),
                lambda x: _along(x, _linear(3, 4, align=True), np.eye(2), [[1.0, 0.0, 0.0]])),
    SpatialCase("bicubic", lambda F, x: F.interpolate(x, (3, 7), mode="bicubic"), ((2, 1, 5, 4),),
                lambda x: _along(x, _cubic(5, 3), _cubic(4, 7))),
    SpatialCase("bilinear without aliases", lambda F, x: F.interpolate(x, (3, 6), mode="bilinear", antialias=True),
                ((1, 2, 7, 4),), lambda x: _along(x, *(_smooth(*sizes, lambda x: np.maximum(1 - abs(x), 0))
                                                       for sizes in ((7, 3), (4, 6))))),
    SpatialCase("bicubic without aliases", lambda F, x: F.interpolate(x, (3, 2), mode="bicubic", antialias=True),
                ((1, 2, 7, 5),), lambda x: _along(x, *(_smooth(*sizes, lambda x: _keys(x, -0.5))
                                                       for sizes in ((7, 3), (5, 2))))),
    SpatialCase("lanczos", lambda F, x: F.interpolate(x, (3, 2), mode="lanczos", antialias=True), ((1, 2, 7, 5),),
                lambda x: _along(x, *(_smooth(*sizes, lambda x: np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0))
                                      for sizes in ((7, 3), (5, 2))))),
    SpatialCase("area", lambda F, x: F.interpolate(x, (2, 3), mode="area"), ((1, 2, 5, 3),),
                lambda x: adaptive(x, (2, 3), lambda window: window.mean(-1))),
]  # fmt: skip

CASES = [*CONVOLUTIONS, *POOLING, *PADDING, *NORMALIZATION, *REARRANGING, *RESIZING]
