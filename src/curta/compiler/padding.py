"""The kernel behind padding with what a tensor holds: row after row, each a copy of a row with a rim at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from curta.compiler import casts
from curta.compiler.code import Code, Value, coordinates, following, function
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import GRAIN_ELEMENTS, INLINE_ELEMENTS, KernelText, Step
from curta.dtypes import DType
from curta.memory.layout import Layout
from curta.runtime import cpu, jit, native

#: elements before and behind, for each dimension
Sides = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a kernel is made for: the format, which dimensions over the rows are padded, and how elements repeat.

    `gaps` says that the elements of the input's rows do not lie side by side.
    """

    dtype: DType
    padded: tuple[bool, ...]
    mode: str
    gaps: bool


def plan_padding(x: Layout, out: Layout, sides: Sides, mode: str) -> list[Step]:
    """The launch with arguments (x, out): `out` is contiguous, and no side is negative or longer than `mode` allows."""
    size = x.dtype.itemsize
    dims = _merged([(x.shape[dim], sides[dim], x.strides[dim] * size) for dim in range(x.rank - 1)])
    before, behind = sides[-1]
    meta = [x.shape[-1], before, behind, x.strides[-1] * size, out.shape[-1] * size]
    for length, side, step in dims:
        meta += [length + sum(side), length, side[0], step]
    rows = Rows(x.dtype, tuple(side != (0, 0) for _, side, _ in dims), mode, x.strides[-1] != 1)
    key = f"padding {rows} {cpu.vector_bytes()}"
    text = KernelText(key, lambda: _Writer(rows).text())
    grain = max(1, GRAIN_ELEMENTS // max(out.shape[-1], 1))
    plan = native.make_plan(0, meta, prod(out.shape[:-1]), grain, 0, 2, 0, out.numel <= INLINE_ELEMENTS)
    return [Step(plan, [("input", 0), ("output", 0)], text, jit.Code(key, text.write, NAME))]


def _merged(dims: list[tuple[int, tuple[int, int], int]]) -> list[tuple[int, tuple[int, int], int]]:
    """Sizes, sides and steps with neighbouring dimensions as one where they are not padded and lie so."""
    found: list[tuple[int, tuple[int, int], int]] = []
    for length, side, step in dims:
        if found and side == found[-1][1] == (0, 0) and found[-1][2] == length * step:
            found[-1] = (found[-1][0] * length, side, step)
        else:
            found.append((length, side, step))
    return found


class _Writer:
    """The kernel's text under construction."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.code = Code(cpu.features())
        self.kind = casts.memory_type(rows.dtype)
        self.meta = Value(self.code, "%meta", "ptr")
        self.length, self.before, self.behind, self.step, self.row_bytes = (self._number(place) for place in range(5))
        self.dims = [[self._number(5 + 4 * dim + place) for place in range(4)] for dim in range(len(rows.padded))]
        arguments = Value(self.code, "%args", "ptr")
        self.x, self.out = (self.code.load(self.code.offset(arguments, 8 * n), "ptr", align=8) for n in range(2))

    def _number(self, place: int) -> Value:
        return self.code.load(self.code.offset(self.meta, 8 * place), "i64", align=8)

    def text(self) -> str:
        """The whole function."""
        start, stop = Value(self.code, "%start", "i64"), Value(self.code, "%stop", "i64")
        sizes = [size for size, *_ in self.dims]
        with self.code.loop(start, stop, carried=coordinates(start, sizes)) as units:
            self._row(self._source(units.carried), self.code.offset(self.out, units.index * self.row_bytes))
            units.carried_out = following(units.carried, sizes)
        self.code.effect("ret void")
        return function(self.code, NAME, SIGNATURE)

    def _source(self, row: list[Value]) -> Value:
        """The row of the input that a row of the result is made of."""
        pointer = self.x
        for padded, (_, length, before, step), place in zip(self.rows.padded, self.dims, row, strict=True):
            where = self._held(place - before, length) if padded else place
            pointer = self.code.offset(pointer, where * step)
        return pointer

    def _held(self, place: Value, length: Value) -> Value:
        """The element that one at `place`, before the first or behind the last, is a copy of."""
        zero, last = self.code.constant(0, "i64"), length - 1
        if self.rows.mode == "replicate":
            above = place.lt(0).select(zero, place)
            return above.lt(length).select(above, last)
        if self.rows.mode == "circular":
            above = place.lt(0).select(place + length, place)
            return above.lt(length).select(above, above - length)
        above = place.lt(0).select(zero - place, place)
        return above.lt(length).select(above, last + last - above)

    def _row(self, source: Value, target: Value) -> None:
        code, size = self.code, self.rows.dtype.itemsize
        zero = code.constant(0, "i64")
        inside = code.offset(target, self.before * size)
        self._rim(source, inside, zero - self.before, zero)
        self._copy(source, inside)
        self._rim(source, inside, self.length, self.length + self.behind)

    def _rim(self, source: Value, inside: Value, low: Value, high: Value) -> None:
        with self.code.loop(low, high) as loop:
            self._element(source, inside, self._held(loop.index, self.length), loop.index)

    def _element(self, source: Value, inside: Value, held: Value, place: Value) -> None:
        loaded = self.code.load(self.code.offset(source, held * self.step), self.kind)
        self.code.store(loaded, self.code.offset(inside, place * self.rows.dtype.itemsize))

    def _copy(self, source: Value, inside: Value) -> None:
        """The row itself: whole vectors, then what is left."""
        code, size = self.code, self.rows.dtype.itemsize
        lanes = 1 if self.rows.gaps else max(1, cpu.vector_bytes() // size)
        done = code.constant(0, "i64")
        for count in dict.fromkeys((2 * lanes if lanes > 1 else 1, max(lanes // 2, 1), 1)):
            middle = done + (self.length - done - (self.length - done).unsigned_remainder(count))
            with code.loop(done, middle, count) as loop:
                if count == 1:
                    self._element(source, inside, loop.index, loop.index)
                else:
                    vector = code.load(code.offset(source, loop.index * size), self.kind, count)
                    code.store(vector, code.offset(inside, loop.index * size))
            done = middle
