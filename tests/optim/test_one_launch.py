"""A step is one launch a parameter group, and gives what updates one after the other give."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import curta
from curta import optim
from curta.optim.update import UpdatePlan

# in each state: what must not be taken for another's kernel
CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adagrad", {"lr_decay": 0.1}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Adadelta", {}),
    ("Rprop", {}),
    ("ASGD", {"lambd": 0.5}),
]
#: those that cannot be one kernel, with the waves of a step: Muon's are two, five for each of five steps, and one
STAGED: list[tuple[str, dict[str, Any], int]] = [
    ("Adafactor", {}, 4),
    ("Adafactor", {"weight_decay": 0.1, "maximize": True, "d": 2.0}, 4),
    ("Muon", {}, 28),
    ("Muon", {"nesterov": False, "ns_steps": 2}, 13),
]


def some_weights(seed: int) -> list[curta.Tensor]:
    """Of several sizes, formats and strides, one of them empty and one of a single element."""
    dice = np.random.default_rng(seed)
    shapes = [(3,), (), (0, 4), (70, 31), (300, 400), (5, 6, 7), (3,), (64, 64)]
    made = [curta.tensor(dice.standard_normal(shape, np.float32)) for shape in shapes]
    made += [made[3].double(), made[7].half(), made[5].bfloat16(), made[3].clone().t(), made[5].clone()[:, ::2]]
    return [curta.nn.Parameter(one) for one in made]


def weights_for(name: str, seed: int) -> list[curta.Tensor]:
    """`some_weights` that the optimizer takes: Muon has matrices only."""
    return [one for one in some_weights(seed) if name != "Muon" or (one.dim() == 2 and one.numel() > 0)]


def give_gradients(weights: list[curta.Tensor], turn: int) -> None:
    dice = np.random.default_rng(turn)
    for place, weight in enumerate(weights):
        given = curta.tensor(dice.standard_normal(weight.shape, np.float32)).to(weight.dtype)
        wide = place % 4 == 3 and weight.dim() == 2
        weight.grad = given.t().contiguous().t() if wide else given


@pytest.mark.parametrize(("name", "arguments"), [*CASES, *[case[:2] for case in STAGED]])
def test_the_bits_of_single_updates(name: str, arguments: dict[str, Any]) -> None:
    make = getattr(optim, name)
    together, alone = weights_for(name, 0), weights_for(name, 0)
    optimizer = make(together, lr=0.01, **arguments)
    singles = [make([weight], lr=0.01, **arguments) for weight in alone]
    for turn in range(4):
        give_gradients(together, turn)
        give_gradients(alone, turn)
        if turn == 2:  # somebody stays behind, and has another number of steps from then on
            together[3].grad = alone[3].grad = None
        optimizer.step()
        for single in singles:
            single.step()
        for one, other in zip(together, alone, strict=True):
            assert curta.equal(one, other)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_one_launch_a_group(name: str, arguments: dict[str, Any], launches: list[int]) -> None:
    weights = [curta.nn.Parameter(curta.ones(*shape)) for shape in [(3,), (70, 31), (5, 6, 7), (300, 400)]]
    groups = [{"params": weights[:3]}, {"params": weights[3:], "lr": 0.5}]
    optimizer = getattr(optim, name)(groups, **arguments)
    for turn in range(3):
        give_gradients(weights, turn)
        before = len(launches)
        optimizer.step()
        assert len(launches) - before == 2


@pytest.mark.parametrize(("name", "arguments", "waves"), STAGED)
def test_one_launch_a_stage(name: str, arguments: dict[str, Any], waves: int, launches: list[int]) -> None:
    shapes = [(4, 6), (30, 20), (30, 20)] + ([] if name == "Muon" else [(7,), (2, 3, 4)])
    weights = [curta.nn.Parameter(curta.ones(*shape)) for shape in shapes]
    optimizer = getattr(optim, name)(weights, **arguments)
    for turn in range(3):
        give_gradients(weights, turn)
        before = len(launches)
        optimizer.step()
        assert len(launches) - before == waves


def test_stages_watched_give_the_same() -> None:
    """Whoever counts sees one operator after the other."""
    seen, unseen = weights_for("Adafactor", 1), weights_for("Adafactor", 1)
    for weights in (seen, unseen):
        give_gradients(weights, 0)
    optim.Adafactor(unseen).step()
    with curta.account() as books:
        optim.Adafactor(seen).step()
    assert books.flops > 0
    for one, other in zip(seen, unseen, strict=True):
        assert curta.equal(one, other)


def against_the_mean(parameter: curta.Tensor, gradient: curta.Tensor, rate: float) -> tuple[curta.Tensor, ...]:
    return (parameter - rate * (gradient - gradient.mean(0, keepdim=True).sum(-1, keepdim=True)),)


class Centered(optim.Optimizer):
    """An update whose sums come before the rest of it."""

    def plan(self, state: Any, group: Any, parameter: curta.Tensor) -> UpdatePlan:
        function = against_the_mean if parameter.dim() > 1 else plain
        return UpdatePlan(function, (), (group["lr"],), {}, {})


def plain(parameter: curta.Tensor, gradient: curta.Tensor, rate: float) -> tuple[curta.Tensor, ...]:
    return (parameter - rate * gradient,)


def test_an_update_of_several_kernels_is_as_many_waves(launches: list[int]) -> None:
    weights = [curta.nn.Parameter(curta.ones(*shape)) for shape in [(3,), (40, 50), (7,), (600, 500)]]
    for weight in weights:
        weight.grad = curta.full(weight.shape, 2.0)
    Centered(weights, {"lr": 0.5}).step()
    assert len(launches) == 1
    assert weights[0].tolist() == [0.0] * 3
    assert weights[2].tolist() == [0.0] * 7
    # each mean is 2, and as many of them as there are columns are 100 or 1000
    assert (weights[1] == 1 - 0.5 * (2 - 100)).all()
    assert (weights[3] == 1 - 0.5 * (2 - 1000)).all()


def test_a_weight_that_is_there_twice_takes_two_steps() -> None:
    weight = curta.nn.Parameter(curta.ones(5))
    weight.grad = curta.ones(5)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = optim.SGD([weight, weight], lr=0.25)
    optimizer.step()
    assert weight.tolist() == [0.5] * 5


def test_weights_that_share_memory_take_their_steps_in_turn() -> None:
    memory = np.ones(2_000_000, np.float32)
    weights = [curta.nn.Parameter(curta.from_numpy(memory[:1_200_000])), curta.nn.Parameter(curta.from_numpy(memory))]
    for weight, gradient in zip(weights, (1.0, 2.0), strict=True):
        weight.grad = curta.full(weight.shape, gradient)
    optim.SGD(weights, lr=0.25, weight_decay=1.0).step()
    # 1 - (1 + 1)/4 = 0.5, and then 0.5 - (2 + 0.5)/4; where there is the second only, 1 - (2 + 1)/4
    assert np.unique(memory[:1_200_000]).tolist() == [-0.125]
    assert np.unique(memory[1_200_000:]).tolist() == [0.25]


def test_memory_of_others_that_is_apart_shares_a_launch(launches: list[int]) -> None:
    memory = np.ones(100, np.float32)
    weights = [curta.nn.Parameter(curta.from_numpy(part)) for part in (memory[:40], memory[40:])]
    give_gradients(weights, 0)
    optim.SGD(weights, lr=0.0).step()
    assert launches == [1]


def test_a_weight_as_the_gradient_of_the_next() -> None:
    first, second = (curta.nn.Parameter(curta.ones(1_000_000)) for _ in range(2))
    first.grad = curta.ones(1_000_000)
    second.grad = first.detach()
    optim.SGD([first, second], lr=0.5).step()
    assert (first == 0.5).all()
    assert (second == 0.75).all()


def test_a_weight_as_the_gradient_of_the_next_in_stages() -> None:
    """The second one's averages are those of what the first one has become."""
    made = []
    for together in (True, False):
        first, second = (curta.nn.Parameter(curta.ones(30, 20)) for _ in range(2))
        first.grad = curta.arange(600.0).reshape(30, 20)
        second.grad = first.detach()
        optimizers = (
            [optim.Adafactor([first, second])] if together else [optim.Adafactor([one]) for one in (first, second)]
        )
        for optimizer in optimizers:
            optimizer.step()
        made.append(second)
    assert curta.equal(*made)


def test_a_step_counts_as_a_change_in_place() -> None:
    weight, other = (curta.nn.Parameter(curta.ones(3)) for _ in range(2))
    loss = (weight * weight).sum()
    weight.grad, other.grad = curta.ones(3), curta.ones(3)
    optim.SGD([weight, other], lr=0.5).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_no_memory_at_all() -> None:
    weights = [curta.nn.Parameter(curta.empty(3, 4, device="meta")) for _ in range(2)]
    for weight in weights:
        weight.grad = curta.empty(3, 4, device="meta")
    optimizer = optim.AdamW(weights)
    optimizer.step()
    assert optimizer.state[weights[1]]["step"] == 1


def test_threads_step_side_by_side() -> None:
    """Groups that are alike share what was worked out, and nothing else."""
    count, turns = 4, 50
    sets = [[curta.nn.Parameter(curta.full((40 + 9 * n,), float(who))) for n in range(6)] for who in range(count)]
    failed: list[BaseException] = []

    def train(who: int) -> None:
        try:
            optimizer = optim.SGD(sets[who], lr=0.5)
            for _ in range(turns):
                for weight in sets[who]:
                    weight.grad = curta.full(weight.shape, 2.0 * who)
                optimizer.step()
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=train, args=(who,)) for who in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    for who, weights in enumerate(sets):
        assert all((weight == float(who - turns * who)).all() for weight in weights)
