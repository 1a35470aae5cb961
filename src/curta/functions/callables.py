"""Python functions of single elements: slow, and for whatever there is no other function for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from curta import host
from curta.device import META
from curta.dtypes import DType, bool_
from curta.errors import ArgumentTypeError, AutogradError, DTypeError
from curta.functions.inplace import copy_, scalar_name
from curta.functions.operands import tensor as check
from curta.lazy import LazyModule
from curta.number_formats import iinfo
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Put what a Python function makes of each element in its place; for tensors that want no gradient.

    >>> import curta
    >>> curta.tensor([1.0, 2.0]).apply_(lambda x: x + 10)
    tensor([11., 12.])
    """
    return _called("apply_", input, (), callable)


def map_(input: Tensor, other: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Put what a Python function makes of each element and that of `other` (which broadcasts) in its place.

    >>> import curta
    >>> curta.tensor([1.0, 2.0]).map_(curta.tensor([3.0]), lambda x, y: x * y)
    tensor([3., 6.])
    """
    return _called("map_", input, (("'other'", other),), callable)


def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """As `map_`, with two other tensors.

    >>> import curta
    >>> curta.tensor([1.0]).map2_(curta.tensor([2.0]), curta.tensor([3.0]), lambda a, b, c: a + b * c)
    tensor([7.])
    """
    return _called("map2_", input, (("argument 'x'", x), ("argument 'y'", y)), callable)


def _called(name: str, input: Tensor, others: tuple[tuple[str, Any], ...], function: Callable[..., Any]) -> Tensor:
    layout = input.layout
    for word, other in others:
        check(name, other, word.split("'")[1])
        if other.layout.dtype is not layout.dtype:
            wanted, given = scalar_name(layout.dtype), scalar_name(other.layout.dtype)
            raise ArgumentTypeError(f"{name}: expected torch.{wanted}Tensor for {word} (got torch.{given}Tensor)")
    if input.requires_grad or any(other.requires_grad for _, other in others):
        raise AutogradError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")
    if not callable_(function):
        raise ArgumentTypeError(f"'{type(function).__name__}' object is not callable")
    if layout.device is META:
        return input
    columns = [_elements(one if one is input else one.expand(layout.shape)) for one in (input, *(o for _, o in others))]
    results = [_stored(function(*elements), layout.dtype) for elements in zip(*columns, strict=True)]
    values = np.array(results, np.float64 if layout.dtype.is_floating_point else layout.dtype.numpy)
    made = host.tensor_from(values.reshape(layout.shape), layout.dtype)
    host.charge(name, layout.nbytes * len(columns), made)
    return copy_(input, made)


def callable_(function: object) -> bool:
    """Whether it can be called: the built-in one's name is taken by PyTorch's argument."""
    return hasattr(function, "__call__")  # noqa: B004


def _elements(tensor: Tensor) -> list[Any]:
    found: list[Any] = tensor.reshape(-1).tolist()
    return found


def _stored(value: Any, dtype: DType) -> Any:
    """A result as a number that the format has; an error for what is no number, and for what does not fit."""
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise ArgumentTypeError(f"must be real number, not {type(value).__name__}")
    if dtype.is_floating_point:
        return float(value)
    if dtype is bool_:
        return bool(value)
    limits = iinfo(dtype)
    number = float(value)
    if number != number or not limits.min - 1 < number < limits.max + 1:
        raise DTypeError(f"value cannot be converted to type {dtype.name} without overflow")
    return int(value)
