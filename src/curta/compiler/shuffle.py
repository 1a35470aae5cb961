"""The kernels that put numbers in random order, after Rao (1961) and Sandelius (1962).

Every number is dealt to a bucket at random, and Fisher and Yates' exchanges put each bucket in random order. A bucket
stays in a cache near by, where exchanges all over a long vector wait for memory, and buckets go to any thread. What
comes out depends on the random numbers and on the length alone.
"""

from __future__ import annotations

from collections.abc import Callable

from curta.compiler.code import Code, Value
from curta.compiler.nest import NAME
from curta.compiler.schedule import INLINE_ELEMENTS, KernelText, Step
from curta.compiler.sort import over_rows
from curta.dtypes import int64
from curta.memory.layout import Layout, contiguous
from curta.runtime import cpu, jit, native

#: the random numbers are below two to this
BITS = 62
#: the lowest so many choose partners for exchanges, from the highest come the buckets
PARTNER_BITS = 51
#: a bucket has about two to this elements: 32 KB
_BUCKET = 12
#: vectors up to this are one bucket
WHOLE = 1 << 15
#: elements that are dealt one after the other
_CHUNK = 1 << 16
_MOST_CHUNKS = 64


def bucket_bits(count: int) -> int:
    """How many bits of a random number choose the bucket, for a vector of so many elements."""
    return 0 if count <= WHOLE else min((count - 1).bit_length() - _BUCKET, BITS - PARTNER_BITS)


def plan_shuffle(count: int) -> tuple[list[Step], list[Layout]]:
    """The launches with arguments (random int64[count] in [0, 2**BITS), order int64[count]), and a temporary."""
    bits = bucket_bits(count)
    if not bits:
        return [_step("shuffle whole", _whole, [count], 1 if count else 0, 0)], []
    chunk = max(_CHUNK, -(-count // _MOST_CHUNKS))
    chunks, buckets = -(-count // chunk), 1 << bits
    meta = [count, chunk, chunks, buckets, BITS - bits]
    steps = [
        _step("shuffle count", _count, meta, chunks, 1),
        _step("shuffle starts", _starts, meta, 1, 1),
        _step("shuffle deal", _deal, meta, chunks, 1),
        _step("shuffle buckets", _buckets, meta, buckets, 1),
    ]
    return steps, [contiguous((chunks, buckets), int64)]


def _step(key: str, row: Callable[[_Shuffle, Value], None], meta: list[int], units: int, temporaries: int) -> Step:
    text = KernelText(key, lambda: _emit(row, len(meta), 2 + temporaries))
    inline = meta[0] <= INLINE_ELEMENTS
    plan = native.make_plan(0, meta, units, 1, 0, 2 + temporaries, 0, inline)
    sources = [("input", 0), ("output", 0), *(("partial", number) for number in range(temporaries))]
    return Step(plan, sources, text, jit.Code(key, text.write, NAME))


def _emit(row: Callable[[_Shuffle, Value], None], fields: int, arguments: int) -> str:
    code = Code(cpu.features())
    writer = _Shuffle(code, fields, arguments)
    return over_rows(code, lambda unit: row(writer, unit))


class _Shuffle:
    """What the kernels have in common: their integers and tensors, and the exchanges."""

    def __init__(self, code: Code, fields: int, arguments: int) -> None:
        self.code = code
        meta, pointers = Value(code, "%meta", "ptr"), Value(code, "%args", "ptr")
        self.fields = [code.load(code.offset(meta, 8 * place), "i64", align=8) for place in range(fields)]
        self.arguments = [code.load(code.offset(pointers, 8 * place), "ptr", align=8) for place in range(arguments)]

    def at(self, argument: int, place: Value) -> Value:
        return self.code.offset(self.arguments[argument], place * 8)

    def load(self, argument: int, place: Value) -> Value:
        return self.code.load(self.at(argument, place), "i64", align=8)

    def store(self, value: Value, argument: int, place: Value) -> None:
        self.code.store(value, self.at(argument, place), align=8)

    def exchange(self, first: Value, end: Value) -> None:
        """Put what lies from `first` to before `end` in random order."""
        code = self.code
        bits = code.constant(PARTNER_BITS, "i64").convert("zext", "i128")
        with code.loop(1, end - first) as loop:
            last = end - loop.index
            number = (self.load(0, last) & ((1 << PARTNER_BITS) - 1)).convert("zext", "i128")
            scaled = (number * (last + 1 - first).convert("zext", "i128")).logical_shift_right(bits)
            partner = first + scaled.convert("trunc", "i64")
            mine, other = self.load(1, last), self.load(1, partner)
            self.store(other, 1, last)
            self.store(mine, 1, partner)


def _whole(shuffle: _Shuffle, _: Value) -> None:
    """All in one bucket."""
    code, (count,) = shuffle.code, shuffle.fields
    with code.loop(0, count) as loop:
        shuffle.store(loop.index, 1, loop.index)
    shuffle.exchange(code.constant(0, "i64"), count)


def _over_chunk(shuffle: _Shuffle, chunk: Value, visit: Callable[[Value, Value], None]) -> None:
    """`visit(place, where)`: each place of a chunk, and where the chunk's word for that element's bucket is."""
    count, size, _, buckets, shift = shuffle.fields
    first = chunk * size
    stop = first + size
    with shuffle.code.loop(first, stop.lt(count).select(stop, count)) as loop:
        visit(loop.index, chunk * buckets + shuffle.load(0, loop.index).logical_shift_right(shift))


def _count(shuffle: _Shuffle, chunk: Value) -> None:
    """How many of a chunk's elements go to each bucket."""
    code, buckets = shuffle.code, shuffle.fields[3]
    with code.loop(0, buckets) as loop:
        shuffle.store(code.constant(0, "i64"), 2, chunk * buckets + loop.index)
    _over_chunk(shuffle, chunk, lambda _, where: shuffle.store(shuffle.load(2, where) + 1, 2, where))


def _starts(shuffle: _Shuffle, _: Value) -> None:
    """From counts to where each chunk's part of each bucket begins: one bucket after the other, chunk by chunk."""
    code, (_, _, chunks, buckets, _) = shuffle.code, shuffle.fields
    with code.loop(0, buckets, carried=[code.constant(0, "i64")]) as over:
        with code.loop(0, chunks, carried=over.carried) as loop:
            where = loop.index * buckets + over.index
            size = shuffle.load(2, where)
            shuffle.store(loop.carried[0], 2, where)
            loop.carried_out = [loop.carried[0] + size]
        over.carried_out = loop.results


def _deal(shuffle: _Shuffle, chunk: Value) -> None:
    """Put the numbers of a chunk's places into the buckets; the words then say where the parts end."""

    def visit(place: Value, where: Value) -> None:
        into = shuffle.load(2, where)
        shuffle.store(place, 1, into)
        shuffle.store(into + 1, 2, where)

    _over_chunk(shuffle, chunk, visit)


def _buckets(shuffle: _Shuffle, bucket: Value) -> None:
    """Put a bucket in order: it lies between the ends of the last chunk's parts of this one and of the one before."""
    _, _, chunks, buckets, _ = shuffle.fields
    end = (chunks - 1) * buckets + bucket
    before = shuffle.load(2, bucket.eq(0).select(end, end - 1))
    shuffle.exchange(bucket.eq(0).select(0, before), shuffle.load(2, end))
