"""Twenty steps of every optimizer, for every combination of its arguments, against float64 NumPy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curta
from curta import optim

sys.path.insert(0, str(Path(__file__).parent))
from oracle import ARGUMENTS, run

CASES = [(name, arguments) for name, choices in ARGUMENTS.items() for arguments in choices]
CURVATURE = np.array([[1.0, 10.0, 0.1], [3.0, -0.5, 0.0]])
TARGET = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, 1.0]])
START = np.array([[1.0, 2.0, -3.0], [0.25, 0.5, -0.125]])


def trajectory(name: str, arguments: dict[str, Any], row: Any) -> Any:
    parameter = curta.tensor(START[row], dtype=curta.float64, requires_grad=True)
    optimizer = getattr(optim, name)([parameter], **arguments)
    found = []
    for _ in range(20):
        gradient = CURVATURE[row] * (parameter.detach().numpy() - TARGET[row])
        parameter.grad = curta.tensor(gradient, dtype=curta.float64)
        optimizer.step()
        found.append(parameter.detach().numpy().copy())
    return np.array(found)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_matrices_go_where_the_rule_says(name: str, arguments: dict[str, Any]) -> None:
    expected = run(name, arguments, START, lambda p: CURVATURE * (p - TARGET), 20)
    np.testing.assert_allclose(trajectory(name, arguments, slice(None)), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("arguments", ARGUMENTS["Adafactor"])
def test_a_vector_has_no_rows_and_columns(arguments: dict[str, Any]) -> None:
    expected = run("Adafactor", arguments, START[0], lambda p: CURVATURE[0] * (p - TARGET[0]), 20)
    np.testing.assert_allclose(trajectory("Adafactor", arguments, 0), expected, rtol=1e-10, atol=1e-12)
