"""Loop programs: what one kernel does, as a value that prints as readable text and serves as the kernel's cache key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from curta import dtypes
from curta.compiler.expression import Expression, describe
from curta.compiler.instructions import EXPENSIVE
from curta.compiler.reductions import TABLE
from curta.dtypes import DType, compute_dtype

UNIFORM, CONTIGUOUS, STRIDED, REVERSED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Slot:
    """One operand of a kernel: its format, what it is for, and how it moves along the innermost dimension."""

    dtype: DType
    role: str  # "input", "output", "scalar"
    inner: int = UNIFORM

    def __str__(self) -> str:
        return f"{self.role} {self.dtype.short} {('uniform', 'contiguous', 'strided', 'reversed')[self.inner]}"


@dataclass(frozen=True, slots=True)
class Reducing:
    """One reduction inside a program: which, of what."""

    name: str
    element: Expression


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass over a row: what it gathers and what it stores, element by element."""

    reductions: tuple[Reducing, ...]
    stores: tuple[tuple[int, Expression], ...]

    def roots(self) -> list[Expression]:
        return [r.element for r in self.reductions] + [expression for _, expression in self.stores]


@dataclass(frozen=True, slots=True)
class LoopProgram:
    """A loop nest: for each row (`outer_rank` dimensions), the stages one after the other over the inner dimension.

    - `form` "rows": the inner dimension is what reductions run over (or there are none); "columns": reductions run
      over the outer reduced dimensions and the inner one is kept.
    - `reduce_rank`: reduced dimensions outside the inner one. Axes are numbered outer ones first, then the inner one,
      then these.
    - `blocked`: the inner dimension is cut into blocks of fixed size, each a unit of work; with reductions, the
      accumulators of each block are then stored as they are (`row_stores` is empty), to be combined by a second kernel.
    - `row_stores`: written once a row, after the last stage.
    """

    slots: tuple[Slot, ...]
    outer_rank: int
    stages: tuple[Stage, ...]
    row_stores: tuple[tuple[int, Expression], ...] = ()
    reduce_rank: int = 0
    blocked: bool = False
    form: str = "rows"

    def describe(self) -> str:
        """The program as text: one line a node."""
        names: dict[int, str] = {}
        lines = [f"{self.form} outer={self.outer_rank} reduce={self.reduce_rank} blocked={self.blocked}"]
        lines += [f"slot {number}: {slot}" for number, slot in enumerate(self.slots)]
        for stage in self.stages:
            body, roots = describe(stage.roots(), names)
            targets = [f"reduce {r.name}" for r in stage.reductions] + [f"store {slot}" for slot, _ in stage.stores]
            lines += ["stage", *body, *(f"{target} {root}" for target, root in zip(targets, roots, strict=True))]
        body, roots = describe([expression for _, expression in self.row_stores], names)
        lines += ["row", *body, *(f"store {s} {root}" for (s, _), root in zip(self.row_stores, roots, strict=True))]
        return "\n".join(lines)

    def all_reductions(self) -> list[Reducing]:
        return [reducing for stage in self.stages for reducing in stage.reductions]

    def lane_bytes(self) -> int:
        """The element size that decides how many lanes fill a vector: the narrowest of 4 bytes or more, if any."""
        sizes = {node.dtype.itemsize for stage in self.stages for node in walk(stage.roots())}
        sizes |= {compute_dtype(slot.dtype).itemsize for slot in self.slots if slot.role == "output"}
        for one in self.all_reductions():
            sizes |= {kind.itemsize for kind, _ in TABLE[one.name].initial(one.element.dtype)}
        wide = [size for size in sizes if size >= 4]
        return min(wide) if wide else max(sizes, default=4)


def walk(roots: list[Expression]) -> Iterator[Expression]:
    """Every node below the roots once, operands first."""
    seen: set[int] = set()
    stack: list[tuple[Expression, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((operand, False) for operand in reversed(node.operands))


def varying(program: LoopProgram, roots: list[Expression]) -> set[int]:
    """Ids of the nodes whose value changes along the inner dimension."""
    found: set[int] = set()
    inner_axis = program.outer_rank
    for node in walk(roots):
        moves = (
            node.kind in ("flat_index", "reduce_index")
            or (node.kind == "index" and node.attribute == inner_axis)
            or (node.kind == "input" and program.slots[node.attribute].inner != UNIFORM)
            or (node.kind == "load" and program.slots[node.attribute[0]].inner != UNIFORM)
            or any(id(operand) in found for operand in node.operands)
        )
        if moves:
            found.add(id(node))
    return found


def kept_values(program: LoopProgram) -> dict[int, int]:
    """Values that a later stage needs again and that cost too much to compute twice: id to place in scratch."""
    if len(program.stages) < 2 or program.reduce_rank:
        return {}
    moving = varying(program, [root for stage in program.stages for root in stage.roots()])
    seen: set[int] = set()
    kept: dict[int, int] = {}
    for stage in program.stages:
        nodes = list(walk(stage.roots()))
        for node in nodes:
            if id(node) in seen and id(node) in moving and node.kind == "call" and node.attribute in EXPENSIVE:
                kept.setdefault(id(node), len(kept))
        seen.update(id(node) for node in nodes)
    return kept


def scratch_itemsize(dtype: DType) -> int:
    """Bytes an element takes in scratch."""
    return 1 if dtype is dtypes.bool_ else dtype.itemsize
