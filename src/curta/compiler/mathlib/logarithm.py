"""log, log2, log10 and log1p: write x as 2**e * (1 + f) with 1 + f around 1, and a polynomial for log(1 + f)."""

from __future__ import annotations

from dataclasses import dataclass

from curta.compiler.code import Value
from curta.compiler.mathlib import coefficients
from curta.compiler.mathlib.arithmetic import (
    SINGLE,
    constant,
    copysign,
    fadd,
    fmul,
    format_of,
    fsub,
    polynomial,
    two_sum,
)

INFINITY = float("inf")
NAN = float("nan")


@dataclass(frozen=True)
class Base:
    """What turns natural logarithms into another base's, each in two parts; the first part of `of_two` ends in zeros,
    so that its product with an exponent is exact."""

    of_two: tuple[float, float]
    scale: tuple[float, float] | None


NATURAL = {
    "float": Base((0.693145751953125, 1.428606765330187e-06), None),
    "double": Base((0.693147180559663, 2.8235290563031577e-13), None),
}
BASE2 = {
    "float": Base((1.0, 0.0), (1.4426950216293335, 1.925963033500011e-08)),
    "double": Base((1.0, 0.0), (1.4426950408889634, 2.0355273740931033e-17)),
}
BASE10 = {
    "float": Base((0.301025390625, 4.605039066518657e-06), (0.4342944920063019, -1.0103049952192578e-08)),
    "double": Base((0.30102999566383914, 1.42050232272661e-13), (0.4342944819032518, 1.098319650216765e-17)),
}


def frexp(x: Value) -> tuple[Value, Value]:
    """(e, m) with x = 2**e * m and m in [sqrt(1/2), sqrt(2)), for positive finite x, subnormal ones too."""
    form = format_of(x)
    tiny = x.lt(form.smallest_normal)
    e, mantissa = _frexp_of_normal(tiny.select(fmul(x, 2.0**form.mantissa_bits), x))
    return tiny.select(fsub(e, float(form.mantissa_bits)), e), mantissa


def _frexp_of_normal(x: Value) -> tuple[Value, Value]:
    form = format_of(x)
    bits = x.bitcast(form.integer)
    root_half = 0x3F3504F3 if form is SINGLE else 0x3FE6A09E667F3BCD
    exponent = (bits - root_half) >> form.mantissa_bits
    mantissa = (bits - (exponent << form.mantissa_bits)).bitcast(x.type)
    return exponent.convert("sitofp", x.type), mantissa


def log_one_plus_tail(f: Value) -> Value:
    """log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1]."""
    if format_of(f) is SINGLE:
        return fmul(fmul(f, f), polynomial(f, coefficients.SINGLE_LOG))
    half_square = fmul(fmul(f, f), 0.5)
    s = f / fadd(f, 2.0)
    z = fmul(s, s)
    remainder = fmul(z, polynomial(z, coefficients.DOUBLE_ATANH))
    return fsub(fmul(s, fadd(half_square, remainder)), half_square)


def combine(e: Value, f: Value, base: Base) -> Value:
    """e * log(2) + log(1 + f) in the given base."""
    tail = log_one_plus_tail(f)
    if base.scale is None:
        return e.fma(base.of_two[0], fadd(f, e.fma(base.of_two[1], tail)))
    high, low = base.scale
    # the product of f and the first part is exact inside the fma; all that rounds before the end is small
    small = e.fma(base.of_two[1], f.fma(low, fmul(tail, high))) if base.of_two[1] else f.fma(low, fmul(tail, high))
    return e.fma(base.of_two[0], f.fma(high, small))


def special(x: Value, result: Value) -> Value:
    """The result for positive finite x; infinity and NaN themselves, -infinity for 0, NaN for negative x."""
    finite = x.lt(INFINITY).select(result, x)
    pole = x.eq(0.0).select(constant(x, -INFINITY), constant(x, NAN))
    return x.le(0.0).select(pole, finite)


def _log(x: Value, base: Base) -> Value:
    e, mantissa = frexp(x)
    return special(x, combine(e, fsub(mantissa, 1.0), base))


def log(x: Value) -> Value:
    """The natural logarithm. Largest error measured: float 0.9 ulp, double 0.8 ulp.

    Method: float, f + f*f*q(f) with a minimax q; double, the series of atanh(f / (2 + f)) as minimax polynomial.
    """
    return _log(x, NATURAL[x.type])


def log_of_normal(x: Value) -> Value:
    """As `log` for positive finite numbers that are not subnormal; of others it is any number."""
    e, mantissa = _frexp_of_normal(x)
    return combine(e, fsub(mantissa, 1.0), NATURAL[x.type])


def log2(x: Value) -> Value:
    """The logarithm to base 2, exact for powers of two. Largest error measured: float 1.0 ulp, double 0.9 ulp.

    Method: as `log`, times log2(e) in two parts.
    """
    return _log(x, BASE2[x.type])


def log10(x: Value) -> Value:
    """The logarithm to base 10. Largest error measured: float 1.1 ulp, double 0.9 ulp.

    Method: as `log`, times log10(e) in two parts.
    """
    return _log(x, BASE10[x.type])


def log1p(x: Value) -> Value:
    """log(1 + x), accurate near 0. Largest error measured: float 1.5 ulp, double 1.4 ulp.

    Method: as `log` of the rounded sum u, with the rounding error of u added to f.
    """
    form = format_of(x)
    one = constant(x, 1.0)
    u, error = two_sum(one, x)
    bits = u.bitcast(form.integer)
    root_half = 0x3F3504F3 if form is SINGLE else 0x3FE6A09E667F3BCD
    exponent = (bits - root_half) >> form.mantissa_bits
    shift = exponent << form.mantissa_bits
    mantissa = (bits - shift).bitcast(x.type)
    # 2**-e; where e is too large for that the error is 0 and any finite factor does
    capped = shift.intrinsic("smin", 100 << form.mantissa_bits)
    factor_bits = x.code.constant(form.bias << form.mantissa_bits, form.integer) - capped
    f = factor_bits.bitcast(x.type).fma(error, fsub(mantissa, 1.0))
    result = combine(exponent.convert("sitofp", x.type), f, NATURAL[x.type])
    below = x.eq(-1.0).select(constant(x, -INFINITY), constant(x, NAN))
    result = x.le(-1.0).select(below, x.lt(INFINITY).select(result, x))
    return copysign(result, x)
