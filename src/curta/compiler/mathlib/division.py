"""The exact rest of a division, and quotients of integers."""

from __future__ import annotations

from curta.compiler.code import Value
from curta.compiler.mathlib.arithmetic import constant, format_of


def exact_rest(dividend: Value, divisor: Value) -> Value:
    """The rest of the division that rounds towards zero, exactly, with the sign of the dividend.

    A whole quotient below 2**mantissa is off by one at most, and then dividend - quotient * divisor is a number of the
    format: one fma gives it, one addition makes up for the one. Lanes with larger quotients (or NaN, or infinities) are
    rare: one branch skips LLVM's `frem`, a call for each lane.
    """
    form = format_of(dividend)
    x, y = dividend.intrinsic("fabs"), divisor.intrinsic("fabs")
    plain = x / y
    quotient = plain.intrinsic("trunc")
    rest = (constant(x, 0.0) - quotient).fma(y, x)
    rest = rest.lt(0.0).select(rest + y, rest)
    rest = rest.ge(y).select(rest - y, rest)
    fast = x.lt(y).select(x, rest)  # also where the divisor is infinite
    large = ~plain.lt(2.0 ** (form.mantissa_bits - 1))
    return _where_large(large, fast.intrinsic("copysign", dividend), dividend, divisor)


def _where_large(large: Value, fast: Value, dividend: Value, divisor: Value) -> Value:
    """`fast`, but LLVM's own in the lanes that are `large`."""
    code = dividend.code

    def whole() -> list[Value]:
        rest = code.emit(f"frem {dividend.full_type} {dividend.ref}, {divisor.ref}", dividend.type, dividend.lanes)
        return [large.select(rest, fast)]

    return code.unless_any(large, [fast], whole)[0]


#: integers from -2**51 on below 2**51 are the fraction of a double once the bits of 1.5 * 2**52 are added to them
_INSIDE, _ROUNDER, _ROUNDER_BITS = 1 << 51, 1.5 * 2.0**52, 0x4338000000000000


def whole_quotient(dividend: Value, divisor: Value, *, signed: bool, down: bool) -> Value:
    """The quotient of integers, rounded down or towards zero; the divisor is not 0, and no quotient beyond the format.

    Vectors have no division of integers, and one lane after the other takes long. A float's division does for those of
    up to 16 bits, a double's for those of 32, and for those of 64 where all are below 2**51: a quotient that is not
    whole is farther from a whole number than rounding reaches. One branch takes LLVM's own where one is not.
    """
    dividend, divisor = dividend.code.unify(dividend, divisor)
    known = not divisor.ref.startswith("%")  # LLVM multiplies in place of a division by a number
    if dividend.lanes == 1 or known:
        return _one_by_one(dividend, divisor, signed, down)
    rounding = "floor" if down else "trunc"
    if dividend.type != "i64":
        wide = "double" if dividend.type == "i32" else "float"
        first, second = (one.convert("sitofp" if signed else "uitofp", wide) for one in (dividend, divisor))
        return (first / second).intrinsic(rounding).convert("fptosi" if signed else "fptoui", dividend.type)
    offset, bound = (_INSIDE, 2 * _INSIDE) if signed else (0, _INSIDE)
    large = (dividend + offset).ge(bound, signed=False) | (divisor + offset).ge(bound, signed=False)
    first, second = ((one + _ROUNDER_BITS).bitcast("double") - _ROUNDER for one in (dividend, divisor))
    found = ((first / second).intrinsic(rounding) + _ROUNDER).bitcast("i64") - _ROUNDER_BITS
    return dividend.code.unless_any(large, [found], lambda: [_one_by_one(dividend, divisor, signed, down)])[0]


def _one_by_one(dividend: Value, divisor: Value, signed: bool, down: bool) -> Value:
    if not signed:
        return dividend.unsigned_divide(divisor)
    quotient = dividend.signed_divide(divisor)
    if not down:
        return quotient
    below = (dividend - quotient * divisor).ne(0) & (dividend.lt(0) ^ divisor.lt(0))
    return below.select(quotient - 1, quotient)
