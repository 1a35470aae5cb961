"""Which axes each operation lets come and go."""

from __future__ import annotations

from functools import lru_cache

from curta.einops.parse import CACHE_SIZE, ELLIPSIS, Axis, Parsed, parse
from curta.einops.problems import Call


@lru_cache(maxsize=CACHE_SIZE)
def checked(operation: str, pattern: str) -> Parsed:
    """The pattern's two sides, if `rearrange`, `reduce` or `repeat` can do what it says; EinopsError otherwise."""
    parsed = parse(operation, pattern)
    call = Call(operation, pattern)
    dots = parsed.right.ellipsis
    if dots and not parsed.left.ellipsis:
        raise call.error("'...' is missing on the left side", dots.span)
    _RULES[operation](call, parsed)
    return parsed


def _gone(parsed: Parsed) -> list[Axis]:
    """The axes that are on the left side only."""
    right = parsed.right.names
    return [axis for axis in parsed.left.axes if axis.name not in right]


def _new(parsed: Parsed) -> list[Axis]:
    """The axes that are on the right side only."""
    left = parsed.left.names
    return [axis for axis in parsed.right.axes if axis.name not in left]


def _said(axis: Axis) -> str:
    return "'...'" if axis.name == ELLIPSIS else f"axis {axis.label}"


def _rearranges(call: Call, parsed: Parsed) -> None:
    for axis in (*parsed.left.axes, *parsed.right.axes):
        if axis.size is not None:
            raise call.error("a number other than 1 needs a name, since every axis stands on both sides", axis.span)
    for axis in _gone(parsed):
        raise call.error(f"{_said(axis)} is missing on the right side; `reduce` lets axes go", axis.span)
    for axis in _new(parsed):
        raise call.error(f"axis {axis.label} is missing on the left side; `repeat` lets axes come", axis.span)


def _reduces(call: Call, parsed: Parsed) -> None:
    for axis in _new(parsed):
        raise call.error(f"axis {axis.label} is missing on the left side; `repeat` lets axes come", axis.span)


def _repeats(call: Call, parsed: Parsed) -> None:
    for axis in _gone(parsed):
        raise call.error(f"{_said(axis)} is missing on the right side; `reduce` lets axes go", axis.span)


_RULES = {"rearrange": _rearranges, "reduce": _reduces, "repeat": _repeats}
