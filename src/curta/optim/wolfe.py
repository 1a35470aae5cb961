"""A line search for steps that fulfil the strong Wolfe conditions: low enough, and flat enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from curta.tensor import Tensor

#: how much of the promised descent must come true, and what share of the slope may be left
_DESCENT, _CURVATURE = 1e-4, 0.9
_MOST_STEPS = 25


class Point(NamedTuple):
    """A point of the line: how far along, the loss there, its gradient, and its slope along the line."""

    t: float
    loss: float
    gradient: Tensor
    slope: float


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """Where the cubic through two points with these slopes is least, within `bounds`; their middle if nowhere."""
    if a.t > b.t:
        a, b = b, a
    bend = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = bend**2 - a.slope * b.slope
    width = b.slope - a.slope + 2 * math.sqrt(square) if square >= 0 else 0.0
    if width == 0:
        return sum(bounds) / 2
    found = b.t - (b.t - a.t) * (b.slope + math.sqrt(square) - bend) / width
    return min(max(found, bounds[0]), bounds[1])


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, longest: float, tolerance: float
) -> tuple[Point, int]:
    """The point that is chosen, and how many points were looked at.

    `at(t)` evaluates a point; `start` is the one at 0 and `t` the first to try. `longest` is the direction's largest
    element: two ends that differ by less than `tolerance` everywhere are left as they are.
    """
    ends, count = _bracket(at, start, at(t))
    done = len(ends) == 1
    low = 0 if ends[0].loss <= ends[-1].loss else 1
    stalled = False
    while not done and count <= _MOST_STEPS and abs(ends[1].t - ends[0].t) * longest >= tolerance:
        t, stalled = _between(ends[0], ends[1], stalled)
        new, high = at(t), 1 - low
        count += 1
        if new.loss > start.loss + _DESCENT * t * start.slope or new.loss >= ends[low].loss:
            ends[high] = new
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if abs(new.slope) <= -_CURVATURE * start.slope:
            done = True
        elif new.slope * (ends[high].t - ends[low].t) >= 0:
            ends[high] = ends[low]
        ends[low] = new
    return ends[low], count


def _bracket(at: Callable[[float], Point], start: Point, new: Point) -> tuple[list[Point], int]:
    """Two points with a good one between them, or the one that is good enough; and how many were looked at."""
    before, count = start, 1
    while count <= _MOST_STEPS:
        if new.loss > start.loss + _DESCENT * new.t * start.slope or (count > 2 and new.loss >= before.loss):
            return [before, new], count
        if abs(new.slope) <= -_CURVATURE * start.slope:
            return [new], count
        if new.slope >= 0:
            return [before, new], count
        bounds = (new.t + 0.01 * (new.t - before.t), 10 * new.t)
        before, new = new, at(cubic_minimum(before, new, bounds))
        count += 1
    return [start, new], count


def _between(a: Point, b: Point, stalled: bool) -> tuple[float, bool]:
    """The next step to try, and whether it lies so near to one end that the next one must not.

    A second such step in a row is moved off the end by a tenth of the bracket.
    """
    low, high = min(a.t, b.t), max(a.t, b.t)
    t = cubic_minimum(a, b, (low, high))
    margin = 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if not (stalled or t >= high or t <= low):
        return t, True
    return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
