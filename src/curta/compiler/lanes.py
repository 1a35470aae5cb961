"""Parts of vectors, and vectors whose lanes lie apart in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from curta.compiler.code import Code, Value, vector_type


def part(code: Code, value: Value, first: int, count: int) -> Value:
    """`count` lanes of a vector, from the lane `first` on."""
    if count == 1:
        return code.emit(f"extractelement {value.full_type} {value.ref}, i32 {first}", value.type, 1)
    places = ", ".join(f"i32 {first + lane}" for lane in range(count))
    return code.emit(
        f"shufflevector {value.full_type} {value.ref}, {value.full_type} poison, <{count} x i32> <{places}>",
        value.type,
        count,
    )


def parts(code: Code, value: Value, count: int) -> list[Value]:
    """A vector cut in pieces of `count` lanes."""
    if value.lanes == count:
        return [value]
    return [part(code, value, first, count) for first in range(0, value.lanes, count)]


def joined(code: Code, pieces: Sequence[Value]) -> Value:
    """1, 2, 4, … vectors of as many lanes, one behind the other."""
    found = list(pieces)
    while len(found) > 1:
        places = ", ".join(f"i32 {lane}" for lane in range(2 * found[0].lanes))
        full, count, kind = found[0].full_type, 2 * found[0].lanes, found[0].type
        found = [
            code.emit(f"shufflevector {full} {a.ref}, {full} {b.ref}, <{count} x i32> <{places}>", kind, count)
            for a, b in zip(found[::2], found[1::2], strict=True)
        ]
    return found[0]


def together(code: Code, values: Sequence[Value]) -> Value:
    """The vector of several single values."""
    kind, lanes = values[0].type, len(values)
    made = Value(code, "poison", kind, lanes)
    for lane, one in enumerate(values):
        text = f"insertelement {vector_type(kind, lanes)} {made.ref}, {kind} {one.ref}, i32 {lane}"
        made = code.emit(text, kind, lanes)
    return made


def load_apart(code: Code, addresses: Iterable[Value], kind: str) -> Value:
    """One element from each address."""
    return together(code, [code.load(address, kind) for address in addresses])


def store_apart(code: Code, value: Value, addresses: Iterable[Value]) -> None:
    """One lane to each address."""
    for lane, address in enumerate(addresses):
        code.store(part(code, value, lane, 1), address)
