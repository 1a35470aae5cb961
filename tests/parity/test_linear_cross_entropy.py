"""`linear_cross_entropy` against an installed PyTorch, whose function of this name is two functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

CLOSE = {"float64": 1e-12, "float32": 3e-5, "bfloat16": 3e-2}


@pytest.mark.parametrize("dtype", list(CLOSE))
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(
    "more",
    [{}, {"reduction": "sum"}, {"reduction": "none"}, {"ignore_index": 3}, {"label_smoothing": 0.1}],
    ids=lambda more: "-".join(more) or "plain",
)
@pytest.mark.parametrize("rows", [None, 1, 7, 700])
def test_values_and_gradients(dtype: str, biased: bool, more: dict[str, Any], rows: int | None) -> None:
    C, V = 24, 57 if rows != 700 else 7000
    random = np.random.default_rng(4)
    shapes = [(C,) if rows is None else (rows, C), (V, C), (V,)][: 2 + biased]
    arrays = [random.standard_normal(shape) for shape in shapes]
    target = np.array(random.integers(0, V, shapes[0][:-1]))
    found = []
    for framework in (curta, torch):
        kind = getattr(framework, dtype)
        given = [framework.from_numpy(one.copy()).to(kind).detach().requires_grad_() for one in arrays]
        bias = {"linear_bias": given[2]} if biased else {}
        F = framework.nn.functional
        loss = F.linear_cross_entropy(*given[:2], framework.from_numpy(target.copy()), **bias, **more)
        assert loss.dtype is kind
        loss.sum().backward()
        found.append([loss.detach(), *(one.grad for one in given)])
    for mine, theirs in zip(*found, strict=True):
        assert tuple(mine.shape) == tuple(theirs.shape)
        ours, wanted = mine.double().numpy(), theirs.double().numpy()
        np.testing.assert_allclose(ours, wanted, rtol=CLOSE[dtype], atol=CLOSE[dtype] * max(1.0, np.abs(wanted).max()))
