"""LBFGS against what PyTorch 2.13 did, Muon against its iteration in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta import optim
from curta.optim.wolfe import Point, cubic_minimum, strong_wolfe

# arguments of torch.optim.LBFGS; Rosenbrock's valley after each of three steps from (-1.2, 1), in float64; and the
# numbers of evaluations, iterations and remembered steps
RECORDED: list[tuple[dict[str, Any], list[list[float]], list[int]]] = [
    (
        {"line_search_fn": "strong_wolfe", "max_iter": 4},
        [
            [-1.0288795348319695, 1.0655029516848564],
            [-0.9431278012083242, 0.8529662725410918],
            [-0.5160277728852024, 0.2265458257902353],
        ],
        [15, 11, 10],
    ),
    (
        {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 7, "max_eval": 9},
        [
            [-0.888128305847943, 0.7410177514999237],
            [-0.2542342228052837, 0.04962596941838337],
            [0.3251995681002319, 0.07395168126372532],
        ],
        [27, 19, 2],
    ),
    (
        {"lr": 0.001, "max_iter": 5},
        [
            [-1.1987367721726887, 1.000572589032363],
            [-1.1980834650008712, 1.001031864466227],
            [-1.1974702343775145, 1.0015996191194634],
        ],
        [15, 15, 14],
    ),
    (
        {"lr": 0.1, "history_size": 3, "max_iter": 3},
        [
            [-1.1208360338970624, 1.0326372109383015],
            [-1.1055651417532057, 1.0398185126407882],
            [-1.0928128660568028, 1.0460016015517049],
        ],
        [9, 6, 3],
    ),
]


def in_the_valley(arguments: dict[str, Any], start: list[float] | None = None) -> tuple[Any, optim.LBFGS, Any]:
    point = curta.tensor(start or [-1.2, 1.0], dtype=curta.float64, requires_grad=True)
    optimizer = optim.LBFGS([point], **arguments)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = 100 * (point[1] - point[0] ** 2) ** 2 + (1 - point[0]) ** 2
        loss.backward()
        return loss

    return point, optimizer, closure


@pytest.mark.parametrize(("arguments", "expected", "counts"), RECORDED)
def test_lbfgs_is_pytorchs(arguments: dict[str, Any], expected: list[list[float]], counts: list[int]) -> None:
    point, optimizer, closure = in_the_valley(arguments)
    for row in expected:
        optimizer.step(closure)
        assert point.tolist() == pytest.approx(row, rel=1e-6)
    state = optimizer.state_dict()["state"][0]
    assert [state["func_evals"], state["n_iter"], len(state["old_dirs"])] == counts


def test_lbfgs_finds_the_minimum_and_stays() -> None:
    arguments = {"line_search_fn": "strong_wolfe", "max_iter": 100, "tolerance_change": 0}
    point, optimizer, closure = in_the_valley(arguments)
    assert optimizer.step(closure).item() == pytest.approx(24.2)
    assert point.tolist() == pytest.approx([1.0, 1.0], abs=1e-6)
    there = point.tolist()
    optimizer.step(closure)
    assert point.tolist() == there


def test_lbfgs_goes_on_from_its_state_dict() -> None:
    arguments = {"line_search_fn": "strong_wolfe", "max_iter": 3}
    point, optimizer, closure = in_the_valley(arguments)
    optimizer.step(closure)
    saved = optimizer.state_dict()
    # as PyTorch saves it: numbers are tensors, and one list has room for weights
    first = saved["state"][0]
    first["H_diag"], first["ro"] = curta.tensor(first["H_diag"], dtype=curta.float64), [*map(float, first["ro"])]
    first["al"] = [None] * 3
    other, resumed, again = in_the_valley(arguments, point.tolist())
    resumed.load_state_dict(saved)
    optimizer.step(closure)
    resumed.step(again)
    assert other.tolist() == point.tolist()


def test_lbfgs_takes_all_parameters_together_and_one_without_a_gradient() -> None:
    # f = (a + 2 b - 1)^2 / 2 from 0 goes along (1, 2) to (1, 2) / 5
    a, b, unused = (curta.zeros(1, dtype=curta.float64, requires_grad=True) for _ in range(3))
    optimizer = optim.LBFGS([a, unused, b], line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((a + 2 * b - 1) ** 2).sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)
    assert [a.item(), b.item(), unused.item()] == pytest.approx([0.2, 0.4, 0.0])


def on_the_line(loss: Any, slope: Any) -> Any:
    return lambda t: Point(t, loss(t), curta.tensor([slope(t)]), slope(t))


def test_the_cubic_through_two_points() -> None:
    # t^3 - 3 t is least at 1
    at = on_the_line(lambda t: t**3 - 3 * t, lambda t: 3 * t**2 - 3)
    assert cubic_minimum(at(0.0), at(2.0), (0.0, 2.0)) == pytest.approx(1.0)
    assert cubic_minimum(at(2.0), at(0.0), (0.0, 2.0)) == pytest.approx(1.0)
    assert cubic_minimum(at(0.0), at(2.0), (1.5, 2.0)) == 1.5
    line = on_the_line(lambda t: 0.0, lambda t: 0.0)
    assert cubic_minimum(line(0.0), line(2.0), (0.0, 2.0)) == 1.0
    rising = on_the_line(lambda t: 2 * t / 3, lambda t: 1.0)
    assert cubic_minimum(rising(0.0), rising(2.0), (0.0, 2.0)) == 1.0


# the first step to try, and what PyTorch 2.13's search made of it: the step, and how many points it looked at. The
# last one shows that it may end at a point that is not low enough, if that is lower than its other end.
SEARCHES = [(1e-3, 0.82305, 4), (0.1, 0.822303, 2), (1.0, 1.0, 1), (10.0, 10.0, 1), (1000.0, 333.335, 26)]


@pytest.mark.parametrize(("first", "step", "looked"), SEARCHES)
def test_the_search_ends_where_pytorchs_does(first: float, step: float, looked: int) -> None:
    at = on_the_line(lambda t: -t / (t**2 + 2), lambda t: (t**2 - 2) / (t**2 + 2) ** 2)
    start = at(0.0)
    point, count = strong_wolfe(at, start, first, longest=1.0, tolerance=1e-9)
    assert (point.t, count) == (pytest.approx(step, rel=1e-5), looked)
    if count <= 25:
        assert point.loss <= start.loss + 1e-4 * point.t * start.slope
        assert abs(point.slope) <= 0.9 * abs(start.slope)


def test_the_search_gives_up_where_the_loss_only_falls() -> None:
    point, count = strong_wolfe(
        on_the_line(lambda t: -t, lambda t: -1.0), Point(0.0, 0.0, curta.ones(1), -1.0), 1, 1, 0
    )
    assert (count, point.loss < -1e15) == (26, True)


def muon_steps(parameter: Any, gradients: Any, a: dict[str, Any]) -> Any:
    """Muon in float64: orthogonal up to what five iterations leave."""
    momentum = np.zeros_like(parameter)
    for gradient in gradients:
        momentum = a["momentum"] * momentum + (1 - a["momentum"]) * gradient
        x = a["momentum"] * momentum + (1 - a["momentum"]) * gradient if a["nesterov"] else momentum
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        s = s / np.linalg.norm(s)
        for _ in range(5):
            s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
        rows, columns = x.shape
        match = a["adjust_lr_fn"] == "match_rms_adamw"
        factor = 0.2 * np.sqrt(max(rows, columns)) if match else np.sqrt(max(1, rows / columns))
        parameter = parameter * (1 - a["lr"] * a["weight_decay"]) - a["lr"] * factor * (u * s) @ vt
    return parameter


@pytest.mark.parametrize("adjust", [None, "original", "match_rms_adamw"])
@pytest.mark.parametrize("shape", [(4, 6), (7, 3)])
@pytest.mark.parametrize("nesterov", [False, True])
def test_muon_against_singular_values(shape: tuple[int, int], adjust: str | None, nesterov: bool) -> None:
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=shape), random.normal(size=(4, *shape))
    arguments = {"lr": 0.1, "weight_decay": 0.2, "momentum": 0.9, "nesterov": nesterov, "adjust_lr_fn": adjust}
    parameter = curta.tensor(start, dtype=curta.float64, requires_grad=True)
    optimizer = optim.Muon([parameter], **arguments)
    for gradient in gradients:
        parameter.grad = curta.tensor(gradient, dtype=curta.float64)
        optimizer.step()
    # the iteration runs in bfloat16, and is steep near singular values of 0
    np.testing.assert_allclose(parameter.detach().numpy(), muon_steps(start, gradients, arguments), atol=0.03)
    assert list(optimizer.state_dict()["state"][0]) == ["momentum_buffer"]
