"""Dimensions in reverse and shifted, against NumPy."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import DTYPES, array

import curta
from curta.autograd import gradcheck, gradgradcheck


@pytest.mark.parametrize("dtype", DTYPES)
def test_flip_of_every_format(dtype: str) -> None:
    values = array((3, 37), (-9.0, 9.0), dtype, 1)
    np.testing.assert_array_equal(curta.from_numpy(values).flip(1).numpy(), values[:, ::-1])


@pytest.mark.parametrize("dims", [(0,), (1,), (2,), (0, 2), (1, -1), (0, 1, 2)])
def test_flip_of_every_layout(dims: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).standard_normal((5, 19, 21), dtype=np.float32)
    x = curta.from_numpy(values)
    layouts = [
        (values, x), (values.transpose(2, 0, 1), x.permute(2, 0, 1)), (values[:, ::2, 3:], x[:, ::2, 3:]),
        (np.broadcast_to(values[:1], (4, 19, 21)), x[:1].expand(4, 19, 21)), (values[:, :0], x[:, :0]),
    ]  # fmt: skip
    for seen, tensor in layouts:
        np.testing.assert_array_equal(tensor.flip(*dims).numpy(), np.flip(seen, dims))


@pytest.mark.parametrize(
    ("shifts", "dims"), [(3, 0), (-2, 1), (40, 1), (0, 0), ((3, -1), (1, 0)), ((2, 1), (0, 0)), (4, None), (-100, None)]
)
def test_roll(shifts: int | tuple[int, ...], dims: int | tuple[int, ...] | None) -> None:
    values = np.arange(5 * 7).reshape(5, 7)
    x = curta.from_numpy(values)
    rolled = x.roll(shifts, dims)
    np.testing.assert_array_equal(rolled.numpy(), np.roll(values, shifts, dims))
    assert rolled.storage is not x.storage


def test_slopes_go_the_way_back() -> None:
    x = curta.rand(3, 4, dtype=curta.float64, requires_grad=True)
    for function in (lambda x: x.flip(0, 1) ** 2, lambda x: x.roll((1, 2), (0, 1)) ** 2):
        assert gradcheck(function, x)
        assert gradgradcheck(function, x)


def test_without_data() -> None:
    x = curta.empty(3, 4, device="meta")
    assert x.flip(1).shape == x.roll(1, 0).shape == (3, 4)
