"""A graph made ready to run: its dead ends dropped, its memory planned, its launches in a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from curta.autograd.state import STATE
from curta.compiled import passes
from curta.compiled.arrange import arrange
from curta.compiled.graph import Buffer, Node, ProgramGraph
from curta.compiled.profile import Timing
from curta.compiled.table import Table
from curta.dtypes import DType, bfloat16, float16, float32
from curta.errors import CompileError
from curta.memory.allocator import HOST, OutOfMemoryError
from curta.memory.free import available_bytes
from curta.memory.storage import HostStorage, Storage, allocate
from curta.ops.program import Executable
from curta.ops.record import NO_COST, Cost
from curta.runtime import jit


class Placement(NamedTuple):
    """Where a buffer lies in the arena, and the first and last operator that uses it."""

    name: str
    nbytes: int
    offset: int
    first: int
    last: int


def place_all(calls: list[Executable]) -> None:
    """Compile, or find, and load what these operators run."""
    jit.load_all(code for call in calls for code in call.codes)
    for call in calls:
        call.place()


def _total(nodes: tuple[Node, ...]) -> Cost:
    total = NO_COST
    for node in nodes:
        total = total + node.call.cost
    return total


class NativeProgram:
    """What runs without Python: `outputs` live on after a run, everything internal lies in the arena."""

    def __init__(self, nodes: tuple[Node, ...], outputs: tuple[Buffer, ...]) -> None:
        recorded = ProgramGraph(nodes, outputs)
        recorded.check()
        #: of the operators one by one, as they were recorded
        self.unfused_cost = _total(nodes)
        self.graph = passes.simplified(recorded)
        self.outputs = outputs
        arranged = arrange(self.graph)
        self.arena = arranged.arena
        self._inside = arranged.inside
        place_all([node.call for node in self.graph.nodes])
        self.table = Table(self.graph.nodes, arranged.temporaries, arranged.waves)
        self.written = {id(ref.buffer) for node in self.graph.nodes for ref in node.results}
        #: for each output its size, the blocks that may serve it, and where its address goes
        self._made = [
            (id(one), one.nbytes, HOST.free_blocks(one.nbytes), self.table.moves.get(id(one), ())) for one in outputs
        ]
        self._memory: Storage | None = None
        #: where a run that is profiled puts its timings
        self.watching: list[Timing] | None = None

    @property
    def cost(self) -> Cost:
        """The sum over all operators."""
        return _total(self.graph.nodes)

    def placements(self) -> list[Placement]:
        """What lies in the arena, where, and when; memory that an operator needs only while it runs has no name."""
        return [
            Placement(
                one.buffer.name if one.buffer.number >= 0 else "temporary",
                one.buffer.nbytes,
                one.offset,
                one.first,
                one.last,
            )
            for one in self._inside
        ]

    def run(self) -> dict[int, Storage]:
        """Run once; gives a fresh storage for each output, by the buffer's identity."""
        made: dict[int, Storage] = {}
        words = self.table.words
        for key, nbytes, free, moves in self._made:
            made[key] = storage = HostStorage(nbytes, free)
            for word, distance in moves:
                words[word] = storage.address + distance
        if self.watching is None:
            self.table.run()
        else:
            spans = self.table.run_timed()
            self.watching += [Timing(node, tuple(each)) for node, each in zip(self.graph.nodes, spans, strict=True)]
        for book in STATE.books:
            before = STATE.phase
            for name, phase, cost in self._charges():
                STATE.phase = phase
                book.add(name, cost)
            STATE.phase = before
        return made

    def _charges(self) -> Iterator[tuple[str, str, Cost]]:
        """A fused kernel's arithmetic under its parts' names; it reads as its first part, and writes as its last."""
        for node in self.graph.nodes:
            whole = node.call.cost
            if not node.parts:
                yield node.call.op.name, node.phase, whole
            for part in node.parts:
                read = whole.bytes_read if part is node.parts[0] else 0
                written = whole.bytes_written if part is node.parts[-1] else 0
                cost = part.call.cost
                yield part.call.op.name, part.phase, Cost(cost.flops, cost.transcendentals, read, written)

    def take_arena(self) -> None:
        """Allocate the arena; OutOfMemoryError where the system does not give it."""
        self._memory = storage = allocate(self.arena.nbytes)
        for one in self._inside:
            self.table.point(one.buffer, storage.address + one.offset)

    def formats(self) -> set[DType]:
        """The number formats of what the operators make."""
        return {ref.layout.dtype for node in self.graph.nodes for ref in node.results}


def take_arenas(natives: Collection[NativeProgram]) -> None:
    """Give programs that run one after the other their arenas; CompileError where there is no room for all of them."""
    needed, free = sum(native.arena.nbytes for native in natives), available_bytes()
    if free is not None and needed > free:
        HOST.empty_cache()  # what was freed may be just what is lacking
        free = available_bytes()
    if free is not None and needed > free:
        raise CompileError(
            f"compile: the program needs an arena of {needed:,} bytes, and {free:,} are free: {_advice(natives)}"
        )
    try:
        for native in natives:
            native.take_arena()
    except OutOfMemoryError as error:
        raise CompileError(
            f"compile: the program needs an arena of {needed:,} bytes, which the system does not give: "
            f"{_advice(natives)}"
        ) from error


def _advice(natives: Collection[NativeProgram]) -> str:
    """What makes the arenas of programs smaller."""
    formats = set().union(*(native.formats() for native in natives))
    if float32 in formats and not formats & {bfloat16, float16}:
        return "a smaller batch takes less, and so does bfloat16 (curta.autocast)"
    return "a smaller batch takes less"
