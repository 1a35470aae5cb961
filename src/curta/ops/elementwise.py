"""Element-wise arithmetic: sums, products, quotients, powers, copies and conversions."""

from __future__ import annotations

import math
from typing import Any

from curta import dtypes
from curta.compiler.expression import call
from curta.dtypes import DType
from curta.errors import DTypeError, UnsupportedDTypeError
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.composition import ZERO_OF, derived
from curta.ops.dispatch import bind
from curta.ops.inference import broadcast, each, infer_float, infer_promoted, number_dtype, promoted
from curta.ops.record import Gradient, Op, Operand, Pointwise
from curta.shapes import elementwise_strides


def dtype_of(operand: Operand) -> DType:
    """The format of a layout, or of a Python number's type."""
    return operand.dtype if isinstance(operand, Layout) else number_dtype(operand)


# copies and conversions


def _infer_copy(layout: Layout, contiguous_format: bool = False, dtype: DType | None = None) -> Layout:
    """A dense copy keeps its order in memory, anything else becomes row-major as the strides order it."""
    kind = dtype or layout.dtype
    if contiguous_format or layout.is_contiguous:
        return contiguous(layout.shape, kind, layout.device)
    return strided(layout.shape, elementwise_strides(layout.shape, layout.strides), kind, layout.device)


CAST = Op(
    "cast",
    lambda x, dtype: _infer_copy(x, dtype=dtype),
    Pointwise(lambda x, dtype: x, "raw"),
    Gradient(lambda node, g: (g,)),
    each(0),
)
COPY = Op(
    "copy",
    lambda x, contiguous_format=False: _infer_copy(x, contiguous_format),
    Pointwise(lambda x, contiguous_format=False: x, "raw"),
    Gradient(lambda node, g: (g,)),
    each(0),
)


# sums and products


def _infer_sub(*operands: Operand) -> Layout:
    kinds = [dtype_of(operand) for operand in operands]
    if dtypes.bool_ in kinds:
        which = "two bool tensors" if kinds == [dtypes.bool_] * 2 else "a bool tensor"
        advice = (
            "Use the `^` or `logical_xor()` operator instead."
            if which.startswith("two")
            else "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
        raise DTypeError(f"Subtraction, the `-` operator, with {which} is not supported. {advice}")
    return infer_promoted(*operands)


def _infer_scaled(left: Operand, right: Operand, alpha: Operand, subtracts: bool = False) -> Layout:
    if subtracts:
        _infer_sub(left, right)
    dtype, kind = promoted((left, right)), dtype_of(alpha)
    if kind is dtypes.bool_ and dtype is not dtypes.bool_:
        raise DTypeError("Boolean alpha only supported for Boolean results.")
    if kind.is_floating_point and not dtype.is_floating_point:
        raise DTypeError("For integral input tensors, argument alpha must not be a floating point number.")
    return broadcast((left, right), dtype)


def _infer_neg(x: Operand) -> Layout:
    if dtype_of(x) is dtypes.bool_:
        raise DTypeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    return infer_promoted(x)


def _mul_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (
        g * node.input(1) if node.needs[0] else None,
        g * node.input(0) if node.needs[1] else None,
    )


_DIV_BACKWARD = derived("div_backward", lambda g, a, b: -g / b * (a / b))


def _div_rule(node: Any, g: Any) -> tuple[Any, ...]:
    divisor = node.input(1)
    return (
        g / divisor if node.needs[0] else None,
        bind(_DIV_BACKWARD, (g, node.input(0), divisor)) if node.needs[1] else None,
    )


ADD = Op("add", infer_promoted, Pointwise(lambda a, b: a + b), Gradient(lambda node, g: (g, g)), each(1))
ADD_SCALED = Op(
    "add_scaled",
    _infer_scaled,
    Pointwise(lambda a, b, alpha: a + b * alpha, "result"),
    Gradient(lambda node, g: (g, g * node.input(2) if node.needs[1] else None, None), inputs=(2,)),
    each(2),
)
SUB_SCALED = Op(
    "sub_scaled",
    lambda left, right, alpha: _infer_scaled(left, right, alpha, subtracts=True),
    Pointwise(lambda a, b, alpha: a - b * alpha, "result"),
    Gradient(lambda node, g: (g, -g * node.input(2) if node.needs[1] else None, None), inputs=(2,)),
    each(2),
)
SUB = Op("sub", _infer_sub, Pointwise(lambda a, b: a - b), Gradient(lambda node, g: (g, -g)), each(1))
MUL = Op("mul", infer_promoted, Pointwise(lambda a, b: a * b), Gradient(_mul_rule, inputs=(0, 1)), each(1))
DIV = Op("div", infer_float, Pointwise(lambda a, b: a / b, "result"), Gradient(_div_rule, inputs=(0, 1)), each(1))
NEG = Op("neg", _infer_neg, Pointwise(lambda a: -a), Gradient(lambda node, g: (-g,)), each(1))
_ABS_BACKWARD = derived("abs_backward", lambda g, x: g * x.sign())
_SQUARE_BACKWARD = derived("square_backward", lambda g, x: g * (x * 2))
_CUBE_BACKWARD = derived("cube_backward", lambda g, x: g * (x * x * 3))
_RECIPROCAL_BACKWARD = derived("reciprocal_backward", lambda g, y: -g * (y * y))

ABS = Op(
    "abs",
    infer_promoted,
    Pointwise(lambda a: call("absolute", a)),
    Gradient(lambda node, g: (bind(_ABS_BACKWARD, (g, node.input(0))),), inputs=(0,)),
    each(1),
)
SQUARE = Op(
    "square",
    infer_promoted,
    Pointwise(lambda a: a * a),
    Gradient(lambda node, g: (bind(_SQUARE_BACKWARD, (g, node.input(0))),), inputs=(0,)),
    each(1),
)
CUBE = Op(
    "cube",
    infer_promoted,
    Pointwise(lambda a: a * a * a),
    Gradient(lambda node, g: (bind(_CUBE_BACKWARD, (g, node.input(0))),), inputs=(0,)),
    each(2),
)
RECIPROCAL = Op(
    "reciprocal",
    infer_float,
    Pointwise(lambda a: 1.0 / a, "result"),
    Gradient(lambda node, g: (bind(_RECIPROCAL_BACKWARD, (g, node.output(0))),), outputs=(0,)),
    each(1),
)


# powers


def log_of(base: float) -> float:
    """The natural logarithm of a number, with the values of floating-point arithmetic at zero and below."""
    if base == 0:
        return -math.inf
    return math.log(base) if base > 0 else math.nan


def _pow_rule(node: Any, g: Any) -> tuple[Any, ...]:
    base, exponent = node.input(0), node.input(1)
    to_base = to_exponent = None
    if node.needs[0]:
        if isinstance(exponent, int | float):
            to_base = g * (base ** (exponent - 1) * exponent) if exponent else bind(ZERO_OF, (g,))
        else:
            to_base = (g * (exponent * base ** (exponent - 1))).masked_fill(exponent == 0, 0)
    if node.needs[1]:
        result = node.output(0)
        if isinstance(base, int | float):
            logarithm = log_of(base)
            vanishes = exponent >= 0 if base == 0 else None
        else:
            logarithm = base.log()
            vanishes = (base == 0).logical_and(exponent >= 0)
        slope = result * logarithm
        to_exponent = g * (slope if vanishes is None else slope.masked_fill(vanishes, 0))
    return to_base, to_exponent


def no_slope(node: Any, g: Any) -> tuple[Any, ...]:
    """The gradient of steps: zero wherever it exists."""
    zeros = bind(ZERO_OF, (g,))
    return tuple(zeros if needed else None for needed in node.needs)


def _infer_pow(*operands: Operand) -> Layout:
    if promoted(operands) is dtypes.bool_:
        raise UnsupportedDTypeError("\"pow\" not implemented for 'bool'")
    return infer_promoted(*operands)


POW = Op(
    "pow",
    _infer_pow,
    Pointwise(lambda a, b: call("power", a, b)),
    Gradient(_pow_rule, inputs=(0, 1), outputs=(0,)),
    each(0, 1),
)
