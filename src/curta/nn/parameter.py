"""Tensors that a module trains, and those that it only keeps."""

from __future__ import annotations

from typing import Any
from weakref import ref

from curta.autograd.state import STATE
from curta.errors import ArgumentTypeError, AutogradError
from curta.functions import creation
from curta.memory.ledger import PARAMETERS
from curta.memory.living import LEAVES
from curta.memory.storage import TracedStorage
from curta.tensor import Tensor


class Buffer(Tensor):
    """A tensor that, put into a module, is one of its buffers: saved with it if `persistent`, and not trained.

    >>> import curta
    >>> module = curta.nn.Module()
    >>> module.mean = Buffer(curta.zeros(2))
    >>> list(module.state_dict())
    ['mean']
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        source = creation.empty(0) if data is None else data
        if not isinstance(source, Tensor):
            raise ArgumentTypeError(f"Buffer(): argument 'data' must be Tensor, not {type(source).__name__}")
        out: Buffer = _of_same_memory(cls, source)
        out.persistent = persistent
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = type(self)(self.detach().clone(), persistent=self.persistent)
        return found


class Parameter(Tensor):
    """A tensor that, put into a module, is one of its parameters; wants a gradient unless told otherwise.

    >>> import curta
    >>> Parameter(curta.zeros(2)).requires_grad
    True
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        source = creation.empty(0) if data is None else data
        if requires_grad and not source.layout.dtype.is_floating_point:
            raise AutogradError("Only Tensors of floating point and complex dtype can require gradients")
        out: Parameter = _of_same_memory(cls, source)
        out._requires_grad = requires_grad
        LEAVES.add(out)
        for book in STATE.books:
            book.assign(out.storage, PARAMETERS)
        return out

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = type(self)(self.detach().clone(), self._requires_grad)
        return found


def _of_same_memory(kind: type, source: Tensor) -> Any:
    out: Any = object.__new__(kind)
    out.storage, out.layout = source.storage, source.layout
    out.offset, out.pointer = source.offset, source.pointer
    if isinstance(source.storage, TracedStorage):
        source.storage.tensors.append(ref(out))
    return out
