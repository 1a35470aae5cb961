"""The standard's extension for linear algebra: Curta's, under the standard's names and rules.

>>> from curta import array_api as xp
>>> xp.linalg.det(xp.asarray([[2.0, 0.0], [0.0, 3.0]]))
tensor(6.)
"""

from __future__ import annotations

from typing import Any

from curta import functions
from curta import linalg as own
from curta.array_api.linear_algebra import matmul, matrix_transpose, tensordot, vecdot
from curta.array_api.operands import in_common
from curta.dtypes import DType
from curta.errors import ShapeError
from curta.return_types import Named
from curta.tensor import Tensor

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power",
    "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot",
    "trace", "vecdot", "vector_norm",
]  # fmt: skip


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The Cholesky factor of symmetric positive definite matrices."""
    return own.cholesky(x, upper=upper)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The products of vectors of 3 elements along `axis`; the other dimensions broadcast."""
    left, right = in_common((x1, x2))
    rank = max(left.ndim, right.ndim)
    left, right = (each.reshape((1,) * (rank - each.ndim) + tuple(each.shape)) for each in (left, right))
    return own.cross(left, right, dim=axis)


def det(x: Tensor, /) -> Tensor:
    """The determinants of square matrices."""
    return own.det(x)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonals of matrices, as a view."""
    return own.diagonal(x, offset=offset)


def eigh(x: Tensor, /) -> Named:
    """The eigenvalues and vectors of symmetric matrices."""
    return own.eigh(x)


def eigvalsh(x: Tensor, /) -> Tensor:
    """The eigenvalues of symmetric matrices."""
    return own.eigvalsh(x)


def inv(x: Tensor, /) -> Tensor:
    """The inverses of square matrices."""
    return own.inv(x)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """The norms of matrices: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    return own.matrix_norm(x, ord, keepdim=keepdims)


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """Square matrices to a whole power, which may be negative."""
    return own.matrix_power(x, n)


def matrix_rank(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """How many singular values are above `rtol` times the largest."""
    return own.matrix_rank(x, rtol=rtol)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Every element of a vector times every one of another."""
    left, right = in_common((x1, x2))
    return functions.outer(left, right)


def pinv(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """The pseudo-inverses of matrices; singular values up to `rtol` times the largest count as zeros."""
    return own.pinv(x, rtol=rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> Named:
    """Orthogonal and upper triangular factors: `mode` "reduced" or "complete"; ShapeError for another."""
    if mode not in ("reduced", "complete"):
        raise ShapeError(f"qr(): mode must be 'reduced' or 'complete', got {mode!r}")
    return own.qr(x, mode)


def slogdet(x: Tensor, /) -> Named:
    """The signs of determinants, and the logarithms of their sizes."""
    return own.slogdet(x)


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The solutions of x1 X = x2, which is one vector or has matrices."""
    left, right = in_common((x1, x2))
    if right.ndim == 1:
        column = right.reshape([1] * (left.ndim - 2) + [-1, 1])
        return own.solve(left, column).squeeze(-1)
    if right.ndim == left.ndim - 1:  # PyTorch would take these for vectors
        right = right.unsqueeze(0)
    return own.solve(left, right)


def svd(x: Tensor, /, *, full_matrices: bool = True) -> Named:
    """Left vectors, singular values and right vectors."""
    return own.svd(x, full_matrices)


def svdvals(x: Tensor, /) -> Tensor:
    """The singular values, falling."""
    return own.svdvals(x)


def trace(x: Tensor, /, *, offset: int = 0, dtype: DType | None = None) -> Tensor:
    """The sums of the elements on diagonals."""
    from curta.array_api.statistical import sum

    return sum(own.diagonal(x, offset=offset), axis=-1, dtype=dtype)


def vector_norm(x: Tensor, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    """The norms of vectors over `axis`, of all elements by default; over no axes each element is a vector."""
    if axis == ():
        return own.vector_norm(x.unsqueeze(-1), ord, -1)
    return own.vector_norm(x, ord, axis, keepdims)
