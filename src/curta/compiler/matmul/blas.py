"""A product done by a BLAS: each unit calls its function for one tile, and Curta's ending follows as ever.

How a product is cut follows from its sizes alone, since a BLAS may add up the tiles of another cut in another order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import each_tile
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, larger, parameter, read_meta
from curta.compiler.matmul.finish import finish_tile
from curta.compiler.matmul.spec import Meta, Spec
from curta.compiler.matmul.tiles import Tiles, round_up
from curta.runtime.blas import Library

if TYPE_CHECKING:
    from curta.compiler.matmul.plan import Operands

#: CBLAS's words for rows that lie one after the other, and for a matrix as it lies or turned over
_ROW_MAJOR, _AS_IT_LIES, _TURNED = 101, 111, 112
#: sides of tiles are multiples of this, which register blocks divide
_STEP = 16
#: most elements of C in a tile
_TILE_ELEMENTS = 1 << 18
#: more tiles than this only if they would be too large
_MOST_TILES = 64
#: multiply-adds that are worth handing to another thread
_SMALL = 1 << 18


class Shape(NamedTuple):
    """What decides which kernel is faster for one matrix times another: format, near directions as in `Spec`, sizes."""

    dtype: str
    a_order: str
    b_order: str
    M: int
    N: int
    K: int


@dataclass(frozen=True)
class Blas:
    """A library, and for which products it is wanted."""

    library: Library
    wanted: Callable[[Shape], bool]


def blas_spec(spec: Spec, operands: Operands, blas: Blas) -> Spec | None:
    """The kernel that calls the library for this product; None where it is not wanted, or cannot read the operands."""
    M, N, K, bits = operands.M, operands.N, operands.K, blas.library.integer_bits
    if blas.library.function(spec.dtype.name) is None or min(M, N, K, operands.batches) == 0:
        return None
    a_order = _order(operands.a, (M, K), ("row", "k"))
    b_order = _order(operands.b, (K, N), ("k", "column"))
    largest = max(M, N, K, *operands.a, *operands.b, operands.c[0])
    overlapping = M > 1 and not spec.staged and operands.c[0] < N
    if a_order is None or b_order is None or overlapping or largest >> (bits - 1):
        return None
    if not blas.wanted(Shape(spec.dtype.name, a_order, b_order, M, N, K)):
        return None
    return replace(spec, family=f"blas{bits}", a_order=a_order, b_order=b_order)


def _order(strides: tuple[int, int], sizes: tuple[int, int], names: tuple[str, str]) -> str | None:
    """The direction whose elements are neighbours, in lines that do not overlap; the second one where both are."""
    for near in (1, 0):
        far = 1 - near
        if (strides[near] == 1 or sizes[near] == 1) and (strides[far] >= sizes[near] or sizes[far] == 1):
            return names[near]
    return None


def blas_tiles(M: int, N: int, K: int, batches: int) -> Tiles:
    """About the square root of the work in tiles, as near to squares as they go; small batches are put together.

    >>> blas_tiles(512, 1024, 512, 1)
    Tiles(unit_rows=128, unit_columns=128, row_tiles=4, column_tiles=8, batches_per_unit=1, units=32)
    """
    # a row times a matrix takes as long as reading the matrix does
    wanted = K * N >> 16 if M == 1 else math.isqrt(M * N * K >> 18)
    wanted = max(1, -(-min(wanted, _MOST_TILES) // batches), -(-M * N // _TILE_ELEMENTS))
    cuts = []
    for power in range(wanted.bit_length()):
        rows = round_up(-(-M >> power), _STEP)
        columns = round_up(-(-N // -(-wanted >> power)), _STEP)
        row_tiles, column_tiles = -(-M // rows), -(-N // columns)
        # as many as are wanted, with the least packing: each tile packs its rows and columns
        cuts.append((-min(row_tiles * column_tiles, wanted), column_tiles * M + row_tiles * N, rows, columns))
    *_, unit_rows, unit_columns = min(cuts)
    row_tiles, column_tiles = -(-M // unit_rows), -(-N // unit_columns)
    together = 1
    if row_tiles * column_tiles == 1:
        together = max(1, min(-(-batches // _STEP), _SMALL // (M * N * K)))
    units = row_tiles * column_tiles * -(-batches // together)
    return Tiles(unit_rows, unit_columns, row_tiles, column_tiles, together, units)


def blas_scratch(spec: Spec, tiles: Tiles) -> int:
    """Bytes of scratch for the sums of a tile, where they cannot be kept in C."""
    return tiles.unit_rows * round_up(tiles.unit_columns, _STEP) * spec.compute.itemsize if spec.staged else 0


def make_blas_kernel(spec: Spec) -> str:
    """The LLVM text of the kernel that calls a BLAS for `spec`; where the function is stands in its `meta`."""
    module, code = Module(spec.vector_bytes), Code()
    with each_tile(code, spec) as tile:
        sums, step = tile.c, larger(read_meta(code, Meta.C_ROW), read_meta(code, Meta.N))
        if spec.staged:
            sums, step = parameter(code, "scratch", "ptr"), (read_meta(code, Meta.UNIT_COLUMNS) + _STEP - 1) & -_STEP
        add = spec.accumulate and not spec.staged
        _call(code, spec, (tile.rows, tile.columns), (tile.a, tile.b, sums), step, 1.0 if add else 0.0)
        if spec.staged or spec.ending is not None:
            finish_tile(code, spec, tile, sums, step * spec.compute.itemsize, code.constant(0, "i64"), tile.rows)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _call(
    code: Code, spec: Spec, extent: tuple[Value, Value], corners: tuple[Value, Value, Value], c_step: Value, beta: float
) -> None:
    """cblas_?gemm(order, turn A, turn B, M, N, K, alpha, A, step, B, step, beta, C, step)."""
    integer = spec.family.replace("blas", "i")
    number = spec.type
    turn_a, turn_b = (_TURNED if turned else _AS_IT_LIES for turned in (spec.a_order == "row", spec.b_order == "k"))
    # of a single line the step does not matter, but must not look too short
    a_step = _step(code, (Meta.A_K, Meta.M) if spec.a_order == "row" else (Meta.A_ROW, Meta.K))
    b_step = _step(code, (Meta.B_COLUMN, Meta.K) if spec.b_order == "k" else (Meta.B_K, Meta.N))
    rows, columns, depth, a_step, b_step, c_step = (
        value if integer == "i64" else code.emit(f"trunc i64 {value.ref} to i32", "i32")
        for value in (*extent, read_meta(code, Meta.K), a_step, b_step, c_step)
    )
    one, scale = code.constant(1.0, number), code.constant(beta, number)
    a, b, c = corners
    where = code.offset(parameter(code, "meta", "ptr"), int(Meta.FUNCTION), "i64")
    function = code.load(where, "ptr", align=8)
    given = [rows, columns, depth, one, a, a_step, b, b_step, scale, c, c_step]
    words = [f"i32 {word}" for word in (_ROW_MAJOR, turn_a, turn_b)]
    arguments = ", ".join([*words, *(f"{value.full_type} {value.ref}" for value in given)])
    code.effect(f"call void {function.ref}({arguments})")


def _step(code: Code, items: tuple[Meta, Meta]) -> Value:
    """The distance between a matrix's lines: its stride, no less than the length of a line."""
    return larger(read_meta(code, items[0]), read_meta(code, items[1]))
