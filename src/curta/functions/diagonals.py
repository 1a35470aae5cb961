"""Diagonals written: vectors as matrices, and copies of tensors with a part replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta import shapes
from curta.errors import ArgumentTypeError, IndexRangeError, ShapeError
from curta.functions.creation import zeros
from curta.functions.inplace import copy_
from curta.functions.movement import as_strided, diagonal, integer, region, select
from curta.functions.operands import tensor
from curta.functions.outputs import into
from curta.ops.inference import promoted
from curta.shapes import slice_item
from curta.tensor import Tensor


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, in two dimensions of the result, with the last dimension of `input` on a diagonal and 0 elsewhere.

    >>> import curta
    >>> curta.diag_embed(curta.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    layout = tensor("diag_embed", input).layout
    rank = layout.rank + 1
    first, second = shapes.normalize_dim(dim1, rank), shapes.normalize_dim(dim2, rank)
    if first == second:
        raise ShapeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    side = layout.shape[-1] + abs(integer("diag_embed", offset, "offset"))
    shape = list(layout.shape[:-1])
    for place in sorted((first, second)):
        shape.insert(place, side)
    made = zeros(shape, dtype=layout.dtype, device=layout.device)
    copy_(diagonal(made, offset, first, second), input)
    return made


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A vector as the diagonal of a matrix, or a copy of the diagonal of a matrix; ShapeError for other ranks.

    >>> import curta
    >>> curta.diag(curta.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    if out is not None:
        return into("diag", out, diag(input, diagonal))
    rank = tensor("diag", input).layout.rank
    if rank not in (1, 2):
        raise ShapeError(f"diag(): Supports 1D or 2D tensors. Got {rank}D")
    return diag_embed(input, diagonal) if rank == 1 else input.diagonal(diagonal).clone()


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All elements of a tensor as the diagonal of a matrix.

    >>> import curta
    >>> curta.diagflat(curta.tensor([[1, 2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(tensor("diagflat", input).reshape(-1), offset)


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices (vectors count as rows) along the diagonal of one, in their common format.

    >>> import curta
    >>> curta.block_diag(curta.tensor([[1, 2]]), curta.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    if not tensors:
        return zeros(1, 0)
    for place, one in enumerate(tensors):
        if not isinstance(one, Tensor):
            raise ArgumentTypeError(f"expected Tensor as element {place} in argument 0, but got {type(one).__name__}")
        if one.layout.rank > 2:
            raise ShapeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has "
                f"{one.layout.rank} dimensions"
            )
    blocks = [one.reshape((1,) * (2 - one.layout.rank) + one.layout.shape) for one in tensors]
    rows, columns = (sum(one.layout.shape[dim] for one in blocks) for dim in (0, 1))
    layouts = tuple(one.layout for one in blocks)
    made = zeros(rows, columns, dtype=promoted(layouts), device=layouts[0].device)
    row = column = 0
    for one in blocks:
        height, width = one.layout.shape
        copy_(region(made, ((row, height, 1), (column, width, 1))), one)
        row, column = row + height, column + width
    return made


def _replaced(input: Tensor, src: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
    """A copy of `input` with `src` in place of a part."""
    made = input.clone()
    seen = part(made)
    if src.layout.shape != seen.layout.shape:
        raise ShapeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.layout.shape)}, slice size = {list(seen.layout.shape)}"
        )
    copy_(seen, src)
    return made


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` in place of `input.select(dim, index)`.

    >>> import curta
    >>> curta.select_scatter(curta.zeros(2, 2), curta.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    return _replaced(input, src, lambda made: select(made, dim, index))


def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of `input` with `src` in place of the slice `start:end:step` along `dim`.

    >>> import curta
    >>> curta.slice_scatter(curta.zeros(4), curta.ones(2), 0, 0, None, 2)
    tensor([1., 0., 1., 0.])
    """
    if not input.layout.rank:
        raise IndexRangeError("slice() cannot be applied to a 0-dim tensor.")
    axis = shapes.normalize_dim(dim, input.layout.rank)
    if integer("slice_scatter", step, "step") <= 0:
        raise ShapeError("slice step must be positive")
    before = tuple((0, size, 1) for size in input.layout.shape[:axis])
    items = (*before, slice_item(input.layout.shape[axis], slice(start, end, step)))
    return _replaced(input, src, lambda made: region(made, items))


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` with `src` in place of `input.diagonal(offset, dim1, dim2)`.

    >>> import curta
    >>> curta.diagonal_scatter(curta.zeros(2, 2), curta.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return _replaced(input, src, lambda made: diagonal(made, offset, dim1, dim2))


def as_strided_scatter(input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A copy of `input`, and of what its memory holds in front and between, with `src` in place of `as_strided` of it.

    >>> import curta
    >>> curta.as_strided_scatter(curta.zeros(4), curta.ones(2), (2,), (3,))
    tensor([1., 0., 0., 1.])
    """
    layout, start = tensor("as_strided_scatter", input).layout, input.offset
    place = start if storage_offset is None else storage_offset
    if not start and layout.is_contiguous:
        return _replaced(input, src, lambda made: as_strided(made, size, stride, place))
    extent = shapes.storage_extent(layout.shape, layout.strides, start)
    whole = as_strided(input.detach(), (extent,), (1,), 0).clone()
    copy_(as_strided(whole, layout.shape, layout.strides, start), input)
    whole = _replaced(whole, src, lambda made: as_strided(made, size, stride, place))
    return as_strided(whole, layout.shape, layout.strides, start)
