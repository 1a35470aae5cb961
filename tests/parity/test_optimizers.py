"""Optimizers go where PyTorch's go, for every combination of arguments, and take each other's state."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curta

sys.path.insert(0, str(Path(__file__).parent.parent / "optim"))
from oracle import ARGUMENTS, run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

CASES = [(name, arguments) for name, choices in ARGUMENTS.items() for arguments in choices]
CURVATURE = np.array([[1.0, 10.0, 0.1], [3.0, -0.5, 0.0]])
TARGET = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, 1.0]])
START = np.array([[1.0, 2.0, -3.0], [0.25, 0.5, -0.125]])


@pytest.fixture(autouse=True)
def counts_in_float64() -> Any:
    """PyTorch keeps some numbers of its state in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def made(c: Any, name: str, arguments: dict[str, Any], start: Any = START) -> tuple[Any, Any]:
    parameter = c.tensor(start, dtype=c.float64, requires_grad=True)
    return parameter, getattr(c.optim, name)([parameter], **arguments)


def advance(c: Any, parameter: Any, optimizer: Any, steps: int, curvature: Any = CURVATURE) -> Any:
    found = []
    for _ in range(steps):
        gradient = curvature * (parameter.detach().numpy() - TARGET)
        parameter.grad = c.tensor(gradient, dtype=c.float64)
        optimizer.step()
        found.append(parameter.detach().numpy().copy())
    return np.array(found)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_pytorch_goes_where_the_oracle_says(name: str, arguments: dict[str, Any]) -> None:
    expected = run(name, arguments, START, lambda p: CURVATURE * (p - TARGET), 20)
    np.testing.assert_allclose(advance(torch, *made(torch, name, arguments), 20), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_trajectories(name: str, arguments: dict[str, Any]) -> None:
    theirs, ours = (advance(c, *made(c, name, arguments), 20) for c in (torch, curta))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
