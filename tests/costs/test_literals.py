"""What operators cost in several formats, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta.nn import functional as F
from curta.ops.composition import composition, derived
from curta.ops.dispatch import bind
from curta.ops.record import NO_GRADIENT, Cost

ROWS = np.array([1, 0, 1])


def cost_of(function: Callable[[], Any], operator: str) -> Cost:
    with curta.account(memory=False) as books:
        function()
    return books.by_op()[operator]


@pytest.mark.parametrize(
    ("dtype", "size"), [("int8", 1), ("bfloat16", 2), ("float16", 2), ("float32", 4), ("int64", 8), ("float64", 8)]
)
def test_bytes_follow_the_format_and_flops_do_not(dtype: str, size: int) -> None:
    x = curta.ones(6, 4, dtype=getattr(curta, dtype))
    assert cost_of(lambda: x + x[0], "add") == (24, 0, 28 * size, 24 * size, 0, 0)
    assert cost_of(lambda: x @ x.T, "matmul") == (288, 0, 48 * size, 36 * size, 288, 0)  # 2 * 6 * 4 * 6
    whole = 8 if dtype.startswith("int") else size
    assert cost_of(lambda: x.sum(0), "sum") == (20, 0, 24 * size, 4 * whole, 0, 0)
    assert cost_of(lambda: x > 0, "gt") == (0, 0, 24 * size, 24, 0, 0)
    assert cost_of(lambda: x.to(curta.float64) + 1, "add") == (24, 0, 192, 192, 0, 0)


@pytest.mark.parametrize(("dtype", "size"), [("bfloat16", 2), ("float32", 4), ("float64", 8)])
def test_a_softmax_of_2_rows_of_3(dtype: str, size: int) -> None:
    x = curta.ones(2, 3, dtype=getattr(curta, dtype))
    # a row: 3 subtractions, 3 exponentials, 2 additions, 3 divisions
    assert cost_of(lambda: F.softmax(x, 1), "softmax") == (16, 6, 6 * size, 6 * size, 0, 0)
    wide = x[:, :1].expand(2, 3)
    assert cost_of(lambda: F.softmax(wide, 1), "softmax") == (16, 6, 2 * size, 6 * size, 0, 0)


def test_a_backward_pass_does_not_make_the_result_again() -> None:
    x = curta.ones(5, requires_grad=True)
    y = F.silu(x)
    # s = sigmoid(x); g s + g x (1 - s) s
    assert cost_of(lambda: y.backward(curta.ones(5)), "silu_backward") == (30, 5, 40, 20, 0, 0)


def test_inputs_that_no_gradient_needs_are_not_read() -> None:
    scores = curta.zeros(3, 4, requires_grad=True)
    loss = F.nll_loss(scores, curta.from_numpy(ROWS), reduction="none")
    cost = cost_of(lambda: loss.backward(curta.ones(3)), "nll_backward")
    # the targets and the gradient of the loss, but no scores
    assert cost.bytes_read == 3 * 8 + 3 * 4


def test_a_loss_that_looks_up_reads_no_other_scores() -> None:
    scores = curta.zeros(3, 4)
    # a negation, a score of 4 bytes and a target of 8 for each row
    assert cost_of(lambda: F.nll_loss(scores, curta.from_numpy(ROWS), reduction="none"), "nll")[:4] == (3, 0, 36, 12)


def test_elements_that_share_a_place_are_read_once() -> None:
    windows = curta.ones(6).as_strided((4, 3), (1, 1))
    assert cost_of(lambda: windows.sum(1), "sum") == (8, 0, 24, 16, 0, 0)
    # 0, 2, 4 and the same 3 further, of 4 bytes
    apart = curta.ones(9).as_strided((2, 3), (3, 2))
    assert cost_of(lambda: apart.neg(), "neg") == (6, 0, 24, 24, 0, 0)
    # 0 2 | 2 4 | 4 6 | 6 8
    touching = curta.ones(9).as_strided((2, 2, 2), (4, 2, 2))
    assert cost_of(lambda: touching.neg(), "neg") == (8, 0, 20, 32, 0, 0)
    meta = curta.empty(1 << 30, device="meta").as_strided((1 << 20, 1000), (1000, 1))
    assert cost_of(lambda: meta.neg(), "neg").bytes_read == 4000 << 20


def test_looking_up_reads_what_is_asked_for() -> None:
    table, rows = curta.ones(50, 4), curta.from_numpy(ROWS)
    assert cost_of(lambda: table[rows], "index") == (0, 0, 3 * 16 + 24, 48, 0, 0)
    assert cost_of(lambda: F.embedding(rows, table), "embedding") == (0, 0, 3 * 16 + 24, 48, 0, 0)
    many = rows.expand(2, 3)
    assert cost_of(lambda: F.embedding(many, table), "embedding") == (0, 0, 6 * 16 + 24, 96, 0, 0)


def test_adding_in_place_reads_what_was_there() -> None:
    x, source, rows = curta.ones(5, 3), curta.ones(3, 3), curta.from_numpy(ROWS)
    assert cost_of(lambda: x.index_add_(0, rows, source), "scatter_into") == (9, 0, 36 + 3 * 8 + 36, 36, 0, 0)
    assert cost_of(lambda: x.index_copy_(0, rows, source), "scatter_into") == (0, 0, 36 + 3 * 8, 36, 0, 0)


def test_numbers_that_are_made() -> None:
    assert cost_of(lambda: curta.zeros(10), "full") == (0, 0, 0, 40, 0, 0)
    assert cost_of(lambda: curta.arange(3), "arange") == (6, 0, 0, 24, 0, 0)  # 0 + i * 1
    assert cost_of(lambda: curta.rand(10), "uniform") == (20, 0, 0, 40, 0, 0)  # u * (high - low) + low
    # sqrt(-2 log(1 - u)) cos(2 pi v) * std + mean
    assert cost_of(lambda: curta.randn(10, dtype=curta.float64), "normal") == (70, 20, 0, 80, 0, 0)
    x = curta.ones(4, 5)
    assert cost_of(lambda: F.dropout(x, 0.25), "dropout") == (20, 0, 80, 80, 0, 0)


def test_gradients_of_windows() -> None:
    x = curta.ones(1, 1, 5, 1, requires_grad=True)
    # windows 0 to 2 and 2 to 4: the middle has two shares; a sum's gradient is one number in memory
    y = F.max_pool2d(x, (3, 1), (2, 1))
    assert cost_of(lambda: y.sum().backward(), "max_pool2d_backward") == (1, 0, 4 + 16, 20, 0, 0)
    z = F.avg_pool2d(x, (3, 1), (2, 1))
    assert cost_of(lambda: z.sum().backward(), "window_sum").flops == 1
    # a window of 1 in 2: nothing to add, and elements that get nothing
    w = F.avg_pool2d(x, (1, 1), (2, 1))
    assert cost_of(lambda: w.sum().backward(), "window_sum").flops == 0


def test_attention_with_queries_that_see_nothing() -> None:
    q, k, v = curta.ones(1, 7, 4), curta.ones(1, 3, 4), curta.ones(1, 3, 2)
    cost = cost_of(lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True, window=2), "attention")
    # the first four see 1, 2, 2 and 1 keys, the others none: 6 pairs
    assert cost[:2] == (6 * (2 * 4 + 2 * 2 + 3) + 4 * 2, 6 + 4)
    assert cost.model_flops == 6 * (2 * 4 + 2 * 2)
    nothing = cost_of(lambda: F.scaled_dot_product_attention(q, k[:, :0], v[:, :0]), "attention")
    assert nothing[:2] == (0, 0)


def test_linear_cross_entropy() -> None:
    x, weight = curta.ones(3, 4, requires_grad=True), curta.ones(5, 4, requires_grad=True)
    targets = curta.from_numpy(ROWS)
    product = 2 * 3 * 5 * 4
    with curta.account(memory=False) as books:
        F.linear_cross_entropy(x, weight, targets).backward()
    cost = books.by_op()["linear_cross_entropy_both"]
    # a row of 5: 5 from the largest, 4 and 4 additions, the largest again, the target's share taken off: 16; and
    # 1 + 4 * 5 of the gradient
    assert cost[:2] == (3 * product + 3 * (16 + 21), 3 * (5 + 1 + 5))
    assert (cost.model_flops, cost.again_flops) == (3 * product, 0)


def test_joining_copies_in_a_composition_too() -> None:
    joined = composition("joined_here", lambda x, y: curta.cat([x, y], 1) * 2, NO_GRADIENT)
    x, y = curta.ones(2, 3), -curta.zeros(2, 2)
    assert cost_of(lambda: bind(joined, (x, y)), "joined_here") == (10, 0, 40, 40, 0, 0)
    assert np.signbit(bind(joined, (x, y)).numpy()).tolist() == [[False] * 3 + [True] * 2] * 2


def test_what_no_result_needs_does_not_count() -> None:
    forgetful = derived("forgetful", lambda x: (x.exp() * 3 + 1, x * 2)[1])
    x = curta.ones(4)
    assert cost_of(lambda: bind(forgetful, (x,)), "forgetful") == (4, 0, 16, 16, 0, 0)
