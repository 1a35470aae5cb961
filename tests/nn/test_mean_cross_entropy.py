"""`cross_entropy` of class indices with its mean and its check of the classes in one kernel behind the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.errors import IndexRangeError
from curta.nn import functional as F

VALUES = np.random.default_rng(3).standard_normal((1700, 5))
CLASSES = np.random.default_rng(4).integers(0, 5, 1700)


def by_hand(ignore: int, smoothing: float = 0.0) -> tuple[float, np.ndarray[Any, Any]]:
    """The loss and its slope from float64 numbers."""
    chances = np.exp(VALUES)
    chances /= chances.sum(1, keepdims=True)
    counted = CLASSES != ignore
    wanted = np.eye(5)[CLASSES] * (1 - smoothing) + smoothing / 5
    losses = -(wanted * np.log(chances)).sum(1)
    return losses[counted].mean(), (chances - wanted) * counted[:, None] / counted.sum()


@pytest.mark.parametrize("ignore", [-100, 2])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_value_and_slope(ignore: int, smoothing: float) -> None:
    expected, slope = by_hand(ignore, smoothing)
    x = curta.tensor(VALUES, requires_grad=True)
    loss = F.cross_entropy(x, curta.tensor(CLASSES), ignore_index=ignore, label_smoothing=smoothing)
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-13)
    assert np.allclose(x.grad.numpy(), slope, rtol=1e-11, atol=1e-17)


def test_second_gradients() -> None:
    x, target = curta.tensor(VALUES[:4], requires_grad=True), curta.tensor([1, -100, 0, 4])
    assert curta.autograd.gradcheck(lambda x: F.cross_entropy(x, target), (x,))
    assert curta.autograd.gradgradcheck(lambda x: F.cross_entropy(x, target, label_smoothing=0.2), (x,))


def test_one_row_and_none() -> None:
    x = curta.zeros(4, requires_grad=True)
    F.cross_entropy(x, curta.tensor(3)).backward()
    assert x.grad.tolist() == [0.25, 0.25, 0.25, -0.75]
    assert F.cross_entropy(curta.ones(0, 5), curta.ones(0, dtype=curta.int64)).isnan()
    assert F.cross_entropy(curta.ones(2, 5), curta.tensor([-100, -100])).isnan()
    assert F.cross_entropy(curta.full((2, 5), float("nan")), curta.tensor([0, 1])).isnan()


@pytest.mark.parametrize("gap", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("count", [1700, 37])
def test_compiled_and_accounted_give_the_same_bits(dtype: str, gap: int, count: int) -> None:
    target = curta.tensor(CLASSES[:count])[::gap]

    def step(x: Any) -> tuple[Any, Any]:
        loss = F.cross_entropy(x, target, ignore_index=1)
        return loss, curta.autograd.grad(loss, x)[0]

    x = curta.tensor(VALUES[:count], dtype=getattr(curta, dtype))[::gap].requires_grad_()
    expected = step(x)
    with curta.account():
        accounted = step(x)
    for made in (accounted, curta.compile(step)(x)):
        assert all(curta.equal(a, b) for a, b in zip(made, expected, strict=True))


@pytest.mark.parametrize("wrong", [5, -1, 1 << 40])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_class_that_there_is_not(wrong: int, dtype: str) -> None:
    x, target = curta.tensor(VALUES, dtype=getattr(curta, dtype)), curta.tensor(CLASSES)
    target[401] = wrong
    with pytest.raises(IndexRangeError, match=rf"^Target {wrong} is out of bounds\. \(cross_entropy: 5 classes\)$"):
        F.cross_entropy(x, target)
    assert F.cross_entropy(x, target, ignore_index=wrong).isfinite()


def test_no_classes() -> None:
    with pytest.raises(IndexRangeError, match=r"^Target 0 is out of bounds\. \(cross_entropy: 0 classes\)$"):
        F.cross_entropy(curta.ones(2, 0), curta.tensor([0, 0]))


def test_classes_of_one_byte() -> None:
    x, target = curta.tensor(VALUES), curta.tensor(CLASSES, dtype=curta.uint8)
    assert F.cross_entropy(x, target).item() == pytest.approx(by_hand(-100)[0], rel=1e-13)
    target[3] = 250
    with pytest.raises(IndexRangeError, match="Target 250 is out of bounds"):
        F.cross_entropy(x, target)
    assert F.cross_entropy(x, target, ignore_index=250).isfinite()


def test_under_autocast_and_in_maps() -> None:
    x, target = curta.tensor(VALUES[:8], dtype=curta.bfloat16), curta.tensor(CLASSES[:8])
    with curta.autocast("cpu", curta.bfloat16):
        assert F.cross_entropy(x, target).dtype is curta.float32
    rows = curta.tensor(VALUES[:8])
    each = curta.vmap(F.cross_entropy)(rows.reshape(4, 2, 5), target.reshape(4, 2))
    assert each.mean().item() == pytest.approx(F.cross_entropy(rows, target).item(), rel=1e-12)
