"""The instructions a loop expression may call, each with the code it emits."""

from __future__ import annotations

from collections.abc import Callable

from curta import dtypes
from curta.compiler import casts, mathlib
from curta.compiler.code import Value
from curta.dtypes import DType

Emit = Callable[..., Value]


def _extreme(larger: bool) -> Emit:
    """Of two values the larger or smaller; NaN if either is NaN, as PyTorch's maximum and minimum."""

    def emit(dtype: DType, left: Value, right: Value) -> Value:
        if dtype is dtypes.bool_:
            return left | right if larger else left & right
        wins = left.gt(right, dtype.is_signed) if larger else left.lt(right, dtype.is_signed)
        # one instruction on x86, which gives `right` where either is NaN
        found = wins.select(left, right)
        return left.is_nan().select(left, found) if dtype.is_floating_point else found

    return emit


def _floor_divide(dtype: DType, left: Value, right: Value) -> Value:
    if dtype.is_floating_point:
        # as PyTorch: from the exact remainder, so that the quotient never rounds up past the true floor
        remainder = mathlib.exact_rest(left, right)
        quotient = (left - remainder) / right
        wrong_sign = remainder.ne(0) & (remainder.lt(0) ^ right.lt(0))
        quotient = wrong_sign.select(quotient - 1, quotient)
        floor = quotient.intrinsic("floor")
        floor = (quotient - floor).gt(0.5).select(floor + 1, floor)
        plain = left / right
        zero = left.code.constant(0, left.type, left.lanes).intrinsic("copysign", plain)
        return right.eq(0).select(plain, quotient.eq(0).select(zero, floor))
    return _whole_quotient(dtype, left, right, down=True)


def _whole_quotient(dtype: DType, left: Value, right: Value, down: bool) -> Value:
    """Of integers; by 0 it is the dividend, and the lowest number by -1 itself."""
    safe = right.eq(0).select(1, right)
    if not dtype.is_signed:
        return mathlib.whole_quotient(left, safe, signed=False, down=down)
    overflow = right.eq(-1)
    quotient = mathlib.whole_quotient(left, overflow.select(1, safe), signed=True, down=down)
    return overflow.select(-left, quotient)


def _remainder(dtype: DType, left: Value, right: Value) -> Value:
    """With the sign of the divisor, as Python's %."""
    if dtype.is_floating_point:
        rest = mathlib.exact_rest(left, right)
        return (rest.ne(0) & (rest.lt(0) ^ right.lt(0))).select(rest + right, rest)
    safe = (right.eq(0) | right.eq(-1)).select(1, right) if dtype.is_signed else right.eq(0).select(1, right)
    return left - mathlib.whole_quotient(left, safe, signed=dtype.is_signed, down=True) * safe


def _truncated_divide(dtype: DType, left: Value, right: Value) -> Value:
    if dtype.is_floating_point:
        return (left / right).intrinsic("trunc")
    return _whole_quotient(dtype, left, right, down=False)


def _absolute(dtype: DType, value: Value) -> Value:
    if dtype.is_floating_point:
        return value.intrinsic("fabs")
    if dtype is dtypes.bool_ or not dtype.is_signed:
        return value
    return value.lt(0).select(-value, value)


def _sign(dtype: DType, value: Value) -> Value:
    if dtype is dtypes.bool_:
        return value
    zero = value.code.constant(0, value.type, value.lanes)
    positive = value.gt(0, dtype.is_signed).select(value.code.constant(1, value.type, value.lanes), zero)
    return value.lt(0, dtype.is_signed).select(-1, positive) if dtype.is_signed else positive


def _bool_or(integer: Emit, boolean: Callable[[Value, Value], Value]) -> Emit:
    return lambda dtype, left, right: boolean(left, right) if dtype is dtypes.bool_ else integer(dtype, left, right)


def _rounding(name: str) -> Emit:
    return lambda dtype, value: value.intrinsic(name) if dtype.is_floating_point else value


def _math(function: Callable[..., Value]) -> Emit:
    return lambda dtype, *values: function(*values)


def _compare(method: str) -> Emit:
    def emit(dtype: DType, left: Value, right: Value) -> Value:
        signed: Value = getattr(left, method)(right, dtype.is_signed)
        return signed

    return emit


def _integer_power(dtype: DType, base: Value, exponent: Value) -> Value:
    """By squaring, unrolled over the exponent's bits; a negative exponent gives 0 but for bases 1 and -1."""
    one = base.code.constant(1, base.type, base.lanes)
    result, square = one, base
    for bit in range(min(8 * dtype.itemsize, 63)):
        result = (exponent.logical_shift_right(bit) & 1).ne(0).select(result * square, result)
        square = square * square
    if not dtype.is_signed:
        return result
    odd = (exponent & 1).ne(0)
    inverse = base.eq(1).select(one, base.eq(-1).select(odd.select(one.code.constant(-1, base.type), one), 0))
    return exponent.lt(0).select(inverse, result)


def _power(dtype: DType, base: Value, exponent: Value) -> Value:
    if dtype.is_floating_point:
        return mathlib.pow(base, exponent)
    if dtype is dtypes.bool_:
        return base | ~exponent
    return _integer_power(dtype, base, exponent)


def _divisor(dtype: DType, left: Value, right: Value) -> Value:
    """The greatest common divisor, by Euclid, until all lanes are done."""
    code = left.code
    pair = [_absolute(dtype, value) for value in code.unify(left, right)]
    with code.repeat(pair) as loop:
        large, small = loop.carried
        done = small.eq(0)
        divisor = done.select(1, small)
        rest = large - mathlib.whole_quotient(large, divisor, signed=False, down=True) * divisor
        loop.carried_out = [done.select(large, small), done.select(small, rest)]
        loop.again = code.any_lane(~done)
    return loop.results[0]


def _next_after(dtype: DType, left: Value, right: Value, step: int = 1) -> Value:
    """The neighbour of `left` on the side of `right`: numbers of one sign are ordered as their bits are."""
    bits = left.bitcast("i32" if dtype is dtypes.float32 else "i64")
    outward = left.gt(0).select(right.gt(left), right.lt(left))
    moved = outward.select(bits + step, bits - step).bitcast(left.type)
    smallest = bits.code.constant(step, bits.type, bits.lanes).bitcast(left.type).intrinsic("copysign", right)
    moved = left.eq(0).select(smallest, moved)
    return (left.is_nan() | right.is_nan()).select(left + right, left.eq(right).select(right, moved))


def _next_after_half(dtype: DType, left: Value, right: Value) -> Value:
    """The same of float16 in float32: up to its least normal number it has steps of one size."""
    bits, size, up = left.bitcast("i32"), left.intrinsic("fabs"), right.gt(left)
    outward = left.gt(0).select(up, right.lt(left))
    large = outward.select(bits + (1 << 13), bits - (1 << 13)).bitcast(left.type)
    small = up.select(left + 2.0**-24, left - 2.0**-24)
    small = left.eq(0).select(small, small.intrinsic("copysign", left))
    largest = left.code.constant(65504.0, left.type, left.lanes).intrinsic("copysign", left)
    moved = size.le(2.0**-14).select(small, size.eq(float("inf")).select(largest, large))
    return (left.is_nan() | right.is_nan()).select(left + right, left.eq(right).select(right, moved))


def _product_high(dtype: DType, left: Value, right: Value) -> Value:
    """The upper half of the 64-bit product of two unsigned 32-bit numbers held in int64."""
    return (left * right).logical_shift_right(32)


TABLE: dict[str, Emit] = {
    "add": _bool_or(lambda dtype, a, b: a + b, lambda a, b: a | b),
    "subtract": lambda dtype, a, b: a - b,
    "multiply": _bool_or(lambda dtype, a, b: a * b, lambda a, b: a & b),
    "divide": lambda dtype, a, b: a / b,
    "floor_divide": _floor_divide,
    "truncated_divide": _truncated_divide,
    "remainder": _remainder,
    "fmod": lambda dtype, a, b: (
        mathlib.exact_rest(*a.code.unify(a, b)) if dtype.is_floating_point else a - _truncated_divide(dtype, a, b) * b
    ),
    "maximum": _extreme(larger=True),
    "minimum": _extreme(larger=False),
    "power": _power,
    "atan2": _math(mathlib.atan2),
    "zeta": _math(mathlib.zeta),
    "igamma": _math(mathlib.igamma),
    "igammac": _math(mathlib.igammac),
    "copy_sign": lambda dtype, a, b: a.intrinsic("copysign", b),
    "greatest_divisor": _divisor,
    "next_after": _next_after,
    # in float32, whose upper half it is
    "next_after_bfloat16": lambda dtype, a, b: _next_after(dtype, a, b, 1 << 16),
    "next_after_float16": _next_after_half,
    "negate": lambda dtype, a: -a,
    "absolute": _absolute,
    "sign": _sign,
    "square_root": _math(lambda a: a.intrinsic("sqrt")),
    "floor": _rounding("floor"),
    "ceil": _rounding("ceil"),
    "trunc": _rounding("trunc"),
    "round": _rounding("rint"),
    "less": _compare("lt"),
    "less_equal": _compare("le"),
    "greater": _compare("gt"),
    "greater_equal": _compare("ge"),
    "equal": lambda dtype, a, b: a.eq(b),
    "not_equal": lambda dtype, a, b: a.ne(b),
    "is_nan": lambda dtype, a: a.is_nan() if dtype.is_floating_point else a.ne(a),
    "bit_and": lambda dtype, a, b: a & b,
    "bit_or": lambda dtype, a, b: a | b,
    "bit_xor": lambda dtype, a, b: a ^ b,
    "bit_not": lambda dtype, a: ~a,
    "shift_left": lambda dtype, a, b: a << b,
    "shift_right": lambda dtype, a, b: a >> b if dtype.is_signed else a.logical_shift_right(b),
    "shift_right_logical": lambda dtype, a, b: a.logical_shift_right(b),
    "product_high": _product_high,
    "round_to_float16": lambda dtype, a: casts.round_to(a, dtypes.float16),
    "round_to_bfloat16": lambda dtype, a: casts.round_to(a, dtypes.bfloat16),
    "apart": lambda dtype, a: a.apart(),
    **{name: _math(getattr(mathlib, name)) for name in mathlib.FUNCTIONS},
}

#: what costs enough that a fused kernel keeps the value rather than computing it again
EXPENSIVE = frozenset(mathlib.FUNCTIONS) | {"power", "atan2", "zeta", "igamma", "igammac"}
