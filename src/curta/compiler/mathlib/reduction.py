"""Payne and Hanek's reduction of huge angles: multiply by just those bits of 2/pi that matter modulo 4."""

from __future__ import annotations

from collections.abc import Sequence

from curta.compiler.code import Code, Value
from curta.compiler.mathlib.arithmetic import fast_two_sum, fmul, two_product

#: floor(2/pi * 2**1280)
TWO_OVER_PI_BITS = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d",
    16,
)
TABLE_BITS = 1536
#: the product keeps this many bits: 2 of the quadrant, and a fraction good to 2**-137
WINDOW = 192
HALF_PI = (1.5707963267948966, 6.123233995736766e-17)


def reduce_huge_lanes(
    size: Value, limit: float, bits: Value, remainder: Sequence[Value]
) -> tuple[Value, tuple[Value, ...]]:
    """Replace the quadrant and the remainder (one or two parts) in lanes whose `size` is above `limit` and finite.

    One branch skips all of it where no lane is huge. The lanes are done one after another: the case is rare, and
    the code is long.
    """
    code = size.code
    huge = size.gt(limit) & size.lt(float("inf"))
    fast = [bits, *remainder]

    def slow() -> list[Value]:
        if size.lanes == 1:
            return _replace(size, huge, fast)
        with code.loop(0, size.lanes, carried=fast) as loop:
            lane = loop.index
            old = [_extract(value, lane) for value in loop.carried]
            new = _replace(_extract(size, lane), _extract(huge, lane), old)
            loop.carried_out = [_insert(into, v, lane) for into, v in zip(loop.carried, new, strict=True)]
        return loop.results

    joined = code.unless_any(huge, fast, slow)
    return joined[0], tuple(joined[1:])


def _extract(vector: Value, lane: Value) -> Value:
    return vector.code.emit(f"extractelement {vector.full_type} {vector.ref}, i64 {lane.ref}", vector.type)


def _insert(vector: Value, item: Value, lane: Value) -> Value:
    return vector.code.emit(
        f"insertelement {vector.full_type} {vector.ref}, {item.full_type} {item.ref}, i64 {lane.ref}",
        vector.type,
        vector.lanes,
    )


def _replace(size: Value, huge: Value, old: Sequence[Value]) -> list[Value]:
    """The quadrant's bits and the remainder's parts of one lane, new where it is huge."""
    bits, *parts = old
    wide = size.convert("fpext", "double") if size.type == "float" else size
    quadrant, high, low = _payne_hanek(wide)
    new = [quadrant.convert("trunc", "i32") if bits.type == "i32" else quadrant]
    new += [v.convert("fptrunc", "float") if size.type == "float" else v for v in (high, low)[: len(parts)]]
    return [huge.select(n, o) for n, o in zip(new, old, strict=True)]


def _declare_table(code: Code) -> str:
    """The name of a constant in memory with the bits of 2/pi, least significant first."""
    name = "@curta.two_over_pi"
    words = ", ".join(f"i64 {TWO_OVER_PI_BITS >> at & (1 << 64) - 1}" for at in range(0, TABLE_BITS, 64))
    code.declarations[name] = f"{name} = private unnamed_addr constant [{TABLE_BITS // 64} x i64] [{words}], align 8"
    return name


def _payne_hanek(size: Value) -> tuple[Value, Value, Value]:
    """The quadrant, and the remainder in two parts, of one double above 2**16."""
    code = size.code
    raw = size.bitcast("i64")
    exponent = raw.logical_shift_right(52) - 1075
    mantissa = (raw & ((1 << 52) - 1)) | (1 << 52)
    # size * 2/pi modulo 4 = (mantissa * window modulo 2**WINDOW) * 2**(2 - WINDOW)
    drop = code.constant(1282 - WINDOW, "i64") - exponent
    # lanes that are not huge are computed for nothing, but must not read beyond the table
    drop = drop.intrinsic("umin", TABLE_BITS - 256)
    table = Value(code, _declare_table(code), "ptr")
    window = code.load(code.offset(table, drop.logical_shift_right(3)), "i256")
    shift = (drop & 7).convert("zext", "i256")
    window = code.emit(f"lshr i256 {window.ref}, {shift.ref}", "i256").convert("trunc", f"i{WINDOW}")
    wide = f"i{WINDOW}"
    product = window * mantissa.convert("zext", wide)
    rounded = code.emit(f"add {wide} {product.ref}, {1 << (WINDOW - 3)}", wide)
    quadrant = code.emit(f"lshr {wide} {rounded.ref}, {WINDOW - 2}", wide).convert("trunc", "i64")
    fraction = code.emit(f"shl {wide} {product.ref}, 2", wide)
    negative = code.emit(f"icmp slt {wide} {fraction.ref}, 0", "i1")
    opposite = code.emit(f"sub {wide} 0, {fraction.ref}", wide)
    positive = negative.select(opposite, fraction)
    # near a multiple of pi/2 the fraction starts with up to some sixty zeros
    code.declarations[f"llvm.ctlz.{wide}"] = f"declare {wide} @llvm.ctlz.{wide}({wide}, i1)"
    zeros = code.emit(f"call {wide} @llvm.ctlz.{wide}({wide} {positive.ref}, i1 false)", wide)
    normal = code.emit(f"shl {wide} {positive.ref}, {zeros.ref}", wide)
    high_bits = code.emit(f"lshr {wide} {normal.ref}, {WINDOW - 53}", wide).convert("trunc", "i64")
    low_bits = code.emit(f"lshr {wide} {normal.ref}, {WINDOW - 106}", wide).convert("trunc", "i64") & ((1 << 53) - 1)
    high = fmul(high_bits.convert("sitofp", "double"), 2.0**-53)
    low = fmul(low_bits.convert("sitofp", "double"), 2.0**-106)
    angle, rest = two_product(high, HALF_PI[0])
    angle, rest = fast_two_sum(angle, low.fma(HALF_PI[0], high.fma(HALF_PI[1], rest)))
    power = ((code.constant(1023, "i64") - zeros.convert("trunc", "i64")) << 52).bitcast("double")
    factor = negative.select(-power, power)
    return quadrant, fmul(angle, factor), fmul(rest, factor)
