"""One to six rows times a matrix whose columns are neighbours: C[M, N] = A[M, K] @ B[K, N], where B lies.

Long pieces of B's rows are multiplied by an element of each row of A and summed in registers, from one row of B to the
next. The order of every sum depends on K alone.
"""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import Module, parameter, prefetch
from curta.compiler.matmul.finish import LINE_BYTES
from curta.compiler.matmul.micro import add_product
from curta.compiler.matmul.rows import SUM, held_step, load, make_rows_kernel, rows_costs
from curta.compiler.matmul.spec import Meta, Spec, multiplies_pairs
from curta.compiler.matmul.tiles import Costs

#: rows at most, and where the blocked kernel multiplies two elements at once: measured on a Zen 4
MOST_ROWS, MOST_BESIDE_PAIRS = 6, 4
#: registers for sums, for a piece of B and for an element of A; few processors have 32
REGISTERS = {64: 30, 32: 14, 16: 14}
#: vectors of a piece for a single row, whose elements of B are multiplied as they are loaded
SINGLE = {64: 16, 32: 8, 16: 8}
#: rows that are fetched before they are multiplied: the processor does not foresee the jumps from piece to piece
ROWS_AHEAD = 8


def stream_family(spec: Spec, rows: int) -> str | None:
    """The kernel for so many rows of A; None where another one takes less time."""
    most = MOST_BESIDE_PAIRS if multiplies_pairs(spec.dtype, spec.level) else MOST_ROWS
    return f"stream{rows}" if 1 <= rows <= most else None


def make_stream_kernel(spec: Spec) -> str:
    """The LLVM text of the kernel for as many rows as the family's name ends in."""
    return make_rows_kernel(spec, Meta.B_K, _add_sum)


def stream_costs(spec: Spec, K: int) -> Costs:
    """A rough time of one unit; columns go by in pieces."""
    return rows_costs(spec, _vectors(spec) * spec.lanes, K)


def _vectors(spec: Spec) -> int:
    """Vectors of a piece: as many as there are registers for."""
    if spec.rows_at_once == 1:
        return SINGLE[spec.vector_bytes]
    return REGISTERS[spec.vector_bytes] // (spec.rows_at_once + 1)


def _add_sum(module: Module, spec: Spec) -> None:
    """`sum`: sums[rows, columns] += pieces of the rows @ B: long pieces of columns, then a vector, then one by one."""
    code = Code()
    columns = parameter(code, "columns")
    done: Value = code.constant(0, "i64")
    for vectors, lanes in ((_vectors(spec), spec.lanes), (1, spec.lanes), (1, 1)):
        stop = done + (columns - done).unsigned_divide(vectors * lanes) * (vectors * lanes)
        with code.loop(done, stop, vectors * lanes) as column:
            _add_piece(code, spec, column.index, vectors, lanes)
        done = stop
    module.add("sum", code, SUM)


def _add_piece(code: Code, spec: Spec, column: Value, vectors: int, lanes: int) -> None:
    size, in_size, step = spec.compute.itemsize, spec.dtype.itemsize, parameter(code, "b_step")
    places = [
        code.offset(
            parameter(code, "sums", "ptr"), parameter(code, "sums_step") * row + (column + number * lanes) * size
        )
        for row in range(spec.rows_at_once)
        for number in range(vectors)
    ]
    before = [code.load(place, spec.type, lanes) for place in places]
    held = [code.offset(parameter(code, "held", "ptr"), held_step(spec) * row) for row in range(spec.rows_at_once)]
    b = code.offset(parameter(code, "b", "ptr"), column * in_size)
    with code.loop(0, parameter(code, "k_count"), carried=[b, *before]) as k:
        piece, *added = k.carried
        ahead = code.offset(piece, step * ROWS_AHEAD)
        for line in range(0, vectors * lanes * in_size, LINE_BYTES):
            prefetch(code, code.offset(ahead, line))
        loaded = [load(code, spec, code.offset(piece, number * lanes * in_size), lanes) for number in range(vectors)]
        for row, place in enumerate(held):
            value = code.load(code.offset(place, k.index * size), spec.type, align=size)
            value = code.spread(value, lanes)
            for index, other in enumerate(loaded, row * vectors):
                added[index] = add_product(code, spec, value, other, added[index])
        k.carried_out = [code.offset(piece, step), *added]
    for place, total in zip(places, k.results[1:], strict=True):
        code.store(total, place)
