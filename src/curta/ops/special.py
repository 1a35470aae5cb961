"""Element-wise functions that are written with others: inverse hyperbolic ones, logarithms of sums, signs, divisors."""

from __future__ import annotations

from math import inf, log, nan, pi
from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression, call, constant
from curta.methods import late
from curta.ops.composition import ZERO_OF, composition, derived
from curta.ops.dispatch import bind
from curta.ops.inference import each, infer_bool, infer_float, infer_promoted
from curta.ops.record import NO_GRADIENT, Gradient, Op, Pointwise

#: beyond this a number's square drops the 1 beside it
_LARGE = 2.0**28


def _where(condition: Any, left: Any, right: Any) -> Any:
    return late.functions.where(condition, left, right)


def _of_input(backward: Op) -> Gradient:
    return Gradient(lambda node, g: (bind(backward, (g, node.input(0))),), inputs=(0,))


def _of_both(backward: Op) -> Gradient:
    """The rule of two inputs: `backward` gives both gradients."""

    def rule(node: Any, g: Any) -> tuple[Any, ...]:
        made = bind(backward, (g, node.input(0), node.input(1)))
        return tuple(one if needed else None for one, needed in zip(made, node.needs, strict=True))

    return Gradient(rule, inputs=(0, 1))


# of one variable, floating point


def _asinh(x: Any) -> Any:
    size = x.abs()
    near = size.clamp(max=_LARGE)
    square = near * near
    found = (near + square / ((square + 1).sqrt() + 1)).log1p()
    return bind(COPYSIGN, (_where(size > _LARGE, size.log() + log(2), found), x))


def _acosh(x: Any) -> Any:
    above = x.clamp(max=_LARGE) - 1
    found = (above + (above * (above + 2)).sqrt()).log1p()
    return _where(x < 1, nan, _where(x > _LARGE, x.log() + log(2), found))  # far below 1 the sum rounds to -1, or 0


def _atanh(x: Any) -> Any:
    size = x.abs()
    return bind(COPYSIGN, ((size * 2 / (1 - size)).log1p() * 0.5, x))


def _sinc(x: Any) -> Any:
    angle = _where(x == 0, 1, x) * pi
    return _where(x == 0, 1, angle.sin() / angle)


def _logit_slope(g: Any, x: Any) -> Any:
    return _where((x < 0).logical_or(x > 1), nan, g / (x * (1 - x)).abs())


ASINH = composition("asinh", _asinh, _of_input(derived("asinh_backward", lambda g, x: g * (x * x + 1).rsqrt())))
ACOSH = composition("acosh", _acosh, _of_input(derived("acosh_backward", lambda g, x: g * (x * x - 1).rsqrt())))
ATANH = composition("atanh", _atanh, _of_input(derived("atanh_backward", lambda g, x: g / (1 - x * x))))
SINC = derived("sinc", _sinc)
LOGIT = composition(
    "logit",
    lambda x: x.log() - (-x).log1p(),
    _of_input(derived("logit_backward", _logit_slope)),
)


# of two variables, floating point


def _hypot(a: Any, b: Any) -> Any:
    """Of the larger and the ratio, so that no square overflows."""
    a, b = a.abs(), b.abs()
    large, small = a.maximum(b), a.minimum(b)
    ratio = small / _where(large == 0, 1, large)
    found = large * (ratio * ratio + 1).sqrt()
    return _where(a.isinf().logical_or(b.isinf()), inf, found)


def _hypot_rule(node: Any, g: Any) -> tuple[Any, ...]:
    scaled = g / node.output(0)
    return tuple(scaled * node.input(place) if node.needs[place] else None for place in (0, 1))


def _logaddexp(a: Any, b: Any) -> Any:
    found = a.maximum(b) + (-(a - b).abs()).exp().log1p()
    return _where((a == b).logical_and(a.isinf()), a, found)


def _logaddexp2(a: Any, b: Any) -> Any:
    found = a.maximum(b) + (-(a - b).abs()).exp2().log1p() * (1 / log(2))
    return _where((a == b).logical_and(a.isinf()), a, found)


def _shares(g: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return g * (a - b).sigmoid(), g * (b - a).sigmoid()


def _xlogy(x: Any, y: Any) -> Any:
    return _where(y.isnan(), nan, _where(x == 0, 0, x * y.log()))


def _xlogy_slopes(g: Any, x: Any, y: Any) -> tuple[Any, Any]:
    nothing = (x == 0).logical_and(y <= 0)
    return _xlogy(g, y).masked_fill(nothing, 0), g * x / y  # a gradient of 0 stays one where y is 0


HYPOT = composition("hypot", _hypot, Gradient(_hypot_rule, inputs=(0, 1), outputs=(0,)))
LOGADDEXP = composition("logaddexp", _logaddexp, _of_both(derived("logaddexp_backward", _shares)))
LOGADDEXP2 = composition(
    "logaddexp2",
    _logaddexp2,
    _of_both(derived("logaddexp2_backward", lambda g, a, b: _shares(g, a * log(2), b * log(2)))),
)
XLOGY = composition("xlogy", _xlogy, _of_both(derived("xlogy_backward", _xlogy_slopes)))


# extremes that pass over NaN; at a tie all the gradient is the first one's


def _first_of(better: str) -> Any:
    def slopes(g: Any, a: Any, b: Any) -> tuple[Any, Any]:
        mine = getattr(a, better)(b).logical_or(b.isnan())
        return _where(mine, g, 0), _where(mine, 0, g)

    return slopes


def _past_nan(name: str) -> Any:
    def element(a: Expression, b: Expression) -> Expression:
        return call("is_nan", a).select(b, call("is_nan", b).select(a, call(name, a, b)))

    return Pointwise(element)


FMAX = Op("fmax", infer_promoted, _past_nan("maximum"), _of_both(derived("fmax_backward", _first_of("ge"))), each(0))
FMIN = Op("fmin", infer_promoted, _past_nan("minimum"), _of_both(derived("fmin_backward", _first_of("le"))), each(0))


# signs


def _heaviside(x: Expression, value: Expression) -> Expression:
    step = x.gt(0).select(constant(1, x.dtype), 0)
    return x.eq(0).select(value, step)


def _copysign_slopes(g: Any, x: Any, y: Any) -> Any:
    return (g * (y / x)).masked_fill(x == 0, 0)


_COPYSIGN_BACKWARD = derived("copysign_backward", _copysign_slopes)


def _copysign_rule(node: Any, g: Any) -> tuple[Any, ...]:
    mine = bind(_COPYSIGN_BACKWARD, (g, node.input(0), node.output(0))) if node.needs[0] else None
    return mine, (g * 0 if node.needs[1] else None)


def _signbit(x: Expression) -> Expression:
    if x.dtype.is_floating_point:
        return call("copy_sign", constant(1, x.dtype), x).lt(0)
    return x.lt(0) if x.dtype.is_signed else constant(False, dtypes.bool_)


HEAVISIDE = Op("heaviside", infer_promoted, Pointwise(_heaviside), NO_GRADIENT, each(0))
COPYSIGN = Op(
    "copysign",
    infer_float,
    Pointwise(lambda x, other: call("copy_sign", x, other), "result"),
    Gradient(_copysign_rule, inputs=(0,), outputs=(0,)),
    each(0),
)
SIGNBIT = Op("signbit", infer_bool, Pointwise(_signbit, "raw"), NO_GRADIENT, each(0))


_NEXTAFTER_BACKWARD = derived("nextafter_backward", lambda g, x, other: _where(x == other, 0, g))


def _nextafter_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """The step is as good as constant; where there is none PyTorch's gradient is 0."""
    mine = bind(_NEXTAFTER_BACKWARD, (g, node.input(0), node.input(1))) if node.needs[0] else None
    return mine, (bind(ZERO_OF, (g,)) if node.needs[1] else None)


NEXTAFTER = Op(
    "nextafter",
    infer_promoted,
    Pointwise(lambda x, other, half: call(f"next_after_{half}" if half else "next_after", x, other)),
    Gradient(_nextafter_rule, inputs=(0, 1)),
    each(0),
)


# divisors


def _multiple(a: Expression, b: Expression) -> Expression:
    divisor = call("greatest_divisor", a, b)
    return call("absolute", call("truncated_divide", a, divisor) * b)


GCD = Op("gcd", infer_promoted, Pointwise(lambda a, b: call("greatest_divisor", a, b)), NO_GRADIENT, each(1))
LCM = Op("lcm", infer_promoted, Pointwise(_multiple), NO_GRADIENT, each(4))
