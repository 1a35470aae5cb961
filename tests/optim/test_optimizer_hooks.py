"""Hooks of optimizers: their order, what they may change, and that copies have none. As PyTorch 2.13."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import curta
from curta.errors import AutogradError
from curta.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)


def made(kind: Any = curta.optim.SGD) -> Any:
    weight = curta.ones(2, requires_grad=True)
    weight.grad = curta.ones(2)
    return kind([weight], lr=0.1)


@pytest.mark.parametrize("kind", [curta.optim.SGD, curta.optim.AdamW, curta.optim.LBFGS])
def test_around_steps(kind: Any) -> None:
    optimizer, log = made(kind), []
    value = optimizer.param_groups[0]["params"][0]

    def closure() -> Any:
        log.append("closure")
        return (value * value).sum()

    optimizer.register_step_pre_hook(lambda *given: log.append(("before", *given)))
    handle = optimizer.register_step_post_hook(lambda *given: log.append(("after", *given)))
    optimizer.step(closure)
    arguments = (optimizer, closure)
    assert log[0] == ("before", optimizer, arguments, {})
    assert log[1] == "closure"
    assert log[-1] == ("after", optimizer, arguments, {})
    handle.remove()
    log.clear()
    optimizer.step(closure=closure)
    assert log[0] == ("before", optimizer, (optimizer,), {"closure": closure})
    assert set(log[1:]) == {"closure"}


def test_arguments_are_changed() -> None:
    optimizer = made()
    handle = optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: ((optimizer, lambda: 5.0), {}))
    assert optimizer.step() == 5.0
    handle.remove()
    assert optimizer.step() is None
    optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: 3)
    with pytest.raises(AutogradError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3\.$"):
        optimizer.step()


def test_hooks_of_all_optimizers() -> None:
    optimizer, log = made(), []
    handles = [
        register_optimizer_step_pre_hook(lambda *given: log.append("all before")),
        register_optimizer_step_post_hook(lambda *given: log.append("all after")),
    ]
    optimizer.register_step_pre_hook(lambda *given: log.append("before"))
    optimizer.register_step_post_hook(lambda *given: log.append("after"))
    optimizer.step()
    assert log == ["all before", "before", "after", "all after"]
    for handle in handles:
        handle.remove()
    made().step()
    assert len(log) == 4


def test_a_step_of_a_step() -> None:
    class Twice(curta.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            super().step()
            return super().step(closure)

    optimizer, log = made(Twice), []
    optimizer.register_step_pre_hook(lambda *given: log.append(1))
    optimizer.step()
    assert log == [1]
    assert optimizer.step_count == 2
    assert issubclass(Twice, Optimizer)


def test_saving_and_loading() -> None:
    optimizer, log = made(), []
    optimizer.register_state_dict_pre_hook(lambda optimizer: log.append("saving"))
    optimizer.register_state_dict_post_hook(lambda optimizer, saved: {**saved, "last": list(saved)})
    optimizer.register_state_dict_post_hook(lambda optimizer, saved: saved.update(first=1), prepend=True)
    saved = optimizer.state_dict()
    assert saved["last"] == ["state", "param_groups", "first"]
    assert log == ["saving"]

    def change(optimizer: Any, saved: Any) -> Any:
        saved["param_groups"][0]["lr"] = 0.7
        return saved

    optimizer.register_load_state_dict_pre_hook(change)
    optimizer.register_load_state_dict_pre_hook(lambda optimizer, saved: log.append(sorted(saved)), prepend=True)
    optimizer.register_load_state_dict_post_hook(lambda optimizer: log.append(optimizer.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert log[1:] == [["first", "last", "param_groups", "state"], 0.7]


def test_copies_have_none() -> None:
    optimizer = made()
    optimizer.register_step_pre_hook(lambda *given: pytest.fail("not of the copy"))
    for again in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        again.step()
        assert again.step_count == 1
    assert optimizer.step_count == 0


def test_schedules_and_compiled_steps() -> None:
    optimizer, log = made(), []
    optimizer.register_step_post_hook(lambda *given: log.append(1))
    schedule = curta.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [pytest.approx(0.01)]
    step = curta.compile(optimizer.step)
    step()
    assert optimizer.step_count == 2
    assert len(log) == 2
