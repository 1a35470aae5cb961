"""Two calls that differ in one respect only: a program that was right for the first is not taken for the second."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta import nn, optim


class Case:
    """A function of a tensor that looks at everything outside, and what it looks at."""

    def __init__(self) -> None:
        curta.manual_seed(0)
        self.weight = curta.tensor([[1.0, 2.0], [3.0, 4.0]])
        self.other = curta.tensor([[5.0, 6.0], [7.0, 8.0]])
        self.model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 2))
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.1)


CHANGES: dict[str, Callable[[Case], Any]] = {
    "nothing": lambda case: None,
    "memory": lambda case: setattr(case.weight, "data", curta.zeros(2, 2)),
    "the layout of the same memory": lambda case: setattr(case.weight, "data", case.weight.data.T),
    "memory of what is only used detached": lambda case: setattr(case.other, "data", curta.zeros(2, 2)),
    "a parameter's memory": lambda case: setattr(case.model[0].weight, "data", curta.ones(3, 2)),
    "a wish for a gradient": lambda case: case.model[0].bias.requires_grad_(False),
    "a mode": lambda case: case.model.eval(),
    "the mode of a part": lambda case: case.model[1].eval(),
    "a mode by hand": lambda case: setattr(case.model[1], "training", False),
    "a parameter": lambda case: setattr(case.model[2], "weight", nn.Parameter(curta.ones(2, 3))),
    "a part": lambda case: setattr(case.model, "1", nn.Identity()),
    "a gradient": lambda case: setattr(case.model[0].weight, "grad", curta.ones(3, 2)),
    "a step": lambda case: case.optimizer.state[case.model[0].weight].update(step=9),
    "state": lambda case: case.optimizer.state[case.model[0].bias].update(exp_avg=curta.ones(3)),
    "all state": lambda case: case.optimizer.load_state_dict(case.optimizer.state_dict()),
    "a rate": lambda case: case.optimizer.param_groups[0].update(lr=0.5),
    "a flag": lambda case: case.optimizer.param_groups[0].update(weight_decay=0.5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_between_equal_calls(change: str) -> None:
    def run(compile: Any) -> Any:
        case = Case()

        @compile
        def step(x: Any) -> Any:
            loss = (case.model(x @ case.weight + case.other.detach()) ** 2).mean()
            loss.backward()
            case.optimizer.step()
            case.optimizer.zero_grad()
            return loss

        x = curta.ones(2, 2)
        losses = [step(x).item() for _ in range(3)]
        CHANGES[change](case)
        losses += [step(x).item() for _ in range(3)]
        if change == "nothing" and compile is curta.compile:
            assert len(step.programs) == 1
        values = [(p.tolist(), None if p.grad is None else p.grad.tolist()) for p in case.model.parameters()]
        return losses, values

    assert run(curta.compile) == run(lambda function: function)


ARGUMENTS: dict[str, tuple[Callable[..., Any], list[Callable[[], tuple[Any, ...]]]]] = {
    "a shape": (lambda x, n: x * n, [lambda: (curta.ones(2), 2), lambda: (curta.ones(3), 2)]),
    "strides": (lambda x, n: x * n, [lambda: (curta.ones(2, 2), 2), lambda: (curta.ones(2, 4)[:, ::2], 2)]),
    "a format": (lambda x, n: x * n, [lambda: (curta.ones(2), 2), lambda: (curta.ones(2, dtype=curta.float64), 2)]),
    "a number": (lambda x, n: x * n, [lambda: (curta.ones(2), 2), lambda: (curta.ones(2), 3)]),
    "the sign of zero": (lambda x, n: 1 / (x * n), [lambda: (curta.ones(2), 0.0), lambda: (curta.ones(2), -0.0)]),
    "the type of a number": (lambda x, n: x + n, [lambda n=n: (curta.ones(2).int(), n) for n in (1, 1.0, True)]),
    "how many": (lambda *all_of_them: sum(all_of_them), [lambda: (curta.ones(2),), lambda: (curta.ones(2),) * 2]),
    "which of them are one": (
        lambda x, y: x * 3 - y,
        [lambda: (curta.ones(2), curta.ones(2)), lambda: (curta.ones(2),) * 2, lambda: (curta.ones(2), curta.ones(2))],
    ),
    "what is in a list": (
        lambda x, numbers: x * numbers[0],
        [lambda: (curta.ones(2), [2]), lambda: (curta.ones(2), [3])],
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_one_change_of_the_arguments(name: str) -> None:
    function, calls = ARGUMENTS[name]

    def run(function: Any) -> list[Any]:
        found = []
        for call in (*calls, *calls, *calls[:1], *calls[:1], *calls[1:]):
            result = function(*call())
            found.append((str(result.dtype), str(result.tolist())))
        return found

    assert run(curta.compile(function)) == run(function)


def test_a_list_that_is_changed_in_place_is_looked_at_again() -> None:
    numbers = [2.0]
    function = curta.compile(lambda x, factors: x * factors[0])
    assert function(curta.ones(1), numbers).item() == 2
    assert function(curta.ones(1), numbers).item() == 2
    numbers[0] = 3.0
    assert function(curta.ones(1), numbers).item() == 3


def test_gradients_of_arguments_come_and_go() -> None:
    def run(compile: Any) -> Any:
        square = compile(lambda x: (x * x).sum().backward())
        found = []
        for number in range(6):
            x = curta.tensor([1.0, 2.0], requires_grad=number % 3 != 2)
            if number % 2:
                x.grad = curta.ones(2)
            if x.requires_grad:
                square(x)
            found.append(None if x.grad is None else x.grad.tolist())
        return found

    assert run(curta.compile) == run(lambda function: function)


def test_modes_between_equal_calls() -> None:
    weight = curta.ones(3, 3, requires_grad=True)
    product = curta.compile(lambda x: x @ weight)
    x = curta.ones(2, 3)
    for _ in range(2):
        assert product(x).requires_grad
        assert product(x).requires_grad
        with curta.no_grad():
            assert not product(x).requires_grad
        with curta.autocast("cpu", dtype=curta.bfloat16):
            assert product(x).dtype is curta.bfloat16
    makes = curta.compile(lambda: curta.ones(2))
    assert [makes().dtype, makes().dtype] == [curta.float32] * 2
    curta.set_default_dtype(curta.float64)
    try:
        assert makes().dtype is curta.float64
    finally:
        curta.set_default_dtype(curta.float32)
    assert makes().dtype is curta.float32


def test_names_of_every_kind_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = 1.0

    def function(x: Any) -> Any:
        return sum([x * LATE for _ in range(2)]) + (lambda: inner)()  # noqa: F821

    compiled = curta.compile(function)
    monkeypatch.setitem(globals(), "LATE", 2.0)  # there was no such name when the function was given to compile
    assert [compiled(curta.ones(1)).item() for _ in range(3)] == [5.0] * 3
    monkeypatch.setitem(globals(), "LATE", 3.0)
    assert [compiled(curta.ones(1)).item() for _ in range(2)] == [7.0] * 2
    inner = 2.0
    assert [compiled(curta.ones(1)).item() for _ in range(2)] == [8.0] * 2
    inner = 1.0
    assert compiled(curta.ones(1)).item() == 7.0
    assert len(compiled.programs) == 3


def test_not_a_number_is_one_kind_of_argument() -> None:
    function = curta.compile(lambda x, n: x + n)
    for _ in range(3):
        assert math.isnan(function(curta.ones(1), float("nan")).item())
    assert len(function.programs) == 1


def test_an_open_account_sees_equal_calls() -> None:
    function = curta.compile(lambda x: x + 1)
    x = curta.ones(4)
    function(x), function(x)
    with curta.account() as account:
        function(x)
    assert account.flops == 4
