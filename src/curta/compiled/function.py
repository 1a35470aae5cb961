"""`curta.compile`: a function that is recorded once for each kind of arguments, and from then on runs as a program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from curta.autograd.state import STATE
from curta.compiled.differentiable import Backward, DifferentiableProgram, has_history
from curta.compiled.profile import Profile
from curta.compiled.program import Program
from curta.compiled.recorder import Recorder
from curta.default_dtype import get_default_dtype
from curta.errors import ArgumentTypeError, CompileError
from curta.shapes import storage_extent
from curta.tensor import Tensor

_PLAIN = (int, float, bool, str, bytes, type(None))


class CompiledFunction:
    """What `compile` gives: call it as the function itself. `programs` are those made so far."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._names = _outside_names(function)
        self._programs: dict[Any, list[Program]] = {}

    @property
    def programs(self) -> list[Program]:
        """Every program made so far, in the order they were made."""
        return [program for made in self._programs.values() for program in made]

    @property
    def program(self) -> Program:
        """The only program, or the one made last; CompileError before the first call."""
        if not self._programs:
            raise CompileError("compile: there is no program before the first call")
        return self.programs[-1]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result; its first call with arguments of a kind records and compiles it."""
        if STATE.recorder is not None or STATE.graph is not None:
            return self._function(*args, **kwargs)
        tensors: list[Tensor] = []
        kind = (_kind(args, tensors), _kind(kwargs, tensors) if kwargs else None, *self._circumstances())
        known = self._programs.setdefault(kind, [])
        for program in known:
            if program.fits():
                return program.run(tensors)
        program = self._record(args, kwargs, tensors)
        try:
            result = program.run(tensors)
        except BaseException:
            program.withdraw()
            raise
        known.append(program)
        return result

    def profile(self, *args: Any, **kwargs: Any) -> Profile:
        """Run the program for these arguments once more, with all its effects, timing each operator by itself."""
        tensors: list[Tensor] = []
        kind = (_kind(args, tensors), _kind(kwargs, tensors) if kwargs else None, *self._circumstances())
        for program in self._programs.get(kind, ()):
            if program.fits():
                return program.profile(tensors)
        raise CompileError("compile: there is no program for these arguments yet: call the function first")

    def _circumstances(self) -> tuple[Any, ...]:
        """What else a program is made for: modes, and what the function's own names stand for."""
        state = STATE
        modes = (state.grad_enabled, state.inference, state.autocast, get_default_dtype())
        return (*modes, *[_identity(_value(where, name)) for where, name in self._names]) if self._names else modes

    def _record(self, args: Any, kwargs: Any, tensors: list[Tensor]) -> Program:
        recorder = Recorder()
        with recorder:
            placeholders = [_placeholder(recorder, tensor) for tensor in tensors]
            again = iter(placeholders)
            result = self._function(*_replaced(args, again), **_replaced(kwargs, again))
            found: list[Tensor] = []
            shape = _kind(result, found)
            backward = Backward(recorder, found) if any(map(has_history, found)) else None
        rebuild = functools.partial(_rebuilt, shape)
        try:
            if backward is None:
                return Program(recorder, placeholders, found, rebuild)
            return DifferentiableProgram(recorder, placeholders, found, rebuild, backward)
        finally:
            recorder.forget()


def compile(function: Callable[..., Any]) -> Any:  # the name PyTorch gave it
    """A function of tensors, a module, or a whole training step, as one program for each kind of arguments.

    The first call with arguments of new shapes, formats or modes records what the function does, plans its memory and
    compiles it; later calls run that without Python in between. Results, parameters and optimizer state are those of
    the function itself. CompileError for what depends on a tensor's values, with the line.

    >>> import curta
    >>> @compile
    ... def twice(x):
    ...     return x + x
    >>> twice(curta.ones(2)), twice(curta.ones(2))
    (tensor([2., 2.]), tensor([2., 2.]))
    >>> len(twice.programs)
    1
    """
    if not callable(function):
        raise ArgumentTypeError(f"compile: requires a function or a module, got {type(function).__name__}")
    return CompiledFunction(function)


# what a call is made of


def _kind(value: Any, tensors: list[Tensor]) -> Any:
    """A hashable description of a value; its tensors are gathered, and described by layout alone."""
    if isinstance(value, Tensor):
        tensors.append(value)
        place = -1
        if len(tensors) > 1:
            place = next((n for n, other in enumerate(tensors[:-1]) if other is value), -1)
        return Tensor, value.layout, value._requires_grad, value._grad is None, place
    if isinstance(value, _PLAIN):
        return type(value), value
    if isinstance(value, list | tuple):
        return type(value), tuple([_kind(item, tensors) for item in value])
    if isinstance(value, dict):
        return dict, tuple(value), tuple([_kind(item, tensors) for item in value.values()])
    return _identity(value)


class _Same:
    """A key by identity that keeps its object alive, so that the identity is not given to another one."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def _identity(value: Any) -> Any:
    return (type(value), value) if isinstance(value, _PLAIN) else _Same(value)


def _replaced(value: Any, placeholders: Any) -> Any:
    """The value with the next placeholder in each tensor's place."""
    if isinstance(value, Tensor):
        return next(placeholders)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[_replaced(item, placeholders) for item in value])
    if isinstance(value, list | tuple):
        return type(value)([_replaced(item, placeholders) for item in value])
    if isinstance(value, dict):
        return {name: _replaced(item, placeholders) for name, item in value.items()}
    return value


def _rebuilt(shape: Any, results: list[Tensor]) -> Any:
    """A result of the described shape, from the tensors of a run."""
    remaining = iter(results)

    def build(part: Any) -> Any:
        if isinstance(part, _Same):
            return part.value
        kind = part[0]
        if kind is Tensor:
            return next(remaining)
        if kind is dict:
            return dict(zip(part[1], [build(item) for item in part[2]], strict=True))
        if issubclass(kind, list | tuple):
            items = [build(item) for item in part[1]]
            return kind(*items) if hasattr(kind, "_fields") else kind(items)
        return part[1]

    return build(shape)


def _placeholder(recorder: Recorder, tensor: Tensor) -> Tensor:
    layout = tensor.layout
    nbytes = storage_extent(layout.shape, layout.strides, 0) * layout.dtype.itemsize
    made = Tensor._make(recorder.storage(recorder.buffer("argument", nbytes)), layout, 0)
    made._requires_grad = tensor._requires_grad
    return made


# what a function finds outside


def _outside_names(function: Any) -> list[tuple[Any, str]]:
    """The globals and closure cells that a function names: (where to look, name)."""
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    found: list[tuple[Any, str]] = [(function.__globals__, name) for name in code.co_names]
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    return [*((where, name) for where, name in found if name in where), *((cell, name) for name, cell in cells)]


def _value(where: Any, name: str) -> Any:
    if isinstance(where, dict):
        return where.get(name)
    try:
        return where.cell_contents
    except ValueError:  # not filled yet
        return None
