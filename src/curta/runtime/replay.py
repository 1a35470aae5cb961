"""Launches made ready to be run again and again, those that do not depend on each other side by side.

A wave is a job of the pool: the tasks of all its launches are handed out one after the other, and only then the next
wave begins. Which launches make a wave is for the caller to say.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

from curta.runtime import entry, native, pool_state

#: a wave of inline plans stays on the calling thread if it is no more work than one such plan may be, in tasks
ALONE_TASKS = 2


class Launch(NamedTuple):
    """The address of a living plan, and that of its arguments in memory, ready as the kernel takes them."""

    plan: int
    arguments: int


class Replay:
    """A table of waves in native memory; plans and arguments must live as long.

    >>> Replay([]).run()
    """

    def __init__(self, waves: Sequence[Sequence[Launch]]) -> None:
        parts: list[int] = []
        table: list[int] = []
        starts: list[int] = []
        for launches in waves:
            starts.append(len(parts))
            table += [0, *_add_wave(parts, launches)]
        self._parts = (ctypes.c_int64 * len(parts))(*parts)
        base = ctypes.addressof(self._parts)
        table[:: entry.WAVE_WORDS] = [base + 8 * start for start in starts]
        self._table = (ctypes.c_int64 * (1 + len(table)))(len(waves), *table)
        self._address = ctypes.addressof(self._table)
        self._replay = native.replayer()

    def run(self) -> None:
        """Run the waves in order."""
        self._replay(self._address)


class _Plan(NamedTuple):
    """A plan's words."""

    kernel: int
    meta: int
    units: int
    grain: int
    scratch_bytes: int
    argument_count: int
    float_mask: int
    flags: int


def _plan_at(address: int) -> _Plan:
    return _Plan(*(ctypes.c_int64 * entry.PLAN_WORDS).from_address(address))


def _add_wave(parts: list[int], launches: Sequence[Launch]) -> tuple[int, int, int]:
    """Append the parts of a wave, the small ones last so that they fill what is left; gives tasks, scratch, alone."""
    plans = sorted(
        ((_plan_at(launch.plan), launch.arguments) for launch in launches), key=lambda one: one[0].flags & entry.INLINE
    )
    tasks = 0
    for plan, arguments in plans:
        grain = max(plan.units, 1) if plan.flags & entry.INLINE else plan.grain
        first, tasks = tasks, tasks - (-plan.units // grain)
        part = [plan.kernel, arguments, plan.meta, plan.units, grain, first, tasks]
        parts += [*part, *[0] * (pool_state.PART_BYTES // 8 - len(part))]
    scratch_bytes = max((plan.scratch_bytes for plan, _ in plans), default=0)
    inline = all(plan.flags & entry.INLINE for plan, _ in plans)
    alone = inline and sum(plan.units / plan.grain for plan, _ in plans) <= ALONE_TASKS
    return tasks, scratch_bytes, int(alone)
