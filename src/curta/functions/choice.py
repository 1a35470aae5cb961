"""Element-wise choices under PyTorch's names: extremes, clamps, masks and mixtures."""

from __future__ import annotations

from math import inf
from typing import Any

from curta.compiler.graph import GraphNumber
from curta.errors import ArgumentError, DTypeError, ShapeError
from curta.functions.operands import Number, Operand, operand, tensor
from curta.functions.outputs import into
from curta.methods import late
from curta.number_formats import finfo
from curta.ops import choice as ops
from curta.ops.dispatch import bind, bind_out
from curta.ops.inference import promoted
from curta.promotion import number_for
from curta.tensor import Tensor


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements; NaN if either is NaN. At a tie each side gets half the gradient.

    >>> import curta
    >>> curta.maximum(curta.tensor([1, 5]), curta.tensor([3, 2]))
    tensor([3, 5])
    """
    if out is not None:
        return out if bind_out(ops.MAXIMUM, (input, other), out) else into("maximum", out, maximum(input, other))
    return bind(ops.MAXIMUM, (tensor("maximum", input), tensor("maximum", other, "other")))


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements; NaN if either is NaN. At a tie each side gets half the gradient.

    >>> import curta
    >>> curta.minimum(curta.tensor([1, 5]), curta.tensor([3, 2]))
    tensor([1, 2])
    """
    if out is not None:
        return out if bind_out(ops.MINIMUM, (input, other), out) else into("minimum", out, minimum(input, other))
    return bind(ops.MINIMUM, (tensor("minimum", input), tensor("minimum", other, "other")))


def clamp(
    input: Tensor, min: Operand | None = None, max: Operand | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Elements below `min` become `min`, those above `max` become `max`; where min > max, `max`. NaN stays.

    >>> import curta
    >>> curta.clamp(curta.tensor([-3, 0, 3]), -1, 1)
    tensor([-1,  0,  1])
    """
    if out is not None:
        numbers = type(min) is float and type(max) is float
        direct = numbers and bind_out(ops.CLAMP, (input, min, max), out)
        return out if direct else into("clamp", out, clamp(input, min, max))
    x = tensor("clamp", input)
    if min is not None and max is not None:
        return bind(ops.CLAMP, (x, _bound(x, "min", min), _bound(x, "max", max)))
    if min is not None:
        return bind(ops.CLAMP_MIN, (x, _bound(x, "min", min)))
    if max is not None:
        return bind(ops.CLAMP_MAX, (x, _bound(x, "max", max)))
    raise ArgumentError("torch.clamp: At least one of 'min' or 'max' must not be None")


def _bound(x: Tensor, place: str, value: Operand) -> Any:
    bound = operand("clamp", value, place)
    return number_for(bound, x.layout.dtype) if type(bound) is int and x.layout.dtype.category else bound


def lerp(input: Tensor, end: Tensor, weight: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """`input + weight * (end - input)`; the three have one floating-point dtype.

    >>> import curta
    >>> curta.lerp(curta.tensor([0.0, 2.0]), curta.tensor([4.0, 4.0]), 0.25)
    tensor([1.0000, 2.5000])
    """
    if out is not None:
        return out if bind_out(ops.LERP, (input, end, weight), out) else into("lerp", out, lerp(input, end, weight))
    return bind(ops.LERP, (tensor("lerp", input), tensor("lerp", end, "end"), operand("lerp", weight, "weight")))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + value * tensor1 * tensor2`.

    >>> import curta
    >>> curta.addcmul(curta.tensor([1, 2]), curta.tensor([3, 4]), curta.tensor([5, 6]), value=10)
    tensor([151, 242])
    """
    if out is not None:
        return into("addcmul", out, addcmul(input, tensor1, tensor2, value=value))
    return bind(
        ops.ADDCMUL, (tensor("addcmul", input), tensor1, tensor2, _weight("addcmul", value, input, tensor1, tensor2))
    )


def _weight(name: str, value: Number, *tensors: Tensor) -> Any:
    """The factor in the result's format: for integers PyTorch drops the fraction."""
    weight, dtype = operand(name, value, "value"), promoted(tuple(tensor(name, each).layout for each in tensors))
    return number_for(weight, dtype) if dtype.category == 1 and not isinstance(weight, GraphNumber) else weight


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + value * tensor1 / tensor2`, for floating-point tensors.

    >>> import curta
    >>> curta.addcdiv(curta.tensor([1.0, 2.0]), curta.tensor([3.0, 4.0]), curta.tensor([4.0, 8.0]))
    tensor([1.7500, 2.5000])
    """
    if out is not None:
        direct = bind_out(ops.ADDCDIV, (input, tensor1, tensor2, value), out)
        return out if direct else into("addcdiv", out, addcdiv(input, tensor1, tensor2, value=value))
    return bind(ops.ADDCDIV, (tensor("addcdiv", input), tensor1, tensor2, operand("addcdiv", value, "value")))


def where(
    condition: Tensor, input: Operand | None = None, other: Operand | None = None, *, out: Tensor | None = None
) -> Any:
    """`input` where the bool tensor holds, else `other`; alone, the indices where it holds, one tensor a dimension.

    >>> import curta
    >>> x = curta.tensor([1, 2, 3])
    >>> curta.where(x > 1, x, 0)
    tensor([0, 2, 3])
    """
    if out is not None:
        tensors = isinstance(input, Tensor) and isinstance(other, Tensor)
        direct = tensors and bind_out(ops.WHERE, (condition, input, other), out)
        return out if direct else into("where", out, where(condition, input, other))
    condition = tensor("where", condition, "condition")
    if input is None and other is None:
        return late.functions.nonzero(condition, as_tuple=True)
    left, right = operand("where", input, "input"), operand("where", other)
    for one, number in ((left, right), (right, left)):
        if isinstance(one, Tensor) and type(number) is int and one.layout.dtype.category == 1:
            number_for(number, one.layout.dtype)  # the result has the tensor's format
    return bind(ops.WHERE, (condition, left, right))


def masked_fill(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """`value` (a number, or a tensor of one element) where the bool mask holds, else `input`.

    >>> import curta
    >>> curta.masked_fill(curta.tensor([1, 2]), curta.tensor([True, False]), 9)
    tensor([9, 2])
    """
    if isinstance(value, complex):
        raise DTypeError(f"value cannot be converted to type {input.layout.dtype.name} without overflow")
    filling = operand("masked_fill", value, "value")
    if isinstance(filling, Tensor) and filling.layout.rank > 0:
        raise ShapeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{filling.layout.rank} dimension(s)."
        )
    x = tensor("masked_fill", input)
    if not isinstance(filling, Tensor | GraphNumber):
        dtype = x.layout.dtype
        filling = number_for(filling, dtype)
        if dtype.is_floating_point and finfo(dtype).max < abs(filling) < inf:
            raise DTypeError(f"value cannot be converted to type {dtype.name} without overflow")
    return bind(ops.MASKED_FILL, (x, tensor("masked_fill", mask, "mask"), filling))
