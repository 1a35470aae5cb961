"""Operators over images inside of `vmap`, beside the same one slice at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta.func import grad, vmap
from curta.nn import functional as F

RNG = np.random.default_rng(0)
X = curta.from_numpy(RNG.standard_normal((3, 2, 4, 5, 6)))
WEIGHTS = curta.from_numpy(RNG.standard_normal((3, 4, 2, 3, 3)))

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "pad": lambda x, w: F.pad(x, (1, 2, 0, 1), value=2.5),
    "reflected": lambda x, w: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "conv_transpose2d": lambda x, w: F.conv_transpose2d(x, w, stride=2),
    "conv3d": lambda x, w: F.conv3d(x.unsqueeze(0), curta.ones(2, 2, 2, 2, 2, dtype=curta.float64)),
    "unfold": lambda x, w: F.unfold(x, 3),
    "group_norm": lambda x, w: F.group_norm(x, 2),
    "bilinear": lambda x, w: F.interpolate(x, size=(7, 9), mode="bilinear"),
    "adaptive_max_pool2d": lambda x, w: F.adaptive_max_pool2d(x, (2, 3)),
    "grid_sample": lambda x, w: F.grid_sample(x, curta.zeros(2, 3, 3, 2, dtype=curta.float64)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slices_are_as_by_themselves(name: str) -> None:
    function = FUNCTIONS[name]
    slope = grad(lambda x, w: (function(x, w) ** 2).sum())
    for one in (function, slope):
        made = vmap(one)(X, WEIGHTS)
        np.testing.assert_allclose(made.numpy(), [one(x, w).numpy() for x, w in zip(X, WEIGHTS, strict=True)], 1e-12)
