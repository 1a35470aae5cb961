"""A tensor's memory for other frameworks: capsules that keep it alive."""

from __future__ import annotations

import ctypes
from array import array
from typing import Any

from curta import host
from curta.device import CPU, META
from curta.dlpack import native
from curta.dlpack.structures import COPIED, CPU_MEMORY, FORMATS, VERSION, DLTensor, Managed, ManagedVersioned
from curta.errors import ArgumentError, ArgumentTypeError, ExchangeError
from curta.tensor import Tensor


class _Held:
    """What a capsule's consumer keeps alive until it calls the deleter: memory, sizes and the structure itself."""

    __slots__ = ("managed", "numbers", "storage")

    def __init__(self, tensor: Tensor, managed: Any) -> None:
        layout = tensor.layout
        self.storage = tensor.storage
        self.managed = managed
        self.numbers = array("q", (*layout.shape, *layout.strides, 0))  # never empty: nothing gets a null pointer
        sizes = self.numbers.buffer_info()[0]
        code, bits = FORMATS[layout.dtype]
        managed.tensor = DLTensor(
            tensor.data_ptr(), CPU_MEMORY, 0, layout.rank, code, bits, 1, sizes, sizes + 8 * layout.rank, 0
        )
        managed.held = id(self)


def capsule(tensor: Tensor, *, versioned: bool, copied: bool = False) -> Any:
    """A new capsule over a tensor's memory; ExchangeError for what has none that could be shared."""
    if tensor.layout.device is META:
        raise ExchangeError("Cannot pack tensors on meta")
    host.readable(tensor)
    name = b"dltensor_versioned" if versioned else b"dltensor"
    delete, destroy = (native.address(f"{verb}_{name.decode()}") for verb in ("delete", "destroy"))
    if versioned:
        managed: Any = ManagedVersioned(*VERSION, None, delete, COPIED if copied else 0)
    else:
        managed = Managed(DLTensor(), None, delete)
    held = _Held(tensor, managed)
    native.CAPSULES.keep(held)  # the deleter's reference: before there is a capsule that could be destroyed
    try:
        return native.CAPSULES.new(ctypes.addressof(managed), native.NAMES[name], destroy)
    except MemoryError:
        native.CAPSULES.let_go(held)
        raise


def export(tensor: Tensor, stream: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """What `Tensor.__dlpack__` gives."""
    if tensor._requires_grad:
        raise ExchangeError("Can't export tensors that require gradient, use tensor.detach()")
    if stream is not None and type(stream) is not int:
        raise ArgumentTypeError("stream must be ``int`` or ``none``")
    if stream not in (None, -1):
        raise ArgumentError("stream should be None on cpu.")
    if tensor.layout.device is CPU and dl_device is not None and dl_device[0] != CPU_MEMORY:
        wanted = tuple(map(int, dl_device))
        raise ExchangeError(f"__dlpack__: cannot export to device {wanted}: only to the CPU's (1, 0)")
    versioned = max_version is not None and max_version[0] >= VERSION[0]
    return capsule(tensor.clone() if copy else tensor, versioned=versioned, copied=bool(copy))
