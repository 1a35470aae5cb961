"""Which keys a block of queries sees, and what the functions over a block of scores are told of that."""

from __future__ import annotations

from curta.compiler.attention.spec import NUMBERS, Batch, Meta, Spec, row_step
from curta.compiler.code import Code, Value
from curta.compiler.matmul.emit import larger, parameter, read_meta, smaller


def keys_seen(code: Code, last: Value) -> Value:
    """How many keys the queries before number `last` see, counted from the first key of all."""
    keys = read_meta(code, Meta.KEYS)
    return read_meta(code, Meta.CAUSAL).ne(0).select(smaller(keys, last), keys)


def first_key(code: Code, spec: Spec, row: Value) -> Value:
    """The first key that query number `row` sees, or the beginning of its block."""
    if not spec.window:
        return code.constant(0, "i64")
    block = read_meta(code, Meta.KEY_BLOCK)
    passed = larger(row + 1 - read_meta(code, Meta.WINDOW), 0)
    return passed.unsigned_divide(block) * block


def last_query(code: Code, spec: Spec, key: Value) -> Value:
    """How many queries there are up to the last one that sees a key before number `key`."""
    queries = read_meta(code, Meta.QUERIES)
    if not spec.window:
        return queries
    # key - 1 is seen by the queries from its own number on, as many as the window is long
    return smaller(queries, key - 1 + read_meta(code, Meta.WINDOW))


def seen_at(code: Code, row: Value, key: Value, keys: Value) -> list[Value]:
    """How many of `keys` keys from number `key` on query `row` sees, and how many more each that follows."""
    causal = read_meta(code, Meta.CAUSAL)
    return [causal.ne(0).select(row + 1 - key, keys), causal]


def conditions_at(code: Code, spec: Spec, batch: Batch, row: Value, key: Value) -> list[Value]:
    """The parameters for the window, the dropout and the mask, as far as there are any."""
    found: list[Value] = []
    if spec.window:
        found.append(row + 1 - read_meta(code, Meta.WINDOW) - key)
    if spec.dropout is not None:
        keys = read_meta(code, Meta.KEYS)
        found += [(batch.number * read_meta(code, Meta.QUERIES) + row) * keys + key, keys]
        args = parameter(code, "args", "ptr")
        found += [code.load(code.offset(args, spec.slots.index(name), "i64"), "i64", align=8) for name in NUMBERS]
    if spec.mask != "none":
        step, size = row_step(code, spec, "mask"), 1 if spec.mask == "bool" else spec.dtype.itemsize
        found += [code.offset(batch.at["mask"], row * step + key * size), step]
    return found
