"""Waves: launches that follow each other and do not depend on each other, which the threads may run side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from curta.compiled.graph import Buffer, Node, Ref
from curta.memory.layout import Layout
from curta.shapes import storage_extent


class Use(NamedTuple):
    """What one launch reads and what it writes."""

    reads: list[Ref]
    writes: list[Ref]


def uses_of(nodes: tuple[Node, ...], temporaries: dict[tuple[int, int], Buffer]) -> list[Use]:
    """What every launch of a program touches, in order; `temporaries` are the buffers by (node, number)."""
    found = []
    for place, node in enumerate(nodes):
        held = [Ref(temporaries[place, number], layout) for number, layout in enumerate(node.call.temporaries)]
        table, first = [*node.operands, *node.results, *held], len(node.operands)
        for _, sources in node.call.launches:
            # a part counts as the whole
            places = [n if n < len(table) else node.call.parts[n - len(table)][0] for n in sources]
            reads = [table[n] for n in places if n < first and isinstance(table[n], Ref) and table[n].layout.numel]
            found.append(Use(reads, [table[n] for n in places if n >= first and table[n].layout.numel]))
    return found


@dataclass(frozen=True, slots=True)
class _Access:
    """The bytes from `start` to `stop` of a block of memory, as a view of a buffer."""

    block: int
    start: int
    stop: int
    ref: Ref

    def meets(self, other: _Access) -> bool:
        """Whether two that share bytes may have an element in common."""
        return self.ref.buffer is not other.ref.buffer or not apart(self.ref, other.ref)


def apart(one: Ref, other: Ref) -> bool:
    """Whether two views of a buffer surely have no element in common: they lie in different columns of its rows."""
    if one.layout.dtype is not other.layout.dtype:
        return False
    for row in {stride for stride in one.layout.strides if stride > 1}:
        ahead = (other.offset - one.offset) % row
        if _columns(one.layout, row) <= ahead and ahead + _columns(other.layout, row) <= row:
            return True
    return False


def _columns(layout: Layout, row: int) -> int:
    """How many columns a view spans, from its first element on, where rows are so many elements long."""
    return 1 + sum(
        (size - 1) * stride for size, stride in zip(layout.shape, layout.strides, strict=True) if stride % row
    )


def waves(
    uses: list[Use], home: Callable[[Buffer], tuple[int, int]], may_grow: Callable[[int, int], bool] | None = None
) -> list[range]:
    """The launches by number, in waves: none of a wave writes what another of it touches.

    `home` gives the block of memory that a buffer lies in, and where in it; `may_grow(first, last)` says whether the
    launches from `first` to `last` may be a wave at all.
    """
    starts: list[int] = []
    #: by block of memory
    reads: dict[int, list[_Access]] = {}
    writes: dict[int, list[_Access]] = {}
    for number, use in enumerate(uses):
        new_reads = [_access(ref, *home(ref.buffer)) for ref in use.reads]
        new_writes = [_access(ref, *home(ref.buffer)) for ref in use.writes]
        clash = _meet(new_reads, writes) or _meet(new_writes, reads) or _meet(new_writes, writes)
        if not starts or clash or (may_grow is not None and not may_grow(starts[-1], number)):
            starts.append(number)
            reads, writes = {}, {}
        for known, new in ((reads, new_reads), (writes, new_writes)):
            for one in new:
                known.setdefault(one.block, []).append(one)
    return [range(first, stop) for first, stop in pairwise([*starts, len(uses)])]


def _access(ref: Ref, block: int, start: int) -> _Access:
    layout = ref.layout
    extent = storage_extent(layout.shape, layout.strides, ref.offset) * layout.dtype.itemsize
    return _Access(block, start + ref.distance, start + extent, ref)


def _meet(some: list[_Access], others: dict[int, list[_Access]]) -> bool:
    for one in some:
        start, stop = one.start, one.stop
        for other in others.get(one.block, ()):
            if start < other.stop and other.start < stop and one.meets(other):
                return True
    return False
