"""What the standard's functions do with their arguments: formats in common, whatever the ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta import functions
from curta.default_dtype import get_default_dtype
from curta.dtypes import DType
from curta.errors import ArgumentTypeError
from curta.functions.operands import Operand
from curta.promotion import promote_types, scalar_dtype
from curta.tensor import Tensor

Axes = int | tuple[int, ...] | None


def with_number(dtype: DType, number: bool | int | float) -> DType:
    """The format of a tensor of `dtype` with a Python number: the tensor's, if the number's kind is no higher."""
    other = scalar_dtype(number)
    if other.category <= dtype.category:
        return dtype
    return get_default_dtype() if other.is_floating_point else other


def in_common(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors in the format that they promote to; unlike in PyTorch those without dimensions count as much."""
    kind = tensors[0].dtype
    for each in tensors[1:]:
        kind = promote_types(kind, each.dtype)
    return [each if each.dtype is kind else each.to(kind) for each in tensors]


def pair(name: str, x1: Operand, x2: Operand) -> tuple[Any, Any]:
    """Two operands in one format; a Python number beside a tensor stays one. ArgumentTypeError for two numbers."""
    if isinstance(x1, Tensor) and isinstance(x2, Tensor):
        if x1.dtype is x2.dtype:
            return x1, x2
        first, second = in_common((x1, x2))
        return first, second
    if isinstance(x1, Tensor) or isinstance(x2, Tensor):
        return x1, x2
    raise ArgumentTypeError(
        f"{name}(): one of the two operands must be a tensor, got {type(x1).__name__} and {type(x2).__name__}"
    )


def tensor_pair(name: str, x1: Operand, x2: Operand) -> tuple[Tensor, Tensor]:
    """Two operands as tensors of one format."""
    first, second = pair(name, x1, x2)
    if not isinstance(first, Tensor):
        first = _beside(second, first)
    elif not isinstance(second, Tensor):
        second = _beside(first, second)
    first, second = in_common((first, second))
    return first, second


def _beside(x: Tensor, number: bool | int | float) -> Tensor:
    return functions.full((), number, dtype=with_number(x.dtype, number), device=x.device)


def reduced(function: Any, x: Tensor, axis: Axes, keepdims: bool, **options: Any) -> Tensor:
    """A reduction over `axis`: one, several, all for None; over none of them for `()`, which PyTorch takes for all."""
    if axis == ():
        result: Tensor = function(functions.unsqueeze(x, -1), -1, False, **options)
        return result
    result = function(x, axis, keepdims, **options)
    return result
