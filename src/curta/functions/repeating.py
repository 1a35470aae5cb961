"""Elements repeated, each as often as wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import dtypes, host, shapes
from curta.device import META
from curta.errors import ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions.indexing import gathered
from curta.functions.inplace import scalar_name
from curta.functions.movement import integer
from curta.functions.operands import tensor
from curta.lazy import LazyModule
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def _counts(repeats: Tensor) -> list[int]:
    """How often each element comes, from a tensor; its values decide the result's shape."""
    layout = repeats.layout
    if layout.rank > 1:
        raise ShapeError("repeats must be 0-dim or 1-dim tensor")
    if layout.dtype not in (dtypes.int32, dtypes.int64):
        raise UnsupportedDTypeError(f'"repeat_interleave_cpu" not implemented for {scalar_name(layout.dtype)!r}')
    if layout.device is META:
        raise UnsupportedError("repeat_interleave(): repeats on the meta device are not supported: they have no values")
    counts = host.array(repeats).reshape(-1).tolist()
    if any(count < 0 for count in counts):
        raise ShapeError("repeats can not be negative")
    return list(counts)


def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Every slice along `dim` (every element of the row without one) repeated, all as often or each by its count.

    With a tensor of counts alone: the number 0 as often as the first says, 1 as often as the second, and so on.

    >>> import curta
    >>> curta.repeat_interleave(curta.tensor([5, 6]), curta.tensor([2, 1]))
    tensor([5, 5, 6])
    """
    if repeats is None:
        counts = _counts(tensor("repeat_interleave", input))
        if input.layout.rank != 1:
            raise ShapeError("repeat_interleave only accept 1D vector as repeat")
        return _sized(host.tensor_from(_places(counts)).to(input.layout.dtype), output_size)
    if dim is None:
        input, dim = input.reshape(-1), 0
    axis = shapes.normalize_dim(integer("repeat_interleave", dim, "dim"), input.layout.rank, wrap_scalar=False)
    size = input.layout.shape[axis]
    if isinstance(repeats, Tensor):
        counts = _counts(repeats)
        if not repeats.layout.rank or len(counts) == 1:
            return _evenly(input, axis, counts[0], output_size)
        if len(counts) != size:
            raise ShapeError(
                "repeats must have the same size as input along dim, but got repeats.size(0) = "
                f"{len(counts)} and input.size({axis}) = {size}"
            )
    else:
        count = integer("repeat_interleave", repeats, "repeats")
        if count < 0:
            raise ShapeError("Repeats must be non-negative")
        return _evenly(input, axis, count, output_size)
    places = _sized(host.tensor_from(_places(counts)), output_size)
    return gathered(input, {axis: places})


def _evenly(input: Tensor, axis: int, count: int, output_size: int | None) -> Tensor:
    """Every slice along a dimension `count` times."""
    shape = input.layout.shape
    _check_size(shape[axis] * count, output_size)
    apart = input.unsqueeze(axis + 1).expand(*shape[: axis + 1], count, *shape[axis + 1 :])
    made: Tensor = apart.reshape(*shape[:axis], shape[axis] * count, *shape[axis + 1 :])
    return made.clone() if count == 1 else made  # which is a view then


def _places(counts: list[int]) -> Any:
    return np.repeat(np.arange(len(counts), dtype=np.int64), np.array(counts, np.int64))


def _sized(places: Tensor, output_size: int | None) -> Tensor:
    _check_size(places.layout.numel, output_size)
    return places


def _check_size(found: int, output_size: int | None) -> None:
    if output_size is not None and output_size != found:
        raise ShapeError(f"repeat_interleave: Invalid output_size, expected {found} but got {output_size}")
