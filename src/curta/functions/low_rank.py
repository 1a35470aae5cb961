"""Approximations of matrices by few singular values."""

from __future__ import annotations

from curta.errors import ShapeError
from curta.functions.factoring import qr_factors, svd_parts
from curta.functions.matrices import matrices, turned
from curta.functions.random import randn
from curta.tensor import Tensor


def svd_lowrank(A: Tensor, q: int = 6, niter: int = 2, M: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The largest singular values of A - M and their vectors: Halko and others' randomized range finder, 2009.

    >>> import curta
    >>> curta.svd_lowrank(curta.diag(curta.tensor([3.0, 2.0, 0.0])), 2)[1].shape
    torch.Size([2])
    """
    x = matrices("svd_lowrank", A)
    x = x if M is None else x - M
    rows, columns = x.layout.shape[-2:]
    wide = rows < columns
    x = turned(x) if wide else x
    start = randn(*x.layout.shape[:-2], x.layout.shape[-1], q, dtype=x.layout.dtype, device=x.layout.device)
    basis = qr_factors(x @ start).Q
    for _ in range(niter):
        basis = qr_factors(x @ qr_factors(turned(x) @ basis).Q).Q
    found = svd_parts(turned(basis) @ x, False)
    left, right = basis @ found.U, turned(found.Vh)
    return (right, found.S, left) if wide else (left, found.S, right)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components of the rows of A: `svd_lowrank` of A without its columns' means (or as it is).

    >>> import curta
    >>> curta.pca_lowrank(curta.rand(5, 3), 2)[1].shape
    torch.Size([2])
    """
    x = matrices("pca_lowrank", A)
    M, N = x.layout.shape[-2:]
    count = min(6, M, N) if q is None else q
    if not 0 <= count <= min(M, N):
        raise ShapeError(f"q(={count}) must be non-negative integer and not greater than min(m, n)={min(M, N)}")
    return svd_lowrank(x - x.mean(-2, True) if center else x, count, niter)
