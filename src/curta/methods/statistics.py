"""Methods of a tensor: statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class StatisticsMethods:
    """Means, variances, norms and counts over dimensions."""

    def mean(self: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """See `curta.mean`."""
        return late.functions.mean(self, dim, keepdim, dtype=dtype)

    def var(
        self: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
    ) -> Tensor:
        """See `curta.var`."""
        return late.functions.var(self, dim, unbiased, keepdim, correction=correction)

    def std(
        self: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
    ) -> Tensor:
        """See `curta.std`."""
        return late.functions.std(self, dim, unbiased, keepdim, correction=correction)

    def logsumexp(self: Any, dim: Any, keepdim: bool = False) -> Tensor:
        """See `curta.logsumexp`."""
        return late.functions.logsumexp(self, dim, keepdim)

    def norm(self: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        """See `curta.norm`."""
        return late.functions.norm(self, p, dim, keepdim, dtype=dtype)

    def count_nonzero(self: Any, dim: Any = None) -> Tensor:
        """See `curta.count_nonzero`."""
        return late.functions.count_nonzero(self, dim)
