"""Methods of a tensor: parts of it, read and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class IndexingMethods:
    """`tensor[...]` and its relatives."""

    def __getitem__(self: Any, index: Any) -> Any:
        return late.functions.get_item(self, index)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        late.functions.set_item(self, index, value)

    def index_select(self: Any, dim: int, index: Tensor) -> Tensor:
        """The slices along `dim` that `index` names."""
        return late.functions.index_select(self, dim, index)

    def gather(self: Any, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
        """The elements at `index` along `dim`."""
        return late.functions.gather(self, dim, index, sparse_grad=sparse_grad)

    def scatter_add(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """A copy with `src` added where `index` says."""
        return late.functions.scatter_add(self, dim, index, src)

    def scatter_add_(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """Add `src` where `index` says."""
        return late.functions.scatter_add_(self, dim, index, src)

    def index_add(self: Any, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
        """A copy with the slices of `source` added at `index`."""
        return late.functions.index_add(self, dim, index, source, alpha=alpha)

    def index_add_(self: Any, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
        """Add the slices of `source` at `index`."""
        return late.functions.index_add_(self, dim, index, source, alpha=alpha)

    def index_put_(self: Any, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
        """Write `values` at `indices`."""
        return late.functions.index_put_(self, indices, values, accumulate)

    def masked_select(self: Any, mask: Tensor) -> Tensor:
        """The elements where `mask` holds."""
        return late.functions.masked_select(self, mask)

    def nonzero(self: Any, *, as_tuple: bool = False) -> Any:
        """The places of the elements that are not 0."""
        return late.functions.nonzero(self, as_tuple=as_tuple)
