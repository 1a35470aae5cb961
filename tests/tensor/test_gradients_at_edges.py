"""First and second gradients where elements are zero, infinite or NaN: literals worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, isnan, log, nan
from typing import Any

import pytest

import curta
from curta.errors import AutogradError

Function = Callable[[Any], Any]


def weighted(x: Any) -> Any:
    return (x * curta.arange(1, x.numel() + 1, dtype=x.dtype).reshape(x.shape)).sum()


def slopes(function: Function, values: list[Any], second: bool = False) -> list[Any]:
    """The gradient of the results weighted by 1, 2, ...; or of that gradient, weighted in the same way."""
    x = curta.tensor(values, dtype=curta.float64, requires_grad=True)
    (found,) = curta.autograd.grad(weighted(function(x)), x, create_graph=second)
    if second:
        (found,) = curta.autograd.grad(weighted(found), x)
    return found.tolist()  # type: ignore[no-any-return]


def same(found: list[Any], wanted: list[Any]) -> None:
    assert found == pytest.approx(wanted, nan_ok=True, rel=1e-12, abs=1e-15)


#: with the weights w, gradient i is the product of the elements before i times the sum of w_k for the rest of the run
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([2.0, 0.0, 3.0], [1, 2 * (2 + 9), 0]),
        ([0.0, 0.0, 3.0], [1, 0, 0]),
        ([2.0, nan, 3.0], [nan, 2 * (2 + 9), nan]),
        ([0.0, nan, 2.0], [nan, 0, nan]),
        ([1.0, inf, 2.0], [inf, 8, inf]),
    ],
)
def test_cumprod(values: list[float], wanted: list[float]) -> None:
    """What is not infinite stays so; PyTorch, which divides by the elements, makes NaN of the slope at an infinity."""
    same(slopes(lambda x: x.cumprod(0), values), wanted)


def test_second_gradient_of_cumprod_at_zeros() -> None:
    # g = (1 + 2b + 3bc, 2a + 3ac, 3ab); its sum with weights 1, 2, 3, by a, b and c
    a, b, c = 2.0, 0.0, 3.0
    same(slopes(lambda x: x.cumprod(0), [a, b, c], True), [4 + 6 * c + 9 * b, 2 + 3 * c + 9 * a, 3 * b + 6 * a])


@pytest.mark.parametrize(
    ("values", "first", "second"),
    [
        # f = abc: slopes (bc, ac, ab), of whose weighted sum bc + 2ac + 3ab the slopes are these
        ([1.0, 0.0, 3.0], [0, 3, 0], [6, 6, 2]),
        ([1.0, 0.0, 0.0], [0, 0, 0], [0, 3, 2]),
        ([0.0, 0.0, 0.0], [0, 0, 0], [0, 0, 0]),
        ([2.0, 3.0, 4.0], [12, 8, 6], [17, 10, 7]),
    ],
)
@pytest.mark.parametrize("dim", [None, 1])
def test_product(values: list[float], first: list[float], second: list[float], dim: int | None) -> None:
    def product(x: Any) -> Any:
        return x.prod() if dim is None else x.reshape(1, 3).prod(1)

    same(slopes(product, values), first)
    same(slopes(product, values, True), second)


def test_second_gradient_of_products_over_several_dimensions() -> None:
    x = curta.tensor([[[1.0, 2.0], [0.0, 3.0]]], dtype=curta.float64).requires_grad_()
    (first,) = curta.autograd.grad(x.prod((0, 2), keepdim=True).sum(), x, create_graph=True)
    assert first.tolist() == [[[2, 1], [3, 0]]]
    (second,) = curta.autograd.grad((first * first).sum(), x)
    assert second.tolist() == [[[2, 4], [0, 6]]]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0.0, 0.0], [1 + 2 * 0.5, 1]),
        ([inf, 1.0, 2.0], [nan, 0, 0]),
        ([1.0, inf, 2.0], [1, nan, 0]),
        ([-inf, 1.0], [nan, 2]),
        ([-inf, -inf, 1.0], [nan, nan, 3]),
        ([1.0, -inf, 1.0], [1 + 2 + 1.5, 0, 1.5]),
        ([1.0, nan], [nan, nan]),
    ],
)
def test_logcumsumexp(values: list[float], wanted: list[float]) -> None:
    """A weight of exp(inf - inf) is NaN, as in PyTorch; the others are what they are."""
    same(slopes(lambda x: x.logcumsumexp(0), values), wanted)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        # with s = exp(1) / (exp(1) + exp(2)): slopes (1 + 2s, 2(1 - s)), weighted 1, 2: 5 - 2s
        ([1.0, 2.0], [-2 * (exp(1) * exp(2)) / (exp(1) + exp(2)) ** 2, 2 * (exp(1) * exp(2)) / (exp(1) + exp(2)) ** 2]),
        ([inf, 1.0, 2.0], [nan, 0, 0]),
        ([1.0, -inf, 1.0], [-1.5, 0, 1.5]),
        ([nan, 1.0], [nan, nan]),
    ],
)
def test_second_gradient_of_logcumsumexp(values: list[float], wanted: list[float]) -> None:
    same(slopes(lambda x: x.logcumsumexp(0), values, True), wanted)


def test_second_gradient_of_logcumsumexp_of_what_rounds_away() -> None:
    """What is too small to change the sum has a slope: 2 s (1 - s), with s = exp(-40) / (1 + exp(-40))."""
    found = slopes(lambda x: x.logcumsumexp(0), [0.0, -40.0], True)[1]
    assert found == pytest.approx(2 * exp(-40.0) / (1 + exp(-40.0)) ** 2, rel=1e-9, abs=0)


def test_nanmean() -> None:
    same(slopes(lambda x: x.nanmean(), [1.0, nan, 4.0]), [0.5, 0, 0.5])
    same(slopes(lambda x: x.nanmean(), [inf, 1.0]), [0.5, 0.5])
    same(slopes(lambda x: x.nanmean(), [nan, nan]), [nan, nan])
    x = curta.tensor([[nan, nan], [1.0, nan]], requires_grad=True)
    x.nanmean(1).sum().backward()
    assert isnan(x.grad[0, 0].item())
    assert x.grad[1].tolist() == [1, 0]
    same(slopes(lambda x: x.nanmean() ** 2, [1.0, nan, 3.0], True), [2, 0, 2])


def test_nansum() -> None:
    same(slopes(lambda x: x.nansum(), [1.0, nan, inf]), [1, 0, 1])
    same(slopes(lambda x: x.nansum() * inf, [1.0, nan]), [inf, nan])  # 0 times infinity, as in PyTorch


def test_logit() -> None:
    edges = [0.0, 1.0, -1.0, 2.0, nan, 0.5]
    same(slopes(curta.logit, edges), [inf, inf, nan, nan, nan, 24])
    same(slopes(lambda x: curta.logit(x, 0.1), edges), [0, 0, 0, 0, 0, 24])
    same(slopes(lambda x: curta.logit(x, 0.1), edges, True), [0, 0, 0, 0, 0, 0])


def test_logit_of_more_than_a_half() -> None:
    """Below `eps` it is `eps` first, whatever 1 - eps is."""
    found = curta.logit(curta.tensor([0.0, 0.5, 1.0, nan], dtype=curta.float64), 0.6).tolist()
    same(found, [log(0.6 / 0.4), log(0.6 / 0.4), log(0.4 / 0.6), nan])


def test_binomial_has_no_derivative() -> None:
    for count, prob in ((True, False), (False, True)):
        made = curta.binomial(curta.tensor([3.0], requires_grad=count), curta.tensor([0.5], requires_grad=prob))
        assert made.requires_grad
        with pytest.raises(AutogradError, match=r"^derivative for aten::binomial is not implemented$"):
            made.backward()
    assert not curta.binomial(curta.ones(1), curta.ones(1)).requires_grad
