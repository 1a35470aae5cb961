"""The kernels that find the smallest elements of each row, or the one of a given rank, without sorting it.

The key of the last element that is wanted is found a byte at a time, from the highest: a histogram of that byte, over
the keys that agree in all the bytes before it, says in which of its 256 values the rank falls. Keys are those of
compiler/sort.py; of equal ones the first in the row comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from curta.compiler.code import Value
from curta.compiler.nest import NAME
from curta.compiler.schedule import GRAIN_ELEMENTS, INLINE_ELEMENTS, KernelText, Step
from curta.compiler.sort import Ordering, over_rows
from curta.dtypes import DType, int64
from curta.runtime import jit, native

_BUCKETS = 256
#: keys that are looked at together
_LANES = 8
#: up to so many are kept in order as they come
_FEW = 32
#: keys that may be kept beside twice those that are wanted, before the largest go
_SPARE = 128


class _Spec(NamedTuple):
    """What a kernel's text depends on; `near` says that a row's elements are neighbours."""

    dtype: DType
    place_dtype: DType
    descending: bool
    near: bool

    @property
    def key(self) -> str:
        return f"{self.dtype.name} places={self.place_dtype.name} descending={self.descending} near={self.near}"


def space_for(wanted: int) -> int:
    """How many keys a row of `plan_smallest` has room for in each of its temporaries but the first."""
    return wanted if wanted <= _FEW else 2 * wanted + _SPARE


def plan_smallest(
    dtype: DType, place_dtype: DType, outer: int, count: int, inner: int, wanted: int, *, descending: bool
) -> list[Step]:
    """The launch over x[outer, count, inner]: arguments x, the places of the `wanted` smallest in order (int64), and
    five temporaries: all keys, then for each row as many keys, keys, places and places as `space_for` says.
    """
    spec = _Spec(dtype, place_dtype, descending, inner == 1)
    few = wanted <= _FEW
    key = f"smallest few={few} {spec.key}"
    text = KernelText(key, lambda: _smallest(spec, few))
    meta = [count, inner, wanted, max(0, wanted - 1).bit_length(), space_for(wanted)]
    plan = _plan(meta, outer * inner if wanted else 0, count, 7)
    sources = [("input", 0), ("output", 0), *(("partial", number) for number in range(5))]
    return [Step(plan, sources, text, jit.Code(key, text.write, NAME))]


def plan_ranked(dtype: DType, outer: int, count: int, inner: int) -> list[Step]:
    """The launch over x[outer, count, inner] and ranks[outer, inner] (int64, from 0): arguments x, the ranks, the place
    of the element of that rank in each row (int64), and a temporary for all keys.
    """
    spec = _Spec(dtype, int64, False, inner == 1)
    key = f"ranked {spec.key}"
    text = KernelText(key, lambda: _ranked(spec))
    plan = _plan([count, inner], outer * inner if count else 0, count, 4)
    sources = [("input", 0), ("input", 1), ("output", 0), ("partial", 0)]
    return [Step(plan, sources, text, jit.Code(key, text.write, NAME))]


def _plan(meta: list[int], rows: int, count: int, arguments: int) -> native.Plan:
    inline = rows * count * 8 <= INLINE_ELEMENTS
    # neighbouring rows go to one thread: what is kept of a row is often less than a cache line
    return native.make_plan(0, meta, rows, max(1, GRAIN_ELEMENTS // max(count, 1)), 0, arguments, 0, inline)


class _Selector(Ordering):
    """What both kernels are made of."""

    def __init__(self, spec: _Spec, fields: int, arguments: int) -> None:
        super().__init__(spec.dtype, spec.place_dtype, spec.descending, fields, arguments)
        self.near = spec.near
        self.count, self.inner = self.fields[:2]
        self.histogram = self.code.emit(f"alloca [{_BUCKETS} x i64], align 64", "ptr")

    def keys_of(self, row: Value, source: Value, room: Value) -> Value:
        """Write the keys of a row to its part of the room, one behind the other: that part."""
        code, size = self.code, self.size
        outer = row.unsigned_divide(self.inner)
        first = outer * self.count * self.inner + (row - outer * self.inner)
        keys = code.offset(room, row * self.count * size)
        whole = self.count & -_LANES if self.near else code.constant(0, "i64")
        for start, stop, lanes in ((code.constant(0, "i64"), whole, _LANES), (whole, self.count, 1)):
            with code.loop(start, stop, lanes) as loop:
                bits = code.load(code.offset(source, (first + loop.index * self.inner) * size), self.kind, lanes)
                code.store(self.key(bits), code.offset(keys, loop.index * size))
        return keys

    def key_at(self, keys: Value, place: Value, lanes: int = 1) -> Value:
        """Neighbouring keys."""
        return self.code.load(self.code.offset(keys, place * self.size), self.kind, lanes)

    def key_of_rank(self, keys: Value, count: Value, rank: Value) -> tuple[Value, Value]:
        """The key with so many before it in order, and how many of these are equal to it."""
        found, rest = self.code.constant(0, self.kind), rank
        for shift in range(8 * self.size - 8, -1, -8):
            self._count_bytes(keys, count, found, shift)
            byte, rest = self._bucket(rest)
            narrow = byte if self.kind == "i64" else byte.convert("trunc", self.kind)
            found = found | (narrow << shift)
        return found, rest

    def _count_bytes(self, keys: Value, count: Value, found: Value, shift: int) -> None:
        """The histogram of one byte of the keys whose higher bytes are those that were found."""
        code = self.code
        with code.loop(0, _BUCKETS, _LANES) as loop:
            code.store(code.constant(0, "i64", _LANES), code.offset(self.histogram, loop.index * 8))
        if shift + 8 == 8 * self.size:
            with code.loop(0, count) as loop:
                self._count(self.key_at(keys, loop.index), shift)
            return

        def agrees(key: Value) -> Value:
            return (key ^ found).logical_shift_right(shift + 8).eq(0)

        self.each_of(count, keys, agrees, lambda _, key: self._count(key, shift))

    def _count(self, key: Value, shift: int) -> None:
        code = self.code
        byte = key.logical_shift_right(shift) & (_BUCKETS - 1)
        counter = code.offset(self.histogram, (byte if self.kind == "i64" else byte.convert("zext", "i64")) * 8)
        code.store(code.load(counter, "i64", align=8) + 1, counter, align=8)

    def each_of(
        self, count: Value, keys: Value, wanted: Callable[[Value], Value], then: Callable[[Value, Value], None]
    ) -> None:
        """`then(place, key)` for each key that is wanted: most are not, and several at once are passed over."""
        code = self.code
        whole = count & -_LANES

        def one(place: Value) -> None:
            key = self.key_at(keys, place)
            with code.when(wanted(key)):
                then(place, key)

        with code.loop(0, whole, _LANES) as groups:
            several = wanted(self.key_at(keys, groups.index, _LANES))
            with code.when(code.any_lane(several)), code.loop(groups.index, groups.index + _LANES) as loop:
                one(loop.index)
        with code.loop(whole, count) as loop:
            one(loop.index)

    def _bucket(self, rank: Value) -> tuple[Value, Value]:
        """The bucket in which a rank falls, and how many elements of that bucket come before."""
        code = self.code
        with code.loop(0, _BUCKETS, carried=[code.constant(0, "i64"), rank, code.constant(0, "i1")]) as loop:
            bucket, rest, done = loop.carried
            inside = code.load(code.offset(self.histogram, loop.index * 8), "i64", align=8)
            here = ~done & rest.lt(inside)
            done = done | here
            loop.carried_out = [here.select(loop.index, bucket), done.select(rest, rest - inside), done]
        return loop.results[0], loop.results[1]


class _Smallest(_Selector):
    """What the kernels for a few and for many have in common."""

    def __init__(self, spec: _Spec) -> None:
        super().__init__(spec, fields=5, arguments=7)
        self.wanted, self.passes, self.space = self.fields[2:]
        self.source, self.places, self.all_keys, *self.room = self.arguments

    def row(self, row: Value) -> None:
        """One row: the places of the smallest keys, in order."""
        code, size = self.code, self.size
        keys = self.keys_of(row, self.source, self.all_keys)
        widths = (size, size, self.place_size, self.place_size)
        room = [code.offset(one, row * self.space * width) for one, width in zip(self.room, widths, strict=True)]
        places = self.find(keys, room)
        outer = row.unsigned_divide(self.inner)
        start = outer * self.wanted * self.inner + (row - outer * self.inner)
        with code.loop(0, self.wanted) as loop:
            at = code.offset(self.places, (start + loop.index * self.inner) * 8)
            code.store(self.load_place(places, loop.index), at)

    def find(self, keys: Value, room: list[Value]) -> Value:
        """Where the places of the smallest keys are, in order."""
        raise NotImplementedError

    def write(self, room: list[Value], at: Value, key: Value, place: Value) -> None:
        """A key and its place."""
        self.code.store(key, self.code.offset(room[0], at * self.size))
        self.store_place(place, room[2], at)


class _FewSmallest(_Smallest):
    """Keeps the smallest keys so far in order: a smaller one than the last moves all behind it by one."""

    def find(self, keys: Value, room: list[Value]) -> Value:
        """Insertion, of the first ones without a comparison."""
        code = self.code
        with code.loop(0, self.wanted) as loop:
            self._insert(room, loop.index, self.key_at(keys, loop.index), loop.index)
        last = self.wanted - 1

        def smaller(key: Value) -> Value:
            return key.lt(self.key_at(room[0], last), signed=False)

        rest = code.offset(keys, self.wanted * self.size)
        self.each_of(
            self.count - self.wanted, rest, smaller, lambda at, key: self._insert(room, last, key, at + self.wanted)
        )
        return room[2]

    def _insert(self, room: list[Value], last: Value, key: Value, place: Value) -> None:
        """Put a key where it belongs, at `last` at most: what is there already is written over."""
        code = self.code
        with code.loop(0, last, carried=[code.constant(1, "i1")]) as loop:
            at = last - loop.index
            (before_this,) = loop.carried
            previous = self.key_at(room[0], at - 1)
            before = key.lt(previous, signed=False)
            moved = before.select(previous, before_this.select(key, self.key_at(room[0], at)))
            moved_place = before.select(
                self.load_place(room[2], at - 1), before_this.select(place, self.load_place(room[2], at))
            )
            self.write(room, at, moved, moved_place)
            loop.carried_out = [before]
        with code.when(loop.results[0]):
            self.write(room, code.constant(0, "i64"), key, place)


class _ManySmallest(_Smallest):
    """Keeps the smallest keys so far in a buffer, in the order of the row, and all behind them that may be smaller.

    A key that is not smaller than the last of those that were kept is passed over; when the buffer is full, those that
    are too large go.
    """

    def __init__(self, spec: _Spec) -> None:
        super().__init__(spec)
        state = [self.code.emit(f"alloca {kind}, align 8", "ptr") for kind in ("i64", self.kind)]
        #: how many are in the buffer, and the key of the last one that was kept
        self.filled, self.last = state

    def find(self, keys: Value, room: list[Value]) -> Value:
        """The buffer, filled and pruned until the row is at its end; then sorted."""
        code = self.code
        first = self.count.lt(self.space).select(self.count, self.space)
        with code.loop(0, first) as loop:
            self.write(room, loop.index, self.key_at(keys, loop.index), loop.index)
        code.store(first, self.filled, align=8)
        self._prune(room)

        def smaller(key: Value) -> Value:
            return key.lt(code.load(self.last, self.kind, align=8), signed=False)

        def keep(place: Value, key: Value) -> None:
            filled = code.load(self.filled, "i64", align=8)
            self.write(room, filled, key, first + place)
            code.store(filled + 1, self.filled, align=8)
            with code.when((filled + 1).eq(self.space)):
                self._prune(room)

        self.each_of(self.count - first, code.offset(keys, first * self.size), smaller, keep)
        self._prune(room)
        return self.sort(self.wanted, self.passes, room)

    def _prune(self, room: list[Value]) -> None:
        """Keep the smallest that are wanted, as they stand; of equal ones the first."""
        code = self.code
        last, before = self.key_of_rank(room[0], code.load(self.filled, "i64", align=8), self.wanted - 1)
        zero = code.constant(0, "i64")
        with code.loop(0, code.load(self.filled, "i64", align=8), carried=[zero, zero]) as loop:
            kept, equal = loop.carried
            key, place = self.key_at(room[0], loop.index), self.load_place(room[2], loop.index)
            same = key.eq(last)
            keep = key.lt(last, signed=False) | (same & equal.le(before))
            self.write(room, kept, key, place)  # where the next one that is kept will be
            loop.carried_out = [kept + keep.convert("zext", "i64"), equal + same.convert("zext", "i64")]
        code.store(self.wanted, self.filled, align=8)
        code.store(last, self.last, align=8)


class _Ranked(_Selector):
    def __init__(self, spec: _Spec) -> None:
        super().__init__(spec, fields=2, arguments=4)
        self.source, self.ranks, self.places, self.all_keys = self.arguments
        self.equal = self.code.emit("alloca i64, align 8", "ptr")

    def row(self, row: Value) -> None:
        """One row: the key of that rank, and the place of the equal one that has it."""
        code = self.code
        keys = self.keys_of(row, self.source, self.all_keys)
        rank = code.load(code.offset(self.ranks, row * 8), "i64", align=8)
        wanted, before = self.key_of_rank(keys, self.count, rank)
        code.store(code.constant(0, "i64"), self.equal, align=8)

        def note(place: Value, _: Value) -> None:
            equal = code.load(self.equal, "i64", align=8)
            with code.when(equal.eq(before)):
                code.store(place, code.offset(self.places, row * 8))
            code.store(equal + 1, self.equal, align=8)

        self.each_of(self.count, keys, lambda key: key.eq(wanted), note)


def _smallest(spec: _Spec, few: bool) -> str:
    writer = _FewSmallest(spec) if few else _ManySmallest(spec)
    return over_rows(writer.code, writer.row)


def _ranked(spec: _Spec) -> str:
    writer = _Ranked(spec)
    return over_rows(writer.code, writer.row)
