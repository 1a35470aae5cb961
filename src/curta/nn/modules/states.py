"""A module's state from a state dict: what fits is copied or taken over, everything else is said at once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.errors import ShapeError
from curta.memory.changes import CHANGES
from curta.nn.parameter import Parameter
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.nn.modules.module import Module


def load(module: Module, given: Mapping[str, Any], strict: bool, assign: bool) -> tuple[list[str], list[str]]:
    """Fill the parameters and buffers; the names that were missing and those that are unknown.

    Everything is checked before anything changes.
    """
    own = module.state_dict(keep_vars=True)
    missing = [key for key in own if key not in given and not _is_newer(module, key)]
    unexpected = [key for key in given if key not in own]
    found = {key: _of_this_age(tensor, given[key]) for key, tensor in own.items() if key in given}
    problems = [text for key, value in found.items() if (text := _problem(key, own[key], value, assign)) is not None]
    if strict and unexpected:
        problems.insert(0, "Unexpected key(s) in state_dict: " + ", ".join(f'"{k}"' for k in unexpected) + ". ")
    if strict and missing:
        problems.insert(0, "Missing key(s) in state_dict: " + ", ".join(f'"{k}"' for k in missing) + ". ")
    if problems:
        raise ShapeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems))
    for key, value in found.items():
        if assign:
            _take_over(module, key, value)
        else:
            _copy(key, own[key], value)
    return missing, unexpected


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
