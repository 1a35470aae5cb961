"""The work of factorizations and solutions, on NumPy's arrays: LAPACK where NumPy has it, else steps over columns."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from curta.lazy import LazyModule

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

Array = Any


def _each(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Every place of the batch, and the matrices there."""
    for place in np.ndindex(arrays[0].shape[:-2]):
        yield place, *(one[place] for one in arrays)


def cholesky(a: Array) -> tuple[Array, Array]:
    """The lower factor, and 0 or the order of the first leading minor that is not positive definite."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return np.linalg.cholesky(a), info
    except np.linalg.LinAlgError:
        factor = np.zeros_like(a)
    for place, matrix in _each(a):
        try:
            factor[place] = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            info[place] = _first_minor(matrix)
    return factor, info


def _first_minor(matrix: Array) -> int:
    """The first order of which the leading minor is not positive definite: so are all behind it."""
    low, high = 1, len(matrix)
    while low < high:
        middle = (low + high) // 2
        try:
            np.linalg.cholesky(matrix[:middle, :middle])
        except np.linalg.LinAlgError:
            high = middle
        else:
            low = middle + 1
    return low


def lu(a: Array) -> tuple[Array, Array, Array]:
    """L and U in one matrix with partial pivoting, the exchanged rows from 1, and 0 or the first pivot that is zero."""
    whole = a.copy()
    *batch, M, N = whole.shape
    count = min(M, N)
    flat = whole.reshape(prod(batch), M, N)
    pivots = np.zeros((len(flat), count), np.int32)
    info = np.zeros(len(flat), np.int32)
    every = np.arange(len(flat))
    for step in range(count if len(flat) else 0):
        chosen = np.abs(flat[:, step:, step]).argmax(1) + step
        pivots[:, step] = chosen + 1
        flat[every, step], flat[every, chosen] = flat[every, chosen], flat[every, step].copy()
        pivot = flat[:, step, step]
        info[(pivot == 0) & (info == 0)] = step + 1
        flat[:, step + 1 :, step] /= np.where(pivot == 0, 1, pivot)[:, None]
        flat[:, step + 1 :, step + 1 :] -= flat[:, step + 1 :, step, None] * flat[:, step, None, step + 1 :]
    return whole, pivots.reshape(*batch, count), info.reshape(batch)


def row_order(pivots: Array, count: int, back: bool) -> Array:
    """Where each row comes from after the exchanges, or with `back` the inverse of that."""
    flat = pivots.reshape(prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.broadcast_to(np.arange(count), (len(flat), count)).copy()
    every = np.arange(len(flat))
    for step in range(flat.shape[1]):
        chosen = flat[:, step].astype(np.int64) - 1
        order[every, step], order[every, chosen] = order[every, chosen], order[every, step].copy()
    if back:
        order = np.argsort(order, 1)
    return order.reshape(*pivots.shape[:-1], count)


def qr(a: Array, complete: bool) -> tuple[Array, Array]:
    """Householder's factors."""
    found = np.linalg.qr(a, mode="complete" if complete else "reduced")
    return found.Q, found.R


def geqrf(a: Array) -> tuple[Array, Array]:
    """As LAPACK's routine leaves them."""
    if not a.shape[-1] or not a.shape[-2]:
        return a, np.zeros((*a.shape[:-2], 0), a.dtype)
    compact, factors = np.linalg.qr(a, mode="raw")
    return np.swapaxes(compact, -2, -1), factors


def eigh(a: Array, upper: bool) -> tuple[Array, Array]:
    """Eigenvalues and vectors of a symmetric matrix."""
    found = np.linalg.eigh(a, "U" if upper else "L")
    return found.eigenvalues, found.eigenvectors


def svd(a: Array, full: bool) -> tuple[Array, Array, Array]:
    """Singular values and vectors."""
    found = np.linalg.svd(a, full_matrices=full)
    return found.U, found.S, found.Vh


def solve(a: Array, b: Array) -> tuple[Array, Array]:
    """The solution of A X = B, and 0 or the first pivot that is zero."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return np.linalg.solve(a, b), info
    except np.linalg.LinAlgError:
        found = np.full_like(b, np.nan)
    for place, matrix, right in _each(a, b):
        try:
            found[place] = np.linalg.solve(matrix, right)
        except np.linalg.LinAlgError:
            info[place] = lu(matrix[None])[2][0] or len(matrix)
    return found, info


def triangular(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """The solution of A X = B for a triangular A, by substitution."""
    found = b.copy()
    count = a.shape[-1]
    with np.errstate(all="ignore"):
        for step in range(count):
            row = count - 1 - step if upper else step
            known = slice(row + 1, None) if upper else slice(None, row)
            found[..., row, :] -= (a[..., row, None, known] @ found[..., known, :])[..., 0, :]
            if not unit:
                found[..., row, :] /= a[..., row, row, None]
    return found


def cholesky_solve(factor: Array, b: Array) -> Array:
    """The solution of L L^T X = B."""
    return triangular(np.swapaxes(factor, -2, -1), triangular(factor, b, False, False), True, False)


def determinant(a: Array) -> Array:
    """The determinant."""
    with np.errstate(all="ignore"):
        return np.linalg.det(a)


def log_determinant(a: Array) -> tuple[Array, Array]:
    """The determinant's sign, and the logarithm of its size."""
    with np.errstate(all="ignore"):
        found = np.linalg.slogdet(a)
    return found.sign, found.logabsdet


def pseudo_inverse(a: Array, absolute: Array, relative: Array, hermitian: bool) -> Array:
    """The pseudo-inverse: singular values up to the larger of two limits, the second times the largest, are zeros."""
    if not a.size:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    if hermitian:
        values, vectors = np.linalg.eigh(a)
        left, right = vectors, np.swapaxes(vectors, -2, -1)
    else:
        left, values, right = np.linalg.svd(a, full_matrices=False)
    sizes = np.abs(values)
    limit = np.maximum(absolute, relative * sizes.max(-1))[..., None]
    kept = sizes > limit
    inverse = np.where(kept, 1 / np.where(kept, values, 1), 0).astype(a.dtype)
    return (
        np.swapaxes(left * inverse[..., None, :] @ right, -2, -1)
        if not hermitian
        else left * inverse[..., None, :] @ right
    )


#: numerator of the Padé approximation of order 13: Higham, "The scaling and squaring method", 2005
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
#: the largest norm for which it is as good as double precision
_PADE_LIMIT = 5.371920351148152


def exponential(a: Array) -> Array:
    """The matrix exponential, worked out in float64 by scaling and squaring."""
    if not a.size:
        return a
    wide = a.astype(np.float64)
    norm = np.abs(wide).sum(-2).max(-1)
    finite = np.isfinite(norm)
    with np.errstate(all="ignore"):
        halvings = np.where(finite, np.maximum(0, np.ceil(np.log2(np.where(finite, norm, 1) / _PADE_LIMIT))), 0)
        halvings = np.nan_to_num(halvings, neginf=0.0).astype(int)
        scaled = np.where(finite[..., None, None], wide, 0) / np.exp2(halvings)[..., None, None]
        found = _pade(scaled)
        for step in range(int(halvings.max(initial=0))):
            found = np.where((halvings > step)[..., None, None], found @ found, found)
    return np.where(finite[..., None, None], found, np.nan).astype(a.dtype)


def _pade(x: Array) -> Array:
    one = np.eye(x.shape[-1])
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    c = _PADE
    odd = x @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * one)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * one
    return np.linalg.solve(even - odd, even + odd)
