"""The operations on Curta's own tensors: views wherever strides allow them, and one kernel for a reduction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

from curta import functions
from curta.einops.contraction import contract
from curta.einops.frameworks import Framework
from curta.einops.parse import CACHE_SIZE
from curta.einops.problems import Shape, Sizes
from curta.einops.reductions import Reduction, planned
from curta.errors import DTypeError
from curta.memory.layout import Layout, contiguous
from curta.ops import reduce, statistics
from curta.ops.dispatch import bind
from curta.ops.movement import Sight, seen, sight
from curta.ops.rearrange import moves
from curta.ops.record import Op, View

#: an operator with the numbers and parameters that it takes
Step = tuple[Op, tuple[float, ...], dict[str, Any]]
#: steps one after the other, each with the view that it is, or None
Steps = tuple[tuple[Step, Sight | None], ...]

_OPERATORS = {
    "sum": reduce.SUM, "prod": reduce.PROD, "max": reduce.AMAX, "min": reduce.AMIN, "any": reduce.ANY,
    "all": reduce.ALL, "mean": statistics.MEAN,
}  # fmt: skip


class Curta(Framework):
    """Curta's tensors. What is to be done is worked out once for each pattern and layout."""

    def transform(self, operation: str, reduction: Reduction | None, pattern: str, x: Any, sizes: Sizes) -> Any:
        if callable(reduction):
            return super().transform(operation, reduction, pattern, x, sizes)
        for (op, numbers, params), view in _steps(operation, reduction, pattern, x.layout, sizes):
            x = bind(op, (x, *numbers), **params) if view is None else seen(x, *view)
        return x

    def reduce_by_name(self, x: Any, name: str, dims: Shape) -> Any:
        op, numbers, params = _reducing(name, x.layout, x.layout.shape, dims)
        return bind(op, (x, *numbers), **params)

    def reshape(self, x: Any, shape: Shape) -> Any:
        return functions.reshape(x, shape)

    def permute(self, x: Any, order: Shape) -> Any:
        return functions.permute(x, order)

    def part(self, x: Any, dim: int, start: int, stop: int) -> Any:
        return functions.narrow(x, dim, start, stop - start)

    def stack(self, tensors: Sequence[Any]) -> Any:
        return functions.stack(tensors)

    def concatenate(self, tensors: Sequence[Any], dim: int) -> Any:
        return functions.cat(tensors, dim) if len(tensors) > 1 else tensors[0]

    def einsum(self, pattern: str, tensors: Sequence[Any]) -> Any:
        return contract(pattern, tensors)

    def to_numpy(self, x: Any) -> Any:
        return x.numpy(force=True)


@lru_cache(maxsize=CACHE_SIZE)
def _steps(operation: str, reduction: str | None, pattern: str, layout: Layout, sizes: Sizes) -> Steps:
    """The operators that a pattern comes to on tensors of one layout."""
    made = planned(operation, reduction, pattern, layout.shape, sizes)
    order = tuple(range(len(made.split))) if made.order is None else made.order
    if reduction is None or not made.reduced:
        return _planned(layout, _plain(moves(layout, made.split, order, made.spread, made.merged)))
    placed = tuple(made.split[dim] for dim in order)
    first = _plain(moves(layout, made.split, order, None, placed))
    kept = tuple(size for dim, size in enumerate(placed) if dim not in made.reduced)
    between = contiguous(kept, layout.dtype, layout.device)
    last = _plain(moves(between, kept, tuple(range(len(kept))), None, made.merged))
    return _planned(layout, (*first, _reducing(reduction, layout, placed, made.reduced), *last))


def _plain(operators: Any) -> tuple[Step, ...]:
    return tuple((op, (), params) for op, params in operators)


def _planned(layout: Layout, steps: tuple[Step, ...]) -> Steps:
    """The steps from a tensor of this layout on, the views among them worked out."""
    found: list[tuple[Step, Sight | None]] = []
    for step in steps:
        op, numbers, params = step
        view = sight(op, layout, **params) if isinstance(op.lower, View) else None
        made = op.infer(layout, *map(type, numbers), **params) if view is None else view[1]
        layout = made[0] if isinstance(made, tuple) else made
        found.append((step, view))
    return tuple(found)


def _reducing(name: str, layout: Layout, shape: Shape, dims: Shape) -> Step:
    params: dict[str, Any] = {"dims": dims, "keepdim": False}
    if name in ("sum", "prod", "mean"):
        params["dtype"] = None
    if name != "mean":
        return _OPERATORS[name], (), params
    if not layout.dtype.is_floating_point:
        raise DTypeError(f"reduce: the mean of whole numbers ({layout.dtype}) is not defined: convert the tensor first")
    return _OPERATORS[name], (float(prod(shape[dim] for dim in dims)),), params
