"""Autocast gives PyTorch's formats and, on the same weights, its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

RANDOM = np.random.default_rng(0)
WEIGHTS = [RANDOM.normal(size=shape).astype(np.float32) * 0.3 for shape in ((16, 8), (16,), (4, 16), (4,))]
X = RANDOM.normal(size=(5, 8)).astype(np.float32)
IMAGES, TAPS = (RANDOM.normal(size=shape).astype(np.float32) for shape in ((2, 3, 4, 4), (3, 3, 2, 2)))


def run(c: Any) -> dict[str, Any]:
    nn, F = c.nn, c.nn.functional
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 4))
    with c.no_grad():
        for parameter, value in zip((*model[0].parameters(), *model[3].parameters()), WEIGHTS, strict=True):
            parameter.copy_(c.from_numpy(value))
    x, y = c.from_numpy(X), c.from_numpy(np.array([0, 1, 2, 3, 0]))
    found = {}
    with c.autocast("cpu", dtype=c.bfloat16):
        found["hidden"] = model[0](x)
        found["gelu"] = model[1](found["hidden"])
        found["norm"] = model[2](found["gelu"])
        found["scores"] = model[3](found["norm"])
        found["loss"] = F.cross_entropy(found["scores"], y)
        found["attention"] = F.scaled_dot_product_attention(x[None], x[None], x[None])
        found["sum of halves"] = x @ x.T + x @ x.T
        found["mixed"] = x @ x.T + x[:, :5]
        found["mse"] = F.mse_loss(found["scores"], found["scores"] * 0)
        images = F.conv2d(c.from_numpy(IMAGES), c.from_numpy(TAPS))
        found["batch norm"], found["batch norm of singles"] = (
            nn.BatchNorm2d(3)(images),
            nn.BatchNorm2d(3)(images.float()),
        )
        found["batch norm, evaluation"] = nn.BatchNorm2d(3).eval()(images)
        found["exp"] = found["scores"].exp()
    found["loss"].backward()
    found["weight gradient"], found["bias gradient"] = model[0].weight.grad, model[3].bias.grad
    return found


def test_formats_and_numbers() -> None:
    ours, theirs = run(curta), run(torch)
    for name, theirs_one in theirs.items():
        mine = ours[name]
        assert str(mine.dtype).split(".")[1] == str(theirs_one.dtype).split(".")[1], name
        expected = theirs_one.detach().float().numpy()
        np.testing.assert_allclose(mine.detach().float().numpy(), expected, rtol=0.02, atol=0.01, err_msg=name)
