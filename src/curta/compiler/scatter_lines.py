"""The kernel behind `scatter` and the gradient of `gather`: elements put or added where places along a dimension say.

A line is all elements along that dimension. Lines share nothing, so that they are shared out among threads, and each
goes through its sources in their order: the result does not depend on threads. Lines that lie beside each other are
done together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from curta.compiler import casts, reductions
from curta.compiler.code import Code, Value, coordinates, function
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import GRAIN_ELEMENTS, INLINE_ELEMENTS, KernelText, Step
from curta.dtypes import DType, bool_
from curta.memory.layout import Layout
from curta.runtime import cpu, jit, native
from curta.shapes import coalesce

#: lines beside each other in a unit of work
COLUMNS = 64


@dataclass(frozen=True, slots=True)
class Lines:
    """What a kernel is made for: formats, how many dimensions lead to a line, and what is done there.

    `beside` says that a unit is a block of neighbouring lines, `clear` that results start from 0.
    """

    dtype: DType
    place: DType
    outer_rank: int
    beside: bool
    accumulate: bool
    clear: bool


def plan_lines(
    source: Layout, places: Layout, result: Layout, dim: int, *, accumulate: bool, clear: bool
) -> list[Step]:
    """The launch with arguments (source, places, result): of the result, which is contiguous where it is to be cleared.

    All have the same sizes but for the result along `dim`; `places` are int32 or int64, in range.
    """
    rank = result.rank
    beside = dim != rank - 1
    outer = [axis for axis in range(rank - 1 if beside else rank) if axis != dim]
    tensors = (source, places, result)
    strides = [tuple(step * one.dtype.itemsize for step in one.strides) for one in tensors]
    sizes, moved = coalesce(
        tuple(places.shape[axis] for axis in outer), *(tuple(one[axis] for axis in outer) for one in strides)
    )
    width = places.shape[-1] if beside else 1
    blocks = -(-width // COLUMNS)
    lines = Lines(result.dtype, places.dtype, len(sizes), beside, accumulate, clear)
    meta = [places.shape[dim], result.shape[dim], width, blocks, *sizes]
    for own, further in zip(strides, moved, strict=True):
        meta += [own[dim], own[-1] if beside else 0, *further]
    units = prod(sizes) * blocks
    work = places.numel + (result.numel if clear else 0)
    grain = max(1, GRAIN_ELEMENTS * units // max(work, 1))
    key = f"scatter lines {lines} {cpu.vector_bytes()}"
    text = KernelText(key, lambda: _Writer(lines).text())
    plan = native.make_plan(0, meta, units, grain, 0, len(tensors), 0, work <= INLINE_ELEMENTS)
    operands = [("input", 0), ("input", 1), ("output", 0)]
    return [Step(plan, operands, text, jit.Code(key, text.write, NAME))]


class _Writer:
    """The kernel's text under construction."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.code = Code(cpu.features())
        self.kind = casts.memory_type(lines.dtype)
        self.meta = Value(self.code, "%meta", "ptr")
        self.count, self.length, self.width, self.blocks = (self._number(place) for place in range(4))
        self.sizes = [self._number(4 + axis) for axis in range(lines.outer_rank)]
        arguments = Value(self.code, "%args", "ptr")
        self.operands = [self.code.load(self.code.offset(arguments, 8 * n), "ptr", align=8) for n in range(3)]
        first, each = 4 + lines.outer_rank, 2 + lines.outer_rank
        self.strides = [[self._number(first + each * n + place) for place in range(each)] for n in range(3)]

    def _number(self, place: int) -> Value:
        return self.code.load(self.code.offset(self.meta, 8 * place), "i64", align=8)

    def text(self) -> str:
        """The whole function."""
        start, stop = Value(self.code, "%start", "i64"), Value(self.code, "%stop", "i64")
        with self.code.loop(start, stop) as units:
            self._unit(units.index)
        self.code.effect("ret void")
        return function(self.code, NAME, SIGNATURE)

    def _unit(self, unit: Value) -> None:
        """One line, or a block of neighbouring ones."""
        code = self.code
        row, low, high = unit, code.constant(0, "i64"), code.constant(1, "i64")
        if self.lines.beside:
            row = unit.unsigned_divide(self.blocks)
            low = (unit - row * self.blocks) * COLUMNS
            high = low + COLUMNS
            high = high.lt(self.width).select(high, self.width)
        source, places, result = self._beginnings(row)
        if self.lines.clear:
            self._clear(result, low, high)
        with code.loop(0, self.count) as along:
            fresh = code.offset(source, along.index * self.strides[0][0])
            place = code.offset(places, along.index * self.strides[1][0])
            if self.lines.beside:
                with code.loop(low, high) as columns:
                    self._element(fresh, place, result, columns.index)
            else:
                self._element(fresh, place, result, None)

    def _beginnings(self, row: Value) -> list[Value]:
        """Where each operand's part begins."""
        places = coordinates(row, self.sizes)
        found = []
        for pointer, steps in zip(self.operands, self.strides, strict=True):
            for place, step in zip(places, steps[2:], strict=True):
                pointer = self.code.offset(pointer, place * step)
            found.append(pointer)
        return found

    def _clear(self, result: Value, low: Value, high: Value) -> None:
        if not self.lines.beside:
            self._zeros(result, self.code.constant(0, "i64"), self.length)
            return
        with self.code.loop(0, self.length) as along:
            self._zeros(self.code.offset(result, along.index * self.strides[2][0]), low, high)

    def _zeros(self, pointer: Value, low: Value, high: Value) -> None:
        """Neighbouring elements: whole vectors, then what is left."""
        code, size = self.code, self.lines.dtype.itemsize
        lanes = max(1, cpu.vector_bytes() // size)
        middle = high - (high - low).unsigned_remainder(lanes) if lanes > 1 else low
        integer = f"i{8 * size}"
        for first, last, count in ((low, middle, lanes), (middle, high, 1)):
            with code.loop(first, last, count) as loop:
                code.store(code.constant(0, integer, count), code.offset(pointer, loop.index * size))

    def _element(self, source: Value, place: Value, result: Value, column: Value | None) -> None:
        code = self.code
        if column is not None:
            source, place, result = (
                code.offset(one, column * steps[1])
                for one, steps in zip((source, place, result), self.strides, strict=True)
            )
        where = code.load(place, casts.memory_type(self.lines.place))
        if where.type != "i64":
            where = where.convert("sext", "i64")
        fresh = code.load(source, self.kind)
        target = code.offset(result, where * self.strides[2][0])
        code.store(self._added(fresh, target) if self.lines.accumulate else fresh, target)

    def _added(self, fresh: Value, target: Value) -> Value:
        dtype = self.lines.dtype
        held = casts.from_memory(self.code.load(target, self.kind), dtype)
        more = casts.from_memory(fresh, dtype)
        summed = held | more if dtype is bool_ else reductions.SUM.step([held], more, more, dtype)[0]
        return casts.to_memory(summed, dtype)
