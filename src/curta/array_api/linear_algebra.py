"""The standard's products, with formats in common."""

from __future__ import annotations

from collections.abc import Sequence

from curta import functions
from curta.array_api.operands import in_common
from curta.errors import ShapeError
from curta.shapes import normalize_dim
from curta.tensor import Tensor


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The product of matrices, or of batches of them."""
    return functions.matmul(*in_common((x1, x2)))


def matrix_transpose(x: Tensor, /) -> Tensor:
    """The last two dimensions exchanged, as a view; ShapeError for fewer than two."""
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose(): requires a tensor of at least two dimensions, got {x.ndim}")
    return functions.transpose(x, -2, -1)


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Products summed over pairs of dimensions: the last `axes` of `x1` with the first of `x2`, or those named.

    ShapeError where the sizes of a pair differ, or one has more dimensions than the other.

    >>> from curta import array_api as xp
    >>> xp.tensordot(xp.ones((2, 3)), xp.ones((3, 4)), axes=1).shape
    torch.Size([2, 4])
    """
    left, right = in_common((x1, x2))
    return functions.tensordot(left, right, axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The dot products of vectors along `axis`, counted from the end; the other dimensions broadcast.

    ShapeError where the vectors differ in length.

    >>> from curta import array_api as xp
    >>> xp.vecdot(xp.asarray([[1, 2], [3, 4]]), xp.asarray([1, 10]))
    tensor([21, 43])
    """
    left, right = in_common((x1, x2))
    sizes = (
        left.shape[normalize_dim(axis, left.ndim, wrap_scalar=False)],
        right.shape[normalize_dim(axis, right.ndim, wrap_scalar=False)],
    )
    if sizes[0] != sizes[1]:
        raise ShapeError(f"vecdot(): vectors of {sizes[0]} and {sizes[1]} elements have no product")
    left, right = functions.broadcast_tensors(left, right)
    rows = functions.movedim(left, axis, -1).unsqueeze(-2)
    columns = functions.movedim(right, axis, -1).unsqueeze(-1)
    return functions.matmul(rows, columns).squeeze(-1).squeeze(-1)
