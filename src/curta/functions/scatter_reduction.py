"""Scattering that reduces: what goes to one place is added, multiplied, averaged or compared."""

from __future__ import annotations

from curta import shapes
from curta.dtypes import bool_, compute_dtype
from curta.errors import DTypeError, IndexRangeError, ShapeError
from curta.functions.creation import ones
from curta.functions.indexing import in_range_from_zero
from curta.functions.inplace import rewritten, scalar_name
from curta.functions.movement import movedim
from curta.functions.operands import tensor
from curta.functions.outputs import EXACT, into
from curta.functions.scattering import paired
from curta.ops.indexing import scatter_rows
from curta.ops.scattering import reduce_rows
from curta.tensor import Tensor

_EXTREMES = {"amax": "max", "amin": "min"}


def _joined(source: Tensor, places: Tensor, base: Tensor, reduce: str, include: bool) -> Tensor:
    """base[count, m] with the rows of source[n, m] reduced into its rows places[n]."""
    kind = base.layout.dtype
    wide = compute_dtype(kind)
    source, base, places = source.to(wide), base.to(wide), places.long()
    count, device = base.layout.shape[0], base.layout.device
    if reduce not in ("sum", "mean"):
        return reduce_rows(source, places, base, _EXTREMES.get(reduce, reduce), include).to(kind)
    each = ones(places.layout.numel, 1, dtype=wide, device=device)
    if not include:
        base = base.masked_fill(scatter_rows(each, places, count, accumulate=False) != 0, 0)
    total = base + scatter_rows(source, places, count)
    if reduce == "mean":
        counts = (scatter_rows(each, places, count) + int(include)).clamp(min=1)
        total = total / counts if kind.is_floating_point else total.div(counts, rounding_mode="floor")
    return total.to(kind)


def reduced_at(input: Tensor, places: Tensor, values: Tensor, reduce: str, include: bool) -> Tensor:
    """A copy of `input` with values[n] reduced into its elements at the row-major places[n]."""
    flat = _joined(values.reshape(-1, 1), places, input.reshape(-1, 1), reduce, include)
    return flat.reshape(input.layout.shape)


def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` with input[index[i][j]][j] (for dim 0) the sum, prod, mean, amax or amin of all src[i][j] that
    go there, and of what was there unless `include_self` is False.

    >>> import curta
    >>> curta.scatter_reduce(curta.ones(2), 0, curta.tensor([0, 0, 1]), curta.tensor([2.0, 3.0, 4.0]), "prod")
    tensor([6., 4.])
    """
    if out is not None:
        made = scatter_reduce(input, dim, index, src, reduce, include_self=include_self)
        return into("scatter_reduce", out, made, EXACT, (index, src))
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ShapeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    places, values = paired("scatter", tensor("scatter_reduce", input), dim, index, tensor("scatter_reduce", src))
    if input.layout.dtype is bool_ and reduce == "mean":
        raise DTypeError("scatter_reduce(): a mean of truth values is not defined")
    return reduced_at(input, places, values, reduce, include_self)


def scatter_reduce_(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_reduce` in place."""
    return rewritten(input, lambda old: scatter_reduce(old, dim, index, src, reduce, include_self=include_self))


def _check_slices(input: Tensor, place: int, index: Tensor, source: Tensor) -> None:
    """Whether `source` has a slice for every entry of `index`, in PyTorch's words."""
    if index.layout.rank > 1:
        raise IndexRangeError(f"index_reduce(): Index is supposed to be a vector, but got dim: {index.layout.rank}")
    if index.layout.dtype.name not in ("int64", "int32"):
        raise DTypeError("index_reduce(): Expected dtype int32/int64 for index")
    own, given = input.layout, source.layout
    if own.dtype is not given.dtype:
        raise DTypeError(
            f"index_reduce(): self ({scalar_name(own.dtype)}) and source ({scalar_name(given.dtype)}) must have the "
            "same scalar type"
        )
    count = index.layout.numel
    if count != (given.shape[place] if given.rank else 1):
        raise ShapeError(f"index_reduce(): Number of indices ({count}) should be equal to source.size(dim)")
    if own.shape[:place] + own.shape[place + 1 :] != given.shape[:place] + given.shape[place + 1 :]:
        raise ShapeError(
            "index_reduce(): source's slices must have the shape of self's, got self.shape = "
            f"{list(own.shape)} source.shape = {list(given.shape)}"
        )


def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input` with slices along `dim` replaced by the prod, mean, amax or amin of the slices of `source` that
    index[n] sends there, and of what was there unless `include_self` is False.

    >>> import curta
    >>> curta.index_reduce(curta.ones(2), 0, curta.tensor([0, 0, 1]), curta.tensor([2.0, 3.0, 4.0]), "amax")
    tensor([3., 4.])
    """
    if out is not None:
        made = index_reduce(input, dim, index, source, reduce, include_self=include_self)
        return into("index_reduce", out, made, EXACT, (index, source))
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise ShapeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    own = tensor("index_reduce", input).layout
    place = shapes.normalize_dim(dim, own.rank)
    _check_slices(input, place, index, source)
    size = own.shape[place] if own.rank else 1
    places = in_range_from_zero(index.reshape(-1), size, place, IndexRangeError)
    if not own.rank:
        return reduced_at(input, places, source.reshape(-1), reduce, include_self)
    base, rows = movedim(input, place, 0), movedim(source, place, 0)
    rest = base.layout.shape[1:]
    width = shapes.element_count(rest)
    joined = _joined(rows.reshape(places.layout.numel, width), places, base.reshape(size, width), reduce, include_self)
    return movedim(joined.reshape(size, *rest), 0, place)


def index_reduce_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`index_reduce` in place."""
    return rewritten(input, lambda old: index_reduce(old, dim, index, source, reduce, include_self=include_self))
