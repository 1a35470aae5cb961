"""What memory is for that was there before an account was opened: found among Python's own objects."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import compress
from typing import Any

from curta.autograd.function import FunctionNode
from curta.autograd.node import Node
from curta.compiled.native import NativeProgram
from curta.memory.ledger import ACTIVATIONS, ARENAS, BUFFERS, GRADIENTS, INPUTS, PARAMETERS, STATE
from curta.memory.storage import HostStorage, MetaStorage, Storage
from curta.nn.modules.module import Module
from curta.optim.optimizer import Optimizer
from curta.tensor import Tensor

Found = tuple[Storage, str]
Handler = Callable[[Any], Iterator[tuple[str, Any]]]


def holdings() -> list[Found]:
    """Every storage that is alive, with what it is for: one that is for several things has the first of these."""
    purposes: dict[str, list[Storage]] = {
        kind: [] for kind in (GRADIENTS, STATE, PARAMETERS, BUFFERS, ARENAS, ACTIVATIONS)
    }
    rest: list[Storage] = []
    handlers = _handlers()
    everything = gc.get_objects()
    # of some hundred thousand objects a few thousand matter: no Python code looks at the others
    for one in compress(everything, map(handlers.__contains__, map(type, everything))):
        handler = handlers[type(one)]
        if handler is _storage:
            rest.append(one)
            continue
        for purpose, storage in handler(one):
            if storage is not None:
                purposes[purpose].append(storage)
    found = {id(storage): (storage, purpose) for purpose, each in reversed(purposes.items()) for storage in each}
    return [*found.values(), *((storage, INPUTS) for storage in rest if id(storage) not in found)]


def _handlers() -> dict[type, Handler]:
    """What looks at objects of each type that there is now."""
    found: dict[type, Handler] = {}
    for known, handler in _HANDLERS:
        kinds = [known]
        while kinds:
            kind = kinds.pop()
            found.setdefault(kind, handler)
            kinds += kind.__subclasses__()
    return found


def _storage(storage: Storage) -> Iterator[tuple[str, Any]]:
    yield INPUTS, storage


def _tensor(tensor: Tensor) -> Iterator[tuple[str, Any]]:
    if tensor._requires_grad and tensor.grad_fn is None and tensor.base is None:
        yield PARAMETERS, tensor.storage
    if tensor._grad is not None:
        yield GRADIENTS, tensor._grad.storage


def _module(module: Module) -> Iterator[tuple[str, Any]]:
    for buffer in module.__dict__.get("_buffers", {}).values():
        if buffer is not None:
            yield BUFFERS, buffer.storage
    for parameter in module.__dict__.get("_parameters", {}).values():
        if parameter is not None:
            yield PARAMETERS, parameter.storage


def _optimizer(optimizer: Optimizer) -> Iterator[tuple[str, Any]]:
    for group in optimizer.__dict__.get("param_groups", ()):
        for parameter in group["params"]:
            yield PARAMETERS, parameter.storage
    for state in optimizer.__dict__.get("state", {}).values():
        for value in state.values():
            if isinstance(value, Tensor):
                yield STATE, value.storage


def _node(node: Any) -> Iterator[tuple[str, Any]]:
    for tensor in node.saved_tensors_of_forward():
        if tensor.grad_fn is not None or not tensor._requires_grad:
            yield ACTIVATIONS, tensor.storage


def _program(program: NativeProgram) -> Iterator[tuple[str, Any]]:
    yield ARENAS, program.__dict__.get("_memory")


_HANDLERS: tuple[tuple[type, Handler], ...] = (
    (HostStorage, _storage), (MetaStorage, _storage), (Tensor, _tensor), (Module, _module), (Optimizer, _optimizer),
    (Node, _node), (FunctionNode, _node), (NativeProgram, _program),
)  # fmt: skip


def owned(module: Module, root: Any) -> Iterator[tuple[Tensor, Any]]:
    """The parameters, gradients and buffers of a module, each with its place."""
    for part in module.modules():
        place = root.places.get(id(part))
        for tensor in (*part._parameters.values(), *part._buffers.values()):
            if tensor is not None:
                yield tensor, place
                if tensor._grad is not None:
                    yield tensor._grad, place
