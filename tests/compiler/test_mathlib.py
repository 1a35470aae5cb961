"""The mathematical functions against float64 and mpmath, at special values, and alike on every target and width."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy import special

sys.path.insert(0, str(Path(__file__).parent))
from mathlib_harness import every_exponent, kernel, ulp_errors

#: largest errors allowed in ulp, float and double: what the docstrings state, rounded up
BOUNDS = {
    "exp": (0.9, 0.9),
    "exp2": (0.85, 0.85),
    "expm1": (1.2, 1.2),
    "log": (0.9, 0.85),
    "log2": (1.0, 1.0),
    "log10": (1.1, 1.0),
    "log1p": (1.6, 1.5),
    "sin": (1.65, 0.85),
    "cos": (1.65, 0.85),
    "tan": (0.6, 2.1),
    "sinh": (1.7, 1.7),
    "cosh": (1.4, 1.4),
    "tanh": (2.5, 2.5),
    "asin": (2.0, 2.0),
    "acos": (1.3, 1.3),
    "atan": (1.3, 1.3),
    "atan2": (1.6, 1.6),
    "erf": (1.65, 1.65),
    "erfc": (3.6, 2.3),
    "sigmoid": (2.3, 2.3),
    "pow": (0.65, 0.9),
}


def _sigmoid64(x: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


FLOAT64: dict[str, Callable[..., np.ndarray]] = {
    "sigmoid": _sigmoid64,
    "erf": special.erf,
    "erfc": special.erfc,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "pow": np.power,
}


def _oracle64(name: str, *operands: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return (FLOAT64.get(name) or getattr(np, name))(*[x.astype(np.float64) for x in operands])


def _operands(name: str, dtype: type, count: int) -> list[np.ndarray]:
    x = every_exponent(dtype, count)
    return [x, np.roll(x[::-1], 12345)] if name in ("pow", "atan2") else [x]


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(("target", "count"), [("host", 60_000), ("avx2", 10_000), ("sse2", 4_000)])
def test_float_against_float64(name: str, target: str, count: int) -> None:
    operands = _operands(name, np.float32, count)
    errors = ulp_errors(kernel(name, "float", 16, target)(*operands), _oracle64(name, *operands))
    worst = int(np.argmax(errors))
    # without fma a few polynomials round once more
    allowed = BOUNDS[name][0] + (0.3 if target == "sse2" else 0.0)
    assert errors[worst] <= allowed, [float(x[worst]) for x in operands]


def _mpmath_of(name: str, *operands: float) -> mpmath.mpf:
    """The exact result at finite operands; where it is beyond double, a bound that rounds the same."""
    values = [mpmath.mpf(float(x)) for x in operands]
    x = values[0]
    if name in ("exp", "exp2", "expm1", "sinh", "cosh", "sigmoid", "erf", "erfc", "tanh"):
        x = max(min(x, mpmath.mpf(1200)), mpmath.mpf(-1200))
    if name == "sigmoid":
        return mpmath.exp(x) / (1 + mpmath.exp(x))
    if name in ("exp2", "pow"):
        return mpmath.power(2, x) if name == "exp2" else mpmath.power(x, values[1])
    if name in ("log2", "log10"):
        return mpmath.log(x, int(name[3:]))
    return getattr(mpmath, name)(x, *values[1:])


def _domain(name: str, x: np.ndarray) -> np.ndarray:
    if name in ("log", "log2", "log10", "pow"):
        return np.abs(x)
    if name == "log1p":
        return x[x > -1]
    return x[np.abs(x) <= 1] if name in ("asin", "acos") else x


@pytest.mark.parametrize("name", BOUNDS)
def test_double_against_mpmath(name: str) -> None:
    x = every_exponent(np.float64, 250)
    # mpmath knows no -0; the zeros are in the tables below
    x = _domain(name, x[np.isfinite(x) & (x != 0)])
    operands = [x]
    if name == "atan2":
        operands.append(np.roll(x, 77))
    if name == "pow":
        # exponents that keep the result in range, and just beyond
        generator = np.random.default_rng(5)
        with np.errstate(all="ignore"):
            operands.append(np.clip(generator.uniform(-1080, 1080, x.size) / np.log2(x), -1e300, 1e300))
    with mpmath.workprec(1300 if name in ("sin", "cos", "tan") else 200):
        oracle = [_mpmath_of(name, *point) for point in zip(*operands, strict=True)]
        errors = ulp_errors(kernel(name, "double", 8)(*operands), oracle)
    worst = int(np.argmax(errors))
    assert errors[worst] <= BOUNDS[name][1], [float(v[worst]) for v in operands]


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(("scalar", "widths"), [("float", (1, 16, 64)), ("double", (1, 8, 16))])
def test_every_width_gives_the_same_bits(name: str, scalar: str, widths: tuple[int, ...]) -> None:
    dtype, integer = (np.float32, np.uint32) if scalar == "float" else (np.float64, np.uint64)
    operands = _operands(name, dtype, 3_000)
    first, *others = [kernel(name, scalar, lanes)(*operands) for lanes in widths]
    number = ~np.isnan(first)
    for other in others:
        assert np.array_equal(np.isnan(other), ~number)
        assert np.array_equal(other.view(integer)[number], first.view(integer)[number])


INF, NAN = math.inf, math.nan
SPECIAL = [
    ("exp", [-INF, -0.0, 0.0, INF, NAN], [0.0, 1.0, 1.0, INF, NAN]),
    ("exp2", [-INF, -1.0, 0.0, 10.0, INF, NAN], [0.0, 0.5, 1.0, 1024.0, INF, NAN]),
    ("expm1", [-INF, -0.0, 0.0, INF, NAN], [-1.0, -0.0, 0.0, INF, NAN]),
    ("log", [-1.0, -0.0, 0.0, 1.0, INF, NAN, -INF], [NAN, -INF, -INF, 0.0, INF, NAN, NAN]),
    ("log2", [-1.0, 0.0, 0.125, 1.0, 8.0, INF], [NAN, -INF, -3.0, 0.0, 3.0, INF]),
    ("log10", [-1.0, 0.0, 1.0, 10.0, INF], [NAN, -INF, 0.0, 1.0, INF]),
    ("log1p", [-2.0, -1.0, -0.0, 0.0, INF, NAN], [NAN, -INF, -0.0, 0.0, INF, NAN]),
    ("sin", [-0.0, 0.0, INF, -INF, NAN], [-0.0, 0.0, NAN, NAN, NAN]),
    ("cos", [-0.0, 0.0, INF, -INF, NAN], [1.0, 1.0, NAN, NAN, NAN]),
    ("tan", [-0.0, 0.0, INF, -INF, NAN], [-0.0, 0.0, NAN, NAN, NAN]),
    ("sinh", [-INF, -0.0, 0.0, INF, NAN], [-INF, -0.0, 0.0, INF, NAN]),
    ("cosh", [-INF, -0.0, 0.0, INF, NAN], [INF, 1.0, 1.0, INF, NAN]),
    ("tanh", [-INF, -0.0, 0.0, INF, NAN], [-1.0, -0.0, 0.0, 1.0, NAN]),
    ("asin", [-0.0, 0.0, 1.5, -1.5, NAN], [-0.0, 0.0, NAN, NAN, NAN]),
    ("acos", [1.0, 1.5, -1.5, NAN], [0.0, NAN, NAN, NAN]),
    ("atan", [-0.0, 0.0, NAN], [-0.0, 0.0, NAN]),
    ("erf", [-INF, -0.0, 0.0, INF, NAN], [-1.0, -0.0, 0.0, 1.0, NAN]),
    ("erfc", [-INF, -0.0, 0.0, INF, NAN], [2.0, 1.0, 1.0, 0.0, NAN]),
    ("sigmoid", [-INF, -0.0, 0.0, INF, NAN], [0.0, 0.5, 0.5, 1.0, NAN]),
]


@pytest.mark.parametrize(("name", "points", "expected"), SPECIAL)
@pytest.mark.parametrize("scalar", ["float", "double"])
def test_special_values(name: str, points: list[float], expected: list[float], scalar: str) -> None:
    dtype = np.float32 if scalar == "float" else np.float64
    result = kernel(name, scalar, 16 if scalar == "float" else 8)(np.array(points, dtype))
    np.testing.assert_array_equal(result, np.array(expected, dtype))
    number = ~np.isnan(result)
    assert np.array_equal(np.signbit(result)[number], np.signbit(np.array(expected))[number])


def _c99_pow(x: float, y: float) -> float:
    """pow by the C library, whose range errors Python turns into exceptions."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INF if x < 0 and y % 2 == 1 else INF
    except ValueError:
        if x == 0:  # a pole: the sign is that of a zero with an odd exponent
            return math.copysign(INF, x) if y % 2 == 1 else INF
        return NAN


PAIR_VALUES = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8388607.0, 16777215.0, 16777216.0, 1e30, 1e-30, INF, NAN]


@pytest.mark.parametrize("scalar", ["float", "double"])
@pytest.mark.parametrize(("name", "oracle"), [("pow", _c99_pow), ("atan2", math.atan2)])
def test_every_pair_of_special_values(scalar: str, name: str, oracle: Callable[[float, float], float]) -> None:
    dtype = np.float32 if scalar == "float" else np.float64
    signed = PAIR_VALUES + [-value for value in PAIR_VALUES]
    pairs = np.array(list(itertools.product(signed, signed)), dtype)
    result = kernel(name, scalar, 16 if scalar == "float" else 8)(pairs[:, 0].copy(), pairs[:, 1].copy())
    expected = np.array([oracle(float(a), float(b)) for a, b in pairs])
    # the C library is itself good to an ulp or less
    errors = ulp_errors(result, expected)
    worst = int(np.argmax(errors))
    assert errors[worst] <= 2.0, (pairs[worst], result[worst], expected[worst])


def test_hardest_angle() -> None:
    """The double nearest to a multiple of pi/2 of all: its cosine is -4.68716592425462761112e-19."""
    angle = np.array([6381956970095103.0 * 2.0**797])
    assert kernel("cos", "double", 8)(angle)[0] == -4.687165924254628e-19
    assert kernel("sin", "double", 8)(angle)[0] == 1.0


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("scalar", ["float", "double"])
def test_no_calls_where_there_is_fma(name: str, scalar: str) -> None:
    """On an AVX2 machine nothing is left that calls into a library."""
    assembly = kernel(name, scalar, 16 if scalar == "float" else 8, "avx2").assembly
    assert "call" not in assembly.replace("calls", "")
