"""The standard's functions of elements that differ from PyTorch's: formats in common, NaN, numbers as operands."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from curta import functions
from curta.array_api.operands import pair, tensor_pair
from curta.dtypes import DType
from curta.errors import ArgumentTypeError
from curta.functions.operands import Operand
from curta.number_formats import iinfo
from curta.tensor import Tensor

# of two operands


def add(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 + x2`.

    >>> from curta import array_api as xp
    >>> xp.add(xp.ones(2), xp.asarray(1.0, dtype=xp.float64))
    tensor([2., 2.], dtype=curta.float64)
    """
    return functions.add(*pair("add", x1, x2))


def atan2(x1: Operand, x2: Operand, /) -> Tensor:
    """The angle of the point (x2, x1)."""
    return functions.atan2(*tensor_pair("atan2", x1, x2))


def bitwise_and(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 & x2`."""
    return functions.bitwise_and(*pair("bitwise_and", x1, x2))


def bitwise_left_shift(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 << x2`."""
    return functions.bitwise_left_shift(*pair("bitwise_left_shift", x1, x2))


def bitwise_or(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 | x2`."""
    return functions.bitwise_or(*pair("bitwise_or", x1, x2))


def bitwise_right_shift(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 >> x2`."""
    return functions.bitwise_right_shift(*pair("bitwise_right_shift", x1, x2))


def bitwise_xor(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 ^ x2`."""
    return functions.bitwise_xor(*pair("bitwise_xor", x1, x2))


def copysign(x1: Operand, x2: Operand, /) -> Tensor:
    """The size of `x1` with the sign of `x2`."""
    return functions.copysign(*tensor_pair("copysign", x1, x2))


def divide(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 / x2`."""
    return functions.div(*pair("divide", x1, x2))


def _compared(compare: Callable[[Any, Any], Any], name: str, x1: Operand, x2: Operand) -> Tensor:
    made: Tensor = compare(*pair(name, x1, x2))  # Python turns them around where a number comes first
    return made


def equal(x1: Operand, x2: Operand, /) -> Tensor:
    """Where `x1 == x2`.

    >>> from curta import array_api as xp
    >>> xp.equal(xp.asarray([1, 2]), 2)
    tensor([False,  True])
    """
    return _compared(operator.eq, "equal", x1, x2)


def floor_divide(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 // x2`, the floor of `x1 / x2` where one of them is infinite, which PyTorch has NaN or -1 for.

    >>> from curta import array_api as xp
    >>> xp.floor_divide(xp.asarray([7.0, xp.inf, -3.0]), xp.asarray([2.0, 2.0, xp.inf]))
    tensor([3., inf, -0.])
    """
    made = functions.floor_divide(*pair("floor_divide", x1, x2))
    if not made.dtype.is_floating_point:
        return made
    left, right = (each.detach() for each in tensor_pair("floor_divide", x1, x2))
    infinite = functions.logical_or(functions.isinf(left), functions.isinf(right))
    return functions.where(infinite, functions.floor(functions.div(left, right)), made)


def greater(x1: Operand, x2: Operand, /) -> Tensor:
    """Where `x1 > x2`."""
    return _compared(operator.gt, "greater", x1, x2)


def greater_equal(x1: Operand, x2: Operand, /) -> Tensor:
    """Where `x1 >= x2`."""
    return _compared(operator.ge, "greater_equal", x1, x2)


def hypot(x1: Operand, x2: Operand, /) -> Tensor:
    """`sqrt(x1 ** 2 + x2 ** 2)` without overflow."""
    return functions.hypot(*tensor_pair("hypot", x1, x2))


def less(x1: Operand, x2: Operand, /) -> Tensor:
    """Where `x1 < x2`."""
    return _compared(operator.lt, "less", x1, x2)


def less_equal(x1: Operand, x2: Operand, /) -> Tensor:
    """Where `x1 <= x2`."""
    return _compared(operator.le, "less_equal", x1, x2)


def logaddexp(x1: Operand, x2: Operand, /) -> Tensor:
    """`log(exp(x1) + exp(x2))` without overflow."""
    return functions.logaddexp(*tensor_pair("logaddexp", x1, x2))


def logical_and(x1: Operand, x2: Operand, /) -> Tensor:
    """Where both hold."""
    return functions.logical_and(*tensor_pair("logical_and", x1, x2))


def logical_or(x1: Operand, x2: Operand, /) -> Tensor:
    """Where one of the two holds, or both."""
    return functions.logical_or(*tensor_pair("logical_or", x1, x2))


def logical_xor(x1: Operand, x2: Operand, /) -> Tensor:
    """Where exactly one of the two holds."""
    return functions.logical_xor(*tensor_pair("logical_xor", x1, x2))


def maximum(x1: Operand, x2: Operand, /) -> Tensor:
    """The larger of two elements; NaN if either is NaN.

    >>> from curta import array_api as xp
    >>> xp.maximum(xp.asarray([-1.0, 2.0]), 0.0)
    tensor([0., 2.])
    """
    return functions.maximum(*tensor_pair("maximum", x1, x2))


def minimum(x1: Operand, x2: Operand, /) -> Tensor:
    """The smaller of two elements; NaN if either is NaN."""
    return functions.minimum(*tensor_pair("minimum", x1, x2))


def multiply(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 * x2`."""
    return functions.mul(*pair("multiply", x1, x2))


def nextafter(x1: Operand, x2: Operand, /) -> Tensor:
    """The number of the format that comes next after `x1` on the way to `x2`."""
    return functions.nextafter(*tensor_pair("nextafter", x1, x2))


def not_equal(x1: Operand, x2: Operand, /) -> Tensor:
    """Where `x1 != x2`."""
    return _compared(operator.ne, "not_equal", x1, x2)


def pow(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 ** x2`."""
    return functions.pow(*pair("pow", x1, x2))


def remainder(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 % x2`, with the sign of `x2` even where it is 0, which PyTorch's lacks.

    >>> from curta import array_api as xp
    >>> xp.remainder(xp.asarray([5.0, 4.0]), -2.0)
    tensor([-1., -0.])
    """
    made = functions.remainder(*pair("remainder", x1, x2))
    if not made.dtype.is_floating_point:
        return made
    divisor = tensor_pair("remainder", made, x2)[1]
    return functions.where(made == 0, functions.copysign(made, divisor), made)


def subtract(x1: Operand, x2: Operand, /) -> Tensor:
    """`x1 - x2`."""
    return functions.sub(*pair("subtract", x1, x2))


# of one


def clip(x: Tensor, /, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Elements below `min` become `min`, those above `max` become `max`, in the format of `x`.

    >>> from curta import array_api as xp
    >>> xp.clip(xp.asarray([-2, 0, 2]), max=1)
    tensor([-2,  0,  1])
    """
    low, high = (_bound(x.dtype, bound) for bound in (min, max))
    if low is None and high is None:
        return x.clone()
    shape = functions.broadcast_shapes(*(one.shape for one in (x, low, high) if isinstance(one, Tensor)))
    return functions.clamp(functions.broadcast_to(x, shape), low, high)


def _bound(dtype: DType, bound: Operand | None) -> Operand | None:
    """In the format of what is clipped; a number that no integer of the format reaches is as good as its limit."""
    if isinstance(bound, Tensor):
        return bound.to(dtype)
    if isinstance(bound, int) and dtype.category == 1:
        limits = iinfo(dtype)
        return sorted((limits.min, bound, limits.max))[1]
    return bound


def conj(x: Tensor, /) -> Tensor:
    """The elements themselves: Curta has no complex formats."""
    return functions.positive(x)


def imag(x: Tensor, /) -> Tensor:
    """Zeros: Curta has no complex formats."""
    return functions.zeros_like(x)


def real(x: Tensor, /) -> Tensor:
    """The elements themselves: Curta has no complex formats."""
    return functions.positive(x)


def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1; NaN where an element is NaN, which is 0 in PyTorch.

    >>> from curta import array_api as xp
    >>> xp.sign(xp.asarray([-2.0, 0.0, float("nan")]))
    tensor([-1.,  0., nan])
    """
    if not isinstance(x, Tensor):
        raise ArgumentTypeError(f"sign(): expected a tensor, got {type(x).__name__}")
    made = functions.sign(x)
    return functions.where(functions.isnan(x), x, made) if x.dtype.is_floating_point else made
