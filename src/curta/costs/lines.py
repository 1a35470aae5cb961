"""What an account is made of: one line for each operator, in each phase, module and number format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from curta.dtypes import DType
from curta.memory.layout import Layout
from curta.ops.record import NO_COST, Cost


class Line(NamedTuple):
    """`calls` runs of an operator: what they did together, and the seconds they took (None: not measured).

    `module` is a place (None: outside of all modules), `whole` the model FLOPs if every query had seen every key.
    """

    phase: str
    module: Any
    operator: str
    dtype: DType
    calls: int
    cost: Cost
    whole: int
    seconds: float | None = None

    def times(self, count: int) -> Line:
        """The line of so many times the runs."""
        return self._replace(calls=self.calls * count, cost=times(self.cost, count), whole=self.whole * count)

    def without_bytes(self) -> Line:
        """The arithmetic alone."""
        return self._replace(cost=self.cost._replace(bytes_read=0, bytes_written=0))


class Stated(NamedTuple):
    """What a function of the user's says that it costs, or NumPy's work in place of an operator."""

    name: str
    cost: Cost
    dtype: DType

    def lines(self, count: int, phase: str, module: Any) -> list[Line]:
        """So many runs of it."""
        cost = times(self.cost, count)
        return [Line(phase, module, self.name, self.dtype, count, cost, cost.model_flops)]


def times(cost: Cost, count: int) -> Cost:
    """The cost of so many runs."""
    return Cost(*(part * count for part in cost))


def lines_of(call: Any, phase: str, module: Any, count: int, seconds: float | None) -> list[Line]:
    """The line of a compiled operator that ran `count` times; a second one where it makes gradients ahead.

    The calls and the seconds stand in the first.
    """
    cost, dtype, ahead = times(call.cost, count), format_of(call), call.op.ahead
    if ahead is None:
        return [Line(phase, module, call.op.name, dtype, count, cost, whole_flops(call) * count, seconds)]
    gradients = times(ahead(call.operands, call.outputs, **call.params), count)
    rest = Cost(*(all_of - part for all_of, part in zip(cost, gradients, strict=True)))
    first = "forward" if phase == "backward" else phase
    return [
        Line(first, module, call.op.name, dtype, count, rest, rest.model_flops, seconds),
        Line("backward", module, call.op.name, dtype, 0, gradients, gradients.model_flops),
    ]


def format_of(call: Any) -> DType:
    """The number format that an operator works in: of its first floating-point operand, else of what it makes."""
    layouts = [one for one in (*call.operands, *call.outputs) if isinstance(one, Layout)]
    return next((one.dtype for one in layouts if one.dtype.is_floating_point), call.outputs[0].dtype)


def whole_flops(call: Any) -> int:
    """The model FLOPs of a call; of an attention that leaves pairs out, those of all its pairs."""
    params = call.params
    cost: Cost = call.cost
    if params.get("causal") and "window" in params:
        cost = call.op.cost(call.operands, call.outputs, **{**params, "causal": False, "window": 0})
    return cost.model_flops


def total(costs: Iterable[Cost]) -> Cost:
    """The sum of costs.

    >>> total([Cost(1, 2, 3, 4), Cost(1, 0, 0, 0)])[:4]
    (2, 2, 3, 4)
    """
    return sum(costs, NO_COST)


class Group(NamedTuple):
    """The lines that a table shows as one row."""

    calls: int
    cost: Cost
    seconds: float | None


def grouped(lines: Iterable[Line], key: Callable[[Line], str]) -> dict[str, Group]:
    """The sums of the lines that have the same key, the one with most FLOPs first."""
    found: dict[str, Group] = {}
    for line in lines:
        name = key(line)
        before = found.get(name, Group(0, NO_COST, None))
        seconds = line.seconds if before.seconds is None else before.seconds + (line.seconds or 0.0)
        found[name] = Group(before.calls + line.calls, before.cost + line.cost, seconds)
    return dict(sorted(found.items(), key=lambda item: (-item[1].cost.flops, -sum(item[1].cost), item[0])))
