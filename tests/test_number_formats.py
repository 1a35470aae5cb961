"""Number formats against the limits PyTorch 2.13 states, `struct`'s own bits, and numbers worked out by hand."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curta import dtypes
from curta.dtypes import DType
from curta.errors import ArgumentTypeError
from curta.number_formats import bits, finfo, iinfo, table

# dtype: bits, eps, max, smallest_normal, resolution, repr, as torch.finfo gives them
FLOATS: dict[DType, tuple[int, float, float, float, float, str]] = {
    dtypes.float16: (
        16, 0.0009765625, 65504.0, 6.103515625e-05, 0.001,
        "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, smallest_normal=6.10352e-05, "
        "tiny=6.10352e-05, dtype=float16)",
    ),
    dtypes.bfloat16: (
        16, 0.0078125, 3.3895313892515355e38, 1.1754943508222875e-38, 0.01,
        "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, smallest_normal=1.17549e-38, "
        "tiny=1.17549e-38, dtype=bfloat16)",
    ),
    dtypes.float32: (
        32, 1.1920928955078125e-07, 3.4028234663852886e38, 1.1754943508222875e-38, 1e-06,
        "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, smallest_normal=1.17549e-38, "
        "tiny=1.17549e-38, dtype=float32)",
    ),
    dtypes.float64: (
        64, 2.220446049250313e-16, 1.7976931348623157e308, 2.2250738585072014e-308, 1e-15,
        "finfo(resolution=1e-15, min=-1.79769e+308, max=1.79769e+308, eps=2.22045e-16, "
        "smallest_normal=2.22507e-308, tiny=2.22507e-308, dtype=float64)",
    ),
}  # fmt: skip
INTEGERS = {
    dtypes.uint8: (8, 0, 255),
    dtypes.int8: (8, -128, 127),
    dtypes.int16: (16, -32768, 32767),
    dtypes.int32: (32, -2147483648, 2147483647),
    dtypes.int64: (64, -9223372036854775808, 9223372036854775807),
}


@pytest.mark.parametrize("dtype", FLOATS)
def test_finfo_is_pytorchs(dtype: DType) -> None:
    size, eps, largest, smallest, resolution, text = FLOATS[dtype]
    limits = finfo(dtype)
    assert (limits.bits, limits.eps, limits.max, limits.min) == (size, eps, largest, -largest)
    assert (limits.tiny, limits.smallest_normal) == (smallest, smallest)
    assert limits.resolution == resolution
    assert limits.dtype == dtype.name
    assert repr(limits) == text


@pytest.mark.parametrize("dtype", INTEGERS)
def test_iinfo_is_pytorchs(dtype: DType) -> None:
    limits = iinfo(dtype)
    assert (limits.bits, limits.min, limits.max) == INTEGERS[dtype]
    assert limits.dtype == dtype.name
    assert repr(limits) == f"iinfo(min={limits.min}, max={limits.max}, dtype={dtype.name})"


def test_limits_compare_by_format() -> None:
    assert finfo() == finfo(dtypes.float32) != finfo(dtypes.float64)
    assert len({iinfo(dtypes.int8), iinfo(dtypes.int8), iinfo(dtypes.uint8)}) == 2


def test_limits_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="requires a floating point input type"):
        finfo(dtypes.int32)
    with pytest.raises(ArgumentTypeError, match=r"Use curta.finfo"):
        iinfo(dtypes.float32)
    with pytest.raises(ArgumentTypeError, match="requires an integer input type"):
        iinfo(dtypes.bool_)
    with pytest.raises(ArgumentTypeError, match="must be a curta dtype, not int"):
        finfo(3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="needs a floating-point dtype"):
        bits(1, dtypes.int8)
    with pytest.raises(ArgumentTypeError, match="needs a number, got str"):
        bits("pi")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "dtype", "pattern"),
    [
        (1.0, dtypes.float32, 0x3F800000),
        (math.pi, dtypes.float32, 0x40490FDB),
        (-2.0, dtypes.float16, 0xC000),
        (65504.0, dtypes.float16, 0x7BFF),
        (65520.0, dtypes.float16, 0x7C00),  # halfway to 65536: to even, which is infinity
        (2.0**-24, dtypes.float16, 0x0001),
        (1.0, dtypes.bfloat16, 0x3F80),
        (1.00390625, dtypes.bfloat16, 0x3F80),  # halfway between 1 and 1 + 2^-7: to even
        (1.01171875, dtypes.bfloat16, 0x3F82),  # halfway above an odd mantissa: to even, upwards
        (-0.0, dtypes.float64, 0x8000000000000000),
        (math.inf, dtypes.bfloat16, 0x7F80),
        (10**400, dtypes.float64, 0x7FF0000000000000),
        (-(10**400), dtypes.float32, 0xFF800000),
    ],
)
def test_patterns_worked_out_by_hand(number: float, dtype: DType, pattern: int) -> None:
    assert bits(number, dtype).pattern == pattern


@given(st.floats(width=64))
def test_float64_bits_are_structs(number: float) -> None:
    if not math.isnan(number):
        shown = bits(number, dtypes.float64)
        assert shown.pattern == struct.unpack("<Q", struct.pack("<d", number))[0]
        assert shown.value == number


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(list(FLOATS)))
def test_the_fields_make_up_the_value(number: float, dtype: DType) -> None:
    shown = bits(number, dtype)
    if shown.kind in ("normal", "subnormal", "zero"):
        sign = -1 if shown.sign == "1" else 1
        assert sign * shown.fraction * 2.0**shown.power == shown.value
    else:
        assert abs(number) > finfo(dtype).max


def test_lines_for_a_person() -> None:
    assert repr(bits(1e-7, dtypes.float16)) == (
        "float16: sign 0 exponent 00000 mantissa 0000000010 = 1.1920929e-07 (+ 2^-14 x 0.001953125, subnormal)"
    )
    assert repr(bits(-1e6, dtypes.float16)).endswith("= -inf (-infinity)")
    assert repr(bits(math.nan, dtypes.float16)).endswith("= nan (nan)")
    assert repr(bits(-0.0, dtypes.float16)).endswith("= -0.0 (-zero)")


def test_the_table_has_a_line_for_each_format() -> None:
    heading, *lines = table(70000).splitlines()
    assert heading.split() == ["format", "sign", "exponent", "mantissa", "value", "error", "meaning"]
    assert [line.split()[0] for line in lines] == ["float64", "float32", "float16", "bfloat16"]
    assert lines[2].split()[4:6] == ["inf", "overflow"]
    # 70144 - 70000 = 144, and 144 / 70000 = 0.00206
    assert lines[3].split()[4:6] == ["70144.0", "2.1e-03"]
    assert table(0.5).count("exact") == 4
