"""Pure integers: strides, broadcasting, which reshapes are views, and which tensors share memory.

Shapes and strides are tuples of Python integers, counted in elements; no function here sees a tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd, prod
from operator import index
from typing import Any, TypeVar

from curta.errors import ArgumentError, ArgumentTypeError, IndexRangeError, ShapeError

Shape = tuple[int, ...]
Strides = tuple[int, ...]
#: (size, strides of every operand), perhaps with more behind
Dim = TypeVar("Dim", bound=tuple[Any, ...])

# A training loop asks about the same few thousand shapes again and again; more than this is not worth the memory.
_CACHE_SIZE = 8192


def element_count(shape: Sequence[int]) -> int:
    """The number of elements of a tensor of this shape.

    >>> element_count((2, 3)), element_count(()), element_count((4, 0))
    (6, 1, 0)
    """
    return prod(shape)


@lru_cache(maxsize=_CACHE_SIZE)
def contiguous_strides(shape: Shape) -> Strides:
    """The row-major strides of a freshly made tensor; a size of 0 counts as 1, as in PyTorch.

    >>> contiguous_strides((2, 3, 4)), contiguous_strides((2, 0, 4))
    ((12, 4, 1), (4, 4, 1))
    """
    strides = [1] * len(shape)
    running = 1
    for dim in range(len(shape) - 1, -1, -1):
        strides[dim] = running
        running *= shape[dim] or 1
    return tuple(strides)


@lru_cache(maxsize=_CACHE_SIZE)
def is_contiguous(shape: Shape, strides: Strides) -> bool:
    """Whether the elements lie in row-major order without gaps; strides of size-1 dims do not matter.

    >>> is_contiguous((2, 1, 3), (3, 99, 1)), is_contiguous((2, 3), (1, 2)), is_contiguous((0, 3), (7, 7))
    (True, False, True)
    """
    expected = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size == 1:
            continue
        if size == 0:
            return True
        if stride != expected:
            return 0 in shape
        expected *= size
    return True


@lru_cache(maxsize=_CACHE_SIZE)
def _broadcast_pair(first: Shape, second: Shape) -> Shape:
    rank = max(len(first), len(second))
    left = (1,) * (rank - len(first)) + first
    right = (1,) * (rank - len(second)) + second
    # Right to left, so that the dimension named in the error is the one PyTorch names.
    for dim in range(rank - 1, -1, -1):
        if left[dim] != right[dim] and left[dim] != 1 and right[dim] != 1:
            raise ShapeError(
                f"The size of tensor a ({left[dim]}) must match the size of tensor b ({right[dim]}) "
                f"at non-singleton dimension {dim}"
            )
    return tuple(b if a == 1 else a for a, b in zip(left, right, strict=True))


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that tensors of these shapes broadcast to; ShapeError when they do not.

    >>> broadcast_shapes((4, 1, 3), (2, 1), ())
    (4, 2, 3)
    """
    if not shapes:
        return ()
    result = shapes[0]
    for shape in shapes[1:]:
        if shape != result:
            result = _broadcast_pair(result, shape)
    return result


@lru_cache(maxsize=_CACHE_SIZE)
def broadcast_strides(shape: Shape, strides: Strides, target: Shape) -> Strides:
    """The strides that read a tensor as if it had shape `target`: 0 along every dim it is repeated over.

    >>> broadcast_strides((3, 1), (1, 1), (2, 3, 4))
    (0, 1, 0)
    """
    if shape == target:
        return strides
    lead = len(target) - len(shape)
    if lead < 0:
        raise ShapeError(f"cannot broadcast shape {list(shape)} to {list(target)}")
    result = [0] * lead
    for dim, (size, stride) in enumerate(zip(shape, strides, strict=True)):
        if size == target[dim + lead]:
            result.append(stride)
        elif size == 1:
            result.append(0)
        else:
            raise ShapeError(f"cannot broadcast shape {list(shape)} to {list(target)}")
    return tuple(result)


def normalize_dim(dim: int, rank: int, *, wrap_scalar: bool = True) -> int:
    """`dim` counted from 0; rank 0 is taken as rank 1 unless `wrap_scalar` is False. IndexRangeError when outside.

    >>> normalize_dim(-1, 3), normalize_dim(0, 0)
    (2, 0)
    """
    if 0 <= dim < rank:
        return dim
    if -rank <= dim < 0:
        return dim + rank
    if rank == 0:
        if not wrap_scalar:
            raise IndexRangeError(f"Dimension specified as {dim} but tensor has no dimensions")
        if dim in (0, -1):
            return 0
    low = -max(rank, 1)
    raise IndexRangeError(f"Dimension out of range (expected to be in range of [{low}, {-low - 1}], but got {dim})")


def normalize_dims(dims: Any, rank: int) -> tuple[int, ...]:
    """Every dim counted from 0, in the order given; ShapeError for one twice, ArgumentTypeError for what is none.

    >>> normalize_dims((-1, 0), 3), normalize_dims(1, 2)
    ((2, 0), (1,))
    """
    try:
        # asking typing's protocol of what has an index takes ten microseconds
        given = (index(dims),) if hasattr(dims, "__index__") else tuple(map(index, dims))
    except TypeError:
        raise ArgumentTypeError(f"dim must be int or tuple of ints, not {dims!r}") from None
    result = tuple(normalize_dim(dim, rank) for dim in given)
    if len(set(result)) != len(result):
        repeated = next(dim for position, dim in enumerate(result) if dim in result[:position])
        raise ShapeError(f"dim {repeated} appears multiple times in the list of dims")
    return result


def infer_size(shape: Sequence[int], count: int) -> Shape:
    """`shape` with its one -1 replaced so that it holds `count` elements; ShapeError when it cannot.

    >>> infer_size((2, -1), 6)
    (2, 3)
    """
    known = 1
    unknown = -1
    for dim, size in enumerate(shape):
        if size >= 0:
            known *= size
        elif size != -1:
            raise ShapeError(f"invalid shape dimension {size} at index {dim} of shape {list(shape)}")
        elif unknown >= 0:
            raise ShapeError("only one dimension can be inferred")
        else:
            unknown = dim
    if unknown < 0:
        if known == count:
            return tuple(shape)
    elif known and count % known == 0:
        return (*shape[:unknown], count // known, *shape[unknown + 1 :])
    elif known == count == 0:
        raise ShapeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified "
            "dimension size -1 can be any value and is ambiguous"
        )
    raise ShapeError(f"shape '{list(shape)}' is invalid for input of size {count}")


@lru_cache(maxsize=_CACHE_SIZE)
def view_strides(shape: Shape, strides: Strides, new_shape: Shape) -> Strides | None:
    """The strides that show the same elements in the same order as `new_shape`, or None when a copy is needed.

    Both shapes must hold the same number of elements.

    >>> view_strides((2, 3, 4), (12, 4, 1), (6, 2, 2)), view_strides((2, 3), (1, 2), (6,))
    ((4, 2, 1), None)
    """
    if 0 in shape:
        return strides if shape == new_shape else contiguous_strides(new_shape)
    chunks = _contiguous_chunks(shape, strides)
    result = [1] * len(new_shape)
    # Innermost first: each run of the new dims must fill exactly one chunk of memory with a constant step.
    dim = len(new_shape) - 1
    for chunk_size, step in chunks:
        filled = 1
        while dim >= 0 and (filled < chunk_size or new_shape[dim] == 1):
            result[dim] = filled * step
            filled *= new_shape[dim]
            dim -= 1
        if filled != chunk_size:
            return None
    return tuple(result)


def _contiguous_chunks(shape: Shape, strides: Strides) -> list[tuple[int, int]]:
    """Innermost first, the (size, stride) of the longest runs of dims that one stride steps through."""
    if not shape:
        return [(1, 1)]
    # The innermost dim starts a chunk even when its size is 1: PyTorch gives its stride to new trailing ones.
    chunks = [(shape[-1], strides[-1])]
    for size, stride in zip(reversed(shape[:-1]), reversed(strides[:-1]), strict=True):
        chunk_size, step = chunks[-1]
        if size == 1:
            continue
        if stride == chunk_size * step:
            chunks[-1] = (chunk_size * size, step)
        else:
            chunks.append((size, stride))
    return chunks


def permute(shape: Shape, strides: Strides, dims: Sequence[int]) -> tuple[Shape, Strides]:
    """Shape and strides with dims in the order given.

    >>> permute((2, 3, 4), (12, 4, 1), (2, 0, -2))
    ((4, 2, 3), (1, 12, 4))
    """
    rank = len(shape)
    if len(dims) != rank:
        raise ShapeError(
            "permute: number of dimensions in the tensor input does not match the length of the desired ordering "
            f"of dimensions i.e. input.dim() = {rank} is not equal to len(dims) = {len(dims)}"
        )
    order = [normalize_dim(dim, rank) for dim in dims]
    if len(set(order)) != rank:
        raise ShapeError("permute(): duplicate dims are not allowed.")
    return tuple(shape[dim] for dim in order), tuple(strides[dim] for dim in order)


def expand(shape: Shape, strides: Strides, sizes: Sequence[int]) -> tuple[Shape, Strides]:
    """Shape and strides of `tensor.expand(sizes)`: -1 keeps a size, and only sizes of 1 can grow.

    >>> expand((3, 1), (1, 1), (2, -1, 4))
    ((2, 3, 4), (0, 1, 0))
    """
    lead = len(sizes) - len(shape)
    if lead < 0:
        raise ShapeError(
            f"expand: the number of sizes provided ({len(sizes)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({len(shape)})"
        )
    new_shape, new_strides = list(sizes), [0] * len(sizes)
    for dim in range(len(sizes) - 1, -1, -1):
        wanted = sizes[dim]
        if dim < lead:
            if wanted < 0:
                raise ShapeError(
                    f"The expanded size of the tensor ({wanted}) isn't allowed in a leading, "
                    f"non-existing dimension {dim}"
                )
            continue
        size = shape[dim - lead]
        if wanted in (-1, size):
            new_shape[dim], new_strides[dim] = size, strides[dim - lead]
        elif size != 1 or wanted < 0:
            raise ShapeError(
                f"The expanded size of the tensor ({wanted}) must match the existing size ({size}) at "
                f"non-singleton dimension {dim}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(shape)}"
            )
    return tuple(new_shape), tuple(new_strides)


def slice_geometry(size: int, start: int | None, stop: int | None, step: int | None) -> tuple[int, int, int]:
    """(first index, number of elements, step) of `start:stop:step` along a dim of `size`; the step must be positive.

    >>> slice_geometry(10, 1, -1, 3), slice_geometry(4, 3, 1, None)
    ((1, 3, 3), (3, 0, 1))
    """
    if step is None:
        step = 1
    if step == 0:
        raise ArgumentError("slice step cannot be zero")
    if step < 0:
        raise ArgumentError("step must be greater than zero")
    first, end, step = slice(start, stop, step).indices(size)
    return first, max(0, -(-(end - first) // step)), step


def checked_index(index: int, size: int, dim: int) -> int:
    """`index` counted from 0; IndexRangeError when outside."""
    if not -size <= index < size:
        raise IndexRangeError(f"index {index} is out of bounds for dimension {dim} with size {size}")
    return index + size if index < 0 else index


def slice_item(size: int, given: slice) -> tuple[int, int, int]:
    """A Python slice as an entry of a region; ArgumentTypeError for what it holds that is no integer."""
    if given.start is None and given.stop is None and given.step is None:
        return 0, size, 1
    try:
        start, stop, step = (None if part is None else index(part) for part in (given.start, given.stop, given.step))
    except TypeError:
        raise ArgumentTypeError("slice indices must be integers or None or have an __index__ method") from None
    return slice_geometry(size, start, stop, step)


@lru_cache(maxsize=_CACHE_SIZE)
def coalesce(sizes: Shape, *strides: Strides, reorder: bool = False) -> tuple[Shape, tuple[Strides, ...]]:
    """The same iteration space in as few dims as every operand's strides allow, without size-1 dims.

    Dims stay outermost first. With `reorder` they are first sorted so that the innermost has the smallest strides
    (the first operand decides, the next ones break ties): allowed whenever the order of the visits does not matter.

    >>> coalesce((2, 1, 3, 4), (12, 9, 4, 1), (12, 0, 4, 1))
    ((24,), ((1,), (1,)))
    >>> coalesce((2, 3), (1, 2), (1, 2), reorder=True)
    ((6,), ((1,), (1,)))
    >>> coalesce((2, 3), (3, 1), (0, 1))
    ((2, 3), ((3, 1), (0, 1)))
    """
    dims = [(size, tuple(operand[dim] for operand in strides)) for dim, size in enumerate(sizes) if size != 1]
    if reorder:
        dims = _innermost_last(dims)
    merged: list[tuple[int, Strides]] = []
    for size, steps in dims:
        if merged:
            outer_size, outer_steps = merged[-1]
            if all(outer == size * step for outer, step in zip(outer_steps, steps, strict=True)):
                merged[-1] = (outer_size * size, steps)
                continue
        merged.append((size, steps))
    return (
        tuple(size for size, _ in merged),
        tuple(tuple(steps[operand] for _, steps in merged) for operand in range(len(strides))),
    )


def visit_order(sizes: Shape, *strides: Strides) -> tuple[int, ...]:
    """The dims that are not 1 long in the order, outermost first, in which `coalesce` puts them with `reorder`.

    >>> visit_order((2, 1, 3), (1, 5, 2))
    (2, 0)
    """
    dims: list[Any] = [
        (size, tuple(operand[dim] for operand in strides), dim) for dim, size in enumerate(sizes) if size != 1
    ]
    return tuple(dim for _, _, dim in _innermost_last(dims))


def _innermost_last(dims: list[Dim]) -> list[Dim]:
    """TensorIterator's order: not `sorted`, since dims that are broadcast (stride 0) abstain and break transitivity."""
    order = dims[::-1]  # innermost first
    for start in range(1, len(order)):
        candidate = start
        for other in range(start - 1, -1, -1):
            verdict = _compare_dims(order[other], order[candidate])
            if verdict > 0:
                order[other], order[candidate] = order[candidate], order[other]
                candidate = other
            elif verdict < 0:
                break
    return order[::-1]


def _compare_dims(first: tuple[Any, ...], second: tuple[Any, ...]) -> int:
    """-1 when the first dim belongs inside the second, 1 when outside, 0 when no operand can tell."""
    for a, b in zip(first[1], second[1], strict=True):
        if a == 0 or b == 0:
            continue
        if a != b:
            return -1 if a < b else 1
        if first[0] > second[0]:
            return 1
    return 0


@lru_cache(maxsize=_CACHE_SIZE)
def elementwise_strides(shape: Shape, *strides: Strides) -> Strides:
    """The strides of a fresh element-wise result over inputs with these (broadcast) strides: in memory as they lie.

    PyTorch's rule: equal dense strides are kept; otherwise dims are ordered as the inputs' strides order them.

    >>> elementwise_strides((2, 3), (1, 2), (0, 0)), elementwise_strides((2, 3), (3, 1), (1, 2))
    ((1, 2), (3, 1))
    """
    if 0 in shape or not strides:
        return contiguous_strides(shape)
    if all(one == strides[0] for one in strides) and is_dense(shape, strides[0]) and 0 not in strides[0]:
        return strides[0]
    dims = [(size, tuple(one[dim] for one in strides), dim) for dim, size in enumerate(shape)]
    result = [0] * len(shape)
    running = 1
    for size, _, dim in reversed(_innermost_last(dims)):
        result[dim] = running
        running *= size
    return tuple(result)


@lru_cache(maxsize=_CACHE_SIZE)
def storage_extent(shape: Shape, strides: Strides, offset: int = 0) -> int:
    """The number of elements a storage needs for every element of the tensor to lie inside it.

    >>> storage_extent((2, 3), (3, 1)), storage_extent((2, 3), (10, 2), 5), storage_extent((0, 3), (3, 1), 5)
    (6, 20, 0)
    """
    if 0 in shape:
        return 0
    return offset + 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))


@lru_cache(maxsize=_CACHE_SIZE)
def is_dense(shape: Shape, strides: Strides) -> bool:
    """Whether the elements fill a block of memory once each, in any order of the dims.

    >>> is_dense((2, 3), (1, 2)), is_dense((2, 3), (4, 1)), is_dense((2, 3), (0, 1))
    (True, False, False)
    """
    if 0 in shape:
        return True
    expected = 1
    for stride, size in sorted((stride, size) for size, stride in zip(shape, strides, strict=True) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def has_internal_overlap(shape: Shape, strides: Strides) -> bool:
    """Whether two elements surely share memory because a dim is repeated (stride 0): such a tensor can't be written.

    PyTorch's rule: layouts that overlap in rarer ways (`as_strided`) are not searched for.

    >>> has_internal_overlap((3, 2), (1, 0)), has_internal_overlap((3, 1), (1, 0))
    (True, False)
    """
    if 0 in shape:
        return False
    return any(stride == 0 and size > 1 for size, stride in zip(shape, strides, strict=True))


def memory_overlap(first: tuple[Shape, Strides, int], second: tuple[Shape, Strides, int]) -> str:
    """How two tensors of one storage share elements: "none", "full", "partial" or "maybe".

    Each tensor is (shape, strides, offset) in elements of the same size. "full" is the same elements in the same
    places: safe in place. "partial" is the answer on which PyTorch refuses to work in place. "maybe" is a layout
    with gaps that overlaps in range: PyTorch works in place and what is read is undefined, a careful caller copies.

    >>> memory_overlap(((9,), (1,), 0), ((9,), (1,), 1)), memory_overlap(((5,), (2,), 0), ((5,), (2,), 1))
    ('partial', 'none')
    >>> memory_overlap(((5,), (2,), 0), ((5,), (1,), 0)), memory_overlap(((2, 3), (3, 1), 4), ((2, 3), (3, 1), 4))
    ('maybe', 'full')
    """
    first_shape, first_strides, first_start = first
    second_shape, second_strides, second_start = second
    if 0 in first_shape or 0 in second_shape:
        return "none"
    first_stop = storage_extent(first_shape, first_strides, first_start)
    second_stop = storage_extent(second_shape, second_strides, second_start)
    if first_start >= second_stop or second_start >= first_stop:
        return "none"
    if first == second and not has_internal_overlap(first_shape, first_strides):
        return "full"
    # Every address of a tensor is its offset plus a multiple of the common divisor of its strides.
    common = gcd(*_moving_strides(first_shape, first_strides), *_moving_strides(second_shape, second_strides))
    if common and (first_start - second_start) % common:
        return "none"
    if not (is_dense(first_shape, first_strides) and is_dense(second_shape, second_strides)):
        return "maybe"
    same_block = first_start == second_start and first_stop == second_stop
    same_order = _moving_dims(first_shape, first_strides) == _moving_dims(second_shape, second_strides)
    return "full" if same_block and same_order else "partial"


def _moving_dims(shape: Shape, strides: Strides) -> list[tuple[int, int]]:
    return [(size, stride) for size, stride in zip(shape, strides, strict=True) if size != 1]


def _moving_strides(shape: Shape, strides: Strides) -> list[int]:
    return [stride for size, stride in zip(shape, strides, strict=True) if size != 1]
