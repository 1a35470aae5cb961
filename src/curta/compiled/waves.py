"""Waves: launches that follow each other and do not depend on each other, which the threads may run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curta.compiled.graph import Buffer, Node, Ref
from curta.memory.layout import Layout
from curta.shapes import storage_extent


@dataclass(frozen=True, slots=True)
class Access:
    """The bytes that a launch reads or writes, from `start` to `stop` in a block of memory: the arena or a buffer."""

    block: int
    start: int
    stop: int
    ref: Ref

    def meets(self, other: Access) -> bool:
        """Whether the two may have an element in common."""
        if self.block != other.block or self.stop <= other.start or other.stop <= self.start:
            return False
        return self.ref.buffer is not other.ref.buffer or not apart(self.ref, other.ref)


def apart(one: Ref, other: Ref) -> bool:
    """Whether two views of a buffer surely have no element in common: they lie in different columns of a row."""
    if one.layout.dtype is not other.layout.dtype:
        return False
    for row in {stride for stride in one.layout.strides if stride > 1}:
        mine, others = _columns(one.layout, row), _columns(other.layout, row)
        ahead = (other.offset - one.offset) % row
        if mine <= ahead and ahead + others <= row:
            return True
    return False


def _columns(layout: Layout, row: int) -> int:
    """How many columns a view spans, from its first element on, where rows are so many elements long."""
    return 1 + sum(
        (size - 1) * stride for size, stride in zip(layout.shape, layout.strides, strict=True) if stride % row
    )


def waves(
    nodes: tuple[Node, ...], temporaries: dict[tuple[int, int], Buffer], offsets: dict[int, int]
) -> list[list[int]]:
    """The launches of all nodes by number, in waves; `offsets` says which buffers lie in the arena, and where."""
    found: list[list[int]] = []
    number = 0
    reads: list[Access] = []
    writes: list[Access] = []
    for place, node in enumerate(nodes):
        held = [Ref(temporaries[place, n], layout) for n, layout in enumerate(node.call.temporaries)]
        table = [*node.operands, *node.results, *held]
        for _, places in node.call.launches:
            new_reads = _accesses([table[n] for n in places if n < len(node.operands)], offsets)
            new_writes = _accesses([table[n] for n in places if n >= len(node.operands)], offsets)
            if not found or _meet(new_reads, writes) or _meet(new_writes, reads) or _meet(new_writes, writes):
                found.append([])
                reads, writes = [], []
            found[-1].append(number)
            reads += new_reads
            writes += new_writes
            number += 1
    return found


def _accesses(operands: Sequence[Any], offsets: dict[int, int]) -> list[Access]:
    found = []
    for ref in operands:
        if isinstance(ref, Ref) and ref.layout.numel:
            layout, identity = ref.layout, id(ref.buffer)
            start = offsets.get(identity, 0)
            extent = storage_extent(layout.shape, layout.strides, ref.offset) * layout.dtype.itemsize
            block = 0 if identity in offsets else identity
            found.append(Access(block, start + ref.distance, start + extent, ref))
    return found


def _meet(some: list[Access], others: list[Access]) -> bool:
    return any(one.meets(other) for one in some for other in others)
