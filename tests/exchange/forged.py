"""Capsules made here, field by field as the protocol says, so that tests can make those that no framework makes."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

_API = ctypes.pythonapi
_NEW = _API["PyCapsule_New"]
_NEW.restype, _NEW.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_POINTER = _API["PyCapsule_GetPointer"]
_POINTER.restype, _POINTER.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_NAME = _API["PyCapsule_GetName"]
_NAME.restype, _NAME.argtypes = ctypes.c_char_p, (ctypes.py_object,)
DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

#: data, device type and id, ndim, code, bits, lanes, shape, strides, byte offset
TENSOR = "QiiiBBHQQQ"
VERSIONED = "IIQQQ"


def name_of(capsule: Any) -> str:
    found: bytes = _NAME(capsule)
    return found.decode()


def fields(capsule: Any) -> dict[str, Any]:
    """What a capsule that nobody has consumed says."""
    address = _POINTER(capsule, name_of(capsule).encode())
    found: dict[str, Any] = {"managed": address}
    if name_of(capsule) == "dltensor_versioned":
        head = struct.unpack(VERSIONED, ctypes.string_at(address, 32))
        found |= {"version": head[:2], "deleter": head[3], "flags": head[4]}
        address += 32
    else:
        found["deleter"] = struct.unpack("Q", ctypes.string_at(address + 56, 8))[0]
    data, kind, index, rank, code, bits, lanes, shape, strides, offset = struct.unpack(
        TENSOR, ctypes.string_at(address, 48)
    )
    numbers = f"{rank}q"
    return found | {
        "data": data,
        "device": (kind, index),
        "format": (code, bits, lanes),
        "shape": struct.unpack(numbers, ctypes.string_at(shape, 8 * rank)),
        "strides": struct.unpack(numbers, ctypes.string_at(strides, 8 * rank)),
        "byte_offset": offset,
    }


class Producer:
    """Another framework: `capsule()` over `data`, and how often its deleter was called."""

    def __init__(
        self,
        data: bytes,
        shape: Sequence[int],
        strides: Sequence[int] | None = None,
        form: tuple[int, int, int] = (2, 32, 1),
        device: tuple[int, int] = (1, 0),
        byte_offset: int = 0,
        version: tuple[int, int] | None = None,
        flags: int = 0,
        rank: int | None = None,
        with_deleter: bool = True,
        with_data: bool = True,
    ) -> None:
        self.memory = ctypes.create_string_buffer(data, len(data))
        self.deleted = 0
        self._deleter = DELETER(self._delete)
        self._numbers = [(ctypes.c_int64 * max(1, len(part or ())))(*(part or ())) for part in (shape, strides)]
        first, second = map(ctypes.addressof, self._numbers)
        tensor = struct.pack(
            TENSOR, ctypes.addressof(self.memory) if with_data else 0, *device, len(shape) if rank is None else rank,
            *form, first, 0 if strides is None else second, byte_offset,
        )  # fmt: skip
        deleter = ctypes.cast(self._deleter, ctypes.c_void_p).value if with_deleter else 0
        if version is None:
            self.name = b"dltensor"
            packed = tensor + struct.pack("QQ", 0, deleter)
        else:
            self.name = b"dltensor_versioned"
            packed = struct.pack(VERSIONED, *version, 0, deleter, flags) + tensor
        self._managed = ctypes.create_string_buffer(packed, len(packed))

    def _delete(self, managed: int) -> None:
        assert managed == ctypes.addressof(self._managed)
        self.deleted += 1

    def capsule(self) -> Any:
        return _NEW(ctypes.addressof(self._managed), self.name, None)
