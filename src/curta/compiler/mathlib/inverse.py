"""asin, acos, atan and atan2."""

from __future__ import annotations

from curta.compiler.code import Value
from curta.compiler.mathlib import coefficients
from curta.compiler.mathlib.arithmetic import (
    SINGLE,
    absolute,
    constant,
    copysign,
    fadd,
    fmul,
    format_of,
    fsub,
    polynomial,
)

INFINITY = float("inf")
#: pi/2 in two parts
HALF_PI = {
    "float": (1.5707963705062866, -4.371138828673793e-08),
    "double": (1.5707963267948966, 6.123233995736766e-17),
}


def _atan_of_fraction(t: Value) -> tuple[Value, Value]:
    """atan(t) for t in [0, 1], unevaluated as t + tail."""
    square = fmul(t, t)
    terms = coefficients.SINGLE_ATAN if format_of(t) is SINGLE else coefficients.DOUBLE_ATAN
    return t, fmul(fmul(t, square), polynomial(square, terms))


def _from_right_angle(t: Value, tail: Value, angles: int | Value) -> Value:
    """angles * pi/2 - (t + tail)."""
    high, low = HALF_PI[t.type]
    if isinstance(angles, int):
        return fsub(fsub(constant(t, angles * high), t), fsub(tail, angles * low))
    return fsub(fsub(fmul(angles, high), t), fsub(tail, fmul(angles, low)))


def atan(x: Value) -> Value:
    """The arc tangent. Largest error measured: float 1.3 ulp, double 1.2 ulp.

    Method: a minimax polynomial for |x| <= 1, and pi/2 - atan(1/|x|) above.
    """
    size = absolute(x)
    large = size.gt(1.0)
    t, tail = _atan_of_fraction(large.select(constant(x, 1.0) / size, size))
    return copysign(large.select(_from_right_angle(t, tail, 1), fadd(t, tail)), x)


def atan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), in [-pi, pi]. Largest error measured: float 1.6 ulp, double 1.5 ulp.

    Method: the arc tangent of the smaller size over the larger, turned into its octant; zeros and infinities by their
    signs, as in C.
    """
    form = format_of(x)
    x, y = x.code.unify(x, y)
    width, height = absolute(x), absolute(y)
    steep = height.gt(width)
    large, small = steep.select(height, width), steep.select(width, height)
    fraction = small / large
    fraction = large.eq(0.0).select(constant(x, 0.0), fraction)
    fraction = small.eq(INFINITY).select(constant(x, 1.0), fraction)
    t, tail = _atan_of_fraction(fraction)
    left = x.bitcast(form.integer).lt(0)
    # right: atan, steep right: pi/2 - atan, steep left: pi/2 + atan, left: pi - atan
    outward = steep.select(left.select(-t, t), t), steep.select(left.select(-tail, tail), tail)
    angles = steep.select(constant(x, 1.0), constant(x, 2.0))
    turned = _from_right_angle(outward[0], outward[1], angles)
    angle = copysign((steep | left).select(turned, fadd(t, tail)), y)
    return (x.is_nan() | y.is_nan()).select(fadd(x, y), angle)


def _asin_parts(x: Value) -> tuple[Value, Value, Value]:
    """Whether |x| > 1/2; t; and tail, with t + tail = asin(|x|), or half of acos(|x|) where |x| > 1/2."""
    size = absolute(x)
    large = size.gt(0.5)
    square = large.select(fmul(fsub(constant(x, 1.0), size), 0.5), fmul(x, x))
    t = large.select(square.intrinsic("sqrt"), size)
    terms = coefficients.SINGLE_ASIN if format_of(x) is SINGLE else coefficients.DOUBLE_ASIN
    return large, t, fmul(fmul(t, square), polynomial(square, terms))


def asin(x: Value) -> Value:
    """The arc sine, NaN outside [-1, 1]. Largest error measured: float 2.0 ulp, double 1.9 ulp.

    Method: a minimax polynomial for |x| <= 1/2, and pi/2 - 2 asin(sqrt((1 - |x|) / 2)) above.
    """
    large, t, tail = _asin_parts(x)
    high = _from_right_angle(fadd(t, t), fadd(tail, tail), 1)
    return copysign(large.select(high, fadd(t, tail)), x)


def acos(x: Value) -> Value:
    """The arc cosine, NaN outside [-1, 1]. Largest error measured: float 1.2 ulp, double 1.2 ulp.

    Method: as `asin`, without the subtraction from pi/2 near 1.
    """
    large, t, tail = _asin_parts(x)
    negative = x.lt(0.0)
    t, tail = large.select(fadd(t, t), t), large.select(fadd(tail, tail), tail)
    near_one = fadd(t, tail)
    # |x| <= 1/2: pi/2 - asin(x); x < -1/2: pi - acos(-x)
    flip = negative & ~large
    angles = large.select(constant(x, 2.0), constant(x, 1.0))
    turned = _from_right_angle(flip.select(-t, t), flip.select(-tail, tail), angles)
    return (large & ~negative).select(near_one, turned)
