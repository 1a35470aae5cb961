"""Functions that people attach to modules: around their calls, their gradients, and their state dicts."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from curta.autograd.function import Function
from curta.autograd.hooks import Handle
from curta.errors import AutogradError, CurtaWarning, ShapeError
from curta.return_types import rebuilt
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.nn.modules.module import Module


class Hook(NamedTuple):
    """A function around a call, and how it wants to be called."""

    call: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


class Table:
    """The hooks around the calls of one module, or of all."""

    def __init__(self) -> None:
        self.before: OrderedDict[int, Any] = OrderedDict()
        self.after: OrderedDict[int, Any] = OrderedDict()
        self.backward_before: OrderedDict[int, Any] = OrderedDict()
        self.backward_after: OrderedDict[int, Any] = OrderedDict()


#: the hooks around the calls of all modules, and those that hear of what modules are given
GLOBAL = Table()
#: not empty once there has been a hook on all modules: what calls look at
EVERYWHERE: list[Handle] = []
REGISTRATIONS: dict[str, OrderedDict[int, Any]] = {
    kind: OrderedDict() for kind in ("parameter", "buffer", "module")
}  # fmt: skip


def attached(hooks: OrderedDict[int, Any], hook: Any, prepend: bool = False) -> Handle:
    """Add a hook, in front of the others or behind them."""
    handle = Handle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle._key, last=False)
    return handle


def registered(kind: str, module: Module, name: str, value: Any) -> Any:
    """`value`, or what the global hooks of registration put in its place."""
    for hook in tuple(REGISTRATIONS[kind].values()):
        changed = hook(module, name, value)
        value = value if changed is None else changed
    return value


# around a call


def call(module: Module, args: Any, kwargs: dict[str, Any]) -> Any:
    """`module.forward` with all hooks around it; those with `always_call` also where something is raised."""
    finished: set[int] = set()
    state: dict[str, Any] = {"args": args, "kwargs": kwargs, "result": None}
    try:
        return _called(module, state, finished)
    except Exception:
        for key, hook in _both(module, "after"):
            if hook.always_call and key not in finished:
                try:
                    changed = _after(module, hook, state)
                    state["result"] = state["result"] if changed is None else changed
                except Exception as error:
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        CurtaWarning,
                        stacklevel=2,
                    )
        raise


def _both(module: Module, kind: str) -> Iterator[tuple[int, Any]]:
    """The hooks of all modules, then those of this one."""
    yield from tuple(getattr(GLOBAL, kind).items())
    if module._call_hooks is not None:
        yield from tuple(getattr(module._call_hooks, kind).items())


def _called(module: Module, state: dict[str, Any], finished: set[int]) -> Any:
    for _, hook in _both(module, "before"):
        _before(module, hook, state)
    backward_before, backward_after = (
        tuple(hook for _, hook in _both(module, kind)) for kind in ("backward_before", "backward_after")
    )
    border = _Border(module, backward_before, backward_after) if backward_before or backward_after else None
    if border is not None:
        state["args"] = border.entered(state["args"])
    state["result"] = module.forward(*state["args"], **state["kwargs"])
    for key, hook in _both(module, "after"):
        if hook.always_call:
            finished.add(key)
        changed = _after(module, hook, state)
        state["result"] = state["result"] if changed is None else changed
    return state["result"] if border is None else border.left(state["result"])


def _before(module: Module, hook: Hook, state: dict[str, Any]) -> None:
    if not hook.with_kwargs:
        changed = hook.call(module, state["args"])
        if changed is not None:
            state["args"] = changed if isinstance(changed, tuple) else (changed,)
        return
    changed = hook.call(module, state["args"], state["kwargs"])
    if changed is not None:
        if not isinstance(changed, tuple) or len(changed) != 2:
            raise ShapeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
            )
        state["args"], state["kwargs"] = changed


def _after(module: Module, hook: Hook, state: dict[str, Any]) -> Any:
    if hook.with_kwargs:
        return hook.call(module, state["args"], state["kwargs"], state["result"])
    return hook.call(module, state["args"], state["result"])


# around the gradients


class _Passing(Function):
    """Tensors as they are; their gradients go through a function."""

    @staticmethod
    def forward(ctx: Any, change: Callable[[tuple[Any, ...]], Any], *tensors: Any) -> Any:
        ctx.set_materialize_grads(False)
        ctx.change = change
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return (None, *ctx.change(gradients))


class _Border:
    """One call of a module whose gradients are watched: what goes in and what comes out."""

    def __init__(self, module: Module, before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
        self.module = module
        self.before = before
        self.after = after
        self.outward: tuple[Any, ...] | None = None
        self.inside = False

    def entered(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, whose gradients are given to the hooks."""
        self.arguments = len(args)
        places = [place for place, one in enumerate(args) if isinstance(one, Tensor) and one.requires_grad]
        if not places:
            return args
        self.inside = True

        def change(gradients: tuple[Any, ...]) -> Any:
            found = [None] * len(args)
            for place, gradient in zip(places, gradients, strict=True):
                found[place] = gradient
            inward = self._heard(tuple(found))
            self.outward = None
            return tuple(inward[place] for place in places)

        made = list(args)
        for place, one in zip(places, _Passing.apply(change, *(args[place] for place in places)), strict=True):
            made[place] = one
        return tuple(made)

    def left(self, result: Any) -> Any:
        """The result, whose gradients are noted, and changed by the hooks that come before."""
        alone = not isinstance(result, tuple)
        values = (result,) if alone else result
        places = [place for place, one in enumerate(values) if isinstance(one, Tensor) and one.requires_grad]
        if not places:
            return result

        def change(gradients: tuple[Any, ...]) -> Any:
            found = [None] * len(values)
            for place, gradient in zip(places, gradients, strict=True):
                found[place] = gradient
            outward: tuple[Any, ...] = tuple(found)
            for hook in self.before:
                changed = hook(self.module, outward)
                if changed is not None:
                    outward = _checked("Backward pre hook", "grad_output", changed, len(outward))
            self.outward = outward
            if not self.inside:  # nothing that goes in has a gradient
                changed = self._heard((None,) * self.arguments)
                if any(one is not None for one in changed):
                    raise AutogradError(
                        "Backward hook for Modules where no input requires gradient should always return None or None "
                        "for all gradients."
                    )
                self.outward = None
            return tuple(outward[place] for place in places)

        made = list(values)
        for place, one in zip(places, _Passing.apply(change, *(values[place] for place in places)), strict=True):
            made[place] = one
        return made[0] if alone else rebuilt(result, made)

    def _heard(self, inward: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.outward is None:
            raise AutogradError(
                "Module backward hook for grad_input is called before the grad_output one. This happens because the "
                "gradient in your nn.Module flows to the Module's input without passing through the Module's output. "
                "Make sure that the output depends on the input and that the loss is computed based on the output."
            )
        for hook in self.after:
            changed = hook(self.module, inward, self.outward)
            if changed is not None:
                inward = _checked("Backward hook", "grad_input", changed, len(inward))
        return inward


def _checked(kind: str, name: str, changed: Any, count: int) -> tuple[Any, ...]:
    found = changed if isinstance(changed, tuple) else (changed,)
    if len(found) != count:
        raise AutogradError(f"{kind} returned an invalid number of {name}, got {len(found)}, but expected {count}")
    return found


# of all modules


def _everywhere(kind: str, hook: Any) -> Handle:
    handle = attached(getattr(GLOBAL, kind), hook)
    EVERYWHERE[:] = [handle]
    return handle


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, inputs)` before every call of any module; what it returns takes the inputs' place."""
    return _everywhere("before", Hook(hook))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> Handle:
    """Call `hook(module, inputs, result)` after every call of any module; what it returns takes the result's place."""
    return _everywhere("after", Hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, grad_output)` before any module's gradients are worked out."""
    return _everywhere("backward_before", hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, grad_input, grad_output)` when the gradients of any module's inputs are known."""
    return _everywhere("backward_after", hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, name, parameter)` whenever a module gets a parameter; what it returns takes its place."""
    return attached(REGISTRATIONS["parameter"], hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, name, buffer)` whenever a module registers a buffer; what it returns takes its place."""
    return attached(REGISTRATIONS["buffer"], hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> Handle:
    """Call `hook(module, name, submodule)` whenever a module gets a submodule; what it returns takes its place."""
    return attached(REGISTRATIONS["module"], hook)


class HookMethods:
    """The methods of a module that attach hooks to it."""

    _call_hooks: Table | None
    _state_hooks: dict[str, OrderedDict[int, Any]]

    def _table(self) -> Table:
        if self._call_hooks is None:
            object.__setattr__(self, "_call_hooks", Table())
        found: Any = self._call_hooks
        return found

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call `hook(module, inputs)` before every call; what it returns takes the inputs' place.

        With `with_kwargs` it is `hook(module, inputs, kwargs)`, and gives both or None. `prepend` puts it in front.
        """
        return attached(self._table().before, Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Handle:
        """Call `hook(module, inputs, result)` after every call; what it returns takes the result's place.

        With `with_kwargs` it is `hook(module, inputs, kwargs, result)`; with `always_call` it runs where forward raises
        too.

        >>> import curta
        >>> layer = curta.nn.Identity()
        >>> handle = layer.register_forward_hook(lambda module, inputs, result: result * 2)
        >>> layer(curta.ones(2))
        tensor([2., 2.])
        """
        return attached(self._table().after, Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(module, grad_output)` before the module's gradients are worked out; it may give others."""
        return attached(self._table().backward_before, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are known; it may give others."""
        return attached(self._table().backward_after, hook, prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, prefix, keep_vars)` before the module's state is put into a state dict."""
        return attached(self._state_hooks["save_before"], hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after the module's state was saved."""
        return attached(self._state_hooks["save_after"], hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`
        before a state dict is loaded; it may change its copy of the state dict, and add to the lists.
        """
        return attached(self._state_hooks["load_before"], hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, incompatible_keys)` after a state dict was loaded; it may change the lists of keys."""
        return attached(self._state_hooks["load_after"], hook)


def state_hooks() -> dict[str, OrderedDict[int, Any]]:
    """No hooks on state dicts."""
    return {kind: OrderedDict() for kind in ("save_before", "save_after", "load_before", "load_after")}


def refuse_result(kind: str, result: Any) -> None:
    """ShapeError (a RuntimeError) for a hook on state dicts that gives something back."""
    if result is not None:
        raise ShapeError(f"{kind} post-hook must return None, got {type(result).__name__}: change what it is given")
