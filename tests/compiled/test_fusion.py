"""What fusion joins and what it leaves apart; values are those of the operators one by one, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta.nn import functional as F


def kernels(function: Callable[..., Any], *arguments: Any) -> list[str]:
    """The names of a function's kernels, once compiled and eager were found to agree to the bit."""
    copies = [argument.clone() for argument in arguments]
    expected = function(*arguments)
    compiled = curta.compile(function)
    found = compiled(*copies)
    for one, other in zip(_all(expected), _all(found), strict=True):
        assert one.dtype is other.dtype
        assert one.float().numpy().tobytes() == other.float().numpy().tobytes()
    for one, other in zip(arguments, copies, strict=True):
        assert one.float().numpy().tobytes() == other.float().numpy().tobytes()
    return [node.call.op.name for node in compiled.program.graph.nodes]


def _all(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def test_a_chain_is_one_kernel():
    assert kernels(lambda x: (x * 2 + 1).tanh().relu(), curta.randn(5, 7)) == ["mul+add+tanh+relu"]


def test_a_multiply_and_an_add_are_rounded_one_by_one():
    x = curta.tensor(np.random.default_rng(0).standard_normal(1000, dtype=np.float32))
    y = curta.tensor(np.random.default_rng(1).standard_normal(1000, dtype=np.float32))
    assert kernels(lambda x, y: x * y + x, x, y) == ["mul+add"]
    # in float64, where products of float32 are exact: what one rounding would give is something else
    fused = (x.double() * y.double() + x.double()).float()
    assert (fused != x * y + x).sum().item() > 0


def test_a_half_is_rounded_between_operators():
    x = curta.randn(1000).bfloat16()
    assert kernels(lambda x: (x * 3.1 + x) * x, x) == ["mul+add+mul"]


def test_a_sum_takes_what_comes_before_and_after():
    assert kernels(lambda x: (x * x).sum(-1, keepdim=True).sqrt(), curta.randn(6, 40)) == ["mul+sum+sqrt"]


def test_the_residual_sum_is_stored_on_the_way_into_layer_norm():
    weight, bias = curta.randn(32), curta.randn(32)

    def block(x: Any, y: Any) -> Any:
        z = x + y
        return z, F.layer_norm(z, (32,), weight, bias)

    assert kernels(block, curta.randn(4, 32), curta.randn(4, 32)) == ["add+layer_norm"]


def test_two_reductions_over_different_dimensions_stay_apart():
    names = kernels(lambda x: (x.sum(0), x.sum(1)), curta.randn(6, 8))
    assert names == ["sum", "sum"]


def test_a_widening_is_worked_out_where_it_is_read():
    def both(x: Any) -> Any:
        wide = x.float()
        return wide.sum(0), wide.sum(1)

    assert kernels(both, curta.randn(6, 8).bfloat16()) == ["cast+sum", "cast+sum"]


def test_equal_operators_run_once():
    assert (
        kernels(lambda x, w: (x @ w).sum() + (x @ w).mean(), curta.randn(4, 4), curta.randn(4, 4)).count("matmul") == 1
    )


def test_random_numbers_are_never_shared():
    curta.manual_seed(0)
    compiled = curta.compile(lambda: curta.rand(100) - curta.rand(100))
    assert compiled().abs().sum().item() > 0


def test_an_in_place_change_joins_where_it_is_read():
    assert kernels(lambda x, y: x.add_((y * 2).exp()), curta.randn(9), curta.randn(9)) == ["mul+exp+add"]


def test_what_is_read_before_a_change_stays_before_it():
    def changing(x: Any) -> Any:
        first = x * 2
        x.add_(1)
        return first + x

    kernels(changing, curta.randn(9))


def test_a_change_through_a_view_is_not_moved():
    def changing(x: Any) -> Any:
        y = x + 1
        x[1:].mul_(3)
        z = y * x
        x.T.sub_(z)
        return z, y

    kernels(changing, curta.randn(4, 4))


@pytest.mark.parametrize("dtype", [curta.float64, curta.bfloat16])
def test_what_is_written_into_another_format_is_read_in_that_format(dtype: Any):
    def through(x: Any) -> Any:
        held = curta.empty(1000, dtype=dtype)
        held.copy_(x * 1.1)
        return (held * 3.3).exp(), held.sum()

    kernels(through, curta.randn(1000))


def test_a_gather_reads_memory_that_is_written():
    index = curta.tensor([2, 0])
    kernels(lambda x: F.embedding(index, x * 2).sum(-1), curta.randn(3, 4))


@pytest.mark.parametrize("keepdim", [True, False])
@pytest.mark.parametrize("dims", [0, 1, (0, 1)])
def test_sums_keep_the_order_of_their_elements(dims: Any, keepdim: bool):
    x = curta.randn(300, 70)
    kernels(lambda x: ((x * 1.7).tanh().sum(dims, keepdim=keepdim), x.T.exp().sum(dims, keepdim=keepdim)), x)


def test_the_account_knows_the_bytes_before_fusion():
    compiled = curta.compile(lambda x: (x * 2).exp())
    compiled(curta.ones(256))
    account = compiled.program.account()
    assert (account.cost.bytes_read, account.cost.bytes_written) == (1024, 1024)
    assert (account.unfused_cost.bytes_read, account.unfused_cost.bytes_written) == (2048, 2048)
    assert account.flops == account.unfused_cost.flops == 256
    assert account.arena_bytes == 0


def test_books_name_the_parts_of_a_kernel():
    compiled = curta.compile(lambda x: (x * 2).exp())
    x = curta.ones(256)
    with curta.account() as books:
        compiled(x)
    by_op = books.by_op()
    assert set(by_op) == {"mul", "exp"}
    assert (by_op["mul"].flops, by_op["mul"].bytes_read, by_op["mul"].bytes_written) == (256, 1024, 0)
    assert (by_op["exp"].transcendentals, by_op["exp"].bytes_read, by_op["exp"].bytes_written) == (256, 0, 1024)


def test_stages_print():
    compiled = curta.compile(lambda x, w: (x @ w).relu() + 1)
    compiled(curta.ones(4, 4), curta.ones(4, 4))
    program = compiled.program
    assert "relu+add" in str(program.graph)
    assert "    %" in str(program.graph)
    assert "# kernel 2 of 2: relu+add" in program.loops
    assert "call 'maximum'" in program.loops
    assert "define void @kernel(" in program.llvm
    assert ".type\tkernel,@function" in program.asm or "kernel:" in program.asm


def test_the_account_of_a_function_with_a_history_counts_both_passes():
    weight = curta.randn(16, 16, requires_grad=True)
    compiled = curta.compile(lambda x: ((x @ weight).tanh() * 2).sum())
    compiled(curta.randn(16, 16))
    account = compiled.program.account()
    assert account.unfused_cost.flops == account.flops
    assert account.unfused_cost.bytes_written > account.cost.bytes_written
