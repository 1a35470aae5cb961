"""Fetching what will be packed next while the micro-kernels run, so that packing need not wait for memory."""

from __future__ import annotations

from collections.abc import Sequence

from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import Module, blocks, larger, parameter, prefetch, read_meta, signature, smaller
from curta.compiler.matmul.part import part
from curta.compiler.matmul.spec import Meta, Spec
from curta.runtime import jit

#: int64s that say what is to be fetched of one operand: the address of its first run, the bytes between runs and those
#: of each, how many runs at every micro-kernel, the number of the first one and where they end
FIELDS = 6


def fetch(spec: Spec) -> jit.Code:
    """Fetches the runs of both operands that belong to micro-kernel `number`."""
    return part("fetch", (), spec, _add_fetch)


def _add_fetch(module: Module, spec: Spec, name: str) -> None:
    code = Code()
    for operand in range(2):
        entry = code.offset(parameter(code, "ahead", "ptr"), 8 * FIELDS * operand)
        start, step, nbytes, together, first, end = (
            code.load(code.offset(entry, 8 * field), "ptr" if field == 0 else "i64", align=8) for field in range(FIELDS)
        )
        first = first + parameter(code, "number") * together
        with code.loop(first, smaller(first + together, end)) as run:
            here = code.offset(start, run.index * step)
            with code.loop(0, nbytes, 64) as line:
                prefetch(code, code.offset(here, line.index))
    module.add(name, code, signature(ahead="ptr", number="i64"), private=False)


def reserve(code: Code) -> Value:
    """Room for what `fetch` reads."""
    return code.emit(f"alloca [{2 * FIELDS} x i64], align 8", "ptr")


def look_ahead(
    code: Code, spec: Spec, ahead: Value, corners: tuple[Value, Value], extent: tuple[Value, Value],
    row: Value, k: tuple[Value, Value],
) -> None:  # fmt: skip
    """Write down what comes after the block of rows `row` and of K from `k[0]` on, `k[1]` long.

    `corners` are those of A and B in the tile, `extent` its rows and columns. Where K is A's near direction that is the
    next block of rows; else the next block of K, whose runs are spread over all the rows.
    """
    rows, columns = extent
    k_next = k[0] + read_meta(code, Meta.K_BLOCK)
    k_left = larger(smaller(read_meta(code, Meta.K) - k_next, read_meta(code, Meta.K_BLOCK)), 0)
    size, panels = spec.dtype.itemsize, blocks(columns, spec.tile_columns)
    calls, before = blocks(rows, spec.tile_rows) * panels, blocks(row, spec.tile_rows) * panels
    nothing = [code.constant(0, "i64")] * (FIELDS - 1)
    a_step, b_step = read_meta(code, Meta.A_K) * size, read_meta(code, Meta.B_K) * size
    entries: list[tuple[Value, Sequence[Value]]] = [(corners[0], nothing), (corners[1], nothing)]
    if spec.a_order == "row":
        entries[0] = code.offset(corners[0], k_next * a_step), _spread(a_step, rows * size, k_left, calls, before)
    elif spec.a_order in ("k", "k_packed"):
        step, following = read_meta(code, Meta.A_ROW) * size, row + spec.a_block_rows
        start = code.offset(corners[0], following * step + k[0] * a_step)
        count = larger(smaller(rows - following, spec.a_block_rows), 0)
        now = blocks(smaller(rows - row, spec.a_block_rows), spec.tile_rows) * panels
        entries[0] = start, _spread(step, k[1] * size, count, now, code.constant(0, "i64"))
    if spec.b_order == "column":
        entries[1] = code.offset(corners[1], k_next * b_step), _spread(b_step, columns * size, k_left, calls, before)
    elif spec.b_order == "k":
        step = read_meta(code, Meta.B_COLUMN) * size
        count = k_left.gt(0).select(columns, 0)
        entries[1] = code.offset(corners[1], k_next * b_step), _spread(step, k_left * size, count, calls, before)
    for operand, (start, numbers) in enumerate(entries):
        for field, value in enumerate((start, *numbers)):
            code.store(value, code.offset(ahead, 8 * (FIELDS * operand + field)), align=8)


def _spread(step: Value, nbytes: Value, runs: Value, calls: Value, before: Value) -> list[Value]:
    """The fields behind the address, for runs that are dealt out to all of `calls`, of which `before` are done."""
    together = blocks(runs, calls)
    return [step, nbytes, together, before * together, runs]
