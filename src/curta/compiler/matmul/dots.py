"""One to eight rows times a matrix whose K direction is near: C[M, N] = A[M, K] @ B[K, N], where B lies.

Some columns of B at once are multiplied by all rows of A, a vector along K at a time, and lanes are summed at the end:
an element of B is loaded once for all rows. The order of every sum depends on K alone.
"""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import Module, parameter, prefetch, shuffle
from curta.compiler.matmul.micro import add_product
from curta.compiler.matmul.rows import SUM, held_size, held_step, load, make_rows_kernel, rows_costs
from curta.compiler.matmul.spec import Meta, Spec, multiplies_pairs
from curta.compiler.matmul.tiles import BEYOND_CACHES, Costs

#: rows at most, by the bytes of an element, and where a matrix of 4-byte elements has so many that it comes from
#: memory: measured on a Zen 4 against kernels that read elements one by one
MOST_ROWS, MOST_BEYOND = {8: 5, 4: 8, 2: 8}, 6
#: vectors along K at least, for more than one row: what is left is added one by one
LEAST_VECTORS = 4
#: columns at once
MOST_COLUMNS = 8
#: registers for sums, for a vector of each column and for one of a row: few processors have 32
REGISTERS = {64: 28, 32: 12, 16: 12}


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
    return make_rows_kernel(spec, Meta.B_COLUMN, _add_sum)


def dots_costs(spec: Spec, K: int) -> Costs:
    """A rough time of one unit; columns go by in pairs of as many as are summed at once."""
    return rows_costs(spec, 2 * _together(spec), K)


def _together(spec: Spec) -> int:
    """Columns of B at once."""
    if spec.rows_at_once == 1:
        return MOST_COLUMNS
    return max(1, min(MOST_COLUMNS, REGISTERS[spec.vector_bytes] // (spec.rows_at_once + 1)))


def _load_words(code: Code, spec: Spec, pointer: Value) -> Value:
    """A vector of B, pairs as they are."""
    if spec.depth > 1:
        return code.load(pointer, spec.word, spec.lanes, align=spec.dtype.itemsize)
    return load(code, spec, pointer, spec.lanes)


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
    size, in_size, rows = spec.compute.itemsize, spec.dtype.itemsize, spec.rows_at_once
    b_step, k_count = parameter(code, "b_step"), parameter(code, "k_count")
    held = [code.offset(parameter(code, "held", "ptr"), held_step(spec) * row) for row in range(rows)]
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
            values = code.load(code.offset(place, k.index * held_size(spec)), spec.word, spec.lanes)
            for number, word in enumerate(words):
                index = number * rows + row
                added[index] = add_product(code, spec, values, word, added[index])
        k.carried_out = added
    sums = [horizontal_sum(code, total) for total in k.results]
    with code.loop(whole, k_count, carried=sums) as k:
        singles = [load(code, spec, code.offset(start, k.index * in_size)) for start in starts]
        added = list(k.carried)
        for row, place in enumerate(held):
            place = code.offset(place, k.index * held_size(spec))
            value = load(code, spec, place) if spec.depth > 1 else code.load(place, spec.type)
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
