"""The regularised incomplete gamma functions, lower P and upper Q; float in double arithmetic.

Method, each where the others cancel or take long: the power series of P; the continued fraction of Q; a series in x of
Q for small arguments; Temme's uniform expansion (DLMF 8.12) where a is large and x near it. The loops end when no lane
needs another turn; a lane that is done stays as it is, so that results do not depend on the lanes beside it.
"""

from __future__ import annotations

from math import pi

from curta.compiler.code import Value
from curta.compiler.mathlib import further_coefficients, special_coefficients
from curta.compiler.mathlib.arithmetic import absolute, constant, minimum, polynomial
from curta.compiler.mathlib.exponential import exp, expm1
from curta.compiler.mathlib.gamma import lgamma
from curta.compiler.mathlib.inverse_error import erfcx
from curta.compiler.mathlib.logarithm import log
from curta.compiler.mathlib.power import pow
from curta.compiler.mathlib.widening import chosen, in_double

INFINITY, NAN = float("inf"), float("nan")
_TEMME = (
    further_coefficients.TEMME_0,
    further_coefficients.TEMME_1,
    further_coefficients.TEMME_2,
    further_coefficients.TEMME_3,
    further_coefficients.TEMME_4,
    further_coefficients.TEMME_5,
    further_coefficients.TEMME_6,
    further_coefficients.TEMME_7,
    further_coefficients.TEMME_8,
)
#: from here on gamma(a) is by Stirling's series
_STIRLING_FROM = 10.0
#: a relative change that is none
_NOTHING = 2.0**-54
#: of log(1 + mu) = 2 atanh(t), t = mu / (2 + mu): what follows 2t, over t**3
_ODD = tuple(2 / (2 * k + 3) for k in range(17))


def _excess(a: Value, x: Value, mu: Value) -> Value:
    """mu - log(1 + mu), where x = a (1 + mu), without cancellation near 0."""
    t = mu / (mu + 2.0)
    square = t * t
    near = mu * t - t * square * polynomial(square, _ODD)
    ratio = x / a
    far = mu - (log(ratio) + (-ratio).fma(a, x) / x)
    return absolute(mu).lt(0.5).select(near, far)


def _logarithm_of_gamma(a: Value) -> Value:
    """log(gamma(1 + a)), exact in relation to itself for small a too."""
    low = a.lt(0.5)
    t = low.select(a, a - 1.0)
    near = t * chosen(low, t * 2.0, special_coefficients.LGAMMA_ONE, special_coefficients.LGAMMA_TWO)
    return a.lt(1.5).select(near, lgamma(a + 1.0))


def _density(a: Value, x: Value, excess: Value, gamma: Value) -> Value:
    """x**a exp(-x) / gamma(1 + a)."""
    bounded = minimum(x, 3000.0)  # beyond it is 0 as well, and no factor overflows
    half = exp(bounded * -0.5)
    small = pow(bounded, a) * half * half * exp(-gamma)
    inverse = constant(a, 1.0) / a
    series = inverse * polynomial(inverse * inverse, special_coefficients.STIRLING)
    large = exp(-(a * excess) - series) / (a * (2 * pi)).intrinsic("sqrt")
    return a.lt(_STIRLING_FROM).select(small, large)


def _power_series(a: Value, x: Value, wanted: Value) -> Value:
    """P over its density: the sum of x**n / ((a + 1) … (a + n))."""
    one = constant(a, 1.0)
    with a.code.repeat([one, one, a, wanted]) as loop:
        total, term, place, going = loop.carried
        place = place + 1.0
        term = term * (x / place)
        total = going.select(total + term, total)
        going = going & term.gt(total * _NOTHING)
        loop.carried_out = [total, term, place, going]
        loop.again = a.code.any_lane(going)
    return loop.results[0]


def _fraction(a: Value, x: Value, wanted: Value) -> Value:
    """Q over a times its density: Legendre's continued fraction from its front, after Lentz."""
    start = x + 1.0 - a
    first = constant(a, 1.0) / start
    with a.code.repeat([first, first, constant(a, 1e300), start, constant(a, 0.0), wanted]) as loop:
        found, lower, upper, base, place, going = loop.carried
        place, base = place + 1.0, base + 2.0
        numerator = place * (a - place)
        lower = constant(a, 1.0) / (numerator * lower + base)
        upper = base + numerator / upper
        factor = lower * upper
        found = going.select(found * factor, found)
        going = going & absolute(factor - 1.0).gt(16 * _NOTHING)
        loop.carried_out = [found, lower, upper, base, place, going]
        loop.again = a.code.any_lane(going)
    return loop.results[0]


def _small_upper(a: Value, x: Value, gamma: Value) -> Value:
    """Q where neither a nor x is much above 1: what P lacks to 1 is worked out before it could be rounded off."""
    exponent = a * log(x) - gamma
    with a.code.loop(0, 20, carried=[constant(a, 0.0), constant(a, 1.0), constant(a, 1.0)]) as loop:
        total, power, place = loop.carried
        power = power * (-x / place)
        loop.carried_out = [total + power / (a + place), power, place + 1.0]
    return -expm1(exponent) - exp(exponent) * a * loop.results[0]


def _uniform(a: Value, mu: Value, excess: Value) -> Value:
    """Temme's expansion: P where x < a, else Q."""
    below = mu.lt(0.0)
    size = (excess * 2.0).intrinsic("sqrt")
    eta = below.select(-size, size)
    inverse = constant(a, 1.0) / a
    total = polynomial(eta, _TEMME[-1])
    for row in _TEMME[-2::-1]:
        total = total * inverse + polynomial(eta, row)
    correction = total / (a * (2 * pi)).intrinsic("sqrt")
    exponent = a * excess
    tail = erfcx(exponent.intrinsic("sqrt")) * 0.5
    return exp(-exponent) * below.select(tail - correction, tail + correction)


def _incomplete(a: Value, x: Value, lower: bool) -> Value:
    mu = (x - a) / a
    excess = _excess(a, x, mu)
    gamma = _logarithm_of_gamma(a)
    density = _density(a, x, excess, gamma)
    uniform = a.ge(50.0) & absolute(mu).lt(0.3)
    fraction = x.gt(1.1) & x.ge(a) & ~uniform
    series = ~(uniform | fraction)
    by_series = density * _power_series(a, x, series)
    by_fraction = density * a * _fraction(a, x, fraction)
    # which of the two functions `found` is
    found = uniform.select(_uniform(a, mu, excess), fraction.select(by_fraction, by_series))
    is_lower = uniform.select(mu.lt(0.0), series)
    if lower:
        found = is_lower.select(found, constant(a, 1.0) - found)
    else:
        small = series & x.le(1.1) & x.le(0.5).select((log(x) * a).gt(-0.4), a.lt(x * 1.1))
        found = is_lower.select(constant(a, 1.0) - found, found)
        found = small.select(_small_upper(a, x, gamma), found)
    nothing, everything = (0.0, 1.0) if lower else (1.0, 0.0)
    found = (a.eq(INFINITY) | x.eq(0.0)).select(nothing, found)
    found = (a.eq(0.0) | x.eq(INFINITY)).select(everything, found)
    undefined = a.lt(0.0) | x.lt(0.0) | a.is_nan() | x.is_nan()
    undefined = undefined | (a.eq(0.0) & x.eq(0.0)) | (a.eq(INFINITY) & x.eq(INFINITY))
    return undefined.select(NAN, found)


@in_double
def igamma(a: Value, x: Value) -> Value:
    """P(a, x), the part of gamma(a) that lies below x; NaN for negative arguments."""
    return _incomplete(a, x, lower=True)


@in_double
def igammac(a: Value, x: Value) -> Value:
    """Q(a, x), the part of gamma(a) that lies above x; NaN for negative arguments."""
    return _incomplete(a, x, lower=False)
