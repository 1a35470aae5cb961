"""Writes src/curta/compiler/mathlib/further_coefficients.py: the incomplete gamma functions' and Airy's function's."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import mpmath as mp
from fit_special import Function, fit

TARGET = Path(__file__).parent.parent / "src/curta/compiler/mathlib/further_coefficients.py"
HEADER = '"""Coefficients of further special functions, lowest order first: written by tools/fit_further.py."""\n'

#: the least first argument that Temme's expansion is taken for, and the largest size of its variable there
LEAST, LARGEST = 50, Fraction(2, 5)


def _inverse_series(count: int) -> list[Fraction]:
    """Of 1 / mu the coefficients of 1, eta, eta**2, …, where eta**2 / 2 = mu - log(1 + mu): mu mu' = eta (1 + mu)."""
    mu = [Fraction(0), Fraction(1)]
    for n in range(2, count + 2):
        known = sum((mu[i] * (n + 1 - i) * mu[n + 1 - i] for i in range(2, n)), Fraction(0))
        mu.append((mu[n - 1] - known) / (n + 1))
    inverse = [Fraction(1)]
    for n in range(1, count + 1):
        inverse.append(-sum((mu[i + 1] * inverse[n - i] for i in range(1, n + 1)), Fraction(0)))
    return inverse[1:]


def _stirling(count: int) -> list[Fraction]:
    """Of gamma(a) over Stirling's first term the coefficients of a**-k (DLMF 5.11.3)."""
    logarithm = [Fraction(0)] * (count + 1)
    for k in range(1, count // 2 + 2):
        if 2 * k - 1 <= count:
            top, bottom = mp.bernfrac(2 * k)
            logarithm[2 * k - 1] = Fraction(int(top), int(bottom)) / (2 * k * (2 * k - 1))
    found = [Fraction(1)]
    for n in range(1, count + 1):
        found.append(sum((i * logarithm[i] * found[n - i] for i in range(1, n + 1)), Fraction(0)) / n)
    return found


def temme(goal: float = 3e-18) -> dict[str, list[float]]:
    """c_k(eta) of DLMF 8.12.9 as power series, without what is below `goal`."""
    inverse, stirling = _inverse_series(60), _stirling(12)
    row, found = inverse, {}
    for k in range(12):
        if k:
            sign = (-1) ** k * stirling[k]
            row = [(n + 2) * row[n + 2] + sign * inverse[n] for n in range(len(row) - 2)]
        large = [n for n, value in enumerate(row[:30]) if abs(value) * LARGEST**n / LEAST**k > goal]
        if large:
            found[f"TEMME_{k}"] = [float(value) for value in row[: large[-1] + 1]]
    return found


def _turned(order: int, quick: bool) -> Function:
    """The slowly changing parts of Airy's functions on the negative side, in 1 / zeta**2 (DLMF 9.7.9 and 9.7.10)."""

    def part(t: mp.mpf) -> mp.mpf:
        zeta = 1 / mp.sqrt(t)
        x = (zeta * mp.mpf(3) / 2) ** (mp.mpf(2) / 3)
        angle = zeta - mp.pi / 4
        first, second = mp.airyai(-x, derivative=order), mp.airybi(-x, derivative=order)
        scale = mp.sqrt(mp.pi) * x ** (mp.mpf(-1 if order else 1) / 4)
        if order:
            first, second = second, -first
        if quick:
            return scale * (mp.sin(angle) * first + mp.cos(angle) * second) * zeta
        return scale * (mp.cos(angle) * first - mp.sin(angle) * second)

    return part


def _falling(order: int) -> Function:
    """Airy's function over its first term on the positive side, in 1 / zeta."""

    def part(t: mp.mpf) -> mp.mpf:
        zeta = 1 / t
        x = (zeta * mp.mpf(3) / 2) ** (mp.mpf(2) / 3)
        scale = 2 * mp.sqrt(mp.pi) * x ** (mp.mpf(-1 if order else 1) / 4)
        return mp.exp(zeta) * scale * mp.airyai(x, derivative=order)

    return part


def _airy_zeros(order: int) -> list[mp.mpf]:
    """Those above -5."""
    return [mp.airyaizero(k, derivative=order) for k in range(1, 4 if order else 3)]


def _between(order: int) -> Function:
    return lambda x: mp.airyai(x, derivative=order) / mp.fprod(x - zero for zero in _airy_zeros(order))


def airy() -> dict[str, list[float]]:
    """Of the function (AI) and its derivative (SLOPE): zeros in two parts each, [-5, 1], beyond on either side."""
    near, far = mp.mpf(1), mp.mpf(5)
    found = {}
    for order, name in enumerate(("AI", "SLOPE")):
        zeros = _airy_zeros(order)
        found[f"{name}_ZEROS"] = [float(part) for zero in zeros for part in (zero, zero - float(zero))]
        found[f"{name}_BETWEEN"] = fit(_between(order), -5, 1)
        found[f"{name}_FALLING"] = fit(_falling(order), 0, float(1 / (near**1.5 * 2 / 3)))
        found[f"{name}_SLOW"] = fit(_turned(order, quick=False), 0, float(1 / (far**1.5 * 2 / 3) ** 2))
        found[f"{name}_QUICK"] = fit(_turned(order, quick=True), 0, float(1 / (far**1.5 * 2 / 3) ** 2))
    return found


def tables() -> dict[str, list[float]]:
    return temme() | airy()


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
