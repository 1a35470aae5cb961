"""Reductions to rows for compositions: like the public ones, but with gradients that fuse (no views in between)."""

from __future__ import annotations

from typing import Any

from curta.dtypes import DType, compute_dtype
from curta.memory.layout import Layout, Shape, contiguous
from curta.ops.dispatch import bind
from curta.ops.elementwise import CAST
from curta.ops.inference import each, reducing
from curta.ops.record import Gradient, Op, Pointwise, Reduce
from curta.ops.reduce import AMAX, reduced_shape

Dims = tuple[int, ...]


def _infer_spread(x: Layout, shape: Shape) -> Layout:
    return contiguous(shape, x.dtype, x.device)


def _spread_rule(node: Any, g: Any) -> tuple[Any, ...]:
    small, large = node.input_layouts[0].shape, node.params["shape"]
    dims = tuple(dim for dim, (a, b) in enumerate(zip(small, large, strict=True)) if a != b)
    return (total(g, dims),)


#: rows repeated to a shape of the same rank
SPREAD = Op("spread", _infer_spread, Pointwise(lambda x, shape: x, "raw"), Gradient(_spread_rule), each(0))


def _infer_total(x: Layout, dims: Dims, keepdim: bool) -> Layout:
    """Half formats give float32: what crosses between kernels keeps its precision."""
    return contiguous(reduced_shape(x.shape, dims, keepdim), compute_dtype(x.dtype), x.device)


def _total_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (bind(SPREAD, (g,), shape=node.input_layouts[0].shape),)


TOTAL = Op("row_sum", _infer_total, Reduce("sum"), Gradient(_total_rule), reducing(1))


def total(x: Any, dims: Dims) -> Any:
    """The sum over `dims`, kept at size 1; float32 for half formats."""
    return bind(TOTAL, (x,), dims=dims, keepdim=True)


def highest(x: Any, dims: Dims) -> Any:
    """The largest value over `dims`, kept at size 1, taken as a constant by gradients."""
    return bind(AMAX, (x.detach(),), dims=dims, keepdim=True)


def cast(x: Any, dtype: DType) -> Any:
    """Converted where it differs; works inside compositions."""
    return x if x.layout.dtype is dtype else bind(CAST, (x,), dtype=dtype)


def wide(x: Any) -> Any:
    """In the format that is computed in: half formats become float32."""
    return cast(x, compute_dtype(x.layout.dtype))
