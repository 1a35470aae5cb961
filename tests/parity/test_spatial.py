"""Functions over sequences, images and volumes against an installed PyTorch: values and gradients."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "nn"))
from spatial_cases import CASES, SpatialCase

import curta

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


def results(framework: Any, case: SpatialCase) -> list[Any]:
    given = [framework.from_numpy(one.copy()).requires_grad_() for one in case.arrays()]
    made = case.call(framework.nn.functional, *given)
    made = made[0] if isinstance(made, tuple) else made
    (made * made).sum().backward()
    return [made.detach(), *(one.grad for one in given)]


#: PyTorch 2.13 cannot differentiate it: "tensor does not have a device"
REFUSED = "group_norm with a bias"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.name != REFUSED])
def test_values_and_gradients(case: SpatialCase) -> None:
    for mine, other in zip(results(curta, case), results(torch, case), strict=True):
        assert tuple(mine.shape) == tuple(other.shape)
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-8, atol=1e-10)
