"""What happens to the rows of a block of scores between the products.

Every row of a block is done in as many vectors, masks and all: the processor foresees loops that are equally long.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from curta.compiler.attention.dropout import evaluate
from curta.compiler.attention.spec import NUMBERS, Spec
from curta.compiler.code import Code, Value
from curta.compiler.mathlib.exponential import exp_of_negative, exp_without_subnormals
from curta.compiler.mathlib.logarithm import log
from curta.compiler.matmul.convert import load_wide, narrow
from curta.compiler.matmul.dots import horizontal_sum
from curta.compiler.matmul.emit import Module, blocks, larger, parameter, shuffle, signature, smaller
from curta.dtypes import bfloat16
from curta.runtime import cpu

INFINITY = float("inf")
#: an integer of each size, as which the elements of a mask are copied
INTEGERS = {1: "i8", 2: "i16", 4: "i32", 8: "i64"}


class Row(NamedTuple):
    """One row of a block: its number, how many of its scores count, in every lane, and how many of those are passed."""

    number: Value
    counting: Value
    passed: Value | None


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


Turn = Callable[[Value, list[Value], bool], list[Value]]


class Block:
    """The parameters of a function over a block of scores, and what it does in every vector."""

    def __init__(self, spec: Spec, **more: str) -> None:
        self.spec = spec
        self.code = Code(cpu.features())
        self.parameters = {"scores": "ptr", "rows": "i64", "keys": "i64", "seen": "i64", "step": "i64"}
        self.parameters |= {"scale": spec.type, **more}
        if spec.window:
            self.parameters |= {"passed": "i64"}
        if spec.dropout is not None:
            self.parameters |= {"element": "i64", "element_step": "i64"} | dict.fromkeys(NUMBERS, "i64")
        if spec.mask != "none":
            self.parameters |= {"mask": "ptr", "mask_step": "i64"}
            self._buffer = self.code.emit("alloca [64 x i8], align 64", "ptr")
        self.get = {name: parameter(self.code, name, kind) for name, kind in self.parameters.items()}
        width = 2 * spec.lanes
        #: whole panels of keys
        self.columns = (self.get["keys"] + (width - 1)) & -width

    def row(self, number: Value) -> Row:
        """`seen` keys count in the block's first row (all `keys` at most), `step` more in each that follows.

        But for those that are `passed` by the window in the first row, and as many more.
        """
        get, lanes = self.get, self.spec.lanes
        count = larger(smaller(get["keys"], get["seen"] + number * get["step"]), 0).convert("trunc", "i32")
        passed = None
        if self.spec.window:
            first = larger(get["passed"] + number * get["step"], 0).convert("trunc", "i32")
            passed = self.code.spread(first, lanes)
        return Row(number, self.code.spread(count, lanes), passed)

    def pair(self, first: Value) -> list[Row]:
        """Row number `first` and the next; where there is none, the same once more, in which nothing counts."""
        there = self.get["rows"].gt(first + 1)
        second = self.row(there.select(first + 1, first))
        none = self.code.spread(there, self.spec.lanes).select(second.counting, 0)
        return [self.row(first), second._replace(counting=none)]

    def counts(self, row: Row, column: Value) -> Value:
        """Which lanes of the vector at a column count."""
        first = self.code.spread(column.convert("trunc", "i32"), self.spec.lanes)
        numbers = first + self.code.iota("i32", self.spec.lanes)
        counts = numbers.lt(row.counting)
        return counts if row.passed is None else counts & numbers.ge(row.passed)

    def each_vector(self, carried: list[Value], turn: Turn) -> list[Value]:
        """A pass over the columns; `turn(column, carried, last)` gives what is carried on.

        `last` says that the vector may be longer than there are keys.
        """
        code, lanes = self.code, self.spec.lanes
        whole: Value | int = 0
        if self.spec.mask != "none":  # there is nothing behind the last element of a mask
            whole = self.get["keys"] & -lanes
            with code.loop(0, whole, lanes, carried) as loop:
                loop.carried_out = turn(loop.index, loop.carried, False)
            carried = loop.results
        with code.loop(whole, self.columns, lanes, carried) as loop:
            loop.carried_out = turn(loop.index, loop.carried, True)
        return loop.results

    def masked(self, scores: Value, row: Row, column: Value, last: bool) -> Value:
        """Scaled scores under the mask, if there is one."""
        code, spec, get = self.code, self.spec, self.get
        if spec.mask == "none":
            return scores
        size = 1 if spec.mask == "bool" else spec.dtype.itemsize
        place = code.offset(get["mask"], row.number * get["mask_step"] + column * size)
        if last:
            with code.loop(0, larger(smaller(get["keys"] - column, spec.lanes), 0), carried=[]) as one:
                element = code.load(code.offset(place, one.index * size), INTEGERS[size])
                code.store(element, code.offset(self._buffer, one.index * size))
            place = self._buffer
        if spec.mask == "bool":
            return code.load(place, "i8", spec.lanes).ne(0).select(scores, -INFINITY)
        return scores + load_wide(code, place, spec.dtype, spec.lanes, native_half=spec.level != "portable")

    def dropped(self, values: Value, row: Row, column: Value) -> Value:
        """Values under dropout, if there is any."""
        spec, get = self.spec, self.get
        if spec.dropout is None:
            return values
        first = get["element"] + row.number * get["element_step"] + column
        numbers = self.code.spread(first, spec.lanes) + self.code.iota("i64", spec.lanes)
        kept = evaluate(spec.dropout.kept, numbers, [get[name] for name in NUMBERS])
        return kept.select(values * spec.dropout.factor, 0.0)

    def add_to(self, module: Module, name: str) -> None:
        """The finished function."""
        module.add(name, self.code, signature(**self.parameters))


def add_softmax(module: Module, spec: Spec) -> None:
    """`softmax`: a block of scores to e^(score * scale - highest so far), and the state of its rows brought up to date.

    The state is for each row the highest scaled score (from `state` on) and the sum of what has been made of its scores
    (from `totals` on). What the row's sums of values hold already is scaled down where a higher score has come.
    """
    block = Block(spec, state="ptr", totals="ptr", sums="ptr", sums_step="i64", first="i64")
    code, get = block.code, block.get
    begin = get["first"].ne(0)
    with code.loop(0, get["rows"]) as loop:
        row = block.row(loop.index)
        line = code.offset(get["scores"], row.number * spec.line)
        state, totals = _at(code, get["state"], row.number, spec), _at(code, get["totals"], row.number, spec)
        before = begin.select(-INFINITY, code.load(state, spec.type))
        highest = _highest(_scaled(block, row, line), before)
        base = highest.eq(-INFINITY).select(0.0, highest)
        total = _exponentials(block, row, line, base)
        code.store(highest, state)
        with code.when(begin):
            code.store(total, totals)
        with code.when(~begin):
            shrink = exp_of_negative(before - base)
            code.store(code.load(totals, spec.type) * shrink + total, totals)
            with code.when(shrink.ne(1.0)):
                _multiply_row(code, spec, get["sums"], row.number, get["sums_step"], shrink)
    block.add_to(module, "softmax")


def _multiply_row(code: Code, spec: Spec, sums: Value, row: Value, nbytes: Value, factor: Value) -> None:
    line = code.offset(sums, row * nbytes)
    with code.loop(0, nbytes, spec.vector_bytes) as column:
        place = code.offset(line, column.index)
        code.store(code.load(place, spec.type, spec.lanes) * factor, place)


def _scaled(block: Block, row: Row, line: Value) -> Value:
    """Scores become scaled ones, minus infinity where they do not count; gives the highest."""
    code, spec = block.code, block.spec

    def turn(column: Value, carried: list[Value], last: bool) -> list[Value]:
        place = _at(code, line, column, spec)
        scores = block.masked(code.load(place, spec.type, spec.lanes) * block.get["scale"], row, column, last)
        scores = block.counts(row, column).select(scores, -INFINITY)
        code.store(scores, place)
        return [_highest(scores, carried[0])]

    (found,) = block.each_vector([code.constant(-INFINITY, spec.type, spec.lanes)], turn)
    return _across(code, found, _highest)


def _exponentials(block: Block, row: Row, line: Value, base: Value) -> Value:
    """Scaled scores become e^(score - base), and go through the dropout; gives the sum of all."""
    code, spec = block.code, block.spec
    nothing = code.constant(0, spec.type, spec.lanes)
    with code.loop(0, block.columns, spec.lanes, [nothing]) as column:
        place = _at(code, line, column.index, spec)
        values = exp_without_subnormals(code.load(place, spec.type, spec.lanes) - base)
        weights = block.dropped(values, row, column.index)
        if spec.paired:  # they stay behind what is still to be read
            code.store(_halves(weights), code.offset(line, column.index * spec.dtype.itemsize))
        else:
            code.store(weights, place)
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
    """`slopes`: a block of scores to weights, and of the weights' gradients to the scores' gradients.

    In pairs, those of two rows one above the other lie where the scores of half the rows were; in `slope_rows` the
    scores' gradients lie row by row as well.
    """
    more = {"slope_rows": "ptr"} if spec.paired else {}
    block = Block(spec, gradients="ptr", **more, log_sum="ptr", log_step="i64", deltas="ptr")
    code, rows, together = block.code, block.get["rows"], spec.product().depth
    with code.loop(0, blocks(rows, together)) as loop:
        first = loop.index * together
        some = block.pair(first) if spec.paired else [block.row(first)]
        targets = [code.offset(block.get[name], loop.index * spec.line) for name in ("scores", "gradients")]
        block.each_vector([], partial(_slopes, block, [_SlopeRow(block, row) for row in some], targets, first))
    block.add_to(module, "slopes")


class _SlopeRow:
    """A row of scores and of their weights' gradients."""

    def __init__(self, block: Block, row: Row) -> None:
        code, get, spec = block.code, block.get, block.spec
        self.block, self.row = block, row
        self.lines = [code.offset(get[name], row.number * spec.line) for name in ("scores", "gradients")]
        self.base = code.load(code.offset(get["log_sum"], row.number * get["log_step"]), spec.type)
        self.delta = code.load(_at(code, get["deltas"], row.number, spec), spec.type) * get["scale"]

    def made(self, column: Value, last: bool) -> tuple[Value, Value]:
        """The weights, and the scores' gradients, of the vector at a column."""
        block, row = self.block, self.row
        code, spec, scale = block.code, block.spec, block.get["scale"]
        scores, gradients = (code.load(_at(code, line, column, spec), spec.type, spec.lanes) for line in self.lines)
        scores = block.masked(scores * scale, row, column, last)
        counts = block.counts(row, column)
        weights = counts.select(exp_without_subnormals(scores - self.base), 0.0)
        gradients = block.dropped(gradients * scale, row, column)
        slopes = counts.select(weights * (gradients - self.delta), 0.0)
        return block.dropped(weights, row, column), slopes


def _slopes(
    block: Block, rows: list[_SlopeRow], targets: list[Value], first: Value, column: Value, _: list[Value], last: bool
) -> list[Value]:
    code, spec = block.code, block.spec
    made = list(zip(*(row.made(column, last) for row in rows), strict=True))
    if not spec.paired:
        for target, (values,) in zip(targets, made, strict=True):
            code.store(values, _at(code, target, column, spec))
        return []
    halves = [[_halves(values) for values in both] for both in made]
    for target, (upper, lower) in zip(targets, halves, strict=True):
        words = upper.convert("zext", "i32") | (lower.convert("zext", "i32") << 16)
        code.store(words, _at(code, target, column, spec))
    for number, values in enumerate(halves[1]):
        line = code.offset(block.get["slope_rows"], (first + number) * spec.line)
        code.store(values, code.offset(line, column * spec.dtype.itemsize))
    return []


def _halves(values: Value) -> Value:
    return narrow(values, bfloat16, native_half=True, native_bfloat=True)


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
