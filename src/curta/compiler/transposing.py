"""Copies between layouts whose near directions differ: squares of elements are turned over in registers.

Element by element, one side of such a copy touches another cache line at every step. Here a unit of work is some
neighbours of the input, `across`, times everything along the output's near direction, `inner`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from curta.compiler import schedule
from curta.compiler.code import Code, Value, coordinates, function
from curta.compiler.fuse import Kernel
from curta.compiler.matmul.emit import transpose
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import INLINE_ELEMENTS, KernelText, Step
from curta.compiler.space import strides_over
from curta.memory.layout import Layout, Shape
from curta.runtime import cpu, jit, native
from curta.shapes import coalesce

#: elements of the input's near direction in a unit of work
BLOCK = 64
#: a copy of fewer elements is not worth a kernel of its own
LEAST = 1024
_FIELDS = ("inner", "across", "inner_step", "across_step", "blocks")


def build_steps(kernel: Kernel) -> tuple[list[Step], list[Layout]]:
    """The launches that run one kernel, as `schedule.build_steps` gives them, or one that transposes."""
    found = _transposition(kernel)
    return schedule.build_steps(kernel) if found is None else ([_step(kernel, found)], [])


@dataclass(frozen=True)
class _Transposition:
    """Sizes, and strides in bytes: `inner_step` is the input's along `inner`, `across_step` the output's along
    `across`; `outer` are the other dimensions, with the input's strides and the output's."""

    inner: int
    across: int
    inner_step: int
    across_step: int
    outer: Shape
    read: Shape
    written: Shape


def _is_copy(kernel: Kernel) -> bool:
    if kernel.axes or kernel.row_stores or kernel.indexed or len(kernel.slots) != 2 or len(kernel.stages) != 1:
        return False
    (stage,), (source, target) = kernel.stages, kernel.slots
    if stage.reductions or len(stage.stores) != 1 or (source.role, target.role) != ("input", "output"):
        return False
    slot, value = stage.stores[0]
    return slot == 1 and (value.kind, value.attribute) == ("input", 0) and source.dtype is target.dtype


def _transposition(kernel: Kernel) -> _Transposition | None:
    """How a kernel transposes, if it does: a plain copy whose near directions in memory differ."""
    if not _is_copy(kernel) or prod(kernel.space) < LEAST:
        return None
    read, written = (strides_over(kernel, number) for number in (0, 1))
    sizes, (to, source) = coalesce(kernel.space, written, read, reorder=True)
    itemsize = kernel.slots[0].dtype.itemsize
    near = [dim for dim, stride in enumerate(source[:-1]) if stride == itemsize]
    # what is repeated a few times is written line by line too, rather than in loops of a few turns each
    repeated = source[-1] == 0 and sizes[-1] < 8
    if not near or to[-1] != itemsize or (source[-1] <= itemsize and not repeated):
        return None
    others = [dim for dim in range(len(sizes) - 1) if dim != near[0]]
    outer, from_outer, to_outer = (tuple(one[dim] for dim in others) for one in (sizes, source, to))
    return _Transposition(sizes[-1], sizes[near[0]], source[-1], to[near[0]], outer, from_outer, to_outer)


def _step(kernel: Kernel, found: _Transposition) -> Step:
    itemsize, rank = kernel.slots[0].dtype.itemsize, len(found.outer)
    blocks = -(-found.across // BLOCK)
    key = f"transpose {itemsize} outer={rank} {cpu.vector_bytes()}"
    text = KernelText(key, lambda: _Writer(itemsize, rank).text())
    meta = [
        found.inner, found.across, found.inner_step, found.across_step, blocks, *found.outer, *found.read,
        *found.written,
    ]  # fmt: skip
    units = prod(found.outer) * blocks
    grain = max(1, schedule.GRAIN_ELEMENTS // (BLOCK * found.inner))
    inline = prod(kernel.space) <= INLINE_ELEMENTS
    plan = native.make_plan(0, meta, units, grain, 0, 2, 0, inline)
    return Step(plan, list(kernel.sources), text, jit.Code(key, text.write, NAME))


class _Writer:
    """The kernel's text: whole elements are moved, as integers of their size."""

    def __init__(self, itemsize: int, rank: int) -> None:
        self.size, self.kind = itemsize, f"i{8 * itemsize}"
        #: elements along each side of a square
        self.side = 4 if itemsize == 8 else 8
        code = self.code = Code(cpu.features())
        meta, arguments = Value(code, "%meta", "ptr"), Value(code, "%args", "ptr")
        numbers = [code.load(code.offset(meta, 8 * place), "i64", align=8) for place in range(len(_FIELDS) + 3 * rank)]
        self.inner, self.across, self.inner_step, self.across_step, self.blocks = numbers[: len(_FIELDS)]
        rest = numbers[len(_FIELDS) :]
        self.outer, self.read, self.written = rest[:rank], rest[rank : 2 * rank], rest[2 * rank :]
        self.source, self.target = (code.load(code.offset(arguments, 8 * n), "ptr", align=8) for n in (0, 1))

    def text(self) -> str:
        """The whole function."""
        start, stop = Value(self.code, "%start", "i64"), Value(self.code, "%stop", "i64")
        with self.code.loop(start, stop) as units:
            self._unit(units.index)
        self.code.effect("ret void")
        return function(self.code, NAME, SIGNATURE)

    def _unit(self, unit: Value) -> None:
        row = unit.unsigned_divide(self.blocks)
        low = (unit - row * self.blocks) * BLOCK
        high = (low + BLOCK).lt(self.across).select(low + BLOCK, self.across)
        source, target = self.source, self.target
        for place, read, written in zip(coordinates(row, self.outer), self.read, self.written, strict=True):
            source, target = self.code.offset(source, place * read), self.code.offset(target, place * written)
        whole_inner, whole = self.inner & -self.side, low + ((high - low) & -self.side)
        with self.code.loop(0, whole_inner, self.side) as inner:
            with self.code.loop(low, whole, self.side) as across:
                self._square(source, target, inner.index, across.index)
            with self.code.loop(0, self.side) as one:
                self._line(source, target, inner.index + one.index, whole, high)
        with self.code.loop(whole_inner, self.inner) as inner:
            self._line(source, target, inner.index, low, high)

    def _square(self, source: Value, target: Value, inner: Value, across: Value) -> None:
        code = self.code
        corner = code.offset(source, inner * self.inner_step + across * self.size)
        rows = []
        for _ in range(self.side):
            rows.append(code.load(corner, self.kind, self.side))
            corner = code.offset(corner, self.inner_step)
        corner = code.offset(target, across * self.across_step + inner * self.size)
        for row in transpose(code, rows):
            code.store(row, corner)
            corner = code.offset(corner, self.across_step)

    def _line(self, source: Value, target: Value, inner: Value, low: Value, high: Value) -> None:
        """Neighbours of the input, one by one."""
        code = self.code
        source = code.offset(source, inner * self.inner_step)
        target = code.offset(target, inner * self.size)
        with code.loop(low, high) as across:
            element = code.load(code.offset(source, across.index * self.size), self.kind)
            code.store(element, code.offset(target, across.index * self.across_step))
