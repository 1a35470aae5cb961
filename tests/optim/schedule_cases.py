"""Schedules as functions of `torch.optim.lr_scheduler` or Curta's, and of an optimizer with groups of 0.1 and 0.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

STEPS = 101

CASES: dict[str, Callable[[Any, Any], list[Any]]] = {
    "step": lambda m, o: [m.StepLR(o, 7, 0.8)],
    "step default": lambda m, o: [m.StepLR(o, 30)],
    "multi-step": lambda m, o: [m.MultiStepLR(o, [30, 3, 80, 30], gamma=0.3)],
    "constant": lambda m, o: [m.ConstantLR(o, 0.25, 40)],
    "constant default": lambda m, o: [m.ConstantLR(o)],
    "exponential": lambda m, o: [m.ExponentialLR(o, 0.93)],
    "polynomial": lambda m, o: [m.PolynomialLR(o, 60, 1.7)],
    "polynomial default": lambda m, o: [m.PolynomialLR(o)],
    "multiplicative": lambda m, o: [m.MultiplicativeLR(o, lambda step: 0.9 + 0.01 * (step % 7))],
    "multiplicative list": lambda m, o: [m.MultiplicativeLR(o, [lambda step: 0.99, lambda step: 1.01])],
    "warm restarts": lambda m, o: [m.CosineAnnealingWarmRestarts(o, 9, eta_min=0.01)],
    "warm restarts longer": lambda m, o: [m.CosineAnnealingWarmRestarts(o, 5, 3)],
    "cyclic": lambda m, o: [m.CyclicLR(o, 0.02, 0.3, 12, cycle_momentum=True)],
    "cyclic halved": lambda m, o: [m.CyclicLR(o, [0.02, 0.1], [0.3, 0.4], 8, 15, mode="triangular2")],
    "cyclic by steps": lambda m, o: [
        m.CyclicLR(o, 0.02, 0.3, 12, 3, mode="exp_range", gamma=0.99, base_momentum=0.5, max_momentum=0.95)
    ],
    "cyclic by function": lambda m, o: [
        m.CyclicLR(o, 0.02, 0.3, 12, scale_fn=lambda x: 1 / x, scale_mode="cycle", cycle_momentum=False)
    ],
    "one cycle": lambda m, o: [m.OneCycleLR(o, 0.7, total_steps=101)],
    "one cycle by epochs": lambda m, o: [
        m.OneCycleLR(o, [0.7, 0.2], epochs=11, steps_per_epoch=10, pct_start=0.2, anneal_strategy="linear")
    ],
    "one cycle in three": lambda m, o: [
        m.OneCycleLR(o, 0.7, total_steps=150, three_phase=True, div_factor=10.0, final_div_factor=50.0)
    ],
    "two after each other": lambda m, o: [m.ConstantLR(o, 0.5, 10), m.ExponentialLR(o, 0.97), m.StepLR(o, 20, 0.5)],
    "chained": lambda m, o: [m.ChainedScheduler([m.LinearLR(o, 0.1, 1.0, 9), m.PolynomialLR(o, 90)])],
    "chain in a sequence": lambda m, o: [
        m.SequentialLR(
            o,
            [m.ConstantLR(o, 0.1, 4), m.StepLR(o, 13, 0.5), m.CosineAnnealingWarmRestarts(o, 6, 2)],
            [5, 50],
        )
    ],
}

#: arguments of ReduceLROnPlateau; the measurements are MEASUREMENTS
PLATEAUS: dict[str, dict[str, Any]] = {
    "default": {},
    "impatient": {"factor": 0.5, "patience": 2, "cooldown": 3, "min_lr": [0.01, 0.1]},
    "more is better": {"mode": "max", "factor": 0.7, "patience": 1, "threshold": 0.05},
    "absolute": {"threshold_mode": "abs", "threshold": 0.2, "patience": 3, "factor": 0.9, "eps": 1e-3},
    "more is better, absolute": {"mode": "max", "threshold_mode": "abs", "threshold": 0.1, "patience": 4},
}

MEASUREMENTS = [((step * 37) % 23 - 5) / (4 + step // 3) for step in range(STEPS - 1)]


def trajectory(module: Any, make_optimizer: Callable[[], Any], name: str) -> list[list[float]]:
    """At each step each group's rate and momentum."""
    optimizer = make_optimizer()
    if name in PLATEAUS:
        schedules: list[Any] = [module.ReduceLROnPlateau(optimizer, **PLATEAUS[name])]
    else:
        schedules = CASES[name](module, optimizer)
    found = []
    for step in range(STEPS):
        found.append([group[key] for group in optimizer.param_groups for key in ("lr", "momentum")])
        optimizer.step()
        if step < STEPS - 1:
            for schedule in schedules:
                schedule.step(*[MEASUREMENTS[step]] if name in PLATEAUS else [])
    assert schedules[-1].get_last_lr() == [group["lr"] for group in optimizer.param_groups]
    return found
