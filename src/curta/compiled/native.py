"""A graph made ready to run: its dead ends dropped, its memory planned, its launches in a table."""

from __future__ import annotations

from curta.autograd.state import STATE
from curta.compiled import memory, passes
from curta.compiled.graph import Buffer, Node, ProgramGraph
from curta.compiled.profile import Timing
from curta.compiled.table import Table, temporaries_of
from curta.errors import CompileError
from curta.memory.allocator import OutOfMemoryError
from curta.memory.storage import Storage, allocate
from curta.ops.record import NO_COST, Cost


def available_bytes() -> int | None:
    """The memory that the system says it can still give; None where it does not say.

    >>> available_bytes() is None or available_bytes() > 0
    True
    """
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        pass
    return None


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
        alive = list(passes.lifetimes(self.graph).values())
        temporaries: dict[tuple[int, int], Buffer] = {}
        for step, number, layout in temporaries_of(self.graph.nodes):
            buffer = temporaries[step, number] = Buffer("internal", layout.nbytes)
            alive.append((buffer, step, step))
        self._inside = [buffer for buffer, _, _ in alive]
        self.arena = memory.plan([memory.Lifetime(buffer.nbytes, first, last) for buffer, first, last in alive])
        self.table = Table(self.graph.nodes, temporaries)
        self.written = {id(ref.buffer) for node in self.graph.nodes for ref in node.results}
        self._memory: Storage | None = None
        #: where a run that is profiled puts its timings
        self.watching: list[Timing] | None = None

    @property
    def cost(self) -> Cost:
        """The sum over all operators."""
        return _total(self.graph.nodes)

    def run(self) -> dict[int, Storage]:
        """Run once; gives a fresh storage for each output, by the buffer's identity."""
        if self._memory is None:
            self._take_arena()
        made = {id(buffer): allocate(buffer.nbytes) for buffer in self.outputs}
        for buffer in self.outputs:
            self.table.point(buffer, made[id(buffer)].address)
        if self.watching is None:
            self.table.run()
        else:
            spans = self.table.run_timed()
            self.watching += [Timing(node, tuple(each)) for node, each in zip(self.graph.nodes, spans, strict=True)]
        for book in STATE.books:
            before = STATE.phase
            for node in self.graph.nodes:
                STATE.phase = node.phase
                book.charge(node.call.op, node.call)
            STATE.phase = before
        return made

    def _take_arena(self) -> None:
        free = available_bytes()
        if free is not None and self.arena.nbytes > free:
            raise CompileError(
                f"compile: the program needs an arena of {self.arena.nbytes:,} bytes, and {free:,} are free: a smaller "
                "batch or bfloat16 takes less"
            )
        try:
            self._memory = storage = allocate(self.arena.nbytes)
        except OutOfMemoryError as error:
            raise CompileError(
                f"compile: the program needs an arena of {self.arena.nbytes:,} bytes, which the system does not give"
            ) from error
        for buffer, offset in zip(self._inside, self.arena.offsets, strict=True):
            self.table.point(buffer, storage.address + offset)
