"""Convolutions and their gradients as sums over taps, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from curta.compiler.convolution import Geometry

Array = np.ndarray[Any, Any]


def _around(geometry: Geometry, x: Array) -> Array:
    sides = [(0, 0), (0, 0), *zip(geometry.before, geometry.after, strict=True)]
    return np.pad(x, sides)


def _taps(geometry: Geometry) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Each tap, and the elements of the image with its zeros that it reads."""
    (high, wide), (down, across), (row_step, column_step) = geometry.counts, geometry.stride, geometry.dilation
    for row in range(geometry.kernel[0]):
        for column in range(geometry.kernel[1]):
            top, left = row * row_step, column * column_step
            rows = slice(top, top + (high - 1) * down + 1, down)
            yield row, column, (rows, slice(left, left + (wide - 1) * across + 1, across))


def _groups(geometry: Geometry) -> Iterator[tuple[slice, slice]]:
    """The filters and the channels of each group."""
    for group in range(geometry.groups):
        yield (
            slice(group * geometry.filters, (group + 1) * geometry.filters),
            slice(group * geometry.channels, (group + 1) * geometry.channels),
        )


def convolved(geometry: Geometry, x: Array, weight: Array) -> Array:
    """x[N, C, H, W] with weight[O, C / groups, kH, kW]."""
    around = _around(geometry, x)
    out = np.zeros((len(x), len(weight), *geometry.counts))
    for filters, channels in _groups(geometry):
        for row, column, place in _taps(geometry):
            part = around[:, channels][..., place[0], place[1]]
            out[:, filters] += np.einsum("oc,nchw->nohw", weight[filters, :, row, column], part)
    return out


def gradient_of_input(geometry: Geometry, g: Array, weight: Array) -> Array:
    """What the output's gradient g gives for the image."""
    shape = (len(g), geometry.groups * geometry.channels, *geometry.size)
    around = np.zeros_like(_around(geometry, np.zeros(shape)))
    for filters, channels in _groups(geometry):
        for row, column, place in _taps(geometry):
            part = np.einsum("oc,nohw->nchw", weight[filters, :, row, column], g[:, filters])
            around[:, channels][..., place[0], place[1]] += part
    (top, left), (high, wide) = geometry.before, geometry.size
    return around[:, :, top : top + high, left : left + wide]


def gradient_of_weight(geometry: Geometry, x: Array, g: Array) -> Array:
    """What the output's gradient g gives for the weight."""
    around = _around(geometry, x)
    made = np.zeros((geometry.groups * geometry.filters, geometry.channels, *geometry.kernel))
    for filters, channels in _groups(geometry):
        for row, column, place in _taps(geometry):
            part = around[:, channels][..., place[0], place[1]]
            made[filters, :, row, column] = np.einsum("nohw,nchw->oc", g[:, filters], part)
    return made
