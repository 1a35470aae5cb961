"""A few rows times a transposed matrix, as of a linear layer on a small batch: the matrix is read where it lies.

Packing it would take as long as a good part of the arithmetic. Its rows are those of A in the product turned over,
C^T = B^T @ A^T: the micro-kernel takes one element of each of several rows at a time, for one or two vectors of columns
of C^T, and stays with these rows until all columns are done, and all of K for which these have been packed. The sums
are those of the blocked kernel, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import PACKED_SHARE, Tile, each_tile
from curta.compiler.matmul.emit import (
    KERNEL_SIGNATURE,
    Module,
    blocks,
    call,
    larger,
    parameter,
    prefetch,
    read_meta,
    signature,
    smaller,
    transpose,
)  # fmt: skip
from curta.compiler.matmul.finish import LINE_BYTES, finish, finish_tile
from curta.compiler.matmul.micro import add_product
from curta.compiler.matmul.pack import pack_b
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import K_BLOCK, Meta, Spec
from curta.compiler.matmul.tiles import BEYOND_CACHES, CACHE_LINES, Costs, round_up, rows_alike
from curta.runtime import cpu, jit

#: words of K in one turn of the loop: there are more rows than registers for their addresses
UNROLLED = 2
#: packed columns, for as much of K as fills so much of the second-level cache
PACKED_BYTES = 192 << 10
#: columns at most: so many, and so many times two vectors, or two vectors where registers are few
MOST_COLUMNS, MOST_PANELS = 64, 4
#: a matrix of so many elements is worth computing some more columns than the blocked kernel does, and one that comes
#: from memory any number: it would be packed into memory. Measured on Zen 3 and Zen 4
LARGE = 1 << 17


def few_family(spec: Spec, rows: int, columns: int, K: int, row_bytes: int) -> str | None:
    """The kernel for so many columns of C^T; None where packing and the blocked kernel take less time.

    None, too, where rows end in half a word. It has as many sums as the micro-kernel, or as many rows as do not
    displace each other's lines in the first-level cache.
    """
    most = min(MOST_COLUMNS, (MOST_PANELS if spec.fused else 1) * spec.tile_columns)
    if not 1 < columns <= min(most, rows // 2) or K % spec.depth:
        return None
    vectors = 1 if columns <= spec.lanes else 2
    if not _pays(spec, round_up(columns, vectors * spec.lanes), columns, rows * K):
        return None
    at_once = 2 * spec.tile_rows // vectors
    while rows_alike(at_once, row_bytes) >= CACHE_LINES:
        at_once //= 2
    return f"few{vectors}x{at_once}{'pairs' if spec.depth > 1 else ''}"


def _pays(spec: Spec, computed: int, columns: int, elements: int) -> bool:
    """Whether computing so many columns takes less time than packing the matrix, by its size.

    The blocked kernel computes more than there is as well: whole rows of its tiles.
    """
    blocked = spec.computed_rows(columns)
    if elements * spec.dtype.itemsize >= BEYOND_CACHES:
        return True
    if spec.depth > 1:
        return elements >= LARGE and computed <= blocked
    return computed <= blocked if elements < LARGE else 3 * computed <= 4 * blocked


def make_few_kernel(spec: Spec) -> str:
    """The LLVM text of the kernel for `spec`, whose C has few columns."""
    module = Module(spec.vector_bytes)
    if spec.ending is not None:
        _add_turn(module, spec)
    code = Code()
    row_bytes, size = spec.tile_columns * spec.compute.itemsize, spec.dtype.itemsize
    packed = parameter(code, "scratch", "ptr")
    panels = blocks(read_meta(code, Meta.UNIT_COLUMNS), spec.tile_columns)
    sums_step, k_block = panels * row_bytes, read_meta(code, Meta.K_BLOCK)
    k_all, k_long = read_meta(code, Meta.K), _packed_k(code, spec, panels)
    sums = code.offset(packed, sums_step * blocks(smaller(k_all, k_long), spec.depth))
    a_step = read_meta(code, Meta.A_ROW) * size
    with each_tile(code, spec) as tile:
        # one turn even where K is 0: it stores the empty sum
        with code.loop(0, larger(k_all, 1), k_long) as k:
            k_count = smaller(k_all - k.index, k_long)
            b = code.offset(tile.b, k.index * read_meta(code, Meta.B_K) * size)
            steps = read_meta(code, Meta.B_K), read_meta(code, Meta.B_COLUMN)
            call(code, pack_b(spec), [b, *steps, k_count, tile.columns, packed])
            panel_step = blocks(k_count, spec.depth) * row_bytes
            with code.loop(0, tile.rows, spec.few_rows) as row:
                a = code.offset(tile.a, row.index * a_step + k.index * size)
                with code.loop(0, larger(k_count, 1), k_block) as block:
                    last = (block.index + k_block).ge(k_count)
                    ahead = last.select(a_step * spec.few_rows, (block.index + k_block) * size)
                    words = blocks(smaller(k_count - block.index, k_block), spec.depth)
                    add = (k.index + block.index).gt(0).convert("zext", "i64")
                    row_count, first = tile.rows - row.index, block.index.unsigned_divide(spec.depth) * row_bytes
                    with code.loop(0, panels) as panel:
                        target = code.offset(sums, row.index * sums_step + panel.index * row_bytes)
                        b = code.offset(packed, panel.index * panel_step + first)
                        # fetched while the first panel is done
                        following = panel.index.eq(0).select(ahead, block.index * size)
                        call(code, _micro_kernel(spec), [
                            code.offset(a, block.index * size), a_step, row_count, b, words, target, sums_step, add,
                            code.offset(a, following),
                        ])  # fmt: skip
        _finish(code, spec, tile, sums, sums_step)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _packed_k(code: Code, spec: Spec, panels: Value) -> Value:
    """How much of K is packed at once: whole blocks, as many as the second cache holds beside what is read."""
    k_block = read_meta(code, Meta.K_BLOCK)
    block_bytes = panels * blocks(k_block, spec.depth) * (spec.tile_columns * spec.compute.itemsize)
    return larger(code.constant(PACKED_BYTES, "i64").unsigned_divide(block_bytes), 1) * k_block


def few_parts(spec: Spec) -> tuple[jit.Code, ...]:
    """What the kernel requires."""
    return pack_b(spec), _micro_kernel(spec), finish(spec, swapped=True)


def few_scratch(spec: Spec, unit_rows: int, unit_columns: int, K: int, k_block: int) -> int:
    """Bytes of scratch: packed B, the sums of a tile, and for an ending the same turned over."""
    rows, row_bytes = _sum_rows(spec, unit_rows), round_up(unit_columns, spec.tile_columns) * spec.compute.itemsize
    packed = max(1, PACKED_BYTES // (k_block // spec.depth * row_bytes)) * k_block
    words = -(-min(K, packed) // spec.depth)
    return (words + rows * (1 if spec.ending is None else 2)) * row_bytes


def _sum_rows(spec: Spec, unit_rows: int) -> int:
    """Rows of sums for whole micro-kernels, and for whole squares when they are turned over."""
    return round_up(round_up(unit_rows, spec.few_rows), spec.lanes)


def few_costs(spec: Spec, K: int) -> Costs:
    """A rough time of one unit: multiply-adds, packing of B, and the way of the sums into C."""
    words = -(-K // spec.depth)
    return _few_costs(spec.few_rows, spec.few_vectors, spec.tile_columns, spec.lanes, spec.compute.itemsize, words)


@cache  # one object for equal costs, by which the chosen tiles are found again
def _few_costs(few_rows: int, vectors: int, width: int, lanes: int, itemsize: int, K: int) -> Costs:
    available = PACKED_SHARE * cpu.second_cache_bytes()

    def cycles(rows: int, columns: int) -> float:
        wide = round_up(columns, width)
        arithmetic = round_up(rows, few_rows) * vectors * (wide // width) * K / 2
        return arithmetic + 5 * K * columns / lanes + 4 * rows * wide / lanes

    return Costs(few_rows, width, cycles, lambda rows, columns: 4 * rows * columns * itemsize <= available)


def _finish(code: Code, spec: Spec, tile: Tile, sums: Value, sums_step: Value) -> None:
    """The sums of a tile into C, or turned over for the ending."""
    size, zero = spec.compute.itemsize, code.constant(0, "i64")
    if tile.slots is None:
        finish_tile(code, spec, tile, sums, sums_step, zero, tile.rows)
        return
    padded = _padded(code, spec)
    room, step = code.offset(sums, padded * sums_step), padded * size
    call(code, "turn", [sums, sums_step, tile.rows, tile.columns, room, step])
    meta = parameter(code, "meta", "ptr")
    call(code, finish(spec, swapped=True), [tile.slots, meta, room, step, zero, tile.columns, zero, tile.rows])


def _padded(code: Code, spec: Spec) -> Value:
    """The rows that there is room for: those of `_sum_rows`."""
    rows = read_meta(code, Meta.UNIT_ROWS)
    for step in (spec.few_rows, spec.lanes):
        rows = (rows + step - 1).unsigned_divide(step) * step
    return rows


def _add_turn(module: Module, spec: Spec) -> None:
    """`turn`: rows of sums become columns, a square of vectors at a time."""
    code = Code()
    size, lanes = spec.compute.itemsize, spec.lanes
    source_step, target_step = parameter(code, "sums_step"), parameter(code, "target_step")
    columns = parameter(code, "columns")
    with code.loop(0, columns, lanes) as column, code.loop(0, parameter(code, "rows"), lanes) as row:
        source = code.offset(parameter(code, "sums", "ptr"), row.index * source_step + column.index * size)
        square = []
        for _ in range(lanes):
            square.append(code.load(source, spec.type, lanes))
            source = code.offset(source, source_step)
        target = code.offset(parameter(code, "target", "ptr"), column.index * target_step + row.index * size)
        for values in transpose(code, square):
            code.store(values, target)
            target = code.offset(target, target_step)
    module.add("turn", code, signature(
        sums="ptr", sums_step="i64", rows="i64", columns="i64", target="ptr", target_step="i64",
    ))  # fmt: skip


def _micro_kernel(spec: Spec) -> jit.Code:
    """sums[few_rows, vectors] (= or +=) rows of A @ B; for rows that are not there the last one stands in.

    As much of as many rows from `ahead` on is fetched meanwhile, some lines with every turn: at once they would hold up
    the sums. Behind the last row there is nothing to fetch, which does no harm.
    """
    return part("few_micro", (spec.family, spec.packed), spec, _add_micro_kernel)


def _add_micro_kernel(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    size, lanes, vectors, rows = spec.compute.itemsize, spec.lanes, spec.few_vectors, spec.few_rows
    step, last = parameter(code, "a_step"), parameter(code, "row_count") - 1
    places = [smaller(code.constant(row, "i64"), last) * step for row in range(rows)]
    none, k_count = code.constant(0, "i64"), parameter(code, "k_count")
    first, k_bytes, end = parameter(code, "ahead", "ptr"), k_count * size, step * rows
    # a block of K has K_BLOCK / UNROLLED turns: in three quarters of them all its lines are fetched
    lines = max(1, 4 * rows * (K_BLOCK * size // LINE_BYTES) * UNROLLED // (3 * K_BLOCK))
    carried = [parameter(code, "a", "ptr"), parameter(code, "b", "ptr")]
    carried += [code.constant(0, spec.type, lanes)] * (rows * vectors)
    with code.loop(0, k_count & -UNROLLED, UNROLLED, carried=[none, none, *carried]) as loop:
        ahead_row, ahead_line, *sums = loop.carried
        # behind the rows' last lines the first one again
        ahead = code.offset(first, ahead_line.lt(k_bytes).select(ahead_row + ahead_line, 0))
        for line in range(lines):
            prefetch(code, code.offset(ahead, line * LINE_BYTES))
        down = ahead_row + step
        around = down.eq(end)
        ahead_row = around.select(0, down)
        ahead_line = around.select(ahead_line + lines * LINE_BYTES, ahead_line)
        for _ in range(UNROLLED):
            sums = _add_word(code, spec, places, sums)
        loop.carried_out = [ahead_row, ahead_line, *sums]
    with code.loop(k_count & -UNROLLED, k_count, carried=loop.results[2:]) as rest:
        rest.carried_out = _add_word(code, spec, places, rest.carried)
    keep = code.spread(parameter(code, "add").ne(0), lanes)
    target = parameter(code, "sums", "ptr")
    for row in range(rows):
        for vector in range(vectors):
            value = rest.results[2 + row * vectors + vector]
            place = code.offset(target, vector * lanes * size)
            code.store(keep.select(value + code.load(place, spec.type, lanes), value), place)
        target = code.offset(target, parameter(code, "sums_step"))
    parameters = signature(
        a="ptr", a_step="i64", row_count="i64", b="ptr", k_count="i64", sums="ptr", sums_step="i64", add="i64",
        ahead="ptr",
    )  # fmt: skip
    module.add(name, code, parameters, private=False)


def _add_word(code: Code, spec: Spec, places: Sequence[Value], carried: Sequence[Value]) -> list[Value]:
    """The places in A and B behind those of a word, and the sums with its products."""
    a, b, *sums = carried
    size, lanes, vectors = spec.compute.itemsize, spec.lanes, spec.few_vectors
    columns = [code.load(code.offset(b, vector * lanes * size), spec.word, lanes) for vector in range(vectors)]
    for row, place in enumerate(places):
        value = code.spread(code.load(code.offset(a, place), spec.word, align=size // spec.depth), lanes)
        for index, column in enumerate(columns, row * vectors):
            sums[index] = add_product(code, spec, value, column, sums[index])
    return [code.offset(a, size), code.offset(b, spec.tile_columns * size), *sums]
