"""The shape of a tensor as people see it."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from operator import index
from typing import Any, Self

from curta.errors import ArgumentTypeError


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple of integers that prints as PyTorch prints it, so that programs show the same text.

    Raises `ArgumentTypeError` for anything but integers.

    >>> Size((2, 3)), Size((2, 3)).numel(), Size((2, 3))[1:]
    (torch.Size([2, 3]), 6, torch.Size([3]))
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Self:
        given = tuple(sizes)
        for place, size in enumerate(given):
            if type(size) is not int and not hasattr(size, "__index__"):
                kind = type(size).__name__
                raise ArgumentTypeError(f"torch.Size() takes an iterable of 'int' (item {place} is '{kind}')")
        return tuple.__new__(cls, (int(index(size)) for size in given))

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return tuple.__new__(Size, found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, other))

    # what is no tuple and no integer may know better: an array

    def __radd__(self, other: Any) -> Any:
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return tuple.__new__(Size, tuple.__mul__(self, times)) if isinstance(times, int) else NotImplemented

    __rmul__ = __mul__
