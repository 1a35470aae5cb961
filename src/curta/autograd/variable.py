"""`Variable`, which tensors that want a gradient were called until PyTorch 0.4."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentTypeError, AutogradError
from curta.memory.living import LEAVES


class _VariableType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        from curta.tensor import Tensor

        return isinstance(instance, Tensor)

    def __call__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        from curta.functions import creation
        from curta.tensor import Tensor

        source = creation.empty(0) if data is None else data
        if not isinstance(source, Tensor):
            raise ArgumentTypeError(f"Variable data has to be a tensor, but got {type(source).__name__}")
        if requires_grad and not source.layout.dtype.is_floating_point:
            raise AutogradError("Only Tensors of floating point and complex dtype can require gradients")
        made = source.detach()
        made._requires_grad = bool(requires_grad)
        if requires_grad:
            LEAVES.add(made)
        return made


class Variable(metaclass=_VariableType):
    """`Variable(data, requires_grad)`: a tensor over the same memory, without a history; every tensor is a Variable.

    >>> import curta
    >>> x = Variable(curta.ones(2), requires_grad=True)
    >>> x, isinstance(x, Variable)
    (tensor([1., 1.], requires_grad=True), True)
    """
