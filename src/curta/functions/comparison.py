"""Comparisons, tests, logic and bit operations under PyTorch's names."""

from __future__ import annotations

import ctypes

from curta import host
from curta.device import CPU
from curta.dtypes import bool_, uint8
from curta.errors import DTypeError, NoDataError
from curta.functions.operands import Operand, of_a_tensor, operand, tensor
from curta.functions.outputs import into
from curta.ops import comparison as ops
from curta.ops import reduce, statistics
from curta.ops.dispatch import bind, bind_out
from curta.tensor import Tensor


def eq(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are equal.

    >>> import curta
    >>> curta.eq(curta.tensor([1, 2]), 1)
    tensor([ True, False])
    """
    if out is not None:
        return out if bind_out(ops.EQ, (input, other), out) else into("eq", out, eq(input, other))
    return bind(ops.EQ, (tensor("eq", input), operand("eq", other)))


def ne(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether elements differ.

    >>> import curta
    >>> curta.ne(curta.tensor([1, 2]), 1)
    tensor([False,  True])
    """
    if out is not None:
        return out if bind_out(ops.NE, (input, other), out) else into("ne", out, ne(input, other))
    return bind(ops.NE, (tensor("ne", input), operand("ne", other)))


def lt(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are less than the other's.

    >>> import curta
    >>> curta.lt(curta.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    if out is not None:
        return out if bind_out(ops.LT, (input, other), out) else into("lt", out, lt(input, other))
    return bind(ops.LT, (tensor("lt", input), operand("lt", other)))


def le(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are at most the other's.

    >>> import curta
    >>> curta.le(curta.tensor([1, 2]), 1)
    tensor([ True, False])
    """
    if out is not None:
        return out if bind_out(ops.LE, (input, other), out) else into("le", out, le(input, other))
    return bind(ops.LE, (tensor("le", input), operand("le", other)))


def gt(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are greater than the other's.

    >>> import curta
    >>> curta.gt(curta.tensor([1, 2]), 1)
    tensor([False,  True])
    """
    if out is not None:
        return out if bind_out(ops.GT, (input, other), out) else into("gt", out, gt(input, other))
    return bind(ops.GT, (tensor("gt", input), operand("gt", other)))


def ge(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are at least the other's.

    >>> import curta
    >>> curta.ge(curta.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    if out is not None:
        return out if bind_out(ops.GE, (input, other), out) else into("ge", out, ge(input, other))
    return bind(ops.GE, (tensor("ge", input), operand("ge", other)))


def logical_and(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether both are non-zero.

    >>> import curta
    >>> curta.logical_and(curta.tensor([0, 2]), curta.tensor([1, 1]))
    tensor([False,  True])
    """
    if out is not None:
        direct = bind_out(ops.LOGICAL_AND, (input, other), out)
        return out if direct else into("logical_and", out, logical_and(input, other))
    return bind(ops.LOGICAL_AND, (tensor("logical_and", input), tensor("logical_and", other, "other")))


def logical_or(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether either is non-zero.

    >>> import curta
    >>> curta.logical_or(curta.tensor([0, 2]), curta.tensor([0, 0]))
    tensor([False,  True])
    """
    if out is not None:
        direct = bind_out(ops.LOGICAL_OR, (input, other), out)
        return out if direct else into("logical_or", out, logical_or(input, other))
    return bind(ops.LOGICAL_OR, (tensor("logical_or", input), tensor("logical_or", other, "other")))


def logical_xor(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Whether just one is non-zero.

    >>> import curta
    >>> curta.logical_xor(curta.tensor([0, 2]), curta.tensor([1, 1]))
    tensor([ True, False])
    """
    if out is not None:
        direct = bind_out(ops.LOGICAL_XOR, (input, other), out)
        return out if direct else into("logical_xor", out, logical_xor(input, other))
    return bind(ops.LOGICAL_XOR, (tensor("logical_xor", input), tensor("logical_xor", other, "other")))


def bitwise_and(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """The bits that both have; for truth values, and.

    >>> import curta
    >>> curta.bitwise_and(curta.tensor([6, 3]), 2)
    tensor([2, 2])
    """
    if out is not None:
        return into("bitwise_and", out, bitwise_and(input, other))
    return bind(ops.BITWISE_AND, of_a_tensor("bitwise_and", input, other))


def bitwise_or(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """The bits that either has; for truth values, or.

    >>> import curta
    >>> curta.bitwise_or(curta.tensor([6, 3]), 1)
    tensor([7, 3])
    """
    if out is not None:
        return into("bitwise_or", out, bitwise_or(input, other))
    return bind(ops.BITWISE_OR, of_a_tensor("bitwise_or", input, other))


def bitwise_xor(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """The bits that just one has; for truth values, exclusive or.

    >>> import curta
    >>> curta.bitwise_xor(curta.tensor([6, 3]), 2)
    tensor([4, 1])
    """
    if out is not None:
        return into("bitwise_xor", out, bitwise_xor(input, other))
    return bind(ops.BITWISE_XOR, of_a_tensor("bitwise_xor", input, other))


def bitwise_left_shift(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Integers shifted towards higher bits; 0 for counts beyond the width.

    >>> import curta
    >>> curta.bitwise_left_shift(curta.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """
    if out is not None:
        return into("bitwise_left_shift", out, bitwise_left_shift(input, other))
    return bind(ops.BITWISE_LEFT_SHIFT, of_a_tensor("bitwise_left_shift", input, other))


def bitwise_right_shift(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Integers shifted towards lower bits, the sign kept.

    >>> import curta
    >>> curta.bitwise_right_shift(curta.tensor([-8, 12]), 2)
    tensor([-2,  3])
    """
    if out is not None:
        return into("bitwise_right_shift", out, bitwise_right_shift(input, other))
    return bind(ops.BITWISE_RIGHT_SHIFT, of_a_tensor("bitwise_right_shift", input, other))


def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether elements are zero.

    >>> import curta
    >>> curta.logical_not(curta.tensor([0, 2]))
    tensor([ True, False])
    """
    if out is not None:
        return out if bind_out(ops.LOGICAL_NOT, (input,), out) else into("logical_not", out, logical_not(input))
    return bind(ops.LOGICAL_NOT, (tensor("logical_not", input),))


def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """All bits flipped; for truth values, not.

    >>> import curta
    >>> curta.bitwise_not(curta.tensor([0, 2]))
    tensor([-1, -3])
    """
    if out is not None:
        return out if bind_out(ops.BITWISE_NOT, (input,), out) else into("bitwise_not", out, bitwise_not(input))
    return bind(ops.BITWISE_NOT, (tensor("bitwise_not", input),))


def isnan(input: Tensor) -> Tensor:
    """Whether elements are NaN.

    >>> import curta
    >>> curta.isnan(curta.tensor([float("nan"), float("inf"), 1.0]))
    tensor([ True, False, False])
    """
    return bind(ops.ISNAN, (tensor("isnan", input),))


def isinf(input: Tensor) -> Tensor:
    """Whether elements are infinite.

    >>> import curta
    >>> curta.isinf(curta.tensor([float("nan"), float("inf"), 1.0]))
    tensor([False,  True, False])
    """
    return bind(ops.ISINF, (tensor("isinf", input),))


def isfinite(input: Tensor) -> Tensor:
    """Whether elements are neither infinite nor NaN.

    >>> import curta
    >>> curta.isfinite(curta.tensor([float("nan"), float("inf"), 1.0]))
    tensor([False, False,  True])
    """
    return bind(ops.ISFINITE, (tensor("isfinite", input),))


def truth(name: str, value: Tensor) -> bool:
    """The one truth value in a bool tensor of one element, read on the host; DeviceError where there is no data."""
    if value.storage is None or value.layout.device is not CPU:
        raise NoDataError(f"{name}(): needs the data of its arguments, which tensors on the meta device do not have")
    host.known(value)
    return ctypes.c_bool.from_address(value.pointer).value


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |input - other| <= atol + rtol * |other|; both must have one dtype.

    >>> import curta
    >>> curta.isclose(curta.tensor([1.0, 2.0]), curta.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    left, right = tensor("isclose", input), tensor("isclose", other, "other")
    if left.layout.dtype is not right.layout.dtype:
        raise DTypeError(f"{left.layout.dtype.name} did not match {right.layout.dtype.name}")
    if rtol < 0 or atol < 0:
        which, value = ("rtol", rtol) if rtol < 0 else ("atol", atol)
        raise DTypeError(f"{which} must be greater than or equal to zero, but got {value}")
    if left.layout.dtype is bool_:
        left, right = left.to(uint8), right.to(uint8)
    return bind(statistics.ISCLOSE, (left, right, float(rtol), float(atol)), equal_nan=equal_nan)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, see `isclose`.

    >>> import curta
    >>> curta.allclose(curta.tensor([1.0, 2.0]), curta.tensor([1.0, 2.1]))
    False
    """
    close = isclose(input, other, rtol, atol, equal_nan)
    every = bind(reduce.ALL, (close,), dims=tuple(range(close.layout.rank)), keepdim=False)
    return truth("allclose", every)


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements.

    >>> import curta
    >>> curta.equal(curta.tensor([1, 2]), curta.tensor([1, 2]))
    True
    """
    left, right = tensor("equal", input), tensor("equal", other, "other")
    if left.layout.shape != right.layout.shape:
        return False
    same = bind(ops.EQ, (left, right))
    return truth("equal", bind(reduce.ALL, (same,), dims=tuple(range(same.layout.rank)), keepdim=False))
