"""Optimizers inside a program: several updates a run, parameters at different steps, numbers shared within a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta import nn, optim
from curta.errors import UnsupportedError

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.05),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05, lr_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.05, momentum=0.5),
    "Adam": lambda p: optim.Adam(p, lr=0.05, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05, amsgrad=True),
}
#: the others, and at which of their first six steps they do something new
MORE: dict[str, tuple[Callable[[Any], Any], int]] = {
    "Adamax": (lambda p: optim.Adamax(p, lr=0.05, weight_decay=0.1), 0),
    "NAdam": (lambda p: optim.NAdam(p, lr=0.05, decoupled_weight_decay=True, weight_decay=0.1), 0),
    "RAdam": (lambda p: optim.RAdam(p, lr=0.05), 6),
    "Adadelta": (lambda p: optim.Adadelta(p), 0),
    "Rprop": (lambda p: optim.Rprop(p, lr=0.05), 0),
    "ASGD": (lambda p: optim.ASGD(p, lr=0.05, lambd=0.1, t0=2), 5),
    "Adafactor": (lambda p: optim.Adafactor(p, lr=0.05, weight_decay=0.1), 0),
    "Muon": (lambda p: optim.Muon([one for one in p if one.dim() == 2], lr=0.05), 0),
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


@pytest.mark.parametrize("name", MORE)
def test_every_optimizer_compiled(name: str):
    make, _ = MORE[name]
    assert run(True, make, 1) == run(False, make, 1)


@pytest.mark.parametrize("name", MORE)
def test_what_an_optimizer_does_anew_is_recorded_anew(name: str):
    make, changes = MORE[name]
    weight = curta.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    optimizer = make([weight])
    step = curta.compile(lambda: ((weight**2).sum().backward(), optimizer.step(), optimizer.zero_grad())[1])
    programs = []
    for _ in range(7):
        step()
        programs.append(step.program)
    assert [n + 1 for n in range(1, 7) if programs[n] is not programs[n - 1]] == [changes] * (changes > 0)


def test_lbfgs_says_that_its_steps_follow_from_values():
    weight = curta.tensor([1.0, -2.0], requires_grad=True)
    optimizer = optim.LBFGS([weight], line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    with pytest.raises(UnsupportedError, match=r"LBFGS\.step cannot be compiled or planned: what it does follows from"):
        curta.compile(lambda: optimizer.step(closure))()
    assert optimizer.step(curta.compile(closure)).item() == 5.0
    assert weight.tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


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
