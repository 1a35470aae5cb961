"""The kernels behind gradients of gathers and scatters: rows of a matrix added to, put over, or reduced into chosen
rows of another.

Every unit of work owns a block of columns (and, when there are few, a range of rows), or every 16th of rows that are
wide, and goes through all the sources in order: the result does not depend on threads, and rows named twice are added
in the order in which they come.
"""

from __future__ import annotations

from dataclasses import dataclass

from curta.compiler import casts, reductions
from curta.compiler.code import Code, Value, function
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import INLINE_ELEMENTS, KernelText, Step
from curta.dtypes import DType, bool_
from curta.runtime import cpu, jit, native

#: columns in a unit of work
COLUMNS = 64
#: elements for which it is worth to give rows to several units, and the most that share the rows: a power of two
ROW_ELEMENTS, ROW_BLOCKS = 1 << 16, 16

#: rows so wide, and so many, stay whole: memory is gone through faster
WIDE, MANY_ROWS = 256, 64

_FIELDS = ("sources", "width", "rows", "step", "source_step", "columns", "column_blocks", "row_block", "row_blocks")


@dataclass(frozen=True, slots=True)
class Cut:
    """How a matrix is cut into units: columns and rows in each, and how many there are side by side and down.

    Rows that are `dealt` go to the units in turn: neighbours are often named as often.
    """

    columns: int
    column_blocks: int
    row_block: int
    row_blocks: int
    dealt: bool

    @property
    def units(self) -> int:
        return self.column_blocks * self.row_blocks


def _cut(rows: int, width: int, split: bool) -> Cut:
    """`split` says that rows may be shared out although they are narrow: all units then go through all places."""
    if width >= WIDE and rows >= MANY_ROWS:
        return Cut(width, 1, -(-rows // ROW_BLOCKS), ROW_BLOCKS, dealt=True)
    column_blocks = -(-width // COLUMNS)
    row_blocks = max(1, min(ROW_BLOCKS // max(column_blocks, 1), rows * width // ROW_ELEMENTS)) if split else 1
    return Cut(COLUMNS, column_blocks, -(-rows // row_blocks), row_blocks, dealt=False)


def plan_scatter(
    dtype: DType, sources: int, width: int, rows: int, step: int, source_step: int, *, accumulate: bool, clear: bool
) -> list[Step]:
    """The launch with arguments (sources[n, width], row numbers int64[n], result).

    Row r begins `step` elements times r behind the result's start, a source `source_step` behind the one before.
    `clear` first sets all rows to 0.
    """
    cut = _cut(rows, width, split=clear)
    narrow = width == 1
    key = (
        f"scatter {dtype.short} accumulate={accumulate} clear={clear} narrow={narrow} {cut.dealt} {cpu.vector_bytes()}"
    )
    text = KernelText(key, lambda: _emit(dtype, "sum" if accumulate else "put", clear, cut.dealt, narrow=narrow))
    work = sources * width + (rows * width if clear else 0)
    meta = [sources, width, rows, step, source_step, cut.columns, cut.column_blocks, cut.row_block, cut.row_blocks]
    plan = native.make_plan(0, meta, cut.units, 1, 0, 3, 0, work <= INLINE_ELEMENTS)
    return [Step(plan, [("input", 0), ("input", 1), ("output", 0)], text, jit.Code(key, text.write, NAME))]


def plan_reduce(dtype: DType, sources: int, width: int, rows: int, *, reduce: str, include: bool) -> list[Step]:
    """The launch with arguments (sources[n, width], row numbers int64[n], base[rows, width], result).

    The result starts as the base; with `include` False the rows that are named start from the reduction's neutral
    number instead.
    """
    cut = _cut(rows, width, split=True)
    narrow = width == 1
    key = f"scatter {dtype.short} reduce={reduce} include={include} narrow={narrow} {cut.dealt} {cpu.vector_bytes()}"
    text = KernelText(key, lambda: _emit(dtype, reduce, True, cut.dealt, include=include, narrow=narrow))
    meta = [sources, width, rows, width, width, cut.columns, cut.column_blocks, cut.row_block, cut.row_blocks]
    inline = sources * width + rows * width <= INLINE_ELEMENTS
    plan = native.make_plan(0, meta, cut.units, 1, 0, 4, 0, inline)
    operands = [("input", 0), ("input", 1), ("input", 2), ("output", 0)]
    return [Step(plan, operands, text, jit.Code(key, text.write, NAME))]


class _Writer:
    """The kernel's text under construction.

    `reduce` names the reduction by which a source joins its row, or is "put". `based` kernels have one operand more,
    the rows that they start from; the rows of `narrow` ones are single elements.
    """

    def __init__(self, dtype: DType, reduce: str, based: bool, narrow: bool, dealt: bool) -> None:
        self.dtype, self.narrow, self.dealt = dtype, narrow, dealt
        self.reduction = reductions.TABLE.get(reduce)
        code = self.code = Code(cpu.features())
        self.kind = casts.memory_type(dtype)
        self.lanes = max(1, cpu.vector_bytes() // dtype.itemsize)
        meta, arguments = Value(code, "%meta", "ptr"), Value(code, "%args", "ptr")
        self.numbers = {
            name: code.load(code.offset(meta, 8 * place), "i64", align=8) for place, name in enumerate(_FIELDS)
        }
        operands = [code.load(code.offset(arguments, 8 * place), "ptr", align=8) for place in range(3 + based)]
        self.source, self.places, self.result = operands[0], operands[1], operands[-1]
        self.base = operands[2] if based else None

    def columns(self, low: Value, high: Value, lanes: int, target: Value, source: Value | None, merge: bool) -> None:
        """One row from column `low` up to `high`, which are a multiple of `lanes` apart."""
        code, size = self.code, self.dtype.itemsize
        with code.loop(low, high, lanes) as loop:
            distance = loop.index * size
            here = None if source is None else code.offset(source, distance)
            self._place(code.offset(target, distance), here, lanes, merge)

    def _place(self, target: Value, source: Value | None, lanes: int, merge: bool) -> None:
        """Neighbouring elements: those at the source, or what a row starts from."""
        if source is None:
            self.code.store(self._start(lanes), target)
        else:
            fresh = self.code.load(source, self.kind, lanes)
            self.code.store(self._merged(fresh, target, lanes) if merge else fresh, target)

    def _start(self, lanes: int) -> Value:
        if self.base is None or self.reduction is None:
            return self.code.constant(0, "i16" if self.kind == "half" else self.kind, lanes)
        return casts.to_memory(reductions.start(self.code, self.reduction, self.dtype, lanes)[0], self.dtype)

    def _merged(self, fresh: Value, address: Value, lanes: int) -> Value:
        if self.reduction is None:
            return fresh
        held = casts.from_memory(self.code.load(address, self.kind, lanes), self.dtype)
        more = casts.from_memory(fresh, self.dtype)
        if self.dtype is bool_ and self.reduction is reductions.SUM:
            return casts.to_memory(held | more, self.dtype)
        return casts.to_memory(self.reduction.step([held], more, more, self.dtype)[0], self.dtype)

    def row(self, low: Value, high: Value, target: Value, source: Value | None, merge: bool = True) -> None:
        """One row: whole vectors, then what is left."""
        if self.narrow:
            self._place(target, source, 1, merge)
            return
        middle = high - (high - low).unsigned_remainder(self.lanes) if self.lanes > 1 else low
        if self.lanes > 1:
            self.columns(low, middle, self.lanes, target, source, merge)
        self.columns(middle, high, 1, target, source, merge)

    def unit(self, unit: Value, clear: bool, include: bool) -> None:
        """All rows of one block of columns."""
        code, numbers, size = self.code, self.numbers, self.dtype.itemsize
        block = unit.unsigned_divide(numbers["column_blocks"])
        low = (unit - block * numbers["column_blocks"]) * numbers["columns"]
        high = _smaller(low + numbers["columns"], numbers["width"])
        step = numbers["step"] * size
        if self.dealt:
            first, last, stride = block, numbers["rows"], numbers["row_blocks"]
        else:
            first, stride = block * numbers["row_block"], code.constant(1, "i64")
            last = _smaller(first + numbers["row_block"], numbers["rows"])
        if clear:
            with code.loop(first, last, stride) as rows:
                base = None if self.base is None else code.offset(self.base, rows.index * step)
                self.row(low, high, code.offset(self.result, rows.index * step), base, merge=False)
        if not include:
            self._sources(low, high, (first, last), step, afresh=True)
        self._sources(low, high, (first, last), step)

    def _sources(self, low: Value, high: Value, rows: tuple[Value, Value], step: Value, afresh: bool = False) -> None:
        """All sources in order whose row is among these, from first to last; `afresh` starts their rows anew."""
        code = self.code
        with code.loop(0, self.numbers["sources"]) as sources:
            place = code.load(code.offset(self.places, sources.index * 8), "i64", align=8)
            source = None
            if not afresh:
                source = code.offset(self.source, sources.index * self.numbers["source_step"] * self.dtype.itemsize)
            if self.dealt:
                mine = (place & (self.numbers["row_blocks"] - 1)).eq(rows[0])
            else:
                mine = place.ge(rows[0]) & place.lt(rows[1])
            with code.when(mine):
                self.row(low, high, code.offset(self.result, place * step), source)


def _smaller(left: Value, right: Value) -> Value:
    return left.lt(right).select(left, right)


def _emit(
    dtype: DType, reduce: str, clear: bool, dealt: bool, include: bool | None = None, narrow: bool = False
) -> str:
    writer = _Writer(dtype, reduce, based=include is not None, narrow=narrow, dealt=dealt)
    start, stop = Value(writer.code, "%start", "i64"), Value(writer.code, "%stop", "i64")
    with writer.code.loop(start, stop) as units:
        writer.unit(units.index, clear, include is not False)
    writer.code.effect("ret void")
    return function(writer.code, NAME, SIGNATURE)
