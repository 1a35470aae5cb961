"""What one training step did, as plain figures: they outlive the account, which would keep the model's memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from curta.costs.roofline import Peaks, Roofline, roofline

OUTSIDE, OTHER = "-", "other"
PHASES = ("forward", "backward", "recomputation", "optimizer")
#: a chart of modules has at most so many bars, and one that would have more shows the names' first parts alone
BARS = 14
DEEPEST = 4


class Work(NamedTuple):
    """What a module or a part of a step did; the seconds are None where they were not measured."""

    calls: int
    flops: int
    model_flops: int
    nbytes: int
    seconds: float | None

    def __add__(self, other: Any) -> Work:
        """Both together."""
        return Work(
            self.calls + other.calls,
            self.flops + other.flops,
            self.model_flops + other.model_flops,
            self.nbytes + other.nbytes,
            None if self.seconds is None else self.seconds + (other.seconds or 0.0),
        )


class Column(NamedTuple):
    """The memory from one operator's beginning to another's: bytes by category at the fullest moment between."""

    start: int
    stop: int
    totals: Mapping[str, int]

    @property
    def nbytes(self) -> int:
        """All bytes together."""
        return sum(self.totals.values())


class Stretch(NamedTuple):
    """A part of the step that lasts from one operator's beginning to another's."""

    phase: str
    start: int
    stop: int


class Holder(NamedTuple):
    """A module that held memory at the fullest moment, and what that was for."""

    module: str
    nbytes: int
    by_category: Mapping[str, int]


@dataclass(frozen=True)
class Step:
    """The figures of one step; `seconds` are those in operators, `wall_seconds` all that passed meanwhile."""

    flops: int
    model_flops: int
    hardware_flops: int
    nbytes: int
    calls: int
    by_phase: Mapping[str, Work]
    #: by the full path of the module
    by_module: Mapping[str, Work]
    peak_bytes: int
    #: what was in use at the fullest moment
    peak_by_category: Mapping[str, int]
    holders: tuple[Holder, ...]
    columns: tuple[Column, ...]
    stretches: tuple[Stretch, ...]
    roofline: Roofline
    seconds: float | None = None
    wall_seconds: float | None = None


def step_of(books: Any, device: Peaks = "cpu", wall_seconds: float | None = None) -> Step:
    """The figures of an account or a plan with a timeline; `device` as for `curta.roofline`.

    ArgumentError for an account that was opened without `timeline=True`.

    >>> import curta
    >>> x = curta.empty(512, 512, device="meta")
    >>> step = step_of(curta.plan(lambda x: x @ x, x), curta.Peak(1e12, bytes_per_second=1e11))
    >>> step.flops, step.peak_bytes, step.seconds
    (268435456, 2097152, None)
    """
    found = books.to_dict()
    memory = books.memory
    timed = any(line.seconds is not None for line in books.lines)
    return Step(
        flops=found["flops"],
        model_flops=found["model_flops"],
        hardware_flops=found["hardware_flops"],
        nbytes=found["bytes_read"] + found["bytes_written"],
        calls=found["calls"],
        by_phase={name: _work(found["by_phase"][name]) for name in PHASES if name in found["by_phase"]},
        by_module={name: _work(one) for name, one in found["by_module"].items()},
        peak_bytes=memory.peak_bytes,
        peak_by_category=memory.peak_by_category(),
        holders=_holders(memory),
        columns=_columns(memory.timeline),
        stretches=_stretches(memory.timeline),
        roofline=roofline(books, device),
        seconds=books.seconds if timed else None,
        wall_seconds=wall_seconds,
    )


def _work(found: Mapping[str, Any]) -> Work:
    moved = found["bytes_read"] + found["bytes_written"]
    return Work(found["calls"], found["flops"], found["model_flops"], moved, found.get("seconds"))


def _holders(memory: Any) -> tuple[Holder, ...]:
    held: dict[str, dict[str, int]] = {}
    for one in memory.at_peak():
        kinds = held.setdefault(one.module, {})
        kinds[one.category] = kinds.get(one.category, 0) + one.nbytes
    return _largest_first(held)


def _largest_first(held: Mapping[str, Mapping[str, int]]) -> tuple[Holder, ...]:
    found = [Holder(module, sum(kinds.values()), kinds) for module, kinds in held.items()]
    return tuple(sorted(found, key=lambda one: (-one.nbytes, one.module)))


def _columns(timeline: list[Any]) -> tuple[Column, ...]:
    """A column for every operator that changes memory, as high as it is while that runs, and for what lies between."""
    fullest: dict[int, Any] = {}
    last: dict[int, Any] = {}
    for change in timeline:
        place = max(change.begun, 1) - 1
        last[place] = change
        if place not in fullest or change.nbytes > fullest[place].nbytes:
            fullest[place] = change
    found, places = [], sorted(last)
    for place, following in zip(places, [*places[1:], None], strict=True):
        found.append(Column(place, place + 1, fullest[place].totals))
        # between two operators that change it memory is as the first one left it; so it is at the end
        if following is None or following > place + 1:
            found.append(Column(place + 1, following or place + 2, last[place].totals))
    return tuple(found)


def _stretches(timeline: list[Any]) -> tuple[Stretch, ...]:
    """The parts of the step, one after the other.

    What runs between a backward pass and an optimizer's step counts as "forward" too: where no module has a part in
    that, it is not shown as another forward pass.
    """
    found: list[Stretch] = []
    end = max(timeline[-1].begun, 1)
    for change in timeline:
        if not change.phase:
            continue
        if not found or change.phase != found[-1].phase:
            # an operator is in the new part itself; what goes away after one has ended is not
            start = change.begun - (change.operator is not None)
            if found:
                found[-1] = found[-1]._replace(stop=start)
            found.append(Stretch(change.phase, start, end))
    inside = {
        (change.begun, change.phase) for change in timeline if change.module != OUTSIDE and change.phase == "forward"
    }
    return tuple(one if _is_pass(one, inside) else one._replace(phase=OTHER) for one in found if one.stop > one.start)


def _is_pass(one: Stretch, inside: set[tuple[int, str]]) -> bool:
    return one.phase != "forward" or one.start == 0 or any(one.start < begun <= one.stop for begun, _ in inside)


# modules, by as much of their names as is of use


def shortened(name: str, depth: int) -> str:
    """The first `depth` parts of a module's name.

    >>> shortened("blocks.0.attention.qkv", 2)
    'blocks.0'
    """
    return ".".join(name.split(".")[:depth])


def kind_of(name: str) -> str:
    """A module's name with its number in a list left open: modules with the same name do the same work.

    >>> kind_of("blocks.11.attention.qkv")
    'blocks.*.attention.qkv'
    """
    return re.sub(r"(?<=\.)\d+(?=\.|$)|^\d+(?=\.)", "*", name)


def depth_for(names: list[str], most: int = BARS) -> int:
    """So many parts of the names that at most `most` are different, but at least one.

    >>> depth_for(["blocks.0.a", "blocks.0.b", "blocks.1.a", "norm"], 3), depth_for(["a.b.c"], 3)
    (2, 3)
    """
    longest = max((name.count(".") + 1 for name in names), default=1)
    fitting = [
        depth
        for depth in range(1, min(longest, DEEPEST) + 1)
        if len({shortened(name, depth) for name in names}) <= most
    ]
    return max(fitting, default=1)


def summed(works: Mapping[str, Work], name: Callable[[str], str]) -> dict[str, Work]:
    """The works of all that have the same `name`, in the order in which they come.

    >>> summed({"a.0": Work(1, 2, 0, 4, None), "a.1": Work(1, 2, 0, 4, None)}, kind_of)
    {'a.*': Work(calls=2, flops=4, model_flops=0, nbytes=8, seconds=None)}
    """
    found: dict[str, Work] = {}
    for full, work in works.items():
        short = name(full)
        found[short] = found[short] + work if short in found else work
    return found


def holders_by(holders: tuple[Holder, ...], name: Callable[[str], str]) -> tuple[Holder, ...]:
    """The holders of the same `name` together, the largest first."""
    held: dict[str, dict[str, int]] = {}
    for one in holders:
        kinds = held.setdefault(name(one.module), {})
        for category, nbytes in one.by_category.items():
            kinds[category] = kinds.get(category, 0) + nbytes
    return _largest_first(held)
