"""The blocked matmul: for each unit of work, pack blocks of A and B and run micro-kernels over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

from curta.compiler.code import Code, Value
from curta.compiler.matmul.ahead import look_ahead, reserve
from curta.compiler.matmul.emit import (
    KERNEL_SIGNATURE,
    Module,
    blocks,
    call,
    larger,
    null,
    parameter,
    read_meta,
    signature,
    smaller,
)  # fmt: skip
from curta.compiler.matmul.handover import Field, handover_parts, place_handover, reserve_handover
from curta.compiler.matmul.micro import panels
from curta.compiler.matmul.pack import pack_a, pack_b
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import K_BLOCK, Meta, Spec
from curta.compiler.matmul.tiles import Costs, round_up
from curta.runtime import cpu, jit

#: the part of a second-level cache that packed B may fill: it shares it with packed A and with C
PACKED_SHARE = 0.75


def make_block_kernel(spec: Spec) -> str:
    """The LLVM text of the blocked float kernel for `spec`."""
    module, code = Module(spec.vector_bytes), Code()
    meta, scratch = parameter(code, "meta", "ptr"), parameter(code, "scratch", "ptr")
    handover = reserve_handover(code, spec)
    with each_tile(code, spec) as tile:
        place_handover(code, handover, tile.c, tile.slots)
        add = tile.added if spec.summed else int(spec.accumulate and not spec.staged)
        call(code, sum_blocks(spec), [
            meta, scratch, tile.a, tile.b, tile.c, tile.rows, tile.columns, add, handover,
        ])  # fmt: skip
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def block_parts(spec: Spec) -> tuple[jit.Code, ...]:
    """What the blocked kernel requires."""
    return sum_blocks(spec), *handover_parts(spec)


def scratch_layout(spec: Spec, unit_rows: int, unit_columns: int, one_panel: bool = False) -> tuple[int, int, int]:
    """Bytes of scratch for the packed blocks of A and B, and for the tile or what is staged of C: all, or `one_panel`.

    Where all of K is one block, a panel is complete at once.
    """
    size = spec.compute.itemsize
    rows, columns = round_up(unit_rows, spec.tile_rows), round_up(unit_columns, spec.tile_columns)
    staged = (spec.a_block_rows, spec.tile_columns) if one_panel else (rows, columns)
    c_rows, c_columns = staged if spec.staged else (spec.tile_rows, spec.tile_columns)
    return spec.a_bytes, columns * K_BLOCK * size, c_rows * c_columns * size


def block_costs(spec: Spec, K: int) -> Costs:
    """A rough time of one unit: multiply-adds, packing of both operands, loads and stores of C.

    Where A is not packed it is fetched again for every tile of columns.
    """
    a_cost = 2 if spec.a_in_place else 4 if spec.a_order == "row" else 2.5
    b_cost = 5 if spec.b_order == "k" else 3
    return _block_costs(replace(spec, ending=None), spec.staged, a_cost, b_cost, K)


@cache  # one object for equal costs, by which the chosen tiles are found again
def _block_costs(spec: Spec, staged: bool, a_cost: float, b_cost: float, K: int) -> Costs:
    lanes, passes, words = spec.lanes, max(1, -(-K // spec.k_block)) + staged, -(-K // spec.depth)
    all_staged = staged and not spec.in_one_block(K)
    available = PACKED_SHARE * cpu.second_cache_bytes()

    computed_rows, computed_columns = cache(spec.computed_rows), cache(spec.computed_columns)

    def cycles(rows: int, columns: int) -> float:
        arithmetic = computed_rows(rows) * computed_columns(columns) * words / (2 * lanes)
        packing = words * (rows * a_cost + columns * b_cost) / lanes
        return arithmetic + packing + rows * columns * passes * 2 / lanes

    def fits(rows: int, columns: int) -> bool:
        packed = columns * min(K_BLOCK, words) + (rows * columns // 2 if all_staged else 0)
        return packed * spec.compute.itemsize <= available

    return Costs(spec.tile_rows, spec.tile_columns, cycles, fits)


@dataclass(frozen=True)
class Tile:
    """The block of C that a unit computes: pointers to the matrices' corners for this block, its extent and place."""

    a: Value
    b: Value
    c: Value
    rows: Value
    columns: Value
    first_row: Value
    first_column: Value
    #: the addresses (or numbers) of an ending's slots at this corner
    slots: Value | None = None
    #: 1 for all batches of a unit but the first, else 0
    added: Value | int = 0


@contextmanager
def each_tile(code: Code, spec: Spec) -> Iterator[Tile]:
    """Loops over the units given to the kernel and the batches of each; inside, one tile of one batch."""
    a_slot = read_meta(code, Meta.A_SLOT)
    slots: tuple[Value | int, ...] = (a_slot, code.constant(1, "i64") - a_slot, spec.c_slot)
    args = parameter(code, "args", "ptr")
    ending = code.emit(f"alloca [{spec.ending_slots} x i64], align 8", "ptr") if spec.ending else None
    pointers = [code.load(code.offset(args, slot, "i64"), "ptr", align=8) for slot in slots]
    row_tiles, column_tiles = read_meta(code, Meta.ROW_TILES), read_meta(code, Meta.COLUMN_TILES)
    unit_rows, unit_columns = read_meta(code, Meta.UNIT_ROWS), read_meta(code, Meta.UNIT_COLUMNS)
    per_unit = read_meta(code, Meta.BATCHES_PER_UNIT)
    size, out_size = spec.dtype.itemsize, spec.out_dtype.itemsize
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        group = unit.index.unsigned_divide(column_tiles)
        column = (unit.index - group * column_tiles) * unit_columns
        first_batch = group.unsigned_divide(row_tiles)
        row = (group - first_batch * row_tiles) * unit_rows
        first_batch = first_batch * per_unit
        rows = smaller(read_meta(code, Meta.M) - row, unit_rows)
        columns = smaller(read_meta(code, Meta.N) - column, unit_columns)
        with code.loop(first_batch, smaller(first_batch + per_unit, read_meta(code, Meta.BATCHES))) as batch:
            a, b, c, *distances = _batch_offsets(code, spec, batch.index)
            if ending is not None:
                place_slots(code, spec, ending, distances, row, column)
            a = a + row * read_meta(code, Meta.A_ROW)
            b = b + column * read_meta(code, Meta.B_COLUMN)
            c = c + row * read_meta(code, Meta.C_ROW) + column * read_meta(code, Meta.C_COLUMN)
            corners = (pointers[0], a * size), (pointers[1], b * size), (pointers[2], c * out_size)
            a, b, c = (code.offset(pointer, offset) for pointer, offset in corners)
            added = batch.index.gt(first_batch).convert("zext", "i64")
            yield Tile(a, b, c, rows, columns, row, column, ending, added)


def place_slots(code: Code, spec: Spec, corner: Value, distances: Sequence[Value], row: Value, column: Value) -> None:
    """Write the addresses of the ending's slots at a tile's corner; numbers as they are."""
    for number, slot in enumerate(spec.ending.slots if spec.ending else ()):
        word = code.load(code.offset(parameter(code, "args", "ptr"), 2 + number, "i64"), "i64", align=8)
        if slot.role != "scalar":
            row_step, column_step = (read_meta(code, int(Meta.ENDING) + 2 * number + part) for part in (0, 1))
            word = word + distances[number] + row * row_step + column * column_step
        code.store(word, code.offset(corner, number, "i64"), align=8)


def _batch_offsets(code: Code, spec: Spec, batch: Value) -> Sequence[Value]:
    """Offsets for batch number `batch`, its digits in the batch sizes times the strides: those of A, B and C in
    elements, of the ending's slots in bytes."""
    zero = code.constant(0, "i64")
    count = 3 + spec.ending_slots
    with code.loop(0, read_meta(code, Meta.BATCH_DIMS), carried=[batch, *[zero] * count]) as dim:
        rest, *offsets = dim.carried
        entry = dim.index * (1 + count) + spec.batch_table
        size = read_meta(code, entry)
        quotient = rest.unsigned_divide(size)
        digit = rest - quotient * size
        moved = [offset + digit * read_meta(code, entry + slot) for slot, offset in enumerate(offsets, 1)]
        dim.carried_out = [quotient, *moved]
    return dim.results[1:]


@dataclass(frozen=True)
class _Areas:
    """Where in the scratch memory packed B is, and what is staged of C or a tile of it."""

    packed_b: Value
    staged: Value
    #: bytes between rows, panels and blocks of rows of what is staged: a single panel where all of K is one block
    row_step: Value
    panel_step: Value
    block_step: Value


def _areas(code: Code, spec: Spec) -> _Areas:
    size, width = spec.compute.itemsize, spec.tile_columns
    padded_columns = blocks(read_meta(code, Meta.UNIT_COLUMNS), width) * width
    packed_b = code.offset(parameter(code, "scratch", "ptr"), spec.a_bytes)
    in_blocks = read_meta(code, Meta.K).gt(read_meta(code, Meta.K_BLOCK))
    row_step = in_blocks.select(padded_columns, width) * size
    return _Areas(
        packed_b, code.offset(packed_b, padded_columns * (K_BLOCK * size)), row_step,
        in_blocks.select(code.constant(width * size, "i64"), 0), in_blocks.select(row_step, 0),
    )  # fmt: skip


def a_parts(spec: Spec) -> tuple[jit.Code, ...]:
    """What `prepare_a` requires."""
    return () if spec.a_in_place else (pack_a(spec),)


def sum_blocks(spec: Spec) -> jit.Code:
    """One tile of C: the sum over K's blocks, in C or staged; `add` is not 0 where C's own values count.

    Where `handover` is not null, the sums go through what it says as soon as they are complete.
    """
    words = spec.dtype.short, spec.packed, spec.a_order, spec.b_order, "staged" if spec.staged else "placed"
    return part("sum_blocks", words, spec, _add_sum_blocks, requires=(*a_parts(spec), pack_b(spec), panels(spec)))


def _add_sum_blocks(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    names = {
        "meta": "ptr", "scratch": "ptr", "a": "ptr", "b": "ptr", "c": "ptr", "rows": "i64", "columns": "i64",
        "add": "i64", "handover": "ptr",
    }  # fmt: skip
    _, _, *corners, rows_all, columns, add_first, handover = (
        parameter(code, name, type_name) for name, type_name in names.items()
    )
    ahead, area, size = reserve(code), _areas(code, spec), spec.compute.itemsize
    c_row = read_meta(code, Meta.C_ROW) * size
    c, c_step, c_panel_step, c_block_step = corners[2], c_row, code.constant(spec.tile_columns * size, "i64"), c_row
    if spec.staged:
        c, c_step, c_panel_step, c_block_step = area.staged, area.row_step, area.panel_step, area.block_step
    k_all, k_block = read_meta(code, Meta.K), read_meta(code, Meta.K_BLOCK)
    # one turn even where K is 0: it stores the empty sum
    with code.loop(0, larger(k_all, 1), k_block) as k:
        k_count = smaller(k_all - k.index, k_block)
        a, b = (
            code.offset(corner, k.index * read_meta(code, step) * spec.dtype.itemsize)
            for corner, step in zip(corners[:2], (Meta.A_K, Meta.B_K), strict=True)
        )
        add = k.index.gt(0).convert("zext", "i64") | add_first
        words = blocks(k_count, spec.depth)
        b_panel, b_panel_step, b_step = _prepare_b(code, spec, b, k_count, columns, area.packed_b)
        with code.loop(0, rows_all, spec.a_block_rows) as row:
            rows = smaller(rows_all - row.index, spec.a_block_rows)
            source = code.offset(a, row.index * read_meta(code, Meta.A_ROW) * spec.dtype.itemsize)
            a_rows, a_step = prepare_a(code, spec, source, rows, k_count)
            extent = rows_all, columns
            look_ahead(code, spec, ahead, (corners[0], corners[1]), extent, row.index, (k.index, k_count))
            complete = (k.index + k_block).ge(k_all) & handover.ne(null(code))
            with code.when(complete):
                code.store(row.index, code.offset(handover, int(Field.ROW), "i64"), align=8)
            call(code, panels(spec), [
                a_rows, a_step, b_panel, b_panel_step, b_step, area.packed_b, code.offset(c, row.index * c_block_step),
                c_step, words, rows, columns, add, area.staged, c_panel_step, ahead,
                complete.select(handover, null(code)),
            ])  # fmt: skip
    module.add(name, code, signature(**names), private=False)


def prepare_a(code: Code, spec: Spec, source: Value, rows: Value, k_count: Value) -> tuple[Value, Value]:
    """A block of A, where it lies or packed into the kernel's scratch; and the bytes between its rows."""
    strides = [read_meta(code, item) for item in (Meta.A_ROW, Meta.A_K)]
    if spec.a_in_place:
        return source, strides[0] * spec.dtype.itemsize
    scratch = parameter(code, "scratch", "ptr")
    call(code, pack_a(spec), [source, *strides, rows, k_count, scratch])
    return scratch, code.constant(spec.a_row_step * spec.compute.itemsize, "i64")


def _prepare_b(
    code: Code, spec: Spec, b: Value, k_count: Value, columns: Value, packed: Value
) -> tuple[Value, Value, Value]:
    """Pack B, or all but its full panels; where the full panels are, the bytes between panels, and between rows."""
    size, width = spec.compute.itemsize, spec.tile_columns
    strides = [read_meta(code, Meta.B_K), read_meta(code, Meta.B_COLUMN)]
    panel_bytes = blocks(k_count, spec.depth) * (width * size)
    row_bytes = code.constant(width * size, "i64")
    if not spec.b_in_place_possible:
        call(code, pack_b(spec), [b, *strides, k_count, columns, packed])
        return packed, panel_bytes, row_bytes
    in_place = read_meta(code, Meta.B_IN_PLACE).ne(0)
    whole = columns & -width
    skipped = in_place.select(whole, 0)
    rest = code.offset(b, skipped * size)
    target = code.offset(packed, skipped * k_count * size)
    call(code, pack_b(spec), [rest, *strides, k_count, columns - skipped, target])
    panel_step = in_place.select(row_bytes, panel_bytes)
    return in_place.select(b, packed), panel_step, in_place.select(strides[0] * size, row_bytes)
