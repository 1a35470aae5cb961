"""Comparisons and logic under PyTorch's names."""

from __future__ import annotations

from curta.functions.operands import Operand, operand, refuse, tensor
from curta.ops import comparison as ops
from curta.ops.dispatch import bind
from curta.tensor import Tensor


def eq(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("eq", out=out)
    return bind(ops.EQ, (operand("eq", input, "input"), operand("eq", other)))


def ne(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("ne", out=out)
    return bind(ops.NE, (operand("ne", input, "input"), operand("ne", other)))


def lt(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("lt", out=out)
    return bind(ops.LT, (operand("lt", input, "input"), operand("lt", other)))


def le(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("le", out=out)
    return bind(ops.LE, (operand("le", input, "input"), operand("le", other)))


def gt(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("gt", out=out)
    return bind(ops.GT, (operand("gt", input, "input"), operand("gt", other)))


def ge(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("ge", out=out)
    return bind(ops.GE, (operand("ge", input, "input"), operand("ge", other)))


def logical_and(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("logical_and", out=out)
    return bind(ops.LOGICAL_AND, (operand("logical_and", input, "input"), operand("logical_and", other)))


def logical_or(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("logical_or", out=out)
    return bind(ops.LOGICAL_OR, (operand("logical_or", input, "input"), operand("logical_or", other)))


def logical_xor(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("logical_xor", out=out)
    return bind(ops.LOGICAL_XOR, (operand("logical_xor", input, "input"), operand("logical_xor", other)))


def bitwise_and(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("bitwise_and", out=out)
    return bind(ops.BITWISE_AND, (operand("bitwise_and", input, "input"), operand("bitwise_and", other)))


def bitwise_or(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("bitwise_or", out=out)
    return bind(ops.BITWISE_OR, (operand("bitwise_or", input, "input"), operand("bitwise_or", other)))


def bitwise_xor(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("bitwise_xor", out=out)
    return bind(ops.BITWISE_XOR, (operand("bitwise_xor", input, "input"), operand("bitwise_xor", other)))


def bitwise_left_shift(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("bitwise_left_shift", out=out)
    return bind(ops.BITWISE_LEFT_SHIFT, (operand("bitwise_left_shift", input, "input"), operand("bitwise_left_shift", other)))


def bitwise_right_shift(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("bitwise_right_shift", out=out)
    return bind(ops.BITWISE_RIGHT_SHIFT, (operand("bitwise_right_shift", input, "input"), operand("bitwise_right_shift", other)))


def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    refuse("logical_not", out=out)
    return bind(ops.LOGICAL_NOT, (tensor("logical_not", input),))


def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    refuse("bitwise_not", out=out)
    return bind(ops.BITWISE_NOT, (tensor("bitwise_not", input),))


def isnan(input: Tensor) -> Tensor:
    """@DOC@"""
    return bind(ops.ISNAN, (tensor("isnan", input),))


def isinf(input: Tensor) -> Tensor:
    """@DOC@"""
    return bind(ops.ISINF, (tensor("isinf", input),))


def isfinite(input: Tensor) -> Tensor:
    """@DOC@"""
    return bind(ops.ISFINITE, (tensor("isfinite", input),))

