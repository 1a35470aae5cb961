"""Random numbers as an element-wise operator of the element's number: Philox4x32-10."""

from __future__ import annotations

import math
from typing import Any

from curta.compiler.expression import FLAT_INDEX, Expression, call, constant
from curta.dtypes import DType, float32, float64, int64
from curta.ops.creation import _infer_new
from curta.ops.inference import each
from curta.ops.record import NO_GRADIENT, Op, Pointwise

_MASK = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


def _number(value: int) -> Expression:
    return constant(value, int64)


def philox(
    counter: tuple[Expression, Expression, Expression, Expression], key: tuple[Expression, Expression]
) -> tuple[Expression, Expression, Expression, Expression]:
    """Four 32-bit random numbers (in int64) from a 128-bit counter and a 64-bit key."""
    mask = _number(_MASK)
    c0, c1, c2, c3 = counter
    k0, k1 = key
    first, second = _number(_MULTIPLIERS[0]), _number(_MULTIPLIERS[1])
    for turn in range(_ROUNDS):
        if turn:
            k0, k1 = (k0 + _WEYL[0]) & mask, (k1 + _WEYL[1]) & mask
        high0, low0 = call("product_high", first, c0), (first * c0) & mask
        high1, low1 = call("product_high", second, c2), (second * c2) & mask
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
    return c0, c1, c2, c3


def random_words(key_low: Expression, key_high: Expression, first: Expression) -> tuple[Expression, ...]:
    """The four words of the block that belongs to this element."""
    place = FLAT_INDEX + first
    zero = _number(0)
    high = call("shift_right_logical", place, _number(32))
    return philox((place & _number(_MASK), high, zero, zero), (key_low, key_high))


def _unit(word: Expression, dtype: DType) -> Expression:
    """A number in [0, 1): 24 bits for float32."""
    return call("shift_right_logical", word, _number(8)).to(dtype) * (1.0 / (1 << 24))


def unit_double(first: Expression, second: Expression) -> Expression:
    """A number in [0, 1) with 53 bits."""
    bits = (first & _number((1 << 21) - 1)) * (1 << 32) + second
    return bits.to(float64) * (1.0 / (1 << 53))


def _uniform(
    key_low: Expression, key_high: Expression, first: Expression, low: Expression, high: Expression, *, dtype: DType,
    **params: Any,
) -> Expression:  # fmt: skip
    """In [low, high)."""
    words = random_words(key_low, key_high, first)
    if dtype is float64:
        unit = unit_double(words[0], words[1])
        return unit * (high.to(float64) - low.to(float64)) + low.to(float64)
    unit = _unit(words[0], float32)
    bits = {2: 11 if dtype.name == "float16" else 8}.get(dtype.itemsize)
    if bits is not None:  # only as many bits as the format holds: rounding must not reach 1
        unit = call("shift_right_logical", words[0], _number(32 - bits)).to(float32) * (1.0 / (1 << bits))
    return unit * (high.to(float32) - low.to(float32)) + low.to(float32)


def _normal(
    key_low: Expression, key_high: Expression, first: Expression, mean: Expression, std: Expression, *, dtype: DType,
    **params: Any,
) -> Expression:  # fmt: skip
    """Box and Muller's transformation of two uniform numbers."""
    words = random_words(key_low, key_high, first)
    kind = float64 if dtype is float64 else float32
    if kind is float64:
        radius_from, angle_from = unit_double(words[0], words[1]), unit_double(words[2], words[3])
    else:
        radius_from, angle_from = _unit(words[0], kind), _unit(words[1], kind)
    radius = call("square_root", call("log", 1.0 - radius_from) * -2.0)
    value = radius * call("cos", angle_from * (2 * math.pi))
    return value * std.to(kind) + mean.to(kind)


def _integers(
    key_low: Expression, key_high: Expression, first: Expression, low: Expression, span: Expression, *, dtype: DType,
    **params: Any,
) -> Expression:  # fmt: skip
    """low + a number below `span`: the upper part of word * span for small spans, a remainder for large ones."""
    words = random_words(key_low, key_high, first)
    small = call("product_high", words[0], span & _number(_MASK))
    wide = (words[0] * (1 << 31)) ^ words[1]
    # of what is below 2**51 a remainder is a few instructions, of more it is a division for each element
    is_small, bits = span.le(_MASK), span - 1
    is_power = (span & bits).eq(0)
    large = is_power.select(wide & bits, call("remainder", is_small.select(0, is_power.select(0, wide)), span))
    return is_small.select(small, large) + low


def _bits(
    key_low: Expression, key_high: Expression, first: Expression, *, dtype: DType, **params: Any
) -> Expression:  # fmt: skip
    """From [0, 2**62), all with the same probability."""
    high, low, *_ = random_words(key_low, key_high, first)
    return high * (1 << 30) + call("shift_right_logical", low, _number(2))


def _bernoulli(
    key_low: Expression, key_high: Expression, first: Expression, probability: Expression, *, dtype: DType,
    **params: Any,
) -> Expression:  # fmt: skip
    """1 with the given probability, else 0."""
    words = random_words(key_low, key_high, first)
    return unit_double(words[0], words[1]).lt(probability.to(float64)).to(dtype)


def _random(name: str, element: Any, flops: int, transcendentals: int = 0) -> Op:
    """Random bits cost nothing, whatever generator draws them: only what is made of them counts."""
    cost = each(flops, transcendentals)
    return Op(name, _infer_new, Pointwise(element, "exact", indexed=True), NO_GRADIENT, cost)


UNIFORM = _random("uniform", _uniform, 2)
NORMAL = _random("normal", _normal, 7, 2)
INTEGERS = _random("randint", _integers, 2)
#: whole numbers below 2**62
RANDOM_BITS = _random("random_bits", _bits, 0)
BERNOULLI = _random("bernoulli", _bernoulli, 0)
