"""exp, exp2, expm1 and sigmoid: write x as n*ln2 + r, a polynomial for r, and n into the exponent."""

from __future__ import annotations

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


def split(x: Value, per_unit: float, unit: tuple[float, float]) -> tuple[Value, Value, Value]:
    """x = n * unit + r: n's bits, n, and r with |r| <= unit / 2; `per_unit` is 1 / unit."""
    form = format_of(x)
    shifted = x.fma(per_unit, form.rounder)
    n = fsub(shifted, form.rounder)
    r = n.fma(-unit[1], n.fma(-unit[0], x))
    return shifted.bitcast(form.integer), n, r


def ln2_of(form: Format) -> tuple[float, float]:
    return LN2_DOUBLE if form is DOUBLE else LN2_SINGLE


def exp_parts(x: Value) -> tuple[Value, Value]:
    """exp(x) as a mantissa in [0.7, 1.42] and an integer whose low bits hold the power of two."""
    form = format_of(x)
    bits, _, r = split(x, LOG2_E, ln2_of(form))
    return polynomial(r, (1.0, 1.0, *exp_terms(form))), bits


def exp(x: Value) -> Value:
    """e**x. Largest error measured: float 1.0 ulp, double 1.0 ulp.

    Method: Cody and Waite's reduction to |r| <= ln2/2, a minimax polynomial, and 2**n applied in two steps so that
    subnormal results are rounded once.
    """
    limits = limits_of(format_of(x))
    mantissa, bits = exp_parts(maximum(minimum(x, limits.highest), limits.lowest))
    return scale(mantissa, bits)


def exp_of_negative(x: Value) -> Value:
    """e**x for x <= 0: saves exp's clamp from above."""
    mantissa, bits = exp_parts(maximum(x, limits_of(format_of(x)).lowest))
    return scale(mantissa, bits)


def exp2(x: Value) -> Value:
    """2**x, exact for integers. Largest error measured: float 1.0 ulp, double 1.0 ulp.

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


def expm1(x: Value) -> Value:
    """e**x - 1, accurate near 0. Largest error measured: float 1.5 ulp, double 1.5 ulp.

    Method: 2**n * p + (2**n - 1) with p = e**r - 1; all at half size so that 2**n does not overflow before the result.
    """
    form = format_of(x)
    limits = limits_of(form)
    clamped = maximum(minimum(x, limits.highest), limits.lowest_minus_one)
    bits, _, r = split(clamped, LOG2_E, ln2_of(form))
    p = (r * r).fma(polynomial(r, exp_terms(form)), r)
    half = power_of_two(bits, -1, form, x)
    result = fmul(half.fma(p, fsub(half, 0.5)), 2.0)
    # where x*x/2 vanishes beside x, and for -0 and subnormals, which half size would round
    return absolute(x).lt(2.0 ** -(form.mantissa_bits + 2)).select(x, result)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e**-x). Largest error measured: float 2 ulp, double 2 ulp.

    Method: with e = exp(-|x|) it is 1 / (1 + e), or e / (1 + e) for negative x: nothing overflows, and small results
    keep their precision down to subnormals.
    """
    e = exp_of_negative(-absolute(x))
    return x.lt(0.0).select(e, 1.0) / fadd(e, 1.0)
