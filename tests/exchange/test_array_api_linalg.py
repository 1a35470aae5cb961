"""The array API's extension for linear algebra, against NumPy's."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from curta import array_api as xp
from curta.errors import ShapeError

GENERAL = np.random.default_rng(0).standard_normal((2, 4, 4))
POSITIVE = GENERAL @ GENERAL.swapaxes(-2, -1) + 4 * np.eye(4)
WIDE = np.random.default_rng(1).standard_normal((3, 5))
VECTORS = np.random.default_rng(2).standard_normal((2, 3))

CALLS: dict[str, Any] = {
    "cholesky": lambda ns, make: ns.linalg.cholesky(make(POSITIVE)),
    "cross": lambda ns, make: ns.linalg.cross(make(VECTORS), make(VECTORS[::-1].copy())),
    "det": lambda ns, make: ns.linalg.det(make(GENERAL)),
    "diagonal": lambda ns, make: ns.linalg.diagonal(make(WIDE), offset=1),
    "eigh": lambda ns, make: ns.linalg.eigh(make(POSITIVE)).eigenvalues,
    "eigvalsh": lambda ns, make: ns.linalg.eigvalsh(make(POSITIVE)),
    "inv": lambda ns, make: ns.linalg.inv(make(GENERAL)),
    "matmul": lambda ns, make: ns.linalg.matmul(make(GENERAL), make(POSITIVE)),
    "matrix_norm": lambda ns, make: ns.linalg.matrix_norm(make(GENERAL), keepdims=True, ord="nuc"),
    "matrix_power": lambda ns, make: ns.linalg.matrix_power(make(GENERAL), -2),
    "matrix_rank": lambda ns, make: ns.linalg.matrix_rank(make(WIDE)),
    "matrix_transpose": lambda ns, make: ns.linalg.matrix_transpose(make(WIDE)),
    "outer": lambda ns, make: ns.linalg.outer(make(VECTORS[0]), make(VECTORS[1])),
    "pinv": lambda ns, make: ns.linalg.pinv(make(WIDE)),
    "qr": lambda ns, make: ns.linalg.qr(make(WIDE), mode="complete").R,
    "slogdet": lambda ns, make: ns.linalg.slogdet(make(GENERAL)).logabsdet,
    "solve": lambda ns, make: ns.linalg.solve(make(GENERAL), make(VECTORS[0, :1].repeat(4))),
    "svd": lambda ns, make: ns.linalg.svd(make(WIDE), full_matrices=False).S,
    "svdvals": lambda ns, make: ns.linalg.svdvals(make(WIDE)),
    "tensordot": lambda ns, make: ns.linalg.tensordot(make(WIDE), make(WIDE.T), axes=1),
    "trace": lambda ns, make: ns.linalg.trace(make(GENERAL), offset=1),
    "vecdot": lambda ns, make: ns.linalg.vecdot(make(VECTORS), make(VECTORS)),
    "vector_norm": lambda ns, make: ns.linalg.vector_norm(make(WIDE), axis=1, ord=3),
}


@pytest.mark.parametrize("name", CALLS)
def test_as_numpy(name: str) -> None:
    found, expected = CALLS[name](xp, xp.asarray), CALLS[name](np, np.asarray)
    np.testing.assert_allclose(found.numpy(), expected, 1e-9, 1e-12)


def test_everything_is_there_and_tried() -> None:
    assert sorted(xp.linalg.__all__) == sorted(CALLS)
    for name in CALLS:
        kinds = {one.kind for one in inspect.signature(getattr(xp.linalg, name)).parameters.values()}
        assert inspect.Parameter.POSITIONAL_OR_KEYWORD not in kinds, name


def test_one_vector_or_matrices() -> None:
    """Two vectors for two matrices are matrices, unlike in PyTorch."""
    matrices = np.random.default_rng(3).standard_normal((2, 2, 2))
    right = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = xp.linalg.solve(xp.asarray(matrices), xp.asarray(right))
    np.testing.assert_allclose(found.numpy(), np.stack([np.linalg.solve(one, right) for one in matrices]))


@pytest.mark.parametrize("shape", [(2, 1, 1), (1, 1, 1), (3, 2, 4, 4)])
def test_one_vector_for_many_matrices(shape: tuple[int, ...]) -> None:
    matrices = np.random.default_rng(4).standard_normal(shape)
    vector = np.arange(1.0, shape[-1] + 1)
    found = xp.linalg.solve(xp.asarray(matrices), xp.asarray(vector))
    np.testing.assert_allclose(found.numpy(), np.linalg.solve(matrices, vector))


def test_the_norm_over_no_axes_is_each_elements_own() -> None:
    assert xp.linalg.vector_norm(xp.asarray([[-3.0, 2.0]]), axis=()).tolist() == [[3.0, 2.0]]
    assert xp.linalg.vector_norm(xp.asarray([-3.0, 0.0]), axis=(), ord=0, keepdims=True).tolist() == [1.0, 0.0]


def test_modes_of_qr() -> None:
    with pytest.raises(ShapeError, match=r"qr\(\): mode must be 'reduced' or 'complete', got 'r'"):
        xp.linalg.qr(xp.asarray(WIDE), mode="r")


def test_cross_products_broadcast_over_ranks() -> None:
    x, y = np.arange(24.0).reshape(2, 4, 3), np.array([1.0, -2.0, 5.0])
    np.testing.assert_allclose(xp.linalg.cross(xp.asarray(x), xp.asarray(y)).numpy(), np.cross(x, y))
    np.testing.assert_allclose(xp.linalg.cross(xp.asarray(y), xp.asarray(x)).numpy(), np.cross(y, x))
    assert xp.linalg.cross(xp.ones((0, 3)), xp.ones(3)).shape == (0, 3)
    with pytest.raises(ShapeError, match=r"must have length 3. Got 3 and 1"):
        xp.linalg.cross(xp.ones((2, 3)), xp.ones(1))
