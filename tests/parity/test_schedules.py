"""The schedules' cases as PyTorch goes through them now."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import curta

sys.path.insert(0, str(Path(__file__).parents[1] / "optim"))
from schedule_cases import CASES, PLATEAUS, trajectory

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*CASES, *PLATEAUS])
def test_a_hundred_steps(name: str) -> None:
    def of(library: object, ones: object) -> object:
        groups = [{"params": [ones(1, requires_grad=True)], "lr": rate} for rate in (0.1, 0.5)]  # type: ignore[operator]
        return library.optim.SGD(groups, momentum=0.9)  # type: ignore[attr-defined]

    here = trajectory(curta.optim.lr_scheduler, lambda: of(curta, curta.ones), name)
    there = trajectory(torch.optim.lr_scheduler, lambda: of(torch, torch.ones), name)
    for mine, theirs in zip(here, there, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-14)


def momentum_of(optimizer: Any) -> Any:
    group = optimizer.param_groups[0]
    return group["betas"][0] if "betas" in group else group.get("momentum")


STATES: dict[str, Callable[[Any, Any], Any]] = {
    "cyclic": lambda m, o: m.CyclicLR(o, 0.01, 0.1, step_size_up=7),
    "cyclic down faster": lambda m, o: m.CyclicLR(o, 0.01, 0.1, 7, 3, mode="exp_range", gamma=0.99),
    "cyclic without momentum": lambda m, o: m.CyclicLR(o, 0.01, 0.1, 7, mode="triangular2", cycle_momentum=False),
    "cyclic of a function": lambda m, o: m.CyclicLR(o, 0.01, 0.1, 7, scale_fn=lambda cycle: 1 / cycle),
    "one cycle": lambda m, o: m.OneCycleLR(o, 0.2, total_steps=120),
    "one cycle of three": lambda m, o: m.OneCycleLR(o, 0.2, 120, anneal_strategy="linear", three_phase=True),
    "one cycle without momentum": lambda m, o: m.OneCycleLR(o, 0.2, 120, cycle_momentum=False),
    "averages": lambda m, o: m.SWALR(o, swa_lr=0.05, anneal_epochs=30),
    "averages in a line": lambda m, o: m.SWALR(o, swa_lr=0.05, anneal_epochs=70, anneal_strategy="linear"),
}


@pytest.mark.parametrize("adam", [False, True])
@pytest.mark.parametrize("name", STATES)
def test_states_in_the_middle(name: str, adam: bool) -> None:
    states = []
    for c in (curta, torch):

        def start(c: Any = c) -> tuple[Any, Any]:
            weights = [c.zeros(2, requires_grad=True)]
            optimizer = c.optim.Adam(weights) if adam else c.optim.SGD(weights, lr=0.1, momentum=0.9)
            home = c.optim.swa_utils if name.startswith("averages") else c.optim.lr_scheduler
            return optimizer, STATES[name](home, optimizer)

        optimizer, schedule = start()
        seen: list[Any] = []
        for step in range(100):
            if step == 50:
                saved, weights = schedule.state_dict(), optimizer.state_dict()
                seen.append(dict(saved))
                optimizer, schedule = start()
                optimizer.load_state_dict(weights)
                schedule.load_state_dict(saved)
            optimizer.step()
            schedule.step()
            seen.append((schedule.get_last_lr(), momentum_of(optimizer)))
        states.append([*seen, schedule.state_dict()])
    for ours, theirs in zip(*states, strict=True):
        if isinstance(ours, dict):
            assert set(ours) == set(theirs)
            for key, value in ours.items():
                close = key in ("_last_lr", "base_lrs")
                assert value == (pytest.approx(theirs[key], rel=1e-12) if close else theirs[key]), key
        else:
            assert ours[0] == pytest.approx(theirs[0], rel=1e-12)
            assert ours[1] == pytest.approx(theirs[1], rel=1e-12)
