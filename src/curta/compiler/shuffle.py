"""The kernel that puts numbers in random order: Fisher and Yates' exchanges, one after the other."""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import prefetch
from curta.compiler.nest import NAME
from curta.compiler.schedule import KernelText, Step
from curta.compiler.sort import over_rows
from curta.runtime import cpu, jit, native

#: exchanges so much later already have their places fetched: most are in no cache near by
AHEAD = 16
#: the random numbers are below two to this
BITS = 62


def plan_shuffle(count: int) -> list[Step]:
    """The launch with arguments (random int64[count] in [0, 2**BITS), order int64[count])."""
    key = "shuffle"
    text = KernelText(key, _emit)
    plan = native.make_plan(0, [count], 1 if count else 0, 1, 0, 2, 0, False)
    return [Step(plan, [("input", 0), ("output", 0)], text, jit.Code(key, text.write, NAME))]


def _emit() -> str:
    code = Code(cpu.features())
    meta, arguments = Value(code, "%meta", "ptr"), Value(code, "%args", "ptr")
    count = code.load(meta, "i64", align=8)
    numbers, order = (code.load(code.offset(arguments, 8 * place), "ptr", align=8) for place in range(2))

    def shuffle(_: Value) -> None:
        with code.loop(0, count) as loop:
            code.store(loop.index, code.offset(order, loop.index * 8), align=8)

        def partner(last: Value) -> Value:
            """Where a random place up to `last` is."""
            number = code.load(code.offset(numbers, last * 8), "i64", align=8).convert("zext", "i128")
            bits = code.constant(BITS, "i64").convert("zext", "i128")
            scaled = (number * (last + 1).convert("zext", "i128")).logical_shift_right(bits)
            return code.offset(order, scaled.convert("trunc", "i64") * 8)

        with code.loop(0, count) as loop:
            last = count - 1 - loop.index
            later = last - AHEAD
            prefetch(code, partner(later.lt(0).select(0, later)), to_write=True)
            here, there = code.offset(order, last * 8), partner(last)
            mine, other = code.load(here, "i64", align=8), code.load(there, "i64", align=8)
            code.store(other, here, align=8)
            code.store(mine, there, align=8)

    return over_rows(code, shuffle)
