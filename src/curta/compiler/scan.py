"""The kernel behind running sums, products and extremes: it goes along one dimension and stores what it has so far.

Every unit of work owns some neighbouring columns and goes through all their rows in order: the result does not depend
on threads. Where columns stand alone, and there are many or a step takes long, a unit owns some of those, and the lanes
of a vector go along one each. Sums and products of floating-point formats run in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from curta.compiler import casts, mathlib
from curta.compiler.code import Code, Value, function
from curta.compiler.lanes import load_apart, store_apart
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import GRAIN_ELEMENTS, INLINE_ELEMENTS, KernelText, Step
from curta.dtypes import DType, bool_, compute_dtype, float64
from curta.runtime import cpu, jit, native

#: columns in a unit of work
COLUMNS = 64
#: single columns that go beside one another, where a step does not take long anyway: lines of memory that are a page
#: apart, read and written, displace each other in a first-level cache of eight ways if they are more
ABREAST = 4
#: single columns in a unit of work
ROWS = 16

#: so many rows, or more, go beside one another whatever a step takes: each waits for its own last sum
MANY = 4 * ROWS

_FIELDS = ("count", "inner", "column_blocks", "outer")


class Scan(NamedTuple):
    """A running computation: the accumulators of nothing, and what they become with one more element.

    `start(dtype)` are numbers, one for each accumulator of type `dtype`; a last one of type int64 if `placed`.
    `step(dtype, accumulators, elements)` gives the new first accumulator, and where it is taken from the element.
    """

    inputs: int
    start: Callable[[DType], float]
    step: Callable[[DType, Value, Sequence[Value]], tuple[Value, Value | None]]
    placed: bool = False
    #: whether a step takes longer than it takes to collect elements that are not neighbours
    long: bool = False


def _lowest(dtype: DType) -> float:
    if dtype.is_floating_point:
        return float("-inf")
    return -(1 << (8 * dtype.itemsize - 1)) if dtype.is_signed else 0


def _highest(dtype: DType) -> float:
    if dtype.is_floating_point:
        return float("inf")
    return 1 if dtype is bool_ else (1 << (8 * dtype.itemsize - dtype.is_signed)) - 1


def _extreme(larger: bool) -> Callable[..., tuple[Value, Value]]:
    """The last of equal ones; NaN, once met, stays."""

    def step(dtype: DType, best: Value, elements: Sequence[Value]) -> tuple[Value, Value]:
        (element,) = elements
        signed = dtype.is_signed
        taken = element.ge(best, signed) if larger else element.le(best, signed)
        if dtype.is_floating_point:
            taken = taken | element.is_nan()
        return taken.select(element, best), taken

    return step


def _log_add(dtype: DType, total: Value, elements: Sequence[Value]) -> tuple[Value, None]:
    """log(exp(total) + exp(element)), from the larger of the two; equal infinities stay."""
    (element,) = elements
    total_wins = total.ge(element)
    high, low = total_wins.select(total, element), total_wins.select(element, total)
    joined = high + mathlib.log1p(mathlib.exp(low - high))
    infinite = high.eq(low) & high.intrinsic("fabs").eq(float("inf"))
    return infinite.select(high, joined), None


TABLE: dict[str, Scan] = {
    "sum": Scan(1, lambda dtype: 0, lambda dtype, total, new: (total + new[0], None)),
    "prod": Scan(1, lambda dtype: 1, lambda dtype, total, new: (total * new[0], None)),
    "max": Scan(1, _lowest, _extreme(larger=True), placed=True),
    "min": Scan(1, _highest, _extreme(larger=False), placed=True),
    "logsumexp": Scan(1, _lowest, _log_add, long=True),
    #: each result is the first element more than the second times the result before
    "recurrence": Scan(2, lambda dtype: 0, lambda dtype, before, new: (new[0] + new[1] * before, None)),
}


def plan_scan(name: str, dtype: DType, outer: int, count: int, inner: int, *, reverse: bool) -> list[Step]:
    """The launch over [outer, count, inner]: arguments the inputs, then the results (the second are places, int64)."""
    scan = TABLE[name]
    singles = inner == 1 and (scan.long or outer >= MANY)
    key = f"scan {name} {dtype.name} reverse={reverse} singles={singles} {cpu.vector_bytes()}"
    text = KernelText(key, lambda: _Writer(scan, dtype, reverse).text(singles))
    blocks = -(-inner // COLUMNS)
    results = 1 + scan.placed
    inline = outer * count * inner <= INLINE_ELEMENTS
    units = (-(-outer // ROWS) if singles else outer * blocks) if count else 0
    grain = max(1, GRAIN_ELEMENTS * max(units, 1) // max(outer * count * inner, 1))
    plan = native.make_plan(0, [count, inner, blocks, outer], units, grain, 0, scan.inputs + results, 0, inline)
    sources = [("input", number) for number in range(scan.inputs)]
    sources += [("output", number) for number in range(results)]
    return [Step(plan, sources, text, jit.Code(key, text.write, NAME))]


class _Writer:
    """The kernel's text under construction."""

    def __init__(self, scan: Scan, dtype: DType, reverse: bool) -> None:
        self.scan, self.dtype, self.reverse = scan, dtype, reverse
        self.inner_dtype = compute_dtype(dtype)
        #: the format of the accumulator
        self.wide = float64 if dtype.is_floating_point and not scan.placed else self.inner_dtype
        code = self.code = Code(cpu.features())
        self.lanes = max(1, cpu.vector_bytes() // max(self.wide.itemsize, 8 if scan.placed else 1))
        meta, arguments = Value(code, "%meta", "ptr"), Value(code, "%args", "ptr")
        self.count, self.inner, self.column_blocks, self.outer = (
            code.load(code.offset(meta, 8 * place), "i64", align=8) for place in range(len(_FIELDS))
        )
        pointers = [
            code.load(code.offset(arguments, 8 * place), "ptr", align=8)
            for place in range(scan.inputs + 1 + scan.placed)
        ]
        self.sources, self.results = pointers[: scan.inputs], pointers[scan.inputs :]

    def text(self, singles: bool) -> str:
        code = self.code
        start, stop = Value(code, "%start", "i64"), Value(code, "%stop", "i64")
        with code.loop(start, stop) as units:
            if singles:
                self.single_columns(units.index)
            else:
                self.neighbours(units.index)
        code.effect("ret void")
        return function(code, NAME, SIGNATURE)

    def single_columns(self, unit: Value) -> None:
        """So many lanes at a time, each along a column of its own; the next column begins where one ends."""
        low = unit * ROWS
        further = low + ROWS
        high = further.lt(self.outer).select(further, self.outer)
        lanes = self.lanes if self.scan.long else min(self.lanes, ABREAST)
        middle = high - (high - low).unsigned_remainder(lanes)
        if lanes > 1:
            with self.code.loop(low, middle, lanes) as columns:
                self.column(columns.index * self.count, lanes, apart=self.count)
        with self.code.loop(middle if lanes > 1 else low, high) as columns:
            self.column(columns.index * self.count, 1)

    def neighbours(self, unit: Value) -> None:
        """So many neighbouring columns at a time."""
        code = self.code
        outer = unit.unsigned_divide(self.column_blocks)
        low = (unit - outer * self.column_blocks) * COLUMNS
        further = low + COLUMNS
        high = further.lt(self.inner).select(further, self.inner)
        middle = high - (high - low).unsigned_remainder(self.lanes)
        first = outer * self.count * self.inner
        if self.lanes > 1:
            with code.loop(low, middle, self.lanes) as columns:
                self.column(first + columns.index, self.lanes)
        with code.loop(middle if self.lanes > 1 else low, high) as columns:
            self.column(first + columns.index, 1)

    def column(self, first: Value, lanes: int, apart: Value | None = None) -> None:
        """So many columns, from their first row to the last, or the other way round: neighbours, or so far `apart`."""
        code, dtype, scan = self.code, self.dtype, self.scan
        kind = casts.memory_type(dtype)
        carried = [code.constant(scan.start(self.wide), casts.llvm_type(self.wide), lanes)]
        carried += [code.constant(0, "i64", lanes)] * scan.placed
        with code.loop(0, self.count, carried=carried) as rows:
            row = self.count - 1 - rows.index if self.reverse else rows.index
            at = first + row * self.inner
            elements = [self.load(one, at, kind, lanes, apart) for one in self.sources]
            total, taken = scan.step(self.wide, rows.carried[0], elements)
            rows.carried_out = [total]
            self.store(self.narrowed(total), self.results[0], at, apart, self.dtype.itemsize)
            if taken is not None:
                place = taken.select(code.spread(row, lanes), rows.carried[1])
                self.store(place, self.results[1], at, apart, 8)
                rows.carried_out = [total, place]

    def load(self, source: Value, at: Value, kind: str, lanes: int, apart: Value | None) -> Value:
        code, itemsize = self.code, self.dtype.itemsize
        if apart is None:
            raw = code.load(code.offset(source, at * itemsize), kind, lanes)
        else:
            raw = load_apart(code, [code.offset(source, (at + apart * n) * itemsize) for n in range(lanes)], kind)
        return casts.convert(casts.from_memory(raw, self.dtype), self.inner_dtype, self.wide)

    def store(self, result: Value, target: Value, at: Value, apart: Value | None, itemsize: int) -> None:
        code = self.code
        if apart is None:
            code.store(result, code.offset(target, at * itemsize))
            return
        addresses = [code.offset(target, (at + apart * lane) * itemsize) for lane in range(result.lanes)]
        store_apart(code, result, addresses)

    def narrowed(self, total: Value) -> Value:
        half = self.inner_dtype is not self.dtype
        return casts.to_memory(casts.convert(total, self.wide, self.inner_dtype, half), self.dtype)
