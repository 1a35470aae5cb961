"""Writes src/curta/compiler/mathlib/special_coefficients.py: Chebyshev fits and series of the special functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mpmath as mp

mp.mp.dps = 60

TARGET = Path(__file__).parent.parent / "src/curta/compiler/mathlib/special_coefficients.py"
HEADER = (
    '"""Coefficients of the special functions, lowest order first: written by tools/fit_special.py, not by hand."""\n'
)
Function = Callable[[mp.mpf], mp.mpf]


def fit(function: Function, low: float, high: float, goal: float = 2e-17) -> list[float]:
    """A polynomial in t, which goes from -1 at `low` to 1 at `high`, of the least degree whose error is `goal`."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    count = 70
    nodes = [mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    values = [function(middle + half * node) for node in nodes]
    weights = [
        2 * mp.fsum(v * mp.cos(mp.pi * j * (2 * k + 1) / (2 * count)) for k, v in enumerate(values)) / count
        for j in range(count)
    ]
    weights[0] /= 2
    least = min(abs(value) for value in values)
    while mp.fabs(weights[-1]) < goal * least:
        weights.pop()
    return [float(value) for value in _monomials(weights)]


def powers(function: Function, low: float, high: float, goal: float) -> list[float]:
    """As `fit`, with the polynomial in the variable itself."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    terms = fit(function, low, high, goal)
    # t = (x - middle) / half by Taylor's shift: the powers of x one after the other
    total = [mp.mpf(0)] * len(terms)
    power = [mp.mpf(1)]
    for term in terms:
        for place, value in enumerate(power):
            total[place] += term * value
        longer = [mp.mpf(0), *(value / half for value in power)]
        for place, value in enumerate(power):
            longer[place] -= value * middle / half
        power = longer
    return [float(value) for value in total]


def _monomials(weights: list[mp.mpf]) -> list[mp.mpf]:
    """A sum of Chebyshev polynomials as one polynomial."""
    total = [mp.mpf(0)] * len(weights)
    before, now = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    for place, weight in enumerate(weights):
        current = before if place == 0 else now
        for power, value in enumerate(current):
            total[power] += weight * value
        if place:
            longer = [mp.mpf(0), *(2 * value for value in now)]
            for power, value in enumerate(before):
                longer[power] -= value
            before, now = now, longer
    return total


def phase(order: int, imaginary: bool) -> Function:
    """The slowly changing parts of Bessel functions beyond 5, in 25 / x**2."""

    def part(t: mp.mpf) -> mp.mpf:
        x = 5 / mp.sqrt(t)
        angle = x - mp.pi * (2 * order + 1) / 4
        wave = (mp.besselj(order, x) + 1j * mp.bessely(order, x)) * mp.expj(-angle) * mp.sqrt(mp.pi * x / 2)
        return wave.imag * x if imaginary else wave.real

    return part


def without_zeros(order: int) -> Function:
    """J over its first two zeros, in x**2."""
    first, second = (mp.besseljzero(order, k) ** 2 for k in (1, 2))
    return lambda z: mp.besselj(order, mp.sqrt(z)) / mp.sqrt(z) ** order / ((z - first) * (z - second))


def _y(order: int, z: mp.mpf) -> mp.mpf:
    x = mp.sqrt(z)
    if order == 0:
        return mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)
    return (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x


def _k(order: int, z: mp.mpf) -> mp.mpf:
    x = mp.sqrt(z)
    if order == 0:
        return mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)
    return x * (mp.besselk(1, x) - mp.log(x / 2) * mp.besseli(1, x))


def _inverse_error(w: mp.mpf) -> mp.mpf:
    """erfinv(x) of w = -log(1 - x*x)."""
    return mp.erfinv(mp.sqrt(-mp.expm1(-w)))


def _quantile(s: mp.mpf) -> mp.mpf:
    """The normal quantile's size over s at the probability exp(-s*s/2)."""
    p = mp.exp(-s * s / 2)
    size = s
    for _ in range(60):
        mills = mp.erfc(size / mp.sqrt(2)) / 2
        density = mp.exp(-size * size / 2) / mp.sqrt(2 * mp.pi)
        step = (mills - p) / density
        step = step / (1 - size * step / 2)
        size += step
        if abs(step) < mp.mpf(10) ** -45:
            break
    return size / s


def _scaled_error(t: mp.mpf) -> mp.mpf:
    x = mp.mpf(3.5) * (1 + t) / (1 - t)
    if x > 1000:
        h = 1 / (2 * x * x)
        return (1 + 2 * x) / (x * mp.sqrt(mp.pi)) * (1 - h + 3 * h**2 - 15 * h**3 + 105 * h**4 - 945 * h**5)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def tables() -> dict[str, list[float]]:
    def far(function: Callable[..., mp.mpf], order: int, sign: int) -> Function:
        return lambda t: function(order, 1 / t) * mp.exp(sign / t) / mp.sqrt(t)

    found = {
        "LGAMMA_ONE": fit(lambda t: mp.loggamma(1 + t / 2) / (t / 2), -1, 1),
        "LGAMMA_TWO": fit(lambda t: mp.loggamma(2 + t / 2) / (t / 2), -1, 1),
        "STIRLING": [float(mp.bernoulli(2 * k) / (2 * k * (2 * k - 1))) for k in range(1, 11)],
        "DIGAMMA": [float(mp.bernoulli(2 * k) / (2 * k)) for k in range(1, 11)],
        "TRIGAMMA": [float(mp.bernoulli(2 * k)) for k in range(1, 11)],
        "ZETA": [float(mp.bernoulli(2 * k) / mp.factorial(2 * k)) for k in range(1, 11)],
        "ERFINV_NEAR": fit(lambda w: _inverse_error(w) / mp.sqrt(-mp.expm1(-w)), 0, 5),
        "ERFINV_FAR": fit(lambda s: _inverse_error(s * s) / s, 2.2, 6.2),
        "SINGLE_LGAMMA_ONE": fit(lambda t: mp.loggamma(1 + t / 2) / (t / 2), -1, 1, 1e-9),
        "SINGLE_LGAMMA_TWO": fit(lambda t: mp.loggamma(2 + t / 2) / (t / 2), -1, 1, 1e-9),
        "SINGLE_LOG": powers(lambda f: mp.log1p(f) / f, 2**-0.5 - 1, 2**0.5 - 1, 1e-10),
        "SINGLE_ERFINV_NEAR": powers(lambda w: _inverse_error(w) / mp.sqrt(-mp.expm1(-w)), 0, 5, 5e-9),
        "SINGLE_ERFINV_FAR": fit(lambda s: _inverse_error(s * s) / s, 2.2, 4, 5e-9),
        "QUANTILE_NEAR": fit(lambda t: _quantile(1 / t), 1 / 6, 0.5),
        "QUANTILE_FAR": fit(lambda t: _quantile(1 / t), 1 / 40, 1 / 6),
        "ERFCX": fit(_scaled_error, -1, 1),
        "I0_SERIES": [float(1 / mp.factorial(k) ** 2) for k in range(27)],
        "I1_SERIES": [float(1 / mp.factorial(k) / mp.factorial(k + 1)) for k in range(27)],
        "I0_FAR": fit(far(mp.besseli, 0, -1), 0, 0.125),
        "I1_FAR": fit(far(mp.besseli, 1, -1), 0, 0.125),
        "K0_FAR": fit(far(mp.besselk, 0, 1), 0, 0.5),
        "K1_FAR": fit(far(mp.besselk, 1, 1), 0, 0.5),
    }
    for order in (0, 1):
        found[f"K{order}_NEAR"] = fit(lambda z, n=order: _k(n, z), 0, 4)
        found[f"J{order}_NEAR"] = fit(without_zeros(order), 0, 25)
        found[f"Y{order}_NEAR"] = fit(lambda z, n=order: _y(n, z), 0, 25)
        found[f"P{order}"] = fit(phase(order, False), 0, 1)
        found[f"Q{order}"] = fit(phase(order, True), 0, 1)
    return found


def main() -> None:
    lines = [HEADER]
    for name, values in tables().items():
        print(name, len(values))
        rows = (values[start : start + 4] for start in range(0, len(values), 4))
        text = "".join("    " + ", ".join(map(repr, row)) + ",\n" for row in rows)
        lines.append(f"{name} = (\n{text})  # fmt: skip")
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
