"""The modes of a thread: gradients remembered or not, and inference."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import get_ident
from typing import Any, TypeVar

from curta.autograd.state import STATE
from curta.memory.storage import INFERENCE_THREADS

F = TypeVar("F", bound=Callable[..., Any])


def _switch(grad_enabled: bool, inference: bool) -> None:
    STATE.grad_enabled = grad_enabled
    if inference is not STATE.inference:
        STATE.inference = inference
        (INFERENCE_THREADS.add if inference else INFERENCE_THREADS.discard)(get_ident())


class _Mode(ABC):
    """A mode for the current thread: a context manager, and a decorator of functions and generators."""

    def __init__(self) -> None:
        self._before: list[tuple[bool, bool]] = []

    def __new__(cls, function: Any = None, *args: Any) -> Any:
        """The mode; or the decorated function, when used as a decorator without brackets."""
        made = super().__new__(cls)
        if callable(function):
            made.__init__()  # type: ignore[misc]
            return made(function)
        return made

    @abstractmethod
    def _values(self) -> tuple[bool, bool]:
        """(gradients on, inference) inside the mode."""

    def __enter__(self) -> None:
        self._before.append((STATE.grad_enabled, STATE.inference))
        _switch(*self._values())

    def __exit__(self, *exception: object) -> None:
        _switch(*self._before.pop())

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return _generator_inside(self._fresh, function)  # type: ignore[return-value]

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]

    def _fresh(self) -> _Mode:
        made: _Mode = type(self)()
        return made


def _generator_inside(fresh: Callable[[], _Mode], function: Callable[..., Any]) -> Callable[..., Any]:
    """A generator whose own code runs in a mode, while the code that takes its values does not."""

    @functools.wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with fresh():
            generator = function(*args, **kwargs)
        step: Callable[[], Any] = functools.partial(next, generator)
        try:
            while True:
                with fresh():
                    value = step()
                try:
                    sent = yield value
                    step = functools.partial(generator.send, sent)
                except GeneratorExit:
                    with fresh():
                        generator.close()
                    raise
                except BaseException as problem:  # it belongs to the generator, whatever it is
                    step = functools.partial(generator.throw, problem)
        except StopIteration as end:
            return end.value

    return inside


class no_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Inside, operators are not remembered for backward.

    >>> import curta
    >>> x = curta.ones(2, requires_grad=True)
    >>> with curta.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def _values(self) -> tuple[bool, bool]:
        return (False, STATE.inference)


class enable_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Inside, operators are remembered again, within `no_grad`."""

    def _values(self) -> tuple[bool, bool]:
        return (not STATE.inference, STATE.inference)


class inference_mode(_Mode):  # noqa: N801 - PyTorch's name
    """Like `no_grad`; tensors made inside can never be saved for backward."""

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = mode

    def _values(self) -> tuple[bool, bool]:
        return (False, True) if self.mode else (True, False)

    def _fresh(self) -> _Mode:
        made: _Mode = inference_mode(self.mode)
        return made


class set_grad_enabled(_Mode):  # noqa: N801 - PyTorch's name
    """Turns remembering on or off: at once when called, and until the end when used with `with` or as a decorator."""

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = bool(mode) and not STATE.inference
        self._at_call = STATE.grad_enabled
        STATE.grad_enabled = self.mode

    def _values(self) -> tuple[bool, bool]:
        return (self.mode, STATE.inference)

    def __enter__(self) -> None:
        self._before.append((self._at_call, STATE.inference))
        STATE.grad_enabled = self.mode

    def __call__(self, function: F) -> F:
        STATE.grad_enabled = self._at_call  # a decorator changes nothing until the function is called
        return super().__call__(function)

    def _fresh(self) -> _Mode:
        made: _Mode = set_grad_enabled(self.mode)
        return made


def is_grad_enabled() -> bool:
    """Whether operators are remembered for backward on this thread."""
    return STATE.grad_enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return STATE.inference
