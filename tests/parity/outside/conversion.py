"""PyTorch's arguments as Curta's, over the same memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from tests.parity.outside.operators import named

import curta

Pairs = list[tuple[torch.Tensor, curta.Tensor]]


def _tensor(value: torch.Tensor) -> curta.Tensor:
    """The same part of the same storage."""
    plain = value.detach()
    if plain.is_conj() or plain.is_neg():
        plain = plain.clone()
    if not plain.untyped_storage().nbytes():
        if id(value) not in _EMPTY:
            if len(_EMPTY) >= _KEPT:
                _EMPTY.clear()
            _EMPTY[id(value)] = (value, curta.from_dlpack(plain.clone()).reshape(tuple(value.shape)))
        return _EMPTY[id(value)][1]
    whole = torch.empty(0, dtype=plain.dtype).set_(plain.untyped_storage())
    return _whole(whole).as_strided(tuple(plain.shape), plain.stride(), plain.storage_offset()).detach()


#: storages of the sample at hand, so that tensors that share one share it in Curta too
_STORAGES: dict[tuple[int, int, torch.dtype], tuple[torch.Tensor, curta.Tensor]] = {}
#: tensors without any, by identity: what is an operand and `out` must be one here too
_EMPTY: dict[int, tuple[torch.Tensor, curta.Tensor]] = {}
_KEPT = 64


def _whole(storage: torch.Tensor) -> curta.Tensor:
    key = (storage.data_ptr(), storage.numel(), storage.dtype)
    if key not in _STORAGES:
        if len(_STORAGES) >= _KEPT:
            _STORAGES.clear()
        _STORAGES[key] = (storage, curta.from_dlpack(storage))
    return _STORAGES[key][1]


def converted(value: Any, leaves: Pairs | None = None) -> Any:
    """An argument for Curta; tensors that want a gradient are noted in `leaves`."""
    if isinstance(value, torch.Tensor):
        made = _tensor(value)
        if value.requires_grad:
            made = made.detach().requires_grad_()
            if leaves is not None:
                leaves.append((value, made))
        return made
    if isinstance(value, torch.Size):
        return curta.Size(value)
    if isinstance(value, (torch.dtype, torch.memory_format, torch.layout)):
        return named(str(value).removeprefix("torch.")) or value
    if isinstance(value, torch.device):
        return curta.device(str(value))
    if isinstance(value, torch.Generator):
        return curta.Generator()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(converted(one, leaves) for one in value))
    if isinstance(value, (list, tuple)):
        return type(value)(converted(one, leaves) for one in value)
    if isinstance(value, dict):
        return {key: converted(one, leaves) for key, one in value.items()}
    if isinstance(value, torch.nn.Module):
        return named(f"nn.{type(value).__name__}")()
    if isinstance(value, torch.nn.LinearCrossEntropyOptions):
        options = {field.name: converted(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return curta.nn.LinearCrossEntropyOptions(**options)
    if callable(value) and str(getattr(value, "__module__", "")).startswith("torch"):
        return named(getattr(value, "__name__", "")) or value
    return value


def widened(value: Any) -> Any:
    """PyTorch's arguments with their floating-point numbers in float64."""
    if isinstance(value, torch.Tensor):
        return value.detach().double() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: widened(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(widened(one) for one in value)
    return value


def back(value: curta.Tensor) -> torch.Tensor:
    """A tensor of Curta's as one of PyTorch's."""
    plain = value.detach()
    if plain.numel() == 0:
        return torch.empty(tuple(plain.shape), dtype=getattr(torch, plain.dtype.name))
    found: torch.Tensor = torch.from_dlpack(plain.contiguous().clone())
    return found


def described(sample: Any) -> str:
    """A sample in a few words."""

    def short(value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        if isinstance(value, (list, tuple)):
            return f"({', '.join(map(short, value))})"
        return repr(value)[:40]

    options = "".join(f", {name}={short(value)}" for name, value in sample.kwargs.items())
    return f"{short(sample.input)}, {short(sample.args)}{options}"
