"""Where the time of a program goes: each operator run by itself, its seconds beside its books."""

from __future__ import annotations

from dataclasses import dataclass

from curta.compiled.graph import Node
from curta.ops.record import NO_COST, Cost
from curta.runtime.watch import Span


def roofline_seconds(cost: Cost, flops_per_second: float, bytes_per_second: float) -> float:
    """The least time that a machine of these rates needs: arithmetic or memory, whichever takes longer.

    Williams, Waterman and Patterson, "Roofline" (2009).

    >>> roofline_seconds(Cost(200, 0, 30, 10), 100.0, 10.0)
    4.0
    """
    return max(cost.flops / flops_per_second, (cost.bytes_read + cost.bytes_written) / bytes_per_second)


@dataclass(frozen=True, slots=True)
class Timing:
    """One operator of a program, and when the threads worked on it: first of all the calling one, from end to end."""

    node: Node
    spans: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        """From the launch to its end."""
        return self.spans[0].stop - self.spans[0].start


@dataclass(frozen=True, slots=True)
class Group:
    """All the operators of one name in one part of the step: how many, their seconds and their costs together."""

    phase: str
    name: str
    calls: int
    seconds: float
    cost: Cost

    def roofline_seconds(self, flops_per_second: float, bytes_per_second: float) -> float:
        """See the function of this name."""
        return roofline_seconds(self.cost, flops_per_second, bytes_per_second)


@dataclass(frozen=True, slots=True)
class Profile:
    """The timings of one run, in the order of the program; printing gives a line for each kind of operator."""

    timings: tuple[Timing, ...]

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(timing.seconds for timing in self.timings)

    def groups(self) -> list[Group]:
        """By part of the step and operator, the longest first."""
        found: dict[tuple[str, str], Group] = {}
        for timing in self.timings:
            call = timing.node.call
            key = (timing.node.phase, call.op.name)
            known = found.get(key, Group(*key, 0, 0.0, NO_COST))
            found[key] = Group(*key, known.calls + 1, known.seconds + timing.seconds, known.cost + call.cost)
        return sorted(found.values(), key=lambda group: -group.seconds)

    def __str__(self) -> str:
        lines = [f"{'':10} {'operator':28} {'calls':>6} {'ms':>9} {'share':>7} {'GFLOP/s':>9} {'GB/s':>7}"]
        whole = self.seconds or 1.0
        for group in self.groups():
            seconds = group.seconds or 1e-12
            moved = group.cost.bytes_read + group.cost.bytes_written
            lines.append(
                f"{group.phase:10} {group.name:28} {group.calls:6} {group.seconds * 1e3:9.3f} "
                f"{group.seconds / whole:7.1%} {group.cost.flops / seconds / 1e9:9.1f} {moved / seconds / 1e9:7.1f}"
            )
        return "\n".join(lines)
