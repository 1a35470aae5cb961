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
