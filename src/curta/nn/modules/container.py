"""Modules that hold modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Self

from curta.errors import ArgumentError, ArgumentTypeError, IndexRangeError
from curta.memory.changes import CHANGES
from curta.nn.modules.module import Module


class _Numbered(Module):
    """Modules whose names are their places."""

    def _renumber(self, modules: Iterable[Module]) -> None:
        CHANGES.note()
        self._modules.clear()
        for place, module in enumerate(modules):
            self.add_module(str(place), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[_checked(index, len(self))], module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        if not isinstance(index, slice):
            _checked(index, len(modules))
        del modules[index]
        self._renumber(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        place = len(self)
        while str(place) in self._modules:  # part of a longer one, whose names it kept
            place += 1
        self.add_module(str(place), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        if not isinstance(modules, Iterable):
            raise ArgumentTypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module in front of the one at a place."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take a module out."""
        found = list(self)[_checked(index, len(self))]
        del self[index]
        return found

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, modules: Iterable[Module]) -> Self:
        if not isinstance(modules, Iterable):
            raise ArgumentError(f"add operator supports only iterables of modules, but {type(modules)} is given.")
        made = type(self)()
        return made.extend(self).extend(modules)


class Sequential(_Numbered):
    """Modules applied one after the other."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], Mapping) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            if module is not None:
                input = module(input)
        return input

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))
        return list(self._modules.values())[_checked(index, len(self))]


class ModuleList(_Numbered):
    """A list of modules."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def __getitem__(self, index: int | slice) -> Any:
        modules = list(self._modules.values())
        return ModuleList(modules[index]) if isinstance(index, slice) else modules[_checked(index, len(modules))]  # type: ignore[arg-type]

    def __repr__(self) -> str:
        """As a module is printed, neighbours that are printed alike only once."""
        lines, start = [], 0
        for text, group in groupby(map(repr, self)):
            count = len(list(group))
            name = f"({start}): " if count == 1 else f"({start}-{start + count - 1}): {count} x "
            lines.append("  " + (name + text).replace("\n", "\n  "))
            start += count
        return "\n".join([f"{type(self).__name__}(", *lines, ")"]) if lines else f"{type(self).__name__}()"


class ModuleDict(Module):
    """Modules by name."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def clear(self) -> None:
        """Forget all modules."""
        for key in list(self._modules):
            self.pop(key)

    def pop(self, key: str) -> Any:
        """Take a module out."""
        found = self[key]
        self._forget(key)
        return found

    def update(self, modules: Any) -> None:
        """Take over all of a mapping, or of an iterable of names and modules."""
        if not isinstance(modules, Iterable):
            raise ArgumentTypeError(
                "ModuleDict.update should be called with an iterable of key/value pairs, but got "
                f"{type(modules).__name__}"
            )
        pairs = modules.items() if isinstance(modules, ModuleDict | Mapping) else list(modules)
        for place, pair in enumerate(pairs):
            if len(pair) != 2:
                raise ArgumentError(
                    f"ModuleDict update sequence element #{place} has length {len(pair)}; 2 is required"
                )
            self[pair[0]] = pair[1]

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and modules."""
        return self._modules.items()


def _checked(index: int, size: int) -> int:
    if not -size <= index < size:
        raise IndexRangeError(f"index {index} is out of range")
    return index % size
