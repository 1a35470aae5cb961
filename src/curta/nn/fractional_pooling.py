"""Pooling over windows at random places (Graham 2014) for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from curta import functions
from curta.dtypes import float64, int64
from curta.errors import ArgumentError, ShapeError
from curta.functions import creation
from curta.nn.pooling import checked
from curta.nn.windows import Numbers, each_axis, sizes_of
from curta.tensor import Tensor

Ratio = float | Sequence[float]


def fractional_max_pool2d(
    input: Tensor, kernel_size: Numbers, output_size: Numbers | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest elements of windows at random distances in [N, C, H, W] (or [C, H, W]).

    The result has `output_size`, or `output_ratio` times the input's. `_random_samples` [N, C, 2] in [0, 1) are where
    the windows of each image begin; drawn unless given.

    >>> import curta
    >>> tuple(fractional_max_pool2d(curta.ones(1, 2, 9, 9), 2, output_ratio=0.5).shape)
    (1, 2, 4, 4)
    """
    options = (kernel_size, output_size, output_ratio, return_indices, _random_samples)
    return _fractional("fractional_max_pool2d", input, *options)


def fractional_max_pool3d(
    input: Tensor, kernel_size: Numbers, output_size: Numbers | None = None, output_ratio: Ratio | None = None,
    return_indices: bool = False, _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest elements of windows at random distances in [N, C, D, H, W] (or [C, D, H, W])."""
    options = (kernel_size, output_size, output_ratio, return_indices, _random_samples)
    return _fractional("fractional_max_pool3d", input, *options)


def _fractional(
    name: str, input: Tensor, kernel_size: Any, output_size: Any, ratio: Any, return_indices: bool, samples: Any
) -> Any:
    count = int(name[-2])
    if output_size is None and ratio is None:
        raise ArgumentError(f"{name} requires specifying either an output_size or an output_ratio")
    x = checked(name, input)
    sizes = sizes_of(x, count)
    kernel = each_axis(kernel_size, count, f"{name}: kernel_size must be one number, or one for each axis")
    if output_size is None:
        ratios = ratio if isinstance(ratio, (tuple, list)) else (ratio,) * count
        output_size = tuple(int(size * share) for size, share in zip(sizes, ratios, strict=True))
    wanted = each_axis(output_size, count, f"{name}: output_size must be one number, or one for each axis")
    for axis, (size, taps, made) in enumerate(zip(sizes, kernel, wanted, strict=True)):
        if made + taps - 1 > size:
            word = ("time", "height", "width")[axis + 3 - count]
            raise ShapeError(f"{name}(): pool {word} {taps} too large relative to input {word} {size}")
    batched = x if x.layout.rank == count + 2 else x.unsqueeze(0)
    lead = batched.layout.shape[:2]
    if samples is None:
        samples = functions.rand(*lead, count, dtype=x.layout.dtype, device=x.layout.device)
    elif samples.layout.shape != (*lead, count):
        raise ShapeError(f"Expect _random_samples of shape {[*lead, count]}, got {list(samples.layout.shape)}")
    values, places = _largest(batched, kernel, wanted, samples)
    if batched is not x:
        values, places = values.squeeze(0), places.squeeze(0)
    return (values, places) if return_indices else values


def _largest(x: Any, kernel: tuple[int, ...], wanted: tuple[int, ...], samples: Any) -> tuple[Any, Any]:
    """All windows' elements next to each other, and the largest of each."""
    count = len(kernel)
    lead, sizes = x.layout.shape[:2], sizes_of(x, count)
    flat: Any = 0
    for axis in range(count):
        # the samples of the last axis come first in PyTorch's layout for images
        share = samples[..., count - 1 - axis if count == 2 else axis]
        along = _starts(sizes[axis], wanted[axis], kernel[axis], share)
        taps = creation.arange(kernel[axis], device=x.layout.device)
        places = along.unsqueeze(-1) + taps  # [N, C, windows, taps]
        ones = [1] * count
        ones[axis] = wanted[axis]
        inner = [1] * count
        inner[axis] = kernel[axis]
        flat = flat * sizes[axis] + places.reshape(*lead, *ones, *inner)
    flat = flat.reshape(*lead, prod(wanted), prod(kernel))
    found = x.flatten(2).gather(2, flat.flatten(2)).view(flat.layout.shape)
    values, best = found.max(-1)
    places = flat.gather(-1, best.unsqueeze(-1))
    return values.reshape(*lead, *wanted), places.reshape(*lead, *wanted)


def _starts(size: int, count: int, taps: int, sample: Any) -> Any:
    """Where `count` windows of `taps` elements begin: [N, C] to [N, C, count]; the last one ends with the axis."""
    last = creation.full((*sample.layout.shape, 1), size - taps, dtype=int64, device=sample.layout.device)
    if count == 1:
        return last
    step = (size - taps) / (count - 1)
    share = sample.to(float64).unsqueeze(-1)
    numbers = creation.arange(count - 1, device=sample.layout.device)
    before = ((numbers + share) * step).to(int64) - (share * step).to(int64)
    return functions.cat([before, last], -1)
