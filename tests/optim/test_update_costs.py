"""What an update costs, by hand: FLOPs, bytes, kernels, the memory of its state."""

from __future__ import annotations

from typing import Any

import pytest

import curta
from curta import optim

# optimizer, arguments, FLOPs an element, tensors of state, and how many of those are read
COSTS: list[tuple[str, dict[str, Any], int, int, int]] = [
    ("SGD", {}, 2, 0, 0),
    # the first moment takes 3, the maximum 1 for the decay, 1 for eps and 1 to compare (a sign none); the step 3
    ("Adamax", {}, 9, 2, 2),
    # a product each for both parts, and their difference; the average is still the parameter, whatever it was
    ("ASGD", {"lambd": 0.5}, 3, 1, 0),
    # an average that counts takes 3 more
    ("ASGD", {"lambd": 0.5, "t0": -1}, 6, 1, 1),
]


@pytest.mark.parametrize(("name", "arguments", "flops", "states", "read"), COSTS)
def test_flops_by_hand(name: str, arguments: dict[str, Any], flops: int, states: int, read: int) -> None:
    weight = curta.ones(10, 3, requires_grad=True)
    weight.grad = curta.ones(10, 3)
    optimizer = getattr(optim, name)([weight], **arguments)
    optimizer.step()
    with curta.account() as books:
        optimizer.step()
    (line,) = books.by_op().values()
    assert (books.flops, books.calls) == (30 * flops, 1)
    assert (line.bytes_read, line.bytes_written) == (120 * (2 + read), 120 * (1 + states))
    assert optimizer.nbytes == 120 * states


def test_adafactor_keeps_rows_and_columns() -> None:
    weight = curta.ones(10, 3, requires_grad=True)
    weight.grad = curta.ones(10, 3)
    optimizer = optim.Adafactor([weight])
    optimizer.step()
    assert optimizer.nbytes == 4 * (10 + 3)


def test_muons_products() -> None:
    weight = curta.ones(4, 6, requires_grad=True)
    weight.grad = curta.ones(4, 6)
    optimizer = optim.Muon([weight], ns_steps=3)
    with curta.account() as books:
        optimizer.step()
    # x x' and (x x')^2 and one more with x, each a multiply-add
    assert books.model_flops == 3 * 2 * (4 * 6 * 4 + 4 * 4 * 4 + 4 * 4 * 6)
    assert books.by_phase()["optimizer"].flops == books.flops


OLDER = ["SGD", "Adagrad", "RMSprop", "Adam", "AdamW"]
EVERY = [*OLDER, "Adamax", "NAdam", "RAdam", "Adadelta", "Rprop", "ASGD", "Adafactor", "Muon"]


@pytest.mark.parametrize("name", EVERY)
def test_a_plan_says_what_a_step_costs_and_changes_nothing(name: str) -> None:
    weight = curta.ones(4, 6, requires_grad=True)
    weight.grad = curta.full((4, 6), 0.5)
    optimizer = getattr(optim, name)([weight])
    before = {key: len(value) for key, value in optimizer.state.items()}
    planned = curta.plan(optimizer.step)
    assert {key: len(value) for key, value in optimizer.state.items()} == before
    assert weight.tolist() == curta.ones(4, 6).tolist()
    with curta.account() as books:
        optimizer.step()
    assert (planned.flops, planned.model_flops) == (books.flops, books.model_flops)


@pytest.mark.parametrize("name", EVERY)
def test_the_meta_device(name: str) -> None:
    weight = curta.ones(4, 6, device="meta", requires_grad=True)
    weight.grad = curta.ones(4, 6, device="meta")
    optimizer = getattr(optim, name)([weight])
    with curta.account() as books:
        optimizer.step()
    assert books.flops > 0


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_empty_parameters(name: str, shape: tuple[int, int]) -> None:
    weight = curta.ones(*shape, requires_grad=True)
    weight.grad = curta.ones(*shape)
    getattr(optim, name)([weight]).step()
    assert weight.tolist() == curta.ones(*shape).tolist()
