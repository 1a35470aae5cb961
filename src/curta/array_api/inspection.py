"""What a program may ask of the namespace: devices, formats, what it can do."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.array_api.data_types import KINDS
from curta.default_dtype import get_default_dtype
from curta.device import CPU, Device, get_default_device, resolve
from curta.dtypes import DType
from curta.errors import ArgumentError

#: the standard's formats that Curta has; the halves are Curta's own
_STANDARD = (
    dtypes.bool_,
    dtypes.int8,
    dtypes.int16,
    dtypes.int32,
    dtypes.int64,
    dtypes.uint8,
    dtypes.uint16,
    dtypes.uint32,
    dtypes.uint64,
    dtypes.float32,
    dtypes.float64,
)


class NamespaceInfo:
    """What `__array_namespace_info__()` gives.

    >>> from curta import array_api as xp
    >>> info = xp.__array_namespace_info__()
    >>> info.default_dtypes()["real floating"], info.dtypes(kind="bool")
    (curta.float32, {'bool': curta.bool})
    >>> info.dtypes(kind="complex floating")
    {}
    """

    def capabilities(self) -> dict[str, Any]:
        """Masks as indices and shapes that depend on values work; there is no limit to the number of dimensions."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": None}

    def default_device(self) -> Device:
        """Where tensors are made if nobody names a device."""
        return get_default_device()

    def default_dtypes(self, *, device: Device | str | None = None) -> dict[str, DType]:
        """The formats of what is made without one, by kind; none is complex."""
        resolve(device)
        return {"real floating": get_default_dtype(), "integral": dtypes.int64, "indexing": dtypes.int64}

    def devices(self) -> list[Device]:
        """The devices that hold data: `meta` is none of them."""
        return [CPU]

    def dtypes(
        self, *, device: Device | str | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        """The standard's formats that there are, of a kind or of several; ArgumentError for an unknown kind."""
        resolve(device)
        kinds = tuple(KINDS) if kind is None else (kind,) if isinstance(kind, str) else kind
        for each in kinds:
            if each not in KINDS:
                raise ArgumentError(f"dtypes(): unknown kind {each!r}: expected one of {', '.join(KINDS)}")
        return {dtype.name: dtype for dtype in _STANDARD if any(dtype in KINDS[each] for each in kinds)}


def __array_namespace_info__() -> NamespaceInfo:  # noqa: N807 (the standard's name)
    """What the namespace can do, and in which formats."""
    return NamespaceInfo()
