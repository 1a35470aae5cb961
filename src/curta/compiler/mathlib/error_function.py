"""erf and erfc."""

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
    minimum,
    polynomial,
    scale,
    two_product,
)
from curta.compiler.mathlib.exponential import LN2_DOUBLE, split

#: erf is a polynomial in x below this and 1 - root(x)**16 above it
SPLIT = 1.3125
#: erfc's polynomial is in (|x| - K) / (|x| + K)
CENTRE = 3.5


def erf_near_zero(x: Value, single: bool) -> Value:
    """erf(x) for |x| <= SPLIT."""
    return x.fma(polynomial(fmul(x, x), coefficients.SINGLE_ERF if single else coefficients.DOUBLE_ERF), x)


def erf(x: Value) -> Value:
    """The error function. Largest error measured: float 1.6 ulp, double 1.5 ulp.

    Method: below 1.3125 x + x*q(x*x); above it 1 - w(x)**16 where the minimax polynomial w is the 16th root of erfc,
    a slow function of which erf's precision asks little. There is no division and no exponential.
    """
    single = format_of(x) is SINGLE
    size = absolute(x)
    near = erf_near_zero(x, single)
    terms = coefficients.SINGLE_ERFC_ROOT if single else coefficients.DOUBLE_ERFC_ROOT
    power = polynomial(minimum(size, 4.0 if single else 6.0), terms)
    for _ in range(3):
        power = fmul(power, power)
    far = copysign((-power).fma(power, 1.0), x)
    return size.lt(SPLIT).select(near, far)


def erfc(x: Value) -> Value:
    """The complementary error function. Largest error measured: float 0.6 ulp, double 2.6 ulp.

    Method: exp(-x*x) * g(t) / (1 + 2|x|), g a minimax polynomial in t = (|x| - 3.5) / (|x| + 3.5) (Shepherd and
    Laframboise's form) and the rounding error of x*x given to the exponential; float in double arithmetic.
    """
    single = format_of(x) is SINGLE
    wide = x.convert("fpext", "double") if single else x
    size = minimum(absolute(wide), 10.2 if single else 27.3)
    t = fsub(size, CENTRE) / fadd(size, CENTRE)
    factor = polynomial(t, coefficients.SINGLE_ERFC if single else coefficients.DOUBLE_ERFC)
    factor = factor / size.fma(2.0, 1.0)
    square, error = two_product(size, size)
    bits, n, r = split(-square)
    r = n.fma(-LN2_DOUBLE[1], fsub(r, error))
    terms = coefficients.SINGLE_EXP if single else coefficients.DOUBLE_EXP
    mantissa = polynomial(r, (1.0, 1.0, *terms))
    tail = scale(fmul(mantissa, factor), bits)
    result = wide.lt(0.0).select(fsub(constant(wide, 2.0), tail), tail)
    # the product's roundings weigh double where erfc is just below 1
    near = fsub(constant(wide, 1.0), erf_near_zero(wide, single))
    result = size.lt(0.5).select(near, result)
    return result.convert("fptrunc", "float") if single else result
