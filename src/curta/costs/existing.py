"""What memory is for that was there before an account was opened."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import compress
from typing import Any

from curta.autograd.node import Node
from curta.autograd.recompute import Region
from curta.autograd.saving import anything_saved
from curta.memory.ledger import ACTIVATIONS, ARENAS, BUFFERS, GRADIENTS, INPUTS, PARAMETERS, STATE
from curta.memory.living import LEAVES, MODULES, OPTIMIZERS, PROGRAMS
from curta.memory.storage import MetaStorage, Storage
from curta.nn.modules.module import Module
from curta.optim.optimizer import Optimizer
from curta.tensor import Tensor

Found = tuple[Storage, str]

#: what a storage is for that is for several things: the first of these
_ORDER = (GRADIENTS, STATE, PARAMETERS, BUFFERS, ARENAS, ACTIVATIONS)


def with_a_purpose() -> list[Found]:
    """The storages that somebody holds for something, each with what it is for; all others are inputs.

    Who that may be is known, so this takes as long as there are parameters; only graphs that wait for their backward
    pass have to be looked for, among all of Python's objects.
    """
    purposes: dict[str, list[Storage]] = {kind: [] for kind in _ORDER}
    for purpose, storage in _held():
        if storage is not None:
            purposes[purpose].append(storage)
    found = {id(storage): (storage, purpose) for purpose in reversed(_ORDER) for storage in purposes[purpose]}
    return list(found.values())


def with_meta() -> list[Found]:
    """The same, and every other storage of the meta device, which nobody counts."""
    found = with_a_purpose()
    known = {id(storage) for storage, _ in found}
    rest = (storage for storage in _objects(MetaStorage) if id(storage) not in known)
    return [*found, *((storage, INPUTS) for storage in rest)]


def _held() -> Iterator[tuple[str, Any]]:
    for leaf in LEAVES:
        yield from _of_leaf(leaf)
    for module in MODULES:
        yield from _of_module(module)
    for optimizer in OPTIMIZERS:
        yield from _of_optimizer(optimizer)
    for program in PROGRAMS:
        yield ARENAS, program.memory
    if anything_saved():
        for keeper in _objects(Node, Region):
            for tensor in keeper.saved_tensors_of_forward():
                if tensor.grad_fn is not None or not tensor._requires_grad:
                    yield ACTIVATIONS, tensor.storage


def _of_leaf(tensor: Tensor) -> Iterator[tuple[str, Any]]:
    if tensor._requires_grad and tensor.grad_fn is None and tensor.base is None:
        yield PARAMETERS, tensor.storage
    if tensor._grad is not None:
        yield GRADIENTS, tensor._grad.storage


def _of_module(module: Module) -> Iterator[tuple[str, Any]]:
    for purpose, named in ((BUFFERS, "_buffers"), (PARAMETERS, "_parameters")):
        for tensor in module.__dict__.get(named, {}).values():
            if tensor is not None:
                yield purpose, tensor.storage


def _of_optimizer(optimizer: Optimizer) -> Iterator[tuple[str, Any]]:
    for group in optimizer.__dict__.get("param_groups", ()):
        for parameter in group["params"]:
            yield PARAMETERS, parameter.storage
    for state in optimizer.__dict__.get("state", {}).values():
        for value in state.values():
            if isinstance(value, Tensor):
                yield STATE, value.storage


def _objects(*kinds: type) -> Iterator[Any]:
    """All of Python's objects of these types and of those derived from them."""
    wanted = set(kinds)
    for kind in kinds:
        _add_derived(kind, wanted)
    everything = gc.get_objects()
    # of some hundred thousand objects a few thousand matter: no Python code looks at the others
    yield from compress(everything, map(wanted.__contains__, map(type, everything)))


def _add_derived(kind: type, found: set[type]) -> None:
    derived: type
    for derived in kind.__subclasses__():
        found.add(derived)
        _add_derived(derived, found)


def owned(module: Module, root: Any) -> Iterator[tuple[Tensor, Any]]:
    """The parameters, gradients and buffers of a module, each with its place."""
    for part in module.modules():
        place = root.places.get(id(part))
        for tensor in (*part._parameters.values(), *part._buffers.values()):
            if tensor is not None:
                yield tensor, place
                if tensor._grad is not None:
                    yield tensor._grad, place
