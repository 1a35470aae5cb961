"""Micro-kernels: a few rows by one or two vectors of C held in registers while K runs by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from curta.compiler.code import Code, Value
from curta.compiler.matmul.ahead import add_fetch
from curta.compiler.matmul.emit import (
    Module,
    blocks,
    call,
    lane_mask,
    masked_load,
    masked_store,
    null,
    parameter,
    prefetch,
    signature,
    smaller,
)  # fmt: skip
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import Spec
from curta.runtime import jit

#: given K's index and a place in B: the two vectors of B there, and the place of the next
NextRow = Callable[[Code, Spec, Value, Value], tuple[list[Value], Value]]


def panels(spec: Spec) -> jit.Code:
    """Micro-kernels over a packed block, B's panels outermost, so that each stays in the first cache.

    Rows of A lie `a_step` bytes apart where K is their near direction. Each micro-kernel fetches its part of what is
    packed next where the last parameter says what is `ahead`, and is not null.
    """
    words = spec.compute.short, _order(spec), "staged" if spec.staged else "placed"
    return part("panels", words, spec, _add_panels)


def window_panels(spec: Spec) -> jit.Code:
    """As `panels`, with windows of images as B, read where they lie.

    Column number c of row k is at b + taps[k] and what the table `pixels` says of its vector: one word of two.
    """
    words = spec.compute.short, _order(spec), "staged" if spec.staged else "placed"
    return part("window_panels", words, spec, _add_window_panels)


def _order(spec: Spec) -> str:
    """The orders of A that micro-kernels tell apart: the others differ in packing alone."""
    return spec.a_order if spec.a_order in ("row", "turned") else "k"


def _add_panels(module: Module, spec: Spec, name: str) -> None:
    add_fetch(module)
    _add_micro_kernels(module, spec, _matrix_row)
    code = Code()
    names = {
        "a": "ptr", "a_step": "i64", "b": "ptr", "b_panel_step": "i64", "b_step": "i64", "packed_b": "ptr", "c": "ptr",
        "c_step": "i64", "k_count": "i64", "rows": "i64", "columns": "i64", "add": "i64", "tile": "ptr", "ahead": "ptr",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    per_panel = blocks(get["rows"], spec.tile_rows)
    size, width = spec.compute.itemsize, spec.tile_columns
    with code.loop(0, blocks(get["columns"], width)) as panel:
        whole = (get["columns"] - panel.index * width).ge(width)
        # a panel that is not full has always been packed
        b = whole.select(
            code.offset(get["b"], panel.index * get["b_panel_step"]),
            code.offset(get["packed_b"], panel.index * get["k_count"] * (width * size)),
        )
        b_step = whole.select(get["b_step"], code.constant(width * size, "i64"))
        with code.loop(0, get["rows"], spec.tile_rows) as row:
            with code.when(get["ahead"].ne(null(code))):
                number = panel.index * per_panel + row.index.unsigned_divide(spec.tile_rows)
                call(code, "fetch", [get["ahead"], number])
            _call_micro_kernel(code, spec, get, panel.index, row.index, [b, b_step, null(code)])
    module.add(name, code, signature(**names), private=False)


def _add_window_panels(module: Module, spec: Spec, name: str) -> None:
    _add_micro_kernels(module, spec, _window_row)
    code = Code()
    names = {
        "a": "ptr", "a_step": "i64", "b": "ptr", "taps": "ptr", "pixels": "ptr", "c": "ptr", "c_step": "i64",
        "k_count": "i64", "rows": "i64", "columns": "i64", "add": "i64", "tile": "ptr",
    }  # fmt: skip
    get = {name: parameter(code, name, type_name) for name, type_name in names.items()}
    with code.loop(0, blocks(get["columns"], spec.tile_columns)) as panel:
        entry = code.offset(get["pixels"], panel.index * 4, "i64")
        first, second = (code.load(code.offset(entry, 16 * half), "i64", align=8) for half in range(2))
        with code.loop(0, get["rows"], spec.tile_rows) as row:
            windows = [code.offset(get["b"], first), second - first, get["taps"]]
            _call_micro_kernel(code, spec, get, panel.index, row.index, windows)
    module.add(name, code, signature(**names), private=False)


def _call_micro_kernel(
    code: Code, spec: Spec, get: dict[str, Value], panel: Value, row: Value, b: Sequence[Value]
) -> None:
    """One tile of C: the rows from `row` on, those of a block that are left by a micro-kernel of their own."""
    size, width = spec.compute.itemsize, spec.tile_columns
    # the rows before this one, in the order of packing
    steps: dict[str, Value | int] = {"row": get["k_count"] * size, "turned": size}
    rows, columns = get["rows"] - row, get["columns"] - panel * width
    a = code.offset(get["a"], row * steps.get(spec.a_order, get["a_step"]))
    c = code.offset(code.offset(get["c"], panel * (width * size)), row * get["c_step"])
    rest = rows.le(spec.rest_rows)
    for chosen, function in ((rest, "micro_rest"), (~rest, "micro")):
        with code.when(chosen):
            call(code, function, [
                a, get["a_step"], *b, c, get["c_step"], get["k_count"], rows, columns, get["add"], get["tile"],
            ])  # fmt: skip


def _add_micro_kernels(module: Module, spec: Spec, next_row: NextRow) -> None:
    if not spec.staged and spec.vector_bytes != 64:
        _add_copy_tile(module, spec)
    _add_micro_kernel(module, spec, "micro", range(spec.rest_rows + 1, spec.tile_rows + 1), next_row)
    _add_micro_kernel(module, spec, "micro_rest", range(1, spec.rest_rows + 1), next_row)


def _add_micro_kernel(module: Module, spec: Spec, name: str, counts: range, next_row: NextRow) -> None:
    """A function of this name: C[so many rows, tile_columns] (= or +=) A panel @ B panel.

    `a_step` and `c_step` are the bytes from one row of A or C to the next, `b_step` and `taps` what `next_row` makes of
    them; `add` is not 0 where C's values count; only `row_count` x `column_count` results exist; `tile` is scratch for
    them.
    """
    masked = spec.vector_bytes == 64
    code, rows = Code(), counts[-1]
    sums = _sum_over_k(code, spec, counts, next_row)
    if spec.staged:
        _store_whole(code, spec, sums)
    elif masked:
        _store_masked(code, spec, sums)
    else:
        whole = parameter(code, "row_count").ge(rows) & parameter(code, "column_count").ge(spec.tile_columns)
        code.branch(whole, "whole", "edge")
        code.start_block("edge")
        tile = parameter(code, "tile", "ptr")
        for index, value in enumerate(sums):
            code.store(value, code.offset(tile, index * spec.vector_bytes), align=spec.vector_bytes)
        present = smaller(parameter(code, "row_count"), rows)
        rest = [parameter(code, name) for name in ("c_step", "column_count", "add")]
        call(code, "copy_tile", [tile, parameter(code, "c", "ptr"), present, *rest])
        code.effect("ret void")
        code.start_block("whole")
        _store_whole(code, spec, sums)
    parameters = signature(
        a="ptr", a_step="i64", b="ptr", b_step="i64", taps="ptr", c="ptr", c_step="i64", k_count="i64",
        row_count="i64", column_count="i64", add="i64", tile="ptr",
    )  # fmt: skip
    module.add(name, code, parameters)


def _store_whole(code: Code, spec: Spec, sums: list[Value]) -> None:
    """All sums into C, which has room for them."""
    code.branch(parameter(code, "add").ne(0), "add_to", "overwrite")
    for block, adding in (("overwrite", False), ("add_to", True)):
        code.start_block(block)
        row = parameter(code, "c", "ptr")
        for index in range(0, len(sums), 2):
            for vector in range(2):
                target, value = code.offset(row, vector * spec.vector_bytes), sums[index + vector]
                code.store(code.load(target, spec.type, spec.lanes) + value if adding else value, target)
            row = code.offset(row, parameter(code, "c_step"))
        if not adding:
            code.effect("ret void")


def _store_masked(code: Code, spec: Spec, sums: list[Value]) -> None:
    """The sums that exist into C: chosen lanes of each row, and out after the last row."""
    columns, row_count = parameter(code, "column_count"), parameter(code, "row_count")
    masks = [lane_mask(code, columns - vector * spec.lanes, spec.lanes) for vector in range(2)]
    keep = parameter(code, "add").ne(0)
    kept = [mask & code.spread(keep, spec.lanes) for mask in masks]
    row = parameter(code, "c", "ptr")
    for index in range(0, len(sums), 2):
        for vector in range(2):
            target, value = code.offset(row, vector * spec.vector_bytes), sums[index + vector]
            before = masked_load(code, target, kept[vector], spec.type)
            masked_store(code, kept[vector].select(value + before, value), target, masks[vector])
        row = code.offset(row, parameter(code, "c_step"))
        following = code.fresh("row")
        code.branch(row_count.gt(index // 2 + 1), following, "done")
        code.start_block(following)
    code.jump("done")
    code.start_block("done")


def _matrix_row(code: Code, spec: Spec, k: Value, b: Value) -> tuple[list[Value], Value]:
    """The vectors of one row of B's panel, and where the next row is, `b_step` bytes on."""
    vectors = [code.load(code.offset(b, half * spec.vector_bytes), spec.type, spec.lanes) for half in range(2)]
    return vectors, code.offset(b, parameter(code, "b_step"))


def _window_row(code: Code, spec: Spec, k: Value, b: Value) -> tuple[list[Value], Value]:
    """The vectors of two runs of pixels, `b_step` bytes apart, at the distance of one of the `taps`."""
    here = code.offset(b, code.load(code.offset(parameter(code, "taps", "ptr"), k, "i64"), "i64", align=8))
    places = here, code.offset(here, parameter(code, "b_step"))
    return [code.load(place, spec.type, spec.lanes) for place in places], b


def _sum_over_k(code: Code, spec: Spec, counts: range, next_row: NextRow) -> list[Value]:
    """The loop over K; the sums of row r are at 2 * r. Of the rows so many exist."""
    size, lanes, rows = spec.compute.itemsize, spec.lanes, counts[-1]
    first = parameter(code, "a", "ptr")
    # in a panel rows are neighbours; else each is read from its own place, the last one for those that are not there
    k_step = {"row": spec.tile_rows, "turned": spec.a_row_step}.get(spec.a_order, 1)
    if spec.a_order in ("row", "turned"):
        places = [code.offset(first, row * size) for row in range(rows)]
    else:
        last, step = parameter(code, "row_count") - 1, parameter(code, "a_step")
        numbers = [row if row < counts[0] else smaller(last, row) for row in range(rows)]
        places = [code.offset(first, step * number) for number in numbers]
    zero = code.constant(0, spec.type, lanes)
    _prefetch_c(code, spec, rows)
    carried = [parameter(code, "b", "ptr"), *[zero] * (rows * 2)]
    with code.loop(0, parameter(code, "k_count"), carried=carried) as loop:
        b, *sums = loop.carried
        columns, b = next_row(code, spec, loop.index, b)
        for row, place in enumerate(places):
            element = code.load(code.offset(place, loop.index * (k_step * size)), spec.type, align=size)
            value = code.spread(element, lanes)
            for vector, column in enumerate(columns):
                index = row * 2 + vector
                sums[index] = value.fma(column, sums[index]) if spec.fused else value * column + sums[index]
        loop.carried_out = [b, *sums]
    return loop.results[1:]


def _prefetch_c(code: Code, spec: Spec, rows: int) -> None:
    """Fetch C's lines to write to, while the sums are being made; a prefetch of what is not there does no harm."""
    row = parameter(code, "c", "ptr")
    for _ in range(rows):
        for vector in range(2):
            prefetch(code, code.offset(row, vector * spec.vector_bytes), to_write=True)
        row = code.offset(row, parameter(code, "c_step"))


def _add_copy_tile(module: Module, spec: Spec) -> None:
    """Copy, or add, the part of a tile that exists into C."""
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
    module.add("copy_tile", code, signature(
        tile="ptr", c="ptr", row_count="i64", c_step="i64", column_count="i64", add="i64",
    ))  # fmt: skip
