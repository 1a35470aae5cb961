"""What PyTorch's files may hold: the names of formats there, and which values can be keys."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.dtypes import DType

#: the classes of storages, which say the format of a tensor's elements
STORAGES: dict[str, DType] = {
    "torch.BoolStorage": dtypes.bool_, "torch.ByteStorage": dtypes.uint8, "torch.CharStorage": dtypes.int8,
    "torch.ShortStorage": dtypes.int16, "torch.IntStorage": dtypes.int32, "torch.LongStorage": dtypes.int64,
    "torch.HalfStorage": dtypes.float16, "torch.BFloat16Storage": dtypes.bfloat16,
    "torch.FloatStorage": dtypes.float32, "torch.DoubleStorage": dtypes.float64,
}  # fmt: skip

#: the class of the storages of formats without one of their own, whose tensors say theirs themselves
UNTYPED = "torch.storage.UntypedStorage"
UNTYPED_FORMATS = (dtypes.uint16, dtypes.uint32, dtypes.uint64)

_SCALARS = (type(None), bool, int, float, str, bytes)


def is_key(value: Any) -> bool:
    """Whether a value may be a key or an element of a set: a number, text, or a flat tuple of these.

    To hash a tuple of tuples takes as long, and as much of the stack, as who made it wants.

    >>> is_key(("a", 1)), is_key((("a",), 1))
    (True, False)
    """
    return type(value) in _SCALARS or (type(value) is tuple and all(type(one) in _SCALARS for one in value))
