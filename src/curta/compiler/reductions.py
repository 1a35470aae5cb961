"""Reductions: how elements are gathered into accumulators, and accumulators into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from curta import dtypes
from curta.compiler.casts import llvm_type
from curta.compiler.code import Code, Value
from curta.compiler.lanes import part
from curta.dtypes import DType

Values = list[Value]


@dataclass(frozen=True, slots=True)
class Reduction:
    """One way to reduce.

    `initial(dtype)` gives each accumulator's format and starting number for elements of the compute format `dtype`;
    `step(accumulators, element, index, dtype)` takes in one element (per lane); `combine(left, right, dtype)` merges
    two sets of accumulators. Result is accumulator 0, unless `result` says otherwise.
    """

    name: str
    initial: Callable[[DType], tuple[tuple[DType, float], ...]]
    step: Callable[[Values, Value, Value, DType], Values]
    combine: Callable[[Values, Values, DType], Values]
    result: int = 0


def lowest(dtype: DType) -> float:
    """The number below all others of `dtype`."""
    if dtype.is_floating_point:
        return float("-inf")
    if dtype is dtypes.bool_ or not dtype.is_signed:
        return 0
    return -(1 << (8 * dtype.itemsize - 1))


def highest(dtype: DType) -> float:
    """The number above all others of `dtype`."""
    if dtype.is_floating_point:
        return float("inf")
    if dtype is dtypes.bool_:
        return 1
    return (1 << (8 * dtype.itemsize - (1 if dtype.is_signed else 0))) - 1


def _beats(challenger: Value, champion: Value, dtype: DType, larger: bool) -> Value:
    """Whether to replace: NaN beats every number and nothing beats NaN."""
    if dtype is dtypes.bool_:
        return challenger & ~champion if larger else champion & ~challenger
    signed = dtype.is_signed
    wins = challenger.gt(champion, signed) if larger else challenger.lt(champion, signed)
    return wins | challenger.is_nan() if dtype.is_floating_point else wins


def _extreme(name: str, larger: bool) -> Reduction:
    def pick(left: Value, right: Value, dtype: DType) -> Value:
        return _beats(right, left, dtype, larger).select(right, left)

    return Reduction(
        name,
        lambda dtype: ((dtype, (lowest if larger else highest)(dtype)),),
        lambda accumulators, element, index, dtype: [pick(accumulators[0], element, dtype)],
        lambda left, right, dtype: [pick(left[0], right[0], dtype)],
    )


_NOWHERE = (1 << 63) - 1  # an index behind every real one: the accumulator has seen nothing


def _arg_extreme(name: str, larger: bool) -> Reduction:
    """The first place of the extreme value: accumulators are the value and its index."""

    def better(left: Values, right: Values, dtype: DType) -> Values:
        value, place = left
        other, elsewhere = right
        wins = _beats(other, value, dtype, larger)
        loses = _beats(value, other, dtype, larger)
        both_nan = wins & loses
        tie = both_nan | ~(wins | loses)
        take = tie.select(elsewhere.lt(place), wins)
        return [take.select(other, value), take.select(elsewhere, place)]

    return Reduction(
        name,
        lambda dtype: ((dtype, (lowest if larger else highest)(dtype)), (dtypes.int64, _NOWHERE)),
        lambda accumulators, element, index, dtype: better(accumulators, [element, index], dtype),
        better,
        result=1,
    )


SUM = Reduction(
    "sum",
    lambda dtype: ((dtype, 0),),
    lambda accumulators, element, index, dtype: [accumulators[0] + element],
    lambda left, right, dtype: [left[0] + right[0]],
)
PROD = Reduction(
    "prod",
    lambda dtype: ((dtype, 1),),
    lambda accumulators, element, index, dtype: [accumulators[0] * element],
    lambda left, right, dtype: [left[0] * right[0]],
)
ALL = Reduction(
    "all",
    lambda dtype: ((dtypes.bool_, 1),),
    lambda accumulators, element, index, dtype: [accumulators[0] & element],
    lambda left, right, dtype: [left[0] & right[0]],
)
ANY = Reduction(
    "any",
    lambda dtype: ((dtypes.bool_, 0),),
    lambda accumulators, element, index, dtype: [accumulators[0] | element],
    lambda left, right, dtype: [left[0] | right[0]],
)

TABLE = {
    reduction.name: reduction
    for reduction in (
        SUM,
        PROD,
        ALL,
        ANY,
        _extreme("max", larger=True),
        _extreme("min", larger=False),
        _arg_extreme("argmax", larger=True),
        _arg_extreme("argmin", larger=False),
    )
}


def start(code: Code, reduction: Reduction, dtype: DType, lanes: int) -> Values:
    """Fresh accumulators over `lanes` lanes."""
    return [code.constant(number, llvm_type(kind), lanes) for kind, number in reduction.initial(dtype)]


def across_lanes(
    code: Code, reduction: Reduction, accumulators: Sequence[Value], dtype: DType, lanes: int = 1
) -> Values:
    """The accumulators of all lanes merged into one lane (or `lanes` of them), by halves: a fixed order."""
    values = list(accumulators)
    while values[0].lanes > lanes:
        half = values[0].lanes // 2
        values = reduction.combine(
            [part(code, value, 0, half) for value in values],
            [part(code, value, half, half) for value in values],
            dtype,
        )
    return values
