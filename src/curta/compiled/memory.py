"""Where each buffer of a program lies in its arena: buffers that are never alive together share bytes."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from operator import itemgetter

#: every buffer starts at a multiple of this, a cache line
ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A buffer's size in bytes, and the first and last step that uses it."""

    nbytes: int
    first: int
    last: int

    def meets(self, other: Lifetime) -> bool:
        """Whether the two are alive at some step together."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Arena:
    """The offset of every buffer, the bytes of the whole, and the most bytes alive at one step: its lower bound."""

    offsets: tuple[int, ...]
    nbytes: int
    live_bytes: int


def rounded(nbytes: int) -> int:
    """Whole cache lines.

    >>> rounded(65)
    128
    """
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def plan(lifetimes: list[Lifetime]) -> Arena:
    """Offsets for buffers with these lifetimes: the largest first, each in the smallest gap that its lifetime leaves.

    >>> arena = plan([Lifetime(128, 0, 1), Lifetime(64, 1, 2), Lifetime(100, 2, 3)])
    >>> arena.offsets, arena.nbytes, arena.live_bytes
    ((0, 128, 0), 192, 192)
    """
    offsets = [0] * len(lifetimes)
    placed: list[tuple[int, int, Lifetime]] = []  # (start, end, lifetime), by start
    for number in sorted(range(len(lifetimes)), key=lambda n: (-lifetimes[n].nbytes, lifetimes[n].first, n)):
        mine = lifetimes[number]
        size, born, gone = rounded(mine.nbytes), mine.first, mine.last
        best, best_gap, end = -1, 0, 0
        for start, stop, other in placed:
            if born > other.last or other.first > gone:  # never alive together
                continue
            gap = start - end
            if gap >= size and (best < 0 or gap < best_gap):
                best, best_gap = end, gap
            end = max(end, stop)
        offset = end if best < 0 else best
        offsets[number] = offset
        insort(placed, (offset, offset + size, mine), key=itemgetter(0))
    nbytes = max((stop for _, stop, _ in placed), default=0)
    return Arena(tuple(offsets), nbytes, live_bytes(lifetimes))


def live_bytes(lifetimes: list[Lifetime]) -> int:
    """The most bytes, rounded to cache lines, that are alive at one step.

    >>> live_bytes([Lifetime(64, 0, 0), Lifetime(64, 1, 1)])
    64
    """
    changes: dict[int, int] = {}
    for one in lifetimes:
        changes[one.first] = changes.get(one.first, 0) + rounded(one.nbytes)
        changes[one.last + 1] = changes.get(one.last + 1, 0) - rounded(one.nbytes)
    alive = highest = 0
    for step in sorted(changes):
        alive += changes[step]
        highest = max(highest, alive)
    return highest
