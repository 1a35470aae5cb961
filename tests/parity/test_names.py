"""Reductions that scatter, sequences, copies of views, views in place: against an installed PyTorch; `make parity`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def places(c: Any) -> Any:
    return c.tensor([[0, 0, 2, 1, 0], [2, 0, 0, 1, 1]])


def scattered(reduce: str, include: bool) -> Callable[[Any, Any], Any]:
    return lambda c, x: c.scatter_reduce(x, 0, places(c), x[1:] * 2, reduce, include_self=include)


def picked(reduce: str, include: bool) -> Callable[[Any, Any], Any]:
    return lambda c, x: c.index_reduce(x, 1, c.tensor([3, 3, 0]), x[:, :3] * 2, reduce, include_self=include)


REDUCTIONS = ("prod", "mean", "amax", "amin")
#: each with c the module curta or torch, and x of [3, 5] with zeros and equal numbers in it
PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    **{f"scatter_reduce {r} {i}": scattered(r, i) for r in ("sum", *REDUCTIONS) for i in (True, False)},
    **{f"index_reduce {r} {i}": picked(r, i) for r in REDUCTIONS for i in (True, False)},
    "scatter adding": lambda c, x: c.scatter(x.detach(), 0, places(c), x.detach()[1:], reduce="add"),
    "scatter multiplying": lambda c, x: c.scatter(x.detach(), 0, places(c), 2, reduce="multiply"),
    "vander": lambda c, x: c.vander(x.detach()[0], 4),
    "logspace": lambda c, x: c.logspace(-1, 2, 7, 3.0, dtype=c.float64),
    "linspace of whole numbers": lambda c, x: c.linspace(4.3, 50, 9, dtype=c.uint8),
    "range": lambda c, x: c.range(1, -2, -0.5, dtype=c.float64),
    "tril_indices": lambda c, x: c.tril_indices(3, 5, 1),
    "triu_indices": lambda c, x: c.triu_indices(5, 3, -1, dtype=c.int32),
    "unravel_index": lambda c, x: c.unravel_index(places(c), (2, 2, 3))[1],
    "nonzero_static": lambda c, x: c.nonzero_static(x.detach(), size=20, fill_value=7),
    "transpose_": lambda c, x: (x * 2).transpose_(0, 1).mul_(x.T),
    "squeeze_ of a view": lambda c, x: (lambda whole: (whole[:1].squeeze_(0).mul_(3), whole)[1])(x * 2),
    "as_strided_": lambda c, x: (x * 2).as_strided_((2, 3), (5, 2), 1),
    "as_strided of a view": lambda c, x: (x * 1)[1:].as_strided((2, 2), (5, 1), 4),
    "fill_diagonal_": lambda c, x: (x * 2).fill_diagonal_(4.0),
    "zero_": lambda c, x: (x * 2).zero_(),
    "diff": lambda c, x: c.diff(x, 0, prepend=x),
    "angle": lambda c, x: c.angle(x),
    "div": lambda c, x: c.div(x.detach().to(c.bfloat16) * 1.3, 0.3, rounding_mode="trunc").double(),
    "cdist": lambda c, x: c.cdist(x, x + 1.0, 0.0),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name: str) -> None:
    values = np.random.default_rng(6).integers(-3, 4, (3, 5)).astype(np.float64)
    pairs = []
    for c in (curta, torch):
        x = c.from_numpy(values.copy()).requires_grad_()
        made = PROGRAMS[name](c, x)
        slopes = c.autograd.grad((made**2).sum(), [x]) if made.requires_grad else ()
        pairs.append([made, *slopes])
    assert len(pairs[0]) == len(pairs[1])
    for ours, theirs in zip(*pairs, strict=True):
        assert str(ours.dtype).removeprefix("curta.") == str(theirs.dtype).removeprefix("torch.")
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)
