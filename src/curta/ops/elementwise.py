"""Element-wise arithmetic: sums, products, quotients, powers, extremes, choices, copies and conversions."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.dtypes import DType
from curta.errors import DTypeError
from curta.memory.layout import Layout, contiguous, strided
from curta.methods import late
from curta.ops.inference import broadcast, each, infer_float, infer_promoted, number_dtype, promoted
from curta.ops.record import NO_GRADIENT, Gradient, Op, Operand, Pointwise
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


def _infer_scaled(left: Operand, right: Operand, alpha: Operand) -> Layout:
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


def _div_rule(node: Any, g: Any) -> tuple[Any, ...]:
    divisor = node.input(1)
    first = g / divisor
    return (first if node.needs[0] else None, -first * (node.input(0) / divisor) if node.needs[1] else None)


ADD = Op("add", infer_promoted, Pointwise(lambda a, b: a + b), Gradient(lambda node, g: (g, g)), each(1))
ADD_SCALED = Op(
    "add_scaled",
    _infer_scaled,
    Pointwise(lambda a, b, alpha: a + b * alpha, "result"),
    Gradient(lambda node, g: (g, g * node.input(2) if node.needs[1] else None, None), inputs=(2,)),
    each(2),
)
SUB = Op("sub", _infer_sub, Pointwise(lambda a, b: a - b), Gradient(lambda node, g: (g, -g)), each(1))
MUL = Op("mul", infer_promoted, Pointwise(lambda a, b: a * b), Gradient(_mul_rule, inputs=(0, 1)), each(1))
DIV = Op("div", infer_float, Pointwise(lambda a, b: a / b, "result"), Gradient(_div_rule, inputs=(0, 1)), each(1))
NEG = Op("neg", _infer_neg, Pointwise(lambda a: -a), Gradient(lambda node, g: (-g,)), each(1))
ABS = Op(
    "abs",
    infer_promoted,
    Pointwise(lambda a: call("absolute", a)),
    Gradient(lambda node, g: (g * node.input(0).sign(),), inputs=(0,)),
    each(1),
)
SQUARE = Op(
    "square",
    infer_promoted,
    Pointwise(lambda a: a * a),
    Gradient(lambda node, g: (g * (node.input(0) * 2),), inputs=(0,)),
    each(1),
)
RECIPROCAL = Op(
    "reciprocal",
    infer_float,
    Pointwise(lambda a: 1.0 / a, "result"),
    Gradient(lambda node, g: (-g * (node.output(0) * node.output(0)),), outputs=(0,)),
    each(1),
)


# powers


def _pow_rule(node: Any, g: Any) -> tuple[Any, ...]:
    base, exponent = node.input(0), node.input(1)
    to_base = to_exponent = None
    if node.needs[0]:
        if isinstance(exponent, int | float):
            to_base = g * (base ** (exponent - 1) * exponent) if exponent else _zeros_like(g)
        else:
            to_base = (g * (exponent * base ** (exponent - 1))).masked_fill(exponent == 0, 0)
    if node.needs[1]:
        result = node.output(0)
        if isinstance(base, int | float):
            logarithm = exponent.new_full((), base).log()
            vanishes = exponent >= 0 if base == 0 else None
        else:
            logarithm = base.log()
            vanishes = (base == 0).logical_and(exponent >= 0)
        slope = result * logarithm
        to_exponent = g * (slope if vanishes is None else slope.masked_fill(vanishes, 0))
    return to_base, to_exponent


def _zeros_like(g: Any) -> Any:
    return g.masked_fill(g == g, 0).masked_fill(g != g, 0)  # noqa: PLR0124 - also where g is NaN


POW = Op(
    "pow",
    infer_promoted,
    Pointwise(lambda a, b: call("power", a, b)),
    Gradient(_pow_rule, inputs=(0, 1), outputs=(0,)),
    each(0, 1),
)


# extremes and choices


def _maximum_rule(node: Any, g: Any) -> tuple[Any, ...]:
    where = late.functions.where
    left, right = node.input(0), node.input(1)
    shared = where(left == right, g / 2, g)
    return (
        shared.masked_fill(left < right, 0) if node.needs[0] else None,
        shared.masked_fill(left > right, 0) if node.needs[1] else None,
    )


def _minimum_rule(node: Any, g: Any) -> tuple[Any, ...]:
    where = late.functions.where
    left, right = node.input(0), node.input(1)
    shared = where(left == right, g / 2, g)
    return (
        shared.masked_fill(left > right, 0) if node.needs[0] else None,
        shared.masked_fill(left < right, 0) if node.needs[1] else None,
    )


MAXIMUM = Op(
    "maximum",
    infer_promoted,
    Pointwise(lambda a, b: call("maximum", a, b)),
    Gradient(_maximum_rule, inputs=(0, 1)),
    each(0),
)
MINIMUM = Op(
    "minimum",
    infer_promoted,
    Pointwise(lambda a, b: call("minimum", a, b)),
    Gradient(_minimum_rule, inputs=(0, 1)),
    each(0),
)


def _infer_where(condition: Operand, left: Operand, right: Operand) -> Layout:
    if dtype_of(condition) is not dtypes.bool_:
        raise DTypeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {dtype_of(condition)!r}"
        )
    return broadcast((condition, left, right), promoted((left, right)))


def _where_rule(node: Any, g: Any) -> tuple[Any, ...]:
    where = late.functions.where
    condition = node.input(0)
    return (
        None,
        where(condition, g, 0) if node.needs[1] else None,
        where(condition, 0, g) if node.needs[2] else None,
    )


WHERE = Op(
    "where",
    _infer_where,
    Pointwise(lambda condition, a, b: condition.select(a, b), ("raw", "result", "result")),
    Gradient(_where_rule, inputs=(0,)),
    each(0),
)


def _infer_masked_fill(x: Layout, mask: Operand, value: Operand) -> Layout:
    if dtype_of(mask) is not dtypes.bool_:
        raise DTypeError("masked_fill_ only supports boolean masks, but got mask with dtype " + repr(dtype_of(mask)))
    if dtype_of(value).category > x.dtype.category:
        raise DTypeError(
            f"value cannot be converted to type {x.dtype.name} without overflow"
            if isinstance(value, type)
            else f"result type {dtype_of(value).name} can't be cast to the desired output type {x.dtype.name}"
        )
    return broadcast((x, mask), x.dtype)


def _masked_fill_rule(node: Any, g: Any) -> tuple[Any, ...]:
    where = late.functions.where
    mask = node.input(1)
    return (
        g.masked_fill(mask, 0) if node.needs[0] else None,
        None,
        where(mask, g, 0) if node.needs[2] else None,
    )


MASKED_FILL = Op(
    "masked_fill",
    _infer_masked_fill,
    Pointwise(lambda x, mask, value: mask.select(value, x), ("result", "raw", "result")),
    Gradient(_masked_fill_rule, inputs=(1,)),
    each(0),
)


# divisions of integers and roundings of quotients


def _floor_quotient(a: Expression, b: Expression) -> Expression:
    return call("floor_divide", a, b)


def _infer_quotient(*operands: Operand) -> Layout:
    if promoted(operands) is dtypes.bool_:
        raise DTypeError("\"div_floor\" not implemented for 'Bool'")
    return infer_promoted(*operands)


def _no_slope(node: Any, g: Any) -> tuple[Any, ...]:
    """Steps: the gradient is zero wherever it exists."""
    zeros = _zeros_like(g)
    return tuple(zeros if needed else None for needed in node.needs)


def _remainder_rule(node: Any, g: Any) -> tuple[Any, ...]:
    other = None
    if node.needs[1]:
        left = node.input(0)
        quotient = left.div(node.input(1), rounding_mode="floor") if hasattr(left, "layout") else None
        if quotient is None:
            quotient = (left / node.input(1)).floor()
        other = -g * quotient
    return g, other


def _fmod_rule(node: Any, g: Any) -> tuple[Any, ...]:
    other = None
    if node.needs[1]:
        other = -g * node.input(0).div(node.input(1), rounding_mode="trunc")
    return g, other


FLOOR_DIVIDE = Op("floor_divide", _infer_quotient, Pointwise(_floor_quotient), NO_GRADIENT, each(1))
DIV_FLOOR = Op("div_floor", _infer_quotient, Pointwise(_floor_quotient), Gradient(_no_slope), each(1))
DIV_TRUNC = Op(
    "div_trunc",
    _infer_quotient,
    Pointwise(lambda a, b: call("truncated_divide", a, b)),
    Gradient(_no_slope),
    each(1),
)
REMAINDER = Op(
    "remainder",
    _infer_quotient,
    Pointwise(lambda a, b: call("remainder", a, b)),
    Gradient(_remainder_rule, inputs=(0, 1)),
    each(1),
)
FMOD = Op(
    "fmod",
    _infer_quotient,
    Pointwise(lambda a, b: call("fmod", a, b)),
    Gradient(_fmod_rule, inputs=(0, 1)),
    each(1),
)
