"""Reductions of neighbouring slices, under PyTorch's name."""

from __future__ import annotations

from typing import Any

from curta import dtypes, shapes
from curta.errors import ArgumentTypeError, ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions.creation import arange, full, zeros
from curta.functions.cumulative import cumsum, diff
from curta.functions.inplace import scalar_name
from curta.functions.joining import cat
from curta.functions.operands import tensor
from curta.functions.searching import searchsorted
from curta.ops.dispatch import bind
from curta.ops.indexing import scatter_rows
from curta.ops.scattering import SEGMENT_EXTREME, reduce_rows
from curta.tensor import Tensor

#: by name: what the operator is called, and what there is where nothing is reduced
_EXTREMES = {
    "max": ("max", float("-inf")),
    "amax": ("max", float("-inf")),
    "min": ("min", float("inf")),
    "amin": ("min", float("inf")),
}


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: bool | int | float | None = None,
) -> Tensor:
    """The sum, mean, max, min or prod of each of the segments that the slices along `axis` are cut into.

    lengths[..., n] says how many slices each segment has, offsets[..., n + 1] where they begin and the last one ends;
    dimensions in front of `axis` are cut each in its own way. `initial` takes part in every reduction; without it an
    empty segment gives 0, NaN, -inf, inf or 1. `unsafe` leaves out the look at the values of lengths and offsets, which
    a compiled function cannot have. ShapeError for segments that do not fit.

    >>> import curta
    >>> curta.segment_reduce(curta.tensor([1.0, 2.0, 3.0]), "sum", lengths=curta.tensor([1, 0, 2]))
    tensor([1., 0., 5.])
    """
    x = tensor("segment_reduce", data, "data")
    if not isinstance(reduce, str):
        raise ArgumentTypeError(
            f"segment_reduce(): argument 'reduce' (position 2) must be str, not {type(reduce).__name__}"
        )
    if reduce not in ("sum", "mean", "prod", *_EXTREMES):
        raise ShapeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    if indices is not None:
        raise UnsupportedError("segment_reduce(): indices based reduction is not supported yet.")
    place = shapes.normalize_dim(axis, x.layout.rank)
    ends = _ends(x, place, lengths, offsets, unsafe)
    if x.layout.dtype not in (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64):
        raise UnsupportedDTypeError(f'"_segment_reduce_cpu" not implemented for {scalar_name(x.layout.dtype)!r}')
    shape, lead = x.layout.shape, x.layout.shape[:place]
    count, width = shapes.element_count(lead), shapes.element_count(shape[place + 1 :])
    segments = ends.layout.shape[-1] - 1
    rows = x.reshape(count * shape[place], width).to(dtypes.compute_dtype(x.layout.dtype))
    ends = ends.reshape(count, segments + 1)
    places = _places(ends, shape[place])
    made = _reduced(rows, places, diff(ends).reshape(-1, 1), reduce, initial)
    return made.reshape(*lead, segments, *shape[place + 1 :]).to(x.layout.dtype)


def _ends(x: Tensor, place: int, lengths: Any, offsets: Any, unsafe: bool) -> Tensor:
    """Where the segments begin, and where the last one ends."""
    word = "lengths" if offsets is None else "offsets"
    given = lengths if offsets is None else offsets
    if given is None:
        raise ShapeError("segment_reduce(): Either lengths or offsets must be defined.")
    if not isinstance(given, Tensor):
        raise ArgumentTypeError(f"segment_reduce(): argument '{word}' must be Tensor, not {type(given).__name__}")
    layout = given.layout
    if layout.rank - 1 != place:
        raise ShapeError(f"segment_reduce(): Expected axis to be the last dimension of {word} but got {place}.")
    if layout.shape[:-1] != x.layout.shape[:place]:
        raise ShapeError(
            f"segment_reduce(): {word} must have data's sizes in front of the axis, got {list(layout.shape)} for data "
            f"of {list(x.layout.shape)}"
        )
    if layout.dtype not in (dtypes.int32, dtypes.int64):
        raise UnsupportedDTypeError(
            f'"_segment_reduce_{word}_cpu_kernel1" not implemented for {scalar_name(layout.dtype)!r}'
        )
    size = x.layout.shape[place]
    if word == "offsets":
        if not layout.shape[-1]:
            raise ShapeError("segment_reduce(): offsets must have at least one element along the axis, got 0")
        if not unsafe:
            _check_offsets(given, size)
        return given.long()
    if not unsafe:
        _check_lengths(given, size)
    first = zeros(*layout.shape[:-1], 1, dtype=dtypes.int64, device=layout.device)
    return cat((first, cumsum(given.long(), -1)), -1)


def _has_values(given: Tensor) -> bool:
    return given.layout.device.type != "meta" and given.layout.numel > 0


def _check_lengths(lengths: Tensor, size: int) -> None:
    if not _has_values(lengths):
        return
    if lengths.min().item() < 0:
        raise ShapeError("lengths contains negative value!")
    if (lengths.sum(-1) != size).any().item():
        raise ShapeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
            "!unsafe."
        )


def _check_offsets(offsets: Tensor, size: int) -> None:
    if not _has_values(offsets):
        return
    if offsets.min().item() < 0 or offsets.max().item() > size or (diff(offsets) < 0).any().item():
        raise ShapeError(f"segment_reduce(): offsets must rise from 0 on to at most {size}, the size of the axis")


def _places(ends: Tensor, size: int) -> Tensor:
    """To which segment each slice belongs, counted through all rows of `ends`; one behind the last for no segment."""
    count, segments = ends.layout.shape[0], ends.layout.shape[1] - 1
    device = ends.layout.device
    along = arange(size, device=device).expand(count, size).contiguous()
    found = searchsorted(ends.contiguous(), along, right=True) - 1
    inside = (found >= 0).logical_and(found < segments)
    numbered = found + arange(count, device=device).reshape(count, 1) * segments
    return numbered.where(inside, count * segments).reshape(-1)


def _reduced(rows: Tensor, places: Tensor, lengths: Tensor, reduce: str, initial: Any) -> Tensor:
    """[segments, m] of rows[n, m]."""
    segments, width = lengths.layout.shape[0], rows.layout.shape[1]
    dtype, device = rows.layout.dtype, rows.layout.device
    if reduce in _EXTREMES:
        name, nothing = _EXTREMES[reduce]
        base = full((segments + 1, width), nothing, dtype=dtype, device=device)
        found = bind(SEGMENT_EXTREME, (rows.contiguous(), places, base), reduce=name, include=False)[:segments]
        if initial is None:
            return found
        return found.masked_fill(found < initial if name == "max" else found > initial, initial)
    if reduce == "prod":
        base = full((segments + 1, width), 1 if initial is None else initial, dtype=dtype, device=device)
        return reduce_rows(rows, places, base, "prod", include=True)[:segments]
    total = scatter_rows(rows, places, segments + 1)[:segments]
    if initial is not None:
        total = total + initial
    if reduce == "sum":
        return total
    return total / (lengths if initial is None else lengths.clamp(min=1))
