"""Copies between layouts whose near directions differ, against NumPy."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

import curta
from curta.memory.layout import contiguous
from curta.ops.dispatch import prepared
from curta.ops.elementwise import COPY


def numbers(shape: tuple[int, ...], dtype: str) -> Any:
    return (np.random.default_rng(0).standard_normal(shape) * 50).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(37, 153), (5, 40, 9), (2, 70, 11, 3)])
def test_every_order(dtype: str, shape: tuple[int, ...]) -> None:
    values = numbers(shape, dtype)
    x = curta.from_numpy(values)
    for order in permutations(range(len(shape))):
        np.testing.assert_array_equal(x.permute(order).contiguous().numpy(), values.transpose(order))


def test_into_what_is_not_contiguous() -> None:
    values = numbers((50, 60), "float32")
    x = curta.from_numpy(values)
    for out in (curta.zeros(60, 50).T, curta.zeros(70, 50)[5:65].T, curta.zeros(50, 120)[:, ::2]):
        np.testing.assert_array_equal(out.copy_(x).numpy(), values)
    out = curta.zeros(60, 120)
    out[:, 10:60].copy_(x.T)
    np.testing.assert_array_equal(out[:, 10:60].numpy(), values.T)
    assert not out[:, :10].any()
    assert not out[:, 60:].any()


@pytest.mark.parametrize("times", [2, 7, 9])
def test_repeated_neighbours(times: int) -> None:
    values = numbers((30, 40), "float32")
    x = curta.from_numpy(values).unsqueeze(-1).expand(30, 40, times)
    np.testing.assert_array_equal(x.reshape(30, 40 * times).numpy(), values.repeat(times, 1))


def test_only_what_transposes() -> None:
    """Everything else keeps its loops: smaller copies, copies along the near direction, and those that convert."""
    x = curta.zeros(64, 64)
    names = {}
    for name, view in {"turned": x.T, "small": x[:8, :8].T, "rows": x[::2], "spread": x[:1].expand(64, 64)}.items():
        into = contiguous(view.layout.shape, view.layout.dtype)
        names[name] = prepared(COPY, (view,), {}, (into,)).texts[0].loops.partition(" ")[0]
    assert names == {"turned": "transpose", "small": "rows", "rows": "rows", "spread": "rows"}


@pytest.mark.parametrize("special", [float("nan"), -0.0, float("inf")])
def test_bits_stay(special: float) -> None:
    x = curta.full((40, 40), special, dtype=curta.bfloat16)
    np.testing.assert_array_equal(x.T.contiguous().numpy().view(np.uint16), x.numpy().view(np.uint16))
