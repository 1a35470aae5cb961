"""Element-wise choices under PyTorch's names: extremes, clamps, masks and mixtures."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError
from curta.functions.operands import Number, Operand, operand, refuse, tensor
from curta.methods import late
from curta.ops import choice as ops
from curta.ops.creation import number_for
from curta.ops.dispatch import bind
from curta.tensor import Tensor


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements; NaN if either is NaN. At a tie each side gets half the gradient.

    >>> import curta
    >>> curta.maximum(curta.tensor([1, 5]), curta.tensor([3, 2]))
    tensor([3, 5])
    """
    refuse("maximum", out=out)
    return bind(ops.MAXIMUM, (tensor("maximum", input), tensor("maximum", other, "other")))


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements; NaN if either is NaN. At a tie each side gets half the gradient.

    >>> import curta
    >>> curta.minimum(curta.tensor([1, 5]), curta.tensor([3, 2]))
    tensor([1, 2])
    """
    refuse("minimum", out=out)
    return bind(ops.MINIMUM, (tensor("minimum", input), tensor("minimum", other, "other")))


def clamp(
    input: Tensor, min: Operand | None = None, max: Operand | None = None, *, out: Tensor | None = None
) -> Tensor:
    """Elements below `min` become `min`, those above `max` become `max`; where min > max, `max`. NaN stays.

    >>> import curta
    >>> curta.clamp(curta.tensor([-3, 0, 3]), -1, 1)
    tensor([-1,  0,  1])
    """
    refuse("clamp", out=out)
    x = tensor("clamp", input)
    if min is not None and max is not None:
        return bind(ops.CLAMP, (x, operand("clamp", min, "min"), operand("clamp", max, "max")))
    if min is not None:
        return bind(ops.CLAMP_MIN, (x, operand("clamp", min, "min")))
    if max is not None:
        return bind(ops.CLAMP_MAX, (x, operand("clamp", max, "max")))
    raise ArgumentError("torch.clamp: At least one of 'min' or 'max' must not be None")


def lerp(input: Tensor, end: Tensor, weight: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """`input + weight * (end - input)`; the three have one floating-point dtype.

    >>> import curta
    >>> curta.lerp(curta.tensor([0.0, 2.0]), curta.tensor([4.0, 4.0]), 0.25)
    tensor([1.0000, 2.5000])
    """
    refuse("lerp", out=out)
    return bind(ops.LERP, (tensor("lerp", input), tensor("lerp", end, "end"), operand("lerp", weight, "weight")))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + value * tensor1 * tensor2`.

    >>> import curta
    >>> curta.addcmul(curta.tensor([1, 2]), curta.tensor([3, 4]), curta.tensor([5, 6]), value=10)
    tensor([151, 242])
    """
    refuse("addcmul", out=out)
    return bind(ops.ADDCMUL, (tensor("addcmul", input), tensor1, tensor2, operand("addcmul", value, "value")))


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Tensor | None = None) -> Tensor:
    """`input + value * tensor1 / tensor2`, for floating-point tensors.

    >>> import curta
    >>> curta.addcdiv(curta.tensor([1.0, 2.0]), curta.tensor([3.0, 4.0]), curta.tensor([4.0, 8.0]))
    tensor([1.7500, 2.5000])
    """
    refuse("addcdiv", out=out)
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
        refuse("where", out=out)
    condition = tensor("where", condition, "condition")
    if input is None and other is None:
        return late.functions.nonzero(condition, as_tuple=True)
    return bind(ops.WHERE, (condition, operand("where", input, "input"), operand("where", other)))


def masked_fill(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """`value` (a number, or a tensor of one element) where the bool mask holds, else `input`.

    >>> import curta
    >>> curta.masked_fill(curta.tensor([1, 2]), curta.tensor([True, False]), 9)
    tensor([9, 2])
    """
    filling = operand("masked_fill", value, "value")
    if isinstance(filling, Tensor) and filling.layout.rank > 0:
        raise ArgumentError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{filling.layout.rank} dimension(s)."
        )
    x = tensor("masked_fill", input)
    if type(filling) is float and not x.layout.dtype.is_floating_point:
        filling = number_for(filling, x.layout.dtype)
    return bind(ops.MASKED_FILL, (x, tensor("masked_fill", mask, "mask"), filling))
