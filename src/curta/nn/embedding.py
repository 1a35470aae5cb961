"""Look-up in tables for `curta.nn.functional`: rows by number, and sums, means or maxima of bags of rows."""

from __future__ import annotations

from typing import Any

from curta import functions, host
from curta.autograd import Function, no_grad
from curta.autograd.state import STATE
from curta.dtypes import compute_dtype
from curta.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError
from curta.functions.indexing import checked_below
from curta.functions.operands import tensor as check
from curta.ops.dispatch import bind
from curta.ops.embedding import EMBEDDING
from curta.tensor import Tensor


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of weight[V, D] by index: [...] to [..., D]. IndexRangeError for an index outside [0, V).

    Row `padding_idx` gets no gradient. With `max_norm` rows that are looked up and whose `norm_type`-norm is larger
    are made that long, in place. `scale_grad_by_freq` divides a row's gradient by how often it is looked up.

    >>> import curta
    >>> embedding(curta.tensor([1, 1, 0]), curta.tensor([[1.0], [2.0]])).flatten()
    tensor([2., 2., 1.])
    """
    rows, table = check("embedding", input), check("embedding", weight, "weight")
    if table.layout.rank != 2:
        raise ShapeError("'weight' must be 2-D")
    padding = padding_row(padding_idx, table)
    rows = _prepared("embedding", rows, table, max_norm, norm_type, sparse)
    return _rows(rows, table, padding, scale_grad_by_freq)


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
    per_sample_weights: Tensor | None = None, include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """The sum, mean or maximum of the rows of weight[V, D] in each of B bags: [B, D].

    `input` is [B, n] indices, or [n] with the places `offsets` where bags begin (with `include_last_offset` also where
    the last one ends). Rows are multiplied by `per_sample_weights` before they are added up; those of `padding_idx` are
    left out. An empty bag gives zeros. For the rest see `embedding`.

    >>> import curta
    >>> table = curta.tensor([[1.0], [2.0], [4.0]])
    >>> embedding_bag(curta.tensor([0, 1, 2]), table, curta.tensor([0, 2]), mode="sum").flatten()
    tensor([3., 4.])
    """
    name = "embedding_bag"
    indices, table = check(name, input), check(name, weight, "weight")
    _check_bags(indices, table, offsets, mode, scale_grad_by_freq, sparse, per_sample_weights)
    padding = padding_row(padding_idx, table)
    starts = None if offsets is None else bag_starts(offsets, include_last_offset, indices.layout.shape[0])
    indices = _prepared(name, indices, table, max_norm, norm_type, sparse)
    rows = _rows(indices, table, None, scale_grad_by_freq).to(compute_dtype(table.layout.dtype))
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    kept = None if padding is None else indices != padding
    if starts is None:
        made = _of_rows(rows, kept, mode)
    elif mode == "max":
        made = _largest_between(rows, kept, *starts)
    else:
        made = _added_between(rows, kept, *starts, mode)
    return made.to(table.layout.dtype)


# one by one


class _Shared(Function):
    """A tensor that gives on its gradient divided."""

    @staticmethod
    def forward(ctx: Any, made: Any, counts: Any) -> Any:
        ctx.save_for_backward(counts)
        return made

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g / ctx.saved_tensors[0], None


def padding_row(padding_idx: int | None, table: Any) -> int | None:
    if padding_idx is None:
        return None
    V = table.layout.shape[0]
    if not -V <= padding_idx < V:
        raise ArgumentError(f"Padding_idx must be within num_embeddings, got {padding_idx} and {V}")
    return padding_idx % V


def _prepared(name: str, rows: Any, table: Any, max_norm: float | None, norm_type: float, sparse: bool) -> Any:
    """Indices that are in range, after the rows that they name were made short enough."""
    if sparse and STATE.grad_enabled and table.requires_grad:
        raise UnsupportedError(f"{name}(): the argument 'sparse' is not supported where the weight wants a gradient")
    rows = _checked(name, rows, table)
    if max_norm is not None:
        shortened(name, rows, table, max_norm, norm_type)
    return rows


def _checked(name: str, rows: Any, table: Any) -> Any:
    if rows.layout.dtype.name not in ("int64", "int32"):
        raise DTypeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{rows.layout.dtype!r} instead (while checking arguments for {name})"
        )
    return checked_below(rows, table.layout.shape[0])


def shortened(name: str, rows: Any, table: Any, max_norm: float, norm_type: float) -> None:
    """Make rows of a table, in place, at most so long."""
    rows = _checked(name, rows, table)
    if rows.layout.numel:
        with no_grad():
            known, places = table.detach(), rows.flatten()
            found = known.index_select(0, places)
            lengths = functions.norm(found, norm_type, -1, True)
            shorter = functions.where(lengths > max_norm, max_norm / (lengths + 1e-7), 1.0)
            functions.index_copy_(known, 0, places, found * shorter)


def _rows(rows: Any, table: Any, padding: int | None, scale_grad_by_freq: bool) -> Any:
    made = bind(EMBEDDING, (table, rows.unsqueeze(-1)))
    if not table.requires_grad:
        return made
    if scale_grad_by_freq:
        ones = table.detach().new_ones((rows.layout.numel,))
        times = functions.index_add(ones.new_zeros((table.layout.shape[0],)), 0, rows.flatten(), ones)
        made = _Shared.apply(made, times[rows].unsqueeze(-1))
    if padding is not None:
        # the row's gradient is dropped where it is looked up: the same values, without a history
        made = functions.where((rows == padding).unsqueeze(-1), made.detach(), made)
    return made


# bags


def _check_bags(
    indices: Any, table: Any, offsets: Any, mode: str, by_frequency: bool, sparse: bool, shares: Any
) -> None:
    """PyTorch's errors, in its order."""
    if shares is not None and shares.layout.shape != indices.layout.shape:
        raise ArgumentError(
            f"embedding_bag: If per_sample_weights ({list(shares.layout.shape)}) is not None, then it must have the "
            f"same shape as the input ({list(indices.layout.shape)})"
        )
    if table.layout.rank != 2:
        raise ArgumentError(f"weight has to be a 2D Tensor, but got Tensor of dimension {table.layout.rank}")
    rank = indices.layout.rank
    if rank == 2 and offsets is not None:
        raise ArgumentError(
            "if input is 2D, then offsets has to be None, as input is treated as a mini-batch of fixed length "
            f"sequences; got offsets {list(offsets.layout.shape)}"
        )
    if rank == 1 and (offsets is None or offsets.layout.rank != 1):
        given = "None" if offsets is None else list(offsets.layout.shape)
        raise ArgumentError(f"offsets has to be a 1D Tensor but got {given}")
    if rank not in (1, 2):
        raise ArgumentError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {rank}")
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and by_frequency:
        raise ArgumentError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ArgumentError("max mode does not support sparse weights")
    if shares is not None and mode != "sum":
        raise UnsupportedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode={mode!r})"
        )


def bag_starts(offsets: Any, with_end: bool, count: int) -> tuple[Any, Any]:
    """Where each bag begins and ends; ShapeError for offsets that leave something out, where they can be looked at."""
    if offsets.layout.dtype.name not in ("int64", "int32"):
        raise DTypeError(
            "Expected tensor for argument #1 'offsets' to have one of the following scalar types: Long, Int; but got "
            f"{offsets.layout.dtype!r} instead (while checking arguments for embedding_bag)"
        )
    if with_end and not offsets.layout.numel:
        raise ShapeError("include_last_offset: number of offset should be at least 1")
    if _is_known(offsets) and offsets.layout.numel:
        values = host.array(offsets)
        if values[0] != 0:
            raise ShapeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
                f"However, got {values[0]}"
            )
        if values[-1] > count:
            raise ShapeError(
                f"offsets[-1] can not be greater than input's length({count}) but got offsets[-1] of {values[-1]}"
            )
    offsets = offsets.long()
    if with_end:
        return offsets[:-1], offsets[1:]
    return offsets, functions.cat([offsets[1:], offsets.new_full((min(1, offsets.layout.numel),), count)])


def _is_known(x: Any) -> bool:
    """Whether there are numbers to look at now."""
    return STATE.recorder is None and STATE.graph is None and x.batch is None and host.has_values(x)


def _of_rows(rows: Any, kept: Any, mode: str) -> Any:
    """Bags rows[B, n, D], of which only those that are `kept` [B, n] count."""
    n = rows.layout.shape[1]
    if mode == "max":
        return _largest(rows, kept) if n else rows.sum(1)
    if kept is None:
        return rows.sum(1) / max(n, 1) if mode == "mean" else rows.sum(1)
    made = functions.where(kept.unsqueeze(-1), rows, 0.0).sum(1)
    return made / kept.sum(1, True).clamp(min=1) if mode == "mean" else made


def _largest(rows: Any, kept: Any) -> Any:
    if kept is None:
        return rows.max(1)[0]
    made = functions.where(kept.unsqueeze(-1), rows, -float("inf")).max(1)[0]
    return functions.where(kept.any(1, True), made, 0.0)


def _largest_between(rows: Any, kept: Any, begins: Any, ends: Any) -> Any:
    """As bags of one length, that of the longest; where offsets cannot be looked at, of all rows."""
    n, D = rows.layout.shape
    B = begins.layout.shape[0]
    longest = n
    if _is_known(begins):
        longest = int((host.array(ends) - host.array(begins)).max()) if B else 0
    if not n or longest <= 0:
        return rows[:0].sum(0) + rows.new_zeros((B, D))
    places = begins.unsqueeze(1) + functions.arange(longest, device=rows.device)
    inside = places < ends.unsqueeze(1)
    places = places.clamp(max=n - 1)
    if kept is not None:
        inside = inside.logical_and(kept[places])
    return _largest(rows.index_select(0, places.flatten()).reshape(B, longest, D), inside)


def _added_between(rows: Any, kept: Any, begins: Any, ends: Any, mode: str) -> Any:
    """Every row added to the bag that it lies in."""
    n, D = rows.layout.shape
    B = begins.layout.shape[0]
    nothing = rows.new_zeros((B, D))
    if not n or not B:
        return rows[:0].sum(0) + nothing
    places = functions.arange(n, device=rows.device)
    bags = functions.searchsorted(begins, places, right=True) - 1
    if kept is None and _is_known(ends) and host.number(ends[-1]) == n:  # every row is in a bag, the first from 0 on
        made = functions.index_add(nothing, 0, bags, rows)
        if mode == "sum":
            return made
        return made / (ends - begins).clamp(min=1).unsqueeze(-1)
    bags = bags.clamp(min=0)
    counted = places < ends[-1]
    counted = counted if kept is None else counted.logical_and(kept)
    made = functions.index_add(nothing, 0, bags, functions.where(counted.unsqueeze(-1), rows, 0.0))
    if mode == "sum":
        return made
    sizes = functions.index_add(nothing.new_zeros((B,)), 0, bags, counted.to(rows.layout.dtype))
    return made / sizes.clamp(min=1).unsqueeze(-1)
