"""What the special functions share: float as double, rounded once; polynomials of which each lane takes one of two."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from curta.compiler.code import Value
from curta.compiler.mathlib.arithmetic import SINGLE, constant, format_of, muladd

Function = Callable[..., Value]


def in_double(function: Function) -> Function:
    """`function` of double, for float too."""

    def widened(*operands: Value) -> Value:
        if format_of(operands[0]) is not SINGLE:
            return function(*operands)
        found = function(*(one.convert("fpext", "double") for one in operands))
        return found.convert("fptrunc", "float")

    widened.__name__ = widened.__qualname__ = function.__name__
    widened.__doc__ = function.__doc__
    return widened


def chosen(condition: Value, x: Value, first: Sequence[float], second: Sequence[float]) -> Value:
    """One of two polynomials, lowest order first: half the work of both."""
    terms = max(len(first), len(second))
    longer = [(*one, *(0.0,) * (terms - len(one))) for one in (first, second)]
    result = constant(x, 0.0)
    for left, right in zip(*(one[::-1] for one in longer), strict=True):
        result = muladd(result, x, condition.select(constant(x, left), constant(x, right)))
    return result
