"""erfinv, the normal distribution's quantiles (ndtri) and the scaled erfcx; of float, all but erfinv in double."""

from __future__ import annotations

from curta.compiler.code import Value
from curta.compiler.mathlib import special_coefficients as tables
from curta.compiler.mathlib.arithmetic import (
    SINGLE,
    absolute,
    constant,
    copysign,
    format_of,
    maximum,
    minimum,
    polynomial,
    two_product,
)
from curta.compiler.mathlib.exponential import exp
from curta.compiler.mathlib.logarithm import log, log_of_normal
from curta.compiler.mathlib.widening import chosen, in_double

INFINITY, NAN = float("inf"), float("nan")
#: below this probability, on either side, quantiles are found from its logarithm
_TAIL = 0.135


def _near(x: Value, w: Value) -> Value:
    """erfinv(x) where w = -log(1 - x*x) is below 5."""
    return x * polynomial(w * 0.4 - 1.0, tables.ERFINV_NEAR)


def erfinv(x: Value) -> Value:
    """The inverse of erf: infinite at 1 and -1, NaN beyond. Largest error measured: float 2.4 ulp, double 2 ulp.

    Method: polynomials in w = -log(1 - x*x) or, near 1, in its root.
    """
    if format_of(x) is SINGLE:
        return _erfinv_single(x)
    size = absolute(x)
    w = -log((constant(x, 1.0) - size) * (size + 1.0))
    root = w.intrinsic("sqrt")
    far = root * polynomial((minimum(root, 6.2) - 4.2) * 0.5, tables.ERFINV_FAR)
    return w.lt(5.0).select(_near(x, w), copysign(far, x))


def _erfinv_single(x: Value) -> Value:
    """As `erfinv`, by shorter polynomials and a logarithm that knows no special numbers."""
    size = absolute(x)
    w = -log_of_normal((constant(x, 1.0) - size) * (size + 1.0))
    root = w.intrinsic("sqrt")
    far = root * polynomial((root - 3.1) * (1 / 0.9), tables.SINGLE_ERFINV_FAR)
    near = x * polynomial(w, tables.SINGLE_ERFINV_NEAR)
    found = w.lt(5.0).select(near, copysign(far, x))
    ends = copysign(size.eq(1.0).select(constant(x, INFINITY), NAN), x)
    return size.lt(1.0).select(found, ends)


@in_double
def ndtri(p: Value) -> Value:
    """The normal distribution's quantile of a probability: infinite at 0 and 1, NaN outside.

    Method: erfinv in the middle; in the tails the root s of -2 log(p) times a polynomial in 1/s.
    """
    upper = constant(p, 1.0) - p
    tail = upper.lt(p).select(upper, p)
    x = p * 2.0 - 1.0
    middle = _near(x, -log((constant(p, 1.0) - x) * (x + 1.0))) * 2.0**0.5
    root = (log(tail) * -2.0).intrinsic("sqrt")
    inverse = constant(p, 1.0) / root
    close = inverse.gt(1 / 6)
    t = close.select((inverse - 1 / 3) * 6.0, (maximum(inverse, 1 / 40) - 23 / 240) * (240 / 17))
    far = root * chosen(close, t, tables.QUANTILE_NEAR, tables.QUANTILE_FAR)
    return tail.gt(_TAIL).select(middle, p.gt(0.5).select(far, -far))


@in_double
def erfcx(x: Value) -> Value:
    """exp(x*x) * erfc(x), which neither overflows nor vanishes for large x.

    Method: Shepherd and Laframboise's form, as erfc's; below 0 from the other side.
    """
    size = absolute(x)
    bounded = minimum(size, 1e300)
    found = polynomial((bounded - 3.5) / (bounded + 3.5), tables.ERFCX) / (size * 2.0 + 1.0)
    bounded = minimum(size, 27.0)
    square, error = two_product(bounded, bounded)
    twice = exp(square) * 2.0
    left = twice.eq(INFINITY).select(twice, twice + (twice * error - found))
    return x.lt(0.0).select(left, found)
