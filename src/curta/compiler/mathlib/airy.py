"""Airy's function Ai and its derivative; float in double arithmetic."""

from __future__ import annotations

from math import pi

from curta.compiler.code import Value
from curta.compiler.mathlib import further_coefficients as tables
from curta.compiler.mathlib.arithmetic import absolute, constant, maximum, minimum, polynomial, two_product
from curta.compiler.mathlib.exponential import exp
from curta.compiler.mathlib.trigonometric import cos, sin
from curta.compiler.mathlib.widening import in_double

NAN = float("nan")
ZEROS = (tables.AI_ZEROS, tables.SLOPE_ZEROS)
BETWEEN = (tables.AI_BETWEEN, tables.SLOPE_BETWEEN)
FALLING = (tables.AI_FALLING, tables.SLOPE_FALLING)
SLOW = (tables.AI_SLOW, tables.SLOPE_SLOW)
QUICK = (tables.AI_QUICK, tables.SLOPE_QUICK)
#: 2/3 in two parts
TWO_THIRDS, TWO_THIRDS_REST = 2 / 3, 2.0**-54 * 2 / 3
#: zeta where the expansions begin, at 1 and at -5
_NEAR, _FAR = TWO_THIRDS, 5**1.5 * TWO_THIRDS


def _zeta(size: Value, root: Value) -> tuple[Value, Value]:
    """2/3 size**1.5 in two parts: its rounding alone would be seen in the exponential and in the wave."""
    product, error = two_product(size, root)
    rest = (-root).fma(root, size) * root * 0.5  # of the root, times size
    zeta, second = two_product(product, TWO_THIRDS)
    return zeta, second + product * TWO_THIRDS_REST + (error + rest) * TWO_THIRDS


def _between(order: int, x: Value) -> Value:
    """[-5, 1]: its zeros there times a polynomial."""
    x = maximum(minimum(x, 1.0), -5.0)
    found = polynomial((x + 2.0) * (1 / 3), BETWEEN[order])
    zeros = ZEROS[order]
    for high, low in zip(zeros[::2], zeros[1::2], strict=True):
        found = found * ((x - high) - low)
    return found


def _wave(order: int, zeta: Value, rest: Value) -> Value:
    """Below -5: a wave whose size and phase change slowly."""
    inverse = constant(zeta, 1.0) / zeta
    t = minimum(inverse * inverse, _FAR**-2) * (2 * _FAR**2) - 1.0
    slow, quick = polynomial(t, SLOW[order]), polynomial(t, QUICK[order]) * inverse
    whole, part = (sin(zeta), cos(zeta)), (sin(rest), cos(rest))
    first, second = whole[0] * part[1] + whole[1] * part[0], whole[1] * part[1] - whole[0] * part[0]
    along, across = (first - second, first + second) if order else (first + second, first - second)
    return along * slow - across * quick if order else along * slow + across * quick


def _airy(order: int, x: Value) -> Value:
    size = absolute(x)
    root = size.intrinsic("sqrt")
    zeta, rest = _zeta(size, root)
    quarter = root.intrinsic("sqrt")
    inverse = minimum(constant(x, 1.0) / zeta, 1 / _NEAR)
    falling = polynomial(inverse * (2 * _NEAR) - 1.0, FALLING[order]) * (exp(-zeta) * (constant(x, 1.0) - rest))
    falling, wave = falling * (0.5 / pi**0.5), _wave(order, zeta, rest) * (0.5 / pi) ** 0.5
    far = x.lt(0.0).select(wave, falling)
    far = far * quarter if order else far / quarter
    found = (x.lt(-5.0) | x.gt(1.0)).select(far, _between(order, x))
    # nothing is left of it from here on, where the parts of zeta may not be numbers any more
    found = x.gt(110.0).select(constant(x, -0.0 if order else 0.0), found)
    return (size.eq(float("inf")) | x.is_nan()).select(NAN, found)


@in_double
def airy_ai(x: Value) -> Value:
    """Ai: NaN at the infinities, and below -1e205.

    Method: polynomials about 0, in 1/zeta beyond 1, with a wave of zeta below -5, zeta = 2/3 |x|**1.5.
    """
    return _airy(0, x)


@in_double
def airy_slope(x: Value) -> Value:
    """The derivative of Ai: NaN at the infinities."""
    return _airy(1, x)
