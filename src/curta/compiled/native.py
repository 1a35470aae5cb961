"""A graph made ready to run: its dead ends dropped, its memory planned, its launches in a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from curta.autograd.state import STATE
from curta.compiled import passes
from curta.compiled.arrange import arrange
from curta.compiled.graph import Buffer, Node, ProgramGraph
from curta.compiled.heads import make_scores_once
from curta.compiled.profile import Timing
from curta.compiled.table import Table
from curta.costs.lines import Line, format_of, lines_of
from curta.dtypes import DType, bfloat16, float16, float32
from curta.errors import CompileError
from curta.memory.allocator import HOST, OutOfMemoryError
from curta.memory.free import available_bytes
from curta.memory.ledger import ARENAS
from curta.memory.living import PROGRAMS
from curta.memory.storage import MAKERS, Storage, allocate, host_storage
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
        self._recorded = recorded
        self._lines: list[Line] = []
        self.memory: Storage | None = None
        PROGRAMS.add(self)
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
        for book in STATE.books:
            book.begin_program()
        for key, nbytes, free, moves in self._made:
            made[key] = storage = allocate(nbytes) if MAKERS else host_storage(nbytes, free)
            for word, distance in moves:
                words[word] = storage.address + distance
        if self.watching is None:
            self.table.run()
        else:
            spans = self.table.run_timed()
            self.watching += [Timing(node, tuple(each)) for node, each in zip(self.graph.nodes, spans, strict=True)]
        for book in STATE.books:
            book.charge_program(self)
        return made

    def lines(self, count: int, phase: str = "", module: Any = None) -> list[Line]:
        """What so many runs do, as lines of an account: arithmetic as in the function itself, bytes as they move here.

        A fused kernel's bytes stand under its parts' names: it reads as its first, and writes as its last.
        """
        if not self._lines:
            for node in make_scores_once(self._recorded).nodes:
                made = lines_of(node.call, node.phase, node.module, 1, None)
                self._lines += [line.without_bytes() for line in made]
            self._lines += self._moved()
        return [line.times(count) for line in self._lines]

    def _moved(self) -> Iterator[Line]:
        for node in self.graph.nodes:
            cost, parts = node.call.cost, node.parts or (node,)
            for part in {id(part): part for part in (parts[0], parts[-1])}.values():
                read = cost.bytes_read if part is parts[0] else 0
                written = cost.bytes_written if part is parts[-1] else 0
                moved = Cost(0, 0, read, written)
                yield Line(part.phase, part.module, part.call.op.name, format_of(part.call), 0, moved, 0)

    def take_arena(self) -> None:
        """Allocate the arena; OutOfMemoryError where the system does not give it."""
        self.memory = storage = allocate(self.arena.nbytes)
        for book in STATE.books:
            book.assign(storage, ARENAS)
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
