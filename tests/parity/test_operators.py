"""The same cases as tests/ops, against an installed PyTorch: values, dtypes, strides and gradients; `make parity`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ops"))
from cases import CASES, REDUCTIONS, Case, Reduction
from support import LAYOUTS, array, operand, to_numpy

import curta

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def _norm(p: float) -> Any:
    return lambda x, dim, keepdim: torch.norm(x, p, dim, keepdim)


#: how PyTorch is called where its name or form is not the case's own
TORCH: dict[str, Any] = {
    "add alpha": lambda a, b: torch.add(a, b, alpha=3),
    "sub alpha": lambda a, b: torch.sub(a, b, alpha=3),
    "pow whole": lambda a: torch.pow(a, 4),
    "pow of number": lambda a: torch.pow(2.5, a),
    "pow 3": lambda a: a**3,
    "pow 2": lambda a: a**2,
    "div floor": lambda a, b: torch.div(a, b, rounding_mode="floor"),
    "div trunc": lambda a, b: torch.div(a, b, rounding_mode="trunc"),
    "to float64": lambda a: a.to(torch.float64),
    "where": lambda c, a, b: torch.where(c > 0, a, b),
    "masked_fill": lambda x, m: x.masked_fill(m > 1, 2),
    "clamp numbers": lambda x: torch.clamp(x, 1, 2),
    "clamp min": lambda x, a: torch.clamp(x, min=a),
    "clamp max": lambda x, a: torch.clamp(x, max=a),
    "addcmul": lambda x, a, b: torch.addcmul(x, a, b, value=2),
    "addcdiv": lambda x, a, b: torch.addcdiv(x, a, b, value=2),
    "var 0": lambda x, dim, keepdim: torch.var(x, dim, keepdim=keepdim, correction=0),
    "var 1": lambda x, dim, keepdim: torch.var(x, dim, keepdim=keepdim, correction=1),
    "std 1": lambda x, dim, keepdim: torch.std(x, dim, keepdim=keepdim, correction=1),
    "logsumexp": lambda x, dim, keepdim: torch.logsumexp(x, tuple(range(x.ndim)) if dim is None else dim, keepdim),
    "count_nonzero": lambda x, dim, keepdim: torch.count_nonzero(x, dim),
    "amax": lambda x, dim, keepdim: torch.amax(x, () if dim is None else dim, keepdim),
    "amin": lambda x, dim, keepdim: torch.amin(x, () if dim is None else dim, keepdim),
    "prod": lambda x, dim, keepdim: torch.prod(x) if dim is None else torch.prod(x, dim, keepdim),
    **{f"norm {p}": _norm(p) for p in (1, 2, 3.5, float("inf"))},
}

#: relative distance allowed by format: both may be wrong by a few units in the last place
CLOSE = {"float16": 3e-3, "bfloat16": 2e-2, "float32": 4e-6, "float64": 1e-13}
PAIRS = [pytest.param(case, dtype, id=f"{case.name}-{dtype}") for case in CASES for dtype in case.dtypes]
REDUCTION_PAIRS = [pytest.param(case, dtype, id=f"{case.name}-{dtype}") for case in REDUCTIONS for dtype in case.dtypes]


def _of_numpy(values: Any, dtype: str) -> Any:
    exact = values.astype(np.float32) if dtype == "bfloat16" else values
    return torch.from_numpy(np.array(exact)).to(getattr(torch, dtype))


def _torch(layout: str, place: int, domain: tuple[float, float], dtype: str) -> Any:
    """The same numbers with the same strides."""
    values, tensor = operand(layout, place, domain, dtype)
    base = _of_numpy(values, dtype)
    return torch.empty_strided(tuple(tensor.shape), tuple(tensor.stride()), dtype=base.dtype).copy_(base)


def _same(found: Any, wanted: Any, dtype: str) -> None:
    assert str(found.dtype).removeprefix("curta.") == str(wanted.dtype).removeprefix("torch.")
    assert tuple(found.shape) == tuple(wanted.shape)
    ours, theirs = to_numpy(found).astype(np.float64), wanted.double().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=CLOSE.get(dtype, 1e-6), atol=CLOSE.get(dtype, 1e-6))


def _call(name: str) -> Any:
    return TORCH.get(name) or getattr(torch, name)


@pytest.mark.parametrize(("case", "dtype"), PAIRS)
def test_values_and_strides(case: Case, dtype: str) -> None:
    for layout in LAYOUTS:
        ours = [operand(layout, place, domain, dtype)[1] for place, domain in enumerate(case.domains)]
        theirs = [_torch(layout, place, domain, dtype) for place, domain in enumerate(case.domains)]
        found, wanted = case.function(*ours), _call(case.name)(*theirs)
        _same(found, wanted, dtype)
        # PyTorch's strides of an empty result depend on which of its paths made it, and a number to the power of a
        # tensor is row-major there where everything else follows its input
        if layout != "empty" and case.name != "pow of number":
            assert tuple(found.stride()) == wanted.stride(), layout


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.gradient])
def test_gradients_at_whole_numbers(case: Case) -> None:
    """Ties, kinks and jumps: where finite differences cannot look."""
    grids = np.meshgrid(*[np.arange(-2.0, 3.0)] * len(case.domains))
    ours = [curta.from_numpy(grid.copy()).requires_grad_() for grid in grids]
    theirs = [torch.from_numpy(grid.copy()).requires_grad_() for grid in grids]
    found = curta.autograd.grad(case.function(*ours).sum(), ours, allow_unused=True)
    wanted = torch.autograd.grad(_call(case.name)(*theirs).sum(), theirs, allow_unused=True)
    for mine, other in zip(found, wanted, strict=True):
        if other is not None:
            values = np.zeros(other.shape) if mine is None else mine.numpy()
            np.testing.assert_allclose(values, other.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("case", "dtype"), REDUCTION_PAIRS)
def test_reductions(case: Reduction, dtype: str) -> None:
    values = array((3, 4, 5), (0.25, 3.0), dtype, 3)
    ours, theirs = curta.from_numpy(values), _of_numpy(values, dtype)
    for dim in (None, 0, 1, -1):
        for keepdim in (False, True):
            found = case.function(ours, dim, keepdim)
            if found is not None and not (case.name == "prod" and dim is None and keepdim):
                _same(found, _call(case.name)(theirs, dim, keepdim), dtype)
