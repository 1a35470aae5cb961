"""Packing: copies of blocks of A and B laid out in the order in which the micro-kernels read them.

A is packed row by row where its K direction is near (then rows are `spec.a_row_step` apart), and in panels of
`tile_rows` rows, row index fastest, where its rows are near. B is packed in panels of `tile_columns` columns, column
fastest. What a last panel lacks is zeros.
"""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import Module, blocks, call, parameter, prefetch, signature, smaller, transpose
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
    return part("pack_a", (spec.dtype.short, spec.a_order), spec, _add_pack_a)


def pack_b(spec: Spec) -> jit.Code:
    """The function `pack_b(source, k stride, column stride, k, columns, target)`; strides in elements."""
    return part("pack_b", (spec.dtype.short, spec.b_order), spec, _add_pack_b)


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
    return load_wide(code, pointer, spec.dtype, lanes, native_half=spec.fused)


def _add_copy_edge(module: Module, spec: Spec, width: int) -> None:
    """`copy_edge`: target[outer, width] from source[outer, inner <= width] with any strides; zeros behind `inner`."""
    code = Code()
    size = spec.compute.itemsize
    source, target = parameter(code, "source", "ptr"), parameter(code, "target", "ptr")
    with code.loop(0, parameter(code, "outer")) as outer:
        from_row = code.offset(source, outer.index * parameter(code, "outer_step") * spec.dtype.itemsize)
        to_row = code.offset(target, outer.index * (width * size))
        code.store(code.constant(0, spec.type, width), to_row)
        with code.loop(0, parameter(code, "inner")) as inner:
            step = inner.index * parameter(code, "inner_step") * spec.dtype.itemsize
            code.store(_load(code, spec, code.offset(from_row, step)), code.offset(to_row, inner.index * size))
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
    whole = count.unsigned_divide(width)
    panel_bytes = k_count * (width * size)
    with code.loop(0, k_count, ROWS_AT_ONCE) as outer:
        last = smaller(outer.index + ROWS_AT_ONCE, k_count)
        with code.loop(0, whole) as panel:
            from_panel = code.offset(source, panel.index * (width * spec.dtype.itemsize))
            to_panel = code.offset(target, panel.index * panel_bytes)
            with code.loop(outer.index, last) as k:
                values = _load(code, spec, code.offset(from_panel, k.index * k_step * spec.dtype.itemsize), width)
                code.store(values, code.offset(to_panel, k.index * (width * size)))
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
    row_bytes = spec.a_row_step * size
    with code.loop(0, rows) as row:
        step = row.index * parameter(code, "row_step") * spec.dtype.itemsize
        source = code.offset(parameter(code, "source", "ptr"), step)
        target = code.offset(parameter(code, "target", "ptr"), row.index * row_bytes)
        done = code.constant(0, "i64")
        if spec.a_order == "k":
            done = k_count & -lanes
            ahead = parameter(code, "row_step") * (ROWS_AHEAD * spec.dtype.itemsize)
            _fetch(code, code.offset(source, ahead), k_count * spec.dtype.itemsize)
            with code.loop(0, done, lanes) as k:
                values = _load(code, spec, code.offset(source, k.index * spec.dtype.itemsize), lanes)
                code.store(values, code.offset(target, k.index * size))
        with code.loop(done, k_count) as k:
            value = _load(code, spec, code.offset(source, k.index * k_step * spec.dtype.itemsize))
            code.store(value, code.offset(target, k.index * size))
    with code.loop(rows, blocks(rows, spec.tile_rows) * spec.tile_rows) as row:
        target = code.offset(parameter(code, "target", "ptr"), row.index * row_bytes)
        with code.loop(0, k_count, lanes) as k:
            code.store(code.constant(0, spec.type, lanes), code.offset(target, k.index * size))
    module.add(name, code, PACK_A, private=False)


def _add_transposing_copy(module: Module, spec: Spec, name: str) -> None:
    """B where its K direction is near: squares of vectors turned in registers."""
    code = Code()
    size, lanes, width = spec.compute.itemsize, spec.lanes, spec.tile_columns
    source, target = parameter(code, "source", "ptr"), parameter(code, "target", "ptr")
    column_step, k_count = parameter(code, "column_step"), parameter(code, "k_count")
    columns = parameter(code, "columns")
    row_bytes, column_bytes = width * size, column_step * spec.dtype.itemsize
    whole = columns.unsigned_divide(width)
    whole_k = k_count & -lanes
    with code.loop(0, whole) as panel:
        from_panel = code.offset(source, panel.index * width * column_bytes)
        to_panel = code.offset(target, panel.index * k_count * row_bytes)
        with code.loop(0, whole_k, lanes) as k, code.loop(0, width, lanes) as half:
            corner = code.offset(from_panel, half.index * column_bytes + k.index * spec.dtype.itemsize)
            square = []
            for _ in range(lanes):
                square.append(_load(code, spec, corner, lanes))
                corner = code.offset(corner, column_bytes)
            corner = code.offset(to_panel, k.index * row_bytes + half.index * size)
            for index, values in enumerate(transpose(code, square)):
                code.store(values, code.offset(corner, index * row_bytes))
        call(code, "copy_edge", [
            code.offset(from_panel, whole_k * spec.dtype.itemsize), 1, column_step, k_count - whole_k, width,
            code.offset(to_panel, whole_k * row_bytes),
        ])  # fmt: skip
    rest = columns - whole * width
    with code.when(rest.gt(0)):
        to_panel = code.offset(target, whole * k_count * row_bytes)
        from_panel = code.offset(source, whole * width * column_bytes)
        call(code, "copy_edge", [from_panel, 1, column_step, k_count, rest, to_panel])
    module.add(name, code, PACK_B, private=False)


def _add_slow_copy(module: Module, spec: Spec, name: str) -> None:
    """B where neither direction is near: one element at a time."""
    code = Code()
    width = spec.tile_columns
    k_step, column_step, k_count = parameter(code, "k_step"), parameter(code, "column_step"), parameter(code, "k_count")
    columns = parameter(code, "columns")
    panel_bytes = k_count * (width * spec.compute.itemsize)
    with code.loop(0, blocks(columns, width)) as panel:
        call(code, "copy_edge", [
            code.offset(parameter(code, "source", "ptr"), panel.index * width * column_step * spec.dtype.itemsize),
            k_step, column_step, k_count, smaller(columns - panel.index * width, width),
            code.offset(parameter(code, "target", "ptr"), panel.index * panel_bytes),
        ])  # fmt: skip
    module.add(name, code, PACK_B, private=False)
