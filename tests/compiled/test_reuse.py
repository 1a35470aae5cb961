"""Results that take an operand's place: where they may, where they must not, and that values stay those of eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.nn import functional as F

N = 32
#: one matrix of the programs below, in bytes
SIZE = 4 * N * N


def product(x: Any) -> Any:
    """A product that is written twice, so that no later kernel takes it over."""
    y = x @ x
    y[0] = 0.5
    return y


def between(body: Any) -> tuple[int, int]:
    """The arena and its lower bound, of an operator between two products."""
    x = curta.tensor(np.random.default_rng(0).standard_normal((N, N), dtype=np.float32))

    def function(x: Any) -> Any:
        return body(product(x)) @ x

    compiled = curta.compile(function)
    expected = function(x)
    for _ in range(2):
        assert compiled(x).numpy().tobytes() == expected.numpy().tobytes()
    account = compiled.program.account()
    return account.arena_bytes, account.live_bytes


@pytest.mark.parametrize(
    "body",
    [
        lambda y: y.relu(),
        lambda y: (y * 2 + 1).tanh(),
        lambda y: F.softmax(y, -1),
        lambda y: F.softmax(y, 0),
        lambda y: F.log_softmax(y.exp(), -1),
        lambda y: y - y.mean(-1, keepdim=True),
        lambda y: curta.where(y > 0, y, y.exp()),
        lambda y: y.view(N * N).exp().view(N, N),
    ],
)
def test_a_result_takes_the_place_of_an_operand_that_dies(body):
    assert between(body) == (SIZE, SIZE)


@pytest.mark.parametrize(
    "body",
    [
        lambda y: y + y.T,  # reads elsewhere than it writes, too
        lambda y: y * y[0],
        lambda y: y.T.contiguous(),
        lambda y: y.flip(0),
        lambda y: y @ y,  # a product reads rows again
    ],
)
def test_not_if_it_reads_in_another_place_than_it_writes(body):
    assert between(body) == (2 * SIZE, 2 * SIZE)


def test_not_if_the_operand_is_read_later():
    assert between(lambda y: y.relu() @ y) == (3 * SIZE, 3 * SIZE)


def test_not_if_the_format_is_of_another_size():
    compiled = curta.compile(lambda x: product(x).bfloat16() @ x.bfloat16())
    x = curta.randn(N, N)
    compiled(x)
    assert compiled.program.account().live_bytes == SIZE + SIZE // 2


def test_an_operand_is_taken_once():
    """Two results of one kernel, and one operand that dies in it."""
    compiled = curta.compile(lambda x: [one @ x for one in _both(product(x))])
    x = curta.randn(N, N)
    compiled(x)
    names = [node.call.op.name for node in compiled.program.graph.nodes]
    assert names == ["matmul", "full", "exp+sin", "matmul", "matmul"]
    assert compiled.program.account().live_bytes == 2 * SIZE


def _both(y: Any) -> tuple[Any, Any]:
    exponential = y.exp()
    return exponential, exponential.sin()


def test_a_chain_of_takeovers_is_one_block():
    def function(x: Any) -> Any:
        y = product(x)
        for _ in range(3):
            y = F.softmax(F.softmax(y, -1), 0)
        return y @ x

    x = curta.randn(N, N)
    compiled = curta.compile(function)
    assert compiled(x).tolist() == function(x).tolist()
    assert compiled.program.account().live_bytes == SIZE
    assert {place.offset for place in compiled.program.native.placements()} == {0}
