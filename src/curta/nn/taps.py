"""Which elements of an axis an element of a resampled axis is made of, and with which weights: plain Python numbers.

Coordinates are worked out in float64, but those of "nearest" as PyTorch does in float32, where rounding decides.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from math import floor, pi, sin

#: for each new element the places it is made of, and their weights
Taps = tuple[tuple[tuple[int, ...], ...], tuple[tuple[float, ...], ...]]


def _single(value: float) -> float:
    """Rounded to float32."""
    result: float = struct.unpack("f", struct.pack("f", value))[0]
    return result


def _as_given(value: float) -> float:
    return value


@lru_cache(maxsize=256)
def nearest(size: int, count: int, factor: float | None, exact: bool, double: bool) -> tuple[int, ...]:
    """The place that each of `count` elements over an axis of `size` has: its own scaled, or its middle (`exact`).

    >>> nearest(3, 5, None, False, False)
    (0, 0, 1, 1, 2)
    """
    rounded = _as_given if double else _single
    step = rounded(rounded(1.0 / factor) if factor else rounded(size) / rounded(count))
    shift = 0.5 if exact else 0.0
    return tuple(min(floor(rounded((place + shift) * step)), size - 1) for place in range(count))


def _step(size: int, count: int, factor: float | None, align: bool) -> float:
    if align:
        return (size - 1) / (count - 1) if count > 1 else 0.0
    return 1.0 / factor if factor else size / count


@lru_cache(maxsize=256)
def interpolated(kind: str, size: int, count: int, factor: float | None, align: bool) -> Taps:
    """Linear interpolation between two elements, or cubic between four, the outermost ones repeated.

    >>> interpolated("linear", 2, 3, None, True)
    (((0, 1), (0, 1), (1, 1)), ((1.0, 0.0), (0.5, 0.5), (1.0, 0.0)))
    """
    step = _step(size, count, factor, align)
    places: list[tuple[int, ...]] = []
    weights: list[tuple[float, ...]] = []
    for place in range(count):
        real = step * place if align else step * (place + 0.5) - 0.5
        if kind == "linear":
            real = max(real, 0.0)
            low = min(floor(real), size - 1)
            share = min(max(real - low, 0.0), 1.0)
            places.append((low, min(low + 1, size - 1)))
            weights.append((1.0 - share, share))
        else:
            low = floor(real)
            places.append(tuple(min(max(low + tap, 0), size - 1) for tap in (-1, 0, 1, 2)))
            weights.append(tuple(cubic(real - low - tap, -0.75) for tap in (-1, 0, 1, 2)))
    return tuple(places), tuple(weights)


def cubic(distance: float, a: float) -> float:
    """Keys' cubic convolution kernel with the parameter `a`."""
    x = abs(distance)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    if x < 2.0:
        return (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return 0.0


def _triangle(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def _lanczos(x: float) -> float:
    if not -3.0 <= x < 3.0:
        return 0.0
    if x == 0.0:
        return 1.0
    return 3.0 * sin(pi * x) * sin(pi * x / 3.0) / (pi * x) ** 2


_FILTERS: dict[str, tuple[int, Callable[[float], float]]] = {
    "linear": (2, _triangle),
    "cubic": (4, lambda x: cubic(x, -0.5)),
    "lanczos": (6, _lanczos),
}


@lru_cache(maxsize=256)
def smoothed(kind: str, size: int, count: int, factor: float | None, align: bool) -> Taps:
    """As `interpolated`, but over as many elements as the new ones are apart: nothing is skipped when shrinking.

    >>> smoothed("linear", 4, 2, None, False)[1][0]
    (0.42857142857142855, 0.42857142857142855, 0.14285714285714285)
    """
    step = _step(size, count, factor, align)
    width, shape = _FILTERS[kind]
    stretch = max(step, 1.0)
    support = width * 0.5 * stretch
    rows = []
    for place in range(count):
        middle = step * (place + 0.5)
        first = max(int(middle - support + 0.5), 0)
        last = min(int(middle + support + 0.5), size)
        shares = [shape((j - middle + 0.5) / stretch) for j in range(first, last)]
        total = sum(shares)
        rows.append((first, [share / total if total else share for share in shares]))
    most = max(len(shares) for _, shares in rows)
    places = tuple(tuple(min(first + tap, size - 1) for tap in range(most)) for first, _ in rows)
    weights = tuple((*shares, *(0.0,) * (most - len(shares))) for _, shares in rows)
    return places, weights


def in_whole_numbers(taps: Taps) -> tuple[int, tuple[tuple[float, ...], ...]]:
    """Weights times the largest power of two (its exponent first) with which they fit into 16 bits, rounded.

    Those of one place are added up before.

    >>> in_whole_numbers((((0, 1), (1, 1)), ((0.5, 0.5), (1.0, 0.0))))
    (14, ((8192.0, 8192.0), (16384.0, 0.0)))
    """
    weights = []
    for places, shares in zip(*taps, strict=True):
        whole = {place: sum(w for p, w in zip(places, shares, strict=True) if p == place) for place in places}
        weights.append([whole.pop(place, 0.0) for place in places])
    largest = max(max(row) for row in weights)
    shift = 0
    while shift < 22 and int(0.5 + largest * (1 << (shift + 1))) < 1 << 15:
        shift += 1
    factor = 1 << shift
    return shift, tuple(tuple(float(int(w * factor + (0.5 if w >= 0 else -0.5))) for w in row) for row in weights)


def turned(taps: Taps, size: int) -> Taps:
    """The way back: for each of `size` elements the new ones that it is a part of, and with which weights.

    Those with fewer are filled up with weights of 0.

    >>> turned((((0, 1), (1, 1)), ((0.5, 0.5), (1.0, 0.0))), 2)
    (((0, 0), (0, 1)), ((0.5, 0.0), (0.5, 1.0)))
    """
    parts: list[dict[int, float]] = [{} for _ in range(size)]
    for number, (places, shares) in enumerate(zip(*taps, strict=True)):
        for place, share in zip(places, shares, strict=True):
            if share:
                parts[place][number] = parts[place].get(number, 0.0) + share
    most = max(1, *map(len, parts))
    filled = [[*part.items(), *[(next(iter(part), 0), 0.0)] * (most - len(part))] for part in parts]
    return (
        tuple(tuple(place for place, _ in row) for row in filled),
        tuple(tuple(share for _, share in row) for row in filled),
    )


@lru_cache(maxsize=256)
def repeats(places: tuple[int, ...], size: int) -> int | None:
    """How often each of `size` elements comes, one after the other, if all come as often.

    >>> repeats((0, 0, 1, 1), 2), repeats((0, 1, 1), 2)
    (2, None)
    """
    times, rest = divmod(len(places), size)
    return times if not rest and places == tuple(place // times for place in range(len(places))) else None
