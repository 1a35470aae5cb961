"""Element-wise functions of one variable: exponentials, logarithms, trigonometry, roots, roundings."""

from __future__ import annotations

from collections.abc import Callable
from math import log as log_of
from math import pi
from typing import Any

from curta.compiler.expression import call, constant
from curta.ops.inference import each, infer_float, infer_promoted
from curta.ops.elementwise import _no_slope
from curta.ops.record import Gradient, Op, Pointwise


def _function(name: str, instruction: str, gradient: Gradient) -> Op:
    """A transcendental function; integers become the default floating-point format first."""
    return Op(name, infer_float, Pointwise(lambda x: call(instruction, x), "result"), gradient, each(0, 1))


def _of_input(slope: Callable[[Any, Any], Any]) -> Gradient:
    """The gradient from the input: `slope(g, x)`."""
    return Gradient(lambda node, g: (slope(g, node.input(0)),), inputs=(0,))


def _of_output(slope: Callable[[Any, Any], Any]) -> Gradient:
    """The gradient from the result: `slope(g, y)`."""
    return Gradient(lambda node, g: (slope(g, node.output(0)),), outputs=(0,))


EXP = _function("exp", "exp", _of_output(lambda g, y: g * y))
EXP2 = _function("exp2", "exp2", _of_output(lambda g, y: g * y * log_of(2)))
EXPM1 = _function("expm1", "expm1", _of_output(lambda g, y: g * (y + 1)))
LOG = _function("log", "log", _of_input(lambda g, x: g / x))
LOG2 = _function("log2", "log2", _of_input(lambda g, x: g / (x * log_of(2))))
LOG10 = _function("log10", "log10", _of_input(lambda g, x: g / (x * log_of(10))))
LOG1P = _function("log1p", "log1p", _of_input(lambda g, x: g / (x + 1)))
SIN = _function("sin", "sin", _of_input(lambda g, x: g * x.cos()))
COS = _function("cos", "cos", _of_input(lambda g, x: -g * x.sin()))
TAN = _function("tan", "tan", _of_output(lambda g, y: g * (y * y + 1)))
ASIN = _function("asin", "asin", _of_input(lambda g, x: g * (1 - x * x).rsqrt()))
ACOS = _function("acos", "acos", _of_input(lambda g, x: -g * (1 - x * x).rsqrt()))
ATAN = _function("atan", "atan", _of_input(lambda g, x: g / (x * x + 1)))
SINH = _function("sinh", "sinh", _of_input(lambda g, x: g * x.cosh()))
COSH = _function("cosh", "cosh", _of_input(lambda g, x: g * x.sinh()))
TANH = _function("tanh", "tanh", _of_output(lambda g, y: g * (1 - y * y)))
SIGMOID = _function("sigmoid", "sigmoid", _of_output(lambda g, y: g * ((1 - y) * y)))
ERF = _function("erf", "erf", _of_input(lambda g, x: g * ((-x * x).exp() * (2 / pi**0.5))))
ERFC = _function("erfc", "erfc", _of_input(lambda g, x: g * ((-x * x).exp() * (-2 / pi**0.5))))


def _atan2_rule(node: Any, g: Any) -> tuple[Any, ...]:
    y, x = node.input(0), node.input(1)
    scaled = (g / (y * y + x * x)).masked_fill((y * y + x * x) == 0, 0)
    return (scaled * x if node.needs[0] else None, -scaled * y if node.needs[1] else None)


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
    _of_output(lambda g, y: g / (y * 2)),
    each(1),
)
RSQRT = Op(
    "rsqrt",
    infer_float,
    Pointwise(lambda x: 1.0 / call("square_root", x), "result"),
    _of_output(lambda g, y: g * (y * y * y * -0.5)),
    each(2),
)
RELU = Op(
    "relu",
    infer_promoted,
    Pointwise(lambda x: call("maximum", x, constant(0, x.dtype))),
    _of_output(lambda g, y: g.masked_fill(y <= 0, 0)),
    each(0),
)


def _rounding(name: str, instruction: str) -> Op:
    """Integers stay as they are."""
    return Op(name, infer_promoted, Pointwise(lambda x: call(instruction, x)), Gradient(_no_slope), each(1))


FLOOR = _rounding("floor", "floor")
CEIL = _rounding("ceil", "ceil")
TRUNC = _rounding("trunc", "trunc")
ROUND = _rounding("round", "round")
SIGN = Op("sign", infer_promoted, Pointwise(lambda x: call("sign", x)), Gradient(_no_slope), each(0))
FRAC = Op(
    "frac", infer_promoted, Pointwise(lambda x: x - call("trunc", x)), Gradient(lambda node, g: (g,)), each(2)
)
