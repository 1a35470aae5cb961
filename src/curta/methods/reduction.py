"""Methods of a tensor: reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class ReductionMethods:
    """Reductions over dimensions."""

    def sum(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """See `curta.sum`."""
        return late.functions.sum(self, dim, keepdim, dtype=dtype)

    def prod(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """See `curta.prod`."""
        return late.functions.prod(self, dim, keepdim, dtype=dtype)

    def amax(self: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
        """See `curta.amax`."""
        return late.functions.amax(self, dim, keepdim)

    def amin(self: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
        """See `curta.amin`."""
        return late.functions.amin(self, dim, keepdim)

    def all(self: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See `curta.all`."""
        return late.functions.all(self, dim, keepdim)

    def any(self: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See `curta.any`."""
        return late.functions.any(self, dim, keepdim)

    def argmax(self: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See `curta.argmax`."""
        return late.functions.argmax(self, dim, keepdim)

    def argmin(self: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See `curta.argmin`."""
        return late.functions.argmin(self, dim, keepdim)

    def max(self: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        """See `curta.max`."""
        return late.functions.max(self, dim, keepdim, other=other)

    def min(self: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        """See `curta.min`."""
        return late.functions.min(self, dim, keepdim, other=other)

    def sum_to_size(self: Any, *size: Any) -> Tensor:
        """Summed down to a shape that broadcasts to this one's."""
        return late.functions.sum_to_size(self, *size)
