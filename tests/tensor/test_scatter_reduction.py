"""scatter_reduce, index_reduce and scatter with a reduction: against NumPy, with gradients, compiled, without data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.autograd import gradcheck, gradgradcheck

X = np.array([[0.5, -2.0, 3.0], [1.5, 4.0, -0.25]])
SOURCE = np.array([[2.0, -1.0, 0.75], [-3.0, 0.5, 5.0]])
INDEX = np.array([[0, 0, 1], [0, 1, 1]])
EMPTY = {"sum": 0.0, "prod": 1.0, "mean": 0.0, "amax": -np.inf, "amin": np.inf}
STEPS: dict[str, Any] = {
    "sum": np.add, "prod": np.multiply, "mean": np.add, "amax": np.maximum, "amin": np.minimum,
}  # fmt: skip


def reduced(reduce: str, include: bool, places: Any, source: Any) -> Any:
    """What NumPy's unbuffered operations say, a source after another."""
    made = X.copy()
    counts = np.full(X.shape, float(include))
    if not include:
        made[places] = EMPTY[reduce]
    STEPS[reduce].at(made, places, source)
    np.add.at(counts, places, 1)
    return made / counts.clip(1) if reduce == "mean" else made


def hollow_like(tensor: Any) -> Any:
    return curta.empty_like(tensor, device="meta")


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("reduce", list(EMPTY))
def test_values_gradients_compiled_and_without_data(reduce: str, include: bool) -> None:
    index, rows = curta.tensor(INDEX), curta.tensor([1, 1])
    expected = reduced(reduce, include, (INDEX, np.broadcast_to(np.arange(3), (2, 3))), SOURCE)

    def scatter(x: Any, source: Any, places: Any = index) -> Any:
        return x.scatter_reduce(0, places, source, reduce, include_self=include)

    def pick(x: Any, source: Any, places: Any = rows) -> Any:
        return x.index_reduce(0, places, source, reduce, include_self=include)

    for function, places, wanted in (
        (scatter, index, expected),
        (pick, rows, reduced(reduce, include, ([1, 1],), SOURCE)),
    ):
        if reduce == "sum" and function is pick:
            continue  # that is index_add
        x, source = curta.tensor(X), curta.tensor(SOURCE)
        assert np.allclose(function(x, source).numpy(), wanted, 0, 1e-14)
        assert np.allclose(function(x.T.clone().T, source).numpy(), wanted, 0, 1e-14)
        assert np.allclose(curta.compile(function)(x, source).numpy(), wanted, 0, 1e-14)
        wanted_gradients = (x.requires_grad_(), source.requires_grad_())
        assert gradcheck(function, wanted_gradients)
        assert gradgradcheck(lambda a, b, f=function: f(a * a, b * b), wanted_gradients)
        hollow = function(hollow_like(x), hollow_like(source), hollow_like(places))
        assert (hollow.shape, hollow.dtype, hollow.device.type) == ((2, 3), curta.float64, "meta")


def test_ties_share_their_slope_and_one_zero_alone_has_one() -> None:
    x = curta.tensor([3.0, 1.0], requires_grad=True)
    source = curta.tensor([3.0, 3.0, 0.0], requires_grad=True)
    index = curta.tensor([0, 0, 1])
    x.scatter_reduce(0, index, source, "amax").sum().backward()
    assert x.grad is not None
    assert source.grad is not None
    assert np.allclose(x.grad.numpy(), [1 / 3, 1])
    assert np.allclose(source.grad.numpy(), [1 / 3, 1 / 3, 0])
    factors = curta.tensor([2.0, 0.0, 5.0], requires_grad=True)
    zeros = curta.tensor([2.0, 0.0, 0.0], requires_grad=True)
    for given, slopes in ((factors, [0.0, 20.0, 0.0]), (zeros, [0.0, 0.0, 0.0])):
        curta.tensor([2.0]).scatter_reduce(0, curta.tensor([0, 0, 0]), given, "prod").backward()
        assert given.grad is not None
        assert given.grad.tolist() == slopes


def test_integers_and_half_formats() -> None:
    index, source = curta.tensor([0, 0]), [-7, 2]
    for reduce, expected in (("sum", -4), ("prod", -14), ("mean", -2), ("amax", 2), ("amin", -7)):
        whole = curta.tensor([1]).scatter_reduce(0, index, curta.tensor(source), reduce)
        assert (whole.tolist(), whole.dtype) == ([expected], curta.int64)
    half = curta.tensor([1.0], dtype=curta.bfloat16)
    assert half.scatter_reduce(0, index, curta.tensor([0.5, 3.0], dtype=curta.bfloat16), "prod").tolist() == [1.5]
    nan = curta.tensor([1.0]).scatter_reduce(0, index, curta.tensor([float("nan"), 3.0]), "amax")
    assert nan.isnan().all()


def test_in_place_forms_and_scatter_with_a_reduction() -> None:
    base = curta.ones(2, 3)
    assert base[1].scatter_reduce_(0, curta.tensor([0, 0]), curta.tensor([2.0, 3.0]), "prod").tolist() == [6, 1, 1]
    base.index_reduce_(1, curta.tensor([2]), curta.tensor([[4.0], [5.0]]), "mean", include_self=False)
    assert base.tolist() == [[1, 1, 4], [6, 1, 5]]
    pair = curta.tensor([0, 0])
    assert base[0].scatter_(0, pair, curta.tensor([2.0, 3.0]), reduce="add").tolist() == [6, 1, 4]
    assert base[0].scatter(0, pair, 3.0, reduce="multiply").tolist() == [54, 1, 4]
    assert curta.tensor(2.0).scatter_reduce(0, curta.tensor(0), curta.tensor(3.0), "prod").item() == 6
    assert curta.tensor(2.0).index_reduce(0, curta.tensor([0]), curta.tensor(3.0), "amax").item() == 3
    assert curta.ones(2, 0).index_reduce(0, pair, curta.ones(2, 0), "prod").shape == (2, 0)
    assert curta.ones(2).scatter_reduce(0, pair[:0], curta.ones(0), "amin").tolist() == [1, 1]
