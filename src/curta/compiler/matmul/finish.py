"""The way of complete sums into memory: rounded or added into C, or through an ending."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from curta.compiler.code import Code, Value
from curta.compiler.lanes import store_apart
from curta.compiler.matmul.convert import load_wide, narrow
from curta.compiler.matmul.emit import Module, call, parameter, read_meta, signature, smaller, transpose
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import K_BLOCK, LLVM_TYPES, Meta, Spec
from curta.compiler.nest import SIGNATURE, Nest, meta_fields
from curta.runtime import jit

if TYPE_CHECKING:
    from curta.compiler.matmul.block import Tile

#: bytes that come into a cache together
LINE_BYTES = 64
#: `corner` has every slot's address (or number) for the tile's first element, without an ending C's alone; `sums` are
#: those of row `row` and column `column` on, their rows `sums_step` bytes apart
ENDING = signature(
    corner="ptr", meta="ptr", sums="ptr", sums_step="i64", row="i64", rows="i64", column="i64", columns="i64",
)  # fmt: skip
#: the first of `addresses` become those of the lines that an ending will read for a micro-kernel's tile
FETCH = signature(corner="ptr", meta="ptr", row="i64", rows="i64", column="i64", addresses="ptr")


def finish_tile(code: Code, spec: Spec, tile: Tile, sums: Value, sums_step: Value, row: Value, rows: Value) -> None:
    """Hand the complete sums of rows `row` on to what follows: the ending, or the way into C."""
    if tile.slots is not None:
        meta = parameter(code, "meta", "ptr")
        call(code, finish(spec), [tile.slots, meta, sums, sums_step, row, rows, 0, tile.columns])
        return
    c_row, c_column = read_meta(code, Meta.C_ROW), read_meta(code, Meta.C_COLUMN)
    c = code.offset(tile.c, row * c_row * spec.out_dtype.itemsize)
    call(code, finish(spec), [sums, sums_step, c, c_row, c_column, rows, tile.columns])


def finish(spec: Spec, *, swapped: bool = False) -> jit.Code:
    """What the sums of a tile go through: the ending, or what rounds, or adds, them into C.

    With `swapped` the ending is over C, while the kernel makes C turned over.
    """
    if spec.ending is not None:
        # what is written by hand to the last register needs no clean-up, the loops of an ending do
        words = spec.ending.digest, spec.compute.short, *(("swapped",) if swapped else ())
        add = partial(_add_ending, ending=spec.ending, parts=(1, 0) if swapped else (0, 1))
        return part("ending", words, spec, add, passes=True)
    return part("finish", _rounding_words(spec), spec, _add_finish)


def finish_panel(spec: Spec) -> jit.Code:
    """As `finish`, with the parameters of an ending where there is none."""
    if spec.ending is not None:
        return finish(spec)
    return part("finish_panel", _rounding_words(spec), spec, _add_finish_panel, requires=(finish(spec),))


def _rounding_words(spec: Spec) -> tuple[str, ...]:
    """All that the way of sums into C without an ending depends on."""
    return spec.packed, spec.out_dtype.short, spec.c_order, "add" if spec.accumulate else "set"


def _handed_over(code: Code) -> list[Value]:
    """The parameters of `ENDING` that say which sums there are: `sums` and those behind it."""
    names = {"sums": "ptr", "sums_step": "i64", "row": "i64", "rows": "i64", "column": "i64", "columns": "i64"}
    return [parameter(code, name, type_name) for name, type_name in names.items()]


def _add_finish_panel(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    sums, sums_step, row, rows, column, columns = _handed_over(code)
    c_row, c_column = read_meta(code, Meta.C_ROW), read_meta(code, Meta.C_COLUMN)
    c = code.load(parameter(code, "corner", "ptr"), "ptr", align=8)
    c = code.offset(c, (row * c_row + column * c_column) * spec.out_dtype.itemsize)
    call(code, finish(spec), [sums, sums_step, c, c_row, c_column, rows, columns])
    module.add(name, code, ENDING, private=False)


def fetch_slots(spec: Spec) -> jit.Code:
    """Finds what the ending will read for a micro-kernel's tile, to be fetched while that is at work."""
    digest = "" if spec.ending is None else spec.ending.digest
    return part("fetch_slots", (digest, spec.compute.short), spec, _add_fetch_slots)


def _add_fetch_slots(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    row, rows, column = (parameter(code, name) for name in ("row", "rows", "column"))
    addresses, found = parameter(code, "addresses", "ptr"), code.constant(0, "i64")
    rows = smaller(rows, spec.tile_rows)
    room = K_BLOCK
    for number, size in spec.ending.read_along_rows() if spec.ending else ():
        room -= spec.tile_rows * -(-spec.tile_columns * size // LINE_BYTES)
        if room < 0:
            break
        row_step = read_meta(code, int(Meta.ENDING) + 2 * number)
        corner = code.load(code.offset(parameter(code, "corner", "ptr"), number, "i64"), "i64", align=8)
        first = corner + row * row_step + column * size
        # what all rows read, as a bias, is in the cache after the first of them
        with code.loop(0, row_step.ne(0).select(rows, 0), carried=[first, found]) as line:
            here, count = line.carried
            for distance in range(0, spec.tile_columns * size, LINE_BYTES):
                code.store(here + distance, code.offset(addresses, count, "i64"), align=8)
                count = count + 1
            line.carried_out = [here + row_step, count]
        found = line.results[1]
    module.add(name, code, FETCH, private=False)


def _add_finish(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    size, out_size = spec.compute.itemsize, spec.out_dtype.itemsize
    columns, column_step = parameter(code, "columns"), parameter(code, "column_step")
    turned = _finish_turned(code, spec) if spec.c_order == "any" else None
    with code.loop(0, parameter(code, "rows")) as row:
        source = code.offset(parameter(code, "staged", "ptr"), row.index * parameter(code, "staged_step"))
        target = code.offset(parameter(code, "c", "ptr"), row.index * parameter(code, "row_step") * out_size)
        done = code.constant(0, "i64")
        if spec.c_order == "column":
            done = columns & -spec.lanes
            with code.loop(0, done, spec.lanes) as column:
                _finish_some(code, spec, code.offset(source, column.index * size),
                             code.offset(target, column.index * out_size), spec.lanes)  # fmt: skip
        elif turned is not None:
            done = row.index.lt(turned[0]).select(turned[1], 0)
            if not spec.accumulate:
                done = _scatter_vectors(code, spec, source, target, done)
        with code.loop(done, columns) as column:
            _finish_some(code, spec, code.offset(source, column.index * size),
                         code.offset(target, column.index * column_step * out_size), 1)  # fmt: skip
    parameters = signature(
        staged="ptr", staged_step="i64", c="ptr", row_step="i64", column_step="i64", rows="i64", columns="i64",
    )  # fmt: skip
    module.add(name, code, parameters, private=False)


def _finish_turned(code: Code, spec: Spec) -> tuple[Value, Value]:
    """Where C's rows are near: squares turned in registers; gives the rows and columns that are done then."""
    size, out_size, lanes = spec.compute.itemsize, spec.out_dtype.itemsize, spec.lanes
    near = parameter(code, "row_step").eq(1)
    rows = near.select(parameter(code, "rows") & -lanes, 0)
    columns = near.select(parameter(code, "columns") & -lanes, 0)
    column_step = parameter(code, "column_step") * out_size
    with code.loop(0, columns, lanes) as column, code.loop(0, rows, lanes) as row:
        step = parameter(code, "staged_step")
        source = code.offset(parameter(code, "staged", "ptr"), row.index * step + column.index * size)
        target = code.offset(parameter(code, "c", "ptr"), column.index * column_step + row.index * out_size)
        square = []
        for _ in range(lanes):
            square.append(code.load(source, LLVM_TYPES[spec.compute.name], lanes))
            source = code.offset(source, step)
        for values in transpose(code, square):
            _store_or_add(code, spec, values, target)
            target = code.offset(target, column_step)
    return rows, columns


def _scatter_vectors(code: Code, spec: Spec, source: Value, target: Value, done: Value) -> Value:
    """The sums of a row from column `done` on in whole vectors, their lanes stored one by one; gives what is done then.

    Columns that are far apart lie in cache lines of others: no store of a vector would do.
    """
    columns, size = parameter(code, "columns"), spec.compute.itemsize
    column_step = parameter(code, "column_step") * spec.out_dtype.itemsize
    end = done + ((columns - done) & -spec.lanes)
    with code.loop(done, end, spec.lanes) as column:
        values = code.load(code.offset(source, column.index * size), LLVM_TYPES[spec.compute.name], spec.lanes)
        values = _narrow(spec, values)
        first = code.offset(target, column.index * column_step)
        store_apart(code, values, (code.offset(first, column_step * lane) for lane in range(spec.lanes)))
    return end


def _finish_some(code: Code, spec: Spec, source: Value, target: Value, lanes: int) -> None:
    _store_or_add(code, spec, code.load(source, LLVM_TYPES[spec.compute.name], lanes), target)


def _store_or_add(code: Code, spec: Spec, value: Value, target: Value) -> None:
    if spec.accumulate:
        value = load_wide(code, target, spec.out_dtype, value.lanes, native_half=spec.fused) + value
    code.store(_narrow(spec, value), target)


def _narrow(spec: Spec, value: Value) -> Value:
    return narrow(value, spec.out_dtype, native_half=spec.fused, native_bfloat=spec.depth > 1)


def _add_ending(module: Module, spec: Spec, name: str, *, ending: Ending, parts: tuple[int, int]) -> None:
    """The ending for a block of rows of a tile."""
    nest = Nest(ending.program, spec.vector_bytes)
    nest.write()
    module.add("ending_rows", nest.code, SIGNATURE)
    code = Code()
    sums, sums_step, row, rows, column, columns = _handed_over(code)
    fields = meta_fields(ending.program)
    slots = code.emit(f"alloca [{len(ending.slots)} x i64], align 8", "ptr")
    numbers = code.emit(f"alloca [{len(fields)} x i64], align 8", "ptr")
    steps = {
        number: tuple(read_meta(code, int(Meta.ENDING) + 2 * number + part) for part in parts)
        for number in range(len(ending.slots))
    }
    steps[ending.sums] = sums_step, code.constant(spec.compute.itemsize, "i64")
    for number, slot in enumerate(ending.slots):
        word = code.load(code.offset(parameter(code, "corner", "ptr"), 8 * number), "i64", align=8)
        if number == ending.sums:
            word = sums.convert("ptrtoint", "i64")
        elif slot.role != "scalar":
            word = word + row * steps[number][0] + column * steps[number][1]
        code.store(word, code.offset(slots, 8 * number), align=8)
    one = code.constant(1, "i64")
    known = {"inner": columns, "block": columns, "outer": rows}
    for place, (field, *where) in enumerate(fields):
        value = known.get(field, one)
        if field in ("outer_stride", "inner_stride"):
            value = steps[int(where[0])][field == "inner_stride"]
        code.store(value, code.offset(numbers, 8 * place), align=8)
    code.effect(f"call void @ending_rows(ptr {slots.ref}, ptr {numbers.ref}, ptr null, i64 0, i64 {rows.ref})")
    module.add(name, code, ENDING, private=False)
