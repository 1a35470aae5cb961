"""The parts of matmul kernels that attention is made of, and how its kernels call them."""

from __future__ import annotations

from dataclasses import replace

from curta.compiler.attention.spec import Meta, Spec, column_step, region, row_step
from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import add_panels
from curta.compiler.matmul.emit import Module, blocks, call, read_meta
from curta.compiler.matmul.finish import add_finish
from curta.compiler.matmul.micro import add_micro_kernel
from curta.compiler.matmul.pack import add_pack_a, add_pack_b


def add_products(module: Module, spec: Spec) -> None:
    """What both directions need: `rows_*` multiply, by a B packed turned over; `values_pack_b` packs one as it is."""
    for prefix, order in (("rows_", "k"), ("values_", "column")):
        part = Module(spec.vector_bytes)
        if order == "k":
            product = spec.product("k", "k")
            add_micro_kernel(part, product)
            add_panels(part, product)
            add_pack_a(part, product)
            add_finish(part, replace(product, out_dtype=spec.dtype))
        else:
            product = spec.product("k", "column")
        add_pack_b(part, product)
        module.include(part, prefix)


def add_parts(module: Module, spec: Spec) -> None:
    """`parts_finish`: sums as they are."""
    part = Module(spec.vector_bytes)
    add_finish(part, spec.product())
    module.include(part, "parts_")


def add_turned_product(module: Module, spec: Spec) -> None:
    """`turned_panels`: products whose A is a block of scores turned over, read where it lies."""
    part = Module(spec.vector_bytes)
    product = spec.product("turned", "column")
    add_micro_kernel(part, product)
    add_panels(part, product)
    module.include(part, "turned_")


def multiply(
    code: Code, spec: Spec, a: Value, b: Value, c: Value, c_step: Value | int, k_count: Value, rows: Value,
    columns: Value, add: Value | int, *, packed: Value | None = None, kind: str = "rows",
) -> None:  # fmt: skip
    """C = A @ B, or += where `add` is not 0: whole tiles of A packed row by row, or of its transpose, and B's panels.

    `packed` is how much of K there is in B, where that is more than counts.
    """
    product = spec.product()
    columns = padded(columns, product.tile_columns)
    if kind == "rows":  # where A is not packed, what lies behind its last row is not zeros
        rows = padded(rows, product.tile_rows)
    row_bytes = product.tile_columns * spec.size
    panel = (k_count if packed is None else packed) * row_bytes
    operands: list[Value | int] = [a, b, panel, row_bytes, b, c, c_step, k_count, rows, columns, add]
    call(code, f"{kind}_panels", [*operands, region(code, spec, "tile")])


def padded(count: Value, step: int) -> Value:
    """The next multiple of `step`."""
    return blocks(count, step) * step


def pack_rows(code: Code, spec: Spec, source: Value, operand: str, rows: Value, width: Meta, target: Value) -> None:
    """Rows of an operand as A."""
    step = row_step(code, spec, operand).unsigned_divide(spec.dtype.itemsize)
    call(code, "rows_pack_a", [source, step, 1, rows, read_meta(code, width), target])


def pack_turned(code: Code, spec: Spec, source: Value, operand: str, rows: Value, width: Meta, target: Value) -> None:
    """Rows of an operand turned over, as B[width, rows]."""
    step = row_step(code, spec, operand).unsigned_divide(spec.dtype.itemsize)
    call(code, "rows_pack_b", [source, 1, step, read_meta(code, width), rows, target])


def pack_values(code: Code, spec: Spec, source: Value, operand: str, rows: Value, width: Meta, target: Value) -> None:
    """Rows of an operand as B[rows, width]."""
    step = row_step(code, spec, operand).unsigned_divide(spec.dtype.itemsize)
    call(code, "values_pack_b", [source, step, 1, rows, read_meta(code, width), target])


def finish_rows(
    code: Code, spec: Spec, sums: Value, sums_step: Value | int, target: Value, operand: str, rows: Value, width: Meta
) -> None:
    """Sums into rows of a result, rounded to its format unless they are to be added up first."""
    part = spec.parts and operand == "to_query"
    size = spec.size if part else spec.dtype.itemsize
    row, column = (step(code, spec, operand).unsigned_divide(size) for step in (row_step, column_step))
    call(
        code,
        "parts_finish" if part else "rows_finish",
        [sums, sums_step, target, row, column, rows, read_meta(code, width)],
    )


def clear(code: Code, target: Value, nbytes: Value) -> None:
    """Zeros."""
    code.declarations["llvm.memset.p0.i64"] = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"
    code.effect(f"call void @llvm.memset.p0.i64(ptr {target.ref}, i8 0, i64 {nbytes.ref}, i1 false)")
