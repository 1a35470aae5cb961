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
WHOLE, LEAST = 34.0, 3.0
#: points that took less than this share of the time have no name in the chart
NAMED = 0.004
#: the plot's width in a narrow and in a wide window, in pixels, and a letter's: a name is written where it has room
NARROW, WIDE, LETTER, LINE = 240, 620, 6.4, 14
#: a roof is so many boxes that names keep out of
ALONG = 120
#: the scale goes down to this share of the highest roof at most: what is below it has next to no arithmetic
LOWEST = 1e-4


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
    peaks = _peaks(points)
    across = [(value, f"{value:g}") for value in frame.x.marks()]
    up = [(value, exact(value, "").strip()) for value in frame.y.marks()]
    parts = [frame.grid(across, up), _roofs(frame, peaks)]
    by_time = sorted(points, key=lambda one: -(one.seconds or 0.0))
    for one in by_time:
        left, top = frame.left(one.intensity), _top(frame, one)
        look = ' fill-opacity="0.6" stroke="' + BOUNDS[one.bound] + '"'
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


def _top(frame: Frame, one: Point) -> float:
    """Where a point lies; what is below the scale lies on its lower edge."""
    return min(frame.top(_rate(one)), frame.height)


def _frame(points: Sequence[Point]) -> Frame:
    ridges = [_ridge(one.peak) for one in points]
    across = powers_around([*(one.intensity for one in points), max(ridges) * 3, min(ridges) / 3])
    whole = sum(one.seconds or 0.0 for one in points)
    rates = [_rate(one) for one in points if (one.seconds or 0.0) >= NAMED / 4 * whole]
    highest = max(one.peak.flops_per_second for one in points)
    up = powers_around([max(min(rates), LOWEST * highest), max(*rates, highest)])
    return Frame(across, up, HEIGHT)


def _ridge(peak: Peak) -> float:
    """FLOP/byte from which on arithmetic takes longer than memory."""
    return peak.flops_per_second / (peak.bytes_per_second or 1.0)


def _roofs(frame: Frame, peaks: Sequence[Peak]) -> str:
    """A slope as steep as memory is fast, up to where arithmetic is the limit."""
    parts, texts = [], []
    for number, roof in enumerate(_roof_texts(frame, peaks)):
        bandwidth = roof.peak.bytes_per_second or 1.0
        low = max(frame.x.low, frame.y.low / bandwidth)
        corner, height = _ridge(roof.peak), roof.peak.flops_per_second
        dashes = ' stroke-dasharray="7 4"' if number else ""
        path = frame.curve([(low, low * bandwidth), (corner, height), (frame.x.high, height)])
        parts.append(f'<path class="curve" d="{path}" stroke="var(--ink)"{dashes}/>')
        left = frame.left(corner) if roof.beside else "100%"
        texts.append(label(left, roof.top, roof.text, "end", "halo", -6 if roof.beside else 0))
        if not number:
            texts.append(_slope_label(frame, low, corner, bandwidth))
    return frame.stretched("".join(parts)) + "".join(texts)


class RoofText(NamedTuple):
    """What is written at a roof: beside its corner where there is room, above its right end otherwise."""

    peak: Peak
    text: str
    top: float
    beside: bool

    def box(self, frame: Frame, width: float) -> Box:
        """What it takes in a plot of a width."""
        right = frame.x.share(_ridge(self.peak)) * width - 6 if self.beside else width
        return Box(right - LETTER * len(self.text), self.top - LINE + 2, right, self.top + 2)


def _roof_texts(frame: Frame, peaks: Sequence[Peak]) -> list[RoofText]:
    """One for each roof, the highest first, none on top of another."""
    found: list[RoofText] = []
    for peak in sorted(peaks, key=lambda one: -one.flops_per_second):
        text = f"{peak.dtype} {quantity(peak.flops_per_second, 'FLOP/s')}".strip()
        beside = frame.x.share(_ridge(peak)) * NARROW > LETTER * len(text) + 6
        top = frame.top(peak.flops_per_second) - (4 if beside else 7)
        while any(abs(top - other.top) < LINE for other in found):
            top -= LINE
        found.append(RoofText(peak, text, top, beside))
    return found


def _peaks(points: Sequence[Point]) -> list[Peak]:
    return list({(one.peak.flops_per_second, one.dtype): one.peak for one in points}.values())


def _slope_label(frame: Frame, low: float, corner: float, bandwidth: float) -> str:
    text = f"memory {quantity(bandwidth, 'B/s')}"
    # in the middle of the slope, or where the text begins at the left edge of a narrow plot
    room = (LETTER * len(text) + 10) / NARROW
    middle = max(math.sqrt(low * max(corner, low)), frame.x.low * (frame.x.high / frame.x.low) ** room)
    return label(frame.left(middle), frame.top(middle * bandwidth) - 8, text, "end", "halo", shift=-6)


def _labels(frame: Frame, by_time: Sequence[Point], whole: float) -> str:
    """The names of the points that took most, where they have room: some of them in wide windows alone."""
    chosen = {width: _with_room(frame, by_time, whole, width) for width in (NARROW, WIDE)}
    parts = []
    for one, spot in chosen[WIDE].items():
        everywhere = chosen[NARROW].get(one) == spot
        parts.append(
            label(
                frame.left(one.intensity), _top(frame, one) + spot.down + 4, one.operator, spot.anchor,
                "halo" if everywhere else "halo roomy", spot.right,
            )
        )  # fmt: skip
    return "".join(parts)


class Spot(NamedTuple):
    """Where a name stands, seen from its point: how far to the right and down, in pixels, and which end is there."""

    anchor: str
    right: float
    down: float

    def box(self, x: float, y: float, text: str) -> Box:
        """What a text takes that stands there."""
        length = LETTER * len(text)
        left = x + self.right - {"start": 0.0, "middle": length / 2, "end": length}[self.anchor]
        return Box(left, y + self.down - LINE / 2, left + length, y + self.down + LINE / 2)


def _spots(radius: float) -> list[Spot]:
    """The places for a name, the best first: beside its point, above and below, and farther away."""
    near, far = radius + 4, radius + LINE
    return [
        Spot("start", near, 0), Spot("end", -near, 0), Spot("middle", 0, -near - 5), Spot("middle", 0, near + 5),
        Spot("middle", 0, far + 10), Spot("middle", 0, -far - 10),
    ]  # fmt: skip


def _with_room(frame: Frame, by_time: Sequence[Point], whole: float, width: float) -> dict[Point, Spot]:
    """The points whose names overlap nothing in a plot of this width, and where they stand."""
    places = {one: (frame.x.share(one.intensity) * width, _top(frame, one), radius(one, whole)) for one in by_time}
    taken = [Box(x - r, y - r, x + r, y + r) for x, y, r in places.values()]
    taken += _along_roofs(frame, by_time, width)
    found: dict[Point, Spot] = {}
    for one in by_time:
        if (one.seconds or 0.0) < NAMED * whole:
            break
        x, y, r = places[one]
        for spot in _spots(r):
            box = spot.box(x, y, one.operator)
            inside = box.left >= 0 and box.right <= width and box.bottom <= frame.height
            if inside and not any(box.meets(other) for other in taken):
                found[one] = spot
                taken.append(box)
                break
    return found


def _along_roofs(frame: Frame, points: Sequence[Point], width: float) -> list[Box]:
    """The roofs as small boxes, and what is written at them."""
    boxes = [roof.box(frame, width) for roof in _roof_texts(frame, _peaks(points))]
    for peak in _peaks(points):
        for number in range(ALONG):
            value = frame.x.low * (frame.x.high / frame.x.low) ** (number / (ALONG - 1))
            x = frame.x.share(value) * width
            y = frame.top(min(value * (peak.bytes_per_second or 1.0), peak.flops_per_second))
            boxes.append(Box(x - 2, y - 2, x + 2, y + 2))
    return boxes
