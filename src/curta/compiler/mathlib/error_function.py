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
from curta.compiler.mathlib.exponential import exp_terms, ln2_of, split

#: erf is a polynomial in x below this and 1 - root(x)**16 above it
SPLIT = 1.3125
#: erfc's polynomial is in (|x| - K) / (|x| + K)
CENTRE = 3.5


def erf_near_zero(x: Value, single: bool) -> Value:
    """erf(x) for |x| <= SPLIT."""
    return x.fma(erf_rest(x, single), x)


def erf_rest(x: Value, single: bool) -> Value:
    """erf(x) / x - 1 for |x| <= SPLIT."""
    return polynomial(fmul(x, x), coefficients.SINGLE_ERF if single else coefficients.DOUBLE_ERF)


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
    """The complementary error function. Largest error measured: float 3.5 ulp, double 2.1 ulp.

    Method: exp(-x*x) * g(t) / (1 + 2|x|), g a minimax polynomial in t = (|x| - 3.5) / (|x| + 3.5) (Shepherd and
    Laframboise's form) and the rounding error of x*x given to the exponential; below 1, 1 - x less
    x times the rest of erf.
    """
    single = format_of(x) is SINGLE
    size = minimum(absolute(x), 10.2 if single else 27.3)
    t = fsub(size, CENTRE) / fadd(size, CENTRE)
    factor = polynomial(t, coefficients.SINGLE_ERFC if single else coefficients.DOUBLE_ERFC)
    factor = factor / size.fma(2.0, 1.0)
    square, error = two_product(size, size)
    bits, n, r = split(-square)
    form = format_of(x)
    r = n.fma(-ln2_of(form)[1], fsub(r, error))
    # factor * exp(r) with exp(r) - 1 small: its rounding errors weigh little
    tail = scale(fmul(factor, r).fma(polynomial(r, (1.0, *exp_terms(form))), factor), bits)
    result = x.lt(0.0).select(fsub(constant(x, 2.0), tail), tail)
    # the product's roundings weigh double where erfc is just below 1
    near = (-x).fma(erf_rest(x, single), fsub(constant(x, 1.0), x))
    return size.lt(1.0).select(near, result)
