"""The blocked matmul with one operand that no matrix holds: the windows of images, read or packed straight from these.

An element of that operand lies at the sum of two offsets. Along one direction, channels and taps, every offset stands
in a table. Along the other, output pixels, neighbours are mostly neighbours in memory too; the table has one entry for
each vector of them: a few pieces, each the distance of the piece's vector and the lane from which on it counts. Where
every vector is one piece the micro-kernels read windows where they lie; else these are packed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache, partial

from curta.compiler.code import Code, Value
from curta.compiler.convolution.band import TAPS_TOGETHER, Field, band_corner, band_number, copy_band
from curta.compiler.matmul.block import Tile, a_parts, each_tile, prepare_a
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
from curta.compiler.matmul.finish import finish, finish_tile
from curta.compiler.matmul.micro import panels, window_columns, window_rows
from curta.compiler.matmul.pack import pack_b
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import Meta, Spec
from curta.compiler.matmul.tiles import Costs
from curta.runtime import cpu, jit

#: the batch dimensions of a window kernel: images and groups
BATCH_DIMS = 2
#: the part of a second-level cache that packed windows may fill: they are made and read again in it
PACKED_SHARE = 0.6


class WindowMeta(enum.IntEnum):
    """Place of the int64s in the kernel's `meta` behind those of `Meta`, of the ending and of the batch dimensions.

    C's columns are cut into runs of RUN columns, C_STEP apart; run number r begins at
    r // LINES * C_IMAGE + r % LINES * C_LINE. K goes by in periods of PERIOD; the windows of each begin PERIOD_BYTES
    behind those of the one before. A and C begin A_START and C_START elements behind their operands.
    """

    RUN = 0
    LINES = 1
    C_IMAGE = 2
    C_LINE = 3
    C_STEP = 4
    PERIOD = 5
    PERIOD_BYTES = 6
    A_START = 7
    C_START = 8
    #: where in `meta` the table of the pixels begins, and behind it what `band.Field` says, where units make the planes
    PIXELS = 9
    BAND = 10
    #: for each slot of an ending how far images and lines lie apart, in bytes; behind them the table of channels and
    #: taps: offsets in bytes
    SLOTS = 11


@dataclass(frozen=True)
class WindowSpec(Spec):
    """What the text of a window kernel depends on beside a matmul's.

    `windows` is "columns" where they are B, its columns the pixels; "rows" where they are A, its rows the channels and
    taps. A vector of pixels lies in at most `pieces` pieces; with `in_place` in one, and windows are read where they
    lie. With `runs`, C's columns are stored in runs. With a `band` units make the planes: of images in which the
    elements of a plane's row lie so far apart, 0 is any distance.
    """

    windows: str = "columns"
    pieces: int = 1
    in_place: bool = False
    runs: bool = False
    band: int | None = None

    @property
    def key(self) -> str:
        way = "in_place" if self.in_place else str(self.pieces)
        band = "" if self.band is None else f"_band{self.band}"
        return f"{super().key}_{self.windows}_{way}{'_runs' if self.runs else ''}{band}"

    @property
    def a_in_place(self) -> bool:
        return self.in_place if self.windows == "rows" else super().a_in_place

    @property
    def b_in_place(self) -> bool:
        """B is not packed."""
        return self.windows == "columns" and self.in_place

    @property
    def staged(self) -> bool:
        return self.runs or super().staged

    @property
    def window_table(self) -> int:
        """Where in `meta` the numbers of `WindowMeta` are."""
        return self.batch_table + (4 + self.ending_slots) * BATCH_DIMS


def make_window_kernel(spec: WindowSpec) -> str:
    """The LLVM text of the kernel for `spec`."""
    module = Module(spec.vector_bytes)
    if spec.runs and spec.ending is not None:
        _add_ending_run(module, spec)
    code = Code()
    with each_tile(code, spec) as tile:
        _sum_blocks(code, spec, tile)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def window_parts(spec: WindowSpec) -> tuple[jit.Code, ...]:
    """What the kernel for `spec` requires."""
    finished = (finish(spec),) if spec.staged or spec.ending is not None else ()
    band = () if spec.band is None else (copy_band(spec, spec.band),)
    in_place = window_columns if spec.windows == "columns" else window_rows
    windows = (in_place(spec),) if spec.in_place else (_pack_windows(spec), panels(spec))
    others = a_parts(spec) if spec.windows == "columns" else (pack_b(spec),)
    return (*others, *band, *windows, *finished)


def window_costs(spec: WindowSpec, K: int) -> Costs:
    """A rough time of one unit, as `block_costs`; packed windows take a load a piece, and a store, for every vector.

    Both are dear: what is loaded lies across cache lines, what is stored goes to the second cache.
    """
    lanes, windows = spec.lanes, 0.5 if spec.in_place else 2.0 + 2.0 * spec.pieces
    # rows of A that lie one behind the other are in the caches before they are read
    a_cost, b_cost = (1.0 if spec.a_in_place else 2.5, windows) if spec.windows == "columns" else (windows, 4.0)

    computed_rows, computed_columns = cache(spec.computed_rows), cache(spec.computed_columns)

    def cycles(rows: int, columns: int) -> float:
        arithmetic = computed_rows(rows) * computed_columns(columns) * K / (2 * lanes)
        packing = K * (rows * a_cost + columns * b_cost) / lanes
        passes = max(1, -(-K // spec.k_block)) + 2 * spec.staged
        return arithmetic + packing + rows * columns * passes * 2 / lanes

    def fits(rows: int, columns: int) -> bool:
        # without packing it is C that is made and read again
        kept = rows * columns if spec.b_in_place else columns * min(spec.k_block, K)
        kept += rows * columns // 2 if spec.staged else 0
        return kept * spec.compute.itemsize <= PACKED_SHARE * cpu.second_cache_bytes()

    return Costs(spec.tile_rows, spec.tile_columns, cycles, fits)


def _pack_windows(spec: WindowSpec) -> jit.Code:
    """For each pair of vectors in the table `pixels`, the vectors at all the offsets in `taps`.

    What lies at one tap goes `tap_step` bytes behind what lies at the tap before, a pair `pair_step` behind a pair.
    """
    add = partial(_add_pack_windows, pieces=spec.pieces)
    return part("pack_windows", (spec.compute.short, str(spec.pieces)), spec, add)


def _add_pack_windows(module: Module, spec: Spec, name: str, *, pieces: int) -> None:
    code = Code()
    names = {
        "source": "ptr", "taps": "ptr", "tap_count": "i64", "pixels": "ptr", "pairs": "i64", "target": "ptr",
        "tap_step": "i64", "pair_step": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    with code.loop(0, get["tap_count"], TAPS_TOGETHER) as some, code.loop(0, get["pairs"]) as pair:
        entry = code.offset(get["pixels"], pair.index * (4 * pieces), "i64")
        halves = [
            _pieces(code, spec.lanes, pieces, get["source"], code.offset(entry, half * pieces * 16))
            for half in range(2)
        ]
        last = smaller(some.index + TAPS_TOGETHER, get["tap_count"])
        target = code.offset(get["target"], pair.index * get["pair_step"] + some.index * get["tap_step"])
        with code.loop(some.index, last, carried=[target]) as tap:
            distance = code.load(code.offset(get["taps"], tap.index, "i64"), "i64", align=8)
            for half, found in enumerate(halves):
                value = code.load(code.offset(found[0][0], distance), spec.type, spec.lanes)
                for pointer, mask in found[1:]:
                    value = mask.select(code.load(code.offset(pointer, distance), spec.type, spec.lanes), value)
                code.store(value, code.offset(tap.carried[0], half * spec.vector_bytes))
            tap.carried_out = [code.offset(tap.carried[0], get["tap_step"])]
    module.add(name, code, signature(**names), private=False)


def _pieces(code: Code, lanes: int, pieces: int, source: Value, entry: Value) -> list[tuple[Value, Value]]:
    """The pieces of one vector of pixels: a pointer to each, and the lanes in which it counts, all those behind too."""
    found = []
    for piece in range(pieces):
        distance, first = (code.load(code.offset(entry, 2 * piece + word, "i64"), "i64", align=8) for word in (0, 1))
        lane = code.emit(f"trunc i64 {first.ref} to i32", "i32")
        mask = code.iota("i32", lanes).ge(code.spread(lane, lanes))
        found.append((code.offset(source, distance), mask))
    return found


def _sum_blocks(code: Code, spec: WindowSpec, tile: Tile) -> None:
    """One tile of C: the sum over K's periods, and the blocks of each."""
    size, width = spec.compute.itemsize, spec.tile_columns
    scratch = parameter(code, "scratch", "ptr")
    padded_columns = blocks(read_meta(code, Meta.UNIT_COLUMNS), width) * width
    packed_b = code.offset(scratch, spec.a_bytes)
    area = packed_b if spec.b_in_place else code.offset(packed_b, padded_columns * (spec.k_block * size))
    c = code.offset(tile.c, _read(code, spec, WindowMeta.C_START) * spec.out_dtype.itemsize)
    sums, step = (area, padded_columns * size) if spec.staged else (c, read_meta(code, Meta.C_ROW) * size)
    k_all, k_block, period = (
        read_meta(code, Meta.K),
        read_meta(code, Meta.K_BLOCK),
        _read(code, spec, WindowMeta.PERIOD),
    )
    # one turn even where K is 0: it stores the empty sum
    with code.loop(0, larger(k_all, 1), period) as begin:
        k_period = smaller(k_all - begin.index, period)
        with code.loop(0, larger(k_period, 1), k_block) as k:
            k_count = smaller(k_period - k.index, k_block)
            add = (begin.index + k.index).gt(0).convert("zext", "i64")
            if not spec.b_in_place:
                _pack_columns(code, spec, tile, begin.index, k.index, k_count, packed_b)
            with code.loop(0, tile.rows, spec.a_block_rows) as row:
                rows = smaller(tile.rows - row.index, spec.a_block_rows)
                a_rows, a_step = _prepare_rows(code, spec, tile, begin.index, k.index, k_count, row.index, rows)
                here = code.offset(sums, row.index * step)
                result = here, step, k_count, rows, tile.columns, add, area
                _multiply(code, spec, tile, (a_rows, a_step), row.index, (k.index, k_count), packed_b, result)
                if spec.ending is not None:
                    with code.when((begin.index + k.index + k_count).ge(k_all)):
                        _finish(code, spec, tile, here, step, c, row.index, rows)
    if spec.staged and spec.ending is None:
        _finish(code, spec, tile, area, step, c, code.constant(0, "i64"), tile.rows)


def _multiply(
    code: Code, spec: WindowSpec, tile: Tile, a: tuple[Value, Value], row: Value, k: tuple[Value, Value],
    packed_b: Value, result: tuple[Value, ...],
) -> None:  # fmt: skip
    """The rows from `row` on times all columns of a block of K: windows where they lie, or what was packed."""
    if spec.b_in_place:
        tables = _taps(code, spec, k[0]), _pixels(code, spec, tile.first_column)
        call(code, window_columns(spec), [*a, tile.b, *tables, *result])
        return
    if spec.in_place:
        tables = _taps(code, spec, tile.first_row + row), _pixels(code, spec, k[0])
        call(code, window_rows(spec), [a[0], *tables, packed_b, *result])
        return
    row_bytes = spec.tile_columns * spec.compute.itemsize
    call(
        code,
        panels(spec),
        [*a, packed_b, k[1] * row_bytes, row_bytes, packed_b, *result, row_bytes, null(code), null(code)],
    )


def _pack_columns(
    code: Code, spec: WindowSpec, tile: Tile, begin: Value, k: Value, k_count: Value, packed: Value
) -> None:
    """A block of B: windows, or a matrix whose K direction is near."""
    size, width = spec.compute.itemsize, spec.tile_columns
    if spec.windows == "columns":
        pixels = _pixels(code, spec, tile.first_column)
        if spec.band is not None:
            _pack_from_band(code, spec, tile, k, k_count, pixels, packed)
            return
        steps = [code.constant(width * size, "i64"), k_count * (width * size)]
        call(code, _pack_windows(spec), [
            tile.b, _taps(code, spec, k), k_count, pixels, blocks(tile.columns, width), packed, *steps,
        ])  # fmt: skip
        return
    source = code.offset(tile.b, (begin + k) * read_meta(code, Meta.B_K) * spec.dtype.itemsize)
    strides = [read_meta(code, item) for item in (Meta.B_K, Meta.B_COLUMN)]
    call(code, pack_b(spec), [source, *strides, k_count, tile.columns, packed])


def _pack_from_band(
    code: Code, spec: WindowSpec, tile: Tile, k: Value, k_count: Value, pixels: Value, packed: Value
) -> None:
    """A block of windows, whole channels: of a few at a time the planes are made, and their windows packed."""
    size, width = spec.compute.itemsize, spec.tile_columns
    fields, band = _band(code, spec)
    taps, channels = (band_number(code, fields, item) for item in (Field.TAPS, Field.CHANNELS))
    first, last = tile.first_column, tile.first_column + tile.columns
    with code.loop(0, k_count, taps * channels) as some:
        count = smaller(taps * channels, k_count - some.index)
        channel = (k + some.index).unsigned_divide(taps)
        source = channel * band_number(code, fields, Field.SOURCE_CHANNEL) * spec.dtype.itemsize
        made = count.unsigned_divide(taps)
        call(code, copy_band(spec, spec.band or 0), [fields, code.offset(tile.b, source), band, made, first, last])
        call(code, _pack_windows(spec), [
            code.offset(band, code.constant(0, "i64") - band_corner(code, fields, first, channel)),
            _taps(code, spec, k + some.index), count, pixels, blocks(tile.columns, width),
            code.offset(packed, some.index * (width * size)), code.constant(width * size, "i64"),
            k_count * (width * size),
        ])  # fmt: skip


def _prepare_rows(
    code: Code, spec: WindowSpec, tile: Tile, begin: Value, k: Value, k_count: Value, row: Value, rows: Value
) -> tuple[Value, Value]:
    """A block of A, windows or a matrix, and the bytes between its rows."""
    size, scratch = spec.compute.itemsize, parameter(code, "scratch", "ptr")
    if spec.windows == "columns":
        place = row * read_meta(code, Meta.A_ROW) + k * read_meta(code, Meta.A_K)
        place = place + _read(code, spec, WindowMeta.A_START)
        return prepare_a(code, spec, code.offset(tile.a, place * spec.dtype.itemsize), rows, k_count)
    number = begin.unsigned_divide(_read(code, spec, WindowMeta.PERIOD))
    source = code.offset(tile.a, number * _read(code, spec, WindowMeta.PERIOD_BYTES))
    if spec.in_place:
        return source, code.constant(0, "i64")
    whole = blocks(rows, spec.tile_rows) * spec.tile_rows
    steps = [code.constant(spec.a_row_step * size, "i64"), code.constant(2 * spec.vector_bytes, "i64")]
    pairs = blocks(k_count, 2 * spec.lanes)
    first = tile.first_row + row
    if spec.band is not None:
        _pack_rows_from_band(code, spec, source, (first, first + whole), (k, k_count), steps)
    else:
        taps = _taps(code, spec, first)
        call(code, _pack_windows(spec), [source, taps, whole, _pixels(code, spec, k), pairs, scratch, *steps])
    return scratch, steps[0]


def _pack_rows_from_band(
    code: Code, spec: WindowSpec, source: Value, rows: tuple[Value, Value], k: tuple[Value, Value], steps: list[Value]
) -> None:
    """Windows as rows: those that are left of the taps of a few channels at a time, whose planes are made first."""
    fields, band = _band(code, spec)
    taps, at_once = (band_number(code, fields, item) for item in (Field.TAPS, Field.CHANNELS))
    channels = read_meta(code, Meta.M).unsigned_divide(taps)
    # no pixels, no planes: K may be 0
    end = k[1].gt(0).select(smaller((rows[1] - 1).unsigned_divide(taps) + 1, channels), 0)
    with code.loop(rows[0].unsigned_divide(taps), end, at_once) as channel:
        following = channel.index + at_once
        place = channel.index * band_number(code, fields, Field.SOURCE_CHANNEL) * spec.dtype.itemsize
        made = smaller(at_once, channels - channel.index)
        call(code, copy_band(spec, spec.band or 0), [
            fields, code.offset(source, place), band, made, k[0], k[0] + k[1],
        ])  # fmt: skip
        first = larger(channel.index * taps, rows[0])
        # what stands in for rows behind the last tap is its own
        last = following.ge(end).select(rows[1], following * taps)
        call(code, _pack_windows(spec), [
            code.offset(band, code.constant(0, "i64") - band_corner(code, fields, k[0], channel.index)),
            _taps(code, spec, first), last - first, _pixels(code, spec, k[0]), blocks(k[1], 2 * spec.lanes),
            code.offset(parameter(code, "scratch", "ptr"), (first - rows[0]) * steps[0]), *steps,
        ])  # fmt: skip


def _band(code: Code, spec: WindowSpec) -> tuple[Value, Value]:
    """The numbers of the band, and where it is."""
    fields = code.offset(parameter(code, "meta", "ptr"), _read(code, spec, WindowMeta.BAND), "i64")
    return fields, code.offset(parameter(code, "scratch", "ptr"), band_number(code, fields, Field.SCRATCH))


def _finish(
    code: Code, spec: WindowSpec, tile: Tile, sums: Value, step: Value, c: Value, row: Value, rows: Value
) -> None:
    """The sums of rows `row` on, `step` bytes apart, into the ending or into C: run by run where they lie in runs."""
    c_row = read_meta(code, Meta.C_ROW)
    if not spec.runs:
        if tile.slots is not None:
            finish_tile(code, spec, tile, sums, step, row, rows)
        else:
            call(code, finish(spec), [sums, step, c, c_row, read_meta(code, Meta.C_COLUMN), rows, tile.columns])
        return
    run, lines = (_read(code, spec, item) for item in (WindowMeta.RUN, WindowMeta.LINES))
    first, last = tile.first_column, tile.first_column + tile.columns
    with code.loop(first.unsigned_divide(run), blocks(last, run)) as number:
        start = number.index * run
        begin, end = larger(start, first), smaller(start + run, last)
        image = number.index.unsigned_divide(lines)
        line, pixel = number.index - image * lines, begin - start
        source = code.offset(sums, (begin - first) * spec.compute.itemsize)
        if tile.slots is not None:
            meta = parameter(code, "meta", "ptr")
            place = [image, line, pixel - first]
            call(code, "ending_run", [tile.slots, meta, *place, source, step, row, rows, end - begin])
        else:
            items = WindowMeta.C_IMAGE, WindowMeta.C_LINE, WindowMeta.C_STEP
            c_image, c_line, c_step = (_read(code, spec, item) for item in items)
            distance = image * c_image + line * c_line + pixel * c_step
            target = code.offset(c, distance * spec.out_dtype.itemsize)
            call(code, finish(spec), [source, step, target, c_row, c_step, rows, end - begin])


def _add_ending_run(module: Module, spec: WindowSpec) -> None:
    """`ending_run`: the ending over one run of the tile whose corner's slots are `slots`.

    It begins in an image and a line, `pixel` columns behind the tile's corner as all columns were one run.
    """
    code = Code()
    names = {
        "slots": "ptr", "meta": "ptr", "image": "i64", "line": "i64", "pixel": "i64", "sums": "ptr",
        "sums_step": "i64", "row": "i64", "rows": "i64", "columns": "i64",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    corner = code.emit(f"alloca [{spec.ending_slots} x i64], align 8", "ptr")
    for number, slot in enumerate(spec.ending.slots if spec.ending else ()):
        word = code.load(code.offset(get["slots"], number, "i64"), "i64", align=8)
        if slot.role != "scalar":
            image, line = (_read(code, spec, WindowMeta.SLOTS + 2 * number + part) for part in (0, 1))
            column = read_meta(code, int(Meta.ENDING) + 2 * number + 1)
            word = word + get["image"] * image + get["line"] * line + get["pixel"] * column
        code.store(word, code.offset(corner, number, "i64"), align=8)
    call(code, finish(spec), [
        corner, get["meta"], get["sums"], get["sums_step"], get["row"], get["rows"], 0, get["columns"],
    ])  # fmt: skip
    module.add("ending_run", code, signature(**names))


def _read(code: Code, spec: WindowSpec, item: int) -> Value:
    place = spec.window_table + int(item)
    return code.load(code.offset(parameter(code, "meta", "ptr"), place, "i64"), "i64", align=8)


def _taps(code: Code, spec: WindowSpec, first: Value) -> Value:
    """The table of channels and taps from number `first` on."""
    place = spec.window_table + int(WindowMeta.SLOTS) + 2 * spec.ending_slots
    return code.offset(parameter(code, "meta", "ptr"), first + place, "i64")


def _pixels(code: Code, spec: WindowSpec, first: Value) -> Value:
    """The table of pixels from pixel `first` on, a multiple of two vectors."""
    entry = first.unsigned_divide(spec.lanes) * (2 * spec.pieces) + _read(code, spec, WindowMeta.PIXELS)
    return code.offset(parameter(code, "meta", "ptr"), entry, "i64")
