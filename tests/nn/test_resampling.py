"""Interpolation by sums of terms: gradients against matrices, infinite numbers, more terms than an expression has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.nn import functional as F


def _matrix(size: int, made: int, **more: Any) -> Any:
    """What interpolation along one axis does to each unit vector."""
    units = curta.eye(size, dtype=curta.float64).reshape(size, 1, size, 1)
    return F.interpolate(units, (made, 1), **more).numpy().reshape(size, made).T


@pytest.mark.parametrize(
    ("shape", "size", "more"),
    [
        ((2, 3, 40, 67), (80, 100), {"mode": "bilinear"}),
        ((1, 2, 33, 20), (17, 41), {"mode": "bicubic"}),
        ((2, 1, 3, 4), (150, 9), {"mode": "bilinear"}),  # 100 terms on the way back
        ((1, 1, 90, 5), (2, 5), {"mode": "bilinear", "antialias": True}),  # 90 terms
        ((1, 2, 5, 1), (7, 70), {"mode": "bilinear", "align_corners": True}),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_both_ways(shape: tuple[int, ...], size: tuple[int, ...], more: dict[str, Any], turned: bool) -> None:
    random = np.random.default_rng(1)
    values, weights = random.standard_normal(shape), random.standard_normal((*shape[:2], *size))
    x = curta.tensor(values)
    x = x.permute(1, 3, 0, 2).contiguous().permute(2, 0, 3, 1) if turned else x
    x = x.detach().requires_grad_()
    rows, columns = _matrix(shape[2], size[0], **more), _matrix(shape[3], size[1], **more)
    made = F.interpolate(x, size, **more)
    assert np.allclose(made.detach().numpy(), rows @ values @ columns.T, atol=1e-12)
    g = curta.tensor(weights, requires_grad=True)
    (slope,) = curta.autograd.grad(made, x, g, create_graph=True)
    assert np.allclose(slope.detach().numpy(), rows.T @ weights @ columns, atol=1e-12)
    (again,) = curta.autograd.grad(slope, g, curta.tensor(values))
    assert np.allclose(again.numpy(), rows @ values @ columns.T, atol=1e-12)


def test_what_is_infinite_does_not_spread() -> None:
    x = curta.zeros(1, 1, 1, 6, dtype=curta.float64, requires_grad=True)
    g = curta.ones(1, 1, 1, 9, dtype=curta.float64)
    g[..., 0] = float("inf")
    F.interpolate(x, (1, 9), mode="bilinear").backward(g)
    assert x.grad.isinf().flatten().tolist() == [True, False, False, False, False, False]
    assert not x.grad.isnan().any()


@pytest.mark.parametrize(("dtype", "half_an_ulp"), [("float16", 2**-11), ("bfloat16", 2**-8)])
def test_half_formats_are_rounded_once(dtype: str, half_an_ulp: float) -> None:
    values = np.random.default_rng(2).standard_normal((1, 1, 6, 40))
    x = curta.tensor(values).to(getattr(curta, dtype))
    exact = F.interpolate(x.double(), (11, 83), mode="bilinear").numpy()
    found = F.interpolate(x, (11, 83), mode="bilinear")
    assert found.dtype is x.dtype
    assert np.allclose(found.double().numpy(), exact, rtol=half_an_ulp, atol=1e-5)


def test_what_inference_mode_makes_is_not_kept_for_training() -> None:
    x = curta.arange(12.0).reshape(1, 1, 3, 4)
    with curta.inference_mode():
        first = F.interpolate(x, (7, 5), mode="bilinear")
    again = F.interpolate(x.requires_grad_(), (7, 5), mode="bilinear")
    again.sum().backward()
    assert first.tolist() == again.tolist()
    assert x.grad.sum().item() == pytest.approx(35.0, rel=1e-5)
