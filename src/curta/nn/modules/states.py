"""A module's state from a state dict: what fits is copied or taken over, everything else is said at once."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.errors import ShapeError
from curta.memory.changes import CHANGES
from curta.nn.modules.hooks import refuse_result
from curta.nn.parameter import Parameter
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.nn.modules.module import IncompatibleKeys, Module


EXTRA = "_extra_state"


def save(module: Module, found: dict[str, Any], prefix: str, keep_vars: bool) -> None:
    """Put the state of a module and of all below into `found`, with the hooks before and after each."""
    for hook in tuple(module._state_hooks["save_before"].values()):
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(found, prefix, keep_vars)
    if _has_extra(module):
        found[prefix + EXTRA] = module.get_extra_state()
    for name, below in module._modules.items():
        if below is not None:
            save(below, found, f"{prefix}{name}.", keep_vars)
    for hook in tuple(module._state_hooks["save_after"].values()):
        refuse_result("state_dict", hook(module, found, prefix, {}))


def _has_extra(module: Module) -> bool:
    from curta.nn.modules.module import Module

    return type(module).get_extra_state is not Module.get_extra_state


def load(module: Module, given: Mapping[str, Any], strict: bool, assign: bool, told: IncompatibleKeys) -> None:
    """Fill the parameters and buffers; `told` gets the names that were missing and those that are unknown.

    Everything is checked before anything changes, but by hooks that come after.
    """
    from curta.nn.modules.module import Module

    missing, unexpected = told
    parts = dict(module.named_modules(remove_duplicate=False))
    problems: list[str] = []
    given = OrderedDict(given)
    for path, part in parts.items():
        for hook in tuple(part._state_hooks["load_before"].values()):
            prefix = f"{path}." if path else ""
            hook(part, given, prefix, {}, strict, missing, unexpected, problems)
    own: dict[str, Any] = {}
    for path, part in parts.items():
        Module._save_to_state_dict(part, own, f"{path}." if path else "", True)
    extra = {f"{path}.{EXTRA}" if path else EXTRA: part for path, part in parts.items() if _has_extra(part)}
    missing += [key for key in own if key not in given and not _is_newer(module, key)]
    missing += [key for key in extra if key not in given]
    unexpected += [key for key in given if key not in own and key not in extra]
    found = {key: _of_this_age(own[key], given[key]) for key in own if key in given}
    problems += [text for key, value in found.items() if (text := _problem(key, own[key], value, assign)) is not None]
    later = [(part, hook) for part in reversed(parts.values()) for hook in part._state_hooks["load_after"].values()]
    if problems or not later:
        _refuse(module, problems, strict, told)
    for key, value in found.items():
        if assign:
            _take_over(module, key, value)
        else:
            _copy(key, own[key], value)
    for key, part in extra.items():
        if key in given:
            part.set_extra_state(given[key])
    for part, hook in later:
        refuse_result("load_state_dict", hook(part, told))
    _refuse(module, [], strict, told)


def _refuse(module: Module, problems: list[str], strict: bool, told: IncompatibleKeys) -> None:
    """ShapeError that lists all that does not fit."""
    missing, unexpected = told
    if strict and unexpected:
        problems.insert(0, "Unexpected key(s) in state_dict: " + ", ".join(f'"{k}"' for k in unexpected) + ". ")
    if strict and missing:
        problems.insert(0, "Missing key(s) in state_dict: " + ", ".join(f'"{k}"' for k in missing) + ". ")
    if problems:
        raise ShapeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems))


def _is_newer(module: Module, key: str) -> bool:
    path, _, name = key.rpartition(".")
    return name in module.get_submodule(path)._newer_state


def _of_this_age(tensor: Tensor, value: Any) -> Any:
    """Very old checkpoints have vectors of one element where there are numbers now."""
    old = isinstance(value, Tensor) and tensor.layout.shape == () and value.layout.shape == (1,)
    return value[0] if old else value


def _problem(key: str, tensor: Tensor, value: Any, assign: bool) -> str | None:
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    if value.layout.shape != tensor.layout.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {tensor.shape}."
        )
    if assign and tensor._requires_grad and not value.layout.dtype.is_floating_point:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.shape} and whose '
            f"dimensions in the checkpoint are {value.shape}, an exception occurred : "
            "('Only Tensors of floating point and complex dtype can require gradients',)."
        )
    return None


def _copy(key: str, tensor: Tensor, value: Tensor) -> None:
    if tensor.is_meta and not value.is_meta:
        warnings.warn(
            f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current model, "
            "which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary to their "
            "corresponding key in the module instead of copying them in place?)",
            stacklevel=4,
        )
    tensor.detach().copy_(value.detach())


def _take_over(module: Module, key: str, value: Tensor) -> None:
    """Let the module have the given tensor itself: as a parameter that wants a gradient as the one before did."""
    if STATE.recorder is not None:
        STATE.recorder.refuse_rebinding()
    path, _, name = key.rpartition(".")
    owner = module.get_submodule(path)
    before = owner._parameters.get(name)
    if before is None:
        owner._buffers[name] = value.detach() if isinstance(value, Parameter) else value
    elif isinstance(value, Parameter):
        owner._parameters[name] = value.requires_grad_(before._requires_grad)
    else:
        owner._parameters[name] = Parameter(value, before._requires_grad)
    CHANGES.note()
