"""Conversions between number formats, in emitted code: nearest even, with every special value right."""

from __future__ import annotations

from functools import reduce
from operator import or_

from curta import dtypes
from curta.compiler.code import Value
from curta.compiler.lanes import joined, parts
from curta.dtypes import DType
from curta.runtime import cpu

#: how many floats AVX512-BF16's instruction rounds at once
BFLOAT16_LANES = 16
#: among the classes of floats that AVX-512 tells apart
SUBNORMAL = 0x20

LLVM_TYPE = {
    "bool": "i1",
    "uint8": "i8",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint16": "i16",
    "uint32": "i32",
    "uint64": "i64",
    "float32": "float",
    "float64": "double",
}


def llvm_type(dtype: DType) -> str:
    """LLVM's scalar type for arithmetic on `dtype`."""
    return LLVM_TYPE[dtypes.compute_dtype(dtype).name]


def memory_type(dtype: DType) -> str:
    """LLVM's scalar type for `dtype` as it lies in memory."""
    return {"bool": "i8", "float16": "half", "bfloat16": "i16"}.get(dtype.name) or LLVM_TYPE[dtype.name]


def from_memory(raw: Value, dtype: DType) -> Value:
    """A value just loaded as `memory_type(dtype)`, in the compute format."""
    if dtype is dtypes.bool_:
        return raw.ne(0)
    if dtype is dtypes.float16:
        return _widen_half(raw) if _lacks_half() else raw.convert("fpext", "float")
    if dtype is dtypes.bfloat16:
        return (raw.convert("zext", "i32") << 16).bitcast("float")
    return raw


def to_memory(value: Value, dtype: DType) -> Value:
    """A value of `dtype`'s compute format, rounded to what is stored."""
    if dtype is dtypes.bool_:
        return value.convert("zext", "i8")
    if dtype is dtypes.float16:
        return _narrow_to_half(value) if _lacks_half() else value.convert("fptrunc", "half")
    if dtype is dtypes.bfloat16:
        return _narrow_to_bfloat16(value)
    return value


def _lacks_half() -> bool:
    """Whether LLVM would make float16's conversions calls of functions that no process has."""
    return cpu.is_x86() and not cpu.has("f16c")


def _widen_half(raw: Value) -> Value:
    bits = raw.bitcast("i16").convert("zext", "i32")
    size = bits & 0x7FFF
    # moved into a float's place the exponent is 112 too small, for subnormal numbers too
    finite = ((size << 13).bitcast("float") * 2.0**112).bitcast("i32")
    wide = size.ge(0x7C00).select((size << 13) | 0x7F800000, finite)
    return (wide | ((bits & 0x8000) << 16)).bitcast("float")


def _narrow_to_half(value: Value) -> Value:
    bits = value.bitcast("i32")
    size = bits & 0x7FFFFFFF
    # the last bit of 0.5 as a float is worth float16's smallest number: the addition rounds
    subnormal = (size.bitcast("float") + 0.5).bitcast("i32") - 0x3F000000
    normal = (size - 0x38000000 + 0xFFF + (size.logical_shift_right(13) & 1)).logical_shift_right(13)
    beyond = value.is_nan().select(value.code.constant(0x7E00, "i32", value.lanes), 0x7C00)
    found = size.lt(0x38800000).select(subnormal, size.ge(0x47800000).select(beyond, normal))
    return (found | (bits.logical_shift_right(16) & 0x8000)).convert("trunc", "i16").bitcast("half")


def _narrow_to_bfloat16(value: Value) -> Value:
    """By the processor's instruction where it has one, but for vectors with a subnormal number: it takes that for 0."""

    def bits() -> Value:
        return bfloat16_bits(value).convert("trunc", "i16")

    if value.lanes % BFLOAT16_LANES or not cpu.has("avx512bf16"):
        return bits()
    code, lanes = value.code, BFLOAT16_LANES
    kind = code.constant(SUBNORMAL, "i32")
    pieces = parts(code, value, lanes)
    found = [code.call("llvm.x86.avx512.fpclass.ps.512", "i1", lanes, [piece, kind]) for piece in pieces]
    usual = joined(code, [rounded(piece) for piece in pieces])
    return code.unless_any(reduce(or_, found), [usual], lambda: [bits()])[0]


def rounded(value: Value) -> Value:
    """`BFLOAT16_LANES` floats, or half as many, rounded by AVX512-BF16's instruction, as i16: 0 where subnormal."""
    name = f"llvm.x86.avx512bf16.cvtneps2bf16.{32 * value.lanes}"
    return value.code.call(name, "bfloat", value.lanes, [value]).bitcast("i16")


def bfloat16_bits(value: Value) -> Value:
    """The bits of a float rounded to nearest even at bfloat16's precision, as i32 below 2^16."""
    bits = value.bitcast("i32")
    odd = bits.logical_shift_right(16) & 1
    rounded = (bits + 0x7FFF + odd).logical_shift_right(16)
    quiet = bits.logical_shift_right(16) | 0x40
    return value.is_nan().select(quiet, rounded)


def round_to(value: Value, dtype: DType) -> Value:
    """A float rounded to `dtype` and widened again."""
    return from_memory(to_memory(value, dtype), dtype)


def _narrow_double(value: Value) -> Value:
    """A double as a float, rounded to odd: rounding that once more to a half format is then exact."""
    near = value.convert("fptrunc", "float")
    back = near.convert("fpext", "double")
    bits = near.bitcast("i32")
    inexact = back.ne(value) & (bits & 1).eq(0) & ~value.is_nan() & ~near.intrinsic("fabs").eq(float("inf"))
    away = back.intrinsic("fabs").lt(value.intrinsic("fabs"))
    return inexact.select(bits + away.select(value.code.constant(1, "i32"), -1), bits).bitcast("float")


def convert(value: Value, source: DType, target: DType, half: bool = False) -> Value:
    """Between compute formats. Floats saturate at 64 bits, or 32 for what int32 holds, NaN is 0; then they wrap.

    `half` says that a half format comes next, so that double to half rounds once.
    """
    if source is target:
        return value
    kind = llvm_type(target)
    if target is dtypes.bool_:
        return value.ne(0)
    if source is dtypes.bool_:
        return value.convert("uitofp" if target.is_floating_point else "zext", kind)
    if source.is_floating_point:
        if target is dtypes.float64:
            return value.convert("fpext", kind)
        if target is dtypes.float32:
            return _narrow_double(value) if half else value.convert("fptrunc", kind)
        return _float_to_integer(value, target)
    if target.is_floating_point:
        if source.itemsize == 8 and target is dtypes.float64 and value.lanes > 1 and _lacks_long_conversions():
            return _long_to_double(value, source.is_signed)
        return value.convert("sitofp" if source.is_signed else "uitofp", kind)
    if target.itemsize == source.itemsize:
        return value
    if target.itemsize < source.itemsize:
        return value.convert("trunc", kind)
    return value.convert("sext" if source.is_signed else "zext", kind)


def _lacks_long_conversions() -> bool:
    """Whether LLVM would convert between vectors of int64 and of doubles lane by lane."""
    return cpu.is_x86() and not cpu.has("avx512dq")


def _long_to_double(value: Value, signed: bool) -> Value:
    """Both halves as the last bits of doubles 2^84 (and 2^63, which makes it positive) and 2^52, less these, added up.

    Only the last addition rounds.
    """
    high = value.logical_shift_right(32)
    high = (high ^ 0x4530000080000000) if signed else (high | 0x4530000000000000)
    low = (value & 0xFFFFFFFF) | 0x4330000000000000
    away = 2.0**84 + 2.0**52 + (2.0**63 if signed else 0.0)
    return (high.bitcast("double") - away) + low.bitcast("double")


def _double_to_long(value: Value) -> Value:
    """Both halves of a double, held in [-2^63, 2^63], each as the last bits of a sum with 2^52 (2^51 for the sign).

    Nothing rounds: the upper half has 32 bits, and what it leaves is a whole number below 2^32. 2^63 itself comes out
    as the least number, one above the greatest.
    """
    edge = 2.0**63
    number = value.is_nan().select(0.0, value)
    number = number.lt(-edge).select(-edge, number)
    above = number.ge(edge)
    whole = number.lt(edge).select(number, edge).intrinsic("trunc")
    upper = (whole * 2.0**-32).intrinsic("floor")
    lower = whole - upper * 2.0**32
    high = (upper + (2.0**52 + 2.0**51)).bitcast("i64") << 32
    return (high | ((lower + 2.0**52).bitcast("i64") & 0xFFFFFFFF)) + above.convert("sext", "i64")


def _float_to_integer(value: Value, target: DType) -> Value:
    # negative numbers wrap around in unsigned formats, so what is converted to is signed and one size larger
    wide = "i64" if target.itemsize + (not target.is_signed) > 4 else "i32"
    whole = _saturated(value, wide)
    if target is dtypes.uint64:
        suffix = f"v{value.lanes}" if value.lanes > 1 else ""
        source = {"float": "f32", "double": "f64"}[value.type]
        above = value.code.call(f"llvm.fptoui.sat.{suffix}{wide}.{suffix}{source}", wide, value.lanes, [value])
        return value.ge(2.0**63).select(above, whole)
    return whole if wide == llvm_type(target) else whole.convert("trunc", llvm_type(target))


def _saturated(value: Value, wide: str) -> Value:
    """A float as a signed integer, the nearest there is: LLVM's own saturation goes lane by lane."""
    if wide == "i64" and value.lanes > 1 and _lacks_long_conversions():
        return _double_to_long(value if value.type == "double" else value.convert("fpext", "double"))
    bits = 64 if wide == "i64" else 32
    edge = 2.0 ** (bits - 1)
    fits = value.ge(-edge) & value.lt(edge)
    whole = fits.select(value, 0.0).convert("fptosi", wide)
    most = value.code.constant((1 << (bits - 1)) - 1, wide, value.lanes)
    outside = value.lt(-edge).select(value.code.constant(-(1 << (bits - 1)), wide, value.lanes), 0)
    return fits.select(whole, value.ge(edge).select(most, outside))
