"""Comparisons, tests, logic and bit operations, element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.errors import UnsupportedDTypeError
from curta.memory.layout import Layout
from curta.ops.elementwise import dtype_of
from curta.ops.inference import each, infer_bool, infer_promoted, promoted
from curta.ops.record import NO_GRADIENT, Op, Operand, Pointwise


def _comparison(name: str, element: Callable[..., Expression]) -> Op:
    return Op(name, infer_bool, Pointwise(element), NO_GRADIENT, each(0))


EQ = _comparison("eq", lambda a, b: a.eq(b))
NE = _comparison("ne", lambda a, b: a.ne(b))
LT = _comparison("lt", lambda a, b: a.lt(b))
LE = _comparison("le", lambda a, b: a.le(b))
GT = _comparison("gt", lambda a, b: a.gt(b))
GE = _comparison("ge", lambda a, b: a.ge(b))
ISNAN = _comparison("isnan", lambda x: call("is_nan", x))
ISINF = _comparison("isinf", lambda x: call("absolute", x).eq(float("inf")) if x.dtype.is_floating_point else x.ne(x))
ISFINITE = _comparison(
    "isfinite", lambda x: call("absolute", x).lt(float("inf")) if x.dtype.is_floating_point else x.eq(x)
)


def _logical(name: str, element: Callable[..., Expression]) -> Op:
    """Every operand becomes a truth value first: non-zero, NaN too."""
    return Op(
        name,
        infer_bool,
        Pointwise(lambda *operands: element(*(x.to(dtypes.bool_) for x in operands)), "promoted"),
        NO_GRADIENT,
        each(0),
    )


LOGICAL_AND = _logical("logical_and", lambda a, b: a & b)
LOGICAL_OR = _logical("logical_or", lambda a, b: a | b)
LOGICAL_XOR = _logical("logical_xor", lambda a, b: a ^ b)
LOGICAL_NOT = _logical("logical_not", lambda a: ~a)


def _bitwise(name: str, element: Callable[..., Expression], booleans: bool = True) -> Op:
    def infer(*operands: Operand, **params: Any) -> Layout:
        dtype = promoted(operands)
        if dtype.is_floating_point or (dtype is dtypes.bool_ and not booleans):
            kinds = ", ".join(repr(dtype_of(operand)) for operand in operands)
            taken = "integers and booleans" if booleans else "integers"
            raise UnsupportedDTypeError(f'"{name}" not implemented for {kinds}: it takes {taken}')
        return infer_promoted(*operands)

    return Op(name, infer, Pointwise(element), NO_GRADIENT, each(0))


BITWISE_AND = _bitwise("bitwise_and", lambda a, b: a & b)
BITWISE_OR = _bitwise("bitwise_or", lambda a, b: a | b)
BITWISE_XOR = _bitwise("bitwise_xor", lambda a, b: a ^ b)
BITWISE_NOT = _bitwise("bitwise_not", lambda a: ~a)


def _in_range(count: Expression, shifted: Expression, beyond: Expression | int) -> Expression:
    """`shifted` where the count is within the width; LLVM leaves the rest undefined, PyTorch does not."""
    width = 8 * count.dtype.itemsize
    inside = count.lt(width) if not count.dtype.is_signed else count.lt(width) & count.ge(0)
    return inside.select(shifted, beyond)


def _shift_left(a: Expression, b: Expression) -> Expression:
    return _in_range(b, call("shift_left", a, b), 0)


def _shift_right(a: Expression, b: Expression) -> Expression:
    beyond: Expression | int = a.lt(0).select(a - a - 1, a - a) if a.dtype.is_signed else 0
    return _in_range(b, call("shift_right", a, b), beyond)


BITWISE_LEFT_SHIFT = _bitwise("bitwise_left_shift", _shift_left, booleans=False)
BITWISE_RIGHT_SHIFT = _bitwise("bitwise_right_shift", _shift_right, booleans=False)
