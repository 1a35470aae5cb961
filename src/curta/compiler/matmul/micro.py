"""Micro-kernels: a few rows by one or two vectors of C held in registers while K runs by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from curta.compiler.code import Code, Value
from curta.compiler.matmul.ahead import fetch
from curta.compiler.matmul.emit import (
    Module,
    blocks,
    call,
    lane_mask,
    larger,
    masked_load,
    masked_store,
    null,
    parameter,
    prefetch,
    signature,
    smaller,
)  # fmt: skip
from curta.compiler.matmul.handover import Handover
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import Spec
from curta.runtime import jit

#: the last parameters of what goes over a block of C, panel by panel
RESULT = {
    "c": "ptr", "c_step": "i64", "k_count": "i64", "rows": "i64", "columns": "i64", "add": "i64", "tile": "ptr",
}  # fmt: skip


class Shape(NamedTuple):
    """What a micro-kernel computes: as many rows as the last of `counts`, of which at least the first exist, by so many
    `vectors` of columns."""

    counts: range
    vectors: int

    @property
    def rows(self) -> int:
        return self.counts[-1]


#: writes the loop over K for a shape; the sums lie row by row
SumOver = Callable[[Code, Spec, Shape], list[Value]]


def panels(spec: Spec) -> jit.Code:
    """Micro-kernels over a packed block, B's panels outermost, so that each stays in the first cache.

    `k_count` is at most K_BLOCK. Rows of A lie `a_step` bytes apart where K is their near direction, panels of C
    `c_panel_step`. Each micro-kernel fetches its part of what is packed next where `ahead` says what that is, and is
    not null. A panel whose sums are complete is handed over where `handover` is not null.
    """
    required = *micro_kernels(spec, "panel"), fetch(spec)
    return part("panels", _words(spec, "panel"), spec, _add_panels, requires=required)


def window_columns(spec: Spec) -> jit.Code:
    """As `panels`, with windows of images as B, read where they lie.

    Column number c of row k is at b + taps[k] and what the table `pixels` says of its vector: one word of two.
    """
    required = micro_kernels(spec, "taps")
    return part("window_columns", _words(spec, "taps"), spec, _add_window_columns, requires=required)


def window_rows(spec: Spec) -> jit.Code:
    """As `panels`, with windows of images as A, read where they lie, in K a multiple of whole vectors.

    Row number r is at a + taps[r], and goes on from vector to vector at what the table `pixels` says of each.
    """
    required = micro_kernels(spec, "pixels")
    return part("window_rows", _words(spec, "pixels"), spec, _add_window_rows, requires=required)


def micro_kernels(spec: Spec, operand: str) -> tuple[jit.Code, jit.Code, jit.Code]:
    """The micro-kernels for whole tiles, for the rows that are left at the end of a block, and for the columns that are
    left where they fill no more than one vector: modules of their own, which are compiled side by side.

    `operand` says what the loop over K reads: a "panel", pixels at "taps", or vectors of "pixels" as A.
    """
    rest, most = spec.rest_rows, spec.tile_rows
    shapes = {
        "micro": Shape(range(rest + 1, most + 1), 2),
        "micro_rest": Shape(range(1, rest + 1), 2),
        "micro_half": Shape(range(1, most + 1), 1),
    }
    required = (copy_tile(spec),) if not spec.staged and spec.vector_bytes != 64 else ()
    words = operand, *_words(spec, operand)
    whole, left, half = (
        part(name, words, spec, partial(_add_micro_kernel, shape=shape, operand=operand), requires=required)
        for name, shape in shapes.items()
    )
    return whole, left, half


def copy_tile(spec: Spec) -> jit.Code:
    """Copies, or adds, the part of a tile that exists into C."""
    return part("copy_tile", (spec.compute.short,), spec, _add_copy_tile)


def _words(spec: Spec, operand: str) -> tuple[str, ...]:
    """What micro-kernels and what goes over them take from `spec`: of A's orders those they tell apart, the others
    differ in packing alone."""
    order = spec.a_order if spec.a_order in ("row", "turned") else "k"
    orders = () if operand == "pixels" else (order,)
    return spec.packed, *orders, "staged" if spec.staged else "placed", *(("low",) if spec.low else ())


def _add_panels(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    names = {
        "a": "ptr", "a_step": "i64", "b": "ptr", "b_panel_step": "i64", "b_step": "i64", "packed_b": "ptr", **RESULT,
        "c_panel_step": "i64", "ahead": "ptr", "handover": "ptr",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    handover = Handover(code, get["handover"])
    tiles, size, width = _RowTiles(code, spec, get["rows"]), spec.compute.itemsize, spec.tile_columns
    with code.loop(0, blocks(get["columns"], width)) as panel:
        whole = (get["columns"] - panel.index * width).ge(width)
        # a panel that is not full has always been packed
        b = whole.select(
            code.offset(get["b"], panel.index * get["b_panel_step"]),
            code.offset(get["packed_b"], panel.index * get["k_count"] * (width * size)),
        )
        b_step = whole.select(get["b_step"], code.constant(width * size, "i64"))
        c, column = code.offset(get["c"], panel.index * get["c_panel_step"]), panel.index * width
        with tiles.each(get["columns"] - column) as tile:
            with code.when(get["ahead"].ne(null(code))):
                call(code, fetch(spec), [get["ahead"], panel.index * tiles.count + tile.number])
            handover.fetch(tile.row, tile.rows, column)
            a = code.offset(get["a"], tile.row * _row_step(spec, get))
            _call_micro_kernel(code, spec, "panel", get, c, tile, (a, b, b_step), fetched=handover.fetched)
        handover.finish(c, get["c_step"], get["rows"], column, smaller(get["columns"] - column, width))
    module.add(name, code, signature(**names), private=False)


def _row_step(spec: Spec, get: dict[str, Value]) -> Value | int:
    """The bytes before a tile of A for each row before it, in the order of packing."""
    size = spec.compute.itemsize
    steps: dict[str, Value | int] = {"row": get["k_count"] * size, "turned": size}
    return steps.get(spec.a_order, get["a_step"])


def _add_window_columns(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    names = {"a": "ptr", "a_step": "i64", "b": "ptr", "taps": "ptr", "pixels": "ptr", **RESULT}
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    tiles = _RowTiles(code, spec, get["rows"])
    with code.loop(0, blocks(get["columns"], spec.tile_columns)) as panel:
        entry = code.offset(get["pixels"], panel.index * 4, "i64")
        first, second = (code.load(code.offset(entry, 16 * half), "i64", align=8) for half in range(2))
        column = panel.index * spec.tile_columns
        c = code.offset(get["c"], column * spec.compute.itemsize)
        with tiles.each(get["columns"] - column) as tile:
            a = code.offset(get["a"], tile.row * _row_step(spec, get))
            operands = a, code.offset(get["b"], first), second - first
            _call_micro_kernel(code, spec, "taps", get, c, tile, operands, taps=get["taps"])
    module.add(name, code, signature(**names), private=False)


def _add_window_rows(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    names = {"a": "ptr", "taps": "ptr", "pixels": "ptr", "packed_b": "ptr", **RESULT}
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    tiles = _RowTiles(code, spec, get["rows"])
    row_bytes = spec.tile_columns * spec.compute.itemsize
    with code.loop(0, blocks(get["columns"], spec.tile_columns)) as panel:
        b = code.offset(get["packed_b"], panel.index * get["k_count"] * row_bytes)
        column = panel.index * spec.tile_columns
        c = code.offset(get["c"], column * spec.compute.itemsize)
        with tiles.each(get["columns"] - column) as tile:
            taps = code.offset(get["taps"], tile.row, "i64")
            operands = get["a"], b, code.constant(row_bytes, "i64")
            _call_micro_kernel(code, spec, "pixels", get, c, tile, operands, taps=taps, pixels=get["pixels"])
    module.add(name, code, signature(**names), private=False)


class _RowTile(NamedTuple):
    """One micro-kernel's tile: its number in the panel, its first row and how many it does, the columns that are left,
    and whether it is one of the lower ones."""

    number: Value
    row: Value
    rows: Value
    columns: Value
    low: Value


class _RowTiles:
    """The rows of a block cut into tiles, and lower ones for what is left.

    Two of these stand in for the last tile too, where they waste less: 64 rows are 4 of 12 and 2 of 8. Panels of A
    packed row by row are as high as tiles: there they cannot.
    """

    def __init__(self, code: Code, spec: Spec, rows: Value) -> None:
        self._code, self._spec, self._rows = code, spec, rows
        rest = rows - rows.unsigned_divide(spec.tile_rows) * spec.tile_rows
        whole = rest.gt(spec.rest_rows).select(rows, rows - rest)
        if spec.spared_rows:
            spared = rest.gt(0) & rest.le(spec.spared_rows) & whole.gt(0)
            whole = whole - spared.select(code.constant(spec.tile_rows, "i64"), 0)
        self._whole_rows, self._whole = whole, blocks(whole, spec.tile_rows)
        #: tiles of a panel
        self.count = self._whole + blocks(larger(rows - whole, 0), spec.rest_rows)

    @contextmanager
    def each(self, columns: Value) -> Iterator[_RowTile]:
        """A loop over the tiles of a panel with so many columns left: where these are half a tile, none is lower."""
        code, high, low = self._code, self._spec.tile_rows, self._spec.rest_rows
        half = columns.le(self._spec.lanes)
        with code.loop(0, half.select(blocks(self._rows, high), self.count)) as tile:
            lower = tile.index.ge(self._whole) & ~half
            row = lower.select(self._whole_rows + (tile.index - self._whole) * low, tile.index * high)
            rows = smaller(self._rows - row, lower.select(code.constant(low, "i64"), high))
            yield _RowTile(tile.index, row, rows, columns, lower)


def _call_micro_kernel(
    code: Code, spec: Spec, operand: str, get: dict[str, Value], panel: Value, tile: _RowTile,
    operands: tuple[Value, Value, Value], *, taps: Value | None = None, pixels: Value | None = None,
    fetched: Value | None = None,
) -> None:  # fmt: skip
    """One tile of the panel of C that begins at `panel`."""
    (a, b, b_step), nothing = operands, null(code)
    c, a_step = code.offset(panel, tile.row * get["c_step"]), get.get("a_step", code.constant(0, "i64"))
    half = tile.columns.le(spec.lanes)
    choices = ~tile.low & ~half, tile.low, half
    for function, chosen in zip(micro_kernels(spec, operand), choices, strict=True):
        with code.when(chosen):
            call(code, function, [
                a, a_step, b, b_step, taps or nothing, pixels or nothing, c, get["c_step"], get["k_count"], tile.rows,
                tile.columns, get["add"], get["tile"], fetched or nothing,
            ])  # fmt: skip


def _add_micro_kernel(module: Module, spec: Spec, name: str, *, shape: Shape, operand: str) -> None:
    """A function of this name: C[so many rows, so many vectors] (= or +=) A panel @ B panel.

    `a_step`, `b_step` and `c_step` are the bytes from one row of A, B or C to the next, `taps` and `pixels` tables of
    windows; `add` is not 0 where C's values count; only `row_count` x `column_count` results exist; `tile` is scratch
    for them. `fetched` are the addresses of lines to fetch meanwhile, one for each turn of the loop over packed rows.
    """
    masked = spec.vector_bytes == 64
    code = Code()
    sum_over: SumOver = {"panel": _sum_over_panel, "taps": _sum_over_taps, "pixels": _sum_over_pixels}[operand]
    sums = _by_rows(sum_over(code, spec, shape), shape)
    if spec.staged:
        _store_whole(code, spec, sums)
    elif masked:
        _store_masked(code, spec, sums)
    else:
        width = shape.vectors * spec.lanes
        whole = parameter(code, "row_count").ge(shape.rows) & parameter(code, "column_count").ge(width)
        code.branch(whole, "whole", "edge")
        code.start_block("edge")
        tile = parameter(code, "tile", "ptr")
        for row, values in enumerate(sums):
            for vector, value in enumerate(values):
                place = (2 * row + vector) * spec.vector_bytes
                code.store(value, code.offset(tile, place), align=spec.vector_bytes)
        present = smaller(parameter(code, "row_count"), shape.rows)
        rest = [parameter(code, name) for name in ("c_step", "column_count", "add")]
        call(code, copy_tile(spec), [tile, parameter(code, "c", "ptr"), present, *rest])
        code.effect("ret void")
        code.start_block("whole")
        _store_whole(code, spec, sums)
    parameters = signature(
        a="ptr", a_step="i64", b="ptr", b_step="i64", taps="ptr", pixels="ptr", c="ptr", c_step="i64",
        k_count="i64", row_count="i64", column_count="i64", add="i64", tile="ptr", fetched="ptr",
    )  # fmt: skip
    module.add(name, code, parameters, private=False)


def _by_rows(sums: Sequence[Value], shape: Shape) -> list[Sequence[Value]]:
    """The sums of each row."""
    return [sums[first : first + shape.vectors] for first in range(0, len(sums), shape.vectors)]


def _store_whole(code: Code, spec: Spec, sums: list[Sequence[Value]]) -> None:
    """All sums into C, which has room for them."""
    code.branch(parameter(code, "add").ne(0), "add_to", "overwrite")
    for block, adding in (("overwrite", False), ("add_to", True)):
        code.start_block(block)
        row = parameter(code, "c", "ptr")
        for values in sums:
            for vector, value in enumerate(values):
                target = code.offset(row, vector * spec.vector_bytes)
                code.store(code.load(target, spec.type, spec.lanes) + value if adding else value, target)
            row = code.offset(row, parameter(code, "c_step"))
        if not adding:
            code.effect("ret void")


def _store_masked(code: Code, spec: Spec, sums: list[Sequence[Value]]) -> None:
    """The sums that exist into C: chosen lanes of each row, and out after the last row."""
    columns, row_count = parameter(code, "column_count"), parameter(code, "row_count")
    masks = [lane_mask(code, columns - vector * spec.lanes, spec.lanes) for vector in range(len(sums[0]))]
    keep = parameter(code, "add").ne(0)
    kept = [mask & code.spread(keep, spec.lanes) for mask in masks]
    row = parameter(code, "c", "ptr")
    for number, values in enumerate(sums, 1):
        for vector, value in enumerate(values):
            target = code.offset(row, vector * spec.vector_bytes)
            before = masked_load(code, target, kept[vector], spec.type)
            masked_store(code, kept[vector].select(value + before, value), target, masks[vector])
        row = code.offset(row, parameter(code, "c_step"))
        following = code.fresh("row")
        code.branch(row_count.gt(number), following, "done")
        code.start_block(following)
    code.jump("done")
    code.start_block("done")


def _sum_over_panel(code: Code, spec: Spec, shape: Shape) -> list[Value]:
    """Rows of A packed or where they lie; those of B `b_step` bytes apart."""
    places, step = _rows_of_a(code, spec, shape)
    with code.loop(0, parameter(code, "k_count"), carried=_no_sums(code, spec, shape)) as loop:
        b, *sums = loop.carried
        # one line with every turn: fetched all at once they would hold up what the sums are waiting for
        address = code.load(code.offset(parameter(code, "fetched", "ptr"), loop.index, "i64"), "ptr", align=8)
        prefetch(code, address)
        columns = _columns(code, spec, b, spec.vector_bytes, shape)
        loop.carried_out = [
            code.offset(b, parameter(code, "b_step")),
            *_multiply_add(code, spec, places, loop.index * step, columns, sums),
        ]
    return loop.results[1:]


def _sum_over_taps(code: Code, spec: Spec, shape: Shape) -> list[Value]:
    """As `_sum_over_panel`, with two runs of pixels, `b_step` bytes apart, as B: each row is at one of the `taps`."""
    places, step = _rows_of_a(code, spec, shape)
    with code.loop(0, parameter(code, "k_count"), carried=_no_sums(code, spec, shape)) as loop:
        b, *sums = loop.carried
        tap = code.load(code.offset(parameter(code, "taps", "ptr"), loop.index, "i64"), "i64", align=8)
        columns = _columns(code, spec, code.offset(b, tap), parameter(code, "b_step"), shape)
        loop.carried_out = [b, *_multiply_add(code, spec, places, loop.index * step, columns, sums)]
    return loop.results[1:]


def _sum_over_pixels(code: Code, spec: Spec, shape: Shape) -> list[Value]:
    """Rows of A at `taps`, vector by vector of pixels; B packed."""
    taps, size = parameter(code, "taps", "ptr"), spec.compute.itemsize
    distances = (code.load(code.offset(taps, 8 * row), "i64", align=8) for row in range(shape.rows))
    places = [code.offset(parameter(code, "a", "ptr"), distance) for distance in distances]
    vectors = parameter(code, "k_count").unsigned_divide(spec.lanes)
    with code.loop(0, vectors, carried=_no_sums(code, spec, shape)) as loop:
        b, *sums = loop.carried
        pixel = code.load(code.offset(parameter(code, "pixels", "ptr"), loop.index * 2, "i64"), "i64", align=8)
        for lane in range(spec.lanes):
            columns = _columns(code, spec, b, spec.vector_bytes, shape)
            sums = _multiply_add(code, spec, places, pixel + lane * size, columns, sums)
            b = code.offset(b, parameter(code, "b_step"))
        loop.carried_out = [b, *sums]
    return loop.results[1:]


def _rows_of_a(code: Code, spec: Spec, shape: Shape) -> tuple[list[Value], int]:
    """Where each row begins, the last one's place for those that are not there, and the bytes between its elements."""
    size, first, counts = spec.compute.itemsize, parameter(code, "a", "ptr"), shape.counts
    if spec.a_order in ("row", "turned"):  # in a panel rows are neighbours
        places = [code.offset(first, row * size) for row in range(shape.rows)]
        return places, size * (spec.tile_rows if spec.a_order == "row" else spec.a_row_step)
    last, step = parameter(code, "row_count") - 1, parameter(code, "a_step")
    numbers = [row if row < counts[0] else smaller(last, row) for row in range(shape.rows)]
    return [code.offset(first, step * number) for number in numbers], size


def _no_sums(code: Code, spec: Spec, shape: Shape) -> list[Value]:
    """What the loop over K begins with: a place in B, and zeros."""
    _prefetch_c(code, spec, shape)
    return [parameter(code, "b", "ptr"), *[code.constant(0, spec.type, spec.lanes)] * (shape.rows * shape.vectors)]


def _columns(code: Code, spec: Spec, first: Value, distance: Value | int, shape: Shape) -> list[Value]:
    """The vectors of a row of B, two of them so many bytes apart."""
    return [code.load(place, spec.word, spec.lanes) for place in (first, code.offset(first, distance))[: shape.vectors]]


def _multiply_add(
    code: Code, spec: Spec, places: Sequence[Value], distance: Value, columns: Sequence[Value], sums: Sequence[Value]
) -> list[Value]:
    """The sums with one row of B multiplied by the elements of A so many bytes behind `places`."""
    added, vectors = [], len(columns)
    for row, place in enumerate(places):
        word = code.load(code.offset(place, distance), spec.word, align=spec.compute.itemsize // spec.depth)
        value = code.spread(word, spec.lanes)
        for column, before in zip(columns, sums[vectors * row : vectors * (row + 1)], strict=True):
            added.append(add_product(code, spec, value, column, before))
    return added


def _prefetch_c(code: Code, spec: Spec, shape: Shape) -> None:
    """Fetch C's lines to write to, while the sums are being made; a prefetch of what is not there does no harm."""
    row = parameter(code, "c", "ptr")
    for _ in range(shape.rows):
        for vector in range(shape.vectors):
            prefetch(code, code.offset(row, vector * spec.vector_bytes), to_write=True)
        row = code.offset(row, parameter(code, "c_step"))


def add_product(code: Code, spec: Spec, left: Value, right: Value, before: Value) -> Value:
    """The sums with the product of each lane's words: of pairs of bfloat16 both products."""
    if spec.depth == 1:
        return left.fma(right, before) if spec.fused else left * right + before
    pairs = [
        code.emit(f"bitcast {bits.full_type} {bits.ref} to <{2 * bits.lanes} x bfloat>", "bfloat", 2 * bits.lanes)
        for bits in (left, right)
    ]
    name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * before.lanes}"
    return code.call(name, "float", before.lanes, [before, *pairs])


def _add_copy_tile(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    size, lanes = spec.compute.itemsize, spec.lanes
    tile, c, c_step, add = (
        parameter(code, "tile", "ptr"), parameter(code, "c", "ptr"), parameter(code, "c_step"), parameter(code, "add")
    )  # fmt: skip
    columns = smaller(parameter(code, "column_count"), spec.tile_columns)
    keep = add.ne(0)
    width = lanes if spec.masked else 1
    with code.loop(0, parameter(code, "row_count")) as row:
        target_row = code.offset(c, row.index * c_step)
        source_row = code.offset(tile, row.index * (2 * spec.vector_bytes))
        with code.loop(0, columns, width) as column:
            target, source = code.offset(target_row, column.index * size), code.offset(source_row, column.index * size)
            value = code.load(source, spec.type, width)
            if spec.masked:
                mask = lane_mask(code, columns - column.index, lanes)
                before = masked_load(code, target, mask & code.spread(keep, lanes), spec.type)
                masked_store(code, keep.select(value + before, value), target, mask)
            else:
                with code.when(keep):
                    code.store(value + code.load(target, spec.type), target)
                with code.when(~keep):
                    code.store(value, target)
    parameters = signature(tile="ptr", c="ptr", row_count="i64", c_step="i64", column_count="i64", add="i64")
    module.add(name, code, parameters, private=False)
