"""Norms of vectors and matrices."""

from __future__ import annotations

from math import inf
from typing import Any

from curta.dtypes import DType
from curta.errors import ArgumentTypeError, DTypeError, ShapeError
from curta.functions import norm as elements_norm
from curta.functions.factoring import svdvals
from curta.functions.inplace import scalar_name
from curta.functions.operands import tensor
from curta.functions.products import into
from curta.functions.reduction import Dims
from curta.shapes import normalize_dim
from curta.tensor import Tensor


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

    `ord` is "fro", 1 or -1 (the largest or smallest sum of a column's absolute values), inf or -inf (of a row's), 2 or
    -2 (the largest or smallest singular value), or "nuc" (the sum of these).

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
        return _of_singular_values(x if dtype is None else x.to(dtype), ord, rows, columns, keepdim)
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


def _of_singular_values(x: Tensor, ord: Any, rows: int, columns: int, keepdim: bool) -> Tensor:
    sizes = svdvals(x.movedim((rows, columns), (-2, -1)))
    if ord == "nuc":
        found = sizes.sum(-1)
    else:
        found = sizes.amax(-1) if ord == 2 else sizes.amin(-1)
    if keepdim:
        for dim in sorted((rows, columns)):
            found = found.unsqueeze(dim)
    return found


def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """`vector_norm` or `matrix_norm`: of all elements without `ord`, of matrices where `dim` are two or A is one.

    >>> import curta
    >>> curta.linalg.norm(curta.tensor([[3.0, 0.0], [0.0, 4.0]])), curta.linalg.norm(curta.eye(2), "nuc")
    (tensor(5.), tensor(2.))
    """
    x = tensor("linalg_norm", A, "A")
    _floating("norm", x)
    dims = (dim,) if isinstance(dim, int) else dim
    if ord is not None:
        if dims is not None and len(dims) not in (1, 2):
            raise ShapeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
        if dims is None and x.layout.rank not in (1, 2):
            raise ShapeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {x.layout.rank}D."
            )
    if ord is not None and ((dims is None and x.layout.rank == 2) or (dims is not None and len(dims) == 2)):
        pair = (0, 1) if dims is None else (dims[0], dims[1])
        return matrix_norm(x, ord, pair, keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        raise ShapeError(f"linalg.norm: Order {ord} not supported for vectors.")
    return vector_norm(x, 2 if ord is None else ord, dims, keepdim, dtype=dtype, out=out)


def _floating(name: str, x: Tensor) -> None:
    if not x.layout.dtype.is_floating_point:
        raise DTypeError(
            f"linalg.{name}: Expected a floating point or complex tensor as input. Got {scalar_name(x.layout.dtype)}"
        )
