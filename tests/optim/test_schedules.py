"""Learning-rate schedules against the rates that PyTorch 2.13 gave."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta.errors import ArgumentError, ArgumentTypeError
from curta.optim import SGD, CosineAnnealingLR, CosineWithWarmup, LambdaLR, LinearLR, LRScheduler, SequentialLR

# the first group's rate (base 0.1) at steps 0, 1, ..., from torch.optim.lr_scheduler
EXPECTED: dict[str, list[float]] = {
    "lambda": [
        0.1,
        0.09,
        0.081,
        0.0729,
        0.06561,
        0.059049,
        0.0531441,
        0.04782969,
        0.043046721,
        0.0387420489,
        0.03486784401,
        0.031381059609,
    ],
    "lambda list": [
        0.1,
        0.05,
        0.033333333333,
        0.025,
        0.02,
        0.016666666667,
        0.014285714286,
        0.0125,
        0.011111111111,
        0.01,
        0.009090909091,
        0.008333333333,
    ],
    "linear": [0.025, 0.0375, 0.05, 0.0625, 0.075, 0.075, 0.075, 0.075, 0.075, 0.075, 0.075, 0.075],
    "linear default": [
        0.033333333333,
        0.046666666667,
        0.06,
        0.073333333333,
        0.086666666667,
        0.1,
        0.1,
        0.1,
        0.1,
        0.1,
        0.1,
        0.1,
    ],
    "cosine": [
        0.1,
        0.091405764747,
        0.068905764747,
        0.041094235253,
        0.018594235253,
        0.01,
        0.018594235253,
        0.041094235253,
        0.068905764747,
        0.091405764747,
        0.1,
        0.091405764747,
        0.068905764747,
        0.041094235253,
    ],
    "cosine zero": [0.1, 0.075, 0.025, 0.0, 0.025, 0.075, 0.1, 0.075, 0.025, 0.0, 0.025, 0.075],
    "sequential": [0.01, 0.04, 0.07, 0.1, 0.094641016151, 0.08, 0.06, 0.04, 0.025358983849, 0.02, 0.025358983849, 0.04],
    "sequential three": [
        0.05,
        0.075,
        0.1,
        0.1,
        0.09,
        0.081,
        0.1,
        0.085355339059,
        0.05,
        0.014644660941,
        0.0,
        0.014644660941,
    ],
    "chained": [
        0.05,
        0.058313293868,
        0.05625,
        0.04375,
        0.025,
        0.006698729811,
        0.0,
        0.006698729811,
        0.025,
        0.05,
        0.075,
        0.093301270189,
    ],
}

MAKERS: dict[str, Callable[[SGD], list[LRScheduler]]] = {
    "lambda": lambda o: [LambdaLR(o, lambda e: 0.9**e)],
    "lambda list": lambda o: [LambdaLR(o, [lambda e: 1 / (1 + e), lambda e: 0.5**e])],
    "linear": lambda o: [LinearLR(o, 0.25, 0.75, 4)],
    "linear default": lambda o: [LinearLR(o)],
    "cosine": lambda o: [CosineAnnealingLR(o, 5, 0.01)],
    "cosine zero": lambda o: [CosineAnnealingLR(o, 3)],
    "sequential": lambda o: [
        SequentialLR(o, [LinearLR(o, 0.1, 1.0, 3), CosineAnnealingLR(o, 6, 0.02)], [3]),
    ],
    "sequential three": lambda o: [
        SequentialLR(o, [LinearLR(o, 0.5, 1.0, 2), LambdaLR(o, lambda e: 0.9**e), CosineAnnealingLR(o, 4)], [3, 6]),
    ],
    "chained": lambda o: [LinearLR(o, 0.5, 1.0, 4), CosineAnnealingLR(o, 6)],
}


def optimizer_with(*rates: float) -> SGD:
    groups: list[dict[str, Any]] = [{"params": [curta.tensor([1.0], requires_grad=True)], "lr": rate} for rate in rates]
    return SGD(groups)


def rates_of(optimizer: SGD, schedules: list[LRScheduler], steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for schedule in schedules:
            schedule.step()
    return rates


@pytest.mark.parametrize("name", EXPECTED)
def test_rates_are_pytorchs(name: str) -> None:
    optimizer = optimizer_with(0.1, 0.5)
    schedules = MAKERS[name](optimizer)
    assert rates_of(optimizer, schedules, len(EXPECTED[name])) == pytest.approx(EXPECTED[name], abs=1e-11)
    assert schedules[-1].get_last_lr() == [group["lr"] for group in optimizer.param_groups]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_schedule_goes_on_from_its_state_dict(name: str) -> None:
    first = optimizer_with(0.1, 0.5)
    schedules = MAKERS[name](first)
    rates_of(first, schedules, 4)
    second = optimizer_with(0.1, 0.5)
    resumed = MAKERS[name](second)
    for schedule, saved in zip(resumed, schedules, strict=True):
        schedule.load_state_dict(saved.state_dict())
    second.load_state_dict(first.state_dict())
    assert rates_of(second, resumed, 6) == pytest.approx(EXPECTED[name][4:10], abs=1e-11)


def test_sequences_can_be_nested() -> None:
    # PyTorch 2.13 moves the inner milestone by one step, and fails when a sequence is not the first schedule.
    optimizer = optimizer_with(1.0)
    inner = SequentialLR(optimizer, [LinearLR(optimizer, 0.5, 1.0, 1), LambdaLR(optimizer, lambda e: 0.5**e)], [2])
    outer = SequentialLR(optimizer, [LambdaLR(optimizer, lambda e: 1.0 + e), inner], [3])
    assert rates_of(optimizer, [outer], 8) == pytest.approx([1.0, 2.0, 3.0, 0.5, 1.0, 1.0, 0.5, 0.25])
    optimizer = optimizer_with(1.0)
    inner = SequentialLR(optimizer, [LinearLR(optimizer, 0.5, 1.0, 1), LambdaLR(optimizer, lambda e: 0.5**e)], [2])
    outer = SequentialLR(optimizer, [inner, LambdaLR(optimizer, lambda e: 10.0 + e)], [4])
    assert rates_of(optimizer, [outer], 6) == pytest.approx([0.5, 1.0, 1.0, 0.5, 10.0, 11.0])


def test_cosine_with_warmup() -> None:
    optimizer = optimizer_with(0.8)
    schedule = CosineWithWarmup(optimizer, warmup_steps=3, total_steps=7, min_factor=0.25)
    # 0.2 + 0.6 * (1 + cos(pi * k / 4)) / 2 for k = 0 to 4
    eighth = 0.6 * (1 - math.sqrt(0.5)) / 2
    expected = [0.2, 0.4, 0.6, 0.8, 0.8 - eighth, 0.5, 0.2 + eighth, 0.2, 0.2]
    assert rates_of(optimizer, [schedule], 9) == pytest.approx(expected)
    assert CosineWithWarmup(optimizer_with(0.8), 0, 5).get_last_lr() == [0.8]


def test_step_to_an_epoch() -> None:
    optimizer = optimizer_with(0.1)
    schedule = LinearLR(optimizer, 0.25, 0.75, 4)
    optimizer.step()
    schedule.step(3)
    assert schedule.get_last_lr() == pytest.approx([0.0625])
    schedule.step(1)
    assert schedule.get_last_lr() == pytest.approx([0.0375])


def test_a_callable_objects_attributes_are_saved() -> None:
    class Slope:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, step: int) -> float:
            return self.factor**step

    saved = LambdaLR(optimizer_with(1.0), Slope(0.5)).state_dict()
    assert saved["lr_lambdas"] == [{"factor": 0.5}]
    optimizer = optimizer_with(1.0)
    schedule = LambdaLR(optimizer, Slope(0.9))
    schedule.load_state_dict(saved)
    assert rates_of(optimizer, [schedule], 3) == [1.0, 0.5, 0.25]


def test_stepping_before_the_optimizer_is_warned_of() -> None:
    optimizer = optimizer_with(0.1)
    schedule = LinearLR(optimizer)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()
    optimizer = optimizer_with(0.1)
    schedule = LinearLR(optimizer)
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()


def test_resuming_with_last_epoch() -> None:
    optimizer = optimizer_with(0.1)
    optimizer.param_groups[0].update(initial_lr=0.2, lr=0.1)
    schedule = LambdaLR(optimizer, lambda e: 0.5**e, last_epoch=2)
    assert schedule.last_epoch == 3
    assert schedule.get_last_lr() == pytest.approx([0.025])


ERRORS: list[tuple[Callable[[SGD], object], str]] = [
    (lambda o: LinearLR(o, 0), "Starting multiplicative factor expected to be greater than 0 and less or equal to 1."),
    (lambda o: LinearLR(o, 1, 2), "Ending multiplicative factor expected to be between 0 and 1."),
    (lambda o: LambdaLR(o, [lambda e: 1, lambda e: 1]), "Expected 1 lr_lambdas, but got 2"),
    (lambda o: SequentialLR(o, [], []), "SequentialLR expects at least one scheduler, but got no scheduler."),
    (
        lambda o: SequentialLR(o, [LinearLR(o)], [3]),
        "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone "
        "points, but got number of schedulers 1 and the number of milestones to be equal to 1",
    ),
    (
        lambda o: SequentialLR(o, [LinearLR(optimizer_with(0.1))], []),
        "SequentialLR expects all schedulers to belong to the same optimizer, but got scheduler LinearLR at index 0 "
        "with another one",
    ),
    (lambda o: CosineAnnealingLR(o, 0), "T_max must be a positive number of steps, got 0"),
    (lambda o: CosineWithWarmup(o, 5, 5), "CosineWithWarmup needs 0 <= warmup_steps < total_steps, got 5 and 5"),
    (lambda o: CosineWithWarmup(o, 1, 5, 2.0), "CosineWithWarmup needs 0 <= min_factor <= 1, got 2.0"),
    (
        lambda o: LinearLR(o, last_epoch=3),
        "param 'initial_lr' is not specified in param_groups[0] when resuming scheduler with last_epoch >= 0: "
        "load the optimizer's state dict before making the scheduler",
    ),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_schedules_that_cannot_be(call: Callable[[SGD], object], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call(optimizer_with(0.1))
    assert str(caught.value) == message


def test_a_schedule_needs_an_optimizer() -> None:
    with pytest.raises(ArgumentTypeError, match="int is not an Optimizer"):
        LinearLR(3)  # type: ignore[arg-type]
