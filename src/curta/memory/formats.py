"""The orders in which PyTorch's `memory_format` names dimensions lie in memory."""

from __future__ import annotations

from typing import Any

from curta.errors import ShapeError, UnsupportedError
from curta.memory.layout import Shape


class MemoryFormat:
    """One order: row-major, as it was, or with channels last; the four objects of this file are all there are.

    >>> import curta
    >>> curta.channels_last
    curta.channels_last
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"curta.{self.name}"

    def __reduce__(self) -> str:
        return self.name


contiguous_format = MemoryFormat("contiguous_format")
preserve_format = MemoryFormat("preserve_format")
channels_last = MemoryFormat("channels_last")
channels_last_3d = MemoryFormat("channels_last_3d")

_ORDERS = {"channels_last": (0, 2, 3, 1), "channels_last_3d": (0, 2, 3, 4, 1)}


class Strided:
    """The one layout of tensors that there is, as PyTorch's `torch.strided`."""

    def __repr__(self) -> str:
        return "curta.strided"


strided = Strided()


def channel_order(name: str, given: Any, rank: int) -> tuple[int, ...] | None:
    """The dimensions from outermost to innermost where channels come last, else None; ShapeError for another rank."""
    if given is None or given is contiguous_format or given is preserve_format:
        return None
    if not isinstance(given, MemoryFormat):
        raise UnsupportedError(f"{name}(): the argument 'memory_format' is not supported")
    order = _ORDERS[given.name]
    if rank != len(order):
        raise ShapeError(f"required rank {len(order)} tensor to use {given.name} format")
    return order


def suggested_order(shape: Shape, strides: Shape) -> tuple[int, ...] | None:
    """The dimensions from outermost to innermost where a tensor lies as with channels last, else None.

    Where sizes of 1 leave it open, PyTorch's rule: a batch whose stride is that of the channels is row-major.
    """
    order = next((one for one in _ORDERS.values() if len(one) == len(shape)), None)
    if order is None or not strides[1]:
        return None
    least = 0
    for dim in reversed(order):
        if not shape[dim] or strides[dim] < least or (dim == 0 and least == strides[1]):
            return None
        least = strides[dim] * shape[dim] if shape[dim] > 1 else strides[dim]
    return order


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes another."""
    return tuple(order.index(place) for place, _ in enumerate(order))
