"""Methods of a tensor: parts of it, read and written."""

from __future__ import annotations

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
        """The slices along `dim` that a vector of indices names."""
        return late.functions.index_select(self, dim, index)

    def gather(self: Any, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
        """The elements at `index` along `dim`."""
        return late.functions.gather(self, dim, index, sparse_grad=sparse_grad)

    def take_along_dim(self: Any, indices: Tensor, dim: int | None = None) -> Tensor:
        """`gather` with indices that broadcast."""
        return late.functions.take_along_dim(self, indices, dim)

    def masked_select(self: Any, mask: Tensor) -> Tensor:
        """The elements where `mask` holds, in a row."""
        return late.functions.masked_select(self, mask)

    def nonzero(self: Any, *, as_tuple: bool = False) -> Any:
        """The indices of the elements that are not zero."""
        return late.functions.nonzero(self, as_tuple=as_tuple)

    def index_put(self: Any, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
        """A copy with `values` at `indices`."""
        return late.functions.index_put(self, indices, values, accumulate)

    def index_put_(self: Any, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
        """Write `values` to `indices`, or add them."""
        return late.functions.index_put_(self, indices, values, accumulate)

    def index_add(self: Any, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
        """A copy with slices of `source` added."""
        return late.functions.index_add(self, dim, index, source, alpha=alpha)

    def index_add_(self: Any, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
        """Add slices of `source` to those that `index` names."""
        return late.functions.index_add_(self, dim, index, source, alpha=alpha)

    def index_copy_(self: Any, dim: int, index: Tensor, source: Tensor) -> Tensor:
        """Copy slices of `source` over those that `index` names."""
        return late.functions.index_copy_(self, dim, index, source)

    def index_fill_(self: Any, dim: int, index: Tensor, value: Any) -> Tensor:
        """Fill the slices that `index` names."""
        return late.functions.index_fill_(self, dim, index, value)

    def scatter(
        self: Any, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
    ) -> Tensor:
        """A copy with `src` at the places `index` names along `dim`."""
        return late.functions.scatter(self, dim, index, src, value=value, reduce=reduce)

    def scatter_(
        self: Any, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
    ) -> Tensor:
        """Write `src` to the places `index` names along `dim`."""
        return late.functions.scatter_(self, dim, index, src, value=value, reduce=reduce)

    def scatter_add(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """A copy with `src` added at the places `index` names."""
        return late.functions.scatter_add(self, dim, index, src)

    def scatter_add_(self: Any, dim: int, index: Tensor, src: Tensor) -> Tensor:
        """Add `src` at the places `index` names along `dim`."""
        return late.functions.scatter_add_(self, dim, index, src)

    def flip(self: Any, *order: Any, dims: Any = None) -> Tensor:
        """A copy with some dimensions in reverse."""
        return late.functions.flip(self, *order, dims=dims)

    def roll(self: Any, shifts: Any, dims: Any = None) -> Tensor:
        """A copy shifted along dimensions."""
        return late.functions.roll(self, shifts, dims)

    def tril(self: Any, diagonal: int = 0) -> Tensor:
        """The lower triangle."""
        return late.functions.tril(self, diagonal)

    def triu(self: Any, diagonal: int = 0) -> Tensor:
        """The upper triangle."""
        return late.functions.triu(self, diagonal)
