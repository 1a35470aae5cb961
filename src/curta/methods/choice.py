"""Methods of a tensor: extremes, clamps, masks and mixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class ChoiceMethods:
    """Choices, element by element."""

    def where(self: Any, condition: Any, other: Any) -> Tensor:
        """See `curta.where`."""
        return late.functions.where(condition, self, other)

    def masked_fill(self: Any, mask: Any, value: Any) -> Tensor:
        """See `curta.masked_fill`."""
        return late.functions.masked_fill(self, mask, value)

    def maximum(self: Any, other: Any) -> Tensor:
        """See `curta.maximum`."""
        return late.functions.maximum(self, other)

    def minimum(self: Any, other: Any) -> Tensor:
        """See `curta.minimum`."""
        return late.functions.minimum(self, other)

    def clamp(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """See `curta.clamp`."""
        return late.functions.clamp(self, min, max)

    def clip(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """See `curta.clamp`."""
        return late.functions.clamp(self, min, max)

    def lerp(self: Any, end: Any, weight: Any) -> Tensor:
        """See `curta.lerp`."""
        return late.functions.lerp(self, end, weight)

    def addcmul(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """See `curta.addcmul`."""
        return late.functions.addcmul(self, tensor1, tensor2, value=value)

    def addcdiv(self: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
        """See `curta.addcdiv`."""
        return late.functions.addcdiv(self, tensor1, tensor2, value=value)
