"""Loading and storing elements as the format that sums are kept in: half formats widen to float32 and back."""

from __future__ import annotations

from curta.compiler import casts
from curta.compiler.code import Code, Value
from curta.compiler.lanes import part
from curta.compiler.matmul.spec import LLVM_TYPES
from curta.dtypes import DType, bfloat16, float16


def load_wide(code: Code, pointer: Value, dtype: DType, lanes: int, *, native_half: bool) -> Value:
    """`lanes` neighbouring elements of `dtype`, as float32 where they are float16 or bfloat16."""
    if dtype not in (float16, bfloat16):
        return code.load(pointer, LLVM_TYPES[dtype.name], lanes)
    return widen(code.load(pointer, "i16", lanes), dtype, native_half=native_half)


def widen(bits: Value, dtype: DType, *, native_half: bool) -> Value:
    """float32 from the bits of float16 or bfloat16 in i16."""
    if dtype is bfloat16:
        return (bits.convert("zext", "i32") << 16).bitcast("float")
    if native_half:
        return bits.bitcast("half").convert("fpext", "float")
    return _widen_half(bits.convert("zext", "i32"))


def narrow(value: Value, dtype: DType, *, native_half: bool, native_bfloat: bool = False) -> Value:
    """Sums as `dtype`, float32 rounded to the nearest, ties to even; the half formats as i16 bits.

    With `native_bfloat` by the processor's instruction, which takes subnormal numbers for zeros.
    """
    if dtype is bfloat16:
        return _round_pairs(value) if native_bfloat else _round_to_bfloat16(value)
    if dtype is not float16:
        return value
    if native_half:
        return value.convert("fptrunc", "half").bitcast("i16")
    return _round_to_half(value)


def _round_pairs(value: Value) -> Value:
    """bfloat16's bits in i16 by AVX512-BF16's instruction."""
    if value.lanes > 1:
        return casts.rounded(value)
    return part(value.code, casts.rounded(value.code.spread(value, casts.BFLOAT16_LANES)), 0, 1)


def _round_to_bfloat16(value: Value) -> Value:
    bits = value.bitcast("i32")
    odd = bits.logical_shift_right(16) & 1
    rounded = bits + odd + 0x7FFF
    # a NaN's payload may be all in the half that is dropped: set the quiet bit, keep the sign
    chosen = value.is_nan().select(bits | 0x400000, rounded)
    return chosen.logical_shift_right(16).convert("trunc", "i16")


def _widen_half(bits: Value) -> Value:
    """float32 from float16's bits in i32, by integer arithmetic: for processors that do not know the format."""
    magnitude = (bits & 0x7FFF) << 13
    # the product with 2**112 moves the exponent's bias, and is exact for subnormals too
    scaled = (magnitude.bitcast("float") * 2.0**112).bitcast("i32")
    special = magnitude.ge(0x7C00 << 13)
    return (special.select(magnitude | 0x7F800000, scaled) | ((bits & 0x8000) << 16)).bitcast("float")


def _round_to_half(value: Value) -> Value:
    """float16's bits in i16 from float32, rounded to nearest even, by integer arithmetic."""
    bits = value.bitcast("i32")
    sign = bits.logical_shift_right(16) & 0x8000
    magnitude = bits & 0x7FFFFFFF
    odd = magnitude.logical_shift_right(13) & 1
    normal = (magnitude - (112 << 23) + odd + 0xFFF).logical_shift_right(13)
    # adding 0.5 leaves a subnormal's bits, rounded by the adder itself, at the low end of the sum
    subnormal = (magnitude.bitcast("float") + 0.5).bitcast("i32") - 0x3F000000
    result = magnitude.lt(113 << 23).select(subnormal, normal)
    result = magnitude.ge(0x477FF000).select(0x7C00, result)
    result = magnitude.gt(0x7F800000).select(0x7E00, result)
    return (result | sign).convert("trunc", "i16")
