"""What a `Function` of the user's costs: what it says itself, or the operators that it uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from curta.autograd.state import STATE
from curta.errors import CostError
from curta.memory.layout import Layout
from curta.ops.record import Cost


@contextmanager
def as_one(name: str, cost: Any, inputs: Sequence[Any], outputs: list[Any]) -> Iterator[None]:
    """Inside, the open accounts count what `cost(inputs, outputs)` says, given layouts; the operators, if it is None.

    `outputs` are filled in inside.
    """
    books = STATE.books
    before, STATE.opaque = STATE.opaque, None if cost is not None else name
    if cost is not None:
        for book in books:
            book.muted += 1
    try:
        yield
    finally:
        STATE.opaque = before
        if cost is not None:
            for book in books:
                book.muted -= 1
    if cost is not None:
        given, made = layouts_of(inputs), layouts_of(outputs)
        found = cost(given, made)
        if not isinstance(found, Cost) or any(type(part) is not int or part < 0 for part in found):
            raise CostError(f"account: the cost of {name} must be a curta.Cost of integers, got {found!r}")
        for book in books:
            book.charge_cost(name, found, [*given, *made])


def layouts_of(values: Sequence[Any]) -> list[Layout]:
    """The layouts of the tensors among values."""
    return [value.layout for value in values if hasattr(value, "layout")]


def refuse_opaque() -> None:
    """CostError: a `Function` without a cost takes values to where its work cannot be seen."""
    raise CostError(
        f"account: {STATE.opaque} takes values out of Curta, where its work cannot be counted: give it a static method "
        "cost(inputs, outputs), and backward_cost(gradients, results), that return a curta.Cost"
    )
