"""A row times a matrix whose columns are neighbours, C[1, N] = A[1, K] @ B[K, N]: B is read once, as it lies.

Long pieces of its rows are multiplied by elements of A and summed in registers. The order of every sum depends on K
alone.
"""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.block import each_tile
from curta.compiler.matmul.convert import load_wide
from curta.compiler.matmul.emit import (
    KERNEL_SIGNATURE,
    Module,
    call,
    parameter,
    prefetch,
    read_meta,
    signature,
    smaller,
)
from curta.compiler.matmul.finish import LINE_BYTES, finish_tile
from curta.compiler.matmul.spec import Meta, Spec
from curta.compiler.matmul.tiles import Costs

#: elements of A held ready at a time
K_BLOCK = 2048
#: rows that are fetched before they are multiplied: the processor does not foresee the jumps from piece to piece
ROWS_AHEAD = 8

SUM = signature(a="ptr", b="ptr", b_step="i64", k_count="i64", columns="i64", sums="ptr")


def make_vector_kernel(spec: Spec) -> str:
    """The LLVM text of the kernel for M = 1."""
    module = Module(spec.vector_bytes)
    _add_gather(module, spec)
    _add_streaming_sum(module, spec)
    code = Code()
    size = spec.compute.itemsize
    held = parameter(code, "scratch", "ptr")
    sums = code.offset(held, K_BLOCK * size)
    k_all, a_step, b_k = (read_meta(code, item) for item in (Meta.K, Meta.A_K, Meta.B_K))
    with each_tile(code, spec) as tile:
        with code.loop(0, tile.columns) as column:
            code.store(code.constant(0, spec.type), code.offset(sums, column.index * size))
        with code.loop(0, k_all, K_BLOCK) as k:
            k_count = smaller(k_all - k.index, K_BLOCK)
            call(code, "gather", [code.offset(tile.a, k.index * a_step * spec.dtype.itemsize), a_step, k_count, held])
            b = code.offset(tile.b, k.index * b_k * spec.dtype.itemsize)
            call(code, "sum", [held, b, b_k * spec.dtype.itemsize, k_count, tile.columns, sums])
        zero, one = code.constant(0, "i64"), code.constant(1, "i64")
        finish_tile(code, spec, tile, sums, zero, zero, one)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def vector_scratch(spec: Spec, unit_columns: int) -> int:
    """Bytes of scratch: a piece of A, and the sums of a unit's columns."""
    return (K_BLOCK + unit_columns + spec.lanes) * spec.compute.itemsize


def vector_costs(spec: Spec, K: int) -> Costs:
    """The time to read B from memory, about eight bytes a cycle."""

    def cycles(rows: int, columns: int) -> float:
        return rows * (columns * K * spec.dtype.itemsize / 8 + K / 2)

    return Costs(1, _stream_vectors(spec) * spec.lanes, cycles, lambda rows, columns: columns <= 8192)


def _stream_vectors(spec: Spec) -> int:
    """Vectors of sums held at once: as many as there are registers for."""
    return 16 if spec.vector_bytes == 64 else 8


def _load(code: Code, spec: Spec, pointer: Value, lanes: int = 1) -> Value:
    return load_wide(code, pointer, spec.dtype, lanes, native_half=spec.fused)


def _multiply_add(spec: Spec, left: Value, right: Value, addend: Value) -> Value:
    return left.fma(right, addend) if spec.fused else left * right + addend


def _add_gather(module: Module, spec: Spec) -> None:
    """A piece of A made contiguous, in the sums' format."""
    code = Code()
    with code.loop(0, parameter(code, "count")) as k:
        source = code.offset(parameter(code, "source", "ptr"), k.index * parameter(code, "step") * spec.dtype.itemsize)
        target = code.offset(parameter(code, "target", "ptr"), k.index * spec.compute.itemsize)
        code.store(_load(code, spec, source), target)
    module.add("gather", code, signature(source="ptr", step="i64", count="i64", target="ptr"))


def _add_streaming_sum(module: Module, spec: Spec) -> None:
    """sums[columns] += A's piece @ B's rows: many vectors of columns at once, then one, then one column."""
    code = Code()
    columns = parameter(code, "columns")
    done: Value = code.constant(0, "i64")
    for vectors, lanes in ((_stream_vectors(spec), spec.lanes), (1, spec.lanes), (1, 1)):
        stop = done + (columns - done).unsigned_divide(vectors * lanes) * (vectors * lanes)
        with code.loop(done, stop, vectors * lanes) as column:
            _stream_columns(code, spec, column.index, vectors, lanes)
        done = stop
    module.add("sum", code, SUM)


def _stream_columns(code: Code, spec: Spec, column: Value, vectors: int, lanes: int) -> None:
    size, in_size = spec.compute.itemsize, spec.dtype.itemsize
    sums = code.offset(parameter(code, "sums", "ptr"), column * size)
    b = code.offset(parameter(code, "b", "ptr"), column * in_size)
    places = [code.offset(sums, vector * lanes * size) for vector in range(vectors)]
    before = [code.load(place, spec.type, lanes) for place in places]
    with code.loop(0, parameter(code, "k_count"), carried=[b, *before]) as k:
        row, *totals = k.carried
        ahead = code.offset(row, parameter(code, "b_step") * ROWS_AHEAD)
        for line in range(0, vectors * lanes * in_size, LINE_BYTES):
            prefetch(code, code.offset(ahead, line))
        value = code.load(code.offset(parameter(code, "a", "ptr"), k.index * size), spec.type, align=size)
        value = code.spread(value, lanes)
        k.carried_out = [code.offset(row, parameter(code, "b_step"))] + [
            _multiply_add(spec, value, _load(code, spec, code.offset(row, vector * lanes * in_size), lanes), total)
            for vector, total in enumerate(totals)
        ]
    for place, total in zip(places, k.results[1:], strict=True):
        code.store(total, place)
