"""What happens to the rows of a block of scores between the products.

Every row of a block is done in as many vectors, masks and all: the processor foresees loops that are equally long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from curta.compiler.attention.spec import Spec
from curta.compiler.code import Code, Value
from curta.compiler.mathlib.exponential import exp_of_negative, exp_without_subnormals
from curta.compiler.mathlib.logarithm import log
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import Module, larger, parameter, shuffle, signature, smaller
from curta.compiler.matmul.vector import horizontal_sum
from curta.runtime import cpu

INFINITY = float("inf")


class Row(NamedTuple):
    """One row of a block: its number, and how many of its scores count, in every lane."""

    number: Value
    counting: Value


def _row(spec: Spec, number: Value, keys: Value, seen: Value, step: Value) -> Row:
    """`seen` keys count in the block's first row (all `keys` at most), `step` more in each that follows."""
    code = number.code
    count = larger(smaller(keys, seen + number * step), 0).convert("trunc", "i32")
    return Row(number, code.spread(count, spec.lanes))


def _counts(code: Code, spec: Spec, row: Row, column: Value) -> Value:
    """Which lanes of the vector at a column count."""
    first = code.spread(column.convert("trunc", "i32"), spec.lanes)
    return (first + code.iota("i32", spec.lanes)).lt(row.counting)


def _whole_panels(spec: Spec, keys: Value) -> Value:
    width = 2 * spec.lanes
    return (keys + (width - 1)) & -width


def _at(code: Code, start: Value, count: Value, spec: Spec) -> Value:
    return code.offset(start, count * spec.size)


def _across(code: Code, value: Value, combine: Callable[[Value, Value], Value]) -> Value:
    """All lanes combined to one."""
    while value.lanes > 2:
        half = value.lanes // 2
        low, high = shuffle(code, value, value, range(half)), shuffle(code, value, value, range(half, 2 * half))
        value = combine(low, high)
    first, second = (
        code.emit(f"extractelement {value.full_type} {value.ref}, i32 {lane}", value.type) for lane in (0, 1)
    )
    return combine(first, second)


def _highest(left: Value, right: Value) -> Value:
    """The larger one; a NaN on the left is dropped, since its row becomes NaN by its sum."""
    return left.gt(right).select(left, right)


def add_softmax(module: Module, spec: Spec) -> None:
    """`softmax`: a block of scores to e^(score * scale - highest so far), and the state of its rows brought up to date.

    The state is for each row the highest scaled score (from `state` on) and the sum of what has been made of its scores
    (from `totals` on). What the row's sums of values hold already is scaled down where a higher score has come.
    """
    code = Code(cpu.features())
    names = {
        "scores": "ptr", "rows": "i64", "keys": "i64", "seen": "i64", "step": "i64", "scale": spec.type,
        "state": "ptr", "totals": "ptr", "sums": "ptr", "sums_step": "i64", "first": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, kind) for name, kind in names.items()}
    columns, begin = _whole_panels(spec, get["keys"]), get["first"].ne(0)
    with code.loop(0, get["rows"]) as loop:
        row = _row(spec, loop.index, get["keys"], get["seen"], get["step"])
        line = code.offset(get["scores"], row.number * spec.line)
        state, totals = _at(code, get["state"], row.number, spec), _at(code, get["totals"], row.number, spec)
        highest = _scaled(code, spec, row, line, columns, get["scale"])
        before = begin.select(-INFINITY, code.load(state, spec.type))
        highest = _highest(highest, before)
        base = highest.eq(-INFINITY).select(0.0, highest)
        total = _exponentials(code, spec, line, columns, base)
        code.store(highest, state)
        with code.when(begin):
            code.store(total, totals)
        with code.when(~begin):
            shrink = exp_of_negative(before - base)
            code.store(code.load(totals, spec.type) * shrink + total, totals)
            with code.when(shrink.ne(1.0)):
                _multiply_row(code, spec, get["sums"], row.number, get["sums_step"], shrink)
    module.add("softmax", code, signature(**names))


def _multiply_row(code: Code, spec: Spec, sums: Value, row: Value, nbytes: Value, factor: Value) -> None:
    line = code.offset(sums, row * nbytes)
    with code.loop(0, nbytes, spec.vector_bytes) as column:
        place = code.offset(line, column.index)
        code.store(code.load(place, spec.type, spec.lanes) * factor, place)


def _scaled(code: Code, spec: Spec, row: Row, line: Value, columns: Value, scale: Value) -> Value:
    """Scores become scaled ones, minus infinity where they do not count; gives the highest."""
    nothing = code.constant(-INFINITY, spec.type, spec.lanes)
    with code.loop(0, columns, spec.lanes, [nothing]) as column:
        place = _at(code, line, column.index, spec)
        scores = code.load(place, spec.type, spec.lanes) * scale
        scores = _counts(code, spec, row, column.index).select(scores, -INFINITY)
        code.store(scores, place)
        column.carried_out = [_highest(scores, column.carried[0])]
    return _across(code, column.results[0], _highest)


def _exponentials(code: Code, spec: Spec, line: Value, columns: Value, base: Value) -> Value:
    """Scaled scores become e^(score - base); gives their sum."""
    nothing = code.constant(0, spec.type, spec.lanes)
    with code.loop(0, columns, spec.lanes, [nothing]) as column:
        place = _at(code, line, column.index, spec)
        values = exp_without_subnormals(code.load(place, spec.type, spec.lanes) - base)
        code.store(values, place)
        column.carried_out = [column.carried[0] + values]
    return horizontal_sum(code, column.results[0])


def add_normalise(module: Module, spec: Spec) -> None:
    """`normalise`: sums of values over the sums of their weights; and the logarithm of these, with what they lack.

    Rows in which nothing counts are zeros, and so is their logarithm.
    """
    code = Code(cpu.features())
    names = {
        "sums": "ptr", "sums_step": "i64", "rows": "i64", "state": "ptr", "totals": "ptr", "log_sum": "ptr",
        "log_step": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, kind) for name, kind in names.items()}
    with code.loop(0, get["rows"], spec.lanes) as some:
        places = [_at(code, get[name], some.index, spec) for name in ("state", "totals")]
        highest, total = (code.load(place, spec.type, spec.lanes) for place in places)
        empty = total.eq(0.0)
        divisor = empty.select(1.0, total)
        code.store(empty.select(0.0, highest + log(divisor)), places[0])
        code.store(code.constant(1.0, spec.type, spec.lanes) / divisor, places[1])
    with code.loop(0, get["rows"]) as row:
        state, factor = (code.load(_at(code, get[name], row.index, spec), spec.type) for name in ("state", "totals"))
        _multiply_row(code, spec, get["sums"], row.index, get["sums_step"], factor)
        code.store(state, code.offset(get["log_sum"], row.index * get["log_step"]))
    module.add("normalise", code, signature(**names))


def add_slopes(module: Module, spec: Spec) -> None:
    """`slopes`: a block of scores to weights, and of the weights' gradients to the scores' gradients."""
    code = Code(cpu.features())
    names = {
        "scores": "ptr", "gradients": "ptr", "rows": "i64", "keys": "i64", "seen": "i64", "step": "i64",
        "scale": spec.type, "log_sum": "ptr", "log_step": "i64", "deltas": "ptr",
    }  # fmt: skip
    get = {name: parameter(code, name, kind) for name, kind in names.items()}
    scale, columns = get["scale"], _whole_panels(spec, get["keys"])
    with code.loop(0, get["rows"]) as loop:
        row = _row(spec, loop.index, get["keys"], get["seen"], get["step"])
        lines = [code.offset(get[name], row.number * spec.line) for name in ("scores", "gradients")]
        base = code.load(code.offset(get["log_sum"], row.number * get["log_step"]), spec.type)
        delta = code.load(_at(code, get["deltas"], row.number, spec), spec.type) * scale
        with code.loop(0, columns, spec.lanes) as column:
            places = [_at(code, line, column.index, spec) for line in lines]
            scores, gradients = (code.load(place, spec.type, spec.lanes) for place in places)
            counts = _counts(code, spec, row, column.index)
            weights = counts.select(exp_without_subnormals(scores * scale - base), 0.0)
            code.store(weights, places[0])
            code.store(counts.select(weights * (gradients * scale - delta), 0.0), places[1])
    module.add("slopes", code, signature(**names))


def add_deltas(module: Module, spec: Spec) -> None:
    """`deltas`: for each row the sum of the products of two operands' elements."""
    code = Code(cpu.features())
    names = {
        "left": "ptr", "left_step": "i64", "right": "ptr", "right_step": "i64", "rows": "i64", "columns": "i64",
        "target": "ptr",
    }  # fmt: skip
    get = {name: parameter(code, name, kind) for name, kind in names.items()}
    columns = get["columns"]
    whole = columns & -spec.lanes
    with code.loop(0, get["rows"]) as row:
        lines = [code.offset(get[name], row.index * get[f"{name}_step"]) for name in ("left", "right")]
        with code.loop(0, whole, spec.lanes, [code.constant(0, spec.type, spec.lanes)]) as many:
            many.carried_out = [many.carried[0] + _product(code, spec, lines, many.index, spec.lanes)]
        with code.loop(whole, columns, carried=[horizontal_sum(code, many.results[0])]) as one:
            one.carried_out = [one.carried[0] + _product(code, spec, lines, one.index, 1)]
        code.store(one.results[0], _at(code, get["target"], row.index, spec))
    module.add("deltas", code, signature(**names))


def _product(code: Code, spec: Spec, lines: list[Value], column: Value, lanes: int) -> Value:
    """The products of two rows' elements from a column on."""
    places = [code.offset(line, column * spec.dtype.itemsize) for line in lines]
    left, right = (load_wide(code, place, spec.dtype, lanes, native_half=spec.level != "portable") for place in places)
    return left * right
