"""The kernels that sort each row, stably, by keys whose order as whole numbers is that of the elements.

An element's key is its bits, rearranged so that unsigned comparison orders them: NaN is above everything, both zeros
are one. A short row is cut into pieces of one element, which are merged in pairs, from one temporary into the other and
back. The keys of a longer one are dealt out by their lowest digit, then by the next, and so on: as many times as the
largest key less the smallest has digits.
"""

from __future__ import annotations

from collections.abc import Callable

from curta.compiler.code import Code, Value, function
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import INLINE_ELEMENTS, KernelText, Step
from curta.dtypes import DType, bool_
from curta.runtime import cpu, jit, native

#: rows of so many elements are dealt out; with so many, by larger digits
_MANY, _VERY_MANY = 96, 1 << 14
_DIGIT_BITS, _LARGE_DIGIT_BITS = 8, 11
#: the bits of infinity in each floating-point format
_INFINITY = {"float16": 0x7C00, "bfloat16": 0x7F80, "float32": 0x7F800000, "float64": 0x7FF << 52}


def plan_sort(dtype: DType, place_dtype: DType, outer: int, count: int, inner: int, *, descending: bool) -> list[Step]:
    """The launch over x[outer, count, inner]: arguments x, its sorted values, their places (int64), four temporaries.

    The temporaries hold `outer * inner * count` keys, keys, places and places; keys are as wide as the elements, places
    are of `place_dtype`, int32 or int64.
    """
    dealt = count >= _MANY
    key = f"sort {dtype.name} places={place_dtype.name} descending={descending} dealt={dealt}"
    text = KernelText(key, lambda: _emit(dtype, place_dtype, descending, dealt))
    merges = max(0, count - 1).bit_length()
    rows = outer * inner if count else 0
    inline = rows * count * (merges + 1) <= INLINE_ELEMENTS
    turns = (_LARGE_DIGIT_BITS if count >= _VERY_MANY else _DIGIT_BITS) if dealt else merges
    plan = native.make_plan(0, [count, inner, turns], rows, max(1, 512 // max(count, 1)), 0, 7, 0, inline)
    sources = [("input", 0), ("output", 0), ("output", 1), *(("partial", number) for number in range(4))]
    return [Step(plan, sources, text, jit.Code(key, text.write, NAME))]


class Ordering:
    """The text of a kernel over rows of elements and keys: keys, places, and merging what is in order."""

    def __init__(self, dtype: DType, place_dtype: DType, descending: bool, fields: int, arguments: int) -> None:
        self.dtype, self.descending = dtype, descending
        self.place_size, self.place_kind = place_dtype.itemsize, f"i{8 * place_dtype.itemsize}"
        code = self.code = Code(cpu.features())
        self.size = dtype.itemsize
        self.kind = f"i{8 * self.size}"
        meta, pointers = Value(code, "%meta", "ptr"), Value(code, "%args", "ptr")
        self.fields = [code.load(code.offset(meta, 8 * place), "i64", align=8) for place in range(fields)]
        self.arguments = [code.load(code.offset(pointers, 8 * place), "ptr", align=8) for place in range(arguments)]

    def key(self, bits: Value) -> Value:
        """The whole number by which an element is sorted."""
        top = -(1 << (8 * self.size - 1))
        if self.dtype is bool_:
            key = bits.ne(0).convert("zext", self.kind)
        elif self.dtype.is_floating_point:
            size = bits & ~top
            plain = size.eq(0).select(0, bits)
            ordered = plain.lt(0).select(~plain, plain ^ top)
            key = size.gt(_INFINITY[self.dtype.name]).select(-1, ordered)
        else:
            key = bits ^ top if self.dtype.is_signed else bits
        return ~key if self.descending else key

    def load_place(self, places: Value, at: Value) -> Value:
        place = self.code.load(self.code.offset(places, at * self.place_size), self.place_kind)
        return place if self.place_size == 8 else place.convert("zext", "i64")

    def store_place(self, place: Value, places: Value, at: Value) -> None:
        narrow = place if self.place_size == 8 else place.convert("trunc", "i32")
        self.code.store(narrow, self.code.offset(places, at * self.place_size))

    def sort(self, count: Value, passes: Value, room: list[Value]) -> Value:
        """Sort the first `count` keys and places of the room, with another one beside each: where the places then are.

        `room` is keys, keys, places and places.
        """
        code = self.code
        with code.loop(0, passes, carried=room) as turns:
            self._merge_all(count, code.constant(1, "i64") << turns.index, turns.carried)
            turns.carried_out = [turns.carried[other] for other in (1, 0, 3, 2)]
        return turns.results[2]

    def _merge_all(self, count: Value, width: Value, room: list[Value]) -> None:
        """Every two neighbouring pieces of `width` sorted elements as one, from the first temporaries to the others."""
        with self.code.loop(0, count, width * 2) as loop:
            low = loop.index
            middle = _smaller(low + width, count)
            self._merge(low, middle, _smaller(low + width * 2, count), room)

    def _merge(self, low: Value, middle: Value, high: Value, room: list[Value]) -> None:
        """[low, middle) and [middle, high) as one; of equal elements those on the left come first."""
        code, size = self.code, self.size
        from_keys, to_keys, from_places, to_places = room
        with code.loop(low, high, carried=[low, middle]) as loop:
            left, right = loop.carried
            more_left, more_right = left.lt(middle), right.lt(high)
            left_key = code.load(code.offset(from_keys, more_left.select(left, low) * size), self.kind)
            right_key = code.load(code.offset(from_keys, more_right.select(right, low) * size), self.kind)
            take = more_left & (~more_right | left_key.le(right_key, signed=False))
            place = self.load_place(from_places, take.select(left, right))
            code.store(take.select(left_key, right_key), code.offset(to_keys, loop.index * size))
            self.store_place(place, to_places, loop.index)
            step = take.convert("zext", "i64")
            loop.carried_out = [left + step, right + (step ^ 1)]


class _Sorter(Ordering):
    """The kernel that sorts whole rows, by merging or by dealing: `turns` counts merges, or the bits of a digit."""

    def __init__(self, dtype: DType, place_dtype: DType, descending: bool, dealt: bool) -> None:
        super().__init__(dtype, place_dtype, descending, fields=3, arguments=7)
        self.count, self.inner, self.turns = self.fields
        self.source, self.values, self.places, *self.room = self.arguments
        self.dealt = dealt
        if dealt:
            #: for each digit where the next key with it goes
            self.table = self.code.emit(f"alloca [{1 << _LARGE_DIGIT_BITS} x i64], align 64", "ptr")

    def row(self, row: Value) -> None:
        """One row: its keys in order, its values and places."""
        code, size = self.code, self.size
        outer = row.unsigned_divide(self.inner)
        first = outer * self.count * self.inner + (row - outer * self.inner)
        start = row * self.count
        keys = [code.offset(one, start * size) for one in self.room[:2]]
        places = [code.offset(one, start * self.place_size) for one in self.room[2:]]
        extremes = [code.constant(-1, self.kind), code.constant(0, self.kind)]
        with code.loop(0, self.count, carried=extremes) as loop:
            at = (first + loop.index * self.inner) * size
            key = self.key(code.load(code.offset(self.source, at), self.kind))
            code.store(key, code.offset(keys[0], loop.index * size))
            self.store_place(loop.index, places[0], loop.index)
            lowest, highest = loop.carried
            loop.carried_out = [key.intrinsic("umin", lowest), key.intrinsic("umax", highest)]
        room = [*keys, *places]
        sorted_places = self._deal_all(room, *loop.results) if self.dealt else self.sort(self.count, self.turns, room)
        with code.loop(0, self.count) as loop:
            place = self.load_place(sorted_places, loop.index)
            bits = code.load(code.offset(self.source, (first + place * self.inner) * size), self.kind)
            at = first + loop.index * self.inner
            code.store(bits, code.offset(self.values, at * size))
            code.store(place, code.offset(self.places, at * 8))

    def _deal_all(self, room: list[Value], lowest: Value, highest: Value) -> Value:
        """Keys and places by one digit after the other: where the places then are."""
        code = self.code
        range_ = highest - lowest
        range_ = range_ if self.kind == "i64" else range_.convert("zext", "i64")
        length = 64 - code.call("llvm.ctlz.i64", "i64", 1, [range_, code.constant(0, "i1")])
        digits = (length + (self.turns - 1)).unsigned_divide(self.turns)
        with code.loop(0, digits, carried=room) as turns:
            self._deal(turns.carried, lowest, turns.index * self.turns)
            turns.carried_out = [turns.carried[other] for other in (1, 0, 3, 2)]
        return turns.results[2]

    def _deal(self, room: list[Value], lowest: Value, shift: Value) -> None:
        """All keys, in their order, to the places of those with their digit."""
        code, size = self.code, self.size
        from_keys, to_keys, from_places, to_places = room
        values = code.constant(1, "i64") << self.turns
        narrow = shift if self.kind == "i64" else shift.convert("trunc", self.kind)

        def of(place: Value) -> tuple[Value, Value]:
            """A key, and where the table has its digit."""
            key = code.load(code.offset(from_keys, place * size), self.kind)
            digit = (key - lowest).logical_shift_right(narrow)
            digit = (digit if self.kind == "i64" else digit.convert("zext", "i64")) & (values - 1)
            return key, code.offset(self.table, digit * 8)

        with code.loop(0, values) as loop:
            code.store(code.constant(0, "i64"), code.offset(self.table, loop.index * 8), align=8)
        with code.loop(0, self.count) as loop:
            _, entry = of(loop.index)
            code.store(code.load(entry, "i64", align=8) + 1, entry, align=8)
        with code.loop(0, values, carried=[code.constant(0, "i64")]) as loop:
            entry = code.offset(self.table, loop.index * 8)
            loop.carried_out = [loop.carried[0] + code.load(entry, "i64", align=8)]
            code.store(loop.carried[0], entry, align=8)
        with code.loop(0, self.count) as loop:
            key, entry = of(loop.index)
            target = code.load(entry, "i64", align=8)
            code.store(target + 1, entry, align=8)
            code.store(key, code.offset(to_keys, target * size))
            self.store_place(self.load_place(from_places, loop.index), to_places, target)


def _smaller(left: Value, right: Value) -> Value:
    return left.lt(right).select(left, right)


def _emit(dtype: DType, place_dtype: DType, descending: bool, dealt: bool) -> str:
    writer = _Sorter(dtype, place_dtype, descending, dealt)
    return over_rows(writer.code, writer.row)


def over_rows(code: Code, row: Callable[[Value], None]) -> str:
    """The text of a kernel that does `row` for every unit it is given."""
    start, stop = Value(code, "%start", "i64"), Value(code, "%stop", "i64")
    with code.loop(start, stop) as rows:
        row(rows.index)
    code.effect("ret void")
    return function(code, NAME, SIGNATURE)
