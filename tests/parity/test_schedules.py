"""The schedules' cases as PyTorch goes through them now."""

from __future__ import annotations

import sys
from pathlib import Path

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
