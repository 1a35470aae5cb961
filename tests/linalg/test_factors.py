"""Factors of matrices: what they multiply to, NumPy's values, and slopes by finite differences, of both orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.autograd import gradcheck, gradgradcheck

linalg = curta.linalg
SHAPES = {"square": (2, 4, 4), "wide": (3, 5), "tall": (2, 5, 3)}


def numbers(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def tensor(*shape: int, seed: int = 0) -> curta.Tensor:
    return curta.from_numpy(numbers(*shape, seed=seed))


def positive(*shape: int) -> curta.Tensor:
    x = tensor(*shape)
    return x @ x.mT + shape[-1] * curta.eye(shape[-1], dtype=curta.float64)


def symmetric(x: curta.Tensor) -> curta.Tensor:
    return (x + x.mT) / 2


def near(found: Any, expected: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, tolerance, tolerance)


def slopes(function: Any, *inputs: curta.Tensor) -> None:
    leaves = tuple(one.detach().requires_grad_() for one in inputs)
    assert gradcheck(function, leaves)
    assert gradgradcheck(function, leaves)


def test_cholesky() -> None:
    x = positive(2, 4, 4)
    near(linalg.cholesky(x), np.linalg.cholesky(x.numpy()))
    near(linalg.cholesky(x, upper=True), np.linalg.cholesky(x.numpy()).swapaxes(-2, -1))
    slopes(lambda x: linalg.cholesky(symmetric(x)), x)


def test_cholesky_says_which_minor_is_not_positive() -> None:
    x = curta.eye(4).repeat(3, 1, 1)
    x[1, 2, 2], x[2, 0, 0] = -1.0, 0.0
    assert linalg.cholesky_ex(x).info.tolist() == [0, 3, 1]
    with pytest.raises(linalg.LinAlgError, match=r"linalg.cholesky: \(Batch element 1\): .* minor of order 3 is not"):
        linalg.cholesky(x)
    with pytest.raises(RuntimeError, match="order 2 is not positive-definite"):
        linalg.cholesky_ex(curta.tensor([[1.0, 2.0], [2.0, 1.0]]), check_errors=True)


@pytest.mark.parametrize("name", SHAPES)
def test_lu(name: str) -> None:
    x = tensor(*SHAPES[name])
    permutation, lower, upper = linalg.lu(x)
    near(permutation @ lower @ upper, x.numpy())
    assert (lower.abs() <= 1).all()  # pivoted
    compact, pivots = linalg.lu_factor(x)
    assert pivots.dtype is curta.int32
    for part, expected in zip(curta.lu_unpack(compact, pivots), (permutation, lower, upper), strict=True):
        near(part, expected.numpy())
    slopes(lambda x: linalg.lu(x)[1:], x)


def test_lu_of_singular_matrices() -> None:
    x = curta.tensor([[[1.0, 2.0], [2.0, 4.0]], [[0.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])
    assert linalg.lu_factor_ex(x).info.tolist() == [2, 1, 0]
    with pytest.raises(linalg.LinAlgError, match=r"\(Batch element 0\): U\[2,2\] is zero"):
        linalg.lu_factor(x)
    assert len(curta.lu(x, get_infos=True)) == 3


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
def test_qr(name: str, mode: str) -> None:
    x = tensor(*SHAPES[name])
    q, r = linalg.qr(x, mode)
    if mode == "r":
        near(r, np.linalg.qr(x.numpy()).R)
        return
    near(q @ r, x.numpy())
    near(q.mT @ q, np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1])))
    if mode == "reduced":
        slopes(linalg.qr, x)


@pytest.mark.parametrize(("mode", "why"), [("r", "mode='r'"), ("complete", "mode='complete' and nrows > ncols")])
def test_qr_without_slopes(mode: str, why: str) -> None:
    r = linalg.qr(tensor(4, 2).requires_grad_(), mode).R
    with pytest.raises(RuntimeError, match=f"linalg.qr is not implemented when {why}"):
        r.sum().backward()


def test_householder() -> None:
    x = tensor(2, 5, 3)
    compact, factors = curta.geqrf(x)
    q, r = np.linalg.qr(x.numpy())
    near(compact.triu()[..., :3, :], r)
    near(linalg.householder_product(compact, factors), q)
    whole = np.linalg.qr(x.numpy(), mode="complete").Q
    other = tensor(2, 5, 4, seed=1)
    near(curta.ormqr(compact, factors, other), whole @ other.numpy())
    near(curta.ormqr(compact, factors, other, transpose=True), whole.swapaxes(-2, -1) @ other.numpy())
    near(curta.ormqr(compact, factors, other.mT, left=False), other.numpy().swapaxes(-2, -1) @ whole)
    slopes(linalg.householder_product, compact, factors)


def test_eigh() -> None:
    x = symmetric(tensor(2, 4, 4))
    values, vectors = linalg.eigh(x)
    near(values, np.linalg.eigvalsh(x.numpy()))
    near(vectors @ curta.diag_embed(values) @ vectors.mT, x.numpy())
    half = curta.from_numpy(numbers(3, 3))
    near(linalg.eigvalsh(half, "U"), np.linalg.eigvalsh(half.numpy(), "U"))
    slopes(lambda x: (lambda found: (found[0], found[1].abs()))(linalg.eigh(symmetric(x))), x)


def test_equal_eigenvalues_have_slopes_where_vectors_are_not_asked_for() -> None:
    x = curta.eye(3, dtype=curta.float64).requires_grad_()
    linalg.eigvalsh(x).sum().backward()
    near(x.grad, np.eye(3))
    y = curta.eye(3, dtype=curta.float64).requires_grad_()
    linalg.svdvals(y).sum().backward()
    near(y.grad, np.eye(3))


@pytest.mark.parametrize("name", SHAPES)
def test_svd(name: str) -> None:
    x = tensor(*SHAPES[name])
    for full in (True, False):
        u, s, vh = linalg.svd(x, full)
        count = s.shape[-1]
        near(u[..., :count] * s.unsqueeze(-2) @ vh[..., :count, :], x.numpy())
        assert (u.shape[-1] == x.shape[-2]) == (full or count == x.shape[-2])
    near(linalg.svdvals(x), np.linalg.svd(x.numpy(), compute_uv=False))
    older = curta.svd(x)
    near(older.U * older.S.unsqueeze(-2) @ older.V.mT, x.numpy())
    assert not curta.svd(x, compute_uv=False).U.any()
    slopes(lambda x: (lambda u, s, vh: (u.abs(), s, vh.abs()))(*linalg.svd(x, False)), x)


def test_low_rank() -> None:
    curta.manual_seed(0)
    x = tensor(9, 2) @ tensor(2, 7, seed=1)
    for matrix in (x, x.T):
        u, s, v = curta.svd_lowrank(matrix, 3)
        near(u * s @ v.T, matrix.numpy(), 1e-7)
        centred = matrix - matrix.mean(0)
        u, s, v = curta.pca_lowrank(matrix, 3)
        near(u * s @ v.T, centred.numpy(), 1e-7)
    shift = curta.ones(9, 7, dtype=curta.float64)
    near(curta.svd_lowrank(x + shift, 2, M=shift)[1], np.linalg.svd(x.numpy())[1][:2], 1e-7)


def test_older_names_of_norms() -> None:
    x = tensor(2, 3, 4)
    wanted = np.sqrt((x.numpy() ** 2).sum((0, 2), keepdims=True))
    near(curta.frobenius_norm(x, (0, 2), True), wanted, 1e-12)
    near(curta.frobenius_norm(x, ()), np.sqrt((x.numpy() ** 2).sum()), 1e-12)
    near(curta.nuclear_norm(x), np.linalg.svd(x.numpy(), compute_uv=False).sum(-1), 1e-12)
    out = curta.empty(0, dtype=curta.float64)
    assert curta.frobenius_norm(x, 1, out=out) is out
    near(out, np.sqrt((x.numpy() ** 2).sum(1)), 1e-12)


def test_matrices_without_rows() -> None:
    x, b = curta.zeros(0, 0), curta.zeros(0, 4)
    compact, pivots = linalg.lu_factor(x)
    assert (compact.shape, pivots.shape) == ((0, 0), (0,))
    assert linalg.lu_solve(compact, pivots, b).shape == curta.lu_solve(b, compact, pivots).shape == (0, 4)
    assert [one.shape for one in curta.lu_unpack(compact, pivots)] == [(0, 0)] * 3
    assert [one.shape for one in linalg.lu(curta.zeros(2, 0, 3))] == [(2, 0, 0), (2, 0, 0), (2, 0, 3)]
    assert [one.shape for one in linalg.lu(curta.zeros(0, 2, 3))] == [(0, 2, 2), (0, 2, 2), (0, 2, 3)]
    assert linalg.solve(x, b).shape == (0, 4)
