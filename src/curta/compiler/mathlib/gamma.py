"""lgamma, digamma, trigamma and Hurwitz's zeta; float in double arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log as log_of
from math import pi

from curta.compiler.code import Value
from curta.compiler.mathlib import special_coefficients as tables
from curta.compiler.mathlib.arithmetic import SINGLE, absolute, constant, format_of, minimum, muladd, polynomial
from curta.compiler.mathlib.logarithm import log
from curta.compiler.mathlib.power import pow
from curta.compiler.mathlib.trigonometric import sin, tan
from curta.compiler.mathlib.widening import chosen, in_double

INFINITY, NAN = float("inf"), float("nan")
#: half of log(2 pi), less a half
_STIRLING_START = 0.9189385332046727 - 0.5
#: from here on the asymptotic series are exact to a double
_FAR = 10


def lgamma(x: Value) -> Value:
    """log |gamma(x)|; infinite at 0 and the negative whole numbers. Float in double arithmetic.

    Method: about the zeros at 1 and 2 as products, else Stirling's series, from some places further on where the
    argument is small; below 0 by reflection. Float takes shorter series above 0; below it they would not do next to
    the zeros.
    """
    long = _Gamma(8.0, tables.LGAMMA_ONE, tables.LGAMMA_TWO, tables.STIRLING, log)
    if format_of(x) is not SINGLE:
        return _lgamma(x, long, long)
    short = _Gamma(4.0, tables.SINGLE_LGAMMA_ONE, tables.SINGLE_LGAMMA_TWO, tables.STIRLING[:4], _short_log)
    return _lgamma(x.convert("fpext", "double"), short, long).convert("fptrunc", "float")


@dataclass(frozen=True)
class _Gamma:
    """How lgamma is worked out: how much further on, the polynomials about 1 and 2, Stirling's series, and log."""

    further: float
    one: Sequence[float]
    two: Sequence[float]
    series: Sequence[float]
    log: Callable[[Value], Value]

    def above_zero(self, size: Value) -> tuple[Value, Value]:
        """lgamma of `size`, below 0.5 of one more, and the logarithm that makes up for that."""
        tiny, near, short = size.lt(0.5), size.lt(2.5), size.lt(8.0)
        base = short.select(size + self.further, size)
        logarithm = self.log(near.select(size, base))
        low = size.lt(1.5)
        t = tiny.select(size, low.select(size - 1.0, size - 2.0))
        close = t * chosen(low, t * 2.0, self.one, self.two)

        def far() -> list[Value]:
            product = size
            for step in range(1, int(self.further)):
                product = product * (size + float(step))
            inverse = constant(size, 1.0) / base
            series = inverse * polynomial(inverse * inverse, self.series) + _STIRLING_START
            found = (base - 0.5) * (logarithm - 1.0) + series - self.log(short.select(product, 1.0))
            return [near.select(close, found)]

        return size.code.unless_any(~near, [close], far)[0], tiny.select(logarithm, 0.0)


def _lgamma(x: Value, above: _Gamma, below: _Gamma) -> Value:
    size, negative = absolute(x), x.lt(0.0)
    found, logarithm = above.above_zero(size)
    found = found - logarithm + 0.0  # at 1, 0 and not -0

    def reflected() -> list[Value]:
        tiny = size.lt(0.5)
        other = below.above_zero(size)[0]
        wave = absolute(sin((size - size.intrinsic("rint")) * pi))
        # of log(size) and lgamma(size) the logarithms of tiny ones are left out on both sides
        return [negative.select(constant(x, log_of(pi)) - log(tiny.select(wave, wave * size)) - other, found)]

    found = x.code.unless_any(negative, [found], reflected)[0]
    return (size.eq(INFINITY) | size.eq(0.0)).select(INFINITY, found)


def _short_log(x: Value) -> Value:
    """The logarithm to some 1e-11, of numbers held in double that a float can have."""
    small = x.lt(2.0**-60)
    scaled = small.select(x * 2.0**120, x)
    # the power of two is that of the float next to it: double's integers have no shifts in older vector units
    exponent = (scaled.convert("fptrunc", "float").bitcast("i32") - 0x3F3504F3) >> 23
    power = ((-exponent + (127 + 64)) << 23).bitcast("float").convert("fpext", "double")
    f = muladd(scaled, power * 2.0**-64, -1.0)
    e = exponent.convert("sitofp", "double")
    return muladd(small.select(e - 120.0, e), log_of(2), f * polynomial(f, tables.SINGLE_LOG))


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
