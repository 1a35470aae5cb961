"""Element-wise arithmetic under PyTorch's names."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError
from curta.functions.operands import Number, Operand, operand, refuse, tensor
from curta.ops import elementwise as ops
from curta.ops.dispatch import bind
from curta.tensor import Tensor


def add(input: Operand, other: Operand, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + alpha * other`, element by element with broadcasting."""
    if out is not None:
        refuse("add", out=out)
    left, right = operand("add", input, "input"), operand("add", other)
    if alpha != 1 or alpha is True:
        return bind(ops.ADD_SCALED, (left, right, operand("add", alpha, "alpha")))
    return bind(ops.ADD, (left, right))


def sub(input: Operand, other: Operand, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input - alpha * other`, element by element with broadcasting."""
    if out is not None:
        refuse("sub", out=out)
    left, right = operand("sub", input, "input"), operand("sub", other)
    if alpha != 1 or alpha is True:
        return bind(ops.ADD_SCALED, (left, right, -operand("sub", alpha, "alpha")))
    return bind(ops.SUB, (left, right))


def mul(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """`input * other`, element by element with broadcasting."""
    if out is not None:
        refuse("mul", out=out)
    return bind(ops.MUL, (operand("mul", input, "input"), operand("mul", other)))


def div(
    input: Operand, other: Operand, *, rounding_mode: str | None = None, out: Tensor | None = None
) -> Tensor:
    """`input / other`; the quotient is rounded towards zero ("trunc") or down ("floor") on request."""
    if out is not None:
        refuse("div", out=out)
    left, right = operand("div", input, "input"), operand("div", other)
    if rounding_mode is None:
        return bind(ops.DIV, (left, right))
    if rounding_mode not in ("trunc", "floor"):
        raise ArgumentError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    return bind(ops.DIV_FLOOR if rounding_mode == "floor" else ops.DIV_TRUNC, (left, right))


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`-input`."""
    refuse("neg", out=out)
    return bind(ops.NEG, (tensor("neg", input),))


def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The absolute value of every element."""
    refuse("abs", out=out)
    return bind(ops.ABS, (tensor("abs", input),))


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input * input`."""
    refuse("square", out=out)
    return bind(ops.SQUARE, (tensor("square", input),))


def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`1 / input`."""
    refuse("reciprocal", out=out)
    return bind(ops.RECIPROCAL, (tensor("reciprocal", input),))


def pow(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """`input ** exponent`, element by element with broadcasting."""
    refuse("pow", out=out)
    return bind(ops.POW, (operand("pow", input, "input"), operand("pow", exponent, "exponent")))


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements; NaN if either is NaN."""
    refuse("maximum", out=out)
    return bind(ops.MAXIMUM, (tensor("maximum", input), operand("maximum", other)))


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements; NaN if either is NaN."""
    refuse("minimum", out=out)
    return bind(ops.MINIMUM, (tensor("minimum", input), operand("minimum", other)))


def where(condition: Tensor, input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """`input` where the condition holds, else `other`."""
    refuse("where", out=out)
    return bind(ops.WHERE, (tensor("where", condition), operand("where", input, "input"), operand("where", other)))


def masked_fill(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """`value` where the mask holds, else `input`."""
    return bind(ops.MASKED_FILL, (tensor("masked_fill", input), mask, operand("masked_fill", value, "value")))


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy of the data; a dense tensor keeps its strides."""
    return bind(ops.COPY, (tensor("clone", input),))
