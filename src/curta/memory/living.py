"""Who may hold memory for something: leaves, modules, optimizers and programs, each known for as long as it lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar
from weakref import ref

Kept = TypeVar("Kept")


class _Known(ref[Any]):
    """A weak reference that remembers the identity of what it refers to."""

    __slots__ = ("key",)

    key: int


class Living(Generic[Kept]):
    """The objects of one kind that are alive, told apart by identity: tensors compare element by element.

    >>> class Thing: ...
    >>> things, one = Living(), Thing()
    >>> things.add(one)
    >>> things.add(one)
    >>> list(things) == [one]
    True
    >>> del one
    >>> list(things)
    []
    """

    def __init__(self) -> None:
        known: dict[int, Any] = {}

        def forget(reference: Any) -> None:
            key = reference.key
            if known.get(key) is reference:  # else the identity is somebody else's by now
                del known[key]

        self._known = known
        self._forget = forget

    def add(self, one: Kept) -> None:
        """Know an object from now on; nothing changes if it is known."""
        key = id(one)
        if key not in self._known:
            reference = _Known(one, self._forget)
            reference.key = key
            self._known[key] = reference

    def __iter__(self) -> Iterator[Kept]:
        for reference in tuple(self._known.values()):
            one = reference()
            if one is not None:
                yield one


#: tensors that wanted a gradient once, or were given one
LEAVES: Living[Any] = Living()
MODULES: Living[Any] = Living()
OPTIMIZERS: Living[Any] = Living()
PROGRAMS: Living[Any] = Living()
