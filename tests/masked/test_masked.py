"""Masked reductions and normalizations, against NumPy on the elements that a mask leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta import masked
from curta.autograd import gradcheck, gradgradcheck

NAN, INF = float("nan"), float("inf")
X = np.array([[0.5, -2.0, 3.0, 1.25], [4.0, 0.75, -1.5, 2.5], [1.0, 2.0, 3.0, -4.0]])
MASK = np.array([[True, False, True, True], [False, False, False, False], [True, True, False, True]])
#: of the elements that are left in one row
ROWS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "sum": (np.sum, 0.0),
    "prod": (np.prod, 1.0),
    "amax": (np.max, -INF),
    "amin": (np.min, INF),
    "mean": (np.mean, NAN),
    "median": (lambda row: np.sort(row)[(len(row) - 1) // 2], NAN),
    "logsumexp": (lambda row: np.log(np.exp(row).sum()), -INF),
    "var": (lambda row: np.var(row, ddof=1), NAN),
    "std": (lambda row: np.std(row, ddof=1), NAN),
}


def tensors() -> tuple[Any, Any]:
    return curta.from_numpy(X.copy()), curta.from_numpy(MASK.copy())


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    of_row, nothing = ROWS[name]
    x, mask = tensors()
    found = getattr(masked, name)(x, 1, mask=mask).numpy()
    wanted = [of_row(row[kept]) if kept.any() else nothing for row, kept in zip(X, MASK, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-13)
    kept = getattr(masked, name)(x, 1, keepdim=True, mask=mask)
    assert kept.shape == (3, 1)
    whole = getattr(masked, name)(x, 1).numpy()
    np.testing.assert_allclose(whole, [of_row(row) for row in X], rtol=1e-13)
    without_data = getattr(masked, name)(
        curta.empty_like(x, device="meta"), 1, mask=curta.empty_like(mask, device="meta")
    )
    assert without_data.shape == (3,)


@pytest.mark.parametrize("name", ["sum", "prod", "amax", "amin", "mean", "logsumexp", "var", "std", "norm"])
def test_all_dimensions(name: str) -> None:
    x, mask = tensors()
    of_all = ROWS[name][0] if name != "norm" else np.linalg.norm
    np.testing.assert_allclose(getattr(masked, name)(x, mask=mask).item(), of_all(X[MASK]), rtol=1e-13)


def test_a_mask_with_fewer_dimensions() -> None:
    x = curta.from_numpy(X.copy())
    mask = curta.tensor([1, 0, 0, 2])  # anything but 0 is True
    np.testing.assert_allclose(masked.sum(x, 1, mask=mask).numpy(), X[:, [0, 3]].sum(1))


def test_integers() -> None:
    x, mask = curta.tensor([[3, 1, 2]], dtype=curta.int32), curta.tensor([False, True, True])
    assert masked.sum(x, mask=mask).dtype is curta.int64
    assert (masked.amax(x, 1, mask=mask).tolist(), masked.amin(x, 1, mask=mask).tolist()) == ([2], [1])
    assert (masked.argmax(x, 1, mask=mask).tolist(), masked.argmin(x, mask=mask).item()) == ([2], 1)
    assert masked.argmax(x, 1, mask=mask, dtype=curta.int64).dtype is curta.int64
    assert masked.median(x, 1, mask=mask).tolist() == [1]
    assert masked.var(x, mask=mask).item() == 0.5
    assert masked.mean(x, mask=mask, dtype=curta.float32).item() == 1.5
    assert masked.cumsum(x, 1, mask=mask).tolist() == [[0, 1, 3]]
    assert masked.cumprod(x, 1, mask=mask).dtype is curta.int32


def test_norms() -> None:
    x, mask = tensors()
    for order in (1, 2, 3.5, INF):
        found = masked.norm(x, order, 1, mask=mask).numpy()
        wanted = [np.linalg.norm(row[kept], order) if kept.any() else 0 for row, kept in zip(X, MASK, strict=True)]
        np.testing.assert_allclose(found, wanted, rtol=1e-13)
    assert masked.norm(x, -INF, 1, mask=mask).tolist() == [0.5, INF, 1.0]


def test_normalizations() -> None:
    x, mask = tensors()
    shares = masked.softmax(x, 1, mask=mask).numpy()
    for row, kept, found in zip(X, MASK, shares, strict=True):
        wanted = np.where(kept, np.exp(row), 0) / np.exp(row[kept]).sum() if kept.any() else np.full(4, NAN)
        np.testing.assert_allclose(found, wanted, rtol=1e-13)
    np.testing.assert_allclose(masked.softmin(-x, 1, mask=mask).numpy(), shares, rtol=1e-13)
    np.testing.assert_allclose(masked.log_softmax(x, 1, mask=mask).exp().numpy(), shares, rtol=1e-13)
    held = np.where(MASK, X, 0)
    lengths = np.maximum(np.linalg.norm(held, axis=1, keepdims=True), 1e-12)
    np.testing.assert_allclose(masked.normalize(x, 2, 1, mask=mask).numpy(), held / lengths, rtol=1e-13)
    np.testing.assert_allclose(masked.cumsum(x, 1, mask=mask).numpy(), held.cumsum(1), rtol=1e-13)
    np.testing.assert_allclose(masked.cumprod(x, 0, mask=mask).numpy(), np.where(MASK, X, 1).cumprod(0), rtol=1e-13)


def test_logaddexp() -> None:
    """Recorded from PyTorch 2.13."""
    x, y = curta.tensor([-100.0, -200.0, -300.0]), curta.tensor([-1.0, -2.0, -3.0])
    mask = curta.tensor([True, False, True])
    assert masked.logaddexp(x, y, input_mask=mask, other_mask=mask).tolist() == [-1.0, -INF, -3.0]
    assert masked.logaddexp(x, y, other_mask=mask).tolist() == [-1.0, -200.0, -3.0]


@pytest.mark.parametrize("name", ["sum", "mean", "logsumexp", "var", "cumsum", "softmax", "normalize"])
def test_gradients_pass_what_the_mask_lets_through(name: str) -> None:
    x = curta.from_numpy(X[[0, 2]]).requires_grad_()
    mask = curta.from_numpy(MASK[[0, 2]])
    between = (2,) if name == "normalize" else ()

    def function(values: Any) -> Any:
        return getattr(masked, name)(values, *between, 1, mask=mask)

    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))
    (gradient,) = curta.autograd.grad((function(x) ** 2).sum(), x)
    assert (gradient.numpy()[~MASK[[0, 2]]] == 0).all()


def test_compiled() -> None:
    x, mask = tensors()
    program = curta.compile(lambda a, m: masked.mean(a, 1, mask=m) + masked.logsumexp(a, 1, mask=m))
    wanted = masked.mean(x, 1, mask=mask) + masked.logsumexp(x, 1, mask=mask)
    np.testing.assert_array_equal(program(x, mask).numpy(), wanted.numpy())
