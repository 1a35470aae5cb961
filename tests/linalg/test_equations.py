"""Equations, inverses, determinants and what singular values tell, against NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
from tests.linalg.test_factors import near, numbers, positive, slopes, symmetric, tensor

import curta
from curta.errors import UnsupportedError

linalg = curta.linalg


def test_solve() -> None:
    a, b = tensor(2, 4, 4), tensor(2, 4, 3, seed=1)
    near(linalg.solve(a, b), np.linalg.solve(a.numpy(), b.numpy()))
    near(linalg.solve(a, b.mT, left=False) @ a, b.mT.numpy())
    near(a @ linalg.solve(a, b[0, :, 0]).unsqueeze(-1), np.broadcast_to(b.numpy()[0, :, :1], (2, 4, 1)))
    near(linalg.solve(a, b[..., 0]), np.linalg.solve(a.numpy(), b.numpy()[..., :1])[..., 0])
    slopes(linalg.solve, a, b)


def test_solve_of_a_singular_matrix() -> None:
    a = curta.stack([curta.eye(2), curta.ones(2, 2)])
    assert linalg.solve_ex(a, curta.ones(2, 2, 1)).info.tolist() == [0, 2]
    with pytest.raises(linalg.LinAlgError, match=r"linalg.solve: \(Batch element 1\): The solver failed"):
        linalg.solve(a, curta.ones(2, 2, 1))
    with pytest.raises(linalg.LinAlgError, match=r"linalg.inv: \(Batch element 1\): The diagonal element 2 is zero"):
        linalg.inv(a)
    assert linalg.inv_ex(a).info.tolist() == [0, 2]


def test_inverse() -> None:
    x = tensor(2, 3, 3)
    near(curta.inverse(x), np.linalg.inv(x.numpy()))
    near(curta.matrix_power(x, -2), np.linalg.matrix_power(x.numpy(), -2))
    slopes(linalg.inv, x)


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("unit", [True, False])
def test_triangular(upper: bool, unit: bool) -> None:
    a, b = tensor(4, 4) + 3 * curta.eye(4, dtype=curta.float64), tensor(4, 2, seed=1)
    expected = scipy.linalg.solve_triangular(a.numpy(), b.numpy(), lower=not upper, unit_diagonal=unit)
    near(linalg.solve_triangular(a, b, upper=upper, unitriangular=unit), expected)
    turned = linalg.solve_triangular(a.T, b.T, upper=not upper, unitriangular=unit, left=False)
    near(turned, expected.T)
    found = curta.triangular_solve(b, a.T, not upper, True, unit)
    near(found.solution, expected)
    slopes(lambda a, b: linalg.solve_triangular(a, b, upper=upper, unitriangular=unit), a, b)


def test_from_factors() -> None:
    a, b = positive(2, 3, 3), tensor(2, 3, 2, seed=1)
    expected = np.linalg.solve(a.numpy(), b.numpy())
    near(curta.cholesky_solve(b, linalg.cholesky(a)), expected)
    near(curta.cholesky_solve(b, linalg.cholesky(a, upper=True), upper=True), expected)
    near(curta.cholesky_inverse(linalg.cholesky(a)), np.linalg.inv(a.numpy()))
    x = tensor(2, 3, 3)
    compact, pivots = linalg.lu_factor(x)
    near(linalg.lu_solve(compact, pivots, b), np.linalg.solve(x.numpy(), b.numpy()))
    near(curta.lu_solve(b, compact, pivots), np.linalg.solve(x.numpy(), b.numpy()))
    near(x.mT @ linalg.lu_solve(compact, pivots, b, adjoint=True), b.numpy())
    near(linalg.lu_solve(compact, pivots, b.mT, left=False) @ x, b.mT.numpy())
    near(linalg.lu_solve(compact, pivots, b.mT, left=False, adjoint=True) @ x.mT, b.mT.numpy())
    slopes(lambda a, b: curta.cholesky_solve(b, linalg.cholesky(symmetric(a))), a, b)


def test_determinants() -> None:
    x = tensor(2, 4, 4)
    near(curta.det(x), np.linalg.det(x.numpy()))
    sign, size = curta.slogdet(x)
    near(sign * size.exp(), np.linalg.det(x.numpy()))
    near(curta.logdet(positive(3, 3)), np.linalg.slogdet(positive(3, 3).numpy())[1])
    assert curta.logdet(-curta.eye(1)).isnan()
    slopes(linalg.det, x)
    slopes(lambda x: linalg.slogdet(x).logabsdet, x)
    assert curta.det(curta.zeros(0, 0)).item() == 1


def test_the_slope_of_a_determinant_that_is_zero() -> None:
    """The cofactors, by hand."""
    x = curta.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=curta.float64, requires_grad=True)
    curta.det(x).backward()
    near(x.grad, [[4.0, -2.0], [-2.0, 1.0]])


@pytest.mark.parametrize("shape", [(2, 3, 5), (5, 3), (3, 3)])
def test_pseudo_inverse(shape: tuple[int, ...]) -> None:
    x = tensor(*shape)
    near(linalg.pinv(x), np.linalg.pinv(x.numpy()))
    slopes(linalg.pinv, x)
    if shape[-1] == shape[-2]:
        near(linalg.pinv(symmetric(x), hermitian=True), np.linalg.pinv(symmetric(x).numpy(), hermitian=True))


def test_rank_and_condition() -> None:
    x = curta.from_numpy(numbers(4, 2) @ numbers(2, 4, seed=1))
    assert linalg.matrix_rank(x).item() == 2
    assert linalg.matrix_rank(x, atol=1e9).item() == 0
    assert linalg.matrix_rank(curta.diag(curta.tensor([1.0, -1e-9])), hermitian=True).item() == 1
    assert linalg.matrix_rank(curta.zeros(0, 3)).item() == 0
    y = tensor(3, 3)
    for p in (None, "fro", "nuc", 1, -1, float("inf"), 2, -2):
        near(linalg.cond(y, p), np.linalg.cond(y.numpy(), p))
    assert linalg.cond(curta.ones(2, 2), 1).item() == float("inf")


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")])
def test_matrix_norms(ord: Any) -> None:
    x = tensor(3, 4, 5)
    near(linalg.matrix_norm(x, ord, (0, 2)), np.linalg.norm(x.numpy(), ord, (0, 2)))
    near(linalg.matrix_norm(x, ord, (2, 0), keepdim=True), np.linalg.norm(x.numpy(), ord, (2, 0), keepdims=True))
    near(linalg.norm(x[0], ord), np.linalg.norm(x.numpy()[0], ord))


def test_norms() -> None:
    x = tensor(3, 4)
    near(linalg.norm(x), np.linalg.norm(x.numpy()))
    near(linalg.norm(x, 3, 1), np.linalg.norm(x.numpy(), 3, 1))
    near(linalg.norm(x, dim=(0, 1)), np.linalg.norm(x.numpy()))
    near(curta.norm(x, "nuc"), np.linalg.norm(x.numpy(), "nuc"))
    near(x.__rdiv__(2.0), 2.0 / x.numpy())


@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
def test_least_squares(driver: str | None) -> None:
    a, b = tensor(2, 5, 3), tensor(2, 5, 2, seed=1)
    found = linalg.lstsq(a, b, driver=driver)
    for place in range(2):
        solution, residuals, rank, sizes = np.linalg.lstsq(a.numpy()[place], b.numpy()[place])
        near(found.solution[place], solution)
        if driver in ("gels", "gelsd", "gelss"):
            near(found.residuals[place], residuals)
        if driver != "gels":
            assert found.rank[place].item() == rank
        if driver in ("gelsd", "gelss"):
            near(found.singular_values[place], sizes)
    assert linalg.lstsq(a, b[..., 0]).solution.shape == (2, 3)


def test_exponential() -> None:
    for scale in (0.1, 1.0, 30.0):
        x = tensor(2, 3, 3) * scale
        near(curta.matrix_exp(x), scipy.linalg.expm(x.numpy()), 1e-9)
    assert curta.matrix_exp(curta.full((1, 1), float("inf"))).isnan().all()
    assert curta.matrix_exp(curta.zeros(2, 2, dtype=curta.bfloat16)).dtype is curta.bfloat16
    slopes(curta.matrix_exp, tensor(3, 3))


def test_tensors_as_matrices() -> None:
    x, b = tensor(2, 3, 6), tensor(2, 3, seed=1)
    near(linalg.tensorsolve(x, b), np.linalg.tensorsolve(x.numpy(), b.numpy()))
    near(linalg.tensorsolve(x.permute(2, 0, 1), b, dims=(0,)), np.linalg.tensorsolve(x.numpy(), b.numpy()))
    near(linalg.tensorinv(x), np.linalg.tensorinv(x.numpy()))
    near(linalg.vander(b, 4), np.stack([np.vander(row, 4, increasing=True) for row in b.numpy()]))


# what all of them are


def test_without_data_and_planned() -> None:
    x = curta.empty(2, 5, 3, device="meta")
    assert [tuple(part.shape) for part in linalg.svd(x)] == [(2, 5, 5), (2, 3), (2, 3, 3)]
    assert linalg.solve(curta.empty(3, 3, device="meta"), curta.empty(3, device="meta")).shape == (3,)
    a = tensor(20, 20).requires_grad_()

    def run() -> None:
        linalg.solve(a, curta.ones(20, 2, dtype=curta.float64)).sum().backward()

    planned = curta.plan(run)
    with curta.account() as books:
        run()
    assert planned.flops == books.flops
    assert planned.memory.peak_bytes == books.memory.peak_bytes


@pytest.mark.parametrize(
    ("function", "flops"),
    [
        (linalg.cholesky, 6**3 // 3),
        (linalg.lu_factor, 2 * 6**3 // 3),
        (lambda x: linalg.qr(x), 4 * (2 * 6**3 // 3)),
        (linalg.eigh, 9 * 6**3),
        (linalg.det, 2 * 6**3 // 3),
        (lambda x: linalg.solve(x, curta.ones(6, 5, dtype=curta.float64)), 2 * 6**3 // 3 + 2 * 36 * 5),
        (lambda x: linalg.solve_triangular(x, curta.ones(6, 5, dtype=curta.float64), upper=True), 36 * 5),
        (linalg.svdvals, 4 * 6**3 + 22 * 6**3),
    ],
)
def test_costs_by_hand(function: Any, flops: int) -> None:
    x = positive(6, 6)
    with curta.account() as books:
        function(x)
    assert sum(cost.flops for name, cost in books.by_op().items() if name.startswith("linalg")) == flops


def test_compiled_programs_refuse_in_words() -> None:
    with pytest.raises(UnsupportedError, match="compile: linalg_det runs in LAPACK, outside of any compiled program"):
        curta.compile(lambda x: curta.det(x))(curta.eye(3))


def test_mapped() -> None:
    a, b = tensor(4, 3, 3), tensor(4, 3, 2, seed=1)
    near(curta.func.vmap(linalg.solve)(a, b), np.linalg.solve(a.numpy(), b.numpy()))
    near(curta.func.vmap(linalg.det)(a), np.linalg.det(a.numpy()))
    gradients = curta.func.vmap(curta.func.grad(lambda x: linalg.slogdet(x).logabsdet))(a)
    near(gradients, np.linalg.inv(a.numpy()).swapaxes(-2, -1))


def test_written_to_what_is_given() -> None:
    x = tensor(3, 3)
    out = curta.empty(3, 3, dtype=curta.float64)
    assert linalg.inv(x, out=out) is out
    near(out, np.linalg.inv(x.numpy()))
    parts = curta.empty(3, 3, dtype=curta.float64), curta.empty(3, 3, dtype=curta.float64)
    assert linalg.qr(x, out=parts)[1] is parts[1]


def test_norms_of_small_order_have_slopes_at_zero() -> None:
    """As PyTorch: 0 at elements that are 0; (2 + 0)**2 of [0, 4] has the slope 1 at 4, and -1, -2 end at 0."""
    for order, values, wanted, wanted_slopes in (
        (0.5, [0.0, 4.0], 4.0, [0.0, 1.0]),
        (0.5, [0.0, 0.0], 0.0, [0.0, 0.0]),
        (-1, [0.0, 4.0], 0.0, [0.0, 0.0]),
        (-0.5, [0.0, 0.0], 0.0, [0.0, 0.0]),
    ):
        x = curta.tensor(values, requires_grad=True)
        found = curta.linalg.norm(x, order)
        found.backward()
        assert (found.item(), x.grad.tolist()) == (wanted, wanted_slopes)
