"""Products and extremes of the rows that are scattered to one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.compiler.scatter import plan_reduce
from curta.memory.layout import contiguous
from curta.methods import late
from curta.ops.dispatch import bind
from curta.ops.indexing import scatter_rows, take
from curta.ops.record import Cost, Generated, Gradient, Op

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor


def _plan(inputs: Any, outputs: Any, reduce: str, include: bool) -> Any:
    sources, width = inputs[0].shape
    return plan_reduce(inputs[0].dtype, sources, width, outputs[0].shape[0], reduce=reduce, include=include)


def _cost(inputs: Any, outputs: Any, reduce: str, include: bool) -> Cost:
    return Cost(inputs[0].numel, 0, sum(one.nbytes for one in inputs), outputs[0].nbytes)


def _rows_at(rows: Tensor, places: Tensor) -> Tensor:
    return take(rows, [places.reshape(-1, 1)], (-1, 1), (0,))


def _rule(node: Node, gradient: Tensor) -> tuple[Tensor | None, ...]:
    source, places, base = (node.input(place) for place in range(3))
    rule = _of_product if node.params["reduce"] == "prod" else _of_extreme
    to_source, to_base = rule(node, gradient, source, places, base)
    if not node.params["include"]:
        ones = late.functions.ones_like(source.detach())
        to_base = to_base.masked_fill(scatter_rows(ones, places, base.layout.shape[0], accumulate=False) != 0, 0)
    return to_source if node.needs[0] else None, None, to_base if node.needs[2] else None


def _of_product(node: Node, gradient: Tensor, source: Tensor, places: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """Products without the factor itself; division does it but for zeros, of which one alone has a slope."""
    count = base.layout.shape[0]
    include = node.params["include"]
    without_zero = base.masked_fill(base == 0, 1)
    to_base = gradient * reduce_rows(source, places, without_zero, "prod", include) / without_zero
    zero = source == 0
    zeros = _rows_at(scatter_rows(zero.to(source.layout.dtype), places, count), places)
    only = zero & (zeros == 1)
    others = reduce_rows(source.masked_fill(only, 1), places, base, "prod", include)
    whole = reduce_rows(source, places, base, "prod", include)
    divided = _rows_at(gradient * whole, places) / source.masked_fill(zero, 1)
    return _rows_at(gradient * others, places).where(only, divided), to_base


def _of_extreme(node: Node, gradient: Tensor, source: Tensor, places: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """All that equal the extreme share its slope."""
    dtype = base.layout.dtype
    found = node.output(0).detach()
    own = (base.detach() == found).to(dtype)
    given = (source.detach() == _rows_at(found, places)).to(dtype)
    share = gradient / (own + scatter_rows(given, places, base.layout.shape[0]))
    return given * _rows_at(share, places), own * share


#: source[n, m], places[n], base[count, m] to the base with each row joined by the sources that name it: by "prod",
#: "max" or "min"; without `include` the base's rows that are named do not count
SCATTER_REDUCE = Op(
    "scatter_reduce",
    lambda source, places, base, reduce, include: contiguous(base.shape, base.dtype, base.device),
    Generated(_plan),
    Gradient(_rule, inputs=(0, 1, 2), outputs=(0,)),
    _cost,
)


def reduce_rows(source: Tensor, places: Tensor, base: Tensor, reduce: str, include: bool) -> Tensor:
    """`SCATTER_REDUCE` of operands that lie anyhow."""
    operands = source.contiguous(), places.contiguous(), base.contiguous()
    made: Tensor = bind(SCATTER_REDUCE, operands, reduce=reduce, include=include)
    return made


def _extreme_rule(node: Node, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """All that equal the extreme share its slope, NaN among NaN."""
    source, places, found = node.input(0).detach(), node.input(1), node.output(0).detach()
    there = _rows_at(found, places)
    given = (source == there).logical_or(source.isnan().logical_and(there.isnan())).to(source.layout.dtype)
    share = gradient / scatter_rows(given, places, found.layout.shape[0]).clamp(min=1)
    return given * _rows_at(share, places), None, None


#: the extreme of the rows of source[n, m] at each of places[n]; where nothing goes the base's, without a gradient
SEGMENT_EXTREME = Op(
    "segment_extreme",
    SCATTER_REDUCE.infer,
    SCATTER_REDUCE.lower,
    Gradient(_extreme_rule, inputs=(0, 1), outputs=(0,)),
    _cost,
)
