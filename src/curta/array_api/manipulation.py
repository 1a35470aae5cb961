"""The standard's functions that arrange and join."""

from __future__ import annotations

from collections.abc import Sequence

from curta import dtypes, functions
from curta.array_api.operands import Axes, in_common
from curta.errors import ArgumentError
from curta.shapes import normalize_dim
from curta.tensor import Tensor


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """The tensors, as views of one shape."""
    return list(functions.broadcast_tensors(*arrays))


def broadcast_to(x: Tensor, /, shape: tuple[int, ...]) -> Tensor:
    """The tensor as a view of this shape."""
    return functions.broadcast_to(x, shape)


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """Tensors one behind the other along `axis`, in one format; flattened first when it is None.

    >>> from curta import array_api as xp
    >>> xp.concat([xp.asarray([[1], [2]]), xp.asarray([[3]])], axis=None)
    tensor([1, 2, 3])
    """
    given = in_common(arrays)
    return functions.cat([each.reshape(-1) for each in given], 0) if axis is None else functions.cat(given, axis)


def expand_dims(x: Tensor, /, *, axis: int = 0) -> Tensor:
    """A new dimension of size 1 at `axis`; IndexRangeError for a place that the result does not have."""
    return functions.unsqueeze(x, axis)


def flip(x: Tensor, /, *, axis: Axes = None) -> Tensor:
    """The elements in reverse along `axis`, or along all dimensions."""
    return functions.flip(x, tuple(range(x.ndim)) if axis is None else axis)


def moveaxis(x: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Tensor:
    """Some dimensions moved to other places."""
    return functions.movedim(x, source, destination)


def permute_dims(x: Tensor, /, axes: tuple[int, ...]) -> Tensor:
    """The dimensions in another order."""
    return functions.permute(x, axes)


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Every element so often, behind itself, along `axis`; along the flattened tensor without one.

    ShapeError for as many `repeats` as fit neither one nor all elements.

    >>> from curta import array_api as xp
    >>> xp.repeat(xp.asarray([1, 2, 3]), xp.asarray([0, 1, 2]))
    tensor([2, 3, 3])
    """
    counts = repeats if isinstance(repeats, int) else repeats.to(dtypes.int64)
    return functions.repeat_interleave(x, counts, axis)


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """The same elements as another shape: `copy=True` always copies, `copy=False` never (ArgumentError).

    >>> from curta import array_api as xp
    >>> xp.reshape(xp.arange(4), (2, -1))
    tensor([[0, 1],
            [2, 3]])
    """
    made = functions.reshape(x, shape)
    shares = made.storage is x.storage
    if copy is False and not shares:
        raise ArgumentError(f"reshape(): strides {x.stride()} do not allow {list(made.shape)} without a copy")
    return made.clone() if copy and shares else made


def roll(x: Tensor, /, shift: int | tuple[int, ...], *, axis: Axes = None) -> Tensor:
    """The elements moved on by `shift` places along `axis`, those at the end to the beginning."""
    if isinstance(axis, tuple) and isinstance(shift, int):
        shift = (shift,) * len(axis)
    return functions.roll(x, shift, axis)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """Without these dimensions of size 1; ArgumentError for one of another size.

    >>> from curta import array_api as xp
    >>> xp.squeeze(xp.ones((1, 2, 1)), axis=0).shape
    torch.Size([2, 1])
    """
    dims = (axis,) if isinstance(axis, int) else tuple(axis)
    dims = tuple(normalize_dim(dim, x.ndim, wrap_scalar=False) for dim in dims)
    for dim in dims:
        if x.shape[dim] != 1:
            raise ArgumentError(f"squeeze(): dimension {dim} has size {x.shape[dim]}, not 1")
    return functions.squeeze(x, dims)


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Tensors of one shape along a new dimension, in one format."""
    return functions.stack(in_common(arrays), axis)


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """The tensor beside itself, so often along each dimension."""
    return functions.tile(x, repetitions)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along `axis`, as views."""
    return functions.unbind(x, axis)
