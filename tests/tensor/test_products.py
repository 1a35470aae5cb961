"""Products of vectors and matrices, contractions, norms, covariances and distances, against NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.spatial import distance

import curta
from curta import linalg
from curta.autograd import gradcheck, gradgradcheck
from curta.nn import functional as F

RNG = np.random.default_rng(11)


def numbers(*shape: int) -> Any:
    return RNG.standard_normal(shape)


A, B, C = numbers(3, 4), numbers(4, 5), numbers(5, 2)
BATCH, OTHER = numbers(2, 3, 4), numbers(2, 4, 5)
TRIPLES = numbers(2, 3, 4), numbers(2, 3, 4)
SQUARES = numbers(2, 3, 3)
V3, V4, W4 = numbers(3), numbers(4), numbers(4)

#: by name: the function of tensors, the same of arrays, and the arrays
CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = {
    "inner": (curta.inner, np.inner, (BATCH, A)),
    "inner of a number": (curta.inner, np.inner, (A, np.array(2.0))),
    "vdot": (curta.vdot, np.vdot, (V4, W4)),
    "ger": (curta.ger, np.outer, (V3, V4)),
    "addmv": (lambda x, m, v: curta.addmv(x, m, v, beta=2, alpha=3), lambda x, m, v: 2 * x + 3 * m @ v, (V3, A, V4)),
    "addr": (lambda x, a, b: curta.addr(x, a, b, beta=0.5), lambda x, a, b: 0.5 * x + np.outer(a, b), (A, V3, V4)),
    "addbmm": (
        lambda x, a, b: curta.addbmm(x, a, b, alpha=2), lambda x, a, b: x + 2 * (a @ b).sum(0),
        (numbers(3, 5), BATCH, OTHER),
    ),
    "baddbmm": (
        lambda x, a, b: curta.baddbmm(x, a, b, beta=3), lambda x, a, b: 3 * x + a @ b, (numbers(3, 5), BATCH, OTHER),
    ),
    "trace": (curta.trace, np.trace, (A,)),
    "kron": (curta.kron, np.kron, (A, numbers(2, 2))),
    "kron of ranks": (curta.kron, np.kron, (BATCH, V3)),
    "cross": (lambda a, b: curta.cross(a, b, dim=1), lambda a, b: np.cross(a, b, axis=1), TRIPLES),
    "first dimension of 3": (curta.cross, lambda a, b: np.cross(a, b, axis=1), TRIPLES),
    "linalg.cross": (linalg.cross, np.cross, (numbers(4, 3), numbers(4, 3))),
    "tensordot": (lambda a, b: curta.tensordot(a, b, 1), lambda a, b: np.tensordot(a, b, 1), (BATCH, B)),
    "tensordot by lists": (
        lambda a, b: curta.tensordot(a, b, ([0, 2], [0, 1])), lambda a, b: np.tensordot(a, b, ([0, 2], [0, 1])),
        (BATCH, OTHER),
    ),
    "tensordot of nothing": (lambda a, b: curta.tensordot(a, b, 0), lambda a, b: np.tensordot(a, b, 0), (V3, A)),
    "chain_matmul": (curta.chain_matmul, lambda *m: np.linalg.multi_dot(m), (A, B, C)),
    "multi_dot": (lambda *m: linalg.multi_dot(m), lambda *m: np.linalg.multi_dot(m), (V3, A, B, C)),
    "matrix_power": (
        lambda x: curta.matrix_power(x, 5), lambda x: np.linalg.matrix_power(x, 5), (SQUARES,)
    ),
    "matrix_power 0": (lambda x: linalg.matrix_power(x, 0), lambda x: np.linalg.matrix_power(x, 0), (SQUARES,)),
    "vecdot": (lambda a, b: linalg.vecdot(a, b, dim=1), lambda a, b: (a * b).sum(1), TRIPLES),
    "diagonal": (linalg.diagonal, lambda x: np.diagonal(x, axis1=-2, axis2=-1), (BATCH,)),
    "vector_norm": (lambda x: linalg.vector_norm(x, 3, dim=(0, 2)), lambda x: (np.abs(x) ** 3).sum((0, 2)) ** (1 / 3),
                    (BATCH,)),
    "Frobenius": (linalg.matrix_norm, lambda x: np.linalg.norm(x, axis=(1, 2)), (BATCH,)),
    "largest column": (lambda x: linalg.matrix_norm(x, 1), lambda x: np.linalg.norm(x, 1, (1, 2)), (BATCH,)),
    "smallest row": (
        lambda x: linalg.matrix_norm(x, -float("inf"), keepdim=True),
        lambda x: np.linalg.norm(x, -np.inf, (1, 2), keepdims=True), (BATCH,),
    ),
    "cov": (curta.cov, np.cov, (A,)),
    "corrcoef": (curta.corrcoef, np.corrcoef, (A,)),
    "cdist": (curta.cdist, lambda a, b: distance.cdist(a, b), (A, numbers(5, 4))),
    "cdist 1": (
        lambda a, b: curta.cdist(a, b, p=1), lambda a, b: distance.cdist(a, b, "cityblock"), (A, numbers(5, 4)),
    ),
    "cdist inf": (
        lambda a, b: curta.cdist(a, b, p=float("inf")), lambda a, b: distance.cdist(a, b, "chebyshev"),
        (A, numbers(5, 4)),
    ),
    "pdist": (F.pdist, distance.pdist, (A,)),
    "pdist 3": (lambda x: F.pdist(x, 3), lambda x: distance.pdist(x, "minkowski", p=3), (A,)),
}  # fmt: skip

EQUATIONS = ["ij,jk->ik", "ij,jk", "bij,bjk->bik", "...ij,...jk->...ik", "ij->ji", "bij->b", "i,j->ij", "ij,ij->",
             "ii->i", "ii", "bii->bi", "ij,kj,lk->il", "b...->...", "i,i", "Ab,bA->A"]  # fmt: skip
SIZES = {"i": 3, "j": 4, "k": 2, "l": 5, "b": 2, "A": 4}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str) -> None:
    function, oracle, arrays = CASES[name]
    tensors = [curta.from_numpy(np.array(one)).requires_grad_() for one in arrays]
    made = function(*tensors)
    np.testing.assert_allclose(made.detach().numpy(), oracle(*arrays), rtol=1e-12, atol=1e-12)
    if made.requires_grad:
        assert gradcheck(function, tensors)
    strided = [one.detach().t().contiguous().t() if one.dim() == 2 else one.detach() for one in tensors]
    np.testing.assert_allclose(function(*strided).numpy(), made.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(curta.compile(function)(*tensors).detach().numpy(), made.detach().numpy(), 1e-12, 1e-12)
    on_meta = function(*map(_meta, tensors))
    assert (on_meta.shape, on_meta.dtype) == (made.shape, made.dtype)


def _meta(tensor: Any) -> Any:
    return curta.empty(tensor.shape, dtype=tensor.dtype, device="meta")


@pytest.mark.parametrize("name", ["kron", "cross", "cov", "cdist", "tensordot", "matrix_power"])
def test_second_gradients(name: str) -> None:
    function, _, arrays = CASES[name]
    assert gradgradcheck(function, [curta.from_numpy(np.array(one)).requires_grad_() for one in arrays])


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation: str) -> None:
    terms = equation.split("->")[0].split(",")
    shapes = [(2,) * term.count("...") + tuple(SIZES[one] for one in term.replace("...", "")) for term in terms]
    arrays = [numbers(*shape) for shape in shapes]
    tensors = [curta.from_numpy(one).requires_grad_() for one in arrays]
    wanted = np.einsum(equation, *arrays)
    np.testing.assert_allclose(curta.einsum(equation, *tensors).detach().numpy(), wanted, rtol=1e-12)
    np.testing.assert_allclose(curta.einsum(equation, tensors).detach().numpy(), wanted, rtol=1e-12)
    assert gradcheck(lambda *given: curta.einsum(equation, *given), tensors)


def test_einsum_by_lists_of_dimensions() -> None:
    a, b = numbers(3, 4), numbers(4, 5)
    found = curta.einsum(curta.from_numpy(a), [0, 51], curta.from_numpy(b), [51, 7], [7, 0])
    np.testing.assert_allclose(found.numpy(), (a @ b).T, rtol=1e-12)


def test_covariance_with_weights() -> None:
    often, much = np.array([1, 2, 3, 1]), np.array([0.5, 1.0, 2.0, 0.25])
    given = {"fweights": curta.from_numpy(often), "aweights": curta.from_numpy(much)}
    for correction in (0, 1, 2):
        found = curta.cov(curta.from_numpy(A), correction=correction, **given)
        np.testing.assert_allclose(found.numpy(), np.cov(A, ddof=correction, fweights=often, aweights=much), rtol=1e-12)
    assert curta.cov(curta.from_numpy(V4)).item() == pytest.approx(V4.var(ddof=1))


def test_the_cheapest_chain_counts_few_flops() -> None:
    a, b, c = curta.ones(2, 100), curta.ones(100, 100), curta.ones(100, 3)
    with curta.account(memory=False) as books:
        curta.chain_matmul(a, b, c)
    assert books.model_flops == 2 * (2 * 100 * 100 + 2 * 100 * 3)


def test_results_go_into_out_and_in_place() -> None:
    x, m, v = curta.ones(3), curta.ones(3, 4), curta.ones(4)
    out = curta.empty(3)
    assert curta.addmv(x, m, v, out=out) is out
    assert out.tolist() == [5.0] * 3
    assert x.addmv_(m, v).tolist() == [5.0] * 3
    assert curta.ones(3, 4).addr_(curta.ones(3), v).tolist() == [[2.0] * 4] * 3
    assert curta.ones(2, 2).addmm_(curta.ones(2, 3), curta.ones(3, 2)).tolist() == [[4.0] * 2] * 2


def test_nothing_is_read_where_beta_is_zero() -> None:
    start = curta.full((3,), float("nan"))
    assert curta.addmv(start, curta.ones(3, 4), curta.ones(4), beta=0).tolist() == [4.0] * 3
