"""A few rows times a transposed matrix, as of a linear layer on a small batch: the matrix is read where it lies.

Packing it would take as long as a good part of the arithmetic. Its rows are those of A in the product turned over,
C^T = B^T @ A^T: the micro-kernel takes one element of each of several rows at a time, for one or two vectors of columns
of C^T, and stays with these rows until all columns are done. The sums are those of the blocked kernel, to the bit.
"""

from __future__ import annotations

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
from curta.compiler.matmul.spec import K_BLOCK, Meta, Spec
from curta.compiler.matmul.tiles import CACHE_LINES, Costs, round_up, rows_alike
from curta.runtime import cpu, jit

#: columns at most: so many, and so many times two vectors, or two vectors where registers are few
MOST_COLUMNS, MOST_PANELS = 64, 4
#: a matrix of so many elements is worth computing some more columns than the blocked kernel does: measured on Zen 3
MOST_EXCESS, LARGE = 4, 1 << 17


def few_family(spec: Spec, rows: int, columns: int, K: int, row_bytes: int) -> str | None:
    """The kernel for so many columns of C^T; None where packing and the blocked kernel take less time.

    None, too, where rows end in half a word.

    With one vector it has twice as many rows, unless these displace each other's lines in the first-level cache.
    """
    most = min(MOST_COLUMNS, (MOST_PANELS if spec.fused else 1) * spec.tile_columns)
    if not 1 < columns <= min(most, rows // 2) or K % spec.depth:
        return None
    alike = rows_alike(spec.tile_rows, row_bytes)
    vectors = 1 if columns <= spec.lanes and 2 * alike < CACHE_LINES else 2
    # both compute more than there is: whole vectors here, whole rows of tiles there
    excess = round_up(columns, vectors * spec.lanes) - round_up(columns, spec.tile_rows)
    if alike > CACHE_LINES or excess > (min(MOST_EXCESS, spec.lanes // 2) if rows * K >= LARGE else 0):
        return None
    return f"few{vectors}{'pairs' if spec.depth > 1 else ''}"


def make_few_kernel(spec: Spec) -> str:
    """The LLVM text of the kernel for `spec`, whose C has few columns."""
    module = Module(spec.vector_bytes)
    _add_micro_kernel(module, spec)
    if spec.ending is not None:
        _add_turn(module, spec)
    code = Code()
    row_bytes = spec.tile_columns * spec.compute.itemsize
    packed = parameter(code, "scratch", "ptr")
    panels = blocks(read_meta(code, Meta.UNIT_COLUMNS), spec.tile_columns)
    sums_step = panels * row_bytes
    sums, size = code.offset(packed, sums_step * K_BLOCK), spec.dtype.itemsize
    k_all, k_block = read_meta(code, Meta.K), read_meta(code, Meta.K_BLOCK)
    a_step = read_meta(code, Meta.A_ROW) * size
    with each_tile(code, spec) as tile:
        # one turn even where K is 0: it stores the empty sum
        with code.loop(0, larger(k_all, 1), k_block) as k:
            k_count = smaller(k_all - k.index, k_block)
            words = blocks(k_count, spec.depth)
            b = code.offset(tile.b, k.index * read_meta(code, Meta.B_K) * size)
            steps = read_meta(code, Meta.B_K), read_meta(code, Meta.B_COLUMN)
            call(code, pack_b(spec), [b, *steps, k_count, tile.columns, packed])
            add = k.index.gt(0).convert("zext", "i64")
            with code.loop(0, tile.rows, spec.few_rows) as row:
                a = code.offset(tile.a, row.index * a_step + k.index * size)
                following = code.offset(a, a_step * spec.few_rows)
                with code.loop(0, panels) as panel:
                    ahead = panel.index.eq(0).select(following, a)
                    target = code.offset(sums, row.index * sums_step + panel.index * row_bytes)
                    b = code.offset(packed, panel.index * words * row_bytes)
                    call(code, "micro", [a, a_step, tile.rows - row.index, b, words, target, sums_step, add, ahead])
        _finish(code, spec, tile, sums, sums_step)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def few_parts(spec: Spec) -> tuple[jit.Code, ...]:
    """What the kernel requires."""
    return pack_b(spec), finish(spec, swapped=True)


def few_scratch(spec: Spec, unit_rows: int, unit_columns: int) -> int:
    """Bytes of scratch: packed B, the sums of a tile, and for an ending the same turned over."""
    rows = _sum_rows(spec, unit_rows)
    turned = rows if spec.ending is not None else 0
    return (K_BLOCK + rows + turned) * round_up(unit_columns, spec.tile_columns) * spec.compute.itemsize


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


def _add_micro_kernel(module: Module, spec: Spec) -> None:
    """`micro`: sums[few_rows, vectors] (= or +=) rows of A @ B; for rows that are not there the last one stands in.

    As many rows from `ahead` on are fetched meanwhile, two lines with every turn: at once they would hold up the sums.
    Behind the last row there is nothing to fetch, which does no harm.
    """
    code = Code()
    size, lanes, vectors, rows = spec.compute.itemsize, spec.lanes, spec.few_vectors, spec.few_rows
    step, last = parameter(code, "a_step"), parameter(code, "row_count") - 1
    places = [smaller(code.constant(row, "i64"), last) * step for row in range(rows)]
    zero = code.constant(0, spec.type, lanes)
    starts = [parameter(code, name, "ptr") for name in ("ahead", "a", "b")]
    carried = [code.constant(1, "i64"), *starts, *[zero] * (rows * vectors)]
    down = parameter(code, "a_step")
    back = down * (1 - rows) + 2 * LINE_BYTES
    with code.loop(0, parameter(code, "k_count"), carried=carried) as loop:
        ahead_row, ahead, a, b, *sums = loop.carried
        for line in range(2):
            prefetch(code, code.offset(ahead, line * LINE_BYTES))
        last_one = ahead_row.eq(rows)
        ahead, ahead_row = code.offset(ahead, last_one.select(back, down)), last_one.select(1, ahead_row + 1)
        columns = [code.load(code.offset(b, vector * lanes * size), spec.word, lanes) for vector in range(vectors)]
        for row, place in enumerate(places):
            value = code.spread(code.load(code.offset(a, place), spec.word, align=size // spec.depth), lanes)
            for vector, column in enumerate(columns):
                index = row * vectors + vector
                sums[index] = add_product(code, spec, value, column, sums[index])
        loop.carried_out = [ahead_row, ahead, code.offset(a, size), code.offset(b, spec.tile_columns * size), *sums]
    keep = code.spread(parameter(code, "add").ne(0), lanes)
    target = parameter(code, "sums", "ptr")
    for row in range(rows):
        for vector in range(vectors):
            value = loop.results[4 + row * vectors + vector]
            place = code.offset(target, vector * lanes * size)
            code.store(keep.select(value + code.load(place, spec.type, lanes), value), place)
        target = code.offset(target, parameter(code, "sums_step"))
    module.add("micro", code, signature(
        a="ptr", a_step="i64", row_count="i64", b="ptr", k_count="i64", sums="ptr", sums_step="i64", add="i64",
        ahead="ptr",
    ))  # fmt: skip
