"""Conversions: every bit pattern of the half formats, ties, subnormal numbers, overflow, NaN; oracles are exact."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from engine_harness import numbers, run, variants

from curta import dtypes
from curta.dtypes import DType
from curta.ops.elementwise import CAST

INTEGERS = [d for d in dtypes.ALL if d.category == 1]
FLOATS = [d for d in dtypes.ALL if d.is_floating_point]
HALVES = [dtypes.float16, dtypes.bfloat16]
PATTERNS = np.arange(65536, dtype=np.uint16)


def bits(values: np.ndarray) -> np.ndarray:
    return values.view(f"u{values.itemsize}")


def half_value(pattern: int, dtype: DType) -> float:
    """The number that a bit pattern stands for, worked out from its fields."""
    mantissa_bits, exponent_bits = (10, 5) if dtype is dtypes.float16 else (7, 8)
    sign = -1.0 if pattern >> 15 else 1.0
    exponent = pattern >> mantissa_bits & (1 << exponent_bits) - 1
    mantissa = pattern & (1 << mantissa_bits) - 1
    bias = (1 << exponent_bits - 1) - 1
    if exponent == (1 << exponent_bits) - 1:
        return sign * float("inf") if mantissa == 0 else float("nan")
    if exponent == 0:
        return sign * float(Fraction(mantissa) * Fraction(2) ** (1 - bias - mantissa_bits))
    return sign * float(Fraction((1 << mantissa_bits) + mantissa) * Fraction(2) ** (exponent - bias - mantissa_bits))


@pytest.mark.parametrize("target", [dtypes.float32, dtypes.float64], ids=str)
@pytest.mark.parametrize("source", HALVES, ids=str)
def test_every_half_pattern_widens_exactly(source: DType, target: DType) -> None:
    given = PATTERNS.view(source.numpy)
    wanted = np.array([half_value(int(p), source) for p in PATTERNS])
    with np.errstate(invalid="ignore"):  # signalling NaNs
        found = run(CAST, given, dtype=target).astype(np.float64)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("between", [dtypes.float32, dtypes.float64], ids=str)
@pytest.mark.parametrize("half", HALVES, ids=str)
def test_every_half_pattern_survives_there_and_back(half: DType, between: DType) -> None:
    given = PATTERNS.view(half.numpy)
    back = run(CAST, run(CAST, given, dtype=between), dtype=half)
    number = ~np.isnan(given.astype(np.float32))
    np.testing.assert_array_equal(bits(back)[number], PATTERNS[number])
    assert np.isnan(back.astype(np.float32))[~number].all()


def nearest_half(value: float, dtype: DType) -> int:
    """The pattern nearest to a positive finite number, ties to the even pattern, from exact fractions."""
    low, high = 0, 0x7C00 if dtype is dtypes.float16 else 0x7F80  # finite patterns are in the order of their numbers
    beyond = Fraction(2) ** (16 if dtype is dtypes.float16 else 128)
    at = lambda p: beyond if p == high else Fraction(half_value(p, dtype))  # noqa: E731
    top, exact = high, Fraction(value)
    if exact >= beyond:
        return top
    left, right = low, top
    while right - left > 1:
        middle = (left + right) // 2
        left, right = (middle, right) if at(middle) <= exact else (left, middle)
    below, above = exact - at(left), at(right) - exact
    if below == above:
        return left if left % 2 == 0 else right
    return left if below < above else right


@pytest.mark.parametrize("source", [dtypes.float32, dtypes.float64], ids=str)
@pytest.mark.parametrize("target", HALVES, ids=str)
def test_rounds_once_to_nearest_even(source: DType, target: DType) -> None:
    rng = np.random.default_rng(1)
    grid = PATTERNS[: 0x7C00 if target is dtypes.float16 else 0x7F00 : 37].view(target.numpy).astype(np.float64)
    after = PATTERNS[1 : 0x7C01 if target is dtypes.float16 else 0x7F01 : 37].view(target.numpy).astype(np.float64)
    after = np.where(np.isfinite(after), after, grid)
    ties = (grid + after) / 2
    near = np.concatenate([np.nextafter(ties, 0), ties, np.nextafter(ties, 1e300), ties * (1 + 2.0**-30)])
    spread = np.exp(rng.uniform(-25, 14, 1000)) if target is dtypes.float16 else np.exp(rng.uniform(-95, 88, 1000))
    edge = [65503.0, 65519.99, 65519.9999999999, 65520.0, 65536.0, 1e5, 2.0**-25, 2.0**-24 * 1.5, 2.0**-26, 3.4e38]
    given = np.concatenate([near, spread, edge]).astype(source.numpy)
    given = given[np.isfinite(given)]
    wanted = np.array([nearest_half(float(v), target) for v in given], np.uint16)
    np.testing.assert_array_equal(bits(run(CAST, given, dtype=target)), wanted)
    np.testing.assert_array_equal(bits(run(CAST, -given, dtype=target)), wanted | 0x8000)


def test_double_to_half_does_not_round_twice() -> None:
    # just above the tie between 1 and the next half: to float it would land on the tie, and then on 1
    given = np.array([1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-11, 1 + 2.0**-11 - 2.0**-40])
    assert bits(run(CAST, given, dtype=dtypes.float16)).tolist() == [0x3C01, 0x3C00, 0x3C00]
    given = np.array([1 + 2.0**-8 + 2.0**-40, 1 + 2.0**-8, 1 + 2.0**-8 - 2.0**-40])
    assert bits(run(CAST, given, dtype=dtypes.bfloat16)).tolist() == [0x3F81, 0x3F80, 0x3F80]


@pytest.mark.parametrize("source", FLOATS, ids=str)
@pytest.mark.parametrize("target", FLOATS, ids=str)
def test_nan_infinity_and_zero_keep_what_they_are(source: DType, target: DType) -> None:
    given = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0] * 9).astype(source.numpy)
    found = run(CAST, given, dtype=target).astype(np.float64)
    np.testing.assert_array_equal(found, given.astype(np.float64))
    np.testing.assert_array_equal(np.signbit(found)[4::6], np.zeros(9))
    np.testing.assert_array_equal(np.signbit(found)[5::6], np.ones(9))


def test_nan_payload_whose_upper_bits_are_zero_stays_nan() -> None:
    given = np.array([0x7F800001, 0xFF800001, 0x7F80FFFF, 0x7FFFFFFF], np.uint32).view(np.float32)
    for target in HALVES:
        assert np.isnan(run(CAST, given, dtype=target).astype(np.float32)).all()


def test_double_narrows_to_float_as_ieee_says() -> None:
    given = np.array([1 + 2.0**-24, 1 + 3 * 2.0**-24, 1e39, -1e39, 2.0**-149, 2.0**-150, 2.0**-150 * 1.01, 1e-60])
    wanted = np.array([1, 1 + 2.0**-22, np.inf, -np.inf, 2.0**-149, 0, 2.0**-149, 0], np.float32)
    np.testing.assert_array_equal(run(CAST, given, dtype=dtypes.float32), wanted)


@pytest.mark.parametrize("target", INTEGERS, ids=str)
@pytest.mark.parametrize("source", INTEGERS, ids=str)
def test_integers_wrap(source: DType, target: DType) -> None:
    given = numbers(source, (777,))
    width = 8 * target.itemsize
    wanted = [int(v) % (1 << width) for v in given]
    if target.is_signed:
        wanted = [v - (1 << width) if v >> width - 1 else v for v in wanted]
    assert run(CAST, given, dtype=target).tolist() == wanted


@pytest.mark.parametrize("target", INTEGERS, ids=str)
@pytest.mark.parametrize("source", FLOATS, ids=str)
def test_floats_truncate_saturate_at_the_working_width_and_wrap_below(source: DType, target: DType) -> None:
    plain = np.array([0.0, -0.0, 0.5, -0.99, 1.5, -1.5, 100.25, -100.75, 255, 256, 300, -1, 65504, -40000])
    huge = np.array([3e9, -3e9, 1e20, -1e20, np.inf, -np.inf, np.nan])
    magnitudes = np.ldexp(np.random.default_rng(0).uniform(1, 2, (70, 7)), np.arange(-2, 68)[:, None]).ravel()
    edges = [2.0**k - step for k in (31, 32, 52, 53, 63, 64) for step in (0.0, 0.5, 1.0, 1025.0)]
    with np.errstate(over="ignore"):
        given = np.concatenate([plain, huge, magnitudes, -magnitudes, edges, np.negative(edges)]).astype(source.numpy)
    working = 64 if target.itemsize == 8 or target is dtypes.uint32 else 32
    width = 8 * target.itemsize
    wanted = []
    for value in given.astype(np.float64):
        whole = 0 if np.isnan(value) else value
        low, high = -(1 << working - 1), (1 << working - (target is not dtypes.uint64)) - 1
        whole = low if whole <= low else high if whole >= high else int(whole)
        whole %= 1 << width
        wanted.append(whole - (1 << width) if target.is_signed and whole >> width - 1 else whole)
    assert run(CAST, given, dtype=target).tolist() == wanted


@pytest.mark.parametrize("target", [dtypes.float32, dtypes.float64], ids=str)
@pytest.mark.parametrize("source", INTEGERS, ids=str)
def test_integers_become_the_nearest_float(source: DType, target: DType) -> None:
    given = numbers(source, (500,))
    # NumPy converts integers to these formats with the processor's own rounding, nearest even
    np.testing.assert_array_equal(run(CAST, given, dtype=target), given.astype(target.numpy))


@pytest.mark.parametrize("target", HALVES, ids=str)
@pytest.mark.parametrize("source", INTEGERS, ids=str)
def test_integers_become_the_nearest_half(source: DType, target: DType) -> None:
    given = (
        numbers(source, (500,))
        if source.itemsize < 4
        else np.arange(-40000 * source.is_signed, 40000, 77, dtype=source.numpy)
    )
    wanted = [nearest_half(abs(int(v)), target) | (0x8000 if v < 0 else 0) for v in given]
    assert bits(run(CAST, given, dtype=target)).tolist() == wanted


@pytest.mark.parametrize("other", dtypes.ALL, ids=str)
def test_truth(other: DType) -> None:
    given = np.array([0, 1, 2, 0, 5] * 30).astype(other.numpy)
    assert run(CAST, given, dtype=dtypes.bool_).tolist() == [v != 0 for v in given.tolist()]
    truth = np.array([True, False, True] * 31)
    assert run(CAST, truth, dtype=other).astype(np.float64).tolist() == [1.0, 0.0, 1.0] * 31
    if other.is_floating_point:
        odd = np.array([np.nan, 1e-7, -0.0], np.float32).astype(other.numpy)
        assert run(CAST, odd, dtype=dtypes.bool_).tolist() == [True, True, False]


@pytest.mark.parametrize("source", dtypes.ALL, ids=str)
def test_layouts_do_not_matter(source: DType) -> None:
    given = np.abs(numbers(source, (7, 19)).astype(np.float64)).clip(0, 100).astype(source.numpy)
    for target in dtypes.ALL:
        wanted = given.astype(np.float64).astype(np.int64 if target.category == 1 else np.float64)
        wanted = wanted.astype(target.numpy).astype(np.float64)
        for laid in variants(given):
            found = run(CAST, laid, dtype=target).astype(np.float64)
            np.testing.assert_array_equal(found, wanted, err_msg=f"{target} {laid.strides}")


def test_oracle_agrees_with_ml_dtypes() -> None:
    values = np.random.default_rng(5).standard_normal(200).astype(np.float32)
    wanted = [nearest_half(abs(float(v)), dtypes.bfloat16) for v in values]
    assert (bits(np.abs(values).astype(ml_dtypes.bfloat16)) == np.array(wanted)).all()
