"""Quotients and rests of integers, against Python's, where a double's division is exact and beyond."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import curta

KINDS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return -quotient if (a < 0) != (b < 0) else quotient


OPERATIONS: dict[str, tuple[Callable[..., curta.Tensor], Callable[[int, int], int]]] = {
    "//": (lambda a, b: a // b, lambda a, b: a // b),
    "%": (lambda a, b: a % b, lambda a, b: a % b),
    "trunc": (lambda a, b: curta.div(a, b, rounding_mode="trunc"), _truncated),
    "fmod": (curta.fmod, lambda a, b: a - b * _truncated(a, b)),
    "gcd": (curta.gcd, math.gcd),
}


def _pairs(kind: str, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Dividends and divisors of up to so many bits, half of the dividends next to multiples, and the extremes."""
    limits, random = np.iinfo(kind), np.random.default_rng(bits)
    low, high = max(limits.min, -(1 << bits)), min(limits.max, 1 << bits)
    a, b = (random.integers(low, high, 997, dtype=kind, endpoint=True) for _ in range(2))
    b[::3] = random.integers(max(limits.min, -5), 5, len(b[::3]))
    b[b == 0] = 1
    factors, steps = random.integers(1, 7, len(b[::2])), random.integers(-1, 2, len(b[::2]))
    near = [int(x) * int(y) + int(z) for x, y, z in zip(b[::2], factors, steps, strict=True)]
    a[::2] = [min(max(one, limits.min), limits.max) for one in near]
    a[:3], b[:3] = (limits.min, limits.max, limits.min), (limits.max, limits.max, 1)
    return a, b


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_as_python(kind: str, name: str) -> None:
    found_by, wanted_by = OPERATIONS[name]
    limits = np.iinfo(kind)
    span = limits.max - limits.min + 1
    for bits in (3, 20, 31, 50, 51, 52, 63):
        a, b = _pairs(kind, bits)
        found = found_by(curta.from_numpy(a), curta.from_numpy(b)).tolist()
        wanted = [(wanted_by(int(x), int(y)) - limits.min) % span + limits.min for x, y in zip(a, b, strict=True)]
        assert found == wanted, (bits, next(place for place, one in enumerate(found) if one != wanted[place]))
