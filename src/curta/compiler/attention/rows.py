"""What happens to the rows of a block of scores between the products."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from curta.compiler.attention.spec import Spec
from curta.compiler.code import Code, Value
from curta.compiler.mathlib.exponential import exp_of_negative
from curta.compiler.mathlib.logarithm import log
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import Module, larger, parameter, shuffle, signature, smaller
from curta.compiler.matmul.vector import horizontal_sum
from curta.runtime import cpu

INFINITY = float("inf")


class Row(NamedTuple):
    """One row of a block: its number, how many of its scores count, and how many there are in whole vectors of them."""

    number: Value
    count: Value
    whole: Value
    padded: Value


def _row(spec: Spec, number: Value, keys: Value, seen: Value, step: Value) -> Row:
    """`seen` keys count in the block's first row (all `keys` at most), `step` more in each that follows."""
    code = number.code
    count = larger(smaller(keys, seen + number * step), 0)
    width = 2 * spec.lanes
    padded = (keys + (width - 1)) & -width
    return Row(number, count, count & -spec.lanes, padded)


def _counts(code: Code, spec: Spec, row: Row, column: Value) -> Value:
    """Which lanes of the vector at a column count."""
    left = code.spread(row.count - column, spec.lanes)
    return code.iota("i64", spec.lanes).lt(left)


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
    """`softmax`: a block of scores to e^(score * scale - highest so far), with the state of its rows brought up to date.

    The state is for each row the highest scaled score (from `state` on) and the sum of what has been made of its scores
    (from `totals` on). What the row's sums of values hold already is scaled down where a higher score has come.
    """
    code = Code(cpu.features())
    names = {
        "scores": "ptr", "rows": "i64", "keys": "i64", "seen": "i64", "step": "i64", "scale": spec.type,
        "state": "ptr", "totals": "ptr", "sums": "ptr", "sums_step": "i64", "first": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, kind) for name, kind in names.items()}
    with code.loop(0, get["rows"]) as loop:
        row = _row(spec, loop.index, get["keys"], get["seen"], get["step"])
        line = code.offset(get["scores"], row.number * spec.line)
        state, totals = _at(code, get["state"], row.number, spec), _at(code, get["totals"], row.number, spec)
        begin = get["first"].ne(0)
        before = begin.select(-INFINITY, code.load(state, spec.type))
        highest = _highest(_row_highest(code, spec, row, line, get["scale"]), before)
        base = highest.eq(-INFINITY).select(0.0, highest)
        total = _exponentials(code, spec, row, line, get["scale"], base)
        shrink = exp_of_negative(before - base)
        code.store(highest, state)
        code.store(begin.select(0.0, code.load(totals, spec.type)) * shrink + total, totals)
        with code.when(shrink.ne(1.0) & ~begin):
            sums = code.offset(get["sums"], row.number * get["sums_step"])
            with code.loop(0, get["sums_step"], spec.vector_bytes) as column:
                place = code.offset(sums, column.index)
                code.store(code.load(place, spec.type, spec.lanes) * shrink, place)
    module.add("softmax", code, signature(**names))


def _row_highest(code: Code, spec: Spec, row: Row, line: Value, scale: Value) -> Value:
    """The highest scaled score of a row; minus infinity where none counts."""
    nothing = code.constant(-INFINITY, spec.type, spec.lanes)
    with code.loop(0, row.whole, spec.lanes, [nothing]) as column:
        scores = code.load(_at(code, line, column.index, spec), spec.type, spec.lanes)
        column.carried_out = [_highest(scores * scale, column.carried[0])]
    with code.loop(row.whole, row.count, spec.lanes, column.results) as rest:
        scores = code.load(_at(code, line, rest.index, spec), spec.type, spec.lanes)
        scores = _counts(code, spec, row, rest.index).select(scores * scale, -INFINITY)
        rest.carried_out = [_highest(scores, rest.carried[0])]
    return _across(code, rest.results[0], _highest)


def _exponentials(code: Code, spec: Spec, row: Row, line: Value, scale: Value, base: Value) -> Value:
    """Scores become e^(score * scale - base), zeros where they do not count; gives their sum."""
    nothing = code.constant(0, spec.type, spec.lanes)
    with code.loop(0, row.whole, spec.lanes, [nothing]) as column:
        place = _at(code, line, column.index, spec)
        values = exp_of_negative(code.load(place, spec.type, spec.lanes) * scale - base)
        code.store(values, place)
        column.carried_out = [column.carried[0] + values]
    with code.loop(row.whole, row.count, spec.lanes, column.results) as rest:
        place = _at(code, line, rest.index, spec)
        values = exp_of_negative(code.load(place, spec.type, spec.lanes) * scale - base)
        values = _counts(code, spec, row, rest.index).select(values, 0.0)
        code.store(values, place)
        rest.carried_out = [rest.carried[0] + values]
    _clear(code, spec, row, line)
    return horizontal_sum(code, rest.results[0])


def _clear(code: Code, spec: Spec, row: Row, line: Value) -> None:
    """Zeros behind the vectors of scores that count."""
    behind = (row.count + (spec.lanes - 1)) & -spec.lanes
    with code.loop(behind, row.padded, spec.lanes) as column:
        code.store(code.constant(0, spec.type, spec.lanes), _at(code, line, column.index, spec))


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
    with code.loop(0, get["rows"]) as row:
        total = code.load(_at(code, get["totals"], row.index, spec), spec.type)
        empty = total.eq(0.0)
        divisor = empty.select(1.0, total)
        line = code.offset(get["sums"], row.index * get["sums_step"])
        with code.loop(0, get["sums_step"], spec.vector_bytes) as column:
            place = code.offset(line, column.index)
            code.store(code.load(place, spec.type, spec.lanes) / divisor, place)
        whole = code.load(_at(code, get["state"], row.index, spec), spec.type) + log(divisor)
        code.store(empty.select(0.0, whole), code.offset(get["log_sum"], row.index * get["log_step"]))
    module.add("normalise", code, signature(**names))


def add_slopes(module: Module, spec: Spec) -> None:
    """`slopes`: a block of scores to weights, and of the weights' gradients to the scores' gradients."""
    code = Code(cpu.features())
    names = {
        "scores": "ptr", "gradients": "ptr", "rows": "i64", "keys": "i64", "seen": "i64", "step": "i64",
        "scale": spec.type, "log_sum": "ptr", "log_step": "i64", "deltas": "ptr",
    }  # fmt: skip
    get = {name: parameter(code, name, kind) for name, kind in names.items()}
    scale = get["scale"]
    with code.loop(0, get["rows"]) as loop:
        row = _row(spec, loop.index, get["keys"], get["seen"], get["step"])
        lines = [code.offset(get[name], row.number * spec.line) for name in ("scores", "gradients")]
        base = code.load(code.offset(get["log_sum"], row.number * get["log_step"]), spec.type)
        delta = code.load(_at(code, get["deltas"], row.number, spec), spec.type)
        for start, stop, masked in ((code.constant(0, "i64"), row.whole, False), (row.whole, row.count, True)):
            with code.loop(start, stop, spec.lanes) as column:
                places = [_at(code, line, column.index, spec) for line in lines]
                scores, gradients = (code.load(place, spec.type, spec.lanes) for place in places)
                weights = exp_of_negative(scores * scale - base)
                slopes = weights * (gradients - delta) * scale
                if masked:
                    counts = _counts(code, spec, row, column.index)
                    weights, slopes = counts.select(weights, 0.0), counts.select(slopes, 0.0)
                code.store(weights, places[0])
                code.store(slopes, places[1])
        for line in lines:
            _clear(code, spec, row, line)
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

        def product(column: Value, lanes: int, lines: list[Value] = lines) -> Value:
            left, right = (
                load_wide(
                    code, code.offset(line, column * spec.dtype.itemsize), spec.dtype, lanes,
                    native_half=spec.level != "portable",
                )
                for line in lines
            )  # fmt: skip
            return left * right

        with code.loop(0, whole, spec.lanes, [code.constant(0, spec.type, spec.lanes)]) as many:
            many.carried_out = [many.carried[0] + product(many.index, spec.lanes)]
        with code.loop(whole, columns, carried=[horizontal_sum(code, many.results[0])]) as one:
            one.carried_out = [one.carried[0] + product(one.index, 1)]
        code.store(one.results[0], _at(code, get["target"], row.index, spec))
    module.add("deltas", code, signature(**names))
