"""Where NaN stands in an order, and statistics of infinities: literals. NaN is largest, and equal to nothing."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest

import curta


@pytest.mark.parametrize(
    ("values", "wanted", "place"),
    [
        ([nan, 1.0, nan, 1.0], 1.0, 3),
        ([nan, 2.0, 1.0], 1.0, 2),
        ([2.0, nan, 2.0, nan, 1.0], 2.0, 2),
        ([nan, inf, nan, inf, 0.0], inf, 3),
        ([nan, nan], nan, 0),
    ],
)
def test_mode(values: list[float], wanted: float, place: int) -> None:
    """Every NaN occurs once; PyTorch's order of elements among NaN is left to chance."""
    found = curta.tensor(values).mode()
    assert found.indices.item() == place
    assert found.values.item() == pytest.approx(wanted, nan_ok=True)


def test_distinct_slices() -> None:
    rows = curta.tensor([[nan, 1.0], [1.0, nan], [0.0, 1.0], [nan, 0.0], [0.0, 1.0], [1.0, 2.0]])
    values, inverse, counts = rows.unique(dim=0, return_inverse=True, return_counts=True)
    wanted = [[0, 1], [1, 2], [1, nan], [nan, 0], [nan, 1]]
    np.testing.assert_array_equal(values.numpy(), wanted)
    assert inverse.tolist() == [4, 2, 0, 3, 0, 1]
    assert counts.tolist() == [2, 1, 1, 1, 1]
    assert curta.tensor([nan, 1.0, nan]).unique(dim=0, return_counts=True)[1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", [curta.float32, curta.float64, curta.bfloat16, curta.float16])
def test_searches(dtype: curta.dtype) -> None:
    """NaN that is sought belongs behind all; NaN among the boundaries is behind every number."""
    values = curta.tensor([0.0, 1.0, nan, inf, -inf, 3.0], dtype=dtype)
    bounds = curta.tensor([1.0, 2.0, nan, nan], dtype=dtype)
    for right, wanted in ((False, [0, 0, 4, 2, 0, 2]), (True, [0, 1, 4, 2, 0, 2])):
        assert curta.searchsorted(bounds, values, right=right).tolist() == wanted
        assert curta.bucketize(values, bounds, right=right).tolist() == wanted
    ends = curta.tensor([-inf, 0.0, inf], dtype=dtype)
    assert curta.bucketize(values, ends).tolist() == [1, 2, 3, 2, 0, 2]
    assert curta.bucketize(values, ends, right=True).tolist() == [2, 2, 3, 3, 1, 2]
    sorter = curta.tensor([1, 2, 0])
    assert curta.searchsorted(curta.tensor([nan, 1.0, 2.0], dtype=dtype), values, sorter=sorter).tolist() == [
        0, 0, 3, 2, 0, 2,
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", [curta.float32, curta.float64, curta.bfloat16, curta.float16])
@pytest.mark.parametrize("values", [[inf, 1.0, 2.0], [1.0, -inf, 2.0], [inf, inf, inf]])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_spread_of_infinities(values: list[float], dtype: curta.dtype, dim: int | None) -> None:
    x = curta.tensor(values, dtype=dtype)
    x = x if dim is None else x.expand(40, 3).contiguous() if dim else x.unsqueeze(1).expand(3, 40).contiguous()
    mean = -inf if -inf in values else inf
    for name in ("var", "std"):
        assert getattr(curta, name)(x, dim).isnan().all()
        spread, middle = getattr(curta, f"{name}_mean")(x, dim)
        assert spread.isnan().all()
        assert (middle == mean).all()
    assert isnan(curta.compile(lambda x: x.var().sum())(x).item())


def test_spread_of_opposite_infinities() -> None:
    assert all(isnan(part.item()) for part in curta.var_mean(curta.tensor([inf, -inf])))
