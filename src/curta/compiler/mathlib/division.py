"""The exact rest of a division."""

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
