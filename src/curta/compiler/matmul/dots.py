"""One to eight rows times a matrix whose K direction is near: C[M, N] = A[M, K] @ B[K, N], where B lies.

Some columns of B at once are multiplied by all rows of A, a vector along K at a time, and lanes are summed at the end:
an element of B is loaded once for all rows. The order of every sum depends on K alone.
"""

from __future__ import annotations

from functools import cache

from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import each_tile
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import (
    KERNEL_SIGNATURE,
    Module,
    call,
    parameter,
    prefetch,
    read_meta,
    shuffle,
    signature,
    smaller,
)  # fmt: skip
from curta.compiler.matmul.finish import LINE_BYTES, finish_tile
from curta.compiler.matmul.micro import add_product
from curta.compiler.matmul.spec import Meta, Spec, multiplies_pairs
from curta.compiler.matmul.tiles import Costs

#: rows at most, by the bytes of an element, and where a matrix of 4-byte elements has so many that it comes from
#: memory: measured on a Zen 4 against kernels that read elements one by one
MOST_ROWS, BEYOND_CACHES, MOST_BEYOND = {8: 5, 4: 8, 2: 8}, 16 << 20, 6
#: vectors along K at least, for more than one row: what is left is added one by one
LEAST_VECTORS = 4
#: columns at once
MOST_COLUMNS = 8
#: registers for sums, for a vector of each column and for one of a row: few processors have 32
REGISTERS = {64: 28, 32: 12, 16: 12}

SUM = signature(held="ptr", b="ptr", b_step="i64", k_count="i64", columns="i64", sums="ptr", sums_step="i64")


def dots_family(spec: Spec, rows: int, columns: int, K: int) -> str | None:
    """The kernel for so many rows of A; None where another one takes less time."""
    pairs = multiplies_pairs(spec.dtype, spec.level)
    if rows != 1:
        size = spec.dtype.itemsize
        most = MOST_BEYOND if size == 4 and columns * K * size >= BEYOND_CACHES else MOST_ROWS[size]
        if not 1 <= rows <= most or LEAST_VECTORS * spec.lanes * (2 if pairs else 1) > K:
            return None
    return f"dots{rows}{'pairs' if pairs else ''}"


def make_dots_kernel(spec: Spec) -> str:
    """The LLVM text of the kernel for as many rows as the family's name ends in."""
    module = Module(spec.vector_bytes)
    _add_gather(module, spec)
    _add_sum(module, spec)
    code = Code()
    size, in_size, held = spec.compute.itemsize, spec.dtype.itemsize, parameter(code, "scratch", "ptr")
    sums = code.offset(held, _held_step(spec) * spec.dot_rows)
    sums_step = _sums_step(spec, read_meta(code, Meta.UNIT_COLUMNS))
    k_all, a_row, a_step, b_k = (read_meta(code, item) for item in (Meta.K, Meta.A_ROW, Meta.A_K, Meta.B_K))
    with each_tile(code, spec) as tile:
        for row in range(spec.dot_rows):
            with code.loop(0, tile.columns) as column:
                code.store(code.constant(0, spec.type), code.offset(sums, sums_step * row + column.index * size))
        with code.loop(0, k_all, _k_block(spec)) as k:
            k_count = smaller(k_all - k.index, _k_block(spec))
            for row in range(spec.dot_rows):
                source = code.offset(tile.a, (a_row * row + k.index * a_step) * in_size)
                call(code, "gather", [source, a_step, k_count, code.offset(held, _held_step(spec) * row)])
            b, b_step = code.offset(tile.b, k.index * b_k * in_size), read_meta(code, Meta.B_COLUMN) * in_size
            call(code, "sum", [held, b, b_step, k_count, tile.columns, sums, sums_step])
        finish_tile(code, spec, tile, sums, sums_step, code.constant(0, "i64"), tile.rows)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _k_block(spec: Spec) -> int:
    """Elements of each row held ready at a time: as many as a first-level cache holds beside what is read of B."""
    return 2048 if spec.dot_rows <= 2 else 1024


def _held_size(spec: Spec) -> int:
    """Bytes of an element held ready: in the sums' format, or as it is where pairs are multiplied."""
    return spec.compute.itemsize // spec.depth


def _held_step(spec: Spec) -> int:
    """Bytes between rows held ready: a line more than these, so that they do not displace each other."""
    return _k_block(spec) * _held_size(spec) + LINE_BYTES


def _sums_step(spec: Spec, columns: Value) -> Value:
    return (columns + spec.lanes) * spec.compute.itemsize


def dots_scratch(spec: Spec, unit_columns: int) -> int:
    """Bytes of scratch: pieces of the rows, and the sums of a unit's columns."""
    return spec.dot_rows * (_held_step(spec) + (unit_columns + spec.lanes) * spec.compute.itemsize)


def dots_costs(spec: Spec, K: int) -> Costs:
    """The time to read B from memory, about eight bytes a cycle, or to multiply it, and to hold rows ready."""
    return _dots_costs(spec.dot_rows, 2 * _together(spec), spec.lanes * spec.depth, spec.dtype.itemsize, K)


@cache  # one object for equal costs, by which the chosen tiles are found again
def _dots_costs(dot_rows: int, step: int, lanes: int, itemsize: int, K: int) -> Costs:
    def cycles(rows: int, columns: int) -> float:
        return columns * K * max(itemsize / 8, rows / lanes) + rows * K / 2

    return Costs(dot_rows, step, cycles, lambda rows, columns: columns <= 8192)


def _together(spec: Spec) -> int:
    """Columns of B at once."""
    if spec.dot_rows == 1:
        return MOST_COLUMNS
    return max(1, min(MOST_COLUMNS, REGISTERS[spec.vector_bytes] // (spec.dot_rows + 1)))


def _load(code: Code, spec: Spec, pointer: Value, lanes: int = 1) -> Value:
    return load_wide(code, pointer, spec.dtype, lanes, native_half=spec.fused)


def _load_words(code: Code, spec: Spec, pointer: Value) -> Value:
    """A vector of B, pairs as they are."""
    if spec.depth > 1:
        return code.load(pointer, spec.word, spec.lanes, align=spec.dtype.itemsize)
    return _load(code, spec, pointer, spec.lanes)


def _add_gather(module: Module, spec: Spec) -> None:
    """`gather`: a piece of a row made contiguous, as it is multiplied; in vectors where it lies so."""
    code = Code()
    count, step, size = parameter(code, "count"), parameter(code, "step"), _held_size(spec)
    source, target = parameter(code, "source", "ptr"), parameter(code, "target", "ptr")
    lanes = spec.lanes * spec.depth
    whole = step.eq(1).select(count & -lanes, 0)
    for first, last, some in ((code.constant(0, "i64"), whole, lanes), (whole, count, 1)):
        with code.loop(first, last, some) as k:
            place = code.offset(source, k.index * step * spec.dtype.itemsize)
            value = code.load(place, "i16", some) if spec.depth > 1 else _load(code, spec, place, some)
            code.store(value, code.offset(target, k.index * size))
    module.add("gather", code, signature(source="ptr", step="i64", count="i64", target="ptr"))


def _add_sum(module: Module, spec: Spec) -> None:
    """`sum`: sums[rows, columns] += pieces of the rows @ B's columns: several columns at once, then one by one."""
    code = Code()
    columns, done = parameter(code, "columns"), code.constant(0, "i64")
    for together in dict.fromkeys((_together(spec), 1)):
        stop = done + (columns - done).unsigned_divide(together) * together
        with code.loop(done, stop, together) as column:
            _some_columns(code, spec, column.index, together)
        done = stop
    module.add("sum", code, SUM)


def _some_columns(code: Code, spec: Spec, column: Value, together: int) -> None:
    size, in_size, held_size, rows = spec.compute.itemsize, spec.dtype.itemsize, _held_size(spec), spec.dot_rows
    b_step, k_count = parameter(code, "b_step"), parameter(code, "k_count")
    held = [code.offset(parameter(code, "held", "ptr"), _held_step(spec) * row) for row in range(rows)]
    starts = [code.offset(parameter(code, "b", "ptr"), column * b_step)]
    while len(starts) < together:
        starts.append(code.offset(starts[-1], b_step))
    step = spec.lanes * spec.depth
    whole = k_count & -step
    zeros = [code.constant(0, spec.type, spec.lanes)] * (together * rows)
    with code.loop(0, whole, step, carried=zeros) as k:
        for start in starts:
            prefetch(code, code.offset(start, b_step * together + k.index * in_size))
        words = [_load_words(code, spec, code.offset(start, k.index * in_size)) for start in starts]
        added = list(k.carried)
        for row, place in enumerate(held):
            values = code.load(code.offset(place, k.index * held_size), spec.word, spec.lanes)
            for number, word in enumerate(words):
                index = number * rows + row
                added[index] = add_product(code, spec, values, word, added[index])
        k.carried_out = added
    sums = [horizontal_sum(code, total) for total in k.results]
    with code.loop(whole, k_count, carried=sums) as k:
        singles = [_load(code, spec, code.offset(start, k.index * in_size)) for start in starts]
        added = list(k.carried)
        for row, place in enumerate(held):
            place = code.offset(place, k.index * held_size)
            value = _load(code, spec, place) if spec.depth > 1 else code.load(place, spec.type)
            for number, single in enumerate(singles):
                index = number * rows + row
                before = added[index]
                added[index] = value.fma(single, before) if spec.fused else value * single + before
        k.carried_out = added
    for row in range(rows):
        place = parameter(code, "sums_step") * row + column * size
        for number in range(together):
            target = code.offset(parameter(code, "sums", "ptr"), place + number * size)
            code.store(code.load(target, spec.type) + k.results[number * rows + row], target)


def horizontal_sum(code: Code, value: Value) -> Value:
    """The sum of all lanes, halves added to halves: a fixed order."""
    while value.lanes > 2:
        half = value.lanes // 2
        value = shuffle(code, value, value, range(half)) + shuffle(code, value, value, range(half, 2 * half))
    first, second = (
        code.emit(f"extractelement {value.full_type} {value.ref}, i32 {lane}", value.type) for lane in (0, 1)
    )
    return first + second
