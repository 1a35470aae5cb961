"""Updates of an embedding's looked-up rows alone: the numbers of the whole update, without its gradient's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import curta
import curta.nn.functional as F
from curta import nn, optim

V, D, N = 4000, 24, 64

Making = Callable[[Any], optim.Optimizer]

STILL: dict[str, Making] = {
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.5),
    "Adagrad": lambda parameters: optim.Adagrad(parameters, lr=0.1),
    "Adagrad with a start": lambda parameters: optim.Adagrad(
        parameters, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.2
    ),
}
MOVING: dict[str, Making] = {
    "momentum": lambda parameters: optim.SGD(parameters, lr=0.5, momentum=0.9),
    "decay": lambda parameters: optim.SGD(parameters, lr=0.5, weight_decay=0.01),
    "uphill": lambda parameters: optim.SGD(parameters, lr=0.5, maximize=True),
    "endless rate": lambda parameters: optim.SGD(parameters, lr=float("inf")),
    "Adagrad without eps": lambda parameters: optim.Adagrad(parameters, lr=0.1, eps=0.0),
    "Adagrad with decay": lambda parameters: optim.Adagrad(parameters, lr=0.1, weight_decay=0.1),
    "Adam": lambda parameters: optim.Adam(parameters, lr=0.1),
    "RMSprop": lambda parameters: optim.RMSprop(parameters, lr=0.1),
}


class Trained:
    """A model with a table, its optimizer and a step of both; batches name the rows of `names`."""

    def __init__(self, make: Making, dtype: curta.dtype = curta.float32, **options: Any) -> None:
        curta.manual_seed(1)
        self.table = nn.Embedding(V, D, **options).to(dtype)
        self.head = nn.Linear(D, 5).to(dtype)
        self.parameters = [self.table.weight, self.head.weight, self.head.bias]
        self.optimizer = make(self.parameters)

    def step(
        self, rows: curta.Tensor, wanted: curta.Tensor, *, clipped: bool = False, cleared: bool = True
    ) -> curta.Tensor:
        loss: curta.Tensor = F.cross_entropy(self.head(self.table(rows)).mean(1).float(), wanted)
        loss.backward()
        if clipped:
            nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        if cleared:
            self.optimizer.zero_grad()
        return loss

    def everything(self) -> list[Any]:
        """The parameters and the optimizer's state."""
        states = [value for state in self.optimizer.state.values() for value in state.values()]
        return [one.tolist() if isinstance(one, curta.Tensor) else one for one in (*self.parameters, *states)]


def batch(number: int, rows: int = V) -> tuple[curta.Tensor, curta.Tensor]:
    generator = curta.Generator().manual_seed(number)
    named = curta.randint(0, rows, (N // 8, 8), generator=generator)
    return named, curta.randint(0, 5, (N // 8,), generator=generator)


def both(make: Making, **options: Any) -> Any:
    """The compiled step after four batches, two of them with rows named many times, equal to the function's.

    They are compared as text, in which NaN equals NaN.
    """
    eager, compiled = Trained(make, **options), Trained(make, **options)
    step = curta.compile(compiled.step)
    for number, rows in enumerate((V, 5, V, 1)):
        assert str(eager.step(*batch(number, rows)).item()) == str(step(*batch(number, rows)).item())
    assert str(eager.everything()) == str(compiled.everything())
    return step


def operators(step: Any) -> set[str]:
    names = [part.call.op.name for node in step.program.graph.nodes for part in node.parts or (node,)]
    return set(names)


@pytest.mark.parametrize("dtype", [curta.float32, curta.float64, curta.float16, curta.bfloat16])
@pytest.mark.parametrize("name", STILL)
def test_rows_alone(name: str, dtype: curta.dtype) -> None:
    step = both(STILL[name], dtype=dtype)
    assert operators(step) & {"row_totals", "scatter_rows"} == {"row_totals"}
    assert len(step.programs) == 1


@pytest.mark.parametrize("options", [{"padding_idx": 3}, {"scale_grad_by_freq": True}])
def test_options_of_the_table(options: dict[str, Any]) -> None:
    assert "row_totals" in operators(both(STILL["Adagrad"], **options))


@pytest.mark.parametrize("name", MOVING)
def test_what_changes_other_rows_too(name: str) -> None:
    assert "row_totals" not in operators(both(MOVING[name]))


def test_no_gradient_of_the_table_in_memory() -> None:
    step = both(STILL["SGD"])
    account = step.program.account()
    assert account.arena_bytes < V * D * 4 // 4
    # parameters are read and written where they are named: N rows of D, not V
    assert account.cost.bytes_read + account.cost.bytes_written < V * D * 4


def test_as_many_rows_as_the_table_has() -> None:
    """All of it moves: the whole update is cheaper."""
    trained = Trained(STILL["SGD"])
    step = curta.compile(trained.step)
    step(curta.randint(0, V, (V, 1)), curta.randint(0, 5, (V,)))
    assert "row_totals" not in operators(step)


def test_a_gradient_that_stays_is_whole() -> None:
    trained = Trained(STILL["SGD"])
    step = curta.compile(lambda rows, wanted: trained.step(rows, wanted, cleared=False))
    rows, wanted = batch(0)
    step(rows, wanted)
    assert "row_totals" not in operators(step)
    assert trained.table.weight.grad is not None
    touched = trained.table.weight.grad.abs().sum(1) > 0
    assert set(touched.nonzero().flatten().tolist()) == set(rows.flatten().tolist())


def test_a_gradient_that_is_clipped_is_whole() -> None:
    trained = Trained(STILL["SGD"])
    step = curta.compile(lambda rows, wanted: trained.step(rows, wanted, clipped=True))
    step(*batch(0))
    assert "row_totals" not in operators(step)


def test_a_decay_that_begins_later() -> None:
    """The program no longer fits: another is made, for all rows."""
    eager, compiled = Trained(STILL["SGD"]), Trained(STILL["SGD"])
    step = curta.compile(compiled.step)
    for number in range(3):
        for trained in (eager, compiled):
            trained.optimizer.param_groups[0]["lr"] = float("inf") if number == 2 else 0.5 / (number + 1)
        assert str(eager.step(*batch(number)).item()) == str(step(*batch(number)).item())
    assert str(eager.everything()) == str(compiled.everything())
    assert len(step.programs) == 2


def test_indices_of_32_bits_and_a_table_looked_up_twice() -> None:
    trained, other = Trained(STILL["SGD"]), Trained(STILL["SGD"])

    def twice(which: Trained) -> Any:
        def step(rows: curta.Tensor, more: curta.Tensor) -> curta.Tensor:
            loss: curta.Tensor = (which.table(rows) * which.table(more)).sum()
            loss.backward()
            which.optimizer.step()
            which.optimizer.zero_grad()
            return loss

        return step

    rows, more = batch(0)[0].int(), batch(1)[0].int()
    compiled = curta.compile(twice(trained))
    assert compiled(rows, more).item() == twice(other)(rows, more).item()
    assert trained.table.weight.tolist() == other.table.weight.tolist()
