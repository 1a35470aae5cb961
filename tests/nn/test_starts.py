"""How further weights start, classes as rows, and Unflatten: against NumPy and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.errors import CompileError
from curta.nn import functional as F


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 3), (4, 4)])
@pytest.mark.parametrize("dtype", [curta.float32, curta.float64, curta.bfloat16])
def test_orthogonal(shape: tuple[int, ...], dtype: Any) -> None:
    weight = nn.init.orthogonal_(curta.empty(shape, dtype=dtype), gain=2.0)
    matrix = weight.double().numpy().reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=0.1 if dtype is curta.bfloat16 else 1e-5)


def test_orthogonal_follows_the_seed() -> None:
    found = []
    for _ in range(2):
        curta.manual_seed(4)
        found.append(nn.init.orthogonal_(curta.empty(3, 3)).tolist())
    assert found[0] == found[1]


def test_eye_and_dirac() -> None:
    assert nn.init.eye_(curta.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    x = curta.randn(1, 4, 5, 6)
    weight = nn.init.dirac_(curta.empty(4, 4, 3, 3))
    np.testing.assert_array_equal(F.conv2d(x, weight, padding=1).numpy(), x.numpy())
    grouped = nn.init.dirac_(curta.empty(4, 2, 3), groups=2)
    lines = curta.randn(1, 4, 7)
    np.testing.assert_array_equal(F.conv1d(lines, grouped, padding=1, groups=2).numpy(), lines.numpy())


def test_sparse() -> None:
    weight = nn.init.sparse_(curta.empty(10, 50), 0.25, std=2.0)
    assert (weight == 0).sum(0).tolist() == [3] * 50
    assert 1.5 < float(weight[weight != 0].std()) < 2.5


def test_one_hot() -> None:
    classes = curta.tensor([[0, 3], [1, 1]])
    for count, wanted in ((-1, 4), (6, 6)):
        made = F.one_hot(classes, count)
        assert made.dtype is curta.int64
        np.testing.assert_array_equal(made.numpy(), np.eye(wanted, dtype=np.int64)[classes.numpy()])
    assert F.one_hot(curta.tensor(1), 3).tolist() == [0, 1, 0]
    assert F.one_hot(curta.zeros(0, dtype=curta.int64), 3).shape == (0, 3)
    compiled = curta.compile(lambda x: F.one_hot(x, 4))
    np.testing.assert_array_equal(compiled(classes).numpy(), F.one_hot(classes, 4).numpy())
    with pytest.raises(CompileError):
        curta.compile(lambda x: F.one_hot(x))(classes)


def test_unflatten() -> None:
    layer = nn.Unflatten(1, (2, -1))
    assert layer(curta.zeros(3, 6)).shape == (3, 2, 3)
    assert repr(layer) == "Unflatten(dim=1, unflattened_size=(2, -1))"
