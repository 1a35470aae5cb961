"""Products of integers: plain loops, wrapping around in the format of the operands."""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import Tile, each_tile
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, read_meta
from curta.compiler.matmul.finish import finish_tile
from curta.compiler.matmul.spec import Meta, Spec
from curta.compiler.matmul.tiles import Costs


def make_integer_kernel(spec: Spec) -> str:
    """The LLVM text of the integer kernel: over vectors of columns where those of B and C are near."""
    module = Module(spec.vector_bytes)
    code = Code()
    with each_tile(code, spec) as tile:
        with code.loop(0, tile.rows) as row:
            _row(code, spec, tile, row.index)
        if spec.ending is not None:
            c_step = read_meta(code, Meta.C_ROW) * spec.dtype.itemsize
            finish_tile(code, spec, tile, tile.c, c_step, code.constant(0, "i64"), tile.rows)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def integer_costs(spec: Spec, K: int) -> Costs:
    """About one step of the inner loop a cycle."""

    def cycles(rows: int, columns: int) -> float:
        return rows * columns * (K + 8) / _lanes(spec)

    return Costs(4, 4 * _lanes(spec), cycles, lambda rows, columns: True)


def _lanes(spec: Spec) -> int:
    return min(spec.vector_bytes // spec.dtype.itemsize, 16)


def _row(code: Code, spec: Spec, tile: Tile, row: Value) -> None:
    done = code.constant(0, "i64")
    if spec.b_order == "column" and spec.c_order == "column":
        done = tile.columns & -_lanes(spec)
        with code.loop(0, done, _lanes(spec)) as column:
            _columns(code, spec, tile, row, column.index, _lanes(spec))
    with code.loop(done, tile.columns) as column:
        _columns(code, spec, tile, row, column.index, 1)


def _columns(code: Code, spec: Spec, tile: Tile, row: Value, column: Value, lanes: int) -> None:
    """C[row, column : column + lanes]."""
    size = spec.dtype.itemsize
    a = code.offset(tile.a, row * read_meta(code, Meta.A_ROW) * size)
    b = code.offset(tile.b, column * read_meta(code, Meta.B_COLUMN) * size)
    c = code.offset(tile.c, (row * read_meta(code, Meta.C_ROW) + column * read_meta(code, Meta.C_COLUMN)) * size)
    a_step, b_step = read_meta(code, Meta.A_K) * size, read_meta(code, Meta.B_K) * size
    before = code.load(c, spec.type, lanes) if spec.accumulate else code.constant(0, spec.type, lanes)
    with code.loop(0, read_meta(code, Meta.K), carried=[a, b, before]) as k:
        left, right, total = k.carried
        product = code.spread(code.load(left, spec.type), lanes) * code.load(right, spec.type, lanes)
        k.carried_out = [code.offset(left, a_step), code.offset(right, b_step), total + product]
    code.store(k.results[2], c)
