"""Convolutions with both their gradients, each the others' gradient too; and windows over images as views."""

from __future__ import annotations

from typing import Any

from curta.autograd.state import STATE
from curta.compiler.convolution import Geometry, Program, plan_forward, plan_input_gradient, plan_weight_gradient
from curta.compiler.schedule import Step
from curta.dtypes import compute_dtype
from curta.errors import CompilerError
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.creation import zeros_of
from curta.ops.dispatch import bind, bind_into
from curta.ops.elementwise import ADD
from curta.ops.inference import bytes_read
from curta.ops.movement import REGION, embed
from curta.ops.product import Ended, launch_step
from curta.ops.record import NO_COST, Convolution, Cost, Generated, Gradient, Op, View
from curta.runtime import cpu

Pair = tuple[int, int]
#: zeros (above, below) and (left, right)
Sides = tuple[Pair, Pair]

#: a convolution of no more FLOPs runs on the calling thread without letting go of the interpreter
SMALL_FLOPS = 65536


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
            if STATE.grad_enabled or g.batch is not None:
                total = total + embed(part, layout.shape, region)
            else:
                place = bind(REGION, (total,), region=region)
                bind_into(ADD, (place, part), (place,))
    return (total,)


def _free(inputs: Any, outputs: Any, **params: Any) -> Cost:
    return NO_COST


#: [N, C, H, W] to [N, C, kernel height, kernel width, windows down, windows across]: a view
WINDOWS = Op("windows", lambda x, **params: _geometry(x, **params)[0], View(_geometry), Gradient(_rule), _free)


# convolutions: x[N, C, H, W] with weight[O, C / groups, kH, kW] gives [N, O, windows down, windows across]


def _geometry_of(
    x: tuple[int, ...], weight: tuple[int, ...], stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Geometry:
    """The sizes of a convolution from the shapes of its operands."""
    above, left = padding[0][0], padding[1][0]
    below, right = padding[0][1], padding[1][1]
    filters, channels, *kernel = weight
    return Geometry(
        x[0], groups, channels, filters // groups, (x[2], x[3]), (kernel[0], kernel[1]), stride, (above, left),
        (below, right), dilation,
    )  # fmt: skip


def _forward_geometry(x: Layout, weight: Layout, **params: Any) -> Geometry:
    return _geometry_of(x.shape, weight.shape, **params)


def _input_geometry(g: Layout, weight: Layout, size: Pair, groups: int, **params: Any) -> Geometry:
    shape = (g.shape[0], weight.shape[1] * groups, *size)
    return _geometry_of(shape, weight.shape, groups=groups, **params)


def _weight_geometry(x: Layout, g: Layout, kernel: Pair, groups: int, **params: Any) -> Geometry:
    shape = (g.shape[1], x.shape[1] // groups, *kernel)
    return _geometry_of(x.shape, shape, groups=groups, **params)


def _infer(x: Layout, weight: Layout, *bias: Layout, **params: Any) -> Layout:
    counts = _forward_geometry(x, weight, **params).counts
    return contiguous((x.shape[0], weight.shape[0], *counts), x.dtype, x.device)


def _infer_input(g: Layout, weight: Layout, size: Pair, groups: int, **params: Any) -> Layout:
    return contiguous((g.shape[0], weight.shape[1] * groups, *size), g.dtype, g.device)


def _infer_weight(x: Layout, g: Layout, kernel: Pair, groups: int, **params: Any) -> Layout:
    return contiguous((g.shape[1], x.shape[1] // groups, *kernel), x.dtype, x.device)


def _generated(geometry_of: Any, plan: Any) -> Generated:
    """The lowering to the launches that `plan` puts together for this processor."""

    def steps(
        inputs: tuple[Layout, Layout], outputs: tuple[Layout, ...], **params: Any
    ) -> tuple[list[Step], list[Layout]]:
        _check_contiguous(outputs[0])
        geometry = geometry_of(*inputs, **params)
        return _steps(plan(geometry, *inputs, outputs[0], Program(cpu.level(), cpu.vector_bytes())), geometry)

    return Generated(steps)


def _with_ending(geometry_of: Any, plan: Any, result_of: Any, body: Any = None) -> Convolution:
    """The lowering to launches of which the last has the ending `body`; `result_of` infers the convolution's result."""

    def sums(first: Layout, second: Layout, **params: Any) -> Layout:
        made = result_of(first, second, **params)
        return contiguous(made.shape, compute_dtype(made.dtype), made.device)

    def steps(
        inputs: tuple[Any, ...], outputs: tuple[Layout, ...], ended: Ended | None, **params: Any
    ) -> tuple[list[Step], list[Layout]]:
        out = outputs[0] if ended is None else sums(*inputs[:2], **params)
        _check_contiguous(out)
        geometry, program = geometry_of(*inputs[:2], **params), Program(cpu.level(), cpu.vector_bytes())
        return _steps(plan(geometry, *inputs[:2], out, program, *(ended or ())), geometry)

    return Convolution(sums, steps, body)


def _check_contiguous(out: Layout) -> None:
    if not out.is_contiguous:
        raise CompilerError(f"conv2d: the result must be contiguous, got strides {out.strides}")


def _steps(program: Program, geometry: Geometry) -> tuple[list[Step], list[Layout]]:
    """The launches of a program, and the layouts of its temporaries."""
    small = _flops(geometry) <= SMALL_FLOPS
    made = [launch_step(plan, list(sources), small, ending) for plan, sources, ending in program.launches]
    return made, program.temporaries


def _flops(geometry: Geometry) -> int:
    """A multiply and an add for each output element, channel of its group and tap: zeros around the image count."""
    elements = geometry.images * geometry.groups * geometry.filters * geometry.pixels
    return 2 * elements * geometry.channels * geometry.taps


def _cost(geometry_of: Any) -> Any:
    """The FLOPs are those of the convolution, also for its gradients, which multiply as much."""

    def cost(inputs: tuple[Layout, Layout], outputs: tuple[Layout, ...], **params: Any) -> Cost:
        flops = _flops(geometry_of(*inputs, **params))
        return Cost(flops, 0, bytes_read(inputs), outputs[0].nbytes, flops)

    return cost


def _cost_with_bias(inputs: tuple[Layout, Layout, Layout], outputs: tuple[Layout, ...], **params: Any) -> Cost:
    """One addition more for each output element."""
    flops = _flops(_forward_geometry(*inputs[:2], **params))
    return Cost(flops + outputs[0].numel, 0, bytes_read(inputs), outputs[0].nbytes, flops)


def _convolution_rule(node: Any, g: Any) -> tuple[Any, Any]:
    """To the image and to the weight."""
    x, weight, params = node.input(0), node.input(1), node.params
    size, kernel = x.layout.shape[2:], weight.layout.shape[2:]
    to_x = bind(CONV2D_BACKWARD_INPUT, (g, weight), size=size, **params) if node.needs[0] else None
    to_weight = bind(CONV2D_BACKWARD_WEIGHT, (x, g), kernel=kernel, **params) if node.needs[1] else None
    return to_x, to_weight


def _input_rule(node: Any, gg: Any) -> tuple[Any, Any]:
    """The image's gradient is linear in the output's gradient and in the weight."""
    g, weight = node.input(0), node.input(1)
    params = {name: value for name, value in node.params.items() if name != "size"}
    to_g = bind(CONV2D, (gg, weight), **params) if node.needs[0] else None
    kernel = weight.layout.shape[2:]
    to_weight = bind(CONV2D_BACKWARD_WEIGHT, (gg, g), kernel=kernel, **params) if node.needs[1] else None
    return to_g, to_weight


def _weight_rule(node: Any, gg: Any) -> tuple[Any, Any]:
    """The weight's gradient is linear in the image and in the output's gradient."""
    x, g = node.input(0), node.input(1)
    params = {name: value for name, value in node.params.items() if name != "kernel"}
    size = x.layout.shape[2:]
    to_x = bind(CONV2D_BACKWARD_INPUT, (g, gg), size=size, **params) if node.needs[0] else None
    to_g = bind(CONV2D, (x, gg), **params) if node.needs[1] else None
    return to_x, to_g


#: x and weight of one floating-point format; `padding` are `Sides`
CONV2D = Op(
    "conv2d",
    _infer,
    _with_ending(_forward_geometry, plan_forward, _infer),
    Gradient(_convolution_rule, inputs=(0, 1)),
    _cost(_forward_geometry),
)

#: the same with a bias[1, O, 1, 1] added to the sums
CONV2D_WITH_BIAS = Op(
    "conv2d",
    _infer,
    _with_ending(_forward_geometry, plan_forward, _infer, lambda sums, bias, **params: sums + bias),
    Gradient(lambda node, g: (*_convolution_rule(node, g), g if node.needs[2] else None), inputs=(0, 1)),
    _cost_with_bias,
)

#: the gradient of an image of height and width `size`, from the output's gradient and the weight
CONV2D_BACKWARD_INPUT = Op(
    "conv2d_backward_input",
    _infer_input,
    _with_ending(_input_geometry, plan_input_gradient, _infer_input),
    Gradient(_input_rule, inputs=(0, 1)),
    _cost(_input_geometry),
)

#: the gradient of a weight with `kernel` taps, from the image and the output's gradient
CONV2D_BACKWARD_WEIGHT = Op(
    "conv2d_backward_weight",
    _infer_weight,
    _generated(_weight_geometry, plan_weight_gradient),
    Gradient(_weight_rule, inputs=(0, 1)),
    _cost(_weight_geometry),
)
