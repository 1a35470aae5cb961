"""Tensors over the memory of other frameworks, and theirs over a tensor's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import host
from curta.dtypes import DType
from curta.errors import ArgumentError, ExchangeError
from curta.functions.operands import tensor
from curta.lazy import LazyModule
from curta.memory.layout import contiguous
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np

    from curta.device import Device
else:
    np = LazyModule("numpy")


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


def frombuffer(buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A vector over the memory of an object with Python's buffer protocol, which stays alive with it.

    It begins `offset` bytes in and has `count` elements, by default all that there are. Memory that is read-only, or
    where elements of `dtype` cannot lie, is copied. ArgumentError for what is no buffer, or one too small or uneven.

    >>> import curta
    >>> memory = bytearray(b"abcd")
    >>> curta.frombuffer(memory, dtype=curta.uint8, offset=1)[0] = 66
    >>> memory
    bytearray(b'aBcd')
    """
    from curta.functions.creation import finish

    try:
        view = memoryview(buffer)
    except TypeError:
        raise ArgumentError("object does not implement Python buffer protocol.") from None
    if not view.c_contiguous:
        raise ExchangeError("could not retrieve buffer from object")
    size = dtype.itemsize
    _check_extent(view.nbytes, size, count, offset)
    number = count if count > 0 else (view.nbytes - offset) // size
    values = np.frombuffer(view, np.uint8, number * size, offset)
    values = values if values.ctypes.data % size == 0 else values.copy()
    made = host.share(values if values.flags.writeable else values.copy())
    made = Tensor._make(made.storage, contiguous((number,), dtype), 0)
    return finish(made, requires_grad)


def _check_extent(nbytes: int, size: int, count: int, offset: int) -> None:
    if not nbytes or not count:
        raise ArgumentError(f"both buffer length ({nbytes}) and count ({count}) must not be 0")
    if not 0 <= offset < nbytes:
        raise ArgumentError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({nbytes} bytes) minus 1"
        )
    if count < 0 and (nbytes - offset) % size:
        raise ArgumentError(
            f"buffer length ({nbytes - offset} bytes) after offset ({offset} bytes) must be a multiple of element size "
            f"({size})"
        )
    if count > 0 and offset + count * size > nbytes:
        raise ArgumentError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than "
            f"actual buffer length ({nbytes} bytes)"
        )


def to_dlpack(input: Tensor) -> Any:
    """A capsule over a tensor's memory, as it was before DLPack 1.0; it can be consumed once.

    Frameworks take the tensor itself (`Tensor.__dlpack__`). ExchangeError (a BufferError) on the meta device.

    >>> import curta
    >>> curta.from_dlpack(curta.to_dlpack(curta.tensor([1, 2])))
    tensor([1, 2])
    """
    from curta.dlpack.outward import capsule

    return capsule(tensor("to_dlpack", input), versioned=False)
