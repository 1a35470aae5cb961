"""Other ways to look at a tensor, and the few that copy: shapes, orders, repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from curta import shapes
from curta.dtypes import DType
from curta.errors import ArgumentTypeError, IndexRangeError, ShapeError, UnsupportedError
from curta.memory import formats
from curta.memory.layout import Layout
from curta.ops.dispatch import bind
from curta.ops.elementwise import COPY
from curta.ops.movement import AS_STRIDED, EXPAND, PERMUTE, REGION, VIEW, Region, Sight, region_geometry, seen, sight
from curta.shapes import normalize_dim
from curta.size import Size
from curta.tensor import Tensor

#: views that are kept worked out, of each kind
KEPT = 4096
#: parts of one tensor that are kept worked out: of more, none would be found again before the others took its place
FEW = 2048


def integer(name: str, value: Any, place: str) -> int:
    """A Python integer from anything that is one (NumPy's, a tensor of one element); ArgumentTypeError otherwise."""
    if type(value) is int:
        return value
    try:
        if isinstance(value, float | bool):
            raise TypeError
        return int(value.__index__())
    except (TypeError, AttributeError):
        raise ArgumentTypeError(f"{name}(): argument '{place}' must be int, not {type(value).__name__}") from None


def dimension(name: str, dim: Any, rank: int) -> int:
    """`normalize_dim` of anything that is an integer; ArgumentTypeError otherwise."""
    return normalize_dim(integer(name, dim, "dim"), rank)


def sizes(name: str, given: tuple[Any, ...], place: str = "size") -> tuple[int, ...]:
    """The integers of `f(2, 3)` or `f((2, 3))`."""
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = tuple(given[0])
    for value in given:
        if type(value) is not int:
            return tuple([integer(name, value, place) for value in given])
    return given


def region(input: Tensor, items: Region) -> Tensor:
    """The part of a tensor that a region names, as a view; not kept as other views are: regions are many."""
    return seen(input, REGION, *region_geometry(input.layout, items), {"region": items})


def view(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in the same order as another shape, without a copy; ShapeError where strides forbid it.

    >>> import curta
    >>> curta.arange(6).view(2, -1).shape
    torch.Size([2, 3])
    """
    if len(shape) == 1 and isinstance(shape[0], DType):
        raise UnsupportedError("view(): a view as another dtype is not supported")
    return seen(input, *_viewed(input.layout, sizes("view", shape)))


@lru_cache(maxsize=KEPT)
def _viewed(layout: Layout, size: tuple[int, ...]) -> Sight:
    return sight(VIEW, layout, size=shapes.infer_size(size, layout.numel))


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in row-major order as another shape: a view where strides allow it, else a copy.

    >>> import curta
    >>> curta.arange(6).reshape(2, 3).T.reshape(6).tolist()
    [0, 3, 1, 4, 2, 5]
    """
    size = sizes("reshape", shape, "shape")
    way = _reshaped(input.layout, size)
    if way is None:
        input = bind(COPY, (input,), contiguous_format=True)
        way = _viewed(input.layout, size)
    return seen(input, *way)


@lru_cache(maxsize=KEPT)
def _reshaped(layout: Layout, size: tuple[int, ...]) -> Sight | None:
    """None where it takes a copy."""
    full = shapes.infer_size(size, layout.numel)
    fits = shapes.view_strides(layout.shape, layout.strides, full) is not None
    return sight(VIEW, layout, size=full) if fits else None


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.view(other.shape)`."""
    return view(input, other.layout.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.reshape(other.shape)`."""
    return reshape(input, other.layout.shape)


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself if it lies in row-major order (or in `memory_format`), else a copy that does."""
    if memory_format is not None:
        if memory_format is formats.preserve_format and not input.layout.is_contiguous:
            raise ShapeError("preserve memory format is unsupported by the contiguous operator")
        order = formats.channel_order("contiguous", memory_format, input.layout.rank)
        if order is not None:
            return input if permute(input, order).layout.is_contiguous else reordered(input, order)
    if input.layout.is_contiguous:
        return input
    result: Tensor = bind(COPY, (input,), contiguous_format=True)
    return result


def reordered(input: Tensor, order: tuple[int, ...]) -> Tensor:
    """A copy that lies row-major with its dimensions in this order."""
    moved: Tensor = bind(COPY, (permute(input, order),), contiguous_format=True)
    return permute(moved, formats.inverse(order))


def permute(input: Tensor, *dims: Any) -> Tensor:
    """A view with its dimensions in another order.

    >>> import curta
    >>> curta.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    return seen(input, *_permuted(input.layout, sizes("permute", dims, "dims")))


@lru_cache(maxsize=KEPT)
def _permuted(layout: Layout, order: tuple[int, ...]) -> Sight:
    rank = layout.rank
    if len(order) == rank:
        order = tuple(dim + rank if dim < 0 else dim for dim in order)
    return sight(PERMUTE, layout, dims=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions exchanged."""
    first, second = integer("transpose", dim0, "dim0"), integer("transpose", dim1, "dim1")
    return seen(input, *_transposed(input.layout, first, second))


@lru_cache(maxsize=KEPT)
def _transposed(layout: Layout, dim0: int, dim1: int) -> Sight:
    first, second = normalize_dim(dim0, layout.rank), normalize_dim(dim1, layout.rank)
    order = list(range(layout.rank))
    if order:
        order[first], order[second] = order[second], order[first]
    return sight(PERMUTE, layout, dims=tuple(order))


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or number as it is."""
    rank = input.layout.rank
    if rank > 2:
        raise ShapeError(f"t() expects a tensor with <= 2 dimensions, but self is {rank}D")
    return input if rank < 2 else transpose(input, 0, 1)


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    return transpose(input, -2, -1)


def reversed_dims(input: Tensor) -> Tensor:
    """`input.T`: all dimensions in the opposite order."""
    return seen(input, *_reversed(input.layout))


@lru_cache(maxsize=KEPT)
def _reversed(layout: Layout) -> Sight:
    return sight(PERMUTE, layout, dims=tuple(range(layout.rank))[::-1])


def matrix_transpose(input: Tensor, name: str = "mT") -> Tensor:
    """`input.mT`: the last two dimensions exchanged; ShapeError below two."""
    rank = input.layout.rank
    if rank < 2:
        raise ShapeError(f"tensor.{name} is only supported on matrices or batches of matrices. Got {rank}-D tensor.")
    return transpose(input, -2, -1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Moves dimensions to other places; the others keep their order."""
    rank = input.layout.rank
    taken = (source,) if hasattr(source, "__index__") else tuple(source)
    placed = (destination,) if hasattr(destination, "__index__") else tuple(destination)
    if len(taken) != len(placed):
        raise ShapeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(taken)} dims) should contain the same number of dims as destination ({list(placed)} dims)"
        )
    origins, targets = ([dimension("movedim", dim, rank) for dim in dims] for dims in (taken, placed))
    for word, dims in (("source", origins), ("destination", targets)):
        if len(set(dims)) != len(dims):
            given = taken if word == "source" else placed
            raise ShapeError(f"movedim: repeated dim in `{word}` ({list(given)})")
    rest = iter(dim for dim in range(rank) if dim not in origins)
    order = [origins[targets.index(place)] if place in targets else next(rest) for place in range(rank)]
    return permute(input, order)


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of size 1 inserted at `dim`.

    >>> import curta
    >>> curta.zeros(3).unsqueeze(0).shape
    torch.Size([1, 3])
    """
    return seen(input, *_unsqueezed(input.layout, integer("unsqueeze", dim, "dim")))


@lru_cache(maxsize=KEPT)
def _unsqueezed(layout: Layout, dim: int) -> Sight:
    place = normalize_dim(dim, layout.rank + 1)
    return sight(REGION, layout, region=(*((0, size, 1) for size in layout.shape[:place]), None))


def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """A view without the dimensions of size 1, or without those of `dim` that have size 1."""
    rank = input.layout.rank
    if dim is not None:
        dim = normalize_dim(dim, rank) if type(dim) is int else tuple(shapes.normalize_dims(dim, rank))
    return seen(input, *_squeezed(input.layout, dim))


@lru_cache(maxsize=KEPT)
def _squeezed(layout: Layout, dim: int | tuple[int, ...] | None) -> Sight:
    dropped = range(layout.rank) if dim is None else (dim,) if isinstance(dim, int) else dim
    sizes_in_order = enumerate(layout.shape)
    items: Region = tuple(0 if size == 1 and place in dropped else (0, size, 1) for place, size in sizes_in_order)
    return sight(REGION, layout, region=items)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions `start_dim` to `end_dim` as one."""
    layout = input.layout
    first, last = integer("flatten", start_dim, "start_dim"), integer("flatten", end_dim, "end_dim")
    size = _flattened(layout, first, last)
    return input if size == layout.shape else reshape(input, size)


@lru_cache(maxsize=KEPT)
def _flattened(layout: Layout, start_dim: int, end_dim: int) -> tuple[int, ...]:
    first, last = normalize_dim(start_dim, layout.rank), normalize_dim(end_dim, layout.rank)
    if first > last:
        raise ShapeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = layout.shape
    return (*shape[:first], shapes.element_count(shape[first : last + 1]), *shape[last + 1 :]) if shape else (1,)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several; one of the sizes may be -1."""
    shape = input.layout.shape
    place = dimension("unflatten", dim, len(shape))
    if not sizes:
        raise ShapeError("unflatten: sizes must be non-empty")
    try:
        inner = shapes.infer_size(tuple(sizes), shape[place])
    except ShapeError:
        raise ShapeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {place} "
            f"({shape[place]}) in the input tensor"
        ) from None
    return view(input, (*shape[:place], *inner, *shape[place + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one row."""
    return reshape(input, -1)


def expand(input: Tensor, *size: Any) -> Tensor:
    """A view that repeats dimensions of size 1 without a copy; -1 keeps a size."""
    return seen(input, *_expanded(input.layout, sizes("expand", size)))


@lru_cache(maxsize=KEPT)
def _expanded(layout: Layout, size: tuple[int, ...]) -> Sight:
    return sight(EXPAND, layout, size=size)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.expand(other.shape)`."""
    return expand(input, other.layout.shape)


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`input.expand(size)`."""
    return expand(input, size)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors expanded to the shape they broadcast to."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape = shapes.broadcast_shapes(*(tensor.layout.shape for tensor in tensors))
    return tuple(expand(tensor, shape) for tensor in tensors)


def broadcast_shapes(*given: Any) -> Size:
    """The shape that tensors of these shapes broadcast to."""
    return Size(shapes.broadcast_shapes(*((one,) if isinstance(one, int) else tuple(one) for one in given)))


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the storage with any size and strides (in elements); ShapeError where it would reach outside."""
    wanted, steps = sizes("as_strided", (tuple(size),)), sizes("as_strided", (tuple(stride),), "stride")
    if len(wanted) != len(steps):
        raise ShapeError("mismatch in length of strides and shape")
    if any(step < 0 for step in steps):
        raise ShapeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(steps)}")
    if any(size < 0 for size in wanted):
        raise ShapeError(f"Storage size calculation overflowed with sizes={list(wanted)} and strides={list(steps)}")
    start = input.offset if storage_offset is None else integer("as_strided", storage_offset, "storage_offset")
    if start < 0:
        raise ShapeError(f"Tensor: invalid storage offset {start}")
    extent = shapes.storage_extent(wanted, steps, start)
    itemsize = input.layout.dtype.itemsize
    if input.storage is not None and extent * itemsize > input.storage.nbytes:
        raise ShapeError(
            f"setStorage: sizes {list(wanted)}, strides {list(steps)}, storage offset {start}, and itemsize {itemsize} "
            f"requiring a storage size of {extent * itemsize} are out of bounds for storage of size "
            f"{input.storage.nbytes}"
        )
    return seen(input, *sight(AS_STRIDED, input.layout, size=wanted, stride=steps, distance=start - input.offset))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at `index` along `dim`, without that dimension."""
    if not input.layout.rank:
        raise IndexRangeError("select() cannot be applied to a 0-dim tensor.")
    place, found = dimension("select", dim, input.layout.rank), integer("select", index, "index")
    find = _kept_selection if input.layout.shape[place] <= FEW else _selected
    return seen(input, *find(input.layout, place, found))


def _selected(layout: Layout, place: int, index: int) -> Sight:
    shape = layout.shape
    size = shape[place]
    if not -size <= index < size:
        raise IndexRangeError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {place}"
        )
    before = ((0, whole, 1) for whole in shape[:place])
    return sight(REGION, layout, region=(*before, index + size if index < 0 else index))


_kept_selection = lru_cache(maxsize=KEPT)(_selected)


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` entries along `dim` from `start` on, as a view."""
    if not input.layout.rank:
        raise ShapeError("narrow() cannot be applied to a 0-dim tensor.")
    length = integer("narrow", length, "length")
    if length < 0:
        raise ShapeError("narrow(): length must be non-negative.")
    if isinstance(start, Tensor) and (start.layout.rank or start.layout.dtype.category != 1):
        raise ShapeError("start must be an 0-dim integral Tensor.")
    place, first = integer("narrow", dim, "dim"), integer("narrow", start, "start")
    return seen(input, *_kept_stretch(input.layout, place, first, length))


def narrowed(layout: Layout, dim: int, start: int, length: int) -> Sight:
    """What `narrow` is for tensors of a layout."""
    shape = layout.shape
    place = normalize_dim(dim, len(shape))
    size = shape[place]
    if not -size <= start <= size:
        raise IndexRangeError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    first = start + size if start < 0 else start
    if first + length > size:
        raise ShapeError(f"start ({first}) + length ({length}) exceeds dimension size ({size}).")
    return sight(REGION, layout, region=(*((0, whole, 1) for whole in shape[:place]), (first, length, 1)))


_kept_stretch = lru_cache(maxsize=KEPT)(narrowed)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of the elements with equal indices along two dimensions, as the last dimension."""
    places = integer("diagonal", offset, "offset"), integer("diagonal", dim1, "dim1"), integer("diagonal", dim2, "dim2")
    return seen(input, *_diagonal(input.layout, *places))


@lru_cache(maxsize=KEPT)
def _diagonal(layout: Layout, offset: int, dim1: int, dim2: int) -> Sight:
    first, second = normalize_dim(dim1, layout.rank), normalize_dim(dim2, layout.rank)
    if first == second:
        raise ShapeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = layout.shape[first], layout.shape[second]
    length = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    start = offset * layout.strides[second] if offset >= 0 else -offset * layout.strides[first]
    kept = [dim for dim in range(layout.rank) if dim not in (first, second)]
    size = (*(layout.shape[dim] for dim in kept), length)
    steps = (*(layout.strides[dim] for dim in kept), layout.strides[first] + layout.strides[second])
    return sight(AS_STRIDED, layout, size=size, stride=steps, distance=start if length else 0)


def tile(input: Tensor, *dims: Any) -> Tensor:
    """The tensor repeated along each dimension; missing dimensions count as 1."""
    counts = sizes("tile", dims, "dims")
    return repeat(input, (1,) * (input.layout.rank - len(counts)) + counts)


def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """A copy repeated `repeats` times along each dimension."""
    counts = sizes("repeat", repeats, "repeats")
    layout = input.layout
    lead = len(counts) - layout.rank
    if lead < 0:
        raise ShapeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(count < 0 for count in counts):
        raise ShapeError(f"repeat: counts must not be negative, got {list(counts)}")
    shape = (1,) * lead + layout.shape
    paired = [part for count, size in zip(counts, shape, strict=True) for part in (count, size)]
    spread = view_of_pairs(input, shape).expand(paired)
    return bind(COPY, (spread,), contiguous_format=True).view(
        [count * size for count, size in zip(counts, shape, strict=True)]
    )


def view_of_pairs(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A view with a dimension of size 1 before each one of `shape` (the input's, with more 1s in front)."""
    lead = len(shape) - input.layout.rank
    items: list[Any] = [None] * (2 * lead)
    for size in input.layout.shape:
        items += [None, (0, size, 1)]
    return region(input, tuple(items))
