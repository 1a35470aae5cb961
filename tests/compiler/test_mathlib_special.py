"""The special functions' code: float rounded once from double, double against mpmath, alike at every width."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

sys.path.insert(0, str(Path(__file__).parent))
from mathlib_harness import kernel, ulp_errors


def _trigamma(x: np.ndarray) -> np.ndarray:
    """SciPy has it above 0."""
    below = (np.pi / np.sin(np.pi * (x - np.rint(x)))) ** 2 - special.polygamma(1, 1 - x)
    return np.where(x < 0, below, special.polygamma(1, x))


FLOAT64: dict[str, Callable[..., Any]] = {
    "lgamma": special.gammaln,
    "digamma": special.digamma,
    "trigamma": _trigamma,
    "erfinv": special.erfinv,
    "erfcx": special.erfcx,
    "ndtri": special.ndtri,
    "i0": special.i0,
    "i0e": special.i0e,
    "i1": special.i1,
    "i1e": special.i1e,
    "bessel_j0": special.j0,
    "bessel_j1": special.j1,
    "bessel_y0": special.y0,
    "bessel_y1": special.y1,
    "bessel_k0": special.k0,
    "bessel_k0e": special.k0e,
    "bessel_k1": special.k1,
    "bessel_k1e": special.k1e,
}
EXACT: dict[str, Callable[..., Any]] = {
    "lgamma": lambda x: mpmath.re(mpmath.loggamma(x)),
    "digamma": mpmath.digamma,
    "trigamma": lambda x: mpmath.psi(1, x),
    "erfinv": lambda x: mpmath.erfinv(x) if abs(x) < 1 else mpmath.nan,
    "i0": lambda x: mpmath.besseli(0, x),
    "i1": lambda x: mpmath.besseli(1, x),
    "bessel_j0": lambda x: mpmath.besselj(0, x),
    "bessel_j1": lambda x: mpmath.besselj(1, x),
    "bessel_y0": lambda x: mpmath.bessely(0, x),
    "bessel_y1": lambda x: mpmath.bessely(1, x),
    "bessel_k0": lambda x: mpmath.besselk(0, x),
    "bessel_k1": lambda x: mpmath.besselk(1, x),
}


def points(dtype: type, count: int) -> np.ndarray:
    generator = np.random.default_rng(3)
    parts = [
        generator.uniform(-1, 1, count),
        generator.uniform(-30, 30, count),
        10 ** generator.uniform(-6, 2.5, count),
    ]
    return np.concatenate(parts).astype(dtype)


@pytest.mark.parametrize("name", FLOAT64)
def test_float_is_rounded_once(name: str) -> None:
    """All but erfinv, which is in float arithmetic."""
    x = points(np.float32, 1500)
    if name == "lgamma":
        x = np.append(x, np.array([1e-45, 1e-30, 3e38, 1e20], np.float32))
    with np.errstate(all="ignore"):
        wanted = FLOAT64[name](x.astype(np.float64))
    found = kernel(name, "float", 16)(x)
    errors = ulp_errors(found, wanted)
    worst = int(np.argmax(errors))
    assert errors[worst] <= (2.5 if name == "erfinv" else 0.51), (float(x[worst]), found[worst], wanted[worst])


@pytest.mark.parametrize("name", EXACT)
def test_double_against_mpmath(name: str) -> None:
    """Next to a zero of the function the error is one of what it is made of."""
    x = np.abs(points(np.float64, 40))
    found = kernel(name, "double", 8)(x)
    with mpmath.workprec(120):
        wanted = np.array([float(EXACT[name](mpmath.mpf(float(value)))) for value in x])
    np.testing.assert_allclose(found, wanted, rtol=4e-15, atol=2e-15)


@pytest.mark.parametrize("name", ["lgamma", "bessel_j1"])
def test_every_width_gives_the_same_bits(name: str) -> None:
    x = points(np.float64, 200)
    assert np.array_equal(kernel(name, "double", 8)(x), kernel(name, "double", 1)(x))
