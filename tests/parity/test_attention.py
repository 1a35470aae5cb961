"""`scaled_dot_product_attention` against an installed PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

CLOSE = {"float64": 1e-11, "float32": 2e-5, "bfloat16": 5e-2, "float16": 1e-2}


@pytest.mark.parametrize("dtype", list(CLOSE))
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"is_causal": True},
        {"scale": 0.2},
        {"scale": -1.0},
        {"enable_gqa": True},
        {"attn_mask": "bool"},
        {"attn_mask": "add"},
        {"attn_mask": "add", "enable_gqa": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (5, 5, 8, 8), (70, 33, 16, 24), (33, 300, 64, 64)], ids=str)
def test_values_and_gradients(dtype: str, more: dict[str, Any], sizes: tuple[int, ...]) -> None:
    L, S, E, V = sizes
    heads = 2 if more.get("enable_gqa") else 4
    random = np.random.default_rng(4)
    arrays = [random.standard_normal(shape) for shape in ((2, 4, L, E), (2, heads, S, E), (2, heads, S, V))]
    found = []
    for framework in (curta, torch):
        kind = getattr(framework, dtype)
        given = [framework.from_numpy(one.copy()).to(kind).detach().requires_grad_() for one in arrays]
        options = dict(more)
        if "attn_mask" in more:
            numbers = np.random.default_rng(5).standard_normal((4, L, S))
            seen = framework.from_numpy(numbers > -1)
            options["attn_mask"] = seen if more["attn_mask"] == "bool" else framework.from_numpy(numbers).to(kind)
        out = framework.nn.functional.scaled_dot_product_attention(*given, **options)
        assert out.dtype is kind
        g = framework.from_numpy(np.cos(np.arange(2 * 4 * L * V)).reshape(2, 4, L, V)).to(kind)
        out.backward(g)
        found.append([out.detach(), *(one.grad for one in given)])
    for mine, theirs in zip(*found, strict=True):
        assert tuple(mine.shape) == tuple(theirs.shape)
        ours, wanted = mine.double().numpy(), theirs.double().numpy()
        np.testing.assert_allclose(ours, wanted, rtol=CLOSE[dtype], atol=CLOSE[dtype] * max(1.0, np.abs(wanted).max()))
