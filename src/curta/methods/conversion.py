"""Methods of a tensor: conversions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import dtypes
from curta.errors import UnsupportedError
from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class ConversionMethods:
    """Conversions of format and device."""

    def to(self: Any, *args: Any, **options: Any) -> Tensor:
        """See `curta.Tensor.to` in PyTorch: format and device."""
        return late.functions.to(self, *args, **options)

    def cpu(self: Any, memory_format: Any = None) -> Tensor:
        """In the host's memory."""
        return late.functions.to(self, device="cpu", memory_format=memory_format)

    def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Tensor:
        """`to(device)` under the array API standard's name; UnsupportedError for a stream, which no device here has."""
        if stream is not None:
            raise UnsupportedError("to_device(): the argument 'stream' is not supported")
        return late.functions.to(self, device=device)

    def cuda(self: Any, device: Any = None, non_blocking: Any = False) -> Tensor:
        """On a CUDA device; raises what PyTorch raises where there is none."""
        return late.functions.to(self, device="cuda" if device is None else device)

    def float(self: Any, memory_format: Any = None) -> Tensor:
        """In format float32."""
        return late.functions.cast(self, dtypes.float32, memory_format)

    def double(self: Any, memory_format: Any = None) -> Tensor:
        """In format float64."""
        return late.functions.cast(self, dtypes.float64, memory_format)

    def half(self: Any, memory_format: Any = None) -> Tensor:
        """In format float16."""
        return late.functions.cast(self, dtypes.float16, memory_format)

    def bfloat16(self: Any, memory_format: Any = None) -> Tensor:
        """In format bfloat16."""
        return late.functions.cast(self, dtypes.bfloat16, memory_format)

    def int(self: Any, memory_format: Any = None) -> Tensor:
        """In format int32."""
        return late.functions.cast(self, dtypes.int32, memory_format)

    def long(self: Any, memory_format: Any = None) -> Tensor:
        """In format int64."""
        return late.functions.cast(self, dtypes.int64, memory_format)

    def short(self: Any, memory_format: Any = None) -> Tensor:
        """In format int16."""
        return late.functions.cast(self, dtypes.int16, memory_format)

    def char(self: Any, memory_format: Any = None) -> Tensor:
        """In format int8."""
        return late.functions.cast(self, dtypes.int8, memory_format)

    def byte(self: Any, memory_format: Any = None) -> Tensor:
        """In format uint8."""
        return late.functions.cast(self, dtypes.uint8, memory_format)

    def bool(self: Any, memory_format: Any = None) -> Tensor:
        """In format bool."""
        return late.functions.cast(self, dtypes.bool_, memory_format)

    def type_as(self: Any, other: Any) -> Tensor:
        """In the format of another tensor."""
        return late.functions.cast(self, other.layout.dtype)
