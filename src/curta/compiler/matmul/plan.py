"""Choosing a kernel, its tiles and its run-time sizes for one matmul."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from curta.compiler.matmul.amx import amx_costs, amx_k_block, amx_scratch, make_amx_kernel
from curta.compiler.matmul.blas import Blas, blas_scratch, blas_spec, blas_tiles, make_blas_kernel
from curta.compiler.matmul.block import block_costs, block_parts, make_block_kernel, scratch_layout
from curta.compiler.matmul.dots import dots_costs, dots_family, make_dots_kernel
from curta.compiler.matmul.ending import Ending
from curta.compiler.matmul.few import few_costs, few_family, few_parts, few_scratch, make_few_kernel
from curta.compiler.matmul.finish import finish
from curta.compiler.matmul.integer import integer_costs, make_integer_kernel
from curta.compiler.matmul.rows import rows_scratch
from curta.compiler.matmul.spec import LLVM_TYPES, Meta, Spec, in_pairs, in_tiles
from curta.compiler.matmul.streams import make_stream_kernel, stream_costs, stream_family
from curta.compiler.matmul.tiles import (
    BEYOND_CACHES,
    CACHE_LINES,
    Tiles,
    choose_tiles,
    even_blocks,
    round_up,
    rows_alike,
)
from curta.dtypes import DType, compute_dtype
from curta.errors import ArgumentError, DTypeError, ShapeError
from curta.runtime import cpu, jit

#: a matrix B this small is read where it lies, because it stays in the first cache without packing
IN_PLACE_BYTES = 24_000
#: narrower vectors are taken where they multiply at most this part
MUCH_LESS = 0.6

Kind = TypeVar("Kind", bound=Spec)


@dataclass(frozen=True)
class MatmulPlan:
    """A matmul made ready: its kernel's text, and what the kernel reads while it runs.

    `key` names the machine code (formats and stride pattern, never sizes); `make_ir()` writes its LLVM text, in which
    the kernel is `function_name`, which `requires` others, and over which LLVM's clean-up runs where `passes` says so;
    `meta` are its sizes and strides; `units` of work are handed out `grain` at a time; `scratch_bytes` is what each
    thread needs.
    """

    key: str
    make_ir: Callable[[], str]
    function_name: str
    meta: tuple[int, ...]
    units: int
    grain: int
    scratch_bytes: int
    passes: bool = False
    requires: tuple[jit.Code, ...] = ()


@dataclass(frozen=True)
class Operands:
    """Sizes and element strides; each of `batch` is a size and the strides of A, B and C along it, then those of an
    ending's slots in bytes; `rows` are the strides in bytes of these slots along rows and columns."""

    M: int
    N: int
    K: int
    a: tuple[int, int]
    b: tuple[int, int]
    c: tuple[int, int]
    batch: tuple[tuple[int, ...], ...]
    slots: tuple[tuple[int, int], ...] = ()
    a_slot: int = 0

    def swapped(self) -> Operands:
        """The same product turned over: C^T = B^T @ A^T."""
        batch = tuple((size, b, a, c, *slots) for size, a, b, c, *slots in self.batch)
        return Operands(
            self.N, self.M, self.K, self.b[::-1], self.a[::-1], self.c[::-1], batch,
            tuple((column, row) for row, column in self.slots), 1 - self.a_slot,
        )  # fmt: skip

    @property
    def batches(self) -> int:
        count = 1
        for size, *_ in self.batch:
            count *= size
        return count


def plan_matmul(
    dtype: DType,
    batch_sizes: Sequence[int],
    M: int,
    N: int,
    K: int,
    a_strides: Sequence[int],
    b_strides: Sequence[int],
    c_strides: Sequence[int],
    *,
    level: str,
    vector_bytes: int,
    out_dtype: DType | None = None,
    accumulate: bool = False,
    summed: bool = False,
    ending: Ending | None = None,
    blas: Blas | None = None,
) -> MatmulPlan:
    """The plan of C[*batch, M, N] = A[*batch, M, K] @ B[*batch, K, N], or += with `accumulate`.

    With `summed` C is the sum of the products along the last batch dimension, where its stride is 0: ArgumentError
    where it is not of the sums' format or has columns that are no neighbours.
    With an `ending` the sums go through it: the operands are then the addresses of A and B, and those of its slots.

    Strides are in elements, one for each batch dimension (0 where an operand is broadcast) and then the last two; they
    may be anything. The kernel's operands are the addresses of A, B and C. A and B are of `dtype`; C is of
    `out_dtype`, which is `dtype` or, for the half formats, float32. Half formats are summed in float32 and rounded
    once; integers wrap around. `level` is the processor's, one of `cpu.LEVELS`. A `blas` does
    what it can and is wanted for.

    >>> from curta.dtypes import float32
    >>> plan = plan_matmul(float32, (), 2, 3, 4, (4, 1), (3, 1), (3, 1), level="avx2", vector_bytes=32)
    >>> plan.units, plan.meta[:3]
    (1, (2, 3, 4))
    """
    out_dtype = out_dtype or dtype
    _check_formats(dtype, out_dtype, level, vector_bytes)
    _check_shapes(batch_sizes, (M, N, K), (a_strides, b_strides, c_strides))
    slots = () if ending is None else ending.strides
    along = (a_strides, b_strides, c_strides, *slots)
    dims = tuple(zip(batch_sizes, *(each[:-2] for each in along), strict=True))
    operands = Operands(
        M, N, K, (a_strides[-2], a_strides[-1]), (b_strides[-2], b_strides[-1]), (c_strides[-2], c_strides[-1]), dims,
        tuple((each[-2], each[-1]) for each in slots),
    )  # fmt: skip
    adding_up = summed and batch_sizes[-1] != 1
    operands = operands if adding_up else _merge_batches(operands)
    turned = not _near(operands.c[1], N) and _near(operands.c[0], operands.M)
    if turned or (operands.N == 1 and operands.M != 1):
        operands = operands.swapped()
        ending = None if ending is None else ending.turned()
    spec = Spec(
        "block", dtype, out_dtype, _order(operands.a, (operands.M, K), ("row", "k")),
        _order(operands.b, (K, operands.N), ("k", "column")), "column" if _near(operands.c[1], operands.N) else "any",
        accumulate, level, vector_bytes, ending,
    )  # fmt: skip
    if adding_up:
        return _summed_plan(spec, operands, batch_sizes[-1], c_strides)
    if blas is not None and (calling := blas_spec(spec, operands, blas)) is not None:
        return _blas_plan(calling, operands, blas)
    if not dtype.is_floating_point:
        return _integer_plan(spec, operands)
    if (held := _rows_plan(spec, operands)) is not None:
        return held
    if in_tiles(dtype, level):
        return _amx_plan(spec, operands)
    if in_pairs(dtype, level):
        spec = replace(spec, family="pairs")
    return _few_plan(spec, operands) or _block_plan(spec, operands)


def _check_formats(dtype: DType, out_dtype: DType, level: str, vector_bytes: int) -> None:
    if dtype.name not in LLVM_TYPES:
        raise DTypeError(f"matmul: not implemented for {dtype!r}")
    if out_dtype is not dtype and out_dtype is not compute_dtype(dtype):
        raise DTypeError(f"matmul: a product of {dtype.short} cannot be stored as {out_dtype.short}")
    if level not in cpu.LEVELS or vector_bytes not in (16, 32, 64):
        raise ArgumentError(f"matmul: no kernels for level {level!r} with vectors of {vector_bytes} bytes")


def _check_shapes(batch: Sequence[int], sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> None:
    if min((*sizes, *batch)) < 0:
        raise ShapeError(f"matmul: sizes must not be negative, got batch {tuple(batch)}, M, N, K {tuple(sizes)}")
    if any(len(each) != len(batch) + 2 for each in strides):
        raise ShapeError(f"matmul: {len(batch)} batch dimensions need {len(batch) + 2} strides each, got {strides}")


def _near(stride: int, size: int) -> bool:
    """Neighbours along this direction are neighbours in memory, as far as there are any."""
    return stride == 1 or size == 1


def _order(strides: tuple[int, int], sizes: tuple[int, int], names: tuple[str, str]) -> str:
    """Which direction of a matrix is near: the second one where both are, or "any"."""
    for direction in (1, 0):
        if strides[direction] == 1:
            return names[direction]
    for direction in (1, 0):
        if sizes[direction] == 1:
            return names[direction]
    return "any"


def _merge_batches(operands: Operands) -> Operands:
    """Fewer batch dimensions: neighbours that step as one, and those that only continue A's and C's rows."""
    merged: list[tuple[int, ...]] = []
    for dim in operands.batch:
        if dim[0] == 1:
            continue
        if merged and all(outer == dim[0] * inner for outer, inner in zip(merged[-1][1:], dim[1:], strict=True)):
            merged[-1] = (merged[-1][0] * dim[0], *dim[1:])
        else:
            merged.append(dim)
    while merged:
        size, a, b, c, *slots = merged[-1]
        rows = (operands.a[0], operands.c[0], *(row for row, _ in operands.slots))
        going_on = all(step == operands.M * row for step, row in zip((a, c, *slots), rows, strict=True))
        if b != 0 or (operands.M != 1 and not going_on):
            break
        merged.pop()
        if operands.M == 1:
            rows = (a, c, *slots)
        operands = replace(
            operands, M=operands.M * size, a=(rows[0], operands.a[1]), c=(rows[1], operands.c[1]),
            slots=tuple((row, column) for row, (_, column) in zip(rows[2:], operands.slots, strict=True)),
        )  # fmt: skip
    return replace(operands, batch=tuple(merged))


def _blas_plan(spec: Spec, operands: Operands, blas: Blas) -> MatmulPlan:
    tiles = blas_tiles(operands.M, operands.N, operands.K, operands.batches)
    function = blas.library.function(spec.dtype.name) or 0
    requires = (finish(spec),) if spec.staged or spec.ending is not None else ()
    return make_plan(spec, operands, tiles, make_blas_kernel, blas_scratch(spec, tiles), requires, function=function)


def _integer_plan(spec: Spec, operands: Operands) -> MatmulPlan:
    spec = replace(spec, family="integer", a_order="any")
    tiles = choose_tiles(integer_costs(spec, operands.K), operands.M, operands.N, operands.batches)
    requires = (finish(spec),) if spec.ending is not None else ()
    return make_plan(spec, operands, tiles, make_integer_kernel, 0, requires)


def _rows_plan(spec: Spec, operands: Operands) -> MatmulPlan | None:
    """One row and a few more times a matrix that is read where it lies; None where another kernel is faster."""
    if spec.b_order == "k":
        family = dots_family(spec, operands.M, operands.N, operands.K)
        costs, make = dots_costs, make_dots_kernel
    else:
        family = stream_family(spec, operands.M) if spec.b_order == "column" else None
        costs, make = stream_costs, make_stream_kernel
    if family is None:
        return None
    spec = replace(spec, family=family, a_order="any")
    tiles = choose_tiles(costs(spec, operands.K), operands.M, operands.N, operands.batches)
    return make_plan(spec, operands, tiles, make, rows_scratch(spec, tiles.unit_columns), (finish(spec),))


def _few_plan(spec: Spec, operands: Operands) -> MatmulPlan | None:
    """A few rows times a matrix that lies as it is read, with K near; None where another kernel is faster."""
    near = spec.b_order == "k" and operands.b[0] == 1 and spec.c_order == "column"
    if not near or (spec.dtype is not spec.compute and spec.depth == 1):
        return None
    operands = operands.swapped()
    if spec.lanes >= 2 * operands.N and spec.vector_bytes == 64:
        spec = replace(spec, vector_bytes=32)  # as fast on a Zen 4, see `_half_as_wide`
    family = few_family(spec, operands.M, operands.N, operands.K, operands.a[0] * spec.dtype.itemsize)
    if family is None:
        return None
    b_order = _order(operands.b, (operands.K, operands.N), ("k", "column"))
    spec = replace(spec, family=family, a_order="k", b_order=b_order, c_order="any")
    tiles = choose_tiles(few_costs(spec, operands.K), operands.M, operands.N, operands.batches)
    k_block = even_blocks(operands.K, spec.k_block)
    scratch = few_scratch(spec, tiles.unit_rows, tiles.unit_columns, operands.K, k_block)
    return make_plan(spec, operands, tiles, make_few_kernel, scratch, few_parts(spec), k_block=k_block)


def _amx_plan(spec: Spec, operands: Operands) -> MatmulPlan:
    spec = replace(spec, family="amx")
    tiles = choose_tiles(amx_costs(spec, operands.K), operands.M, operands.N, operands.batches)
    k_block = amx_k_block(operands.K)
    scratch = amx_scratch(tiles.unit_rows, tiles.unit_columns, k_block)
    return make_plan(spec, operands, tiles, make_amx_kernel, scratch, (finish(spec),), k_block=k_block)


def _half_as_wide(spec: Spec, operands: Operands) -> Spec:
    """With vectors of half the width where their micro-kernel, of half as many rows and columns, multiplies much less
    that is not there: a Zen 4 multiplies both widths at one rate."""
    if spec.vector_bytes != 64 or spec.family != "block":
        return spec
    half = replace(spec, vector_bytes=32)
    whole, less = (one.computed_rows(operands.M) * round_up(operands.N, one.tile_columns) for one in (spec, half))
    return half if less <= MUCH_LESS * whole else spec


def packed_where_needed(spec: Kind, a_row: int, K: int) -> Kind:
    """Rows of A, `a_row` elements apart, are packed where they displace each other in the cache, or end in half a
    word."""
    displaced = rows_alike(spec.tile_rows, a_row * spec.dtype.itemsize) >= CACHE_LINES
    return replace(spec, a_order="k_packed") if spec.a_in_place and (displaced or K % spec.depth) else spec


def _summed_plan(spec: Spec, operands: Operands, batches: int, c_strides: Sequence[int]) -> MatmulPlan:
    """The products of so many batches added up."""
    fits = spec.dtype.is_floating_point and not spec.staged and not spec.accumulate and spec.ending is None
    if not fits or batches < 1 or c_strides[-3] != 0:
        raise ArgumentError(
            f"matmul: only batches of float products can be added up, at least one, into neighbouring columns of "
            f"{spec.compute.short} with a stride of 0 between batches, got {batches} of {spec.dtype.short} into "
            f"{spec.out_dtype.short} with strides {tuple(c_strides)}"
        )
    return _block_plan(replace(spec, summed=True), operands, batches)


def _block_plan(spec: Spec, operands: Operands, summed: int = 1) -> MatmulPlan:
    """The blocked product; so many batches are added up."""
    spec = _half_as_wide(spec, operands)
    spec = packed_where_needed(spec, operands.a[0], operands.K)
    sums = operands.batches // summed
    tiles = choose_tiles(block_costs(spec, operands.K * summed), operands.M, operands.N, sums)
    if summed > 1:
        tiles = replace(tiles, batches_per_unit=summed, units=tiles.row_tiles * tiles.column_tiles * sums)
    k_block = even_blocks(operands.K, spec.k_block)
    # few rows are worth no packing, but of what comes from memory: that is fetched ahead only where it is packed
    few_rows = 2 * spec.tile_rows >= operands.M and operands.K * operands.N * spec.dtype.itemsize <= BEYOND_CACHES
    in_first_cache = operands.K * abs(operands.b[0]) * spec.compute.itemsize <= IN_PLACE_BYTES
    in_place = spec.b_in_place_possible and (few_rows or in_first_cache)
    scratch = sum(scratch_layout(spec, tiles.unit_rows, tiles.unit_columns, spec.in_one_block(operands.K)))
    return make_plan(
        spec, operands, tiles, make_block_kernel, scratch, block_parts(spec), k_block=k_block, b_in_place=in_place
    )


def make_plan(
    spec: Spec, operands: Operands, tiles: Tiles, make_kernel: Callable[[Spec], str], scratch_bytes: int,
    requires: tuple[jit.Code, ...], *, k_block: int = 1, b_in_place: bool = False, function: int = 0,
) -> MatmulPlan:  # fmt: skip
    """The plan for chosen tiles, its `meta` in the order of `Meta`."""
    meta = {
        Meta.M: operands.M, Meta.N: operands.N, Meta.K: operands.K, Meta.A_ROW: operands.a[0], Meta.A_K: operands.a[1],
        Meta.B_K: operands.b[0], Meta.B_COLUMN: operands.b[1], Meta.C_ROW: operands.c[0], Meta.C_COLUMN: operands.c[1],
        Meta.UNIT_ROWS: tiles.unit_rows, Meta.UNIT_COLUMNS: tiles.unit_columns, Meta.ROW_TILES: tiles.row_tiles,
        Meta.COLUMN_TILES: tiles.column_tiles, Meta.K_BLOCK: k_block, Meta.BATCHES: operands.batches,
        Meta.BATCHES_PER_UNIT: tiles.batches_per_unit, Meta.B_IN_PLACE: int(b_in_place), Meta.A_SLOT: operands.a_slot,
        Meta.BATCH_DIMS: len(operands.batch), Meta.FUNCTION: function,
    }  # fmt: skip
    table = [number for dim in reversed(operands.batch) for number in dim]
    endings = [step for slot in operands.slots for step in slot]
    numbers = (*(meta[Meta(index)] for index in range(Meta.ENDING)), *endings, *table)
    return MatmulPlan(
        spec.key, lambda: make_kernel(spec), spec.key, numbers, tiles.units, 1, scratch_bytes, requires=requires
    )
