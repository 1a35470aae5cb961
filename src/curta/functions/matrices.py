"""What functions of matrices ask of their arguments, and the places of a batch of matrices."""

from __future__ import annotations

from typing import Any

from curta import dtypes, shapes
from curta.device import META
from curta.errors import ArgumentTypeError, DTypeError, LinearAlgebraError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import eye
from curta.functions.inplace import scalar_name
from curta.functions.operands import tensor
from curta.functions.products import into as written
from curta.tensor import Tensor


def matrices(name: str, value: Any, square: bool = False, argument: str = "A") -> Tensor:
    """A tensor of float32 or float64 matrices; an error in PyTorch's words for anything else."""
    x = tensor(name, value, argument)
    layout = x.layout
    if layout.rank < 2:
        raise ShapeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")
    if square and layout.shape[-1] != layout.shape[-2]:
        M, N = layout.shape[-2:]
        raise ShapeError(f"{name}: {argument} must be batches of square matrices, but they are {M} by {N} matrices")
    if not layout.dtype.is_floating_point:
        raise DTypeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {scalar_name(layout.dtype)}"
        )
    if layout.dtype not in (dtypes.float32, dtypes.float64):
        raise UnsupportedDTypeError(f"{name}: Low precision dtypes not supported. Got {scalar_name(layout.dtype)}")
    return x


def into(name: str, out: Any, made: Any, inputs: tuple[Any, ...]) -> Any:
    """A result, or several, written to what a caller gave for them; as they are if that is None."""
    if out is None:
        return made
    if isinstance(made, Tensor):
        return written(name, made, out, *inputs)
    if not isinstance(out, (tuple, list)) or len(out) != len(made):
        raise ArgumentTypeError(f"{name}(): argument 'out' must be a tuple of {len(made)} tensors, not {out!r:.40}")
    return tuple(written(name, one, target, *inputs) for one, target in zip(made, out, strict=True))


def same_format(name: str, a: Tensor, b: Tensor) -> None:
    """DTypeError unless two tensors have one format."""
    if a.layout.dtype is not b.layout.dtype:
        raise DTypeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {scalar_name(a.layout.dtype)} and "
            f"B of type {scalar_name(b.layout.dtype)} instead"
        )


def turned(x: Tensor) -> Tensor:
    """Rows as columns."""
    return x.transpose(-2, -1)


def identity(x: Tensor) -> Tensor:
    """Matrices of ones on the diagonal, as many as x has."""
    count = x.layout.shape[-1]
    return eye(count, dtype=x.layout.dtype, device=x.layout.device).expand(x.layout.shape)


def batched(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the dimensions before the last two that they have together."""
    common = shapes.broadcast_shapes(a.layout.shape[:-2], b.layout.shape[:-2])
    return a.expand((*common, *a.layout.shape[-2:])), b.expand((*common, *b.layout.shape[-2:]))


_FIRST, _LAST = "greater or equal to 1", "smaller or equal to LU.size(-2)"
_ORIGIN = "Did you properly pass the result of lu_factor?"


def check_pivots(name: str, pivots: Tensor, count: int) -> None:
    """ShapeError for exchanges with rows that a matrix of `count` rows does not have."""
    from curta import host

    if not pivots.layout.numel or not host.has_values(pivots):
        return
    values = host.array(pivots)
    low, high = int(values.min()), int(values.max())
    if low >= 1 and high <= count:
        return
    if name == "lu_unpack":
        raise ShapeError(f"pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.{_ORIGIN}")
    raise ShapeError(f"Pivots given to {name} must all be {_FIRST if low < 1 else _LAST}. {_ORIGIN}")


def check_info(name: str, info: Tensor, what: str) -> None:
    """LinearAlgebraError for the first matrix of a batch whose `info` is not 0; `what` has its number as {}."""
    if info.layout.device is META or not info.layout.numel:
        return
    from curta import host

    if not host.has_values(info):  # only planned
        return
    values = host.array(info)
    wrong = [place for place, value in enumerate(values.reshape(-1)) if value]
    if wrong:
        where = f"(Batch element {wrong[0]}): " if values.ndim else ""
        raise LinearAlgebraError(f"{name}: {where}{what.format(int(values.reshape(-1)[wrong[0]]))}")
