"""Axes: where a value lies, and which values are marked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

#: the most marks on an axis
MARKS = 6
#: the room around values on an axis by powers of ten, as a factor
ROOM = 2.0


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, evenly or by powers of ten.

    >>> Axis(0, 50).share(20), Axis(1, 100, by_powers=True).share(10)
    (0.4, 0.5)
    """

    low: float
    high: float
    by_powers: bool = False

    def share(self, value: float) -> float:
        """How far along a value lies: 0 at the low end, 1 at the high one."""
        if self.by_powers:
            return math.log10(value / self.low) / math.log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def marks(self) -> list[float]:
        """The values to mark: round ones, or powers of ten."""
        if not self.by_powers:
            return round_values(self.low, self.high, MARKS)
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def round_values(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """At most `most` multiples of 1, 2 or 5 times a power of ten from `low` to `high`; integers if `whole`.

    >>> round_values(0, 500, 6), round_values(1.3, 2.2, 5), round_values(0, 3, 5, whole=True)
    ([0.0, 100.0, 200.0, 300.0, 400.0, 500.0], [1.4, 1.6, 1.8, 2.0, 2.2], [0.0, 1.0, 2.0, 3.0])
    """
    power = math.floor(math.log10(max(high - low, 1e-300))) - 1
    while True:
        for digit in (1, 2, 5):
            step = digit * 10.0**power
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first < most and not (whole and step < 1):
                return [round(number * step, max(0, -power)) for number in range(first, last + 1)]
        power += 1


def around(values: Iterable[float], from_zero: bool = False) -> Axis:
    """An axis with some room around values; around one value alone, or none, there is an axis too.

    >>> around([2.0, 4.0])
    Axis(low=1.9, high=4.1, by_powers=False)
    >>> around([8.0], from_zero=True) == Axis(0, 8.4), around([]) == Axis(0, 1)
    (True, True)
    """
    found = [value for value in values if math.isfinite(value)]
    if from_zero:
        found.append(0.0)
    if not found:
        return Axis(0.0, 1.0)
    low, high = min(found), max(found)
    room = 0.05 * (high - low) or max(0.05 * abs(high), 0.5)
    return Axis(low if from_zero and low == 0 else low - room, high + room)


def powers_around(values: Iterable[float]) -> Axis:
    """An axis by powers of ten with room around positive values, of a power of ten at the least.

    >>> powers_around([0.3, 45.0])
    Axis(low=0.15, high=90.0, by_powers=True)
    """
    found = list(values)
    low, high = min(found) / ROOM, max(found) * ROOM
    wider = max(1.0, math.sqrt(10 * low / high))
    return Axis(low / wider, high * wider, by_powers=True)
