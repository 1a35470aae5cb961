"""DLPack's structures as they lie in memory, and what its numbers mean."""

from __future__ import annotations

import ctypes
from enum import IntEnum

from curta import dtypes
from curta.dtypes import DType

DLDeviceType = IntEnum(
    "DLDeviceType",
    {
        "kDLCPU": 1, "kDLCUDA": 2, "kDLCUDAHost": 3, "kDLOpenCL": 4, "kDLVulkan": 7, "kDLMetal": 8, "kDLVPI": 9,
        "kDLROCM": 10, "kDLROCMHost": 11, "kDLExtDev": 12, "kDLCUDAManaged": 13, "kDLOneAPI": 14, "kDLWebGPU": 15,
        "kDLHexagon": 16, "kDLMAIA": 17,
    },
)  # fmt: skip
DLDeviceType.__doc__ = "The kinds of devices that DLPack numbers."
CPU_MEMORY = int(DLDeviceType["kDLCPU"])

#: the version of the protocol that is spoken here: the first whose capsules have a version and flags
VERSION = (1, 0)
READ_ONLY = 1
COPIED = 2

#: what DLPack calls the formats: a code for the kind of number, and bits
FORMATS: dict[DType, tuple[int, int]] = {
    dtypes.bool_: (6, 8),
    dtypes.uint8: (1, 8),
    dtypes.int8: (0, 8),
    dtypes.int16: (0, 16),
    dtypes.int32: (0, 32),
    dtypes.int64: (0, 64),
    dtypes.float16: (2, 16),
    dtypes.bfloat16: (4, 16),
    dtypes.float32: (2, 32),
    dtypes.float64: (2, 64),
    dtypes.uint16: (1, 16),
    dtypes.uint32: (1, 32),
    dtypes.uint64: (1, 64),
}
DTYPES = {form: dtype for dtype, form in FORMATS.items()}
KINDS = {0: "int", 1: "uint", 2: "float", 3: "opaque", 4: "bfloat", 5: "complex", 6: "bool"}


class DLTensor(ctypes.Structure):
    """Where the elements are, and how they lie; sizes and strides count elements."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    """A tensor with its deleter, as it was before DLPack 1.0."""

    _fields_ = (("tensor", DLTensor), ("held", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class ManagedVersioned(ctypes.Structure):
    """A tensor with its deleter, the protocol's version and flags: DLPack 1.0 and later."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("held", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", DLTensor),
    )
