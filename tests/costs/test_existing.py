"""What an account finds when it opens, against a search through all of Python's objects."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.costs import scan

import curta
from curta import nn
from curta.autograd.saving import anything_saved
from curta.memory.ledger import CATEGORIES
from curta.utils import checkpoint


def _opened() -> dict[str, int]:
    with curta.account() as books:
        return books.memory.by_category()


def _with(hidden: dict[str, int]) -> dict[str, int]:
    return {kind: nbytes + hidden[kind] for kind, nbytes in scan.totals().items()}


def _trained() -> Any:
    model = nn.Sequential(nn.Linear(30, 20), nn.BatchNorm1d(20), nn.Linear(20, 10))
    optimizer = curta.optim.AdamW(model.parameters())
    model(curta.ones(4, 30)).sum().backward()
    optimizer.step()
    return model, optimizer


def _without_gradients() -> Any:
    model, optimizer = _trained()
    optimizer.zero_grad()
    return model, optimizer


def _retained() -> Any:
    x = curta.ones(50, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.sum().backward()
    return x, y


def _assigned() -> Any:
    x = curta.ones(60)
    x.grad = curta.ones(60)
    return x


def _of_a_function() -> Any:
    class Twice(curta.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient * 2

    return Twice.apply(curta.ones(70, requires_grad=True) + 1)


def _compiled() -> Any:
    model = nn.Linear(40, 40)

    @curta.compile
    def step(x: curta.Tensor) -> curta.Tensor:
        return model(model(x).relu()).sum()

    step(curta.ones(8, 40))
    return step


def _copied() -> Any:
    model, optimizer = _trained()
    return copy.deepcopy(model), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(model)), copy.copy(model)


HELD: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "data": lambda: [curta.ones(100), curta.from_numpy(np.ones(30)), curta.ones(9, dtype=curta.int64)],
    "leaves": lambda: [curta.ones(11, requires_grad=True), curta.zeros(12).requires_grad_(), curta.rand(5)],
    "a leaf no more": lambda: curta.ones(13, requires_grad=True).requires_grad_(False),
    "a parameter": lambda: nn.Parameter(curta.ones(14)),
    "a frozen parameter": lambda: nn.Parameter(curta.ones(14), requires_grad=False),
    "a trained model": _trained,
    "a model without gradients": _without_gradients,
    "copies": _copied,
    "another format": lambda: _trained()[0].to(curta.float64),
    "retained": _retained,
    "assigned": _assigned,
    "a graph": lambda: (curta.ones(90, requires_grad=True) * 2).exp().sum(),
    "a function's graph": _of_a_function,
    "a checkpoint": lambda: checkpoint(nn.Linear(30, 30), curta.ones(5, 30) * 2, use_reentrant=False),
    "a compiled step": _compiled,
    "in place": lambda: curta.ones(15, requires_grad=True).mul(2).add_(1),
    "loaded": lambda: pickle.loads(pickle.dumps(curta.ones(16, requires_grad=True))),
}


@pytest.mark.parametrize("name", HELD)
def test_what_is_held_is_found(name: str) -> None:
    gc.collect()
    hidden = {kind: nbytes - scan.totals()[kind] for kind, nbytes in _opened().items()}  # what the tests are made of
    held = HELD[name]()
    gc.collect()
    assert _opened() == _with(hidden)
    del held
    gc.collect()
    assert _opened() == _with(hidden)


def test_a_graph_is_looked_for_only_while_something_is_saved() -> None:
    gc.collect()
    assert not anything_saved()
    x = curta.ones(3, requires_grad=True)
    sums = (x + 1).sum()  # neither keeps anything
    assert not anything_saved()
    y = x.exp()
    assert anything_saved()
    y.sum().backward()
    assert not anything_saved()
    del sums, y


def test_what_was_there_and_nobody_named_is_one_holding_until_it_comes_up() -> None:
    gc.collect()
    first, second = curta.ones(1000), curta.ones(500)
    with curta.account() as books:
        rest = books.memory.by_category()["inputs"]
        known = len(books.memory.at_peak())
        weight = curta.ones(500, requires_grad=True)
        product = second * weight  # saved for the backward pass
        assert books.memory.by_category()["inputs"] == rest
        assert len(books.memory.at_peak()) == known + 3
        assert {one.nbytes for one in books.memory.at_peak() if one.category == "inputs"} >= {2000, rest - 2000}
        del first
        assert books.memory.by_category()["inputs"] == rest - 4000
        assert sum(one.nbytes for one in books.memory.at_peak()) == books.memory.peak_bytes
        assert sum(books.memory.by_module().values()) == books.memory.current_bytes
        del second, product, weight
        gc.collect()
        assert books.memory.by_category()["inputs"] == rest - 6000
    assert sum(one.nbytes for one in books.memory.at_peak()) == books.memory.peak_bytes
    assert books.memory.by_category()["temporaries"] == 0
    assert sum(books.memory.by_category()[kind] for kind in CATEGORIES) == books.memory.current_bytes
