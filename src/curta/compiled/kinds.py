"""What a call is made of: which calls are of one kind and share a program, and what a result is built from."""

from __future__ import annotations

import dis
import math
from collections.abc import Callable, Iterator
from operator import itemgetter
from types import CellType, CodeType
from typing import Any

from curta.autograd.state import STATE
from curta.default_dtype import get_default_dtype
from curta.device import get_default_device
from curta.tensor import Tensor

_PLAIN = (int, float, bool, str, bytes, type(None))


def kind_of(value: Any, tensors: list[Tensor]) -> Any:
    """A hashable description of a value; its tensors are gathered, and described by layout alone."""
    if isinstance(value, Tensor):
        tensors.append(value)
        place = -1
        if len(tensors) > 1:
            place = next((n for n, other in enumerate(tensors[:-1]) if other is value), -1)
        return Tensor, value.layout, value._requires_grad, value._grad is None, place
    if isinstance(value, list | tuple):
        return type(value), tuple([kind_of(item, tensors) for item in value])
    if isinstance(value, dict):
        return dict, tuple(value), tuple([kind_of(item, tensors) for item in value.values()])
    return _identity(value)


def _identity(value: Any) -> Any:
    if not isinstance(value, _PLAIN):
        return Same(value)
    if isinstance(value, float) and not value > 0:  # 0.0 and -0.0 are equal, but not the same; NaN is not even equal
        return type(value), math.nan if math.isnan(value) else value, math.copysign(1, value)
    return type(value), value


class Same:
    """A key by identity that keeps its object alive, so that the identity is not given to another one."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Outside:
    """What a function finds beside its arguments: the thread's modes, and the globals and closure cells it names."""

    def __init__(self, function: Any) -> None:
        code = getattr(function, "__code__", None)
        names = () if code is None else tuple(dict.fromkeys(_global_names(code)))
        self.globals: list[tuple[dict[str, Any], str]] = [(function.__globals__, name) for name in names]
        self.cells: tuple[CellType, ...] = () if code is None else function.__closure__ or ()

    def kind(self) -> tuple[Any, ...]:
        """A hashable description of all of it as it is now."""
        named = [where.get(name) for where, name in self.globals]
        return (*_modes(), *map(_identity, named), *map(_identity, map(_content, self.cells)))


def _modes() -> tuple[Any, ...]:
    return STATE.grad_enabled, STATE.inference, STATE.autocast, get_default_dtype(), get_default_device()


def _global_names(code: CodeType) -> Iterator[str]:
    """The globals that a function reads, and those of the functions and comprehensions written inside it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


class Shortcut:
    """Recognises calls of the same kind as one call, without describing them.

    All is compared by identity: a call that it does not recognise may be of that kind nevertheless.
    """

    __slots__ = ("_args", "_cells", "_globals", "_modes", "_tensors")

    def __init__(self, args: tuple[Any, ...], outside: Outside) -> None:
        self._args = [
            (type(value), value.layout, value._requires_grad, value._grad is None)
            if isinstance(value, Tensor)
            else (None, value, False, False)
            for value in args
        ]
        self._tensors = [place for place, value in enumerate(args) if isinstance(value, Tensor)]
        self._modes = _modes()
        self._globals = [(where, name, where.get(name)) for where, name in outside.globals]
        self._cells = [(cell, _content(cell)) for cell in outside.cells]

    @classmethod
    def of(cls, args: tuple[Any, ...], outside: Outside) -> Shortcut | None:
        """For calls like this; None where identity is not enough: for what is in lists, for a tensor given twice."""
        tensors = [value for value in args if isinstance(value, Tensor)]
        if len(set(map(id, tensors))) < len(tensors) or any(isinstance(value, list | tuple | dict) for value in args):
            return None
        return cls(args, outside)

    def tensors(self, args: tuple[Any, ...]) -> list[Tensor] | None:
        """The tensors of a call that is of this kind; None where that is not sure."""
        if len(args) != len(self._args) or _modes() != self._modes:
            return None
        for value, (kind, what, wants, bare) in zip(args, self._args, strict=True):
            if kind is None:
                if value is not what:
                    return None
            elif (
                type(value) is not kind
                or value.layout is not what
                or value._requires_grad is not wants
                or (value._grad is None) is not bare
            ):
                return None
        for where, name, known in self._globals:
            if where.get(name) is not known:
                return None
        for cell, known in self._cells:
            if _content(cell) is not known:
                return None
        found = [args[place] for place in self._tensors]
        return found if len(found) < 2 or len(set(map(id, found))) == len(found) else None


def replaced(value: Any, placeholders: Any) -> Any:
    """The value with the next placeholder in each tensor's place."""
    if isinstance(value, Tensor):
        return next(placeholders)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[replaced(item, placeholders) for item in value])
    if isinstance(value, list | tuple):
        return type(value)([replaced(item, placeholders) for item in value])
    if isinstance(value, dict):
        return {name: replaced(item, placeholders) for name, item in value.items()}
    return value


def rebuilder(shape: Any) -> Callable[[list[Tensor]], Any]:
    """What makes a result of the described shape from the tensors of a run."""
    if isinstance(shape, Same):
        return lambda results: shape.value
    if shape[0] is Tensor:
        return itemgetter(0)
    if shape[0] is tuple and all(not isinstance(part, Same) and part[0] is Tensor for part in shape[1]):
        return tuple
    return lambda results: _built(shape, iter(results))


def _built(part: Any, remaining: Iterator[Tensor]) -> Any:
    if isinstance(part, Same):
        return part.value
    kind = part[0]
    if kind is Tensor:
        return next(remaining)
    if kind is dict:
        return dict(zip(part[1], [_built(item, remaining) for item in part[2]], strict=True))
    if issubclass(kind, list | tuple):
        items = [_built(item, remaining) for item in part[1]]
        return kind(*items) if hasattr(kind, "_fields") else kind(items)
    return part[1]
