"""exp, exp2, expm1 and sigmoid: write x as n*ln2 + r, a polynomial for r, and n into the exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from curta.compiler.code import Value
from curta.compiler.mathlib import coefficients
from curta.compiler.mathlib.arithmetic import (
    DOUBLE,
    SINGLE,
    Format,
    absolute,
    fadd,
    fmul,
    format_of,
    fsub,
    maximum,
    minimum,
    polynomial,
    power_of_two,
    scale,
)

LOG2_E = 1.4426950408889634
#: ln 2 in two parts. n times the first part is exact after cancelling against x, even without guard zeros,
#: because it is subtracted by fma and the difference has few enough bits
LN2_SINGLE = (0.6931471824645996, -1.9046542121259336e-09)
LN2_DOUBLE = (0.6931471805599453, 2.3190468138462996e-17)


@dataclass(frozen=True)
class Limits:
    """Beyond these, exp is 0 or infinity and expm1 is -1 in a format, yet n still fits the exponent arithmetic."""

    highest: float
    lowest: float
    highest2: float
    lowest2: float
    lowest_minus_one: float


SINGLE_LIMITS = Limits(89.0, -104.0, 128.0, -150.5, -18.0)
DOUBLE_LIMITS = Limits(710.0, -746.0, 1024.0, -1075.5, -38.0)


def limits_of(form: Format) -> Limits:
    return SINGLE_LIMITS if form is SINGLE else DOUBLE_LIMITS


def exp_terms(form: Format) -> tuple[float, ...]:
    """q of exp(r) = 1 + r + r*r*q(r)."""
    return coefficients.DOUBLE_EXP if form is DOUBLE else coefficients.SINGLE_EXP


def split(x: Value) -> tuple[Value, Value, Value]:
    """x = n * ln2 + r with |r| <= ln2 / 2: n's bits, n, and x less n times ln2's first part, exactly."""
    form = format_of(x)
    shifted = x.fma(LOG2_E, form.rounder)
    n = fsub(shifted, form.rounder)
    return shifted.bitcast(form.integer), n, n.fma(-ln2_of(form)[0], x)


def ln2_of(form: Format) -> tuple[float, float]:
    return LN2_DOUBLE if form is DOUBLE else LN2_SINGLE


def exp_parts(x: Value) -> tuple[Value, Value]:
    """exp(x) as a mantissa in [0.7, 1.42] and an integer whose low bits hold the power of two."""
    form = format_of(x)
    bits, n, r = split(x)
    r = n.fma(-ln2_of(form)[1], r)
    return polynomial(r, (1.0, 1.0, *exp_terms(form))), bits


def exp(x: Value) -> Value:
    """e**x. Largest error measured: float 0.9 ulp, double 0.9 ulp.

    Method: Cody and Waite's reduction to |r| <= ln2/2, a minimax polynomial, and 2**n applied in two steps so that
    subnormal results are rounded once.
    """
    return exp_of_negative(minimum(x, limits_of(format_of(x)).highest))


def exp_of_negative(x: Value) -> Value:
    """e**x for x <= 0: saves exp's clamp from above.

    What underflows is made 0 before it is scaled: a product that underflows takes the processor a hundred times as
    long, and half of a causal attention's scores are minus infinity.
    """
    lowest = limits_of(format_of(x)).lowest
    mantissa, bits = exp_parts(maximum(x, lowest))
    return scale(x.lt(lowest).select(0.0, mantissa), bits)


def exp_without_subnormals(x: Value) -> Value:
    """e**x for x <= 0, but 0 where that is no normal number or close to one that is not: saves `scale`'s second step.

    For weights that are added to others near 1.
    """
    form = format_of(x)
    lowest = float(math.ceil(math.log(form.smallest_normal)))
    mantissa, bits = exp_parts(maximum(x, lowest))
    return x.lt(lowest).select(0.0, fmul(mantissa, power_of_two(bits, 0, form, x)))


def exp2(x: Value) -> Value:
    """2**x, exact for integers. Largest error measured: float 0.9 ulp, double 0.8 ulp.

    Method: as `exp`, where the reduction is exact.
    """
    form = format_of(x)
    limits = limits_of(form)
    mantissa, bits = exp2_parts(maximum(minimum(x, limits.highest2), limits.lowest2))
    return scale(mantissa, bits)


def exp2_parts(x: Value, low: Value | None = None) -> tuple[Value, Value]:
    """2**(x + low) as a mantissa and an integer whose low bits hold the power of two."""
    form = format_of(x)
    shifted = fadd(x, form.rounder)
    f = fsub(x, fsub(shifted, form.rounder))
    if low is not None:
        f = fadd(f, low)
    terms = coefficients.DOUBLE_EXP2 if form is DOUBLE else coefficients.SINGLE_EXP2
    return polynomial(f, (1.0, *terms)), shifted.bitcast(form.integer)


def scaled_expm1(x: Value, offset: int) -> Value:
    """(e**x - 1) * 2**offset, for x that does not overflow.

    2**n * r is added to 2**n - 1 before the polynomial's tail and the rest of n * ln2, which are small: so the first
    sum rounds once and the second once.
    """
    form = format_of(x)
    bits, n, r = split(x)
    rest = fmul(n, -ln2_of(form)[1])
    whole = fadd(r, rest)
    tail = fmul(whole, whole).fma(polynomial(whole, exp_terms(form)), rest)
    power = power_of_two(bits, offset, form, x)
    return power.fma(tail, power.fma(r, fsub(power, 2.0**offset)))


def expm1(x: Value) -> Value:
    """e**x - 1, accurate near 0. Largest error measured: float 1.2 ulp, double 1.2 ulp.

    Method: 2**n * p + (2**n - 1) with p = e**r - 1, at half size so that 2**n does not overflow before the result.
    """
    form = format_of(x)
    limits = limits_of(form)
    clamped = maximum(minimum(x, limits.highest), limits.lowest_minus_one)
    result = fmul(scaled_expm1(clamped, -1), 2.0)
    # where x*x/2 vanishes beside x, and for -0 and subnormals, which half size would round
    return absolute(x).lt(2.0 ** -(form.mantissa_bits + 2)).select(x, result)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e**-x). Largest error measured: float 2.2 ulp, double 2.0 ulp.

    Method: with e = exp(-|x|) it is 1 / (1 + e), or e / (1 + e) for negative x: nothing overflows, and small results
    keep their precision down to subnormals.
    """
    e = exp_of_negative(-absolute(x))
    return x.lt(0.0).select(e, 1.0) / fadd(e, 1.0)
