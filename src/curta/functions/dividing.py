"""Views of tensors in parts: equal ones, at places, of given sizes, or windows that move along a dimension."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

from curta import dtypes, host, shapes
from curta.autograd.state import STATE
from curta.errors import IndexRangeError, ShapeError
from curta.functions.inplace import scalar_name
from curta.functions.movement import KEPT, dimension, integer, narrowed, region, select, sizes
from curta.memory.layout import Layout
from curta.ops.dispatch import remember
from curta.ops.joining import UNBIND
from curta.ops.movement import AS_STRIDED, Sight, seen, sight
from curta.shapes import normalize_dim
from curta.tensor import Tensor

#: parts that a kept division may have: each takes some 400 bytes
MOST_PARTS = 64


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along `dim`: all of one size but the last, or of the sizes listed."""
    if not tensor.layout.rank:
        raise ShapeError("split expects at least a 1-dimensional tensor")
    place = dimension("split", dim, tensor.layout.rank)
    if hasattr(split_size_or_sections, "__index__"):
        step = integer("split", split_size_or_sections, "split_size")
        few = tensor.layout.shape[place] <= MOST_PARTS * step
        parts = (_kept_steps if few else _steps)(tensor.layout, step, place)
    else:
        lengths = sizes("split", (tuple(split_size_or_sections),), "split_size")
        parts = (_kept_sections if len(lengths) <= MOST_PARTS else _sections)(tensor.layout, lengths, place)
    return tuple([seen(tensor, *part) for part in parts])


def _steps(layout: Layout, step: int, place: int) -> tuple[Sight, ...]:
    size = layout.shape[place]
    if step < 0:
        raise ShapeError(f"split expects split_size be non-negative, but got split_size={step}")
    if step == 0 and size:
        raise ShapeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    starts = range(0, size, step) if step and size else range(1)
    return tuple(narrowed(layout, place, start, min(step, size - start)) for start in starts)


def _sections(layout: Layout, lengths: tuple[int, ...], place: int) -> tuple[Sight, ...]:
    size = layout.shape[place]
    if sum(lengths) != size:
        raise ShapeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at dimension "
            f"{place}), but got split_sizes={list(lengths)}"
        )
    if any(length < 0 for length in lengths):
        raise ShapeError("narrow(): length must be non-negative.")
    ends = accumulate(lengths)
    return tuple(narrowed(layout, place, end - length, length) for end, length in zip(ends, lengths, strict=True))


_kept_steps, _kept_sections = (lru_cache(maxsize=KEPT)(one) for one in (_steps, _sections))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` views of equal size along `dim`, the last one smaller."""
    chunks = integer("chunk", chunks, "chunks")
    if chunks <= 0:
        raise ShapeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    if input.layout.rank == 0:
        raise ShapeError("chunk expects at least a 1-dimensional tensor")
    size = input.layout.shape[normalize_dim(dim, input.layout.rank)]
    step = -(-size // chunks)
    return split(input, step, dim) if step else split(input, [0] * chunks, dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along `dim`, without that dimension."""
    rank = input.layout.rank
    if rank == 0:
        raise IndexRangeError("Dimension specified as 0 but tensor has no dimensions")
    place = normalize_dim(dim, rank)
    count = input.layout.shape[place]
    if (
        STATE.graph is not None
        or input.batch is not None
        or count < 2
        or not (STATE.grad_enabled and input.requires_grad)
    ):
        return tuple(select(input, place, number) for number in range(count))
    STATE.grad_enabled = False  # one step of the graph for all the parts together
    try:
        parts = tuple(select(input, place, number) for number in range(count))
    finally:
        STATE.grad_enabled = True
    remember(UNBIND, (input,), parts, {"dim": place})
    return parts


def _places(input: Tensor, given: Any) -> Any:
    """A number of sections or a tuple of places, from all that `tensor_split` takes."""
    if not isinstance(given, Tensor):
        if hasattr(given, "__index__"):
            return integer("tensor_split", given, "indices_or_sections")
        return sizes("tensor_split", (tuple(given),), "indices_or_sections")
    if given.layout.dtype is not dtypes.int64:
        raise ShapeError(
            "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
            f"{scalar_name(given.layout.dtype)}"
        )
    if given.layout.rank > 1:
        raise ShapeError(
            "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but "
            f"got a tensor with {given.layout.rank} dims"
        )
    values = host.array(given).tolist()
    return tuple(values) if isinstance(values, list) else values


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts along `dim`: so many, whose sizes differ by at most 1, or cut where the indices say.

    >>> import curta
    >>> curta.arange(5).tensor_split(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if not input.layout.rank:
        raise ShapeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    axis = normalize_dim(integer("tensor_split", dim, "dim"), input.layout.rank)
    size = input.layout.shape[axis]
    given = _places(input, indices_or_sections)
    if isinstance(given, tuple):
        cuts: list[int | None] = [0, *given, None]
    elif given <= 0:
        raise ShapeError(f"number of sections must be larger than 0, got {given}")
    else:
        least, longer = divmod(size, given)
        cuts = [number * least + min(number, longer) for number in range(given + 1)]
    before = tuple((0, whole, 1) for whole in input.layout.shape[:axis])
    pairs = pairwise(cuts)
    return tuple(region(input, (*before, shapes.slice_geometry(size, first, end, 1))) for first, end in pairs)


def _divided(name: str, input: Tensor, given: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    rank = input.layout.rank
    if rank < least:
        raise ShapeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {rank} dimensions!"
        )
    if hasattr(given, "__index__"):
        count, size = integer(name, given, "sections"), input.layout.shape[dim]
        if count == 0 or size % count:
            raise ShapeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not "
                f"divisible by the split_size {count}!"
            )
    return tensor_split(input, given, dim)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` into equal parts or at indices along dimension 1, of a vector along 0.

    >>> import curta
    >>> curta.hsplit(curta.tensor([[1, 2], [3, 4]]), 2)[1].tolist()
    [[2], [4]]
    """
    return _divided("hsplit", input, indices_or_sections, 0 if input.layout.rank < 2 else 1, 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` into equal parts or at indices along dimension 0, of a tensor with two dimensions or more.

    >>> import curta
    >>> curta.vsplit(curta.tensor([[1, 2], [3, 4]]), 2)[1].tolist()
    [[3, 4]]
    """
    return _divided("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` into equal parts or at indices along dimension 2, of a tensor with three dimensions or more.

    >>> import curta
    >>> curta.dsplit(curta.zeros(1, 2, 4), 2)[1].shape
    torch.Size([1, 2, 2])
    """
    return _divided("dsplit", input, indices_or_sections, 2, 3)


def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along `dim`, of the sizes listed.

    >>> import curta
    >>> curta.split_with_sizes(curta.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    return split(input, sizes("split_with_sizes", (tuple(split_sizes),), "split_sizes"), dim)


def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split`; PyTorch's name for parts that are not to be written to.

    >>> import curta
    >>> curta.unsafe_split(curta.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    return split(tensor, integer("unsafe_split", split_size, "split_size"), dim)


def unsafe_split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """`split_with_sizes`; PyTorch's name for parts that are not to be written to.

    >>> import curta
    >>> curta.unsafe_split_with_sizes(curta.arange(3), [2, 1])
    (tensor([0, 1]), tensor([2]))
    """
    return split_with_sizes(input, split_sizes, dim)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`; PyTorch's name for parts that are not to be written to.

    >>> import curta
    >>> curta.unsafe_chunk(curta.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    return chunk(input, chunks, dim)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of `size` along a dimension, `step` apart, each as the last dimension."""
    axis = integer("unfold", dimension, "dimension")
    length, step = integer("unfold", size, "size"), integer("unfold", step, "step")
    return seen(input, *_unfolded(input.layout, axis, length, step))


@lru_cache(maxsize=KEPT)
def _unfolded(layout: Layout, dimension: int, length: int, step: int) -> Sight:
    axis = normalize_dim(dimension, layout.rank)
    most, stride = (layout.shape[axis], layout.strides[axis]) if layout.rank else (1, 1)
    if length < 0:
        raise ShapeError(f"size is {length} but must be >= 0")
    if length > most:
        raise ShapeError(f"maximum size for tensor at dimension {axis} is {most} but size is {length}")
    if step <= 0:
        raise ShapeError(f"step is {step} but must be > 0")
    shape, strides = [*layout.shape, length], [*layout.strides, stride]
    if layout.rank:
        shape[axis] = (most - length) // step + 1
        strides[axis] = step * stride
    return sight(AS_STRIDED, layout, size=tuple(shape), stride=tuple(strides), distance=0)
