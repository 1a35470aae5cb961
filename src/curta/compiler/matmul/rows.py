"""One to eight rows times a matrix that is read once, where it lies: what the two kernels for them have in common.

A piece of each row is held ready in the order and format in which it is multiplied, and sums lie row by row in scratch
until they are complete.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import each_tile
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, call, parameter, read_meta, signature, smaller
from curta.compiler.matmul.finish import LINE_BYTES, finish_tile
from curta.compiler.matmul.spec import Meta, Spec
from curta.compiler.matmul.tiles import Costs

#: the parameters of `sum`: what is held of the rows, B from this piece of K on and the bytes of its longer step
SUM = signature(held="ptr", b="ptr", b_step="i64", k_count="i64", columns="i64", sums="ptr", sums_step="i64")


def make_rows_kernel(spec: Spec, b_step: Meta, add_sum: Callable[[Module, Spec], None]) -> str:
    """The LLVM text of the kernel whose function `sum` adds a piece of K to the sums."""
    module = Module(spec.vector_bytes)
    _add_gather(module, spec)
    add_sum(module, spec)
    code = Code()
    size, in_size, held = spec.compute.itemsize, spec.dtype.itemsize, parameter(code, "scratch", "ptr")
    sums = code.offset(held, held_step(spec) * spec.rows_at_once)
    sums_step = (read_meta(code, Meta.UNIT_COLUMNS) + spec.lanes) * size
    k_all, a_row, a_step, b_k = (read_meta(code, item) for item in (Meta.K, Meta.A_ROW, Meta.A_K, Meta.B_K))
    with each_tile(code, spec) as tile:
        for row in range(spec.rows_at_once):
            with code.loop(0, tile.columns) as column:
                code.store(code.constant(0, spec.type), code.offset(sums, sums_step * row + column.index * size))
        with code.loop(0, k_all, _k_block(spec)) as k:
            k_count = smaller(k_all - k.index, _k_block(spec))
            for row in range(spec.rows_at_once):
                source = code.offset(tile.a, (a_row * row + k.index * a_step) * in_size)
                call(code, "gather", [source, a_step, k_count, code.offset(held, held_step(spec) * row)])
            b, step = code.offset(tile.b, k.index * b_k * in_size), read_meta(code, b_step) * in_size
            call(code, "sum", [held, b, step, k_count, tile.columns, sums, sums_step])
        finish_tile(code, spec, tile, sums, sums_step, code.constant(0, "i64"), tile.rows)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def rows_scratch(spec: Spec, unit_columns: int) -> int:
    """Bytes of scratch: pieces of the rows, and the sums of a unit's columns."""
    return spec.rows_at_once * (held_step(spec) + (unit_columns + spec.lanes) * spec.compute.itemsize)


def rows_costs(spec: Spec, step: int, K: int) -> Costs:
    """The time to read B from memory, about eight bytes a cycle, or to multiply it, and to hold rows ready."""
    return _rows_costs(spec.rows_at_once, step, spec.lanes * spec.depth, spec.dtype.itemsize, K)


@cache  # one object for equal costs, by which the chosen tiles are found again
def _rows_costs(rows_at_once: int, step: int, lanes: int, itemsize: int, K: int) -> Costs:
    def cycles(rows: int, columns: int) -> float:
        return columns * K * max(itemsize / 8, rows / lanes) + rows * K / 2

    return Costs(rows_at_once, step, cycles, lambda rows, columns: columns <= 8192)


def _k_block(spec: Spec) -> int:
    """Elements of each row held ready at a time: as many as a first-level cache holds beside what is read of B."""
    return 2048 if spec.rows_at_once <= 2 else 1024


def held_size(spec: Spec) -> int:
    """Bytes of an element held ready: in the sums' format, or as it is where pairs are multiplied."""
    return spec.compute.itemsize // spec.depth


def held_step(spec: Spec) -> int:
    """Bytes between rows held ready: a line more than these, so that they do not displace each other."""
    return _k_block(spec) * held_size(spec) + LINE_BYTES


def load(code: Code, spec: Spec, pointer: Value, lanes: int = 1) -> Value:
    """Elements in the sums' format."""
    return load_wide(code, pointer, spec.dtype, lanes, native_half=spec.fused)


def _add_gather(module: Module, spec: Spec) -> None:
    """`gather`: a piece of a row made contiguous, as it is multiplied; in vectors where it lies so."""
    code = Code()
    count, step, size = parameter(code, "count"), parameter(code, "step"), held_size(spec)
    source, target = parameter(code, "source", "ptr"), parameter(code, "target", "ptr")
    lanes = spec.lanes * spec.depth
    whole = step.eq(1).select(count & -lanes, 0)
    for first, last, some in ((code.constant(0, "i64"), whole, lanes), (whole, count, 1)):
        with code.loop(first, last, some) as k:
            place = code.offset(source, k.index * step * spec.dtype.itemsize)
            value = code.load(place, "i16", some) if spec.depth > 1 else load(code, spec, place, some)
            code.store(value, code.offset(target, k.index * size))
    module.add("gather", code, signature(source="ptr", step="i64", count="i64", target="ptr"))
