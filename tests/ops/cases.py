"""One record for every operator: from these the tests of values, gradients, costs and shapes are generated.

Oracles are NumPy and SciPy in float64 (integers: NumPy's own), never Curta.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special

import curta
from curta.ops import choice, comparison, division, elementwise, mathematics
from curta.ops.record import Op

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
ORDERED = (*FLOATS, *INTEGERS)
EVERY = (*ORDERED, "bool")
BITS = (*INTEGERS, "bool")
#: inputs from one number of ulps either side of a tie to far away
WIDE = (-4.0, 4.0)
POSITIVE = (0.1, 6.0)
UNIT = (-0.95, 0.95)


@dataclass(frozen=True)
class Case:
    """How to call an element-wise operator, what it should give and at what cost.

    `domains` has the range of each tensor operand; `ulp` is the largest allowed distance from the exact result in
    units in the last place (half formats round once more: half an ulp is added); `flops` and `transcendentals` are for
    one element; `steps` says that the function jumps or has kinks, so finite differences avoid whole numbers.
    """

    name: str
    function: Callable[..., Any]
    oracle: Callable[..., Any]
    op: Op
    domains: tuple[tuple[float, float], ...] = (WIDE,)
    dtypes: tuple[str, ...] = FLOATS
    ulp: float = 0.5
    flops: int = 0
    transcendentals: int = 0
    gradient: bool = True
    params: dict[str, Any] = field(default_factory=dict)


def _unary(name: str, oracle: Any, op: Op, domain: tuple[float, float] = WIDE, **more: Any) -> Case:
    return Case(name, getattr(curta, name), oracle, op, (domain,), **more)


def _function(name: str, oracle: Any, domain: tuple[float, float] = WIDE, ulp: float = 2) -> Case:
    op = getattr(mathematics, name.upper())

    def in_float64(x: Any) -> Any:
        return oracle(np.asarray(x, np.float64))

    return _unary(name, in_float64, op, domain, ulp=ulp, transcendentals=1, dtypes=(*FLOATS, "int32", "bool"))


def _binary(name: str, oracle: Any, op: Op, domains: Any = (WIDE, WIDE), **more: Any) -> Case:
    return Case(name, getattr(curta, name), oracle, op, domains, **more)


def _where(condition: Any, left: Any, right: Any) -> Any:
    return np.where(np.asarray(condition) > 0, left, right)


def _lerp(start: Any, end: Any, weight: Any) -> Any:
    return start + weight * (end - start)


ARITHMETIC = (
    _binary("add", np.add, elementwise.ADD, flops=1, dtypes=EVERY),
    Case("add alpha", lambda a, b: curta.add(a, b, alpha=3), lambda a, b: a + 3 * b, elementwise.ADD_SCALED,
         (WIDE, WIDE), ORDERED, ulp=2000, flops=2),
    _binary("sub", np.subtract, elementwise.SUB, flops=1, dtypes=ORDERED),
    Case("sub alpha", lambda a, b: curta.sub(a, b, alpha=3), lambda a, b: a - 3 * b, elementwise.SUB_SCALED,
         (WIDE, WIDE), ORDERED, ulp=2000, flops=2),
    _binary("mul", np.multiply, elementwise.MUL, flops=1, dtypes=EVERY),
    _binary("div", np.divide, elementwise.DIV, (WIDE, POSITIVE), flops=1, ulp=0.5),
    _unary("neg", np.negative, elementwise.NEG, flops=1, dtypes=ORDERED),
    _unary("abs", np.abs, elementwise.ABS, flops=1, dtypes=ORDERED),
    _unary("square", np.square, elementwise.SQUARE, flops=1, dtypes=ORDERED),
    _unary("reciprocal", np.reciprocal, elementwise.RECIPROCAL, POSITIVE, flops=1),
    _binary("pow", np.power, elementwise.POW, (POSITIVE, WIDE), ulp=2, transcendentals=1),
    Case("pow whole", lambda a: curta.pow(a, 4), lambda a: a**4, elementwise.POW, (WIDE,), ORDERED, ulp=2,
         transcendentals=1),
    Case("pow of number", lambda a: curta.pow(2.5, a), lambda a: 2.5**a, elementwise.POW, (WIDE,), ulp=2,
         transcendentals=1),
    Case("pow 3", lambda a: a**3, lambda a: a**3, elementwise.CUBE, (WIDE,), ulp=2, flops=2),
    Case("pow 2", lambda a: a**2, lambda a: a**2, elementwise.SQUARE, (WIDE,), flops=1),
    Case("div floor", lambda a, b: curta.div(a, b, rounding_mode="floor"), np.floor_divide, division.DIV_FLOOR,
         (WIDE, POSITIVE), ("float32", "float64", *INTEGERS), ulp=0, flops=1),
    Case("div trunc", lambda a, b: curta.div(a, b, rounding_mode="trunc"), lambda a, b: np.trunc(a / b),
         division.DIV_TRUNC, (WIDE, POSITIVE), ("float32", "float64", *INTEGERS), ulp=0, flops=1),
    _binary("floor_divide", np.floor_divide, division.FLOOR_DIVIDE, (WIDE, POSITIVE), flops=1, ulp=0,
            dtypes=("float32", "float64", *INTEGERS), gradient=False),
    _binary("remainder", np.remainder, division.REMAINDER, (WIDE, POSITIVE), flops=1, ulp=2,
            dtypes=("float32", "float64", *INTEGERS)),
    _binary("fmod", np.fmod, division.FMOD, (WIDE, POSITIVE), flops=1, dtypes=("float32", "float64", *INTEGERS)),
    Case("clone", curta.clone, np.copy, elementwise.COPY, (WIDE,), EVERY),
    Case("to float64", lambda a: a.to(curta.float64), lambda a: a.astype("f8"), elementwise.CAST, (WIDE,),
         ("float16", "bfloat16", "float32", *INTEGERS, "bool"), ulp=0, params={"dtype": curta.float64}),
)  # fmt: skip

MATHEMATICS = (
    _function("exp", np.exp),
    _function("exp2", np.exp2),
    _function("expm1", np.expm1),
    _function("log", np.log, POSITIVE),
    _function("log2", np.log2, POSITIVE),
    _function("log10", np.log10, POSITIVE),
    _function("log1p", np.log1p, POSITIVE),
    _function("sin", np.sin),
    _function("cos", np.cos),
    _function("tan", np.tan, UNIT),
    _function("asin", np.arcsin, UNIT),
    _function("acos", np.arccos, UNIT),
    _function("atan", np.arctan),
    _function("sinh", np.sinh),
    _function("cosh", np.cosh),
    _function("tanh", np.tanh),
    _function("sigmoid", scipy.special.expit),
    _function("erf", scipy.special.erf),
    _function("erfc", np.vectorize(math.erfc, otypes=[float])),
    _binary("atan2", np.arctan2, mathematics.ATAN2, ulp=2, transcendentals=1),
    _unary("sqrt", np.sqrt, mathematics.SQRT, POSITIVE, flops=1),
    _unary("rsqrt", lambda x: 1 / np.sqrt(x), mathematics.RSQRT, POSITIVE, flops=2, ulp=1.5),
    _unary("relu", lambda x: np.maximum(x, 0), mathematics.RELU, dtypes=ORDERED),
    _unary("floor", np.floor, mathematics.FLOOR, flops=1, dtypes=ORDERED),
    _unary("ceil", np.ceil, mathematics.CEIL, flops=1, dtypes=ORDERED),
    _unary("trunc", np.trunc, mathematics.TRUNC, flops=1, dtypes=ORDERED),
    _unary("round", np.round, mathematics.ROUND, flops=1, dtypes=ORDERED),
    _unary("sign", np.sign, mathematics.SIGN, dtypes=ORDERED),
    _unary("frac", lambda x: x - np.trunc(x), mathematics.FRAC, flops=2),
    _unary("nan_to_num", np.nan_to_num, mathematics.NAN_TO_NUM),
)

CHOICES = (
    _binary("maximum", np.maximum, choice.MAXIMUM, dtypes=EVERY),
    _binary("minimum", np.minimum, choice.MINIMUM, dtypes=EVERY),
    Case("where", lambda c, a, b: curta.where(c > 0, a, b), _where, choice.WHERE, (WIDE, WIDE, WIDE), ORDERED),
    Case("masked_fill", lambda x, m: x.masked_fill(m > 1, 2), lambda x, m: np.where(m > 1, 2, x), choice.MASKED_FILL,
         (WIDE, WIDE), ORDERED),
    Case("clamp", lambda x, a, b: curta.clamp(x, a, b), lambda x, a, b: np.minimum(np.maximum(x, a), b), choice.CLAMP,
         (WIDE, WIDE, WIDE), ORDERED),
    Case("clamp numbers", lambda x: curta.clamp(x, 1, 2), lambda x: np.clip(x, 1, 2), choice.CLAMP, (WIDE,), ORDERED),
    Case("clamp min", lambda x, a: curta.clamp(x, min=a), np.maximum, choice.CLAMP_MIN, (WIDE, WIDE), ORDERED),
    Case("clamp max", lambda x, a: curta.clamp(x, max=a), np.minimum, choice.CLAMP_MAX, (WIDE, WIDE), ORDERED),
    Case("lerp", curta.lerp, _lerp, choice.LERP, (WIDE, WIDE, (0.1, 0.9)), ulp=2000, flops=3),
    Case("addcmul", lambda x, a, b: curta.addcmul(x, a, b, value=2), lambda x, a, b: x + 2 * a * b, choice.ADDCMUL,
         (WIDE, WIDE, WIDE), ORDERED, ulp=2000, flops=3),
    Case("addcdiv", lambda x, a, b: curta.addcdiv(x, a, b, value=2), lambda x, a, b: x + 2 * a / b, choice.ADDCDIV,
         (WIDE, WIDE, POSITIVE), ulp=2000, flops=3),
)  # fmt: skip


def _comparison(name: str, oracle: Any, dtypes: Any = EVERY, count: int = 2) -> Case:
    op = getattr(comparison, name.upper())
    return Case(name, getattr(curta, name), oracle, op, (WIDE,) * count, dtypes, ulp=0, gradient=False)


def _shift(name: str, oracle: Any) -> Case:
    op = getattr(comparison, name.upper())
    return Case(name, getattr(curta, name), oracle, op, ((0, 4), (0, 3)), INTEGERS, ulp=0, gradient=False)


COMPARISONS = (
    _comparison("eq", np.equal),
    _comparison("ne", np.not_equal),
    _comparison("lt", np.less),
    _comparison("le", np.less_equal),
    _comparison("gt", np.greater),
    _comparison("ge", np.greater_equal),
    _comparison("logical_and", np.logical_and),
    _comparison("logical_or", np.logical_or),
    _comparison("logical_xor", np.logical_xor),
    _comparison("logical_not", np.logical_not, count=1),
    _comparison("bitwise_and", np.bitwise_and, BITS),
    _comparison("bitwise_or", np.bitwise_or, BITS),
    _comparison("bitwise_xor", np.bitwise_xor, BITS),
    _comparison("bitwise_not", np.invert, BITS, count=1),
    _comparison("isnan", np.isnan, count=1),
    _comparison("isinf", np.isinf, count=1),
    _comparison("isfinite", np.isfinite, count=1),
    _shift("bitwise_left_shift", np.left_shift),
    _shift("bitwise_right_shift", np.right_shift),
)

CASES = (*ARITHMETIC, *MATHEMATICS, *CHOICES, *COMPARISONS)


@dataclass(frozen=True)
class Reduction:
    """A reduction: `function(x, dim, keepdim)` against `oracle(array, axis, keepdims)` over float64."""

    name: str
    function: Callable[..., Any]
    oracle: Callable[..., Any]
    dtypes: tuple[str, ...] = FLOATS
    ulp: float = 8
    gradient: bool = True
    empty: bool = True  # whether there is a result over no elements
    several: bool = True  # whether it takes several dimensions


def _spread(function: str, correction: int) -> Reduction:
    return Reduction(
        f"{function} {correction}",
        lambda x, dim, keepdim: getattr(curta, function)(x, dim, keepdim=keepdim, correction=correction),
        lambda x, axis, keepdims: getattr(np, function)(x, axis=axis, keepdims=keepdims, ddof=correction),
        empty=False,
        ulp=16,
    )


def _norm(p: float) -> Reduction:
    def oracle(x: Any, axis: Any, keepdims: bool) -> Any:
        if p == np.inf:
            return np.abs(x).max(axis=axis, keepdims=keepdims)
        return (np.abs(x) ** p).sum(axis=axis, keepdims=keepdims) ** (1 / p)

    return Reduction(f"norm {p}", lambda x, dim, keepdim: curta.norm(x, p, dim, keepdim), oracle, empty=False)


def _plain(name: str, oracle: Any, **more: Any) -> Reduction:
    function = getattr(curta, name)
    return Reduction(
        name, lambda x, dim, keepdim: function(x, dim, keepdim),
        lambda x, axis, keepdims: oracle(x, axis=axis, keepdims=keepdims), **more,
    )  # fmt: skip


REDUCTIONS = (
    _plain("sum", np.sum, dtypes=EVERY),
    _plain("mean", np.mean, empty=False),
    _plain("prod", np.prod, dtypes=("float32", "float64", "int32"), several=False, ulp=32),
    _plain("amax", np.max, dtypes=EVERY, ulp=0, empty=False),
    _plain("amin", np.min, dtypes=EVERY, ulp=0, empty=False),
    _plain("argmax", np.argmax, dtypes=ORDERED, gradient=False, empty=False, several=False),
    _plain("argmin", np.argmin, dtypes=ORDERED, gradient=False, empty=False, several=False),
    _plain("all", np.all, dtypes=EVERY, gradient=False),
    _plain("any", np.any, dtypes=EVERY, gradient=False),
    Reduction("count_nonzero", lambda x, dim, keepdim: curta.count_nonzero(x, dim) if not keepdim else None,
              lambda x, axis, keepdims: np.count_nonzero(x, axis=axis), dtypes=EVERY, gradient=False),
    _plain("logsumexp", scipy.special.logsumexp, empty=False),
    _spread("var", 0),
    _spread("var", 1),
    _spread("std", 1),
    _norm(1),
    _norm(2),
    _norm(3.5),
    _norm(np.inf),
)  # fmt: skip
