"""Parts of tensors: `x[...]` read and written, gathering and scattering."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from curta import dtypes, host, shapes
from curta.errors import ArgumentTypeError, IndexRangeError, ShapeError, UnsupportedError
from curta.functions.movement import region
from curta.functions.operands import refuse, tensor
from curta.ops.dispatch import bind
from curta.ops.indexing import GATHER, linear_places, put_rows, take_rows
from curta.ops.movement import Region, RegionItem
from curta.tensor import Tensor

_INDEX_DTYPES = (dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8)


def checked_index(index: int, size: int, dim: int) -> int:
    """`index` counted from 0; IndexRangeError when outside."""
    if not -size <= index < size:
        raise IndexRangeError(f"index {index} is out of bounds for dimension {dim} with size {size}")
    return index + size if index < 0 else index


def _array_index(item: Any) -> Any:
    """A list, array or tensor as an index: an integer tensor, or a boolean NumPy array."""
    if isinstance(item, Tensor):
        if item.layout.dtype is dtypes.bool_:
            return np.asarray(host.array(item.detach()))
        if item.layout.dtype not in _INDEX_DTYPES:
            raise IndexRangeError("tensors used as indices must be long, int, byte or bool tensors")
        return item
    values = np.asarray(item)
    if values.size == 0 and values.dtype.kind == "f":
        values = values.astype(np.int64)
    if values.dtype.kind == "b":
        return values
    if values.dtype.kind not in "iu":
        raise IndexRangeError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {type(item).__name__})"
        )
    return host.tensor_from(np.ascontiguousarray(values.astype(np.int64)))


def _flat_items(index: Any, rank: int) -> list[Any]:
    """The index as a list with one entry a dimension or new dimension, Ellipsis spelled out."""
    items = list(index) if isinstance(index, tuple) else [index]
    items = [
        item if item is None or item is Ellipsis or isinstance(item, slice) else _integer_or_array(item)
        for item in items
    ]
    used = sum(
        item.ndim if isinstance(item, np.ndarray) else item is not None and item is not Ellipsis for item in items
    )
    if used > rank:
        raise IndexRangeError(f"too many indices for tensor of dimension {rank}")
    places = [place for place, item in enumerate(items) if item is Ellipsis]
    if len(places) > 1:
        raise IndexRangeError("an index can only have a single ellipsis ('...')")
    fill = [slice(None)] * (rank - used)
    if not places:
        return items + fill
    return items[: places[0]] + fill + items[places[0] + 1 :]


def _integer_or_array(item: Any) -> Any:
    if isinstance(item, bool | np.bool_):
        return np.asarray(bool(item))
    if isinstance(item, int | np.integer):
        return int(item)
    if isinstance(item, Tensor) and item.layout.rank == 0 and item.layout.dtype in _INDEX_DTYPES:
        return int(host.number(item))
    return _array_index(item)


def _split(input: Tensor, items: list[Any]) -> tuple[Region, list[tuple[int, Any]]]:
    """The basic part of an index as a region, and the arrays with the dimension of the region's result they are for."""
    basic: list[RegionItem] = []
    arrays: list[tuple[int, Any]] = []
    shape = input.layout.shape
    source, result = 0, 0
    has_arrays = any(isinstance(item, Tensor | np.ndarray) for item in items)
    for item in items:
        if item is None:
            basic.append(None)
        elif isinstance(item, slice):
            basic.append(shapes.slice_geometry(shape[source], item.start, item.stop, item.step))
            source += 1
        elif isinstance(item, int):
            place = checked_index(item, shape[source], source)
            source += 1
            if not has_arrays:
                basic.append(place)
                continue
            basic.append((0, shape[source - 1], 1))  # beside arrays an integer is an array too: it moves the rest
            arrays.append((result, place))
        elif isinstance(item, np.ndarray):
            _check_mask(item, shape, source)
            if item.ndim == 0:
                basic.append(None)
                arrays.append((result, np.flatnonzero(item)))
                result += 1
                continue
            for places in item.nonzero():
                basic.append((0, shape[source], 1))
                arrays.append((result, places))
                source, result = source + 1, result + 1
            continue
        else:
            basic.append((0, shape[source], 1))
            arrays.append((result, item))
            source += 1
        result += 1
    return tuple(basic), arrays


def _check_mask(mask: Any, shape: tuple[int, ...], dim: int) -> None:
    for axis, size in enumerate(mask.shape):
        if size != shape[dim + axis]:
            raise IndexRangeError(
                f"The shape of the mask {list(mask.shape)} at index {axis} does not match the shape of the indexed "
                f"tensor {list(shape)} at index {dim + axis}"
            )


def _in_range(places: Any, size: int, dim: int) -> Tensor:
    """Index values as an int64 tensor counted from 0; IndexRangeError for the first one outside."""
    values = places if isinstance(places, Tensor) else host.tensor_from(np.asarray(places, dtype=np.int64))
    values = values.to(dtypes.int64)
    if values.layout.numel:
        low, high = int(values.amin().item()), int(values.amax().item())
        checked_index(low, size, dim)
        checked_index(high, size, dim)
        if low < 0:
            values = _wrapped(values, size)
    return values


def _wrapped(values: Tensor, size: int) -> Tensor:
    from curta.functions.choice import where

    return where(values < 0, values + size, values)


class _Lookup:
    """An index with arrays, worked out: which rows of a matrix it names and how the result is laid out.

    The indexed dimensions are brought to the front and merged into rows; the others are the columns.
    """

    def __init__(self, seen: Tensor, arrays: list[tuple[int, Any]]) -> None:
        shape = seen.layout.shape
        self.dims = [dim for dim, _ in arrays]
        self.rest = [dim for dim in range(len(shape)) if dim not in self.dims]
        self.sizes = [shape[dim] for dim in self.dims]
        places = [_in_range(values, shape[dim], dim) for dim, values in arrays]
        self.shape = _common_shape([place.layout.shape for place in places])
        rows = places[0]
        for place, size in zip(places[1:], self.sizes[1:], strict=True):
            rows = rows * size + place
        self.rows = rows.expand(self.shape).reshape(-1)
        self.width = prod(shape[dim] for dim in self.rest)
        self.columns = tuple(shape[dim] for dim in self.rest)
        neighbours = self.dims == list(range(self.dims[0], self.dims[0] + len(self.dims)))
        #: where the index's own dimensions stand in the result
        self.place = self.dims[0] if neighbours else 0

    def matrix(self, seen: Tensor) -> Tensor:
        """The tensor as rows and columns."""
        return seen.permute(*self.dims, *self.rest).reshape(prod(self.sizes), self.width)

    def result(self, picked: Tensor) -> Tensor:
        """Picked rows [N, width] in the shape and order of the indexing's result."""
        count = len(self.shape)
        out = picked.reshape(*self.shape, *self.columns)
        order = list(range(count, count + self.place)) + list(range(count))
        order += range(count + self.place, count + len(self.columns))
        return out.permute(*order) if self.place else out

    def values(self, given: Tensor) -> Tensor:
        """Values to be assigned, [N, width]: broadcast to the result's shape and brought into the matrix's order."""
        count = len(self.shape)
        target = (*self.columns[: self.place], *self.shape, *self.columns[self.place :])
        spread = given.expand(target)
        order = [*range(self.place, self.place + count), *range(self.place), *range(self.place + count, len(target))]
        return spread.permute(*order).reshape(self.rows.layout.numel, self.width)

    def back(self, matrix: Tensor, like: Tensor) -> Tensor:
        """The inverse of `matrix`."""
        order = [*self.dims, *self.rest]
        inverse = [order.index(dim) for dim in range(len(order))]
        return matrix.reshape(*(like.layout.shape[dim] for dim in order)).permute(*inverse)


def _common_shape(given: list[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return shapes.broadcast_shapes(*given)
    except ShapeError:
        listed = ", ".join(str(list(shape)) for shape in given)
        raise IndexRangeError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {listed}"
        ) from None


def get_item(input: Tensor, index: Any) -> Tensor:
    """`input[index]`: a view for integers, slices, None and Ellipsis; a copy for arrays and masks."""
    shape = input.layout.shape
    if type(index) is int and shape:
        return region(input, (checked_index(index, shape[0], 0),))
    if type(index) is slice and shape:
        return region(input, (shapes.slice_geometry(shape[0], index.start, index.stop, index.step),))
    basic, arrays = _split(input, _flat_items(index, input.layout.rank))
    seen = region(input, basic)
    if not arrays:
        return seen
    lookup = _Lookup(seen, arrays)
    return lookup.result(take_rows(lookup.matrix(seen), lookup.rows))


def set_item(input: Tensor, index: Any, value: Any) -> None:
    """`input[index] = value`; where an array names a place twice, the last value stays."""
    basic, arrays = _split(input, _flat_items(index, input.layout.rank))
    seen = region(input, basic)
    if not isinstance(value, Tensor):
        if not isinstance(value, bool | int | float | np.number | np.bool_ | np.ndarray | list):
            raise ArgumentTypeError(f"can't assign a {type(value).__name__} to a {input.layout}")
        if isinstance(value, bool | int | float) and not arrays:
            seen.fill_(value)
            return
        value = host.tensor_from(np.asarray(value), input.layout.dtype)
    if not arrays:
        seen.copy_(_without_leading_ones(value, seen.layout.rank))
        return
    _put(seen, arrays, value.to(input.layout.dtype), accumulate=False)


def _without_leading_ones(value: Tensor, rank: int) -> Tensor:
    while value.layout.rank > rank and value.layout.shape[0] == 1:
        value = value.squeeze(0)
    return value


def _put(seen: Tensor, arrays: list[tuple[int, Any]], value: Tensor, accumulate: bool) -> None:
    lookup = _Lookup(seen, arrays)
    count = len(lookup.shape) + len(lookup.columns)
    source = lookup.values(_without_leading_ones(value, count))
    seen.copy_(lookup.back(put_rows(lookup.matrix(seen), source, lookup.rows, accumulate), seen))


def index_put_(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """`input[indices] = values`, or `+=` with every repetition counted when `accumulate`."""
    items = [_array_index(index) for index in indices]
    basic, arrays = _split(input, _flat_items(tuple(items), input.layout.rank))
    _put(region(input, basic), arrays, values, accumulate)
    return input


def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """`index_put_` on a copy."""
    return index_put_(input.clone(), indices, values, accumulate)


def index_select(input: Tensor, dim: int, index: Tensor, *, out: Any = None) -> Tensor:
    """The slices of `input` along `dim` that `index` (one dimension) names."""
    refuse("index_select", out=out)
    axis = shapes.normalize_dim(dim, input.layout.rank)
    if index.layout.rank > 1:
        raise IndexRangeError("index_select(): Index is supposed to be a vector")
    return get_item(input, (slice(None),) * axis + (index.reshape(-1),))


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Any = None) -> Tensor:
    """The elements of `input` at `index` along `dim`; the result has the index's shape."""
    refuse("gather", out=out)
    if sparse_grad:
        raise UnsupportedError("gather(): the argument 'sparse_grad' is not supported")
    tensor("gather", index, "index")
    if index.layout.dtype is not dtypes.int64:
        raise ShapeError("gather(): Expected dtype int64 for index")
    if index.layout.rank != input.layout.rank:
        raise ShapeError("Index tensor must have the same number of dimensions as input tensor")
    axis = shapes.normalize_dim(dim, input.layout.rank)
    for place, (mine, theirs) in enumerate(zip(index.layout.shape, input.layout.shape, strict=True)):
        if place != axis and mine > theirs:
            raise ShapeError(
                f"Size does not match at dimension {place} expected index {list(index.layout.shape)} to be no larger "
                f"than self {list(input.layout.shape)} apart from dimension {axis}"
            )
    _check_gathered(index, input.layout.shape[axis], axis)
    return bind(GATHER, (input, index), dim=axis)


def _check_gathered(index: Tensor, size: int, dim: int) -> None:
    if index.layout.numel:
        low, high = int(index.amin().item()), int(index.amax().item())
        if low < 0 or high >= size:
            bad = low if low < 0 else high
            raise ShapeError(f"index {bad} is out of bounds for dimension {dim} with size {size}")


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Any = None) -> Tensor:
    """`gather` with the other dimensions broadcast; without `dim` over the flat input."""
    refuse("take_along_dim", out=out)
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    axis = shapes.normalize_dim(dim, input.layout.rank)
    ours = tuple(1 if d == axis else size for d, size in enumerate(input.layout.shape))
    theirs = tuple(1 if d == axis else size for d, size in enumerate(indices.layout.shape))
    common = shapes.broadcast_shapes(ours, theirs)
    spread = [common[d] if d != axis else -1 for d in range(len(common))]
    return gather(input.expand(*spread), axis, indices.expand(*spread))


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`input` with the elements of `src` added where `index` says along `dim`."""
    axis = shapes.normalize_dim(dim, input.layout.rank)
    _check_gathered(index, input.layout.shape[axis], axis)
    flat = linear_places(index, input.layout.shape, axis)
    part = region(src, tuple((0, size, 1) for size in index.layout.shape))
    added = put_rows(input.reshape(-1, 1), part.reshape(-1, 1), flat, True)
    return added.reshape(input.layout.shape)


def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add` in place."""
    return input.copy_(scatter_add(input, dim, index, src))


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1, out: Any = None) -> Tensor:
    """`input` with the slices of `source` added at `index` along `dim`."""
    refuse("index_add", out=out)
    axis = shapes.normalize_dim(dim, input.layout.rank)
    result = input.clone()
    basic = tuple((0, size, 1) for size in input.layout.shape)
    scaled = source if alpha == 1 else source * alpha
    _put(region(result, basic), [(axis, index)], scaled, accumulate=True)
    return result


def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """`index_add` in place."""
    return input.copy_(index_add(input, dim, index, source, alpha=alpha))


def masked_select(input: Tensor, mask: Tensor, *, out: Any = None) -> Tensor:
    """The elements where `mask` holds, in row-major order, in one dimension."""
    refuse("masked_select", out=out)
    shape = shapes.broadcast_shapes(input.layout.shape, mask.layout.shape)
    return get_item(input.expand(shape), mask.expand(shape))


def nonzero(input: Tensor, *, out: Any = None, as_tuple: bool = False) -> Any:
    """The places of the elements that are not 0: [count, rank], or one tensor a dimension."""
    refuse("nonzero", out=out)
    places = np.asarray(host.array(input.detach())).nonzero()
    if as_tuple:
        return tuple(host.tensor_from(place.astype(np.int64)) for place in places)
    stacked = np.stack(places, axis=1) if places else np.empty((0, 0))
    return host.tensor_from(np.ascontiguousarray(stacked.astype(np.int64)))
