"""Dropout and bags of rows in the forms that PyTorch has at its top level."""

from __future__ import annotations

from collections.abc import Callable

from curta import functions
from curta.dtypes import int64
from curta.errors import ShapeError
from curta.nn import dropout as F
from curta.nn.embedding import bag_starts, padding_row, shortened
from curta.nn.embedding import embedding_bag as bags_of_rows
from curta.tensor import Tensor

_MODES = ("sum", "mean", "max")


def _form(name: str, function: Callable[..., Tensor], inplace: bool) -> Callable[[Tensor, float, bool], Tensor]:
    def form(input: Tensor, p: float, train: bool) -> Tensor:
        if not 0 <= p <= 1:
            raise ShapeError(f"dropout probability has to be between 0 and 1, but got {p}")
        return function(input, p, train, inplace)

    form.__name__ = form.__qualname__ = name
    form.__doc__ = f"`F.{function.__name__}`, which says whether it trains{', in place' if inplace else ''}."
    return form


dropout_ = _form("dropout_", F.dropout, True)
alpha_dropout = _form("alpha_dropout", F.alpha_dropout, False)
alpha_dropout_ = _form("alpha_dropout_", F.alpha_dropout, True)
feature_dropout = _form("feature_dropout", F.feature_dropout, False)
feature_dropout_ = _form("feature_dropout_", F.feature_dropout, True)
feature_alpha_dropout = _form("feature_alpha_dropout", F.feature_alpha_dropout, False)
feature_alpha_dropout_ = _form("feature_alpha_dropout_", F.feature_alpha_dropout, True)


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = 0,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """`F.embedding_bag` with the table first, and 0, 1, 2 for the modes sum, mean, max; then three tensors of int64.

    They are the bag of each index, how many rows each bag has (without those of `padding_idx`), and the rows [B, D]
    that the maxima are from (else the second again). PyTorch leaves out those of them that it does not need.

    >>> import curta
    >>> table = curta.tensor([[1.0], [2.0], [4.0]])
    >>> curta.embedding_bag(table, curta.tensor([0, 1, 2]), curta.tensor([0, 2]))[0].flatten()
    tensor([3., 4.])
    """
    if mode not in (0, 1, 2):
        raise ShapeError("`mode` must be sum, mean, or max.")
    if padding_idx is not None and not -weight.layout.shape[0] <= padding_idx < weight.layout.shape[0]:
        raise ShapeError(
            f"padding_idx must be within the number of embeddings, -{weight.layout.shape[0]} through "
            f"{weight.layout.shape[0] - 1}, but got {padding_idx}"
        )
    places = None if indices.layout.rank == 2 else offsets
    made = bags_of_rows(
        indices, weight, places, None, 2.0, scale_grad_by_freq, _MODES[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip
    return made, *_described(indices, offsets, made, weight.detach(), mode, include_last_offset, padding_idx)


def _described(
    indices: Tensor, offsets: Tensor, made: Tensor, table: Tensor, mode: int, with_end: bool, padding_idx: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    B, n = made.layout.shape[0], indices.layout.numel
    flat, numbers = indices.reshape(-1), functions.arange(n, device=indices.device)
    if indices.layout.rank == 2:
        bags = numbers // max(1, indices.layout.shape[1])
    elif B:
        begins, _ = bag_starts(offsets, with_end, n)
        bags = (functions.searchsorted(begins, numbers, right=True) - 1).clamp(min=0)
    else:
        bags = functions.zeros_like(numbers)
    padding = padding_row(padding_idx, table)
    counted = functions.ones_like(flat, dtype=int64) if padding is None else (flat != padding).long()
    nothing = functions.zeros(B, dtype=int64, device=indices.device)
    if not n or not B:
        return bags, nothing, nothing if mode < 2 else functions.zeros_like(made, dtype=int64)
    sizes = functions.index_add(nothing, 0, bags, counted)
    return bags, sizes, sizes if mode < 2 else _rows_of_maxima(flat, bags, counted, made.detach(), table)


def _rows_of_maxima(flat: Tensor, bags: Tensor, counted: Tensor, made: Tensor, table: Tensor) -> Tensor:
    """The first row of each bag that holds its maximum, for each column; 0 where there is none."""
    n = flat.layout.numel
    holds = (table[flat] == made[bags]).logical_and(counted.unsqueeze(1) > 0)
    places = functions.where(holds, functions.arange(n, device=flat.device).unsqueeze(1), n)
    first = functions.full(made.layout.shape, n, dtype=int64, device=flat.device)
    first = functions.index_reduce(first, 0, bags, places, "amin")
    return functions.where(first < n, flat.long()[first.clamp(max=n - 1)], 0)


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """The rows of a table that `indices` name, in place, made at most `max_norm` long by the `norm_type`-norm.

    >>> import curta
    >>> curta.embedding_renorm_(curta.tensor([[3.0, 4.0], [3.0, 4.0]]), curta.tensor([1]), 1.0, 2.0)
    tensor([[3.0000, 4.0000],
            [0.6000, 0.8000]])
    """
    shortened("embedding_renorm_", indices, input, max_norm, norm_type)
    return input
