"""L D L^T of symmetric matrices, against SciPy's LAPACK; solutions, slopes, costs, shapes without values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import lapack

import curta
from curta.autograd import gradcheck, gradgradcheck

linalg = curta.linalg


def matrix(count: int, kind: str, seed: int = 0) -> Any:
    found = np.random.default_rng(seed).standard_normal((count, count))
    found = found + found.T
    if kind == "hollow":
        np.fill_diagonal(found, 0)
    return np.round(found) if kind == "whole" else found


@pytest.mark.parametrize("kind", ["full", "hollow", "whole"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 20, 90])
def test_factors_are_those_of_lapack(count: int, kind: str) -> None:
    a = matrix(count, kind, count)
    wanted, pivots, info = lapack.dsytrf(a, lower=1)
    found = linalg.ldl_factor_ex(curta.from_numpy(a))
    assert found.pivots.tolist() == pivots.tolist()
    np.testing.assert_allclose(found.LD.numpy(), np.tril(wanted), rtol=1e-9, atol=1e-9)
    assert found.info.item() == info


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_solutions(dtype: str) -> None:
    a = np.stack([matrix(9, kind).astype(dtype) for kind in ("full", "hollow", "whole")])
    b = np.random.default_rng(5).standard_normal((3, 9, 2)).astype(dtype)
    upper_is_not_read = np.tril(a) + 7 * np.triu(np.ones((9, 9), dtype), 1)
    compact, pivots = linalg.ldl_factor(curta.from_numpy(upper_is_not_read).mT.contiguous().mT)
    found = linalg.ldl_solve(compact, pivots, curta.from_numpy(b))
    np.testing.assert_allclose(a @ found.numpy(), b, atol=3e-4 if dtype == "float32" else 1e-10)
    one = linalg.ldl_solve(compact[1], pivots[1].long(), curta.from_numpy(b).mT.contiguous().mT)
    np.testing.assert_allclose(a[1] @ one.numpy(), b, atol=3e-4 if dtype == "float32" else 1e-10)


def test_recorded() -> None:
    """From PyTorch 2.13."""
    swapped = linalg.ldl_factor(curta.tensor([[0.0, 1.0], [1.0, 0.0]]))
    assert (swapped.LD.tolist(), swapped.pivots.tolist()) == ([[0.0, 0.0], [1.0, 0.0]], [-2, -2])
    nothing = linalg.ldl_factor_ex(curta.zeros(2, 2))
    assert (nothing.LD.tolist(), nothing.pivots.tolist(), nothing.info.item()) == ([[0.0] * 2] * 2, [1, 2], 1)
    a = curta.tensor([[2.0, 1.0, 4.0], [1.0, 3.0, 0.0], [4.0, 0.0, 1.0]])
    found = linalg.ldl_factor(a, hermitian=True)
    np.testing.assert_allclose(found.LD.numpy(), [[2, 0, 0], [4, 1, 0], [-0.07142857, 0.2857143, 3.0714285]], rtol=1e-6)
    assert found.pivots.tolist() == [-3, -3, 3]


def test_slopes_of_the_right_side_alone() -> None:
    compact, pivots = linalg.ldl_factor(curta.from_numpy(matrix(4, "full")))
    b = curta.from_numpy(np.random.default_rng(1).standard_normal((4, 2))).requires_grad_()
    assert gradcheck(lambda b: linalg.ldl_solve(compact, pivots, b), (b,))
    assert gradgradcheck(lambda b: linalg.ldl_solve(compact, pivots, b), (b,))


def test_batches_costs_and_shapes_without_values() -> None:
    a, b = curta.from_numpy(matrix(6, "full")), curta.ones(6, 2, dtype=curta.float64)
    with curta.account() as books:
        compact, pivots = linalg.ldl_factor(a)
        linalg.ldl_solve(compact, pivots, b)
    assert books.by_op()["linalg_ldl_factor"].flops == 6**3 // 3
    assert books.by_op()["linalg_ldl_solve"].flops == 2 * 6 * 6 * 2
    there = linalg.ldl_factor_ex(curta.empty(5, 3, 3, device="meta"))
    assert [one.shape for one in there] == [(5, 3, 3), (5, 3), (5,)]
    assert linalg.ldl_factor(curta.empty(2, 0, 0)).pivots.shape == (2, 0)
    assert linalg.ldl_solve(curta.empty(0, 0), curta.empty(0, dtype=curta.int32), curta.empty(0, 3)).shape == (0, 3)
    mapped = curta.func.vmap(lambda a: linalg.ldl_factor(a).LD)(curta.stack([a, 2 * a]))
    np.testing.assert_allclose(mapped[1].numpy(), linalg.ldl_factor(2 * a).LD.numpy())
    out = (curta.empty(0, dtype=curta.float64), curta.empty(0, dtype=curta.int32))
    assert linalg.ldl_factor(a, out=out).LD is out[0]
    assert out[1].tolist() == pivots.tolist()
