"""Autocast: which operators take halves and which give float32, as PyTorch's lists for the CPU say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta import nn
from curta.nn import functional as F

X, W, B = curta.ones(2, 3), curta.ones(4, 3), curta.ones(4)
IMAGE, TAPS = curta.ones(1, 1, 4, 4), curta.ones(1, 1, 2, 2)
HALF: dict[str, Callable[[], Any]] = {
    "matmul": lambda: X @ W.T,
    "vectors": lambda: curta.ones(3) @ curta.ones(3),
    "mm": lambda: curta.mm(X, W.T),
    "bmm": lambda: curta.bmm(X[None], W.T[None]),
    "linear": lambda: F.linear(X, W, B),
    "linear without bias": lambda: F.linear(X, W),
    "conv2d": lambda: F.conv2d(IMAGE, TAPS, curta.ones(1)),
    "attention": lambda: F.scaled_dot_product_attention(X[None], X[None], X[None]),
    "of a half": lambda: X.half() @ W.T,
}
SINGLE: dict[str, Callable[[], Any]] = {
    "sum": lambda: X.sum(),
    "layer_norm": lambda: F.layer_norm(X, (3,)),
    "rms_norm": lambda: F.rms_norm(X, (3,)),
    "mixed": lambda: X @ W.T + B,
    "cross_entropy": lambda: F.cross_entropy(X @ W.T, curta.tensor([0, 1])),
    "nll_loss": lambda: F.nll_loss(X @ W.T, curta.tensor([0, 1])),
    "mse_loss": lambda: F.mse_loss(X @ W.T, X @ W.T),
    "l1_loss": lambda: F.l1_loss(X @ W.T, X @ W.T),
    "bce": lambda: F.binary_cross_entropy_with_logits(X @ W.T, X @ W.T),
}


@pytest.mark.parametrize("name", HALF)
def test_products_are_in_the_half_format(name: str) -> None:
    for dtype in (curta.bfloat16, curta.float16):
        with curta.autocast("cpu", dtype=dtype):
            assert HALF[name]().dtype is dtype
    with curta.autocast("cpu", enabled=False):
        assert name == "of a half" or HALF[name]().dtype is curta.float32


@pytest.mark.parametrize("name", SINGLE)
def test_losses_and_mixtures_are_in_float32(name: str) -> None:
    with curta.autocast("cpu"):
        assert SINGLE[name]().dtype is curta.float32


def test_float64_and_integers_stay() -> None:
    with curta.autocast("cpu"):
        assert (X.double() @ W.T.double()).dtype is curta.float64
        assert (X.long() @ W.T.long()).dtype is curta.int64


def test_it_nests_decorates_and_ends_on_an_error() -> None:
    @curta.autocast("cpu", dtype=curta.float16)
    def product() -> Any:
        return X @ W.T

    assert not curta.is_autocast_enabled("cpu")
    with pytest.raises(ZeroDivisionError), curta.autocast("cpu"):
        assert curta.is_autocast_enabled("cpu")
        assert curta.get_autocast_dtype("cpu") is curta.bfloat16
        assert product().dtype is curta.float16
        with curta.autocast("cpu", enabled=False):
            assert (X @ W.T).dtype is curta.float32
        assert (X @ W.T).dtype is curta.bfloat16
        _ = 1 / 0
    assert not curta.is_autocast_enabled()


def test_gradients_come_back_in_float32_and_training_works() -> None:
    curta.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 3))
    optimizer = curta.optim.AdamW(model.parameters(), lr=0.01)
    x, y = curta.randn(64, 8), curta.arange(64) % 3

    @curta.compile
    def step() -> Any:
        with curta.autocast("cpu", dtype=curta.bfloat16):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    first = step().item()
    assert {p.grad.dtype for p in model.parameters()} == {curta.float32}
    optimizer.zero_grad()
    for _ in range(60):
        last = step().item()
        optimizer.zero_grad()
    assert last < 0.7 * first


def test_refused() -> None:
    with pytest.raises(NotImplementedError, match="autocast: device_type='cuda' is not supported, 'cpu' is"):
        curta.autocast("cuda")
    with pytest.raises(NotImplementedError, match=r"dtype=curta\.float64 is not supported, bfloat16 and float16 are"):
        curta.autocast("cpu", dtype=curta.float64)
