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


@pytest.mark.parametrize(("name", "arguments"), [(name, choices[-1]) for name, choices in ARGUMENTS.items()])
def test_each_goes_on_from_the_others_state(name: str, arguments: dict[str, Any]) -> None:
    for first, second in ((torch, curta), (curta, torch)):
        parameter, optimizer = made(first, name, arguments)
        advance(first, parameter, optimizer, 5)
        other, resumed = made(second, name, arguments, parameter.detach().numpy())
        saved = optimizer.state_dict()
        saved["state"] = {
            0: {
                key: second.tensor(value.numpy()) if hasattr(value, "numpy") else value
                for key, value in saved["state"][0].items()
            }
        }
        assert set(saved["state"][0]) == set(reference_keys(name, arguments))
        resumed.load_state_dict(saved)
        expected = advance(first, parameter, optimizer, 5)
        np.testing.assert_allclose(advance(second, other, resumed, 5), expected, rtol=1e-10, atol=1e-12)


def reference_keys(name: str, arguments: dict[str, Any]) -> list[str]:
    parameter, optimizer = made(torch, name, arguments)
    advance(torch, parameter, optimizer, 1)
    return list(optimizer.state_dict()["state"][0])


def valley(c: Any, arguments: dict[str, Any], calls: int) -> tuple[list[list[float]], list[Any]]:
    """Rosenbrock's valley: the points after each step, and the counts of evaluations and iterations."""
    point = c.tensor([-1.2, 1.0], dtype=c.float64, requires_grad=True)
    optimizer = c.optim.LBFGS([point], **arguments)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = 100 * (point[1] - point[0] ** 2) ** 2 + (1 - point[0]) ** 2
        loss.backward()
        return loss

    points = []
    for _ in range(calls):
        optimizer.step(closure)
        points.append(point.tolist())
    state = optimizer.state_dict()["state"][0]
    return points, [state["func_evals"], state["n_iter"], len(state["old_dirs"])]


@pytest.mark.parametrize(
    "arguments",
    [
        {"line_search_fn": "strong_wolfe", "max_iter": 4},
        {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 7, "max_eval": 9},
        {"line_search_fn": "strong_wolfe", "lr": 0.05, "max_iter": 30},
        {"lr": 0.001, "max_iter": 5},
        {"lr": 0.1, "history_size": 3, "max_iter": 3},
        {"line_search_fn": "strong_wolfe", "tolerance_change": 1e-3},
        {"line_search_fn": "strong_wolfe", "tolerance_grad": 1.0},
    ],
)
def test_lbfgs_through_a_valley(arguments: dict[str, Any]) -> None:
    (theirs, their_counts), (ours, our_counts) = (valley(c, arguments, 5) for c in (torch, curta))
    assert our_counts == their_counts
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("adjust", [None, "original", "match_rms_adamw"])
@pytest.mark.parametrize("shape", [(4, 6), (7, 3)])
@pytest.mark.parametrize("nesterov", [False, True])
def test_muon_within_the_precision_of_its_iteration(shape: tuple[int, int], adjust: str | None, nesterov: bool) -> None:
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=shape), random.normal(size=(5, *shape))
    found = []
    for c in (torch, curta):
        parameter = c.tensor(start, dtype=c.float64, requires_grad=True)
        optimizer = c.optim.Muon([parameter], lr=0.1, adjust_lr_fn=adjust, nesterov=nesterov)
        for gradient in gradients:
            parameter.grad = c.tensor(gradient, dtype=c.float64)
            optimizer.step()
        found.append(parameter.detach().numpy())
    np.testing.assert_allclose(found[1], found[0], atol=0.02 * (2 if adjust == "match_rms_adamw" else 1))
