"""Tensors over the memory of other frameworks."""

from __future__ import annotations

import ctypes
from typing import Any

from curta.device import META, Device, resolve
from curta.dlpack import native
from curta.dlpack.structures import (
    CPU_MEMORY,
    DTYPES,
    KINDS,
    READ_ONLY,
    VERSION,
    DLDeviceType,
    DLTensor,
    Managed,
    ManagedVersioned,
)
from curta.errors import ArgumentError, DTypeError, ExchangeError
from curta.memory.layout import Layout, strided
from curta.memory.storage import BorrowedStorage
from curta.shapes import contiguous_strides, storage_extent
from curta.tensor import Tensor

#: more dimensions than this no framework has: the structure is not what it says
_MAXIMUM_RANK = 64


_DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Foreign:
    """Another framework's memory, given back by its deleter when the last tensor over it goes."""

    __slots__ = ("deleter", "managed")

    def __init__(self, managed: Any) -> None:
        self.managed = ctypes.addressof(managed)
        self.deleter = managed.deleter

    def __del__(self, call: Any = _DELETER) -> None:
        # bound as a default: module globals may be gone when the interpreter ends
        if self.deleter:
            call(self.deleter)(self.managed)


def _layout(tensor: DLTensor) -> Layout:
    """A structure's layout; an error for one that Curta's tensors cannot have."""
    rank = tensor.ndim
    if not 0 <= rank <= _MAXIMUM_RANK:
        raise ArgumentError(f"from_dlpack: a tensor of {rank} dimensions is not possible")
    dtype = DTYPES.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
    if dtype is None:
        lanes = "" if tensor.lanes == 1 else f"x{tensor.lanes}"
        kind = KINDS.get(tensor.code, f"kind {tensor.code} of ")
        raise DTypeError(f"from_dlpack: Curta has no format for DLPack's {kind}{tensor.bits}{lanes}")
    numbers = ctypes.c_int64 * rank
    shape = tuple(numbers.from_address(tensor.shape)) if rank else ()
    strides = tuple(numbers.from_address(tensor.strides)) if rank and tensor.strides else contiguous_strides(shape)
    if any(size < 0 for size in shape):
        raise ArgumentError(f"from_dlpack: a size is negative: {list(shape)}")
    if any(step < 0 for step in strides):
        raise ArgumentError(
            "At least one stride in the given DLPack tensor is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array.)"
        )
    return strided(shape, strides, dtype)


def _check_device(kind: int, index: int) -> None:
    if kind != CPU_MEMORY:
        name = next((each.name for each in DLDeviceType if each == kind), f"device type {kind}")
        raise ExchangeError(f"from_dlpack: {name}:{index} is not the CPU's memory")


def _opened(capsule: Any) -> tuple[bytes, Any]:
    """A capsule's kind and structure; DTypeError for what is no capsule, or has been consumed."""
    for name, kind in ((b"dltensor_versioned", ManagedVersioned), (b"dltensor", Managed)):
        if native.CAPSULES.is_valid(capsule, native.NAMES[name]):
            managed: Any = kind.from_address(native.CAPSULES.pointer(capsule, native.NAMES[name]))
            return name, managed
    raise DTypeError(
        "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might "
        "have already constructed a tensor from it once."
    )


def consumed(capsule: Any, copy: bool | None = None) -> Tensor:
    """The tensor in a capsule, which is used up; memory that must not be written is copied."""
    name, managed = _opened(capsule)
    flags = 0
    if name == b"dltensor_versioned":
        if managed.major > VERSION[0]:
            raise ExchangeError(
                f"from_dlpack: DLPack {managed.major}.{managed.minor} is newer than version {VERSION[0]}, spoken here"
            )
        flags = managed.flags
    tensor = managed.tensor
    _check_device(tensor.device_type, tensor.device_id)
    layout = _layout(tensor)
    if flags & READ_ONLY and copy is False:
        raise ExchangeError("from_dlpack: read-only memory cannot be shared: a tensor can be written to; use copy=True")
    if layout.numel and not tensor.data:
        raise ArgumentError(f"from_dlpack: a tensor of shape {list(layout.shape)} has no memory")
    extent = storage_extent(layout.shape, layout.strides) * layout.dtype.itemsize
    native.CAPSULES.rename(capsule, native.USED[name])
    storage = BorrowedStorage(extent, (tensor.data or 0) + tensor.byte_offset, _Foreign(managed))
    made = Tensor._make(storage, layout, 0)
    return made.clone() if copy or flags & READ_ONLY else made


def accept(source: Any, device: str | Device | None, copy: bool | None) -> Tensor:
    """What `from_dlpack` gives."""
    target = None if device is None else resolve(device)
    if target is META:
        raise ExchangeError("Cannot pack tensors on meta")
    if not hasattr(source, "__dlpack__"):
        return consumed(source, copy)
    _check_device(*source.__dlpack_device__())
    options: dict[str, Any] = {"max_version": VERSION}
    if copy is not None:
        options["copy"] = copy
    if target is not None:
        options["dl_device"] = (CPU_MEMORY, 0)
    # producers of older versions know fewer of the options
    for unknown in ("max_version", "copy", "dl_device"):
        try:
            capsule = source.__dlpack__(**options)
            break
        except TypeError:
            options.pop(unknown, None)
    else:
        capsule = source.__dlpack__()
    return consumed(capsule, None if "copy" in options and copy else copy)
