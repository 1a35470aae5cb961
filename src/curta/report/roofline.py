"""The roofline: what each operator does beside what the machine could do (Williams, Waterman and Patterson, 2009)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from curta.costs.peak import Peak
from curta.costs.roofline import ARITHMETIC, MEMORY, Point, Roofline
from curta.costs.units import exact, quantity, seconds
from curta.report.axes import powers_around
from curta.report.colours import AMBER, BLUE
from curta.report.frame import Frame, label, point
from curta.report.page import dot_sign, key

HEIGHT = 400
BOUNDS = {ARITHMETIC: AMBER, MEMORY: BLUE}
#: the radius of a point that took all of the time, and the least one, in pixels
WHOLE, LEAST = 34.0, 2.5
#: points that took less than this share of the time have no name in the chart
NAMED = 0.004
#: the plot's width in a narrow and in a wide window, in pixels, and a letter's: a name is written where it has room
NARROW, WIDE, LETTER, LINE = 280, 700, 6.4, 14


class Box(NamedTuple):
    """A rectangle that a text takes, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def roofline_chart(found: Roofline) -> str:
    """The roof of each number format, and a point for each operator that computes; ones without times have no place."""
    points = placed(found)
    if not points or not found.seconds:
        return ""
    frame = _frame(points)
    peaks = list({(one.peak.flops_per_second, one.dtype): one.peak for one in points}.values())
    across = [(value, f"{value:g}") for value in frame.x.marks()]
    up = [(value, exact(value, "").strip()) for value in frame.y.marks()]
    parts = [frame.grid(across, up), _roofs(frame, peaks)]
    by_time = sorted(points, key=lambda one: -(one.seconds or 0.0))
    for one in by_time:
        left, top = frame.left(one.intensity), min(frame.top(_rate(one)), frame.height)
        look = ' fill-opacity="0.45" stroke="' + BOUNDS[one.bound] + '"'
        parts.append(point(left, top, radius(one, found.seconds), BOUNDS[one.bound], in_words(one), look))
    parts.append(_labels(frame, by_time, found.seconds))
    text = f"{len(points)} operators; the machine's roofs: {'; '.join(map(str, peaks))}"
    signs = key((dot_sign(colour), f"bound by {bound}") for bound, colour in BOUNDS.items())
    names = ("FLOP/byte", "FLOP/s")
    return signs + frame.chart("roofline", "Operators under the roofline", text, "".join(parts), names)


def placed(found: Roofline) -> list[Point]:
    """The operators that have a place: those with floating-point arithmetic, bytes and a time."""
    return [one for one in found.points if one.arithmetic_seconds and one.intensity and one.seconds]


def below(found: Roofline) -> list[Point]:
    """Those that lie below the chart's scale, and are drawn on its lower edge: they take next to no time."""
    points = placed(found)
    return [one for one in points if points and _rate(one) < _frame(points).y.low]


def radius(one: Point, whole: float) -> float:
    """The radius of a point whose area is its share of the whole time, in pixels."""
    return round(max(LEAST, WHOLE * math.sqrt((one.seconds or 0.0) / whole)), 1)


def in_words(one: Point) -> str:
    """What a point says when pointed at."""
    moved = one.cost.bytes_read + one.cost.bytes_written
    share = "" if one.share is None else f"{100 * one.share:.0f}% of the roof, "
    calls = f"{one.calls:,} call{'s' if one.calls > 1 else ''}"
    return (
        f"{one.operator} in {one.dtype}\n{calls} in {seconds(one.seconds or 0.0)}"
        f"\n{quantity(one.cost.flops, 'FLOP')}, {quantity(moved, 'B')} moved: {one.intensity:.3g} FLOP/byte"
        f"\n{quantity(_rate(one), 'FLOP/s')}, {share}bound by {one.bound}"
    )


def _rate(one: Point) -> float:
    return one.cost.flops / (one.seconds or math.inf)


def _frame(points: Sequence[Point]) -> Frame:
    ridges = [_ridge(one.peak) for one in points]
    across = powers_around([*(one.intensity for one in points), *(ridge * 4 for ridge in ridges), min(ridges) / 4])
    whole = sum(one.seconds or 0.0 for one in points)
    rates = [_rate(one) for one in points if (one.seconds or 0.0) >= NAMED / 4 * whole]
    up = powers_around([*rates, *(one.peak.flops_per_second * 1.5 for one in points)])
    return Frame(across, up, HEIGHT)


def _ridge(peak: Peak) -> float:
    """FLOP/byte from which on arithmetic takes longer than memory."""
    return peak.flops_per_second / (peak.bytes_per_second or 1.0)


def _roofs(frame: Frame, peaks: Sequence[Peak]) -> str:
    """A slope as steep as memory is fast, up to where arithmetic is the limit."""
    parts, texts = [], []
    taken: list[float] = []
    for number, peak in enumerate(sorted(peaks, key=lambda one: -one.flops_per_second)):
        bandwidth = peak.bytes_per_second or 1.0
        low = max(frame.x.low, frame.y.low / bandwidth)
        corner, height = _ridge(peak), peak.flops_per_second
        dashes = ' stroke-dasharray="7 4"' if number else ""
        path = frame.curve([(low, low * bandwidth), (corner, height), (frame.x.high, height)])
        parts.append(f'<path class="curve" d="{path}" stroke="var(--ink)"{dashes}/>')
        top = frame.top(height) - 7
        while any(abs(top - other) < LINE for other in taken):
            top -= LINE
        taken.append(top)
        text = f"{peak.dtype} {quantity(height, 'FLOP/s')}".strip()
        texts.append(label("100%", top, text, "end", "halo"))
        if not number:
            texts.append(_slope_label(frame, low, corner, bandwidth))
    return frame.stretched("".join(parts)) + "".join(texts)


def _slope_label(frame: Frame, low: float, corner: float, bandwidth: float) -> str:
    middle = math.sqrt(low * corner) if corner > low else low
    text = f"memory {quantity(bandwidth, 'B/s')}"
    return label(frame.left(middle), frame.top(middle * bandwidth) - 8, text, "end", "halo", shift=-6)


def _labels(frame: Frame, by_time: Sequence[Point], whole: float) -> str:
    """The names of the points that took most, where they have room: some of them in wide windows alone."""
    chosen = {width: _with_room(frame, by_time, whole, width) for width in (NARROW, WIDE)}
    parts = []
    for one, place in chosen[WIDE].items():
        everywhere = chosen[NARROW].get(one) == place
        parts.append(_label(frame, one, whole, place, "halo" if everywhere else "halo roomy"))
    return "".join(parts)


def _label(frame: Frame, one: Point, whole: float, place: str, look: str) -> str:
    distance = radius(one, whole) + 4
    shift = -distance if place == "end" else distance
    return label(frame.left(one.intensity), frame.top(_rate(one)) + 4, one.operator, place, look, shift)


def _with_room(frame: Frame, by_time: Sequence[Point], whole: float, width: float) -> dict[Point, str]:
    """The points whose names overlap nothing in a plot of this width, and on which side they stand."""
    spots = {one: (frame.x.share(one.intensity) * width, frame.top(_rate(one)), radius(one, whole)) for one in by_time}
    discs = {one: Box(x - r, y - r, x + r, y + r) for one, (x, y, r) in spots.items() if r > 2 * LEAST}
    taken: list[Box] = []
    found: dict[Point, str] = {}
    for one in by_time:
        if (one.seconds or 0.0) < NAMED * whole:
            break
        x, y, r = spots[one]
        length = LETTER * len(one.operator)
        sides = {
            "start": Box(x + r + 4, y - LINE / 2, x + r + 4 + length, y + LINE / 2),
            "end": Box(x - r - 4 - length, y - LINE / 2, x - r - 4, y + LINE / 2),
        }
        others = [*taken, *(box for other, box in discs.items() if other is not one)]
        for side, box in sides.items():
            if box.left >= 0 and box.right <= width and not any(box.meets(other) for other in others):
                found[one] = side
                taken.append(box)
                break
    return found
