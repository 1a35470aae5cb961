"""Gradients and second gradients of every family against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import REARRANGE, REDUCE, REPEAT, Family

import curta
from curta.einops import rearrange, reduce, repeat


def filled(family: Family) -> bool:
    return all(family.shape) and all(family.sizes.values())


def start(family: Family) -> Any:
    values = np.random.default_rng(7).permutation(int(np.prod(family.shape))) * 0.1 + 0.3
    return curta.tensor(values.reshape(family.shape), requires_grad=True)


@pytest.mark.parametrize("family", [*filter(filled, REARRANGE), *filter(filled, REPEAT)], ids=lambda one: one.pattern)
def test_rearrange_and_repeat(family: Family) -> None:
    operation = rearrange if family in REARRANGE else repeat

    def function(x: Any) -> Any:
        return operation(x, family.pattern, **family.sizes)

    assert curta.autograd.gradcheck(function, (start(family),))
    assert curta.autograd.gradgradcheck(lambda x: function(x) ** 3, (start(family),))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize("family", [*filter(filled, REDUCE)], ids=lambda one: one.pattern)
def test_reduce(family: Family, name: str) -> None:
    assert curta.autograd.gradcheck(lambda x: reduce(x, family.pattern, name, **family.sizes), (start(family),))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "prod"])
def test_second_gradients_of_a_reduction(name: str) -> None:
    x = curta.tensor(np.random.default_rng(8).permutation(24).reshape(2, 4, 3) * 0.05 + 0.5, requires_grad=True)
    assert curta.autograd.gradgradcheck(lambda x: reduce(x, "a (b 2) c -> c a", name) ** 2, (x,))


def test_a_view_of_nothing_has_a_gradient() -> None:
    x = curta.zeros(0, 4, requires_grad=True)
    rearrange(x, "a (b c) -> c (a b)", b=2).sum().backward()
    assert x.grad.shape == (0, 4)
    y = curta.ones(3, requires_grad=True)
    repeat(y, "a -> a n", n=0).sum().backward()
    assert y.grad.tolist() == [0, 0, 0]
