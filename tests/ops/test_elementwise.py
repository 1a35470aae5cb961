"""Every element-wise operator: values in every layout and format, gradients, costs, the meta device."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES, Case
from support import DTYPES, LAYOUTS, array, distance, exact, operand, to_numpy

import curta
from curta.ops.inference import bytes_read

PAIRS = [pytest.param(case, dtype, id=f"{case.name}-{dtype}") for case in CASES for dtype in case.dtypes]
DIFFERENTIABLE = [pytest.param(case, id=case.name) for case in CASES if case.gradient]


@pytest.mark.parametrize(("case", "dtype"), PAIRS)
def test_values(case: Case, dtype: str) -> None:
    for layout in LAYOUTS:
        pairs = [operand(layout, place, domain, dtype) for place, domain in enumerate(case.domains)]
        with np.errstate(all="ignore"):
            wanted = np.asarray(case.oracle(*(exact(values) for values, _ in pairs)))
        found = to_numpy(case.function(*(tensor for _, tensor in pairs)))
        assert found.shape == wanted.shape, layout
        if found.dtype.kind in "iub" and wanted.dtype.kind == "f":
            wanted = wanted.astype(found.dtype)
        if found.dtype.kind in "iu":
            wanted = wanted.astype(found.dtype)
        # half formats are computed in float32 and rounded once
        allowed = case.ulp if found.dtype.itemsize > 2 else min(case.ulp, 0.51)
        assert distance(found, wanted) <= allowed, layout


@pytest.mark.parametrize("case", DIFFERENTIABLE)
@pytest.mark.parametrize("layout", ["contiguous", "broadcast"])
def test_gradient(case: Case, layout: str) -> None:
    shapes = {"contiguous": [(2, 3)] * 3, "broadcast": [(2, 1), (3,), (1, 3)]}[layout]
    arrays = [array(shapes[n], domain, "float64", 50 + n) for n, domain in enumerate(case.domains)]
    tensors = [curta.from_numpy(values.copy()).requires_grad_() for values in arrays]
    result = case.function(*tensors)
    weights = np.random.default_rng(9).uniform(0.5, 1.5, result.shape)
    gradients = curta.autograd.grad((result * curta.from_numpy(weights)).sum(), tensors, allow_unused=True)
    for place, gradient in enumerate(gradients):
        wanted = _differences(case, arrays, place, weights)
        found = np.zeros_like(wanted) if gradient is None else gradient.numpy()
        np.testing.assert_allclose(found, wanted, rtol=2e-6, atol=2e-7)


def _differences(case: Case, arrays: list[Any], place: int, weights: Any) -> Any:
    step = 1e-6
    result = np.zeros_like(arrays[place])
    for where in np.ndindex(arrays[place].shape):
        values = []
        for sign in (1, -1):
            moved = [one.copy() for one in arrays]
            moved[place][where] += sign * step
            values.append((case.oracle(*moved) * weights).sum())
        result[where] = (values[0] - values[1]) / (2 * step)
    return result


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_cost(case: Case) -> None:
    """Exact: so much an element of the result, every input's distinct bytes read once, the result written once."""
    dtype = case.dtypes[0] if "float32" not in case.dtypes else "float32"
    tensors = [operand("broadcast", place, domain, dtype)[1] for place, domain in enumerate(case.domains)]
    out = case.function(*tensors)
    layouts = tuple(tensor.layout for tensor in tensors)
    cost = case.op.cost(layouts, (out.layout,), **case.params)
    count = out.layout.numel
    assert cost[:4] == (case.flops * count, case.transcendentals * count, bytes_read(layouts), out.layout.nbytes)
    expanded = curta.zeros(1, 5).expand(7, 5)
    assert case.op.cost((expanded.layout,), (out.layout,), **case.params).bytes_read == 5 * 4


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_meta(case: Case) -> None:
    """Shape, strides and dtype are known without data."""
    dtype = case.dtypes[0]
    real = [operand("transposed", place, domain, dtype)[1] for place, domain in enumerate(case.domains)]
    meta = [curta.empty_strided(one.shape, one.stride(), dtype=DTYPES[dtype], device="meta") for one in real]
    found, wanted = case.function(*meta), case.function(*real)
    assert found.device.type == "meta"
    assert (found.shape, found.stride(), found.dtype) == (wanted.shape, wanted.stride(), wanted.dtype)
