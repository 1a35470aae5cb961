"""Where the buffers of a program lie in its arena, and which of its launches run side by side.

The two depend on each other: launches of one wave must not share bytes, so for them a wave is one step; but buffers
that live longer take more memory. Waves are therefore found twice: by what the launches mean, as long as nothing takes
more memory at its fullest step than launches one by one, which the arena is planned for; and by the bytes of that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from curta.compiled import memory, passes, reuse
from curta.compiled.graph import Buffer, ProgramGraph
from curta.compiled.memory import Arena, Lifetime
from curta.compiled.waves import Use, uses_of, waves

#: the part of the arena that fewer waves may cost, for the gaps between buffers that live a little longer
SLACK = 128


class Inside(NamedTuple):
    """A buffer in the arena: where it lies, and the first and last node that uses it."""

    buffer: Buffer
    offset: int
    first: int
    last: int


class Arrangement(NamedTuple):
    """A program's memory and its waves; `temporaries` are the buffers that nodes need while they run, by number."""

    arena: Arena
    inside: list[Inside]
    temporaries: dict[tuple[int, int], Buffer]
    waves: list[range]


def arrange(graph: ProgramGraph) -> Arrangement:
    """Plan a program's memory and its waves."""
    lives = passes.lifetimes(graph)
    blocks = reuse.merged(graph.nodes, lives)
    temporaries: dict[tuple[int, int], Buffer] = {}
    for step, node in enumerate(graph.nodes):
        for number, layout in enumerate(node.call.temporaries):
            buffer = temporaries[step, number] = Buffer("internal", layout.nbytes)
            lives[id(buffer)] = (buffer, step, step)
            blocks.append([buffer])
    uses = uses_of(graph.nodes, temporaries)
    block_of = {id(buffer): number for number, block in enumerate(blocks) for buffer in block}
    lifetimes = _lifetimes(uses, blocks, block_of)
    arena = memory.plan(lifetimes)
    meant = waves(uses, lambda buffer: (block_of.get(id(buffer), -id(buffer)), 0), _room(lifetimes, len(uses)))
    step_of = {number: step for step, wave in enumerate(meant) for number in wave}
    by_wave = memory.plan(
        [replace(one, first=step_of.get(one.first, 0), last=step_of.get(one.last, 0)) for one in lifetimes]
    )
    if by_wave.nbytes <= arena.nbytes + arena.nbytes // SLACK:
        arena = replace(by_wave, live_bytes=arena.live_bytes)
    inside = [
        Inside(buffer, offset, *lives[id(buffer)][1:])
        for block, offset in zip(blocks, arena.offsets, strict=True)
        for buffer in block
    ]
    offsets = {id(one.buffer): one.offset for one in inside}
    found = waves(uses, lambda buffer: (0, offsets[id(buffer)]) if id(buffer) in offsets else (id(buffer), 0))
    return Arrangement(arena, inside, temporaries, found)


def _lifetimes(uses: list[Use], blocks: list[list[Buffer]], block_of: dict[int, int]) -> list[Lifetime]:
    """The first and last launch that uses each block of memory."""
    steps: list[list[int]] = [[] for _ in blocks]
    for number, use in enumerate(uses):
        for ref in (*use.reads, *use.writes):
            if id(ref.buffer) in block_of:
                steps[block_of[id(ref.buffer)]].append(number)
    return [
        Lifetime(block[0].nbytes, found[0], found[-1]) if found else Lifetime(0, 0, 0)  # no elements, or nobody's
        for block, found in zip(blocks, steps, strict=True)
    ]


def _room(lifetimes: list[Lifetime], launches: int) -> Callable[[int, int], bool]:
    """Whether all that is alive at some launch from a first to a last one is no more than is alive at one of any."""
    born, gone = [0] * (launches + 1), [0] * (launches + 1)
    for one in lifetimes:
        born[one.first] += memory.rounded(one.nbytes)
        gone[one.last + 1] += memory.rounded(one.nbytes)
    alive_before = [0, *accumulate(made - left for made, left in zip(born, gone, strict=True))]
    made_before = [0, *accumulate(born)]
    limit = memory.live_bytes(lifetimes)
    return lambda first, last: alive_before[first] - gone[first] + made_before[last + 1] - made_before[first] <= limit
