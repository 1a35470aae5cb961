"""From the text of a pattern to its axes, each with its place in the text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from curta.einops.problems import Call, Span

ELLIPSIS = "..."
#: programs have a few hundred patterns; those that make patterns up as they run must not fill the memory
CACHE_SIZE = 8192
_TOKEN = re.compile(r"->|\.\.\.|\w+|\s+|.", re.DOTALL)


class Axis(NamedTuple):
    """One axis as it is written. One without a name has its size, and a name that no other axis can have."""

    name: str
    span: Span
    size: int | None = None

    @property
    def label(self) -> str:
        """How messages call it.

        >>> Axis("h", (0, 1)).label, Axis("2 at 5", (5, 6), 2).label
        ("'h'", "'2'")
        """
        return f"'{self.name}'" if self.size is None else f"'{self.size}'"


class Group(NamedTuple):
    """One dimension of a tensor: an axis, several in parentheses, or none (written 1)."""

    axes: tuple[Axis, ...]
    span: Span
    composed: bool


class Side(NamedTuple):
    """The dimensions of one tensor."""

    groups: tuple[Group, ...]
    span: Span

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes in order, those in parentheses too."""
        return tuple(axis for group in self.groups for axis in group.axes)

    @property
    def names(self) -> set[str]:
        """The names of all axes."""
        return {axis.name for axis in self.axes}

    @property
    def written(self) -> Span:
        """From the first axis to the last."""
        start, stop = self.span
        return (self.groups[0].span[0], self.groups[-1].span[1]) if self.groups else (start, max(stop, start + 1))

    @property
    def ellipsis(self) -> Axis | None:
        """The three dots, where there are any."""
        return next((axis for axis in self.axes if axis.name == ELLIPSIS), None)


class Parsed(NamedTuple):
    """A pattern with an arrow."""

    left: Side
    right: Side


@lru_cache(maxsize=CACHE_SIZE)
def parse(operation: str, pattern: str) -> Parsed:
    """The two sides of a pattern; EinopsError where it is not one.

    >>> parsed = parse("rearrange", "b (h 2) -> b 1 h")
    >>> [[axis.label for axis in group.axes] for group in parsed.left.groups]
    [["'b'"], ["'h'", "'2'"]]
    >>> [len(group.axes) for group in parsed.right.groups]
    [1, 0, 1]
    """
    call = Call(operation, pattern)
    left, right = arrow(call)
    parsed = Parsed(side(call, left, " on the left side"), side(call, right, " on the right side"))
    for group in parsed.left.groups:
        for axis in group.axes:
            if group.composed and axis.name == ELLIPSIS:
                raise call.error("on the left side '...' cannot be inside parentheses", axis.span)
    return parsed


def arrow(call: Call) -> tuple[Span, Span]:
    """What lies before and after the only '->'."""
    found = [match.span() for match in re.finditer("->", call.pattern)]
    end = len(call.pattern)
    if not found:
        raise call.error("the pattern has no '->'", (end, end + 1))
    if len(found) > 1:
        raise call.error("the pattern has more than one '->'", *found)
    return (0, found[0][0]), (found[0][1], end)


def side(call: Call, span: Span, where: str = "", also: tuple[str, ...] = (), repeated: bool = False) -> Side:
    """The dimensions between two places of the pattern.

    `where` is how messages call it, `also` are signs that stand for an axis as names do, `repeated` lets an axis stand
    twice.
    """
    groups: list[Group] = []
    opened, inner = -1, list[Axis]()
    for match in _TOKEN.finditer(call.pattern, *span):
        token, here = match[0], match.span()
        if token == "(":
            if opened >= 0:
                raise call.error("parentheses cannot be inside parentheses", here)
            opened, inner = here[0], []
        elif token == ")":
            if opened < 0:
                raise call.error("this ')' has no '('", here)
            groups.append(Group(tuple(inner), (opened, here[1]), True))
            opened = -1
        elif not token.isspace():
            axes = _axes(call, token, here, also)
            if opened >= 0:
                inner += axes
            else:
                groups.append(Group(axes, here, False))
    if opened >= 0:
        raise call.error("this '(' is never closed", (opened, opened + 1))
    made = Side(tuple(groups), span)
    _each_once(call, made, where, repeated)
    return made


def _axes(call: Call, token: str, here: Span, also: tuple[str, ...]) -> tuple[Axis, ...]:
    """The axis that a word stands for; none for a 1."""
    if token == ELLIPSIS or token in also:
        return (Axis(token, here),)
    if token.isdecimal():
        size = int(token)
        if size == 0:
            raise call.error("an axis without a name has a size of at least 1", here)
        return () if size == 1 else (Axis(f"{size} at {here[0]}", here, size),)
    if token == ".":
        raise call.error("dots stand only as '...'", here)
    if not re.match(r"\w", token):
        raise call.error(f"'{token}' has no meaning here", here)
    if not token.isidentifier():
        raise call.error(f"'{token}' is neither a name nor a number", here)
    if token[0] == "_" or token[-1] == "_":
        raise call.error(f"the name '{token}' begins or ends with an underscore", here)
    return (Axis(token, here),)


def _each_once(call: Call, made: Side, where: str, repeated: bool) -> None:
    seen: dict[str, Span] = {}
    for axis in made.axes:
        if axis.name in seen and not (repeated and axis.name != ELLIPSIS) and axis.name != "_":
            what = "'...' stands" if axis.name == ELLIPSIS else f"axis {axis.label} stands"
            raise call.error(f"{what} twice{where}", seen[axis.name], axis.span)
        seen[axis.name] = axis.span
