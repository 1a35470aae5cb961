"""The backward kernel: for each block of keys the queries pass by, and the scores are made again."""

from __future__ import annotations

from curta.compiler.attention.products import (
    clear,
    finish_rows,
    multiply,
    pack_rows,
    pack_turned,
    pack_values,
    padded,
)
from curta.compiler.attention.rows import add_deltas, add_slopes
from curta.compiler.attention.seen import conditions_at, keys_seen, last_query, seen_at
from curta.compiler.attention.spec import Batch, Meta, Spec, find_batch, region, row_step, scale
from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import KERNEL_SIGNATURE, Module, call, parameter, read_meta, smaller


def make_backward_kernel(spec: Spec) -> str:
    """The LLVM text: a unit is some of the keys of one batch, over all queries that see any of them."""
    module = Module(spec.vector_bytes)
    add_slopes(module, spec)
    add_deltas(module, spec)
    code = Code()
    units, queries = read_meta(code, Meta.UNITS), read_meta(code, Meta.QUERIES)
    with code.loop(parameter(code, "start"), parameter(code, "stop")) as unit:
        number = unit.index.unsigned_divide(units)
        part = unit.index - number * units
        first = part * read_meta(code, Meta.UNIT_ROWS)
        last = smaller(first + read_meta(code, Meta.UNIT_ROWS), read_meta(code, Meta.KEYS))
        batch = find_batch(code, spec, number)
        call(code, "deltas", [
            batch.at["g"], row_step(code, spec, "g"), batch.at["out"], row_step(code, spec, "out"), queries,
            read_meta(code, Meta.VALUE_WIDTH), region(code, spec, "deltas"),
        ])  # fmt: skip
        to_query, step = region(code, spec, "to_query"), _step(code, spec, Meta.WIDTH)
        clear(code, to_query, queries * step)
        with code.loop(first, last, read_meta(code, Meta.KEY_BLOCK)) as key:
            _keys(code, spec, batch, key.index, smaller(last - key.index, read_meta(code, Meta.KEY_BLOCK)))
        target = code.offset(batch.at["to_query"], part * read_meta(code, Meta.PART))
        finish_rows(code, spec, to_query, step, target, "to_query", queries, Meta.WIDTH)
    module.add(spec.key, code, KERNEL_SIGNATURE, private=False)
    return module.text()


def _step(code: Code, spec: Spec, width: Meta) -> Value:
    """Bytes of a row, whole panels."""
    return padded(read_meta(code, width), spec.product().tile_columns) * spec.size


def _keys(code: Code, spec: Spec, batch: Batch, key: Value, keys: Value) -> None:
    """One block of keys, over all the queries that see some of it."""
    key_source, value_source = (
        code.offset(batch.at[name], key * row_step(code, spec, name)) for name in ("key", "value")
    )
    pack_turned(code, spec, key_source, "key", keys, Meta.WIDTH, region(code, spec, "keys"))
    pack_turned(code, spec, value_source, "value", keys, Meta.VALUE_WIDTH, region(code, spec, "values"))
    pack_values(code, spec, key_source, "key", keys, Meta.WIDTH, region(code, spec, "key_rows"))
    block, queries = read_meta(code, Meta.ROW_BLOCK), read_meta(code, Meta.QUERIES)
    first = read_meta(code, Meta.CAUSAL).ne(0).select(key.unsigned_divide(block) * block, 0)
    for name, width in (("to_key", Meta.WIDTH), ("to_value", Meta.VALUE_WIDTH)):
        clear(code, region(code, spec, name), keys * _step(code, spec, width))
    last = last_query(code, spec, key + keys)
    with code.loop(first, last, block) as row:
        _rows(code, spec, batch, row.index, smaller(queries - row.index, block), key, keys)
    for name, width in (("to_key", Meta.WIDTH), ("to_value", Meta.VALUE_WIDTH)):
        target = code.offset(batch.at[name], key * row_step(code, spec, name))
        finish_rows(code, spec, region(code, spec, name), _step(code, spec, width), target, name, keys, width)


def _rows(code: Code, spec: Spec, batch: Batch, row: Value, rows: Value, key: Value, block: Value) -> None:
    """What a block of queries adds to the gradients of a block of keys and values, and these to its own."""
    get = {name: region(code, spec, name) for name in spec.regions}
    width, value_width = read_meta(code, Meta.WIDTH), read_meta(code, Meta.VALUE_WIDTH)
    query, g = (code.offset(batch.at[name], row * row_step(code, spec, name)) for name in ("query", "g"))
    keys = smaller(keys_seen(code, row + rows) - key, block)
    pack_rows(code, spec, query, "query", rows, Meta.WIDTH, get["rows"])
    pack_rows(code, spec, g, "g", rows, Meta.VALUE_WIDTH, get["g_rows"])
    pack_values(code, spec, query, "query", rows, Meta.WIDTH, get["query_rows"])
    pack_values(code, spec, g, "g", rows, Meta.VALUE_WIDTH, get["gradient_rows"])
    multiply(code, spec, get["rows"], get["keys"], get["scores"], spec.line, width, rows, keys, 0)
    multiply(code, spec, get["g_rows"], get["values"], get["slopes"], spec.line, value_width, rows, keys, 0)
    log_step = row_step(code, spec, "log_sum")
    call(code, "slopes", [
        get["scores"], rows, keys, *seen_at(code, row, key, keys), scale(code, spec), get["slopes"],
        *((get["slope_rows"],) if spec.paired else ()), code.offset(batch.at["log_sum"], row * log_step), log_step,
        code.offset(get["deltas"], row * spec.size), *conditions_at(code, spec, batch, row, key),
    ])  # fmt: skip
    for scores, other, target, columns in (
        ("scores", "gradient_rows", "to_value", Meta.VALUE_WIDTH), ("slopes", "query_rows", "to_key", Meta.WIDTH)
    ):  # fmt: skip
        step, count = _step(code, spec, columns), read_meta(code, columns)
        multiply(code, spec, get[scores], get[other], get[target], step, rows, keys, count, 1, turned=True)
    step = _step(code, spec, Meta.WIDTH)
    to_query = code.offset(get["to_query"], row * step)
    slopes = get["slope_rows" if spec.paired else "slopes"]
    multiply(code, spec, slopes, get["key_rows"], to_query, step, keys, rows, width, 1, packed=block)
