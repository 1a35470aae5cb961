"""Element-wise arithmetic under PyTorch's names."""

from __future__ import annotations

from typing import Any

from curta.dtypes import bool_, compute_dtype
from curta.errors import ArgumentError, DivisionByZeroError, DTypeError
from curta.functions.comparison import truth
from curta.functions.movement import reordered
from curta.functions.operands import Number, Operand, of_a_tensor, operand, tensor
from curta.functions.outputs import into
from curta.memory import formats
from curta.ops import division, reduce
from curta.ops import elementwise as ops
from curta.ops.comparison import EQ
from curta.ops.dispatch import bind, bind_out
from curta.ops.inference import promoted
from curta.ops.mathematics import RSQRT, SQRT, TRUNC
from curta.tensor import Tensor


def add(input: Operand, other: Operand, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + alpha * other`, element by element with broadcasting.

    >>> import curta
    >>> curta.add(curta.tensor([1, 2]), 10, alpha=2)
    tensor([21, 22])
    """
    if out is not None:
        direct = type(alpha) is int and alpha == 1 and bind_out(ops.ADD, (input, other), out)
        return out if direct else into("add", out, add(input, other, alpha=alpha))
    left, right = operand("add", input, "input"), operand("add", other)
    if type(alpha) is not int or alpha != 1:
        return bind(ops.ADD_SCALED, (left, right, operand("add", alpha, "alpha")))
    return bind(ops.ADD, (left, right))


def sub(input: Operand, other: Operand, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input - alpha * other`, element by element with broadcasting.

    >>> import curta
    >>> curta.sub(curta.tensor([1, 2]), 10, alpha=2)
    tensor([-19, -18])
    """
    if out is not None:
        direct = type(alpha) is int and alpha == 1 and bind_out(ops.SUB, (input, other), out)
        return out if direct else into("sub", out, sub(input, other, alpha=alpha))
    left, right = operand("sub", input, "input"), operand("sub", other)
    if type(alpha) is not int or alpha != 1:
        return bind(ops.SUB_SCALED, (left, right, operand("sub", alpha, "alpha")))
    return bind(ops.SUB, (left, right))


def mul(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """`input * other`, element by element with broadcasting.

    >>> import curta
    >>> curta.mul(curta.tensor([1, 2]), curta.tensor([[2], [3]]))
    tensor([[2, 4],
            [3, 6]])
    """
    if out is not None:
        return out if bind_out(ops.MUL, (input, other), out) else into("mul", out, mul(input, other))
    return bind(ops.MUL, (operand("mul", input, "input"), operand("mul", other)))


def div(input: Operand, other: Operand, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """`input / other`; the quotient is rounded towards zero ("trunc") or down ("floor") on request.

    Without rounding, integers become the default floating-point format first.

    >>> import curta
    >>> curta.div(curta.tensor([-7, 7]), 2), curta.div(curta.tensor([-7, 7]), 2, rounding_mode="floor")
    (tensor([-3.5000,  3.5000]), tensor([-4,  3]))
    """
    if out is not None:
        direct = rounding_mode is None and bind_out(ops.DIV, (input, other), out)
        return out if direct else into("div", out, div(input, other, rounding_mode=rounding_mode))
    left, right = operand("div", input, "input"), operand("div", other)
    if rounding_mode is None:
        return bind(ops.DIV, (left, right))
    if rounding_mode not in ("trunc", "floor"):
        raise ArgumentError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    _check_divisor(left, right)
    if rounding_mode == "trunc" and _is_half(left, right):  # PyTorch rounds the quotient to the format first
        return bind(TRUNC, (bind(ops.DIV, (left, right)),))
    return bind(division.DIV_FLOOR if rounding_mode == "floor" else division.DIV_TRUNC, (left, right))


def _is_half(left: Any, right: Any) -> bool:
    kind = promoted(tuple(x.layout if isinstance(x, Tensor) else type(x) for x in (left, right)))
    return compute_dtype(kind) is not kind


def floor_divide(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """The quotient rounded down; DivisionByZeroError (a RuntimeError) for integers.

    >>> import curta
    >>> curta.floor_divide(curta.tensor([-7, 7]), 2)
    tensor([-4,  3])
    """
    if out is not None:
        return into("floor_divide", out, floor_divide(input, other))
    left, right = operand("floor_divide", input, "input"), operand("floor_divide", other)
    _check_divisor(left, right)
    return bind(division.FLOOR_DIVIDE, (left, right))


def remainder(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """What the quotient rounded down leaves, with the divisor's sign, as Python's %.

    >>> import curta
    >>> curta.remainder(curta.tensor([-7, 7]), 3)
    tensor([2, 1])
    """
    if out is not None:
        return into("remainder", out, remainder(input, other))
    left, right = of_a_tensor("remainder", input, other)
    _check_divisor(left, right)
    return bind(division.REMAINDER, (left, right))


def fmod(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """What the quotient rounded towards zero leaves, with the dividend's sign.

    >>> import curta
    >>> curta.fmod(curta.tensor([-7, 7]), 3)
    tensor([-1,  1])
    """
    if out is not None:
        return into("fmod", out, fmod(input, other))
    left, right = tensor("fmod", input), operand("fmod", other)
    _check_divisor(left, right)
    return bind(division.FMOD, (left, right))


def _check_divisor(left: Any, right: Any) -> None:
    """Integers cannot be divided by zero; a compiled program and the meta device are spared the look at the data."""
    described = tuple(x.layout if isinstance(x, Tensor) else type(x) for x in (left, right))
    if any(not isinstance(x, type) and x.dtype.is_floating_point for x in described) or float in described:
        return
    if promoted(described).is_floating_point:
        return
    if isinstance(right, int):
        zero = right == 0
    elif not isinstance(right, Tensor) or right.trace is not None or right.layout.device.type == "meta":
        return
    else:
        found = bind(EQ, (right, 0))
        zero = truth("div", bind(reduce.ANY, (found,), dims=tuple(range(found.layout.rank)), keepdim=False))
    if zero:
        raise DivisionByZeroError("ZeroDivisionError")


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`-input`.

    >>> import curta
    >>> curta.neg(curta.tensor([1, -2]))
    tensor([-1,  2])
    """
    if out is not None:
        return out if bind_out(ops.NEG, (input,), out) else into("neg", out, neg(input))
    return bind(ops.NEG, (tensor("neg", input),))


def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The absolute value of every element; the gradient at 0 is 0.

    >>> import curta
    >>> curta.abs(curta.tensor([1, -2]))
    tensor([1, 2])
    """
    if out is not None:
        return out if bind_out(ops.ABS, (input,), out) else into("abs", out, abs(input))
    return bind(ops.ABS, (tensor("abs", input),))


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`input * input`.

    >>> import curta
    >>> curta.square(curta.tensor([1, -2]))
    tensor([1, 4])
    """
    if out is not None:
        return into("square", out, square(input))
    x = tensor("square", input)
    return bind(ops.SQUARE, (x.long() if x.layout.dtype is bool_ else x,))


def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`1 / input`.

    >>> import curta
    >>> curta.reciprocal(curta.tensor([1.0, -2.0]))
    tensor([ 1.0000, -0.5000])
    """
    if out is not None:
        return out if bind_out(ops.RECIPROCAL, (input,), out) else into("reciprocal", out, reciprocal(input))
    return bind(ops.RECIPROCAL, (tensor("reciprocal", input),))


def pow(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """`input ** exponent`, element by element with broadcasting; common numbers as exponents have faster ways.

    >>> import curta
    >>> curta.pow(curta.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    if out is not None:
        return into("pow", out, pow(input, exponent))
    base, power = of_a_tensor("pow", input, exponent, "exponent")
    if isinstance(base, Tensor) and isinstance(power, int | float) and not isinstance(power, bool):
        floating = base.layout.dtype.is_floating_point
        if floating and power in _SIMPLE:
            return bind(_SIMPLE[power], (base,))
        if not floating and isinstance(power, int) and power < 0:
            raise DTypeError("Integers to negative integer powers are not allowed.")
    return bind(ops.POW, (base, power))


_SIMPLE = {2: ops.SQUARE, 3: ops.CUBE, 0.5: SQRT, -0.5: RSQRT, -1: ops.RECIPROCAL, 1: ops.COPY}


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy of the data; a dense tensor keeps its strides.

    >>> import curta
    >>> curta.clone(curta.tensor([1, 2]))
    tensor([1, 2])
    """
    x = tensor("clone", input)
    if memory_format is None or memory_format is formats.preserve_format:
        return bind(ops.COPY, (x,))
    order = formats.channel_order("clone", memory_format, x.layout.rank)
    return bind(ops.COPY, (x,), contiguous_format=True) if order is None else reordered(x, order)
