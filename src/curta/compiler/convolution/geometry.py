"""Where a convolution's windows lie: sizes, planes of images that are read at stride 1, and tables of offsets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import NamedTuple

Pair = tuple[int, int]


class Geometry(NamedTuple):
    """The sizes of a convolution; `channels` and `filters` are those of one group, `before` and `after` the zeros."""

    images: int
    groups: int
    channels: int
    filters: int
    size: Pair
    kernel: Pair
    stride: Pair
    before: Pair
    after: Pair
    dilation: Pair

    @property
    def counts(self) -> Pair:
        """Windows down and across."""
        high, wide = (
            (size + before + after - step * (taps - 1) - 1) // jump + 1
            for size, taps, jump, before, after, step in zip(*self[4:], strict=True)
        )
        return high, wide

    @property
    def pixels(self) -> int:
        """Windows of one image."""
        return self.counts[0] * self.counts[1]

    @property
    def taps(self) -> int:
        """Taps of one channel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def is_pointwise(self) -> bool:
        """One tap, and no zeros around: each result comes from the channels of one place."""
        return self.kernel == (1, 1) and self.before == self.after == (0, 0)


class Span(NamedTuple):
    """Along one axis, what of the image lies in one plane: from `first` on `extent` elements, from `source` on."""

    first: int
    source: int
    extent: int


class Axis(NamedTuple):
    """One axis of an image cut into planes: plane number p has every `step`th element, and zeros elsewhere."""

    length: int
    step: int
    spans: tuple[Span, ...]


def make_axis(size: int, before: int, step: int, length: int, residues: Iterable[int]) -> Axis:
    """Planes of `length`: element r of the plane of residue p is element r * step + p - before of the image.

    >>> make_axis(5, 1, 2, 3, (0, 1)).spans
    (Span(first=1, source=1, extent=2), Span(first=0, source=0, extent=3))
    """
    spans = []
    for residue in residues:
        first = max(0, -((residue - before) // step))
        last = min(length, (size - 1 + before - residue) // step + 1)
        spans.append(Span(first, first * step + residue - before, max(0, last - first)))
    return Axis(length, step, tuple(spans))


def window_axis(geometry: Geometry, axis: int) -> tuple[Axis, list[Pair]]:
    """The planes that the windows read along one axis, and for each tap its plane's number and how far it is in it."""
    stride = geometry.stride[axis]
    places = [tap * geometry.dilation[axis] for tap in range(geometry.kernel[axis])]
    residues = sorted({place % stride for place in places})
    length = geometry.counts[axis] + max(place // stride for place in places)
    made = make_axis(geometry.size[axis], geometry.before[axis], stride, length, residues)
    return made, [(residues.index(place % stride), place // stride) for place in places]


class Phase(NamedTuple):
    """Along one axis, every stride-th element of the image from `first` on: how many, and the taps that reach them.

    Element u comes from output element u + shift for each (tap, shift).
    """

    first: int
    extent: int
    taps: tuple[Pair, ...]


def gradient_phases(geometry: Geometry, axis: int) -> list[Phase]:
    """The input's elements by what is left of their place, divided by the stride: the taps that read them differ."""
    size, stride, before, step = (
        values[axis] for values in (geometry.size, geometry.stride, geometry.before, geometry.dilation)
    )
    phases = []
    for first in range(min(stride, size)):
        distances = [(tap, first + before - tap * step) for tap in range(geometry.kernel[axis])]
        taps = tuple((tap, distance // stride) for tap, distance in distances if distance % stride == 0)
        phases.append(Phase(first, -(-(size - first) // stride), taps))
    return phases


def gradient_axis(geometry: Geometry, axis: int, phases: Sequence[Phase]) -> tuple[Axis, int]:
    """The plane of output gradients that all phases read, and the zeros before it."""
    shifts = [shift for phase in phases for _, shift in phase.taps]
    ends = [phase.extent + shift for phase in phases for _, shift in phase.taps]
    before = max(0, -min(shifts, default=0))
    length = before + max(ends, default=1)
    return make_axis(geometry.counts[axis], before, 1, length, (0,)), before


def pixel_step(strides: Sequence[int], counts: Pair) -> int | None:
    """How far pixels lie apart that are counted line by line; None where lines and their pixels do not step as one.

    >>> pixel_step((20, 4), (3, 5)), pixel_step((20, 4), (3, 4)), pixel_step((20, 0), (3, 1))
    (4, None, 20)
    """
    (line, pixel), (high, wide) = strides, counts
    if wide == 1:
        return line
    return pixel if high == 1 or line == wide * pixel else None


def vectors(lines: Sequence[int], length: int, lanes: int) -> list[list[Pair]]:
    """Pixels, `length` from each of `lines` on, cut into vectors: each a list of (first lane, offset of lane 0).

    >>> vectors([0, 10], 6, 4)
    [[(0, 0)], [(0, 4), (2, 8)], [(0, 12)]]
    """
    runs: list[list[int]] = []
    for line in lines:
        if runs and runs[-1][0] + runs[-1][1] == line:
            runs[-1][1] += length
        else:
            runs.append([line, length])
    found: list[list[Pair]] = []
    lane = lanes
    for start, count in runs:
        done = 0
        while done < count:
            if lane == lanes:
                found.append([])
                lane = 0
            taken = min(lanes - lane, count - done)
            found[-1].append((lane, start + done - lane))
            lane += taken
            done += taken
    return found


def most_pieces(length: int, runs: int, lanes: int) -> int:
    """The most pieces that a vector of pixels has, in so many runs of one length.

    >>> most_pieces(6, 2, 4), most_pieces(8, 5, 4), most_pieces(3, 9, 8)
    (2, 1, 4)
    """
    last = length * runs - 1
    # after so many vectors they begin at the same places of runs again
    count = min(-(-(last + 1) // lanes), length // gcd(length, lanes) if length else 0)
    starts = range(0, count * lanes, lanes)
    return max((min(start + lanes - 1, last) // length - start // length + 1 for start in starts), default=1)


def pixel_table(found: list[list[Pair]], pieces: int, lanes: int, itemsize: int) -> list[int]:
    """The words of a kernel's table of pixels: vectors in pairs, what is lacking filled up with what can be read."""
    if len(found) % 2:
        found = [*found, found[0]]
    words = []
    for vector in found:
        for piece in range(pieces):
            first, offset = vector[piece] if piece < len(vector) else (lanes, vector[0][1])
            words += [offset * itemsize, first]
    return words
