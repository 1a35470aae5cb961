"""Poisson's and binomial samples: by their frequencies against SciPy's, and at the edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import curta
from curta.errors import CostError

COUNT = 60_000


@pytest.fixture(autouse=True)
def seeded() -> None:
    curta.manual_seed(3)


def fits(made: Any, distribution: Any) -> None:
    """Chi-square over the numbers that are expected five times at least, and mean and variance."""
    values = made.double().numpy()
    assert (values == np.floor(values)).all()
    low, high = distribution.ppf(1e-3), distribution.ppf(1 - 1e-3)
    edges = np.unique(np.floor(np.linspace(low, high + 1, min(40, int(high - low) + 2)))) - 0.5
    edges = np.concatenate(([-np.inf], edges, [np.inf]))
    expected = np.diff(distribution.cdf(edges)) * COUNT
    seen = np.histogram(values, edges)[0]
    kept = expected >= 5
    assert seen[~kept].sum() <= expected[~kept].sum() + 30
    expected, seen = expected[kept], seen[kept]
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-4
    assert abs(values.mean() - distribution.mean()) < 5 * math.sqrt(distribution.var() / COUNT)
    assert abs(values.var() / distribution.var() - 1) < 0.05


@pytest.mark.parametrize("mean", [0.02, 0.7, 3.0, 9.99, 10.0, 12.5, 60.0, 1e3, 1e7])
def test_poisson(mean: float) -> None:
    fits(curta.poisson(curta.full((COUNT,), mean, dtype=curta.float64)), stats.poisson(mean))


@pytest.mark.parametrize(
    ("n", "p"), [(1, 0.3), (7, 0.5), (5, 0.9), (40, 0.1), (40, 0.5), (200, 0.93), (1000, 0.011), (10**6, 0.3)]
)
def test_binomial(n: int, p: float) -> None:
    trials = curta.full((COUNT,), float(n), dtype=curta.float64)
    fits(curta.binomial(trials, curta.tensor(p, dtype=curta.float64)), stats.binom(n, p))


def test_every_place_has_its_own_mean() -> None:
    made = curta.poisson(curta.tensor([[0.0, 4.0], [50.0, 1e6]]).repeat(2000, 1, 1)).mean(0)
    assert np.abs(made.numpy() / [[1, 4], [50, 1e6]] - [[0, 1], [1, 1]]).max() < 0.05


@pytest.mark.parametrize("dtype", [curta.float16, curta.bfloat16, curta.float32, curta.float64])
def test_formats_and_shapes(dtype: Any) -> None:
    made = curta.poisson(curta.ones(2, 3, dtype=dtype))
    assert (made.dtype, made.shape) == (dtype, (2, 3))
    assert curta.poisson(curta.ones(0, dtype=dtype)).shape == (0,)
    both = curta.binomial(curta.ones(2, 1, dtype=dtype), curta.ones(3, dtype=dtype))
    assert (both.dtype, both.tolist()) == (dtype, [[1] * 3] * 2)


def test_edges_of_the_binomial() -> None:
    made = curta.binomial(curta.tensor([10.0, 10, 10, 0, -3, math.nan]), curta.tensor([0.0, 1, 2, 0.5, 0.5, 0.5]))
    assert made[:5].tolist() == [0, 10, 10, 0, 0]
    assert math.isnan(made[5].item())


def test_the_seed_decides() -> None:
    mean = curta.linspace(0.1, 40, 50)
    first, other = (curta.poisson(mean, curta.Generator().manual_seed(seed)) for seed in (1, 2))
    assert first.equal(curta.poisson(mean, curta.Generator().manual_seed(1)))
    assert not first.equal(other)


def test_without_data() -> None:
    assert curta.poisson(curta.ones(2, 3, device="meta")).shape == (2, 3)
    assert curta.binomial(curta.ones(2, 1, device="meta"), curta.ones(3, device="meta")).shape == (2, 3)
    for draws in (curta.poisson, lambda x: curta.binomial(x, x)):
        with curta.account(), pytest.raises(CostError, match=r"what \w+ costs depends on values, which tensors of"):
            draws(curta.ones(2, device="meta"))


def test_counts_between_whole_numbers() -> None:
    """Nothing is rounded: what is drawn of a likely event is the count less the failures, as in PyTorch."""
    trials = curta.full((4000,), 2.5, dtype=curta.float64)

    def drawn(p: float) -> set[float]:
        return set(curta.binomial(trials, curta.tensor(p, dtype=curta.float64)).tolist())

    assert drawn(1.0) == {2.5}
    assert drawn(0.3) == {0, 1, 2}
    assert drawn(0.7) == {0.5, 1.5, 2.5}
    many = curta.full((20000,), 100.5, dtype=curta.float64)
    made = curta.binomial(many, curta.tensor(0.4, dtype=curta.float64))
    assert abs(made.mean().item() - 40.2) < 0.15  # its deviation is 4.9 / sqrt(20000) = 0.035; of 100 trials it is 40
