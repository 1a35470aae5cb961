"""erf and erfc."""

from __future__ import annotations

from curta.compiler.code import Value
from curta.compiler.mathlib import coefficients
from curta.compiler.mathlib.arithmetic import (
    SINGLE,
    absolute,

    copysign,
    fmul,
    format_of,
    minimum,
    polynomial,
)

#: erf is a polynomial in x below this and 1 - root(x)**16 above it
SPLIT = 1.125


def erf(x: Value) -> Value:
    """The error function. Largest error measured: float 1.5 ulp, double 1.5 ulp.

    Method: below 1.125 x + x*q(x*x); above it 1 - w(x)**16 where the minimax polynomial w is the 16th root of erfc,
    a slow function of which erf's precision asks little. There is no division and no exponential.
    """
    single = format_of(x) is SINGLE
    size = absolute(x)
    square = fmul(x, x)
    near = x.fma(polynomial(square, coefficients.SINGLE_ERF if single else coefficients.DOUBLE_ERF), x)
    terms = coefficients.SINGLE_ERFC_ROOT if single else coefficients.DOUBLE_ERFC_ROOT
    power = polynomial(minimum(size, 4.0 if single else 6.0), terms)
    for _ in range(3):
        power = fmul(power, power)
    far = copysign((-power).fma(power, 1.0), x)
    return size.lt(SPLIT).select(near, far)
