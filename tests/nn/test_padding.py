"""Padding with a tensor's own elements, in every format and however it lies in memory; NumPy is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.nn import functional as F

WORDS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
#: one of each size in memory, and both half formats
FORMATS = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "uint8")


@pytest.mark.parametrize("mode", WORDS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_every_format(mode: str, dtype: str) -> None:
    values = np.random.default_rng(2).integers(0, 100, (2, 3, 5, 67))
    x = curta.tensor(values).to(getattr(curta, dtype))
    made = F.pad(x, (4, 1, 2, 3), mode)
    assert made.dtype is x.dtype
    assert np.array_equal(made.to(curta.int64).numpy(), np.pad(values, [(0, 0)] * 2 + [(2, 3), (4, 1)], WORDS[mode]))


@pytest.mark.parametrize("mode", WORDS)
def test_what_lies_anyhow(mode: str) -> None:
    values = np.random.default_rng(3).standard_normal((12, 9, 4, 33))
    x = curta.tensor(values)
    forms: tuple[tuple[Any, Any], ...] = (
        (x.permute(1, 0, 3, 2), values.transpose(1, 0, 3, 2)),
        (x[::3, 1:8, :, ::2], values[::3, 1:8, :, ::2]),
        (x[:1].expand(3, 9, 4, 33), np.broadcast_to(values[:1], (3, 9, 4, 33))),
        (x[:, :, :, :1].expand(12, 9, 4, 6), np.broadcast_to(values[:, :, :, :1], (12, 9, 4, 6))),
    )
    for tensor, plain in forms:
        wanted = np.pad(plain, [(0, 0)] * 2 + [(1, 2), (3, 1)], WORDS[mode])
        assert np.array_equal(F.pad(tensor, (3, 1, 1, 2), mode).numpy(), wanted)


@pytest.mark.parametrize("mode", WORDS)
def test_gradients_of_half_formats_add_up_in_float32(mode: str) -> None:
    x = curta.ones(1, 1, 4, 5, dtype=curta.bfloat16, requires_grad=True)
    weights = np.random.default_rng(4).standard_normal((1, 1, 9, 9)).astype(np.float32)
    g = curta.tensor(weights).to(curta.bfloat16)
    F.pad(x, (2, 2, 2, 3), mode).backward(g)
    numbers = np.pad(np.arange(20).reshape(4, 5), [(2, 3), (2, 2)], WORDS[mode])
    sums = np.zeros(20, np.float64)
    np.add.at(sums, numbers.ravel(), g.float().numpy().ravel())
    wanted = curta.tensor(sums.astype(np.float32)).to(curta.bfloat16).float().numpy()
    assert np.allclose(x.grad.float().numpy().ravel(), wanted, rtol=2**-8)
