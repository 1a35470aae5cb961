"""`nll_loss` with its mean and its check of the classes in one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.errors import IndexRangeError
from curta.nn import functional as F

VALUES = np.random.default_rng(3).standard_normal((1700, 5))
CLASSES = np.random.default_rng(4).integers(0, 5, 1700)


def by_hand(ignore: int) -> tuple[float, np.ndarray[Any, Any]]:
    """The loss and its slope from loops over float64 numbers."""
    counted = [row for row, label in enumerate(CLASSES) if label != ignore]
    slope = np.zeros(VALUES.shape)
    for row in counted:
        slope[row, CLASSES[row]] = -1 / len(counted)
    return sum(-VALUES[row, CLASSES[row]] for row in counted) / len(counted), slope


@pytest.mark.parametrize("ignore", [-100, 2])
def test_value_and_slope(ignore: int) -> None:
    expected, slope = by_hand(ignore)
    x = curta.tensor(VALUES, requires_grad=True)
    loss = F.nll_loss(x, curta.tensor(CLASSES), ignore_index=ignore)
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-14)
    assert np.allclose(x.grad.numpy(), slope, rtol=1e-14, atol=0)


def test_one_row_and_none() -> None:
    x = curta.tensor(VALUES[0], requires_grad=True)
    F.nll_loss(x, curta.tensor(3)).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0, -1.0, 0.0]
    assert F.nll_loss(curta.ones(0, 5), curta.ones(0, dtype=curta.int64)).isnan()


@pytest.mark.parametrize("gap", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_compiled_and_accounted_give_the_same_bits(dtype: str, gap: int) -> None:
    target = curta.tensor(CLASSES)[::gap]

    def step(x: Any) -> tuple[Any, Any]:
        loss = F.nll_loss(x, target, ignore_index=1)
        return loss, curta.autograd.grad(loss, x)[0]

    x = curta.tensor(VALUES, dtype=getattr(curta, dtype))[::gap].requires_grad_()
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
    with pytest.raises(IndexRangeError, match=rf"^Target {wrong} is out of bounds\. \(nll_loss: 5 classes\)$"):
        F.nll_loss(x, target)
    assert F.nll_loss(x, target, ignore_index=wrong).isfinite()


def test_classes_of_one_byte() -> None:
    x, target = curta.tensor(VALUES), curta.tensor(CLASSES, dtype=curta.uint8)
    assert F.nll_loss(x, target).item() == pytest.approx(by_hand(-100)[0], rel=1e-14)
    target[3] = 250
    with pytest.raises(IndexRangeError, match="Target 250 is out of bounds"):
        F.nll_loss(x, target)
    assert F.nll_loss(x, target, ignore_index=250).isfinite()
