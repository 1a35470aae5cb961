"""The kernels that count: how often each number occurs, and where the longest run of equal elements ends."""

from __future__ import annotations

from curta.compiler import casts
from curta.compiler.code import Code, function
from curta.compiler.handed import numbers, pointers, units
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import GRAIN_ELEMENTS, INLINE_ELEMENTS, KernelText, Step
from curta.dtypes import DType
from curta.runtime import cpu, jit, native

#: numbers for which a table of their own is worth while, and the most tables
_SHARE, _MOST_TABLES = 1 << 15, 16


def tables_for(given: int, count: int) -> int:
    """How many tables share so many numbers below `count`: each has to be cleared, and added up in the end."""
    return max(1, min(_MOST_TABLES, given // _SHARE, given // (4 * max(count, 1))))


def plan_counts(place: DType, given: int, count: int) -> list[Step]:
    """The launch with arguments (numbers of format `place` in [0, count), tables int64[t, count]).

    Each of the t tables, as many as `tables_for` says, has the counts of its part of the numbers.
    """
    tables = tables_for(given, count)
    key = f"counts {place.name}"
    text = KernelText(key, lambda: _counts(place))
    meta = [given, count, -(-given // tables)]
    plan = native.make_plan(0, meta, tables, 1, 0, 2, 0, given + count <= INLINE_ELEMENTS)
    return [Step(plan, [("input", 0), ("output", 0)], text, jit.Code(key, text.write, NAME))]


def plan_longest_runs(dtype: DType, outer: int, count: int, inner: int) -> list[Step]:
    """The launch over x[outer, count, inner], whose columns are sorted, with arguments (x, int64[outer, inner]): where
    the first of the longest runs of equal elements ends. NaN equals nothing."""
    key = f"longest run {dtype.name}"
    text = KernelText(key, lambda: _longest_run(dtype))
    rows = outer * inner
    plan = native.make_plan(
        0, [count, inner], rows, max(1, GRAIN_ELEMENTS // max(count, 1)), 0, 2, 0, rows * count <= INLINE_ELEMENTS
    )
    return [Step(plan, [("input", 0), ("output", 0)], text, jit.Code(key, text.write, NAME))]


def _counts(dtype: DType) -> str:
    code = Code(cpu.features())
    source, tables = pointers(code, 2)
    given, count, share = numbers(code, 3)
    kind = casts.memory_type(dtype)
    with code.loop(*units(code)) as unit:
        table = code.offset(tables, unit.index * count * 8)
        with code.loop(0, count) as loop:
            code.store(code.constant(0, "i64"), code.offset(table, loop.index * 8), align=8)
        first = unit.index * share
        last = first + share
        with code.loop(first, last.lt(given).select(last, given)) as loop:
            number = code.load(code.offset(source, loop.index * dtype.itemsize), kind)
            if kind != "i64":
                number = number.convert("sext" if dtype.is_signed else "zext", "i64")
            here = code.offset(table, number * 8)
            code.store(code.load(here, "i64", align=8) + 1, here, align=8)
    code.effect("ret void")
    return function(code, NAME, SIGNATURE)


def _longest_run(dtype: DType) -> str:
    code = Code(cpu.features())
    source, result = pointers(code, 2)
    count, inner = numbers(code, 2)
    kind, size = casts.memory_type(dtype), dtype.itemsize
    with code.loop(*units(code)) as rows:
        outer = rows.index.unsigned_divide(inner)
        row = code.offset(source, (outer * count * inner + (rows.index - outer * inner)) * size)
        zero, one = code.constant(0, "i64"), code.constant(1, "i64")
        before = casts.from_memory(code.load(row, kind), dtype)
        with code.loop(1, count, carried=[before, one, one, zero]) as loop:
            last, length, longest, end = loop.carried
            element = casts.from_memory(code.load(code.offset(row, loop.index * inner * size), kind), dtype)
            length = element.eq(last).select(length + 1, 1)
            longer = length.gt(longest)
            loop.carried_out = [
                element, length, longer.select(length, longest), longer.select(loop.index, end)
            ]  # fmt: skip
        code.store(loop.results[3], code.offset(result, rows.index * 8), align=8)
    code.effect("ret void")
    return function(code, NAME, SIGNATURE)
