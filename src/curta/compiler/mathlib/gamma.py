"""lgamma, digamma, trigamma and Hurwitz's zeta; float in double arithmetic."""

from __future__ import annotations

from math import log as log_of
from math import pi

from curta.compiler.code import Value
from curta.compiler.mathlib import special_coefficients as tables
from curta.compiler.mathlib.arithmetic import absolute, constant, minimum, polynomial
from curta.compiler.mathlib.logarithm import log
from curta.compiler.mathlib.power import pow
from curta.compiler.mathlib.trigonometric import sin, tan
from curta.compiler.mathlib.widening import chosen, in_double

INFINITY, NAN = float("inf"), float("nan")
#: half of log(2 pi), less a half
_STIRLING_START = 0.9189385332046727 - 0.5
#: from here on the asymptotic series are exact to a double
_FAR = 10


def _lgamma_near(size: Value) -> Value:
    """Below 2.5: t times a polynomial, t the distance from the zero at 1 or 2; below 0.5 of one further on."""
    tiny, low = size.lt(0.5), size.lt(1.5)
    t = tiny.select(size, low.select(size - 1.0, size - 2.0))
    return t * chosen(low, t * 2.0, tables.LGAMMA_ONE, tables.LGAMMA_TWO)


@in_double
def lgamma(x: Value) -> Value:
    """log |gamma(x)|; infinite at 0 and the negative whole numbers.

    Method: about the zeros at 1 and 2 as products, else Stirling's series, from eight further on where the argument is
    small; below 0 by reflection.
    """
    size = absolute(x)
    tiny, near, short = size.lt(0.5), size.lt(2.5), size.lt(8.0)
    product = size
    for step in range(1, 8):
        product = product * (size + float(step))
    base = short.select(size + 8.0, size)
    logarithm = log(near.select(size, base))
    inverse = constant(x, 1.0) / base
    series = inverse * polynomial(inverse * inverse, tables.STIRLING) + _STIRLING_START
    far = (base - 0.5) * (logarithm - 1.0) + series - log(short.select(product, 1.0))
    close = _lgamma_near(size)
    found = near.select(tiny.select(close - logarithm, close), far)
    wave = absolute(sin((size - size.intrinsic("rint")) * pi))
    # of log(size) and lgamma(size) the logarithms of tiny ones are left out on both sides
    reflected = constant(x, log_of(pi)) - log(tiny.select(wave, wave * size)) - tiny.select(close, found)
    return size.eq(INFINITY).select(INFINITY, x.lt(0.0).select(reflected, found))


@in_double
def digamma(x: Value) -> Value:
    """The derivative of lgamma: minus or plus infinity at 0 and -0, NaN at the negative whole numbers."""
    negative = x.lt(0.0)
    start = negative.select(constant(x, 1.0) - x, x)
    near = start.lt(float(_FAR))
    rest = constant(x, 1.0) / start
    for step in range(1, _FAR):
        rest = rest + constant(x, 1.0) / (start + float(step))
    base = near.select(start + float(_FAR), start)
    inverse = constant(x, 1.0) / base
    square = inverse * inverse
    found = log(base) - 0.5 * inverse - square * polynomial(square, tables.DIGAMMA)
    found = found - near.select(rest, 0.0)
    part = x - x.intrinsic("rint")
    reflected = part.eq(0.0).select(NAN, found - constant(x, pi) / tan(part * pi))
    return negative.select(reflected, found)


@in_double
def trigamma(x: Value) -> Value:
    """The derivative of digamma: infinite at 0 and the negative whole numbers.

    Method: the asymptotic series from 10 on, ten terms of the sum before it where the argument is smaller; below 0 by
    reflection.
    """
    negative = x.lt(0.0)
    start = negative.select(constant(x, 1.0) - x, x)
    near = start.lt(float(_FAR))
    rest = constant(x, 1.0) / (start * start)
    for step in range(1, _FAR):
        place = start + float(step)
        rest = rest + constant(x, 1.0) / (place * place)
    inverse = constant(x, 1.0) / near.select(start + float(_FAR), start)
    square = inverse * inverse
    found = inverse + square * 0.5 + inverse * square * polynomial(square, tables.TRIGAMMA)
    found = found + near.select(rest, 0.0)
    part = x - x.intrinsic("rint")
    wave = sin(part * pi)
    reflected = constant(x, pi * pi) / (wave * wave) - found
    return x.eq(-INFINITY).select(INFINITY, negative.select(reflected, found))


def _zeta_positive(s: Value, q: Value) -> Value:
    """The sum of (q + k)**-s for q > 0: ten terms and Euler and Maclaurin's series for the rest."""
    with s.code.loop(0, _FAR, carried=[constant(s, 0.0), q]) as loop:
        total, place = loop.carried
        loop.carried_out = [total + pow(place, -s), place + 1.0]
    total, base = loop.results
    last = pow(base, -s)
    small = minimum(s, 1000.0)  # of larger ones nothing is left by then, and their powers have no number
    rest, factor, inverse = base / (s - 1.0) + 0.5, small / base, constant(s, 1.0) / base
    for step, coefficient in enumerate(tables.ZETA):
        rest = rest + factor * coefficient
        factor = factor * ((small + (2.0 * step + 1)) * inverse) * ((small + (2.0 * step + 2)) * inverse)
    return total + last.eq(0.0).select(0.0, last * rest)


@in_double
def zeta(s: Value, q: Value) -> Value:
    """Hurwitz's zeta function, the sum of (q + k)**-s over k = 0, 1, …; NaN for s < 1, infinite at its poles.

    Below 0, for whole s, the sum runs over both sides of 0: zeta of q's fraction f, of 1 - f, less that of 1 - q.
    """
    whole = q.intrinsic("floor")
    negative = q.lt(0.0)
    part = negative.select(q - whole, q)
    odd = (s * 0.5).ne((s * 0.5).intrinsic("floor"))
    sign = negative.select(odd.select(constant(s, -1.0), 1.0), 0.0)
    inside = negative.select(constant(s, 1.0) - part, 1.0)
    beyond = negative.select(constant(s, 1.0) - q, 1.0)
    # in a loop for the sake of the code's size
    start = [constant(s, 0.0), part, inside, beyond, constant(s, 1.0), sign, -sign]
    with s.code.loop(0, 3, carried=start) as loop:
        total, *places, first, second, third = loop.carried
        add = first.eq(0.0).select(0.0, first * _zeta_positive(s, places[0]))
        loop.carried_out = [total + add, places[1], places[2], places[0], second, third, first]
    found = loop.results[0]
    found = (negative & s.ne(s.intrinsic("floor"))).select(NAN, found)
    found = (q.le(0.0) & q.eq(whole)).select(INFINITY, found)
    found = s.lt(1.0).select(NAN, s.eq(1.0).select(INFINITY, found))
    return (s.is_nan() | q.is_nan()).select(NAN, found)
