"""Windows over images as views, and the sum that takes their gradient back; convolutions are matmuls over them."""

from __future__ import annotations

from typing import Any

from curta.autograd.state import STATE
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.creation import zeros_of
from curta.ops.dispatch import bind, bind_into
from curta.ops.elementwise import ADD
from curta.ops.movement import REGION, embed
from curta.ops.record import NO_COST, Cost, Gradient, Op, View

Pair = tuple[int, int]


def window_counts(sizes: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """How many windows fit along height and width."""
    high, wide = (
        (size - step * (taps - 1) - 1) // jump + 1
        for size, taps, jump, step in zip(sizes, kernel, stride, dilation, strict=True)
    )
    return high, wide


def _geometry(x: Layout, kernel: Pair, stride: Pair, dilation: Pair) -> tuple[Layout, int]:
    N, C, H, W = x.shape
    n, c, h, w = x.strides
    counts = window_counts((H, W), kernel, stride, dilation)
    shape = (N, C, *kernel, *counts)
    strides = (n, c, h * dilation[0], w * dilation[1], h * stride[0], w * stride[1])
    return strided(shape, strides, x.dtype, x.device), 0


def _rule(node: Any, g: Any) -> tuple[Any, ...]:
    """Every tap's plane of gradients is added where the tap read."""
    layout: Layout = node.input_layouts[0]
    kernel, stride, dilation = (node.params[name] for name in ("kernel", "stride", "dilation"))
    total = zeros_of(contiguous(layout.shape, g.layout.dtype, layout.device))
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            part = g.select(2, row).select(2, column)
            region = (
                (0, layout.shape[0], 1), (0, layout.shape[1], 1),
                (row * dilation[0], part.layout.shape[2], stride[0]),
                (column * dilation[1], part.layout.shape[3], stride[1]),
            )  # fmt: skip
            if STATE.grad_enabled:
                total = total + embed(part, layout.shape, region)
            else:
                place = bind(REGION, (total,), region=region)
                bind_into(ADD, (place, part), (place,))
    return (total,)


def _free(inputs: Any, outputs: Any, **params: Any) -> Cost:
    return NO_COST


#: [N, C, H, W] to [N, C, kernel height, kernel width, windows down, windows across]: a view
WINDOWS = Op("windows", lambda x, **params: _geometry(x, **params)[0], View(_geometry), Gradient(_rule), _free)
