"""Fit the polynomials of `curta.compiler.mathlib.coefficients` and print that module.

Each is the minimax polynomial of a function in one variable, found by Remez's exchange on a dense grid in 60-digit
arithmetic. Coefficients are rounded to the target format one by one, lowest order first, and those still free are
fitted again, so that the rounding of one is made good by the next. Takes a few minutes; needs mpmath.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

from mpmath import mp, mpf

mp.dps = 60
Function = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Fit:
    """One polynomial: approximate `target(v)` for v in [low, high], error times `weight(v)` to be even."""

    name: str
    target: Function
    weight: Function
    low: mpf
    high: mpf
    terms: int
    single: bool


def round_to(value: mpf, single: bool) -> float:
    """`value` as the nearest float64, or float32 if `single`."""
    number = float(value)
    return float(struct.unpack("<f", struct.pack("<f", number))[0]) if single else number


def remez(values: list[mpf], weights: list[mpf], grid: list[mpf], terms: int) -> list[mpf]:
    """Coefficients of grid**0, grid**1, … for the weighted minimax fit of `values` on the grid."""
    count = len(grid)
    powers = [[x**k for k in range(terms)] for x in grid]
    at = [round((count - 1) * (1 - mp.cos(mp.pi * i / terms)) / 2) for i in range(terms + 1)]
    best: tuple[mpf, list[mpf]] = (mp.inf, [])
    for _ in range(25):
        system = mp.matrix(terms + 1, terms + 1)
        right = mp.matrix(terms + 1, 1)
        for row, i in enumerate(at):
            for k in range(terms):
                system[row, k] = powers[i][k] * weights[i]
            system[row, terms] = (-1) ** row
            right[row] = values[i] * weights[i]
        solution = mp.lu_solve(system, right)
        answer = [solution[k] for k in range(terms)]
        error = [
            (values[i] - mp.fsum(c * p for c, p in zip(answer, powers[i], strict=True))) * weights[i]
            for i in range(count)
        ]
        worst = max(abs(e) for e in error)
        if worst < best[0]:
            best = (worst, answer)
        extremes = alternation(error, terms + 1)
        if extremes is None or extremes == at:
            break
        at = extremes
    return best[1]


def alternation(error: list[mpf], wanted: int) -> list[int] | None:
    """Where the error peaks with alternating signs: the `wanted` neighbouring peaks that are largest."""
    peaks: list[int] = []
    for i, e in enumerate(error):
        if peaks and (e > 0) == (error[peaks[-1]] > 0):
            if abs(e) > abs(error[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    while len(peaks) > wanted:
        peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
    return peaks if len(peaks) == wanted else None


def largest(values: list[mpf], weights: list[mpf], grid: list[mpf], coefficients: list[mpf]) -> mpf:
    """The largest weighted error of a polynomial on the grid."""
    backwards = coefficients[::-1]
    return max(abs((v - mp.polyval(backwards, x)) * w) for v, w, x in zip(values, weights, grid, strict=True))


def solve(fit: Fit) -> tuple[list[float], float]:
    """The rounded coefficients, lowest order first, and the largest weighted error."""
    count = 40 * fit.terms + 41
    middle, half = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    # odd counts would put a point on 0 in symmetric ranges, where some targets are 0/0
    grid = [middle - half * mp.cos(mp.pi * (i + mpf(1) / 3) / count) for i in range(count)]
    values = [fit.target(x) for x in grid]
    weights = [fit.weight(x) for x in grid]
    rest, scale, done = list(values), list(weights), []
    free: list[mpf] = []
    for k in range(fit.terms):
        if k == 0:
            free = remez(rest, scale, grid, fit.terms)
        else:
            free = free[1:]
            if fit.single or k <= 4:  # the rounding of float64's later coefficients matters too little
                again = remez(rest, scale, grid, fit.terms - k)
                free = min((again, free), key=lambda c: largest(rest, scale, grid, c))
        done.append(round_to(free[0], fit.single))
        # divide by x, so that what is left is again a polynomial with its powers from 0
        rest = [(v - mpf(done[-1])) / x for v, x in zip(rest, grid, strict=True)]
        scale = [w * abs(x) for w, x in zip(scale, grid, strict=True)]
    return done, float(max(abs(v * w) for v, w in zip(rest, scale, strict=True)))


def erfcx(p: mpf) -> mpf:
    return mp.exp(p * p) * mp.erfc(p)


def fits(single: bool) -> list[Fit]:
    """All fits for float (`single`) or double."""
    one, tag = mpf(1), "SINGLE" if single else "DOUBLE"

    def pick(for_single: int, for_double: int) -> int:
        return for_single if single else for_double

    half_ln2, quarter_pi = mp.log(2) / 2 * mpf("1.0001"), mp.pi / 4 * mpf("1.0001")
    atanh_high = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mpf("1.001")
    split, end, k = ERF_SPLIT, (mpf("4.0") if single else mpf("6.0")), ERFC_CENTRE
    far = mpf("10.2") if single else mpf("27.3")

    near = (mpf("0.99") - k) / (mpf("0.99") + k)

    def atanh_tail(z: mpf) -> mpf:
        s = mp.sqrt(z)
        return (2 * mp.atanh(s) - 2 * s) / (s * z)

    def pow_tail(z: mpf) -> mpf:
        s = mp.sqrt(z)
        return (2 * mp.atanh(s) / s - 2 - 2 * z / 3 - 2 * z**2 / 5) / z**3

    def odd(function: Function) -> Function:
        return lambda z: (function(mp.sqrt(z)) / mp.sqrt(z) - 1) / z

    def odd_weight(function: Function) -> Function:
        return lambda z: z * mp.sqrt(z) / function(mp.sqrt(z))

    def erfc_target(t: mpf) -> mpf:
        p = k * (1 + t) / (1 - t)
        return (1 + 2 * p) * erfcx(p)

    def root(x: mpf) -> mpf:
        return mp.erfc(x) ** (one / 16)

    result = [
        Fit("EXP", lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: abs(r), -half_ln2, half_ln2, pick(5, 11), single),
        Fit("EXP2", lambda f: (2**f - 1) / f, lambda f: abs(f), -one / 2, one / 2, pick(6, 12), single),
        Fit("SIN", odd(mp.sin), odd_weight(mp.sin), mpf(0), quarter_pi**2, pick(3, 6), single),
        Fit(
            "COS",
            lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
            lambda z: z * z,
            mpf(0),
            quarter_pi**2,
            pick(3, 6),
            single,
        ),
        Fit("SINH", odd(mp.sinh), odd_weight(mp.sinh), mpf(0), one, pick(4, 8), single),
        Fit("ATAN", odd(mp.atan), odd_weight(mp.atan), mpf(0), one, pick(9, 20), single),
        Fit("ASIN", odd(mp.asin), odd_weight(mp.asin), mpf(0), one / 4, pick(5, 12), single),
        Fit(
            "ERF",
            lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1,
            lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)),
            mpf(0),
            split**2,
            pick(8, 16),
            single,
        ),
        Fit("ERFC_ROOT", root, lambda x: 16 * root(x) ** 15 / mp.erf(x), split, end, pick(7, 19), single),
        Fit("ERFC", erfc_target, lambda t: 1 / erfc_target(t), near, (far - k) / (far + k), pick(9, 20), single),
    ]
    if single:
        low, high = mp.sqrt(mpf("0.5")) - 1, mp.sqrt(2) - 1
        result.append(
            Fit("LOG", lambda f: (mp.log(1 + f) - f) / f**2, lambda f: f**2 / abs(mp.log(1 + f)), low, high, 9, single)
        )
    else:
        result.append(Fit("ATANH", atanh_tail, lambda z: z / 2, mpf(0), atanh_high, 7, single))
        result.append(Fit("POW_TAIL", pow_tail, lambda z: z**3 / 2, mpf(0), atanh_high, 8, single))
    return [Fit(f"{tag}_{f.name}", f.target, f.weight, f.low, f.high, f.terms, f.single) for f in result]


#: erf is a polynomial below this and 1 - root(x)**16 above it
ERF_SPLIT = mpf("1.3125")
#: erfc's polynomial is in (|x| - K) / (|x| + K)
ERFC_CENTRE = mpf("3.5")


def main() -> None:
    chosen = sys.argv[1:]
    print('"""Coefficients of the polynomials, lowest order first: written by tools/fit_mathlib.py, not by hand."""\n')
    for fit in fits(single=True) + fits(single=False):
        if chosen and fit.name not in chosen:
            continue
        coefficients, error = solve(fit)
        print(f"#: largest weighted error 2**{float(mp.log(error, 2)):.1f}")
        print(f"{fit.name} = (")
        for value in coefficients:
            print(f"    {value!r},")
        print(")", flush=True)


if __name__ == "__main__":
    main()
