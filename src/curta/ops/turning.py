"""Dimensions in reverse: a copy whose kernel goes through memory backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.compiler.expression import Expression
from curta.compiler.fuse import Kernel
from curta.compiler.loops import Slot, Stage
from curta.compiler.schedule import build_steps
from curta.dtypes import compute_dtype
from curta.memory.layout import Layout, Shape, strided
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.record import Generated, Gradient, Op
from curta.shapes import elementwise_strides

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor


def _infer_flip(x: Layout, dims: Shape) -> Layout:
    """In memory as the input is."""
    return strided(x.shape, elementwise_strides(x.shape, x.strides), x.dtype, x.device)


def _plan_flip(inputs: Any, outputs: Any, dims: Shape) -> Any:
    """An element-wise kernel whose input has negative strides, and begins at the last element."""
    x: Layout = inputs[0]
    steps = tuple(-stride if dim in dims else stride for dim, stride in enumerate(x.strides))
    first = sum(max(x.shape[dim] - 1, 0) * x.strides[dim] for dim in dims) * x.dtype.itemsize
    kernel = Kernel(
        x.shape,
        (),
        slots=[Slot(x.dtype, "input"), Slot(x.dtype, "output")],
        layouts=[strided(x.shape, steps, x.dtype), outputs[0]],
        sources=[("input", 0, first), ("output", 0)],
        stages=[Stage((), ((1, Expression("input", compute_dtype(x.dtype), (), 0)),))],
    )
    return build_steps(kernel)


def _flip_rule(node: Node, gradient: Tensor) -> Tensor:
    turned: Tensor = bind(FLIP, (gradient,), dims=node.params["dims"])
    return turned


#: `dims` are the dimensions to go through backwards
FLIP = Op("flip", _infer_flip, Generated(_plan_flip), Gradient(_flip_rule), each(0))
