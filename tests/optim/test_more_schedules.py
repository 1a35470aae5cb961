"""The schedules that change rates by steps, cycles and measurements, against PyTorch 2.13's over a hundred steps."""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import curta
from curta.errors import ArgumentError, ArgumentTypeError, CurtaError, OrderError
from curta.optim import SGD, Adam, RMSprop, lr_scheduler

sys.path.insert(0, str(Path(__file__).parent))
from schedule_cases import CASES, PLATEAUS, trajectory

#: by case and step: the first group's rate and momentum, then the second's, from torch.optim.lr_scheduler
EXPECTED: dict[str, list[list[float]]] = json.loads(Path(__file__).with_name("schedules.json").read_text())


def optimizer_of_two() -> SGD:
    groups: list[dict[str, Any]] = [
        {"params": [curta.ones(1, requires_grad=True)], "lr": 0.1},
        {"params": [curta.ones(1, requires_grad=True)], "lr": 0.5},
    ]
    return SGD(groups, momentum=0.9)


@pytest.mark.parametrize("name", [*CASES, *PLATEAUS])
def test_a_hundred_steps_are_pytorchs(name: str) -> None:
    found = trajectory(lr_scheduler, optimizer_of_two, name)
    assert len(found) == len(EXPECTED[name]) == 101
    for here, there in zip(found, EXPECTED[name], strict=True):
        assert here == pytest.approx(there, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_a_schedule_goes_on_from_its_state_dict(name: str) -> None:
    first = optimizer_of_two()
    schedules = CASES[name](lr_scheduler, first)
    for _ in range(17):
        first.step()
        for schedule in schedules:
            schedule.step()
    saved = copy.deepcopy([schedule.state_dict() for schedule in schedules])
    second = optimizer_of_two()
    resumed = CASES[name](lr_scheduler, second)
    second.load_state_dict(first.state_dict())
    for schedule, state in zip(resumed, saved, strict=True):
        schedule.load_state_dict(state)
    for step in range(17, 60):
        found = [group[key] for group in second.param_groups for key in ("lr", "momentum")]
        assert found == pytest.approx(EXPECTED[name][step], rel=1e-9, abs=1e-14)
        second.step()
        for schedule in resumed:
            schedule.step()


def test_a_plateau_goes_on_from_its_state_dict() -> None:
    first, second = optimizer_of_two(), optimizer_of_two()
    before = lr_scheduler.ReduceLROnPlateau(first, patience=1)
    before.step(1.0)
    before.step(2.0)
    after = lr_scheduler.ReduceLROnPlateau(second, patience=1)
    after.load_state_dict(before.state_dict())
    after.step(curta.tensor(2.0))
    assert after.get_last_lr() == pytest.approx([0.01, 0.05])
    assert (after.num_bad_epochs, after.last_epoch, after.in_cooldown) == (0, 3, False)


#: step to an epoch: (schedule, epochs, the first group's rates there) from torch.optim.lr_scheduler
JUMPS: list[tuple[Callable[[Any], Any], list[float], list[float]]] = [
    (lambda o: lr_scheduler.StepLR(o, 7, 0.5), [20, 3], [0.025, 0.1]),
    (lambda o: lr_scheduler.MultiStepLR(o, [3, 5, 5], 0.5), [4, 5, 2], [0.05, 0.0125, 0.1]),
    (lambda o: lr_scheduler.ConstantLR(o, 0.25, 4), [3, 4], [0.025, 0.1]),
    (lambda o: lr_scheduler.ExponentialLR(o, 0.5), [3, 1], [0.0125, 0.05]),
    (lambda o: lr_scheduler.PolynomialLR(o, 4, 2.0), [2, 9], [0.025, 0.0]),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2), [6.0, 1.0], [0.0853553390593, 0.0853553390593]),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4), [6.0, 0.0], [0.05, 0.1]),
    (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(o, 0.5)]), [3], [0.0125]),
]


@pytest.mark.parametrize(("make", "epochs", "rates"), JUMPS)
def test_step_to_an_epoch(make: Callable[[Any], Any], epochs: list[float], rates: list[float]) -> None:
    optimizer = optimizer_of_two()
    schedule = make(optimizer)
    optimizer.step()
    found = []
    for epoch in epochs:
        schedule.step(epoch)
        found.append(schedule.get_last_lr()[0])
    assert found == pytest.approx(rates, abs=1e-12)


def test_a_callable_objects_attributes_are_saved() -> None:
    class Scale:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, cycle: float) -> float:
            return self.factor

    saved = lr_scheduler.CyclicLR(optimizer_of_two(), 0.0, 1.0, 4, scale_fn=Scale(0.5)).state_dict()
    assert saved["_scale_fn_custom"] == {"factor": 0.5}
    schedule = lr_scheduler.CyclicLR(optimizer_of_two(), 0.0, 1.0, 4, scale_fn=Scale(1.0))
    schedule.load_state_dict(saved)
    assert schedule.scale_fn(3.0) == 0.5


def test_betas_are_moved_where_there_is_no_momentum() -> None:
    adam = Adam([curta.ones(1, requires_grad=True)], lr=0.1)
    schedule = lr_scheduler.OneCycleLR(adam, 1.0, total_steps=11)
    assert adam.param_groups[0]["betas"] == (0.95, 0.999)
    adam.step()
    schedule.step()
    assert adam.param_groups[0]["betas"] == pytest.approx((0.85 + 0.05 * (1 + math.cos(math.pi / 2.3)), 0.999))


def test_where_pytorch_divides_by_zero() -> None:
    schedule = lr_scheduler.OneCycleLR(optimizer_of_two(), 1.0, total_steps=10, pct_start=0.1)
    assert schedule.get_last_lr() == [1.0, 1.0]
    optimizer = optimizer_of_two()
    constant = lr_scheduler.ConstantLR(optimizer, 0.0, 1)
    assert constant.get_last_lr() == [0.0, 0.0]
    optimizer.step()
    constant.step()
    assert constant.get_last_lr() == [0.1, 0.5]


def test_a_compiled_step_follows_without_compiling_again() -> None:
    def run(compiled: bool) -> list[float]:
        weight = curta.tensor([1.0, -2.0], requires_grad=True)
        optimizer = SGD([weight], lr=0.1, momentum=0.9)
        one_cycle = lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=20)
        chain = lr_scheduler.ChainedScheduler([one_cycle, lr_scheduler.ExponentialLR(optimizer, 0.99)])

        def step() -> None:
            optimizer.zero_grad()
            (weight * weight).sum().backward()
            optimizer.step()
            chain.step()

        function = curta.compile(step) if compiled else step
        for _ in range(8):
            function()
        if compiled:
            assert len(function.programs) <= 2  # the first step, without momentum's buffer, and all others
        return [*weight.tolist(), *one_cycle.get_last_lr(), optimizer.param_groups[0]["momentum"]]

    assert run(True) == pytest.approx(run(False), rel=1e-6)


def test_a_plateau_does_not_take_a_loss_that_is_being_compiled() -> None:
    weight = curta.ones(2, requires_grad=True)
    schedule = lr_scheduler.ReduceLROnPlateau(SGD([weight], lr=0.1))
    with pytest.raises(CurtaError, match="value"):
        curta.compile(lambda: schedule.step(weight.sum()))()


def rms() -> RMSprop:
    return RMSprop([curta.ones(1, requires_grad=True)], lr=0.1)


M = lr_scheduler
REFUSALS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: M.StepLR(rms(), 0), ArgumentError, "step_size must be a positive number of steps, got 0"),
    (lambda: M.PolynomialLR(rms(), 0), ArgumentError, "total_iters must be a positive number of steps, got 0"),
    (
        lambda: M.ConstantLR(rms(), 1.5),
        ArgumentError,
        "Constant multiplicative factor expected to be between 0 and 1.",
    ),
    (lambda: M.MultiplicativeLR(rms(), []), ArgumentError, "Expected 1 lr_lambdas, but got 0"),
    (lambda: M.CosineAnnealingWarmRestarts(rms(), 0), ArgumentError, "Expected positive integer T_0, but got 0"),
    (
        lambda: M.CosineAnnealingWarmRestarts(rms(), 2, 0),
        ArgumentError,
        "Expected integer T_mult >= 1, but got 0",
    ),
    (
        lambda: M.CosineAnnealingWarmRestarts(rms(), 2, eta_min="a"),  # type: ignore[arg-type]
        ArgumentError,
        "Expected float or int eta_min, but got a of type <class 'str'>",
    ),
    (
        lambda: M.CosineAnnealingWarmRestarts(rms(), 2)._set_rates(-2),
        ArgumentError,
        "Expected non-negative epoch, but got -2",
    ),
    (lambda: M.CyclicLR(3, 0.1, 0.2), ArgumentTypeError, "int is not an Optimizer"),  # type: ignore[arg-type]
    (lambda: M.CyclicLR(rms(), 0.1, 0.2, mode="up"), ArgumentError, "mode is invalid and scale_fn is None"),
    (
        lambda: M.CyclicLR(rms(), [0.1, 0.2], 0.3),
        ArgumentError,
        "base_lr must have the same length as optimizer.param_groups: 2, 1",
    ),
    (
        lambda: M.CyclicLR(curta.optim.Adagrad([curta.ones(1, requires_grad=True)]), 0.1, 0.2),
        ArgumentError,
        "optimizer must support momentum or beta1 with `cycle_momentum` option enabled",
    ),
    (lambda: M.OneCycleLR(3, 0.1, 10), ArgumentTypeError, "int is not an Optimizer"),  # type: ignore[arg-type]
    (
        lambda: M.OneCycleLR(rms(), 0.1),
        ArgumentError,
        "You must define either total_steps OR (epochs AND steps_per_epoch)",
    ),
    (lambda: M.OneCycleLR(rms(), 0.1, 0), ArgumentError, "Expected positive integer total_steps, but got 0"),
    (
        lambda: M.OneCycleLR(rms(), 0.1, epochs=-1, steps_per_epoch=1),
        ArgumentError,
        "Expected positive integer epochs, but got -1",
    ),
    (
        lambda: M.OneCycleLR(rms(), 0.1, 10, pct_start=1.5),
        ArgumentError,
        "Expected float between 0 and 1 pct_start, but got 1.5",
    ),
    (
        lambda: M.OneCycleLR(rms(), 0.1, 10, anneal_strategy="sine"),
        ArgumentError,
        "anneal_strategy must be one of 'cos' or 'linear', instead got sine",
    ),
    (lambda: M.ReduceLROnPlateau(rms(), factor=1.0), ArgumentError, "Factor should be < 1.0."),
    (lambda: M.ReduceLROnPlateau(3), ArgumentTypeError, "int is not an Optimizer"),  # type: ignore[arg-type]
    (lambda: M.ReduceLROnPlateau(rms(), "least"), ArgumentError, "mode least is unknown!"),
    (
        lambda: M.ReduceLROnPlateau(rms(), threshold_mode="x"),
        ArgumentError,
        "threshold mode x is unknown!",
    ),
    (lambda: M.ReduceLROnPlateau(rms(), min_lr=[0.1, 0.2]), ArgumentError, "expected 1 min_lrs, got 2"),
    (
        lambda: M.ChainedScheduler([]),
        ArgumentError,
        "ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.",
    ),
    (
        lambda: M.ChainedScheduler([M.StepLR(rms(), 2)], rms()),
        ArgumentError,
        "ChainedScheduler expects all schedulers to belong to the same optimizer, but got scheduler StepLR at index 0 "
        "with another one",
    ),
    (
        lambda: M.ChainedScheduler([M.ReduceLROnPlateau(rms())]),
        ArgumentError,
        "ChainedScheduler does not support `ReduceLROnPlateau`, whose step needs a measurement: got it at index 0",
    ),
    (
        lambda: M.SequentialLR((o := rms()), [M.ReduceLROnPlateau(o)], []),
        ArgumentError,
        "SequentialLR does not support `ReduceLROnPlateau`, whose step needs a measurement: got it at index 0",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), REFUSALS)
def test_schedules_that_cannot_be(call: Callable[[], object], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_one_cycle_ends() -> None:
    optimizer = rms()
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, 2, cycle_momentum=False)
    optimizer.step()
    schedule.step()
    schedule.step()
    with pytest.raises(ArgumentError, match=r"Tried to step 3 times\. The total number of steps is 2"):
        schedule.step()


def test_groups_that_are_added_later_have_a_least_rate_too() -> None:
    first, second = (curta.nn.Parameter(curta.ones(1)) for _ in range(2))
    for least in (0.4, [0.4]):
        optimizer = SGD([first], lr=1.0)
        schedule = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=0, min_lr=least)
        optimizer.add_param_group({"params": [second], "lr": 2.0})
        schedule.step(1.0)
        if isinstance(least, list):
            with pytest.raises(
                OrderError, match=r"The number of param groups in the `optimizer` \(2\) differs from when"
            ):
                schedule.step(1.0)
            continue
        schedule.step(1.0)
        assert [group["lr"] for group in optimizer.param_groups] == [0.4, pytest.approx(0.6)]
