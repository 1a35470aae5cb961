"""The kernels behind updates of chosen rows alone: each source row replaced by the total of all that are for its row.

Sources for one row are a chain, first to last, found by one pass over their places; every chain is added up from zero
in that order, as `scatter` adds into a matrix of zeros. Each has one unit of work a block of columns, whichever thread
takes it.
"""

from __future__ import annotations

from curta.compiler import casts, reductions
from curta.compiler.code import Code, Value, function
from curta.compiler.handed import numbers, pointers, units
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import GRAIN_ELEMENTS, INLINE_ELEMENTS, KernelText, Step
from curta.dtypes import DType
from curta.runtime import cpu, jit, native

#: columns in a unit of work
COLUMNS = 256
#: the end of a chain
_NONE = -1


def plan_row_totals(dtype: DType, sources: int, width: int, source_step: int) -> list[Step]:
    """The launches with arguments (sources[n, width], row numbers int64[n], result[n, width]) and two temporaries.

    A source begins `source_step` elements behind the one before. The temporaries are the first source of each row
    (int64, as many as there are rows) and the next one of the same row (int64[n]).
    """
    chains = KernelText("row totals chains", _emit_chains)
    first = native.make_plan(0, [sources], 1, 1, 0, 3, 0, True)
    given = [("input", 1), ("partial", 0), ("partial", 1)]
    key = f"row totals {dtype.short} {cpu.vector_bytes()}"
    totals = KernelText(key, lambda: _emit_totals(dtype))
    blocks = max(1, -(-width // COLUMNS))
    meta = [width, source_step, blocks]
    grain = max(1, GRAIN_ELEMENTS // max(1, min(width, COLUMNS)))
    plan = native.make_plan(0, meta, sources * blocks, grain, 0, 5, 0, sources * width <= INLINE_ELEMENTS)
    operands = [("input", 0), ("input", 1), ("output", 0), ("partial", 0), ("partial", 1)]
    return [
        Step(first, given, chains, jit.Code(chains.loops, chains.write, NAME)),
        Step(plan, operands, totals, jit.Code(key, totals.write, NAME)),
    ]


def _integer(code: Code, array: Value, place: Value) -> Value:
    return code.load(code.offset(array, place * 8), "i64", align=8)


def _emit_chains() -> str:
    code = Code(cpu.features())
    places, heads, following = pointers(code, 3)
    (count,) = numbers(code, 1)
    with code.loop(0, count) as loop:  # of rows that nothing is for, nobody asks
        head = code.offset(heads, _integer(code, places, loop.index) * 8)
        code.store(code.constant(_NONE, "i64"), head, align=8)
    with code.loop(0, count) as loop:  # from the last, so that the first comes out as the head
        place = count - 1 - loop.index
        head = code.offset(heads, _integer(code, places, place) * 8)
        code.store(code.load(head, "i64", align=8), code.offset(following, place * 8), align=8)
        code.store(place, head, align=8)
    code.effect("ret void")
    return function(code, NAME, SIGNATURE)


def _emit_totals(dtype: DType) -> str:
    code = Code(cpu.features())
    source, places, result, heads, following = pointers(code, 5)
    width, step, blocks = numbers(code, 3)
    size, kind = dtype.itemsize, casts.memory_type(dtype)
    most = max(1, cpu.vector_bytes() // size)

    def total(first: Value, column: Value, lanes: int) -> None:
        """Neighbouring columns of one chain."""
        with code.repeat([*reductions.start(code, reductions.SUM, dtype, lanes), first]) as chain:
            held, place = chain.carried
            fresh = code.load(code.offset(source, (place * step + column) * size), kind, lanes)
            more = casts.from_memory(fresh, dtype)
            after = _integer(code, following, place)
            chain.carried_out = [reductions.SUM.step([held], more, more, dtype)[0], after]
            chain.again = after.ge(0)
        found = casts.to_memory(chain.results[0], dtype)
        with code.repeat([first]) as chain:
            (place,) = chain.carried
            code.store(found, code.offset(result, (place * width + column) * size))
            after = _integer(code, following, place)
            chain.carried_out, chain.again = [after], after.ge(0)

    with code.loop(*units(code)) as unit:
        first = unit.index.unsigned_divide(blocks)
        low = (unit.index - first * blocks) * COLUMNS
        high = low + COLUMNS
        high = high.lt(width).select(high, width)
        with code.when(_integer(code, heads, _integer(code, places, first)).eq(first)):
            middle = high - (high - low).unsigned_remainder(most)
            for begin, end, lanes in ((low, middle, most), (middle, high, 1)):
                with code.loop(begin, end, lanes) as columns:
                    total(first, columns.index, lanes)
    code.effect("ret void")
    return function(code, NAME, SIGNATURE)
