"""Running sums, products and extremes along a dimension, all of row-major tensors."""

from __future__ import annotations

from math import inf, prod
from typing import Any

from curta import dtypes
from curta.compiler.scan import plan_scan
from curta.memory.layout import Layout, Shape, contiguous
from curta.methods import late
from curta.ops.dispatch import bind
from curta.ops.indexing import paired_places, scatter_rows
from curta.ops.inference import bytes_read
from curta.ops.record import Cost, Generated, Gradient, Op


def split_at(shape: Shape, dim: int) -> tuple[int, int, int]:
    """How many elements lie outside of, along and inside of a dimension.

    >>> split_at((2, 3, 4, 5), 1)
    (2, 3, 20)
    """
    return prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :])


def _infer(x: Layout, *others: Layout, dim: int, reverse: bool = False) -> Layout:
    return contiguous(x.shape, x.dtype, x.device)


def _infer_placed(x: Layout, dim: int) -> tuple[Layout, Layout]:
    return _infer(x, dim=dim), contiguous(x.shape, dtypes.int64, x.device)


def _lowering(name: str) -> Generated:
    def plan(inputs: Any, outputs: Any, dim: int, reverse: bool = False) -> Any:
        return plan_scan(name, inputs[0].dtype, *split_at(inputs[0].shape, dim), reverse=reverse)

    return Generated(plan)


def _costs(flops: int, transcendentals: int = 0) -> Any:
    """So much for every element that is merged into those before."""

    def cost(inputs: Any, outputs: Any, dim: int, reverse: bool = False) -> Cost:
        outer, count, inner = split_at(inputs[0].shape, dim)
        merged = outer * max(0, count - 1) * inner
        written = sum(layout.nbytes for layout in outputs)
        return Cost(flops * merged, transcendentals * merged, bytes_read(inputs), written)

    return cost


def _scan(op: Op, *inputs: Any, dim: int, reverse: bool) -> Any:
    return bind(op, tuple(one.contiguous() for one in inputs), dim=dim, reverse=reverse)


def _following(x: Any, dim: int, reverse: bool, fill: float = 0) -> Any:
    """At every place what stands at the next one, seen in the direction of the scan; `fill` at the last."""
    count = x.layout.shape[dim]
    start, kept = (0, 1) if reverse else (1, count - 1)
    rest = x.narrow(dim, 0 if reverse else start, count - 1)
    edge = late.functions.full_like(x.narrow(dim, 0 if reverse else kept, 1), fill)
    return late.functions.cat((edge, rest) if reverse else (rest, edge), dim)


def _sum_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (_scan(CUMSUM, g, dim=node.params["dim"], reverse=not node.params["reverse"]),)


def _recurrence_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """With s the recurrence the other way, of the factors one place further: s, and s times the result before."""
    dim, reverse = node.params["dim"], node.params["reverse"]
    if not g.layout.numel:
        return g, g
    back = _scan(RECURRENCE, g, _following(node.input(1), dim, reverse), dim=dim, reverse=not reverse)
    if not node.needs[1]:
        return back, None
    return back, back * _following(node.output(0), dim, not reverse)


def _prod_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """The product of what comes before, times the sum of the gradients behind, each times the elements in between:
    nothing is divided, so zeros do no harm."""
    dim, reverse = node.params["dim"], node.params["reverse"]
    if not g.layout.numel:
        return (g,)
    behind = _scan(RECURRENCE, g, _following(node.input(0), dim, reverse), dim=dim, reverse=not reverse)
    return (behind * _following(node.output(0), dim, not reverse, 1),)


def _logsumexp_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """exp(x - y) times the sum of the gradients behind, each less by what y grows until there."""
    dim, reverse = node.params["dim"], node.params["reverse"]
    if not g.layout.numel:
        return (g,)
    x, y = node.input(0), node.output(0)
    later = _following(y, dim, reverse, inf)  # behind the last nothing is left
    grown = late.functions.where((y == later).logical_and(y.isinf()), 0, y - later)
    behind = _scan(RECURRENCE, g, grown.exp(), dim=dim, reverse=not reverse)
    return ((x - y).exp() * behind,)


def products_of_others(x: Any) -> Any:
    """For each element the product of all others along the last dimension, without division: zeros do no harm."""
    dim = x.layout.rank - 1
    ahead, behind = (_scan(CUMPROD, x, dim=dim, reverse=reverse) for reverse in (False, True))
    return _following(ahead, dim, True, 1) * _following(behind, dim, False, 1)


def _placed_rule(node: Any, g: Any, _: Any) -> tuple[Any, ...]:
    """The gradient is added where each value was found."""
    layout = node.input_layouts[0]
    places = paired_places(layout.shape, node.params["dim"], node.output(1)).reshape(-1)
    return (scatter_rows(g.reshape(-1, 1), places, layout.numel).view(layout.shape),)


#: of operators that give values and the places where they stood
PLACED = Gradient(_placed_rule, outputs=(1,), constant_outputs=(1,))

#: inputs b and a: r[k] = b[k] + a[k] * r[k - 1], or with `reverse` r[k + 1]
RECURRENCE = Op(
    "recurrence",
    _infer,
    _lowering("recurrence"),
    Gradient(_recurrence_rule, inputs=(1,), outputs=(0,)),
    _costs(2),
)
CUMSUM = Op("cumsum", _infer, _lowering("sum"), Gradient(_sum_rule), _costs(1))
CUMPROD = Op("cumprod", _infer, _lowering("prod"), Gradient(_prod_rule, inputs=(0,), outputs=(0,)), _costs(1))
CUMMAX = Op("cummax", _infer_placed, _lowering("max"), PLACED, _costs(0))
CUMMIN = Op("cummin", _infer_placed, _lowering("min"), PLACED, _costs(0))
LOGCUMSUMEXP = Op(
    "logcumsumexp",
    _infer,
    _lowering("logsumexp"),
    Gradient(_logsumexp_rule, inputs=(0,), outputs=(0,)),
    _costs(2, 2),
)
