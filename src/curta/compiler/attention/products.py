"""The parts of matmul kernels that attention is made of, and how its kernels call them."""

from __future__ import annotations

from dataclasses import replace

from curta.compiler.attention.spec import Meta, Spec, column_step, region, row_step
from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import blocks, call, null, read_meta
from curta.compiler.matmul.finish import finish
from curta.compiler.matmul.micro import panels
from curta.compiler.matmul.pack import pack_a, pack_b
from curta.compiler.matmul.spec import Spec as ProductSpec
from curta.runtime import jit


def attention_parts(spec: Spec) -> tuple[jit.Code, ...]:
    """What a kernel requires."""
    made = pack_a(_rows(spec)), pack_b(_rows(spec)), pack_b(_values(spec)), panels(_rows(spec)), finish(_result(spec))
    if spec.family == "forward":
        return made
    return (*made, panels(_turned(spec)), *((finish(spec.product()),) if spec.parts else ()))


def _rows(spec: Spec) -> ProductSpec:
    """Products by a B packed turned over."""
    return spec.product("k", "k")


def _values(spec: Spec) -> ProductSpec:
    """Products by a B packed as it is."""
    return spec.product("k", "column")


def _turned(spec: Spec) -> ProductSpec:
    """Products whose A is a block of scores turned over, read where it lies."""
    return spec.product("turned", "column")


def _result(spec: Spec) -> ProductSpec:
    """Products whose sums are rounded to the operands' format."""
    return replace(spec.product(), out_dtype=spec.dtype)


def multiply(
    code: Code, spec: Spec, a: Value, b: Value, c: Value, c_step: Value | int, k_count: Value, rows: Value,
    columns: Value, add: Value | int, *, packed: Value | None = None, turned: bool = False,
) -> None:  # fmt: skip
    """C = A @ B, or += where `add` is not 0: whole tiles of A packed row by row, or of its transpose, and B's panels.

    `packed` is how much of K there is in B, where that is more than counts.
    """
    product = spec.product()
    columns = padded(columns, product.tile_columns)
    if not turned:  # where A is not packed, what lies behind its last row is not zeros
        rows = padded(rows, product.tile_rows)
    row_bytes = product.tile_columns * spec.size
    words, panel = (blocks(count, product.depth) for count in (k_count, k_count if packed is None else packed))
    a_step = product.a_row_step * spec.size
    operands: list[Value | int] = [
        a, a_step, b, panel * row_bytes, row_bytes, b, c, c_step, words, rows, columns, add
    ]  # fmt: skip
    call(
        code,
        panels(_turned(spec) if turned else _rows(spec)),
        [*operands, region(code, spec, "tile"), row_bytes, null(code), null(code)],
    )


def padded(count: Value, step: int) -> Value:
    """The next multiple of `step`."""
    return blocks(count, step) * step


def pack_rows(code: Code, spec: Spec, source: Value, operand: str, rows: Value, width: Meta, target: Value) -> None:
    """Rows of an operand as A."""
    step = row_step(code, spec, operand).unsigned_divide(spec.dtype.itemsize)
    call(code, pack_a(_rows(spec)), [source, step, 1, rows, read_meta(code, width), target])


def pack_turned(code: Code, spec: Spec, source: Value, operand: str, rows: Value, width: Meta, target: Value) -> None:
    """Rows of an operand turned over, as B[width, rows]."""
    step = row_step(code, spec, operand).unsigned_divide(spec.dtype.itemsize)
    call(code, pack_b(_rows(spec)), [source, 1, step, read_meta(code, width), rows, target])


def pack_values(code: Code, spec: Spec, source: Value, operand: str, rows: Value, width: Meta, target: Value) -> None:
    """Rows of an operand as B[rows, width]."""
    step = row_step(code, spec, operand).unsigned_divide(spec.dtype.itemsize)
    call(code, pack_b(_values(spec)), [source, step, 1, rows, read_meta(code, width), target])


def finish_rows(
    code: Code, spec: Spec, sums: Value, sums_step: Value | int, target: Value, operand: str, rows: Value, width: Meta
) -> None:
    """Sums into rows of a result, rounded to its format unless they are to be added up first."""
    part = spec.parts and operand == "to_query"
    size = spec.size if part else spec.dtype.itemsize
    row, column = (step(code, spec, operand).unsigned_divide(size) for step in (row_step, column_step))
    call(
        code,
        finish(spec.product() if part else _result(spec)),
        [sums, sums_step, target, row, column, rows, read_meta(code, width)],
    )


def clear(code: Code, target: Value, nbytes: Value) -> None:
    """Zeros."""
    code.declarations["llvm.memset.p0.i64"] = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"
    code.effect(f"call void @llvm.memset.p0.i64(ptr {target.ref}, i8 0, i64 {nbytes.ref}, i1 false)")
