"""Loads and stores of a vector's first lanes, in pieces of 1, 2, 4, ... elements.

Processors without AVX-512 store under a mask in a dozen cycles, and have no such instruction for elements of one or two
bytes; the branches over pieces are the same ones in every row and are foreseen.
"""

from __future__ import annotations

from curta.compiler.code import Code, Value
from curta.compiler.lanes import part, together
from curta.runtime import cpu


def stores_in_pieces() -> bool:
    """Whether the processor has nothing better."""
    return not cpu.has("avx512vl")


def loads_in_pieces(kind: str) -> bool:
    """The same for loads of a format: those of four bytes and more are fast under a mask with AVX2."""
    return stores_in_pieces() and (_bytes(kind) < 4 or not cpu.has("avx2"))


def load_first(code: Code, address: Value, kind: str, lanes: int, count: Value) -> Value:
    """`count` elements, fewer than `lanes`, and zeros behind: from the last piece, of one element, to the first."""
    if kind == "half":  # of which there are no literals
        return load_first(code, address, "i16", lanes, count).bitcast(kind)
    found = code.constant(0, kind)
    while found.lanes < lanes:
        width, behind = found.lanes, found
        first = code.offset(address, (count & -(2 * width)) * _bytes(kind))

        def with_piece(first: Value = first, behind: Value = behind) -> list[Value]:
            return [_joined(code, code.load(first, kind, behind.lanes), behind)]

        without = _joined(code, behind, code.constant(0, kind, width))
        (found,) = code.unless_any((count & width).ne(0), [without], with_piece)
    return found


def store_first(code: Code, raw: Value, address: Value, count: Value) -> None:
    """The first `count` lanes, fewer than all."""
    while raw.lanes > 1:
        width = raw.lanes // 2
        low, high = part(code, raw, 0, width), part(code, raw, width, width)
        there = (count & width).ne(0)
        with code.when(there):
            code.store(low, address)
        raw = there.select(high, low)
        address = there.select(code.offset(address, width * _bytes(raw.type)), address)


def _joined(code: Code, first: Value, second: Value) -> Value:
    """The lanes of two vectors of one width, one behind the other."""
    lanes = 2 * first.lanes
    if lanes > 2:
        picks = ", ".join(f"i32 {place}" for place in range(lanes))
        text = f"{first.full_type} {first.ref}, {second.full_type} {second.ref}, <{lanes} x i32> <{picks}>"
        return code.emit(f"shufflevector {text}", first.type, lanes)
    return together(code, [first, second])


def _bytes(kind: str) -> int:
    return {"half": 2, "float": 4, "double": 8}.get(kind) or int(kind[1:]) // 8
