"""Packing: copies of blocks of A and B laid out in the order in which the micro-kernels read them.

A is packed row by row where its K direction is near (then rows are `spec.a_row_step` apart), and in panels of
`tile_rows` rows, row index fastest, where its rows are near. B is packed in panels of `tile_columns` columns, column
fastest. What a last panel lacks is zeros. Where two elements along K are packed as one word (`spec.depth`), so are the
last one and a zero where their number is odd.
"""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import (
    Module,
    blocks,
    call,
    in_words,
    parameter,
    prefetch,
    signature,
    smaller,
    transpose,
)
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import Spec
from curta.runtime import jit

#: rows of the source copied to one panel before the next panel: long enough to fill cache lines, short enough
#: that the source is read in long runs
ROWS_AT_ONCE = 8

#: rows of A fetched into the cache before they are copied: each is a short run, which the processor does not foresee
ROWS_AHEAD = 4

PACK_A = signature(source="ptr", row_step="i64", k_step="i64", rows="i64", k_count="i64", target="ptr")
PACK_B = signature(source="ptr", k_step="i64", column_step="i64", k_count="i64", columns="i64", target="ptr")
COPY_EDGE = signature(source="ptr", outer_step="i64", inner_step="i64", outer="i64", inner="i64", target="ptr")


def pack_a(spec: Spec) -> jit.Code:
    """The function `pack_a(source, row stride, k stride, rows, k, target)`; strides in elements."""
    return part("pack_a", (spec.dtype.short, spec.packed, spec.a_order), spec, _add_pack_a)


def pack_b(spec: Spec) -> jit.Code:
    """The function `pack_b(source, k stride, column stride, k, columns, target)`; strides in elements."""
    return part("pack_b", (spec.dtype.short, spec.packed, spec.b_order), spec, _add_pack_b)


def _add_pack_a(module: Module, spec: Spec, name: str) -> None:
    if spec.a_order == "row":
        _add_copy_edge(module, spec, spec.tile_rows)
        _add_panel_copy(module, spec, name, spec.tile_rows, swapped=True)
    else:
        _add_row_copy(module, spec, name)


def _add_pack_b(module: Module, spec: Spec, name: str) -> None:
    _add_copy_edge(module, spec, spec.tile_columns)
    if spec.b_order == "column":
        _add_panel_copy(module, spec, name, spec.tile_columns)
    elif spec.b_order == "k":
        _add_transposing_copy(module, spec, name)
    else:
        _add_slow_copy(module, spec, name)


def _fetch(code: Code, pointer: Value, nbytes: Value) -> None:
    """Have the cache lines of a row fetched; where nothing is, that does no harm."""
    with code.loop(0, nbytes, 64) as line:
        prefetch(code, code.offset(pointer, line.index))


def _load(code: Code, spec: Spec, pointer: Value, lanes: int = 1) -> Value:
    """Words from where neighbours are those of a word, and then other words."""
    if spec.depth > 1:
        return code.load(pointer, spec.word, lanes)
    return load_wide(code, pointer, spec.dtype, lanes, native_half=spec.fused)


def _load_across(code: Code, spec: Spec, pointer: Value, k_bytes: Value, lanes: int) -> Value:
    """Words of neighbours, the elements of each so many bytes apart."""
    if spec.depth == 1:
        return _load(code, spec, pointer, lanes)
    first, second = (code.load(place, "i16", lanes) for place in (pointer, code.offset(pointer, k_bytes)))
    return in_words(code, first, second)


def _load_one(code: Code, spec: Spec, pointer: Value, k_bytes: Value, k_left: Value) -> Value:
    """A word whose elements are so many bytes apart, as far as there are any."""
    if spec.depth == 1:
        return _load(code, spec, pointer)
    there = k_left.gt(1)
    first, second = (
        code.load(place, "i16").convert("zext", spec.word)
        for place in (pointer, code.offset(pointer, there.select(k_bytes, 0)))
    )
    return first | there.select(second << 16, 0)


def _add_copy_edge(module: Module, spec: Spec, width: int) -> None:
    """`copy_edge`: target[outer, width] from source[outer, inner <= width] with any strides; zeros behind `inner`.

    `outer` is along K.
    """
    code = Code()
    size, outer_all = spec.compute.itemsize, parameter(code, "outer")
    source, target = parameter(code, "source", "ptr"), parameter(code, "target", "ptr")
    outer_bytes = parameter(code, "outer_step") * spec.dtype.itemsize
    with code.loop(0, blocks(outer_all, spec.depth)) as outer:
        first = outer.index * spec.depth
        from_row, to_row = code.offset(source, first * outer_bytes), code.offset(target, outer.index * (width * size))
        code.store(code.constant(0, spec.word, width), to_row)
        with code.loop(0, parameter(code, "inner")) as inner:
            place = code.offset(from_row, inner.index * parameter(code, "inner_step") * spec.dtype.itemsize)
            word = _load_one(code, spec, place, outer_bytes, outer_all - first)
            code.store(word, code.offset(to_row, inner.index * size))
    module.add("copy_edge", code, COPY_EDGE)


def _add_panel_copy(module: Module, spec: Spec, name: str, width: int, *, swapped: bool = False) -> None:
    """Panels of `width` neighbouring elements: A's rows where they are near, or B's columns."""
    code = Code()
    size = spec.compute.itemsize
    if swapped:
        names = PACK_A
        count, near_step = parameter(code, "rows"), parameter(code, "row_step")
    else:
        names = PACK_B
        count, near_step = parameter(code, "columns"), parameter(code, "column_step")
    source, target, k_step, k_count = (
        parameter(code, "source", "ptr"), parameter(code, "target", "ptr"), parameter(code, "k_step"),
        parameter(code, "k_count"),
    )  # fmt: skip
    whole, words = count.unsigned_divide(width), k_count.unsigned_divide(spec.depth)
    k_bytes = k_step * spec.dtype.itemsize
    panel_bytes = blocks(k_count, spec.depth) * (width * size)
    with code.loop(0, words, ROWS_AT_ONCE) as outer:
        last = smaller(outer.index + ROWS_AT_ONCE, words)
        with code.loop(0, whole) as panel:
            from_panel = code.offset(source, panel.index * (width * spec.dtype.itemsize))
            to_panel = code.offset(target, panel.index * panel_bytes)
            with code.loop(outer.index, last) as word:
                place = code.offset(from_panel, word.index * spec.depth * k_bytes)
                values = _load_across(code, spec, place, k_bytes, width)
                code.store(values, code.offset(to_panel, word.index * (width * size)))
    if spec.depth > 1:
        with code.when(k_count.ne(words * spec.depth)), code.loop(0, whole) as panel:
            place = code.offset(source, words * spec.depth * k_bytes + panel.index * (width * spec.dtype.itemsize))
            behind = code.offset(target, panel.index * panel_bytes + words * (width * size))
            call(code, "copy_edge", [place, k_step, near_step, 1, width, behind])
    rest = count - whole * width
    with code.when(rest.gt(0)):
        call(code, "copy_edge", [
            code.offset(source, whole * (width * spec.dtype.itemsize)), k_step, near_step, k_count, rest,
            code.offset(target, whole * panel_bytes),
        ])  # fmt: skip
    module.add(name, code, names, private=False)


def _add_row_copy(module: Module, spec: Spec, name: str) -> None:
    """A row by row; rows up to a multiple of `tile_rows` become zeros."""
    code = Code()
    size, lanes = spec.compute.itemsize, spec.lanes
    rows, k_count, k_step = parameter(code, "rows"), parameter(code, "k_count"), parameter(code, "k_step")
    words, k_bytes = blocks(k_count, spec.depth), k_step * spec.dtype.itemsize
    row_bytes = spec.a_row_step * size
    with code.loop(0, rows) as row:
        step = row.index * parameter(code, "row_step") * spec.dtype.itemsize
        source = code.offset(parameter(code, "source", "ptr"), step)
        target = code.offset(parameter(code, "target", "ptr"), row.index * row_bytes)
        done = code.constant(0, "i64")
        if spec.a_order != "any":
            done = k_count.unsigned_divide(spec.depth) & -lanes
            ahead = parameter(code, "row_step") * (ROWS_AHEAD * spec.dtype.itemsize)
            _fetch(code, code.offset(source, ahead), k_count * spec.dtype.itemsize)
            with code.loop(0, done, lanes) as word:
                place = code.offset(source, word.index * (spec.depth * spec.dtype.itemsize))
                code.store(_load(code, spec, place, lanes), code.offset(target, word.index * size))
        with code.loop(done, words) as word:
            first = word.index * spec.depth
            value = _load_one(code, spec, code.offset(source, first * k_bytes), k_bytes, k_count - first)
            code.store(value, code.offset(target, word.index * size))
    with code.loop(rows, blocks(rows, spec.tile_rows) * spec.tile_rows) as row:
        target = code.offset(parameter(code, "target", "ptr"), row.index * row_bytes)
        with code.loop(0, words, lanes) as word:
            code.store(code.constant(0, spec.word, lanes), code.offset(target, word.index * size))
    module.add(name, code, PACK_A, private=False)


def _add_transposing_copy(module: Module, spec: Spec, name: str) -> None:
    """B where its K direction is near: squares of vectors turned in registers."""
    code = Code()
    size, lanes, width = spec.compute.itemsize, spec.lanes, spec.tile_columns
    source, target = parameter(code, "source", "ptr"), parameter(code, "target", "ptr")
    column_step, k_count = parameter(code, "column_step"), parameter(code, "k_count")
    columns = parameter(code, "columns")
    row_bytes, column_bytes = width * size, column_step * spec.dtype.itemsize
    whole, words = columns.unsigned_divide(width), blocks(k_count, spec.depth)
    whole_words = k_count.unsigned_divide(spec.depth) & -lanes
    whole_k = whole_words * spec.depth
    with code.loop(0, whole) as panel:
        from_panel = code.offset(source, panel.index * width * column_bytes)
        to_panel = code.offset(target, panel.index * words * row_bytes)
        with code.loop(0, whole_words, lanes) as word, code.loop(0, width, lanes) as half:
            word_bytes = word.index * (spec.depth * spec.dtype.itemsize)
            corner = code.offset(from_panel, half.index * column_bytes + word_bytes)
            square = []
            for _ in range(lanes):
                square.append(_load(code, spec, corner, lanes))
                corner = code.offset(corner, column_bytes)
            corner = code.offset(to_panel, word.index * row_bytes + half.index * size)
            for index, values in enumerate(transpose(code, square)):
                code.store(values, code.offset(corner, index * row_bytes))
        call(code, "copy_edge", [
            code.offset(from_panel, whole_k * spec.dtype.itemsize), 1, column_step, k_count - whole_k, width,
            code.offset(to_panel, whole_words * row_bytes),
        ])  # fmt: skip
    rest = columns - whole * width
    with code.when(rest.gt(0)):
        to_panel = code.offset(target, whole * words * row_bytes)
        from_panel = code.offset(source, whole * width * column_bytes)
        call(code, "copy_edge", [from_panel, 1, column_step, k_count, rest, to_panel])
    module.add(name, code, PACK_B, private=False)


def _add_slow_copy(module: Module, spec: Spec, name: str) -> None:
    """B where neither direction is near: one element at a time."""
    code = Code()
    width = spec.tile_columns
    k_step, column_step, k_count = parameter(code, "k_step"), parameter(code, "column_step"), parameter(code, "k_count")
    columns = parameter(code, "columns")
    panel_bytes = blocks(k_count, spec.depth) * (width * spec.compute.itemsize)
    with code.loop(0, blocks(columns, width)) as panel:
        call(code, "copy_edge", [
            code.offset(parameter(code, "source", "ptr"), panel.index * width * column_step * spec.dtype.itemsize),
            k_step, column_step, k_count, smaller(columns - panel.index * width, width),
            code.offset(parameter(code, "target", "ptr"), panel.index * panel_bytes),
        ])  # fmt: skip
    module.add(name, code, PACK_B, private=False)
