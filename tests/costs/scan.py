"""What memory is for, found the slow way: among all of Python's objects, whoever made them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

from curta.autograd.node import Node
from curta.autograd.recompute import Region
from curta.compiled.native import NativeProgram
from curta.memory.ledger import ACTIVATIONS, ARENAS, BUFFERS, CATEGORIES, GRADIENTS, INPUTS, PARAMETERS, STATE
from curta.memory.storage import HostStorage
from curta.nn.modules.module import Module
from curta.optim.optimizer import Optimizer
from curta.tensor import Tensor


def totals() -> dict[str, int]:
    """The bytes of each category; a storage that is for several things is for the first in this order."""
    order = (GRADIENTS, STATE, PARAMETERS, BUFFERS, ARENAS, ACTIVATIONS, INPUTS)
    purposes: dict[int, tuple[str, int]] = {}
    for one in gc.get_objects():
        for purpose, storage in _uses(one):
            if isinstance(storage, HostStorage):
                before = purposes.get(id(storage), (INPUTS, 0))[0]
                first = min(before, purpose, key=order.index)
                purposes[id(storage)] = (first, storage.nbytes)
    found = dict.fromkeys(CATEGORIES, 0)
    for purpose, nbytes in purposes.values():
        found[purpose] += nbytes
    return found


def _uses(one: Any) -> Iterator[tuple[str, Any]]:
    kind = type(one)
    if kind is HostStorage:
        yield INPUTS, one
    elif issubclass(kind, Tensor):
        if one._requires_grad and one.grad_fn is None and one.base is None:
            yield PARAMETERS, one.storage
        if one._grad is not None:
            yield GRADIENTS, one._grad.storage
    elif issubclass(kind, Module):
        yield from ((BUFFERS, each.storage) for each in one._buffers.values() if each is not None)
        yield from ((PARAMETERS, each.storage) for each in one._parameters.values() if each is not None)
    elif issubclass(kind, Optimizer):
        yield from ((PARAMETERS, each.storage) for group in one.param_groups for each in group["params"])
        states = [value for state in one.state.values() for value in state.values()]
        yield from ((STATE, each.storage) for each in states if isinstance(each, Tensor))
    elif issubclass(kind, (Node, Region)):
        saved = one.saved_tensors_of_forward()
        yield from ((ACTIVATIONS, each.storage) for each in saved if each.grad_fn or not each._requires_grad)
    elif issubclass(kind, NativeProgram):
        yield ARENAS, one.memory
