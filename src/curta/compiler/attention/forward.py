"""The forward kernel: for each block of queries the keys pass by, block after block, under an online softmax.

The method is Milakov and Gimelshein's (2018) for the softmax, as FlashAttention (Dao et al., 2022) joins it to the
products: a higher score scales down what has been summed before it.
"""

from __future__ import annotations

from curta.compiler.attention.products import (
    finish_rows,
    multiply,
    pack_rows,
    pack_turned,
    pack_values,
    padded,
)
from curta.compiler.attention.rows import add_normalise, add_softmax
from curta.compiler.attention.seen import conditions_at, first_key, keys_seen, seen_at
from curta.compiler.attention.spec import Batch, Meta, Spec, find_batch, region, row_step, scale
from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, blocks, call, larger, parameter, read_meta, smaller


def make_forward_kernel(spec: Spec) -> str:
    """The LLVM text: a unit is some of the queries of one batch."""
    module = Module(spec.vector_bytes)
    add_softmax(module, spec)
    add_normalise(module, spec)
    code = Code()
    units = read_meta(code, Meta.UNITS)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        number = unit.index.unsigned_divide(units)
        first = (unit.index - number * units) * read_meta(code, Meta.UNIT_ROWS)
        last = smaller(first + read_meta(code, Meta.UNIT_ROWS), read_meta(code, Meta.QUERIES))
        batch = find_batch(code, spec, number)
        keys = keys_seen(code, last)
        _pack_keys(code, spec, batch, first_key(code, spec, first), keys)
        with code.loop(first, last, read_meta(code, Meta.ROW_BLOCK)) as row:
            rows = smaller(last - row.index, read_meta(code, Meta.ROW_BLOCK))
            _rows(code, spec, batch, row.index, rows, keys)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _pack_keys(code: Code, spec: Spec, batch: Batch, first: Value, keys: Value) -> None:
    """The keys turned over, and the values, block by block."""
    key, value = (row_step(code, spec, name) for name in ("key", "value"))
    block = read_meta(code, Meta.KEY_BLOCK)
    with code.loop(first, keys, block) as start:
        count = smaller(keys - start.index, block)
        source = code.offset(batch.at["key"], start.index * key)
        pack_turned(code, spec, source, "key", count, Meta.WIDTH, _packed_keys(code, spec, start.index))
        source = code.offset(batch.at["value"], start.index * value)
        pack_values(code, spec, source, "value", count, Meta.VALUE_WIDTH, _packed_values(code, spec, start.index))


def _packed_keys(code: Code, spec: Spec, start: Value) -> Value:
    words = blocks(read_meta(code, Meta.WIDTH), spec.product().depth)
    return code.offset(region(code, spec, "keys"), start * words * spec.size)


def _packed_values(code: Code, spec: Spec, start: Value) -> Value:
    words = start.unsigned_divide(spec.product().depth)
    return code.offset(region(code, spec, "values"), words * _sums_step(code, spec))


def _sums_step(code: Code, spec: Spec) -> Value:
    """Bytes of a row of values, whole panels."""
    return padded(read_meta(code, Meta.VALUE_WIDTH), spec.product().tile_columns) * spec.size


def _rows(code: Code, spec: Spec, batch: Batch, row: Value, rows: Value, packed: Value) -> None:
    """One block of queries over all the keys they see, of those that are packed."""
    query, scores, sums = region(code, spec, "rows"), region(code, spec, "scores"), region(code, spec, "sums")
    state, step = region(code, spec, "state"), _sums_step(code, spec)
    totals = code.offset(state, read_meta(code, Meta.ROW_BLOCK) * spec.size)
    source = code.offset(batch.at["query"], row * row_step(code, spec, "query"))
    pack_rows(code, spec, source, "query", rows, Meta.WIDTH, query)
    seen, start, block = keys_seen(code, row + rows), first_key(code, spec, row), read_meta(code, Meta.KEY_BLOCK)
    width, value_width = read_meta(code, Meta.WIDTH), read_meta(code, Meta.VALUE_WIDTH)
    # one turn even where there are no keys: it stores empty sums
    with code.loop(start, larger(seen, start + 1), block) as key:
        keys = larger(smaller(seen - key.index, block), 0)
        keys_at, values_at = _packed_keys(code, spec, key.index), _packed_values(code, spec, key.index)
        multiply(code, spec, query, keys_at, scores, spec.line, width, rows, keys, 0)
        call(code, "softmax", [
            scores, rows, keys, *seen_at(code, row, key.index, keys), scale(code, spec), state, totals, sums, step,
            key.index.eq(start).convert("zext", "i64"), *conditions_at(code, spec, batch, row, key.index),
        ])  # fmt: skip
        add, there = key.index.gt(start).convert("zext", "i64"), smaller(packed - key.index, block)
        multiply(code, spec, scores, values_at, sums, step, keys, rows, value_width, add, packed=there)
    log_step = row_step(code, spec, "log_sum")
    log_sum = code.offset(batch.at["log_sum"], row * log_step)
    call(code, "normalise", [sums, step, rows, state, totals, log_sum, log_step])
    target = code.offset(batch.at["out"], row * row_step(code, spec, "out"))
    finish_rows(code, spec, sums, step, target, "out", rows, Meta.VALUE_WIDTH)
