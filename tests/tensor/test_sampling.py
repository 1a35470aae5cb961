"""Samples of distributions, by their moments, quantiles and frequencies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import curta

COUNT = 50_000


@pytest.fixture(autouse=True)
def seeded() -> None:
    curta.manual_seed(5)


@pytest.mark.parametrize(
    ("fill", "distribution"),
    [
        (lambda x: x.exponential_(2.0), stats.expon(scale=0.5)),
        (lambda x: x.cauchy_(1.0, 2.0), stats.cauchy(1.0, 2.0)),
        (lambda x: x.log_normal_(0.5, 0.25), stats.lognorm(0.25, scale=math.exp(0.5))),
    ],
)
@pytest.mark.parametrize("dtype", [curta.float32, curta.float64])
def test_continuous(fill: Any, distribution: Any, dtype: Any) -> None:
    made = fill(curta.empty(COUNT, dtype=dtype)).double().numpy()
    assert stats.kstest(made, distribution.cdf).pvalue > 1e-3
    assert np.isfinite(made).all()


def test_exponential_numbers_are_above_zero() -> None:
    assert float(curta.empty(2_000_000).exponential_().min()) > 0


def test_geometric() -> None:
    made = curta.empty(COUNT, dtype=curta.int64).geometric_(0.3)
    counts = np.bincount(made.numpy())
    assert counts[0] == 0
    for trials in range(1, 6):
        expected = stats.geom(0.3).pmf(trials)
        assert abs(counts[trials] / COUNT - expected) < 5 * math.sqrt(expected / COUNT)


def test_multinomial_with_replacement() -> None:
    weights = curta.tensor([[1.0, 0.0, 3.0, 4.0], [0.0, 0.0, 5.0, 0.0]])
    made = curta.multinomial(weights, COUNT, replacement=True).numpy()
    assert np.abs(np.bincount(made[0], minlength=4) / COUNT - [1 / 8, 0, 3 / 8, 1 / 2]).max() < 0.01
    assert (made[1] == 2).all()
    assert (made[0] != 1).all()


def test_multinomial_without_replacement() -> None:
    made = curta.tensor([1.0, 2.0, 3.0, 4.0]).repeat(COUNT // 5, 1).multinomial(3).numpy()
    assert np.abs(np.bincount(made[:, 0]) / len(made) - np.arange(1, 5) / 10).max() < 0.015
    after_last = made[made[:, 0] == 3][:, 1]
    assert np.abs(np.bincount(after_last) / len(after_last) - np.arange(1, 4) / 6).max() < 0.025
    assert all(len(set(row)) == 3 for row in made[:1000].tolist())


def test_one_seed_gives_one_sample_compiled_too() -> None:
    weights = curta.tensor([1.0, 2.0, 3.0])
    found = []
    for run in (curta.multinomial, curta.multinomial, curta.compile(curta.multinomial)):
        curta.manual_seed(3)
        found.append(run(weights, 50, True).tolist())
    assert found[0] == found[1] == found[2]
    generator = curta.Generator().manual_seed(3)
    assert curta.multinomial(weights, 50, True, generator=generator).tolist() == found[0]


@pytest.mark.parametrize(
    ("dtype", "most"),
    [("float16", 2**11), ("bfloat16", 2**8), ("float32", 2**24), ("float64", 2**53), ("bool", 1), ("uint8", 255),
     ("int8", 127), ("int16", 2**15 - 1), ("int32", 2**31 - 1), ("int64", 2**63 - 1)],
)  # fmt: skip
def test_random_takes_all_numbers_of_a_format(dtype: str, most: int) -> None:
    made = curta.empty(20_000, dtype=getattr(curta, dtype)).random_().double().numpy()
    assert made.min() >= 0
    assert made.min() <= most / 100
    assert most * 0.99 <= made.max() <= most
    assert (made == np.round(made)).all()


def test_random_between_limits() -> None:
    x = curta.empty(10_000, dtype=curta.int32)
    assert sorted(set(x.random_(3).tolist())) == [0, 1, 2]
    assert sorted(set(x.random_(-2, 2).tolist())) == [-2, -1, 0, 1]
    assert sorted(set(x.to(curta.int8).random_(126, None).tolist())) == [126, 127]


def test_random_of_more_numbers_than_int64_counts() -> None:
    x = curta.empty(20_000, dtype=curta.int64)
    made = x.random_(-(2**63), None).numpy().astype(float) / 2**63
    assert abs(made.mean()) < 0.03
    assert (made.min() < -0.99, made.max() > 0.99) == (True, True)
    part = x.random_(-(2**62), None).numpy().astype(float) / 2**62
    assert part.min() >= -1
    assert part.max() <= 2
    assert abs(np.mean(part < 0) - 1 / 2) < 0.02  # as PyTorch's: 2**64 numbers modulo 3 * 2**62


def test_normal_around_tensors() -> None:
    mean = curta.full((COUNT,), 3.0, dtype=curta.float64, requires_grad=True)
    made = curta.normal(mean, 2.0)
    assert (made.dtype, made.requires_grad) == (curta.float64, False)
    assert abs(made.mean().item() - 3) < 0.1
    assert abs(made.std().item() - 2) < 0.1
    assert (made.float().double() != made).any()  # more than float32's bits
    assert curta.normal(curta.zeros(3, 1).half(), curta.ones(2).double()).dtype is curta.float16
    assert curta.normal(0.0, curta.ones(2).bfloat16()).dtype is curta.bfloat16
    assert curta.normal(curta.tensor([1.0, 2.0]), curta.zeros(3, 1)).tolist() == [[1.0, 2.0]] * 3


def test_bernoulli_by_tensors() -> None:
    odds = curta.tensor([[0.1], [0.9]])
    made = curta.empty(2, COUNT, dtype=curta.int32).bernoulli_(odds)
    assert np.abs(made.numpy().mean(1) - [0.1, 0.9]).max() < 0.01
    assert abs(float(curta.zeros(COUNT).bernoulli(0.25).mean()) - 0.25) < 0.01


def test_nothing_is_drawn_on_the_meta_device() -> None:
    offset = curta.default_generator.offset
    x = curta.empty(3, 4, device="meta")
    assert curta.multinomial(x, 2).shape == (3, 2)
    assert x.exponential_().geometric_(0.5).cauchy_().log_normal_().random_().shape == (3, 4)
    assert curta.default_generator.offset == offset
