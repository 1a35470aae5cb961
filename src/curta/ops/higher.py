"""Special functions: gamma's relatives, error functions and quantiles, Bessel functions, entropies."""

from __future__ import annotations

from math import factorial, inf, nan, pi
from typing import Any

from curta.compiler.expression import call
from curta.errors import UnsupportedError
from curta.methods import late
from curta.ops.composition import composition, derived
from curta.ops.dispatch import bind
from curta.ops.inference import each, infer_float
from curta.ops.mathematics import function, of_input, of_output
from curta.ops.record import Gradient, Op, Pointwise

_ROOT_HALF = 0.5**0.5


def _where(condition: Any, left: Any, right: Any) -> Any:
    return late.functions.where(condition, left, right)


def _of_both(name: str, slope: Any) -> Gradient:
    """The gradient from input and result: `slope(g, x, y)`, as one kernel."""
    backward = derived(f"{name}_backward", slope)
    return Gradient(lambda node, g: (bind(backward, (g, node.input(0), node.output(0))),), inputs=(0,), outputs=(0,))


# gamma


def _zeta_rule(node: Any, g: Any) -> tuple[Any, ...]:
    if node.needs[0]:
        raise UnsupportedError("zeta: the derivative for the first argument is not implemented")
    return None, bind(_ZETA_BACKWARD, (g, node.input(0), node.input(1)))


def _polygamma(x: Any, n: int) -> Any:
    if n == 1:
        return bind(TRIGAMMA, (x,))
    size = float(factorial(n)) if n <= 170 else inf
    return bind(ZETA, (float(n + 1), x)) * (size if n % 2 else -size)


def _polygamma_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return (g * bind(POLYGAMMA, (node.input(0),), n=node.params["n"] + 1),)


_ZETA_BACKWARD = derived("zeta_backward", lambda g, s, q: -g * s * bind(ZETA, (s + 1, q)))
ZETA: Op = Op(
    "zeta",
    infer_float,
    Pointwise(lambda s, q: call("zeta", s, q), "result"),
    Gradient(_zeta_rule, inputs=(0, 1)),
    each(0, 1),
)
POLYGAMMA = composition("polygamma", _polygamma, Gradient(_polygamma_rule, inputs=(0,)))
TRIGAMMA = function("trigamma", of_input("trigamma", lambda g, x: g * bind(POLYGAMMA, (x,), n=2)))
DIGAMMA = function("digamma", of_input("digamma", lambda g, x: g * bind(TRIGAMMA, (x,))))
LGAMMA = function("lgamma", of_input("lgamma", lambda g, x: g * bind(DIGAMMA, (x,))))


def _density(g: Any, a: Any, x: Any) -> Any:
    """What the incomplete gamma functions integrate; NaN where a is 1 and x is 0, as in PyTorch."""
    return g * ((a - 1) * x.log() - x - a.lgamma()).exp()


def _incomplete(name: str, sign: int) -> Op:
    backward = derived(f"{name}_backward", lambda g, a, x: _density(g * sign, a, x))

    def rule(node: Any, g: Any) -> tuple[Any, ...]:
        if node.needs[0]:
            raise UnsupportedError(f"the derivative for '{name}: input' is not implemented.")
        return None, bind(backward, (g, node.input(0), node.input(1)))

    element = Pointwise(lambda a, x: call(name, a, x), "result")
    return Op(name, infer_float, element, Gradient(rule, inputs=(0, 1)), each(0, 1))


IGAMMA = _incomplete("igamma", 1)
IGAMMAC = _incomplete("igammac", -1)


# error functions and the normal distribution


def _ndtr(x: Any) -> Any:
    return (x * -_ROOT_HALF).erfc() * 0.5


def _log_ndtr(x: Any) -> Any:
    """Each form sees what it is good for alone: of the others the gradients would be infinities times 0."""
    low = x.clamp(max=-1) * _ROOT_HALF
    tail = (bind(ERFCX, (-low,)) * 0.5).log() - low * low
    return _where(x < -1, tail, (-((x.clamp(min=-1) * _ROOT_HALF).erfc() * 0.5)).log1p())


ERFINV = function("erfinv", of_output("erfinv", lambda g, y: g * ((y * y).exp() * (pi**0.5 / 2))))
ERFCX = function("erfcx", _of_both("erfcx", lambda g, x, y: g * (x * y * 2 - 2 / pi**0.5)))
NDTRI = function("ndtri", of_output("ndtri", lambda g, y: g * ((y * y * 0.5).exp() * (2 * pi) ** 0.5)))
NDTR = derived("ndtr", _ndtr)
LOG_NDTR = derived("log_ndtr", _log_ndtr)


# entropies


def _entr(x: Any) -> Any:
    return _where(x > 0, -x * x.log(), _where(x < 0, -inf, x))


def _entr_slope(g: Any, x: Any) -> Any:
    return g * _where(x > 0, -x.log() - 1, _where(x == 0, inf, nan))


def _xlog1py(x: Any, y: Any) -> Any:
    return _where(y.isnan(), nan, _where(x == 0, 0, x * y.log1p()))


def _xlog1py_slopes(g: Any, x: Any, y: Any) -> tuple[Any, Any]:
    nothing = (x == 0).logical_and(y <= -1)
    return _xlog1py(g, y).masked_fill(nothing, 0), g * x / (y + 1)  # a gradient of 0 stays one where y is -1


def _xlog1py_rule(node: Any, g: Any) -> tuple[Any, ...]:
    made = bind(_XLOG1PY_BACKWARD, (g, node.input(0), node.input(1)))
    return tuple(one if needed else None for one, needed in zip(made, node.needs, strict=True))


_XLOG1PY_BACKWARD = derived("xlog1py_backward", _xlog1py_slopes)
ENTR = composition("entr", _entr, of_input("entr", _entr_slope))
XLOG1PY = composition("xlog1py", _xlog1py, Gradient(_xlog1py_rule, inputs=(0, 1)))


# Bessel functions


def _over(y: Any, x: Any) -> Any:
    """y / x of an odd function whose slope at 0 is a half."""
    return _where(x == 0, 0.5, y / _where(x == 0, 1, x))


def _spherical(x: Any) -> Any:
    """sin(x) / x; near 0 its series, whose derivatives are good there too."""
    small, near = x.abs() < 0.5, x.clamp(-0.5, 0.5)
    square, series = near * near, 1 / factorial(15)
    for power in (13, 11, 9, 7, 5, 3, 1):
        series = 1 / factorial(power) - square * series
    far = _where(small, 1, x)
    found = _where(small, series, far.sin() / far)
    return _where(x.isinf(), 0, found)


BESSEL_J0 = function("bessel_j0", of_input("bessel_j0", lambda g, x: -g * bind(BESSEL_J1, (x,))))
BESSEL_J1: Op = function("bessel_j1", _of_both("bessel_j1", lambda g, x, y: g * (bind(BESSEL_J0, (x,)) - _over(y, x))))
BESSEL_Y0 = function("bessel_y0", of_input("bessel_y0", lambda g, x: -g * bind(BESSEL_Y1, (x,))))
BESSEL_Y1: Op = function("bessel_y1", _of_both("bessel_y1", lambda g, x, y: g * (bind(BESSEL_Y0, (x,)) - y / x)))
BESSEL_K0 = function("bessel_k0", of_input("bessel_k0", lambda g, x: -g * bind(BESSEL_K1, (x,))))
BESSEL_K1: Op = function("bessel_k1", _of_both("bessel_k1", lambda g, x, y: -g * (bind(BESSEL_K0, (x,)) + y / x)))
BESSEL_K0E = function("bessel_k0e", _of_both("bessel_k0e", lambda g, x, y: g * (y - bind(BESSEL_K1E, (x,)))))
BESSEL_K1E: Op = function(
    "bessel_k1e", _of_both("bessel_k1e", lambda g, x, y: g * (y - bind(BESSEL_K0E, (x,)) - y / x))
)
I0 = function("i0", of_input("i0", lambda g, x: g * bind(I1, (x,))))
I0E = function("i0e", _of_both("i0e", lambda g, x, y: g * (bind(I1E, (x,)) - x.sign() * y)))
I1: Op = function("i1", _of_both("i1", lambda g, x, y: g * (bind(I0, (x,)) - _over(y, x))))
I1E: Op = function("i1e", _of_both("i1e", lambda g, x, y: g * (bind(I0E, (x,)) - x.sign() * y - _over(y, x))))
AIRY_AI = function("airy_ai", of_input("airy_ai", lambda g, x: g * bind(AIRY_SLOPE, (x,))))
AIRY_SLOPE: Op = function("airy_slope", of_input("airy_slope", lambda g, x: g * (x * bind(AIRY_AI, (x,)))))
SPHERICAL_BESSEL_J0 = derived("spherical_bessel_j0", _spherical)
