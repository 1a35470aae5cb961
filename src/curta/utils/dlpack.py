"""DLPack under the names of PyTorch's module."""

from curta.dlpack.structures import DLDeviceType
from curta.functions.exchange import from_dlpack, to_dlpack

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]
