"""sinh, cosh and tanh."""

from __future__ import annotations

from curta.compiler.code import Value
from curta.compiler.mathlib import coefficients
from curta.compiler.mathlib.arithmetic import (
    SINGLE,
    absolute,
    copysign,
    fadd,
    fmul,
    format_of,
    fsub,
    minimum,
    polynomial,
    power_of_two,
)
from curta.compiler.mathlib.exponential import exp_parts, scaled_expm1


def tanh(x: Value) -> Value:
    """The hyperbolic tangent. Largest error measured: float 2.4 ulp, double 2.2 ulp.

    Method: t / (t + 2) with t = expm1(2|x|).
    """
    # from here on tanh rounds to 1
    size = minimum(absolute(x), 9.5 if format_of(x) is SINGLE else 20.0)
    t = scaled_expm1(fadd(size, size), 0)
    return copysign(t / fadd(t, 2.0), x)


def half_exp(size: Value) -> Value:
    """e**size / 2 for size >= 0, which overflows only where sinh and cosh do."""
    form = format_of(size)
    mantissa, bits = exp_parts(minimum(size, 89.7 if form is SINGLE else 710.8))
    return fmul(fmul(mantissa, power_of_two(bits, -2, form, size)), 2.0)


def sinh(x: Value) -> Value:
    """The hyperbolic sine. Largest error measured: float 1.6 ulp, double 1.6 ulp.

    Method: below 1 a minimax polynomial; above it h - 1/(4h) with h = e**|x| / 2.
    """
    size = absolute(x)
    square = fmul(x, x)
    terms = coefficients.SINGLE_SINH if format_of(x) is SINGLE else coefficients.DOUBLE_SINH
    near = fmul(size, square).fma(polynomial(square, terms), size)
    half = half_exp(size)
    far = fsub(half, x.code.constant(0.25, x.type, x.lanes) / half)
    return copysign(size.lt(1.0).select(near, far), x)


def cosh(x: Value) -> Value:
    """The hyperbolic cosine. Largest error measured: float 1.4 ulp, double 1.3 ulp.

    Method: h + 1/(4h) with h = e**|x| / 2.
    """
    half = half_exp(absolute(x))
    return fadd(half, x.code.constant(0.25, x.type, x.lanes) / half)
