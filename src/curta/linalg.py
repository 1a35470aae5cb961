"""Linear algebra under PyTorch's names, as far as products and norms of elements go; nothing that factors a matrix."""

from __future__ import annotations

from math import inf
from typing import Any

from curta.dtypes import DType
from curta.errors import ArgumentTypeError, DTypeError, ShapeError, UnsupportedError
from curta.functions import matmul, matrix_power
from curta.functions import norm as elements_norm
from curta.functions.contractions import multi_dot
from curta.functions.inplace import scalar_name
from curta.functions.movement import diagonal as diagonal_of
from curta.functions.operands import tensor
from curta.functions.products import crossed, into
from curta.functions.reduction import Dims
from curta.shapes import normalize_dim
from curta.tensor import Tensor

__all__ = ["cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "vecdot", "vector_norm"]


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The products of vectors of 3 elements, which lie along `dim`; other dimensions broadcast.

    >>> import curta
    >>> curta.linalg.cross(curta.tensor([1.0, 0.0, 0.0]), curta.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    return crossed(tensor("cross", input), tensor("cross", other, "other"), dim, out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, a view; as `curta.diagonal`, but of the last two dimensions.

    >>> import curta
    >>> curta.linalg.diagonal(curta.eye(2).expand(3, 2, 2)).shape
    torch.Size([3, 2])
    """
    result: Tensor = diagonal_of(tensor("diagonal", A, "A"), offset, dim1, dim2)
    return result


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The inner products of vectors along `dim`; other dimensions broadcast. Floating-point, of one dtype.

    >>> import curta
    >>> curta.linalg.vecdot(curta.tensor([[1.0, 2.0], [3.0, 4.0]]), curta.tensor([[1.0, 1.0]]))
    tensor([3., 7.])
    """
    first, second = tensor("vecdot", x, "x"), tensor("vecdot", y, "y")
    kinds = first.layout.dtype, second.layout.dtype
    if not kinds[0].is_floating_point:
        raise DTypeError(
            f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {scalar_name(kinds[0])}"
        )
    if kinds[0] is not kinds[1]:
        raise DTypeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {scalar_name(kinds[0])} and "
            f"y of type {scalar_name(kinds[1])} instead"
        )
    if first.layout.rank == second.layout.rank == 1 and first.layout.shape != second.layout.shape:
        (left,), (right,) = first.layout.shape, second.layout.shape
        raise ShapeError(
            f"inconsistent tensor size, expected tensor [{left}] and src [{right}] to have the same number of "
            f"elements, but got {left} and {right} elements respectively"
        )
    return into("vecdot", (first * second).sum(dim), out, x, y)


def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm of vectors over `dim` (of all elements by default): `ord` is any number, inf and -inf too.

    >>> import curta
    >>> curta.linalg.vector_norm(curta.tensor([3.0, -4.0]), float("inf"))
    tensor(4.)
    """
    if isinstance(ord, str) or not isinstance(ord, (int, float)):
        raise ArgumentTypeError(
            f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {type(ord).__name__}"
        )
    value = tensor("linalg_vector_norm", x, "x")
    _floating("vector_norm", value)
    return into("vector_norm", elements_norm(value, ord, dim, keepdim, dtype=dtype), out, x)


def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The norm of matrices, which lie in the two dimensions `dim`.

    `ord` is "fro", 1 or -1 (the largest or smallest sum of a column's absolute values), inf or -inf (of a row's);
    UnsupportedError for "nuc", 2 and -2, which need singular values.

    >>> import curta
    >>> x = curta.tensor([[3.0, -4.0], [0.0, 1.0]])
    >>> curta.linalg.matrix_norm(x, 1), curta.linalg.matrix_norm(x, float("inf"))
    (tensor(5.), tensor(7.))
    """
    value = tensor("linalg_matrix_norm", A, "A")
    _floating("matrix_norm", value)
    rank = value.layout.rank
    if rank < 2:
        raise ShapeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if len(dim) != 2:
        raise ShapeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    rows, columns = (normalize_dim(each, rank) for each in dim)
    if rows == columns:
        raise ShapeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    return into("matrix_norm", _of_matrices(value, ord, rows, columns, keepdim, dtype), out, A)


def _of_matrices(x: Tensor, ord: Any, rows: int, columns: int, keepdim: bool, dtype: DType | None) -> Tensor:
    if ord == "fro":
        return elements_norm(x, 2, (rows, columns), keepdim, dtype=dtype)
    if ord in ("nuc", 2, -2):
        raise UnsupportedError(f"linalg.matrix_norm: ord = {ord!r} needs singular values, which are not supported")
    if ord not in (1, -1, inf, -inf):
        raise ShapeError(f"linalg.matrix_norm: Order {ord} not supported.")
    summed, chosen = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = elements_norm(x, 1, summed, True, dtype=dtype)
    if ord > 0 and not x.layout.shape[chosen]:
        found = sums.sum(chosen, True)  # the largest of none is 0
    else:
        found = sums.amax(chosen, True) if ord > 0 else sums.amin(chosen, True)
    if keepdim:
        return found
    result: Tensor = found.squeeze((rows, columns))
    return result


def _floating(name: str, x: Tensor) -> None:
    if not x.layout.dtype.is_floating_point:
        raise DTypeError(
            f"linalg.{name}: Expected a floating point or complex tensor as input. Got {scalar_name(x.layout.dtype)}"
        )
