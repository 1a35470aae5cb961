"""Orthogonal weights: orthogonal at any parameter, gradients by differences, assignments, state dicts."""

from __future__ import annotations

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import ArgumentError, UnsupportedError
from curta.nn.utils.parametrizations import orthogonal

SHAPES = [(3, 3), (5, 3), (2, 4)]
MAPS = ["matrix_exp", "cayley", "householder"]


@pytest.fixture(autouse=True)
def seeded() -> None:
    curta.manual_seed(7)


def layer(rows: int, columns: int, kind: str | None, trivial: bool = True) -> nn.Linear:
    made = nn.Linear(columns, rows, bias=False, dtype=curta.float64)
    orthogonal(made, orthogonal_map=kind, use_trivialization=trivial)
    return made


def check_orthogonal(weight: curta.Tensor) -> None:
    x = weight.detach().numpy()
    product = x @ x.T if x.shape[0] < x.shape[1] else x.T @ x
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [*MAPS, None])
def test_at_any_parameter(shape: tuple[int, int], kind: str | None) -> None:
    module = layer(*shape, kind)
    check_orthogonal(module.weight)
    original = module.parametrizations.weight.original
    with curta.no_grad():
        signs = original.diagonal().clone()
        original.normal_()
        if kind == "householder" or (kind is None and shape[0] != shape[1]):
            original.diagonal().copy_(signs)
    check_orthogonal(module.weight)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", MAPS)
def test_gradients(shape: tuple[int, int], kind: str) -> None:
    map_only = layer(*shape, kind).parametrizations.weight[0]
    x = curta.randn(*shape, dtype=curta.float64)
    x.diagonal().fill_(-1.0)
    aim = curta.randn(*shape, dtype=curta.float64)

    def loss(values: curta.Tensor) -> curta.Tensor:
        return (map_only(values) * aim).sum()

    leaf = x.clone().requires_grad_()
    (slope,) = curta.autograd.grad(loss(leaf), [leaf])
    for row in range(shape[0]):
        for column in range(shape[1]):
            if row == column and kind == "householder":
                continue  # a sign there has no slope
            step = curta.zeros(*shape, dtype=curta.float64)
            step[row, column] = 1e-6
            expected = (loss(x + step) - loss(x - step)).item() / 2e-6
            assert slope[row, column].item() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("kind", MAPS)
def test_assignment_of_an_orthogonal_matrix(kind: str) -> None:
    aim = curta.linalg.qr(curta.randn(3, 3, dtype=curta.float64)).Q
    module = layer(3, 3, kind)
    module.weight = aim
    np.testing.assert_allclose(module.weight.detach().numpy(), aim.numpy(), atol=1e-12)


def test_assignment_to_reflections_without_a_base() -> None:
    for shape in SHAPES:
        module = layer(*shape, "householder", trivial=False)
        rows, columns = max(shape), min(shape)
        aim = curta.linalg.qr(curta.randn(rows, columns, dtype=curta.float64)).Q
        aim = aim if shape[0] >= shape[1] else aim.T
        module.weight = aim
        np.testing.assert_allclose(module.weight.detach().numpy(), aim.numpy(), atol=1e-12)


def test_state_dict_and_training() -> None:
    module = layer(4, 2, None)
    assert list(module.state_dict()) == ["parametrizations.weight.original", "parametrizations.weight.0.base"]
    other = layer(4, 2, None)
    other.load_state_dict(module.state_dict())
    assert other.weight.equal(module.weight)
    optimizer = curta.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        module(curta.randn(3, 2, dtype=curta.float64)).pow(4).sum().backward()
        optimizer.step()
    check_orthogonal(module.weight)


def test_refused() -> None:
    linear = nn.Linear(2, 2)
    with pytest.raises(ArgumentError, match="Got a tensor of 1 dimensions"):
        orthogonal(linear, "bias")
    with pytest.raises(ArgumentError, match="has no parameter or buffer with name 'nothing'"):
        orthogonal(linear, "nothing")
    with pytest.raises(ArgumentError, match='one of "matrix_exp", "cayley", "householder"'):
        orthogonal(linear, orthogonal_map="polar")
    module = layer(3, 3, "cayley")
    with pytest.raises(ArgumentError, match="Expected a matrix or batch of matrices of shape"):
        module.parametrizations.weight[0].right_inverse(curta.ones(2, 2))
    with pytest.raises(UnsupportedError, match="not possible to assign to the matrix exponential or the Cayley"):
        layer(3, 3, "cayley", trivial=False).weight = curta.eye(3, dtype=curta.float64)
