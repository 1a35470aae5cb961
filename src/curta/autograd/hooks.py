"""Functions that people attach to the backward pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from curta.errors import ArgumentTypeError, AutogradError
from curta.memory.living import LEAVES

_next_key = itertools.count().__next__


class Hooks:
    """What is attached to one node: to its outputs' gradients, and to the node as a whole."""

    __slots__ = ("after", "before", "retained", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, dict[int, Any]] = {}
        #: outputs whose gradient is kept, as weak references: the tensor holds the node already
        self.retained: dict[int, Any] = {}
        self.before: dict[int, Any] = {}
        self.after: dict[int, Any] = {}


class Handle:
    """Takes a hook away again; also a context manager that does so at its end."""

    def __init__(self, hooks: dict[int, Any], hook: Callable[..., Any]) -> None:
        self._hooks = hooks
        self._key = _next_key()
        hooks[self._key] = hook

    def remove(self) -> None:
        """Forget the hook; harmless when it is gone already."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def through(hooks: dict[int, Any], gradient: Any) -> Any:
    """`gradient` after all the hooks on it, in the order they were added."""
    for hook in tuple(hooks.values()):
        found = hook(gradient)
        if found is None:
            continue
        name = getattr(hook, "__name__", type(hook).__name__)
        if not hasattr(found, "layout"):
            raise ArgumentTypeError(f"expected Variable, but hook returned '{type(found).__name__}'")
        if found.layout.shape != gradient.layout.shape:
            raise AutogradError(f"hook '{name}' has changed the size of value")
        if found.layout.dtype is not gradient.layout.dtype:
            raise AutogradError(
                f"hook '{name}' has changed the type of value (was {gradient.layout} got {found.layout})"
            )
        gradient = found
    return gradient


def before_node(hooks: Hooks, gradients: list[Any]) -> list[Any]:
    """The gradients that reach a node, after the hooks on its outputs and on itself; kept ones are stored."""
    for output, attached in hooks.tensor.items():
        if gradients[output] is not None:
            gradients[output] = through(attached, gradients[output])
    for output, reference in hooks.retained.items():
        tensor = reference()
        if tensor is not None and gradients[output] is not None:
            held = tensor._grad
            tensor._grad = gradients[output] if held is None else held + gradients[output]
            LEAVES.add(tensor)
    for hook in tuple(hooks.before.values()):
        found = hook(tuple(gradients))
        if found is not None:
            gradients = list(found) if isinstance(found, (tuple, list)) else [found]
    return gradients


def after_node(hooks: Hooks, results: tuple[Any, ...], gradients: list[Any]) -> tuple[Any, ...]:
    """The gradients that leave a node, after the hooks on it."""
    for hook in tuple(hooks.after.values()):
        found = hook(results, tuple(gradients))
        if found is not None:
            results = tuple(found) if isinstance(found, (tuple, list)) else (found,)
    return results
