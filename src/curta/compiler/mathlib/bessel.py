"""Bessel functions of order 0 and 1, plain, modified and scaled; float in double arithmetic."""

from __future__ import annotations

from math import log as log_of
from math import pi

from curta.compiler.code import Value
from curta.compiler.mathlib import special_coefficients as tables
from curta.compiler.mathlib.arithmetic import absolute, constant, copysign, minimum, polynomial
from curta.compiler.mathlib.exponential import exp
from curta.compiler.mathlib.logarithm import log
from curta.compiler.mathlib.trigonometric import cos, sin
from curta.compiler.mathlib.widening import in_double

INFINITY, NAN = float("inf"), float("nan")
TWO_BY_PI, LOG_TWO = 2 / pi, log_of(2)
#: the squares of J's first two zeros, each in two parts
ZEROS = (
    ((5.783185962946784, 4.123247343506204e-16), (30.471262343662087, -2.366534485750659e-16)),
    ((14.681970642123893, -9.858177825793294e-17), (49.2184563216946, 5.086354069436341e-16)),
)
NEAR = (tables.J0_NEAR, tables.J1_NEAR)
SECOND = (tables.Y0_NEAR, tables.Y1_NEAR)
PHASES = ((tables.P0, tables.Q0), (tables.P1, tables.Q1))
SERIES = (tables.I0_SERIES, tables.I1_SERIES)
GROWING = (tables.I0_FAR, tables.I1_FAR)
FALLING = (tables.K0_FAR, tables.K1_FAR)
MENDED = (tables.K0_NEAR, tables.K1_NEAR)


def _first_near(order: int, x: Value) -> Value:
    """J up to 5: its zeros times a polynomial in x*x."""
    square = minimum(x * x, 25.0)
    found = polynomial(square * (2 / 25) - 1.0, NEAR[order])
    for high, low in ZEROS[order]:
        found = found * (x.fma(x, -high) - low)
    return x * found if order else found


def _far(order: int, size: Value) -> tuple[Value, Value]:
    """(J, Y) beyond 5: a wave whose size and phase change slowly."""
    square = minimum(constant(size, 25.0) / (size * size), 1.0)
    slow, quick = (polynomial(square * 2.0 - 1.0, table) for table in PHASES[order])
    quick = quick / size
    a, b = sin(size), cos(size)
    along, across = (a - b, -(a + b)) if order else (a + b, a - b)
    # 2 / pi / x of the wave, and a half of the angle's sine and cosine
    scale = (constant(size, TWO_BY_PI / 2) / size).intrinsic("sqrt")
    return scale * (slow * along - quick * across), scale * (slow * across + quick * along)


def _first(order: int, x: Value) -> Value:
    size = absolute(x)
    found = size.le(5.0).select(_first_near(order, size), _far(order, size)[0])
    return found * copysign(constant(x, 1.0), x) if order else found


def _second(order: int, x: Value) -> Value:
    square = minimum(x * x, 25.0)
    regular = polynomial(square * (2 / 25) - 1.0, SECOND[order])
    part = log(x) * _first_near(order, x)
    near = x * regular + (part - constant(x, 1.0) / x) * TWO_BY_PI if order else regular + part * TWO_BY_PI
    found = x.le(5.0).select(near, _far(order, x)[1])
    found = x.eq(0.0).select(-INFINITY, found)
    return x.lt(0.0).select(NAN, found)


def _growing(order: int, x: Value, scaled: bool) -> Value:
    """I up to 8 by its power series, whose terms are positive; beyond by a polynomial in 1/x."""
    size = absolute(x)
    near = polynomial(minimum(size * size * 0.25, 16.0), SERIES[order])
    near = near * size * 0.5 if order else near
    inverse = minimum(constant(x, 1.0) / size, 0.125)
    far = polynomial(inverse * 16.0 - 1.0, GROWING[order]) / size.intrinsic("sqrt")
    if scaled:
        near = near * exp(-size)
    else:
        half = exp(size * 0.5)  # the whole would overflow before the result
        far = size.eq(INFINITY).select(INFINITY, far * half * half)
    found = size.le(8.0).select(near, far)
    return found * copysign(constant(x, 1.0), x) if order else found


def _falling(order: int, x: Value, scaled: bool) -> Value:
    """K up to 2 by I and a polynomial, beyond by a polynomial in 1/x."""
    square = minimum(x * x, 4.0)
    series = polynomial(square * 0.25, SERIES[order][:14])
    logarithm = log(x) - LOG_TWO  # a half of the least number would be 0
    regular = polynomial(square * 0.5 - 1.0, MENDED[order])
    near = regular / x + logarithm * (series * x * 0.5) if order else regular - logarithm * series
    inverse = minimum(constant(x, 1.0) / x, 0.5)
    far = polynomial(inverse * 4.0 - 1.0, FALLING[order]) / x.intrinsic("sqrt")
    if scaled:
        near = near * exp(x)
    else:
        far = far * exp(-x)
    found = x.le(2.0).select(near, far)
    found = x.eq(0.0).select(INFINITY, found)
    return x.lt(0.0).select(NAN, found)


@in_double
def bessel_j0(x: Value) -> Value:
    """The Bessel function of the first kind of order 0."""
    return _first(0, x)


@in_double
def bessel_j1(x: Value) -> Value:
    """The Bessel function of the first kind of order 1."""
    return _first(1, x)


@in_double
def bessel_y0(x: Value) -> Value:
    """The Bessel function of the second kind of order 0; NaN below 0."""
    return _second(0, x)


@in_double
def bessel_y1(x: Value) -> Value:
    """The Bessel function of the second kind of order 1; NaN below 0."""
    return _second(1, x)


@in_double
def i0(x: Value) -> Value:
    """The modified Bessel function of the first kind of order 0."""
    return _growing(0, x, scaled=False)


@in_double
def i0e(x: Value) -> Value:
    """i0 times exp(-|x|)."""
    return _growing(0, x, scaled=True)


@in_double
def i1(x: Value) -> Value:
    """The modified Bessel function of the first kind of order 1."""
    return _growing(1, x, scaled=False)


@in_double
def i1e(x: Value) -> Value:
    """i1 times exp(-|x|)."""
    return _growing(1, x, scaled=True)


@in_double
def bessel_k0(x: Value) -> Value:
    """The modified Bessel function of the second kind of order 0; NaN below 0."""
    return _falling(0, x, scaled=False)


@in_double
def bessel_k0e(x: Value) -> Value:
    """bessel_k0 times exp(x)."""
    return _falling(0, x, scaled=True)


@in_double
def bessel_k1(x: Value) -> Value:
    """The modified Bessel function of the second kind of order 1; NaN below 0."""
    return _falling(1, x, scaled=False)


@in_double
def bessel_k1e(x: Value) -> Value:
    """bessel_k1 times exp(x)."""
    return _falling(1, x, scaled=True)
