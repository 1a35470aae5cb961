"""Look-up tables."""

from __future__ import annotations

from typing import Any, Self

from curta.errors import ArgumentError, ShapeError, UnsupportedError
from curta.functions import creation
from curta.nn import functional as F
from curta.nn import init
from curta.nn.modules.module import Module
from curta.nn.parameter import Parameter
from curta.tensor import Tensor


class _Table(Module):
    """What both look-ups have in common: weight[num_embeddings, embedding_dim] and how its rows are treated."""

    weight: Parameter

    def _make(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None, weight: Tensor | None, freeze: bool,
        device: Any, dtype: Any,
    ) -> None:  # fmt: skip
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ArgumentError(f"padding_idx must be within num_embeddings, got {padding_idx} and {num_embeddings}")
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        if weight is not None and tuple(weight.shape) != (num_embeddings, embedding_dim):
            raise ShapeError("Shape of weight does not match num_embeddings and embedding_dim")
        table = creation.empty(num_embeddings, embedding_dim, device=device, dtype=dtype) if weight is None else weight
        self.weight = Parameter(table, requires_grad=not freeze)
        if weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx].fill_(0)

    def _options(self, *names: str) -> str:
        """The options that are not the usual ones, as PyTorch prints them."""
        usual = {"norm_type": 2.0, "scale_grad_by_freq": False}
        told = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) != usual.get(name)]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *told])


def _not_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise UnsupportedError(
            f"{name}: the argument 'sparse' is not supported: without it a compiled step with SGD or Adagrad updates "
            "only the rows that were looked up"
        )


class Embedding(_Table):
    """Rows of a table by integer index: indices [...] give [..., embedding_dim]; the table starts normal(0, 1).

    Row `padding_idx` is zero and gets no gradient. With `max_norm` rows that are looked up are made that long at most,
    in place; `scale_grad_by_freq` divides a row's gradient by how often it is looked up.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _not_sparse("Embedding", sparse)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self._make(num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device, dtype)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
    ) -> Self:  # fmt: skip
        """A table that exists; not trained when `freeze`."""
        rows, width = embeddings.shape
        options = (max_norm, norm_type, scale_grad_by_freq, sparse)
        return cls(rows, width, padding_idx, *options, _weight=embeddings, _freeze=freeze)

    def forward(self, input: Tensor) -> Tensor:
        options = (self.max_norm, self.norm_type, self.scale_grad_by_freq)
        return F.embedding(input, self.weight, self.padding_idx, *options)

    def extra_repr(self) -> str:
        return self._options("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq")


class EmbeddingBag(_Table):
    """Sums, means or maxima of bags of rows of a table, as `curta.nn.functional.embedding_bag`: [B, embedding_dim].

    >>> import curta
    >>> layer = EmbeddingBag.from_pretrained(curta.tensor([[1.0], [2.0], [4.0]]), mode="sum")
    >>> layer(curta.tensor([0, 1, 2]), curta.tensor([0, 2])).flatten()
    tensor([3., 4.])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _not_sparse("EmbeddingBag", sparse)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.include_last_offset = include_last_offset
        self._make(num_embeddings, embedding_dim, padding_idx, _weight, False, device, dtype)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:  # fmt: skip
        """A table that exists; not trained when `freeze`."""
        rows, width = embeddings.shape
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse)
        made = cls(rows, width, *options, embeddings, include_last_offset, padding_idx)
        made.weight.requires_grad_(not freeze)
        return made

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode,
            per_sample_weights=per_sample_weights, include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"{self._options('max_norm', 'norm_type', 'scale_grad_by_freq')}, mode={self.mode!r}" + (
            "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        )
