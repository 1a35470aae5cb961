"""Optimizers inside a program: several updates a run, parameters at different steps, numbers shared within a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta import nn, optim

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.05),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05, lr_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.05, momentum=0.5),
    "Adam": lambda p: optim.Adam(p, lr=0.05, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05, amsgrad=True),
}
X = curta.arange(12).reshape(4, 3).float() / 5


def run(
    compile_it: bool, make: Callable[[Any], Any], updates: int, between: Callable[..., Any] = lambda *_: None
) -> Any:
    """Weights and optimizer state after five calls."""
    curta.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = make(model.parameters())

    def step() -> Any:
        for _ in range(updates):
            loss = (model(X) ** 2).mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return loss

    called = curta.compile(step) if compile_it else step
    losses = []
    for number in range(5):
        losses.append(called().item())
        between(number, model, optimizer)
    states = [
        {
            name: value.tolist() if isinstance(value, curta.Tensor) else value
            for name, value in optimizer.state[p].items()
        }
        for p in model.parameters()
    ]
    return losses, [p.tolist() for p in model.parameters()], states, optimizer.step_count


@pytest.mark.parametrize("updates", [1, 2, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_several_updates_in_one_program(name: str, updates: int):
    assert run(True, OPTIMIZERS[name], updates) == run(False, OPTIMIZERS[name], updates)


def test_parameters_whose_steps_drift_apart_are_recorded_anew():
    def drift(number: int, model: Any, optimizer: Any) -> None:
        if number == 2:
            optimizer.state[model[0].weight]["step"] = 40

    assert run(True, OPTIMIZERS["Adam"], 1, drift) == run(False, OPTIMIZERS["Adam"], 1, drift)


def test_a_schedule_by_hand_and_a_new_decay():
    def change(number: int, model: Any, optimizer: Any) -> None:
        optimizer.param_groups[0]["lr"] *= 0.5
        if number == 3:
            optimizer.param_groups[0]["weight_decay"] = 0

    assert run(True, OPTIMIZERS["Adam"], 2, change) == run(False, OPTIMIZERS["Adam"], 2, change)


def test_one_plan_a_run_for_a_whole_group(monkeypatch: pytest.MonkeyPatch):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    optimizer = optim.AdamW(model.parameters())
    step = curta.compile(lambda: (model(X).sum().backward(), optimizer.step(), optimizer.zero_grad())[1])
    step()
    plans: list[int] = []
    plan = optim.AdamW.plan
    monkeypatch.setattr(optim.AdamW, "plan", lambda *given: plans.append(1) or plan(*given))
    step()
    assert len(plans) == 1
    assert [optimizer.state[p]["step"] for p in model.parameters()] == [2] * 4
