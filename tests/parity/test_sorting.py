"""Sorting, searching, counting and running along a dimension, against an installed PyTorch; `make parity`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

NAN = float("nan")
#: each with c the module curta or torch, and x of [3, 5] with equal numbers in it
PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "sort": lambda c, x: c.sort(x, dim=0, stable=True),
    "sort descending": lambda c, x: c.sort(x, dim=-1, descending=True, stable=True),
    "topk": lambda c, x: c.topk(x, 2, 0).values,
    "kthvalue": lambda c, x: c.kthvalue(x, 3).values,
    "median": lambda c, x: c.median(x, 1).values,
    "median of all": lambda c, x: c.median(x),
    "nanmedian": lambda c, x: c.nanmedian(x, 0).values,
    "quantile": lambda c, x: c.quantile(x, c.tensor([0.1, 0.6], dtype=c.float64), 1, keepdim=True),
    "nanquantile": lambda c, x: c.nanquantile(x, 0.35, 0, interpolation="midpoint"),
    "mode": lambda c, x: c.mode(x, 1),
    "unique": lambda c, x: c.unique(x, return_inverse=True, return_counts=True),
    "unique rows": lambda c, x: c.unique(x, dim=1, return_inverse=True, return_counts=True),
    "unique_consecutive": lambda c, x: c.unique_consecutive(x, True, True),
    "searchsorted": lambda c, x: c.searchsorted(c.sort(x, 1).values, x, right=True),
    "bucketize": lambda c, x: c.bucketize(x, c.tensor([-1.0, 0.0, 2.0])),
    "isin": lambda c, x: c.isin(x, c.tensor([1.0, -2.0])),
    "histc": lambda c, x: c.histc(x, 5),
    "cumsum": lambda c, x: c.cumsum(x, 0),
    "cumprod": lambda c, x: c.cumprod(x, 1),
    "cummax": lambda c, x: c.cummax(x, 1),
    "cummin": lambda c, x: c.cummin(x, 0),
    "logcumsumexp": lambda c, x: c.logcumsumexp(x, 1),
    "diff": lambda c, x: c.diff(x, 2),
    "trapezoid": lambda c, x: c.trapezoid(x, dx=0.5, dim=0),
    "cumulative_trapezoid": lambda c, x: c.cumulative_trapezoid(x, x),
}
#: PyTorch's have no gradient, or one that depends on which of equal elements it takes
UNDIFFERENTIABLE = ("unique", "unique rows", "unique_consecutive", "kthvalue", "median", "nanmedian", "topk")


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name: str) -> None:
    values = np.random.default_rng(6).integers(-3, 4, (3, 5)).astype(np.float64)
    pairs = []
    for c in (curta, torch):
        x = c.from_numpy(values.copy()).requires_grad_()
        made = PROGRAMS[name](c, x)
        made = made if isinstance(made, tuple) else (made,)
        smooth = [one for one in made if one.requires_grad]
        smooth = [] if name in UNDIFFERENTIABLE else smooth
        slopes = c.autograd.grad(sum((one**2).sum() for one in smooth), [x]) if smooth else ()
        pairs.append([*made, *slopes])
    for ours, theirs in zip(*pairs, strict=True):
        assert str(ours.dtype).removeprefix("curta.") == str(theirs.dtype).removeprefix("torch.")
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)
