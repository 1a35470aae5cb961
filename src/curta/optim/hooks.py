"""Functions that people attach to optimizers: around their steps, and around saving and loading."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from curta.autograd.hooks import Handle
from curta.errors import AutogradError

Hooks = OrderedDict[int, Callable[..., Any]]
F = TypeVar("F", bound=Callable[..., Any])

_KINDS = ("before_step", "after_step", "before_save", "after_save", "before_load", "after_load")

#: around the steps of all optimizers
_EVERYWHERE: dict[str, Hooks] = {"before_step": OrderedDict(), "after_step": OrderedDict()}


def _attached(hooks: Hooks, hook: Callable[..., Any], prepend: bool = False) -> Handle:
    handle = Handle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle._key, last=False)
    return handle


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> Handle:
    """`Optimizer.register_step_pre_hook` of all optimizers; these run first."""
    return _attached(_EVERYWHERE["before_step"], hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> Handle:
    """`Optimizer.register_step_post_hook` of all optimizers; these run last."""
    return _attached(_EVERYWHERE["after_step"], hook)


def hooked(step: F) -> F:
    """A `step` with the hooks around it; where one class's step calls another's, around the outermost."""
    if getattr(step, "hooked", False):
        return step

    @wraps(step)
    def inside(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._attached_hooks is None and not _EVERYWHERE["before_step"] and not _EVERYWHERE["after_step"]:
            return step(self, *args, **kwargs)
        if self._stepping:
            return step(self, *args, **kwargs)
        self._stepping = True
        try:
            return self._step_with_hooks(step, (self, *args), kwargs)
        finally:
            self._stepping = False

    inside.hooked = True  # type: ignore[attr-defined]
    return inside  # type: ignore[return-value]


class OptimizerHooks:
    """What every optimizer has of them; copies and pickles of an optimizer have none."""

    _attached_hooks: dict[str, Hooks] | None = None
    _stepping = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = cls.__dict__.get("step")
        if own is not None:
            cls.step = hooked(own)  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_attached_hooks"}

    def _hooks(self, kind: str) -> Hooks:
        if self._attached_hooks is None:
            self._attached_hooks = {name: OrderedDict() for name in _KINDS}
        return self._attached_hooks[kind]

    def _those(self, kind: str) -> tuple[Callable[..., Any], ...]:
        return () if self._attached_hooks is None else tuple(self._attached_hooks[kind].values())

    def _step_with_hooks(self, step: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        for hook in (*_EVERYWHERE["before_step"].values(), *self._those("before_step")):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise AutogradError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
            args, kwargs = changed
        found = step(*args, **kwargs)
        for hook in (*self._those("after_step"), *_EVERYWHERE["after_step"].values()):
            hook(self, args, kwargs)
        return found

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` before each step; the first of `args` is the optimizer.

        What it returns (if anything) is the pair of arguments that the step gets. In a compiled function hooks run when
        it is recorded.

        >>> import curta
        >>> optimizer = curta.optim.SGD([curta.ones(1, requires_grad=True)], lr=0.1)
        >>> handle = optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: print("now"))
        >>> optimizer.step()
        now
        """
        return _attached(self._hooks("before_step"), hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _attached(self._hooks("after_step"), hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` before each `state_dict`."""
        return _attached(self._hooks("before_save"), hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)` after each `state_dict`; what it returns (if anything) takes its place."""
        return _attached(self._hooks("after_save"), hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer, state_dict)` before each `load_state_dict`; what it returns takes the place of that."""
        return _attached(self._hooks("before_load"), hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(optimizer)` after each `load_state_dict`."""
        return _attached(self._hooks("after_load"), hook, prepend)

    def _changed(self, kind: str, state_dict: Any) -> Any:
        """A state dictionary after the hooks that may put another in its place."""
        for hook in self._those(kind):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict
