"""Float32 master copies of half-precision weights.

An update is often smaller than half a step of a bfloat16 weight (8 bits of significand): adding it there would round
it away. The optimizer therefore works on float32 copies, and the model's weights are their rounded images.
"""

from __future__ import annotations

from collections.abc import Iterable

from curta.autograd.modes import no_grad
from curta.autograd.state import STATE, phase
from curta.dtypes import float32
from curta.errors import ArgumentError
from curta.tensor import Tensor


class MasterWeights:
    """Float32 copies of `parameters`, in order, for an optimizer to update; float32 parameters are their own copy.

    Raises `ArgumentError` for no parameters or one that is not floating point.

    >>> import curta
    >>> weight = curta.nn.Parameter(curta.ones(2, dtype=curta.bfloat16))
    >>> masters = MasterWeights([weight])
    >>> optimizer = curta.optim.SGD(masters.copies, lr=2**-10)
    >>> for _ in range(8):
    ...     (weight.float() * 1.0).sum().backward()
    ...     masters.gather_gradients()
    ...     optimizer.step()
    ...     masters.scatter_weights()
    ...     masters.zero_grad()
    >>> masters.copies[0].tolist()  # eight updates, each too small for a bfloat16 weight to show
    [0.9921875, 0.9921875]
    >>> weight.tolist()
    [0.9921875, 0.9921875]
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ArgumentError("MasterWeights: got no parameters")
        for parameter in self.parameters:
            if not parameter.dtype.is_floating_point:
                raise ArgumentError(f"MasterWeights: parameters must be floating point, got {parameter.dtype}")
        #: what the optimizer is given, one tensor for each parameter
        self.copies = [self._copy(parameter) for parameter in self.parameters]

    @staticmethod
    def _copy(parameter: Tensor) -> Tensor:
        if parameter.dtype is float32:
            return parameter
        return parameter.detach().to(float32).requires_grad_(True)

    def gather_gradients(self) -> None:
        """Give each copy its parameter's gradient in float32 (None where there is none), and free the narrow one."""
        for parameter, copy in zip(self.parameters, self.copies, strict=True):
            if copy is not parameter:
                copy.place = parameter.place
                for book in STATE.books:
                    book.own(copy.storage, copy.place)
                with phase("optimizer", copy.place):
                    copy.grad = None if parameter.grad is None else parameter.grad.to(float32)
                parameter.grad = None

    def scatter_weights(self) -> None:
        """Round each copy to nearest even into its parameter, in place."""
        with no_grad():
            for parameter, copy in zip(self.parameters, self.copies, strict=True):
                if copy is not parameter:
                    with phase("optimizer", copy.place):
                        parameter.copy_(copy)

    def zero_grad(self) -> None:
        """Forget all gradients, of the parameters and of the copies."""
        for parameter, copy in zip(self.parameters, self.copies, strict=True):
            parameter.grad = None
            copy.grad = None
