"""Curves over the steps of a run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from curta.report.axes import MARKS, Axis, around, round_values
from curta.report.frame import Frame, label, point
from curta.report.page import key, line_sign

HEIGHT = 240
#: from so many points on a curve is drawn without them: they would run into each other
MANY = 80
#: the share of a narrow plot that a level's text takes
TEXT = 0.35


class Series(NamedTuple):
    """A curve: pairs of a step and a value, in a colour; a dashed one has small points."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool = False


class Level(NamedTuple):
    """A value to hold the curves against."""

    value: float
    text: str


def line_chart(
    name: str, title: str, series: Sequence[Series], unit: str, show: Callable[[float], str],
    mark: Callable[[float], str] | None = None, level: Level | None = None, from_zero: bool = False,
) -> str:  # fmt: skip
    """Curves over steps with their key; `show` writes a value in full, `mark` at the axis; `level` is drawn across.

    >>> page = line_chart("loss", "Loss", [Series("validation", [(0, 2.0), (10, 1.0)], "red")], "nats", str)
    >>> "validation: from 2.0 at step 0 to 1.0 at step 10" in page
    True
    """
    steps = [step for one in series for step, _ in one.points]
    values = [value for one in series for _, value in one.points]
    across = Axis(0, max([*steps, 1.0]))
    up = around([*values, level.value] if level else values, from_zero)
    frame = Frame(across, up, HEIGHT)
    parts = [
        frame.grid(
            [(step, f"{step:,.0f}") for step in round_values(0, across.high, MARKS, whole=True)],
            [(value, (mark or show)(value)) for value in up.marks()],
        )
    ]
    if level:
        top = frame.top(level.value)
        parts.append(f'<line x1="0" y1="{top:g}" x2="100%" y2="{top:g}" class="level"/>')
    parts.append(frame.stretched("".join(_curve(frame, one) for one in series)))
    parts += [_points(frame, one, show) for one in series]
    if level:
        parts.append(_level_text(frame, level, series))
    signs = key((line_sign(one.colour, one.dashed), one.name) for one in series) if len(series) > 1 else ""
    text = "; ".join(_in_words(one, show) for one in series)
    return signs + frame.chart(name, title, text, "".join(parts), ("step", unit))


def _curve(frame: Frame, one: Series) -> str:
    if len(one.points) < 2:
        return ""
    dashes = ' stroke-dasharray="6 4"' if one.dashed else ""
    return f'<path class="curve" d="{frame.curve(one.points)}" stroke="{one.colour}"{dashes}/>'


def _points(frame: Frame, one: Series, show: Callable[[float], str]) -> str:
    """The points of a curve, and the last value in figures."""
    if not one.points:
        return ""
    shown = one.points if len(one.points) < MANY else one.points[-1:]
    radius = 2.5 if one.dashed else 3.5
    parts = [
        point(frame.left(x), frame.top(y), radius, one.colour, f"{one.name}, step {x:,.0f}: {show(y)}")
        for x, y in shown
    ]
    step, value = one.points[-1]
    if not one.dashed:
        parts.append(label(frame.left(step), frame.top(value) - 10, show(value), frame.anchor(step), "halo strong"))
    return "".join(parts)


def _level_text(frame: Frame, level: Level, series: Sequence[Series]) -> str:
    """The level's text, above it or below it, to the left or to the right: where the curves are farthest away."""
    top = frame.top(level.value)
    spots = [(side, top + down) for side in (0, 1) for down in (-6, 16)]

    def distance(spot: tuple[int, float]) -> float:
        side, height = spot
        near = [frame.top(y) for one in series for x, y in one.points if abs(frame.x.share(x) - side) < TEXT]
        return min((abs(place - height + 4) for place in near), default=frame.height)

    side, height = max(spots, key=distance)
    return label("100%" if side else "0", height, level.text, "end" if side else "start", "faint halo")


def _in_words(one: Series, show: Callable[[float], str]) -> str:
    if not one.points:
        return f"{one.name}: nothing was measured"
    (first, before), (last, after) = one.points[0], one.points[-1]
    if first == last:
        return f"{one.name}: {show(after)} at step {last:,.0f}"
    return f"{one.name}: from {show(before)} at step {first:,.0f} to {show(after)} at step {last:,.0f}"


def middles(steps: Sequence[int]) -> list[float]:
    """For what is a mean over the steps since the one before: the middle of those steps.

    >>> middles([0, 10, 30])
    [5.5, 20.5]
    """
    return [(before + 1 + step) / 2 for before, step in itertools.pairwise(steps)]
