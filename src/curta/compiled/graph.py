"""A recorded program: operators in order, over views of buffers. Views cost nothing and are no nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from curta.compiler.graph import LiveNumber
from curta.errors import CompilerError
from curta.memory.layout import Layout
from curta.ops.dispatch import described
from curta.ops.program import Executable


@dataclass(slots=True, eq=False)
class Buffer:
    """A block of memory: "argument" and "external" ones are there before, "output" ones live on after a run.

    `number` names it in print. `internal` ones lie in the arena.
    """

    kind: str
    nbytes: int
    number: int = -1

    @property
    def name(self) -> str:
        """As a listing has it: `a0` argument, `e3` external, `o1` output, `%7` internal."""
        return {"argument": "a", "external": "e", "output": "o"}.get(self.kind, "%") + str(self.number)


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor of the program: how it lies in a buffer; the offset counts elements."""

    buffer: Buffer
    layout: Layout
    offset: int = 0

    @property
    def distance(self) -> int:
        """Bytes from the buffer's start to the first element."""
        return self.offset * self.layout.dtype.itemsize

    def __str__(self) -> str:
        whole = self.offset == 0 and self.layout.is_contiguous and self.layout.nbytes == self.buffer.nbytes
        return self.buffer.name if whole else f"{self.buffer.name}[{self.layout!r} at {self.offset}]"


def all_described(operands: Iterable[Any]) -> tuple[Any, ...]:
    """Operands of a program as an operator's `infer` sees them: layouts, and the types of numbers."""
    return tuple([one.layout if isinstance(one, Ref) else described(one) for one in operands])


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator, or several fused: its compiled form, what it reads and writes, its part of the step, its line."""

    call: Executable
    operands: tuple[Any, ...]
    results: tuple[Ref, ...]
    params: dict[str, Any]
    phase: str
    line: str
    #: the operators that were fused into this one
    parts: tuple[Node, ...] = ()
    #: the place of the module that it is the work of; see nn/modules/places.py
    module: Any = None
    _reads: tuple[Ref, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reads", tuple([one for one in self.operands if isinstance(one, Ref)]))

    def reads(self) -> tuple[Ref, ...]:
        """The tensors among the operands."""
        return self._reads

    def __str__(self) -> str:
        made = ", ".join(f"{ref}: {ref.layout!r}" for ref in self.results)
        inside = "".join(f"\n    {part}" for part in self.parts)
        given = ", ".join(_shown(operand) for operand in self.operands)
        named = "".join(f", {name}={value!r}" for name, value in self.params.items())
        return f"{made} = {self.call.op.name}({given}{named})  # {self.phase} {self.line}{inside}"


def _shown(operand: Any) -> str:
    if isinstance(operand, Ref):
        return f"{operand}: {operand.layout!r}"
    return f"live {operand.type.__name__}" if isinstance(operand, LiveNumber) else repr(operand)


@dataclass(frozen=True, slots=True)
class ProgramGraph:
    """Nodes in the order they run; printing gives one line a node."""

    nodes: tuple[Node, ...]
    outputs: tuple[Buffer, ...] = field(default=())

    def buffers(self) -> list[Buffer]:
        """Every buffer, in the order of first use."""
        found: dict[int, Buffer] = {}
        for node in self.nodes:
            for ref in (*node.reads(), *node.results):
                found.setdefault(id(ref.buffer), ref.buffer)
        for buffer in self.outputs:
            found.setdefault(id(buffer), buffer)
        return list(found.values())

    def check(self) -> None:
        """CompilerError where something is read that nothing has written, or a view reaches outside its buffer."""
        written: set[int] = set()
        fitting: set[tuple[Layout, int, int]] = set()  # most views are like others
        for node in self.nodes:
            for ref in node.reads():
                buffer = ref.buffer
                if id(buffer) not in written and buffer.kind not in ("argument", "external") and ref.layout.numel:
                    raise CompilerError(f"{node.call.op.name}: reads {buffer.name}, which nothing has written")
            for ref in (*node.reads(), *node.results):
                view = ref.layout, ref.offset, ref.buffer.nbytes
                if view not in fitting:
                    _check_extent(node, ref)
                    fitting.add(view)
            for ref in node.results:
                written.add(id(ref.buffer))

    def __str__(self) -> str:
        return "\n".join(map(str, self.nodes))


def _check_extent(node: Node, ref: Ref) -> None:
    from curta.shapes import storage_extent

    layout = ref.layout
    end = storage_extent(layout.shape, layout.strides, ref.offset) * layout.dtype.itemsize
    if layout.numel and end > ref.buffer.nbytes:
        raise CompilerError(f"{node.call.op.name}: {ref} reaches byte {end} of a buffer of {ref.buffer.nbytes} bytes")
