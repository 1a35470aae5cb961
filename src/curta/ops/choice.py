"""Element-wise choices: extremes, clamps, masks, and mixtures of tensors."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.errors import DTypeError, UnsupportedDTypeError
from curta.memory.layout import Layout, contiguous
from curta.methods import late
from curta.ops.composition import derived
from curta.ops.dispatch import bind
from curta.ops.elementwise import dtype_of
from curta.ops.inference import broadcast, each, infer_promoted, promoted
from curta.ops.record import Gradient, Op, Operand, Pointwise


def _wanted(node: Any, made: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients that somebody waits for."""
    return tuple(gradient if needed else None for gradient, needed in zip(made, node.needs, strict=True))


def _gradient(backward: Op, count: int) -> Gradient:
    """The rule of an operator of `count` inputs: `backward` of the result's gradient and all of them."""
    places = tuple(range(count))
    return Gradient(lambda node, g: _wanted(node, bind(backward, (g, *map(node.input, places)))), inputs=places)


def _scaled_gradient(backward: Op) -> Gradient:
    """The rule of x + value * (a and b combined): `backward` gives the gradients of a and b."""
    places = (1, 2, 3)
    return Gradient(
        lambda node, g: _wanted(node, (g, *bind(backward, (g, *map(node.input, places))), None)), inputs=places
    )


# extremes: at a tie each side gets half


def _maximum_slopes(g: Any, left: Any, right: Any) -> tuple[Any, Any]:
    shared = late.functions.where(left == right, g / 2, g)
    return shared.masked_fill(left < right, 0), shared.masked_fill(left > right, 0)


def _minimum_slopes(g: Any, left: Any, right: Any) -> tuple[Any, Any]:
    to_left, to_right = _maximum_slopes(g, left, right)
    return to_right, to_left


_MAXIMUM_BACKWARD = derived("maximum_backward", _maximum_slopes)
_MINIMUM_BACKWARD = derived("minimum_backward", _minimum_slopes)
MAXIMUM = Op(
    "maximum",
    infer_promoted,
    Pointwise(lambda a, b: call("maximum", a, b)),
    _gradient(_MAXIMUM_BACKWARD, 2),
    each(0),
)
MINIMUM = Op(
    "minimum",
    infer_promoted,
    Pointwise(lambda a, b: call("minimum", a, b)),
    _gradient(_MINIMUM_BACKWARD, 2),
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
    made = broadcast((x, mask), x.dtype)
    return contiguous(made.shape, made.dtype, made.device)  # row-major, as PyTorch


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


# clamps: the gradient passes where the value was within the bounds, the bounds included; the bound is the left operand,
# of which NaN is asked for, once where it is a number


def _clamp(x: Expression, low: Expression, high: Expression) -> Expression:
    return call("minimum", high, call("maximum", low, x))


def _clamp_slopes(g: Any, x: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
    inside = (x >= low).logical_and(x <= high)
    # one of the bounds is a tensor; where they are equal, PyTorch gives the lower one nothing
    crossed, apart = (low > high, low < high) if hasattr(low, "layout") else (high < low, high > low)
    where = late.functions.where
    return (
        where(inside, g, 0),
        where((x < low).logical_and(apart), g, 0),
        where((x > high).logical_or(crossed), g, 0),
    )


_CLAMP_BACKWARD = derived("clamp_backward", _clamp_slopes)
_CLAMP_INSIDE = derived(
    "clamp_inside", lambda g, x, low, high: late.functions.where((x >= low).logical_and(x <= high), g, 0)
)
_CLAMP_MIN_BACKWARD = derived(
    "clamp_min_backward",
    lambda g, x, low: (late.functions.where(x >= low, g, 0), late.functions.where(x < low, g, 0)),
)
_CLAMP_MAX_BACKWARD = derived(
    "clamp_max_backward",
    lambda g, x, high: (late.functions.where(x <= high, g, 0), late.functions.where(x > high, g, 0)),
)


def _clamp_rule(node: Any, g: Any) -> tuple[Any, ...]:
    saved = tuple(node.input(place) for place in range(3))
    if isinstance(saved[1], int | float) and isinstance(saved[2], int | float):
        return bind(_CLAMP_INSIDE, (g, *saved)), None, None
    return _wanted(node, bind(_CLAMP_BACKWARD, (g, *saved)))


CLAMP = Op("clamp", infer_promoted, Pointwise(_clamp), Gradient(_clamp_rule, inputs=(0, 1, 2)), each(0))
CLAMP_MIN = Op(
    "clamp_min",
    infer_promoted,
    Pointwise(lambda x, low: call("maximum", low, x)),
    _gradient(_CLAMP_MIN_BACKWARD, 2),
    each(0),
)
CLAMP_MAX = Op(
    "clamp_max",
    infer_promoted,
    Pointwise(lambda x, high: call("minimum", high, x)),
    _gradient(_CLAMP_MAX_BACKWARD, 2),
    each(0),
)


# mixtures


def _infer_lerp(start: Layout, end: Layout, weight: Operand) -> Layout:
    if start.dtype is not end.dtype:
        raise DTypeError(f"expected dtype {start.dtype.name} for `end` but got dtype {end.dtype.name}")
    if isinstance(weight, Layout) and weight.dtype is not start.dtype:
        raise DTypeError(f"expected dtype {start.dtype.name} for `weight` but got dtype {weight.dtype.name}")
    if not start.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"lerp" not implemented for {start.dtype.name!r}')
    return broadcast((start, end, weight), start.dtype)


def _lerp(start: Expression, end: Expression, weight: Expression) -> Expression:
    """From the nearer end, as PyTorch, so that a weight of 1 gives exactly `end`."""
    difference = end - start
    near_start = call("absolute", weight).lt(0.5)
    return near_start.select(start + weight * difference, end - difference * (1 - weight))


_LERP_BACKWARD = derived("lerp_backward", lambda g, start, end, weight: (g - g * weight, g * weight, g * (end - start)))
LERP = Op(
    "lerp",
    _infer_lerp,
    Pointwise(_lerp, "result"),
    _gradient(_LERP_BACKWARD, 3),
    each(3),
)


def _infer_weighted(x: Layout, first: Operand, second: Operand, value: Operand) -> Layout:
    dtype = promoted((x, first, second))
    if dtype is dtypes.bool_:
        raise UnsupportedDTypeError("\"addcmul\" not implemented for 'bool'")
    return broadcast((x, first, second), dtype)


def _infer_quotient(x: Layout, first: Operand, second: Operand, value: Operand) -> Layout:
    if not promoted((first, second)).is_floating_point:
        raise DTypeError("Integer division with addcdiv is no longer supported.")
    return _infer_weighted(x, first, second, value)


_ADDCMUL_BACKWARD = derived("addcmul_backward", lambda g, a, b, value: (g * (b * value), g * (a * value)))
_ADDCDIV_BACKWARD = derived("addcdiv_backward", lambda g, a, b, value: (g * value / b, -g * value * (a / b) / b))

ADDCMUL = Op(
    "addcmul",
    _infer_weighted,
    Pointwise(lambda x, a, b, value: x + value * a * b, "result"),
    _scaled_gradient(_ADDCMUL_BACKWARD),
    each(3),
)
ADDCDIV = Op(
    "addcdiv",
    _infer_quotient,
    Pointwise(lambda x, a, b, value: x + value * (a / b), "result"),
    _scaled_gradient(_ADDCDIV_BACKWARD),
    each(3),
)
