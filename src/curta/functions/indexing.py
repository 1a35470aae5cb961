"""Parts of tensors: `x[...]` read and written, by PyTorch's rules."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from curta import dtypes, host, shapes
from curta.autograd.state import STATE
from curta.batching.values import through
from curta.device import META
from curta.errors import ArgumentTypeError, IndexRangeError, ShapeError
from curta.functions.inplace import copy_, fill_
from curta.functions.movement import FEW, KEPT, region
from curta.functions.operands import refuse
from curta.functions.outputs import EXACT, into
from curta.lazy import LazyModule
from curta.memory.layout import Layout
from curta.methods import late
from curta.nested import array_of
from curta.ops.indexing import take
from curta.ops.movement import REGION, Region, RegionItem, Sight, seen, sight
from curta.shapes import checked_index, slice_item
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


_AFTER_FIRST = tuple(range(1, 64))

#: lists of so many entries are one index, whatever they hold
_LONGEST_TUPLE = 32


def get_item(input: Tensor, index: Any) -> Tensor:
    """`input[index]`: a view for integers, slices, None and `...`; a copy where tensors, lists or masks index."""
    shape = input.layout.shape
    if shape:
        if type(index) is int:
            if shape[0] > FEW:
                return region(input, (checked_index(index, shape[0], 0),))
            return seen(input, *_entry(input.layout, index))
        if type(index) is slice:
            start, stop, step = index.start, index.stop, index.step
            if (start is None or type(start) is int) and (stop is None or type(stop) is int) and step is None:
                return seen(input, *_stretch(input.layout, start, stop))
            return region(input, (slice_item(shape[0], index),))
        if type(index) is tuple:
            items = _plain_items(shape, index)
            if items is not None:
                return region(input, items)
        if isinstance(index, Tensor) and index.layout.dtype is dtypes.int64 and index.layout.rank:
            return _rows(input, index)
    parsed = parse(input, index)
    found = region(input, tuple(parsed.items))
    return gathered(found, parsed.indices) if parsed.indices else found


@lru_cache(maxsize=KEPT)
def _entry(layout: Layout, index: int) -> Sight:
    return sight(REGION, layout, region=(checked_index(index, layout.shape[0], 0),))


@lru_cache(maxsize=KEPT)
def _stretch(layout: Layout, start: int | None, stop: int | None) -> Sight:
    return sight(REGION, layout, region=(slice_item(layout.shape[0], slice(start, stop)),))


def _rows(input: Tensor, index: Tensor) -> Tensor:
    """`input[index]` for one tensor of integers: what it names along the first dimension."""
    shape = input.layout.shape
    index = _beside(in_range(index, shape[0], 0), input)
    rank = index.layout.rank
    if len(shape) > 1:
        index = index.reshape(index.layout.shape + (1,) * (len(shape) - 1))
    return take(input, [index], (-1,) * rank + _AFTER_FIRST[: len(shape) - 1], (0,))


def _beside(index: Tensor, source: Tensor) -> Tensor:
    """The index for a source on the meta device, whose values do not matter there: lists are in the host's memory."""
    layout = index.layout
    if source.layout.device is not META or layout.device is META:
        return index
    return late.functions.empty(layout.shape, dtype=layout.dtype, device=META)


def _plain_items(shape: tuple[int, ...], index: tuple[Any, ...]) -> Region | None:
    """The region of an index of integers, slices and None alone, the common kind; None for any other."""
    items: list[RegionItem] = []
    dim, rank = 0, len(shape)
    for item in index:
        if item is None:
            items.append(None)
            continue
        kind = type(item)
        if dim == rank or (kind is not slice and kind is not int):
            return None
        items.append(slice_item(shape[dim], item) if kind is slice else checked_index(item, shape[dim], dim))
        dim += 1
    items += [(0, size, 1) for size in shape[dim:]]
    return tuple(items)


def set_item(input: Tensor, index: Any, value: Any) -> None:
    """`input[index] = value`."""
    from curta.functions.scattering import write_at

    if not isinstance(value, (Tensor, bool, int, float)):
        if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
            value = value.item()
        else:
            raise ArgumentTypeError(f"can't assign a {type(value).__name__} to a {input.layout} tensor")
    parsed = parse(input, index)
    view = region(input, tuple(parsed.items))
    if parsed.indices:
        write_at(view, parsed.indices, value)
    elif isinstance(value, Tensor):
        while value.layout.rank > view.layout.rank and value.layout.shape[0] == 1:
            value = value[0]
        copy_(view, value.expand(view.layout.shape))
    else:
        fill_(view, value)
    follow(input)


def follow(view: Tensor) -> None:
    """After a write through a view of it: the history of a tensor that is itself a view."""
    base = view.base
    if base is not None and base.generation != view.generation and base._requires_grad:
        from curta.functions.inplace import refresh

        refresh(view)


# reading an index


@dataclass
class Parsed:
    """An index taken apart: the region it selects first, and what is then indexed with tensors, by dimension."""

    items: list[RegionItem] = field(default_factory=list)
    indices: dict[int, Tensor] = field(default_factory=dict)
    #: the tensor's next dimension, and the region's
    dim: int = 0
    place: int = 0

    def whole(self, shape: tuple[int, ...], count: int) -> None:
        """Keep the next `count` dimensions."""
        for _ in range(count):
            self.items.append((0, shape[self.dim], 1))
            self.dim += 1
            self.place += 1


def _is_mask(item: Any) -> bool:
    return isinstance(item, Tensor) and item.layout.dtype in (dtypes.bool_, dtypes.uint8)


#: PyTorch takes none of these for places
_NO_PLACES = (dtypes.int8, dtypes.int16, dtypes.uint16, dtypes.uint32, dtypes.uint64)
_NO_INDEX = "tensors used as indices must be long, int, byte or bool tensors"


def _index_tensor(item: Any) -> Any:
    """An array or a sequence as a tensor: of truth values or bytes, which is a mask, or of int64; one number as it."""
    if isinstance(item, np.ndarray) and item.dtype.kind == "u" and item.dtype != np.uint8:
        # formats that only NumPy has: what is too large for int64 is no index either way
        item = np.minimum(item.astype(np.uint64), np.uint64(np.iinfo(np.int64).max)).astype(np.int64)
    values = array_of(item, None)
    if values.size == 0 and values.dtype.kind == "f":
        values = values.astype(np.int64)
    if values.dtype.kind not in "iub":
        raise IndexRangeError(_NO_INDEX)
    if values.dtype == np.bool_ or values.dtype == np.uint8:
        return host.tensor_from(values)
    return host.tensor_from(values, dtypes.int64) if values.ndim else int(values)


def _normal(item: Any) -> Any:
    """An entry of an index: int, bool, slice, None, Ellipsis or a tensor."""
    if item is None or item is Ellipsis or isinstance(item, (int, slice)):
        return item
    if isinstance(item, Tensor):
        dtype = item.layout.dtype
        if not item.layout.rank and dtype.category == 1 and dtype is not dtypes.uint8 and item.batch is None:
            return int(item.item())
        if dtype.is_floating_point or dtype in _NO_PLACES:
            raise IndexRangeError(_NO_INDEX)
        return item
    if isinstance(item, (list, tuple, range, np.ndarray, np.generic)) and not isinstance(item, np.integer):
        return _index_tensor(item)
    if hasattr(item, "__index__"):
        return item.__index__()
    raise IndexRangeError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
        f"(got {type(item).__name__})"
    )


def _takes(item: Any) -> int:
    """How many dimensions an entry uses up."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.layout.rank if _is_mask(item) else 1


def _entries(index: Any) -> Any:
    """The entries of an index: a short list that holds more than numbers is read as a tuple, as PyTorch does."""
    if isinstance(index, tuple):
        return index
    if not isinstance(index, (list, range)) or len(index) >= _LONGEST_TUPLE:
        return (index,)
    inner = (Tensor, list, tuple, range, str, slice, np.ndarray, type(None), type(...))
    if not any(isinstance(item, inner) for item in index):
        return (index,)
    warnings.warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)] instead of x[seq]",
        stacklevel=5,
    )
    return tuple(index)


def parse(input: Tensor, index: Any) -> Parsed:
    """An index taken apart; IndexRangeError for one that does not fit the tensor."""
    shape = input.layout.shape
    entries = [_normal(item) for item in _entries(index)]
    used = sum(map(_takes, entries))
    if used > len(shape):
        if not shape and all(isinstance(item, int) for item in entries):
            raise IndexRangeError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
                "convert a 0-dim tensor to a number"
            )
        raise IndexRangeError(f"too many indices for tensor of dimension {len(shape)}")
    parsed = Parsed()
    filled = False
    for item in entries:
        if item is Ellipsis:
            parsed.whole(shape, 0 if filled else len(shape) - used)
            filled = True
        else:
            _enter(parsed, shape, item)
    parsed.whole(shape, len(shape) - parsed.dim)
    return parsed


def _enter(parsed: Parsed, shape: tuple[int, ...], item: Any) -> None:
    if item is None or isinstance(item, bool):
        parsed.items.append(None)
        if item is not None:
            parsed.indices[parsed.place] = host.tensor_from(np.zeros(int(item), np.int64))
        parsed.place += 1
    elif isinstance(item, int):
        parsed.items.append(checked_index(item, shape[parsed.dim], parsed.dim))
        parsed.dim += 1
    elif isinstance(item, slice):
        parsed.items.append(slice_item(shape[parsed.dim], item))
        parsed.dim += 1
        parsed.place += 1
    elif _is_mask(item):
        _enter_mask(parsed, shape, item)
    else:
        parsed.indices[parsed.place] = in_range(item, shape[parsed.dim], parsed.dim)
        parsed.whole(shape, 1)


def _enter_mask(parsed: Parsed, shape: tuple[int, ...], mask: Tensor) -> None:
    sizes = mask.layout.shape
    first = parsed.dim
    for place, size in enumerate(sizes):
        if size != shape[first + place]:
            raise IndexRangeError(
                f"The shape of the mask {list(sizes)} at index {place} does not match the shape of the indexed tensor "
                f"{list(shape)} at index {first + place}"
            )
    if not sizes:
        parsed.items.append(None)
        parsed.indices[parsed.place] = host.tensor_from(np.zeros(int(mask.item()), np.int64))
        parsed.place += 1
        return
    made = [host.tensor_from(part, dtypes.int64) for part in host.places(host.array(mask))]
    host.charge("nonzero", mask.layout.nbytes, *made)
    for part in made:
        parsed.indices[parsed.place] = part
        parsed.whole(shape, 1)


def _outside(dim: int, size: int, error: Callable[[str], Exception]) -> Callable[[int], Exception]:
    return lambda wrong: error(f"index {wrong} is out of bounds for dimension {dim} with size {size}")


def in_range(index: Tensor, size: int, dim: int, error: Callable[[str], Exception] = IndexRangeError) -> Tensor:
    """`index` with negative entries counted from the end; an error for one outside."""
    if index.layout.device is META or not index.layout.numel:
        return index
    if index.batch is not None:
        return through(index, lambda all_slices: in_range(all_slices, size, dim, error))
    if STATE.recorder is not None and not STATE.recorder.eager:
        index = STATE.recorder.indices(index, -size, size, _outside(dim, size, error))
        return late.functions.where(index < 0, index + size, index)
    if not host.has_values(index):
        return index
    low, high = host.bounds(index)
    if low < -size or high >= size:
        values = host.array(index)
        wrong = values[(values < -size) | (values >= size)].flat[0]
        raise error(f"index {wrong} is out of bounds for dimension {dim} with size {size}")
    if low < 0:
        values = host.array(index)
        return host.tensor_from(np.where(values < 0, values + size, values).astype(np.int64))
    return index


def in_range_from_zero(index: Tensor, size: int, dim: int, error: Callable[[str], Exception] = ShapeError) -> Tensor:
    """`index` after a check that it lies in [0, size): gather and scatter count from 0 only."""
    if index.batch is not None:
        return through(index, lambda all_slices: in_range_from_zero(all_slices, size, dim))
    if index.layout.device is not META and index.layout.numel:
        if STATE.recorder is not None:
            found: Tensor = STATE.recorder.indices(index, 0, size, _outside(dim, size, error))
            return found
        low, high = host.bounds(index)
        if low < 0 or high >= size:
            values = host.array(index)
            wrong = values[(values < 0) | (values >= size)].flat[0]
            raise error(f"index {wrong} is out of bounds for dimension {dim} with size {size}")
    return index


# gathering


@dataclass
class Plan:
    """Where the results of an index by tensors lie: the tensors broadcast together, right-aligned over the result."""

    indices: list[Tensor]
    axes: tuple[int, ...]
    sources: tuple[int, ...]
    index_shape: tuple[int, ...]


def plan_of(seen: Tensor, indices: dict[int, Tensor]) -> Plan:
    """The indices' dimensions stand where they are if next to each other, else in front."""
    axes = tuple(sorted(indices))
    parts = [_beside(indices[axis], seen) for axis in axes]
    try:
        common = shapes.broadcast_shapes(*(one.layout.shape for one in parts))
    except ShapeError:
        listed = ", ".join(str(list(one.layout.shape)) for one in parts)
        raise IndexRangeError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {listed}"
        ) from None
    adjacent = axes[-1] - axes[0] == len(axes) - 1
    kept = [dim for dim in range(seen.layout.rank) if dim not in indices]
    before = [dim for dim in kept if adjacent and dim < axes[0]]
    after = kept[len(before) :]
    placed = [one.view(one.layout.shape + (1,) * len(after)) if one.layout.is_contiguous
              else one.reshape(one.layout.shape + (1,) * len(after)) for one in parts]  # fmt: skip
    return Plan(placed, axes, (*before, *(-1 for _ in common), *after), common)


def gathered(seen: Tensor, indices: dict[int, Tensor]) -> Tensor:
    """The elements of `seen` that the index tensors name."""
    plan = plan_of(seen, indices)
    return take(seen, plan.indices, plan.sources, plan.axes)


def _index_dtype(name: str, index: Tensor) -> None:
    if index.layout.dtype not in (dtypes.int32, dtypes.int64):
        raise ShapeError(f"{name}(): Expected dtype int32/int64 for index")


def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The slices of `input` along `dim` that a vector of indices names.

    >>> import curta
    >>> curta.arange(4).index_select(0, curta.tensor([3, 0]))
    tensor([3, 0])
    """
    if out is not None:
        return into("index_select", out, index_select(input, dim, index), exact=True, inputs=(input, index))
    if index.layout.rank > 1:
        raise IndexRangeError("index_select(): Index is supposed to be a vector")
    _index_dtype("index_select", index)
    place = shapes.normalize_dim(dim, input.layout.rank)
    index = checked_below(index, input.layout.shape[place] if input.layout.rank else 1)
    if not input.layout.rank:
        return input.clone()
    kept = {place: index.reshape(-1)}
    return gathered(input, kept)


def checked_below(index: Tensor, size: int) -> Tensor:
    """`index`; IndexRangeError for one outside [0, size)."""
    if index.batch is not None:
        return through(index, lambda all_slices: checked_below(all_slices, size))
    if STATE.graph is None and index.layout.device is not META and index.layout.numel:
        if STATE.recorder is not None:
            found: Tensor = STATE.recorder.indices(
                index, 0, size, lambda _: IndexRangeError("index out of range in self")
            )
            return found
        low, high = host.bounds(index)
        if low < 0 or high >= size:
            raise IndexRangeError("index out of range in self")
    return index


def check_paired(name: str, input: Tensor, dim: int, index: Tensor) -> int:
    """The dimension of a gather or scatter, after a check that the index fits."""
    place = shapes.normalize_dim(dim, input.layout.rank)
    if index.layout.numel:
        _index_dtype(name, index)
    if index.layout.numel and max(index.layout.rank, 1) != max(input.layout.rank, 1):
        raise ShapeError("Index tensor must have the same number of dimensions as input tensor")
    return place


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """out[i][j] = input[index[i][j]][j] (for dim 0), of the index's shape.

    >>> import curta
    >>> curta.tensor([[1, 2], [3, 4]]).gather(1, curta.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    refuse("gather", sparse_grad=sparse_grad or None)
    if out is not None:
        return into("gather", out, gather(input, dim, index), exact=True, inputs=(input, index))
    place = check_paired("gather", input, dim, index)
    if not index.layout.numel:
        return input.reshape(-1)[:0].reshape(index.layout.shape)
    if not input.layout.rank:
        return gather(input.reshape(1), 0, index.reshape(-1)).reshape(index.layout.shape)
    for axis, (count, size) in enumerate(zip(index.layout.shape, input.layout.shape, strict=True)):
        if axis != place and count > size:
            raise ShapeError(
                f"Size does not match at dimension {axis} expected index {list(index.layout.shape)} to be no larger "
                f"than self {list(input.layout.shape)} apart from dimension {place}"
            )
    checked = in_range_from_zero(index, input.layout.shape[place], place)
    sources = tuple(-1 if axis == place else axis for axis in range(input.layout.rank))
    return take(input, [checked], sources, (place,), paired=True)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """`gather` with indices that broadcast against the input, negative ones counted from the end."""
    if out is not None:
        return into("take_along_dim", out, take_along_dim(input, indices, dim), EXACT, (input, indices))
    if dim is None:
        return take_along_dim(input.reshape(-1), indices.reshape(-1), 0)
    if indices.layout.rank != input.layout.rank:
        raise ShapeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.layout.rank} dimensions for input, and {indices.layout.rank} dimensions for indices"
        )
    place = shapes.normalize_dim(dim, input.layout.rank)
    given, own = list(indices.layout.shape), list(input.layout.shape)
    given[place] = own[place] = 1
    common = list(shapes.broadcast_shapes(tuple(own), tuple(given)))
    wide = indices.expand([*common[:place], indices.layout.shape[place], *common[place + 1 :]])
    source = input.expand([*common[:place], input.layout.shape[place], *common[place + 1 :]])
    return gather(source, place, in_range(wide, input.layout.shape[place], place))


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where `mask` holds, in a row; both broadcast."""
    if out is not None:
        said = "masked_select(): self and result must have the same scalar type"
        return into("masked_select", out, masked_select(input, mask), said, (input, mask))
    if mask.layout.dtype is not dtypes.bool_:
        raise ShapeError("masked_select: expected BoolTensor for mask")
    shape = shapes.broadcast_shapes(input.layout.shape, mask.layout.shape)
    return get_item(input.expand(shape), mask.expand(shape))


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """The indices of all elements that are not zero: a row for each, or with `as_tuple` a vector for each dimension."""
    if out is not None:
        said = "nonzero: Expected out tensor to have scalar type {made} but got scalar type{given}"
        return into("nonzero", out, nonzero(input), said, (input,))
    values = host.array(input.detach())
    found = host.places(np.atleast_1d(values))
    if as_tuple:
        made = tuple(host.tensor_from(part, dtypes.int64) for part in found)
    else:  # as PyTorch has them, the indices of a dimension lie side by side
        made = (host.tensor_from(found if values.ndim else found[:0], dtypes.int64).t().detach(),)
    host.charge("nonzero", input.layout.nbytes, *made)
    return made if as_tuple else made[0]
