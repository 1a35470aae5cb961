"""Every reduction: values over each dimension in every layout and format, gradients, and reductions of nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cases import REDUCTIONS, Reduction
from support import array, distance, exact, to_numpy

import curta

PAIRS = [pytest.param(case, dtype, id=f"{case.name}-{dtype}") for case in REDUCTIONS for dtype in case.dtypes]


def _dims(case: Reduction) -> list[Any]:
    return [None, 0, 1, -1, (0, 2), (1, 2)] if case.several else [None, 0, 1, -1]


@pytest.mark.parametrize(("case", "dtype"), PAIRS)
def test_values(case: Reduction, dtype: str) -> None:
    base = array((3, 4, 5), (0.25, 3.0), dtype, 3)
    whole = curta.from_numpy(base)
    inputs = [(base, whole), (base.transpose(2, 0, 1), whole.permute(2, 0, 1)), (base[:, ::2], whole[:, ::2])]
    for values, tensor in inputs:
        for dim in _dims(case):
            for keepdim in (False, True):
                found = case.function(tensor, dim, keepdim)
                if found is None:
                    continue
                wanted = np.asarray(case.oracle(exact(values), dim, keepdim))
                assert found.shape == wanted.shape, (dim, keepdim)
                half = found.dtype.itemsize <= 2
                assert distance(to_numpy(found), wanted) <= (1 if half else case.ulp), (dim, keepdim)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in REDUCTIONS if case.gradient])
@pytest.mark.parametrize("dim", [None, 0, 1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_gradient(case: Reduction, dim: int | None, keepdim: bool) -> None:
    values = array((3, 4), (-3.0, 3.0), "float64", 5)
    tensor = curta.from_numpy(values.copy()).requires_grad_()
    result = case.function(tensor, dim, keepdim)
    weights = np.random.default_rng(9).uniform(0.5, 1.5, result.shape)
    (found,) = curta.autograd.grad((result * curta.from_numpy(weights)).sum(), (tensor,))
    wanted = np.zeros_like(values)
    for where in np.ndindex(values.shape):
        both = []
        for sign in (1, -1):
            moved = values.copy()
            moved[where] += sign * 1e-6
            both.append((case.oracle(moved, dim, keepdim) * weights).sum())
        wanted[where] = (both[0] - both[1]) / 2e-6
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in REDUCTIONS if case.empty])
def test_nothing(case: Reduction) -> None:
    for shape, dim in (((0, 3), 0), ((0, 3), 1), ((3, 0), None)):
        found = case.function(curta.zeros(shape), dim, False)
        wanted = np.asarray(case.oracle(np.zeros(shape), dim, False))
        assert found.shape == wanted.shape
        np.testing.assert_array_equal(found.numpy(), wanted)


@pytest.mark.parametrize("size", [100_003, 3_000_001])
def test_long_sums(size: int) -> None:
    """Long sums are cut into blocks: within a few units of the exact sum, for every position of the blocks' ends."""
    values = array((size,), (0.0, 1.0), "float32", 4)
    assert distance(curta.from_numpy(values).sum().numpy(), values.astype(np.float64).sum()) <= 4
    assert curta.from_numpy(values).argmax().item() == values.argmax()


def test_integers_add_up_in_int64() -> None:
    assert curta.tensor([200, 100], dtype=curta.uint8).sum().item() == 300
    assert curta.tensor([True, True]).sum().dtype is curta.int64
    assert curta.tensor([1, 2], dtype=curta.int8).sum(dtype=curta.float32).dtype is curta.float32


def test_rank_zero() -> None:
    x = curta.tensor(2.5, requires_grad=True)
    for name in ("sum", "mean", "prod", "amax", "amin", "max", "min"):
        assert getattr(x, name)().item() == 2.5
    assert x.argmax().item() == 0
    assert x.max(0).values.item() == 2.5
    x.sum().backward()
    assert x.grad.item() == 1.0


def test_cost() -> None:
    """n - 1 additions for each result of n elements."""
    from curta.ops.reduce import AMAX, SUM

    x = curta.zeros(3, 4)
    assert SUM.cost((x.layout,), (x.sum(0).layout,), dims=(0,), keepdim=False)[:4] == (8, 0, 48, 16)
    assert AMAX.cost((x.layout,), (x.amax(0).layout,), dims=(0,), keepdim=False)[:4] == (0, 0, 48, 16)


def test_max_along_a_dimension() -> None:
    """Values, first indices, and all the gradient to the one element taken; recorded from PyTorch 2.13."""
    x = curta.tensor([[1.0, 5.0, 5.0], [4.0, 3.0, 4.0]], requires_grad=True)
    values, indices = x.max(1)
    assert (values.tolist(), indices.tolist()) == ([5.0, 4.0], [1, 0])
    values.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    x.grad = None
    x.amax(1).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5]]
