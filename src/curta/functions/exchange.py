"""Tensors over the memory of other frameworks, and theirs over a tensor's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.functions.operands import tensor

if TYPE_CHECKING:
    from curta.device import Device
    from curta.tensor import Tensor


def from_dlpack(ext_tensor: Any, *, device: Device | str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another framework's, which stays alive with it; `ext_tensor` may be a capsule.

    Any shape and strides that are not negative, in Curta's formats. Memory that says it is read-only is copied, since
    a tensor can be written to; `copy=True` always copies, `copy=False` never. ExchangeError (a BufferError) for memory
    that is not the CPU's or that must not be shared, DTypeError for other formats and for capsules used before.

    >>> import curta, numpy
    >>> a = numpy.zeros(2); t = curta.from_dlpack(a); t[0] = 5.0; a.tolist()
    [5.0, 0.0]
    """
    from curta.dlpack.inward import accept

    return accept(ext_tensor, device, copy)


def to_dlpack(input: Tensor) -> Any:
    """A capsule over a tensor's memory, as it was before DLPack 1.0; it can be consumed once.

    Frameworks take the tensor itself (`Tensor.__dlpack__`). ExchangeError (a BufferError) on the meta device.

    >>> import curta
    >>> curta.from_dlpack(curta.to_dlpack(curta.tensor([1, 2])))
    tensor([1, 2])
    """
    from curta.dlpack.outward import capsule

    return capsule(tensor("to_dlpack", input), versioned=False)
