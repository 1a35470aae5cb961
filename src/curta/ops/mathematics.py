"""Element-wise functions of one variable: exponentials, logarithms, trigonometry, roots, roundings."""

from __future__ import annotations

from collections.abc import Callable
from math import log as log_of
from math import pi
from typing import Any

from curta.compiler.expression import Expression, call, constant
from curta.memory.layout import Layout
from curta.ops.composition import derived
from curta.ops.dispatch import bind
from curta.ops.elementwise import no_slope
from curta.ops.inference import each, infer_first, infer_float, infer_promoted
from curta.ops.record import Gradient, Op, Operand, Pointwise


def function(name: str, gradient: Gradient, transcendentals: int = 1) -> Op:
    """A transcendental function; integers become the default floating-point format first."""
    return Op(name, infer_float, Pointwise(lambda x: call(name, x), "result"), gradient, each(0, transcendentals))


def of_input(name: str, slope: Callable[[Any, Any], Any]) -> Gradient:
    """The gradient from the input: `slope(g, x)`, as one kernel."""
    backward = derived(f"{name}_backward", slope)
    return Gradient(lambda node, g: (bind(backward, (g, node.input(0))),), inputs=(0,))


def of_output(name: str, slope: Callable[[Any, Any], Any]) -> Gradient:
    """The gradient from the result: `slope(g, y)`, as one kernel."""
    backward = derived(f"{name}_backward", slope)
    return Gradient(lambda node, g: (bind(backward, (g, node.output(0))),), outputs=(0,))


EXP = function("exp", of_output("exp", lambda g, y: g * y))
EXP2 = function("exp2", of_output("exp2", lambda g, y: g * y * log_of(2)))
EXPM1 = function("expm1", of_output("expm1", lambda g, y: g * (y + 1)))
LOG = function("log", of_input("log", lambda g, x: g / x))
LOG2 = function("log2", of_input("log2", lambda g, x: g / (x * log_of(2))))
LOG10 = function("log10", of_input("log10", lambda g, x: g / (x * log_of(10))))
LOG1P = function("log1p", of_input("log1p", lambda g, x: g / (x + 1)))
SIN = function("sin", of_input("sin", lambda g, x: g * x.cos()))
COS = function("cos", of_input("cos", lambda g, x: -g * x.sin()))
TAN = function("tan", of_output("tan", lambda g, y: g * (y * y + 1)))
ASIN = function("asin", of_input("asin", lambda g, x: g * (1 - x * x).rsqrt()))
ACOS = function("acos", of_input("acos", lambda g, x: -g * (1 - x * x).rsqrt()))
ATAN = function("atan", of_input("atan", lambda g, x: g / (x * x + 1)))
SINH = function("sinh", of_input("sinh", lambda g, x: g * x.cosh()))
COSH = function("cosh", of_input("cosh", lambda g, x: g * x.sinh()))
TANH = function("tanh", of_output("tanh", lambda g, y: g * (1 - y * y)))
SIGMOID = function("sigmoid", of_output("sigmoid", lambda g, y: g * ((1 - y) * y)))
ERF = function("erf", of_input("erf", lambda g, x: g * ((-x * x).exp() * (2 / pi**0.5))))
ERFC = function("erfc", of_input("erfc", lambda g, x: g * ((-x * x).exp() * (-2 / pi**0.5))))


def _atan2_slopes(g: Any, y: Any, x: Any) -> tuple[Any, Any]:
    size = y * y + x * x
    scaled = (g / size).masked_fill(size == 0, 0)
    return scaled * x, -scaled * y


_ATAN2_BACKWARD = derived("atan2_backward", _atan2_slopes)


def _atan2_rule(node: Any, g: Any) -> tuple[Any, ...]:
    to_y, to_x = bind(_ATAN2_BACKWARD, (g, node.input(0), node.input(1)))
    return (to_y if node.needs[0] else None, to_x if node.needs[1] else None)


ATAN2 = Op(
    "atan2",
    infer_float,
    Pointwise(lambda y, x: call("atan2", y, x), "result"),
    Gradient(_atan2_rule, inputs=(0, 1)),
    each(0, 1),
)
SQRT = Op(
    "sqrt",
    infer_float,
    Pointwise(lambda x: call("square_root", x), "result"),
    of_output("sqrt", lambda g, y: g / (y * 2)),
    each(1),
)
RSQRT = Op(
    "rsqrt",
    infer_float,
    Pointwise(lambda x: 1.0 / call("square_root", x), "result"),
    of_output("rsqrt", lambda g, y: g * (y * y * y * -0.5)),
    each(2),
)
RELU = Op(
    "relu",
    infer_promoted,
    Pointwise(lambda x: call("maximum", constant(0, x.dtype), x)),
    of_output("relu", lambda g, y: g.masked_fill(y <= 0, 0)),
    each(0),
)


def _rounding(name: str, instruction: str) -> Op:
    """Integers stay as they are."""
    return Op(name, infer_promoted, Pointwise(lambda x: call(instruction, x)), Gradient(no_slope), each(1))


FLOOR = _rounding("floor", "floor")
CEIL = _rounding("ceil", "ceil")
TRUNC = _rounding("trunc", "trunc")
ROUND = _rounding("round", "round")
SIGN = Op("sign", infer_promoted, Pointwise(lambda x: call("sign", x)), Gradient(no_slope), each(0))
FRAC = Op("frac", infer_promoted, Pointwise(lambda x: x - call("trunc", x)), Gradient(lambda node, g: (g,)), each(2))


def _infer_nan_to_num(x: Layout, *numbers: Operand) -> Layout:
    return infer_first(x)


def _nan_to_num(x: Expression, nan: Expression, largest: Expression, lowest: Expression) -> Expression:
    finite = x.eq(float("inf")).select(largest, x.eq(float("-inf")).select(lowest, x))
    return call("is_nan", x).select(nan, finite)


_NAN_TO_NUM_BACKWARD = derived("nan_to_num_backward", lambda g, x: g.masked_fill(x.isfinite().logical_not(), 0))
NAN_TO_NUM = Op(
    "nan_to_num",
    _infer_nan_to_num,
    Pointwise(_nan_to_num, "result"),
    Gradient(lambda node, g: (bind(_NAN_TO_NUM_BACKWARD, (g, node.input(0))), None, None, None), inputs=(0,)),
    each(0),
)
