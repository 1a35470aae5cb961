"""`model_flops` against PyTorch's FlopCounterMode, which counts products, convolutions and attention and nothing else.

What it leaves out, or counts otherwise, stands as a literal of its own below: products with a vector; attention by the
processor's fused kernel; causality, of which it takes no notice; and the groups of a convolution, which it forgets in
the gradient of the weight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import curta

torch = pytest.importorskip("torch")
flop_counter = pytest.importorskip("torch.utils.flop_counter")
attention = pytest.importorskip("torch.nn.attention")
pytestmark = pytest.mark.parity

Function = Callable[..., Any]


def ours(function: Function) -> Any:
    with curta.account(memory=False) as books:
        function(curta)
    return books


def theirs(function: Function, fused: bool = False) -> int:
    """Attention goes by way of its products, unless it is to be `fused`."""
    backend = attention.SDPBackend.FLASH_ATTENTION if fused else attention.SDPBackend.MATH
    with flop_counter.FlopCounterMode(display=False) as counter, attention.sdpa_kernel(backend):
        function(torch)
    return int(counter.get_total_flops())


def leaves(framework: Any, *shapes: tuple[int, ...]) -> list[Any]:
    return [framework.ones(*shape, requires_grad=True) for shape in shapes]


def both_ways(function: Function, *shapes: tuple[int, ...]) -> Function:
    """Forward and backward."""
    return lambda framework: function(framework, *leaves(framework, *shapes)).sum().backward()


def forward(function: Function, *shapes: tuple[int, ...]) -> Function:
    return lambda framework: function(framework, *leaves(framework, *shapes))


PRODUCTS: dict[str, tuple[Function, tuple[tuple[int, ...], ...]]] = {
    "matrices": (lambda c, a, b: a @ b, ((3, 4), (4, 5))),
    "mm": (lambda c, a, b: c.mm(a, b), ((3, 4), (4, 5))),
    "row times matrix": (lambda c, a, b: a @ b, ((1, 4), (4, 5))),
    "batches": (lambda c, a, b: a @ b, ((2, 3, 4), (2, 4, 5))),
    "bmm": (lambda c, a, b: c.bmm(a, b), ((2, 3, 4), (2, 4, 5))),
    "batch times matrix": (lambda c, a, b: a @ b, ((2, 3, 4), (4, 5))),
    "matrix times batch": (lambda c, a, b: a @ b, ((3, 4), (2, 4, 5))),
    "broadcast batches": (lambda c, a, b: a @ b, ((2, 1, 3, 4), (6, 4, 5))),
    "transposed": (lambda c, a, b: a @ b.transpose(1, 2), ((2, 3, 4), (2, 5, 4))),
    "linear": (lambda c, x, w, b: c.nn.functional.linear(x, w, b), ((3, 4), (5, 4), (5,))),
    "linear of batches": (lambda c, x, w: c.nn.functional.linear(x, w), ((2, 3, 4), (5, 4))),
    "linear of batches with bias": (lambda c, x, w, b: c.nn.functional.linear(x, w, b), ((2, 3, 4), (5, 4), (5,))),
    "empty": (lambda c, a, b: a @ b, ((3, 0), (0, 5))),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("way", [forward, both_ways])
def test_products(name: str, way: Callable[..., Function]) -> None:
    function, shapes = PRODUCTS[name]
    run = way(function, *shapes)
    assert ours(run).model_flops == theirs(run)


@pytest.mark.parametrize(
    ("function", "shapes", "flops"),
    [
        (lambda c, a, b: a @ b, ((4,), (4,)), 2 * 4),
        (lambda c, a, b: a @ b, ((3, 4), (4,)), 2 * 3 * 4),
        (lambda c, a, b: a @ b, ((2, 3, 4), (4,)), 2 * 2 * 3 * 4),
    ],
    ids=["dot", "matrix times vector", "batch times vector"],
)
def test_products_with_a_vector_are_left_out_there(function: Function, shapes: Any, flops: int) -> None:
    run = forward(function, *shapes)
    assert (ours(run).model_flops, theirs(run)) == (flops, 0)


CONVOLUTIONS = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)},
    {"padding": 3, "dilation": 2},
    {"groups": 2},
    {"groups": 4, "stride": 2, "padding": 1},
]


@pytest.mark.parametrize("more", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("biased", [False, True])
def test_convolutions(more: dict[str, Any], biased: bool) -> None:
    def convolve(c: Any, x: Any, weight: Any, *bias: Any) -> Any:
        return c.nn.functional.conv2d(x, weight, *bias, **more)

    groups = more.get("groups", 1)
    shapes = [(2, 4, 7, 6), (8, 4 // groups, 3, 2), (8,)][: 2 + biased]
    once = theirs(forward(convolve, *shapes))
    assert ours(forward(convolve, *shapes)).model_flops == once
    found = ours(both_ways(convolve, *shapes)).model_flops
    assert found == 3 * once
    # each group's weights there have the gradient of all groups' images
    assert theirs(both_ways(convolve, *shapes)) == (2 + groups) * once


def attend(**more: Any) -> Function:
    return lambda c, *qkv: c.nn.functional.scaled_dot_product_attention(*qkv, **more)


@pytest.mark.parametrize("sizes", [(5, 5, 8, 8), (3, 7, 4, 6), (1, 9, 2, 2)], ids=str)
@pytest.mark.parametrize("way", [forward, both_ways])
def test_attention(sizes: tuple[int, ...], way: Callable[..., Function]) -> None:
    queries, keys, width, value_width = sizes
    shapes = (2, 3, queries, width), (2, 3, keys, width), (2, 3, keys, value_width)
    run = way(attend(), *shapes)
    assert ours(run).model_flops == theirs(run)


def test_attention_with_shared_heads() -> None:
    run = both_ways(attend(enable_gqa=True), (2, 6, 5, 8), (2, 2, 5, 8), (2, 2, 5, 8))
    assert ours(run).model_flops == theirs(run)


def test_causality_and_the_fused_kernel() -> None:
    shapes = ((2, 3, 5, 8),) * 3
    run = both_ways(attend(is_causal=True), *shapes)
    books = ours(run)
    assert books.flops_by_convention()["full attention"] == theirs(run) == 3 * 2 * 3 * 25 * 4 * 8
    assert books.model_flops == 3 * 2 * 3 * 15 * 4 * 8  # 15 of the 25 pairs
    assert theirs(run, fused=True) == 0


def test_the_scores_that_a_gradient_makes_again_are_hardware_flops() -> None:
    run = both_ways(attend(), *((2, 3, 5, 8),) * 3)
    books = ours(run)
    # the formula that PyTorch has for its fused kernels: five products backward in place of four
    shape = (2, 3, 5, 8)
    forward_flops = flop_counter.sdpa_flop_count(shape, shape, shape)
    backward_flops = flop_counter.sdpa_backward_flop_count(shape, shape, shape, shape)
    assert books.hardware_flops == forward_flops + backward_flops


def test_linear_cross_entropy() -> None:
    def loss(c: Any, x: Any, weight: Any, bias: Any) -> Any:
        targets = c.zeros(6, dtype=c.int64)
        return c.nn.functional.linear_cross_entropy(x, weight, targets, linear_bias=bias)

    run = both_ways(loss, (6, 4), (9, 4), (9,))
    assert ours(run).model_flops == theirs(run)


@pytest.mark.parametrize("causal", [False, True])
def test_a_small_gpt(causal: bool) -> None:
    B, T, C, H, V = 2, 6, 8, 2, 11

    def step(c: Any) -> None:
        F = c.nn.functional
        table, places = leaves(c, (V, C), (T, C))
        x = F.embedding(c.zeros(B, T, dtype=c.int64), table) + places
        for _ in range(2):
            qkv, bias, mixed, wide, narrow = leaves(c, (3 * C, C), (3 * C,), (C, C), (4 * C, C), (C, 4 * C))
            heads = F.linear(F.layer_norm(x, (C,)), qkv, bias).view(B, T, 3, H, C // H).permute(2, 0, 3, 1, 4)
            attended = F.scaled_dot_product_attention(*heads.unbind(0), is_causal=causal)
            x = x + F.linear(attended.transpose(1, 2).reshape(B, T, C), mixed)
            x = x + F.linear(F.gelu(F.linear(F.layer_norm(x, (C,)), wide)), narrow)
        logits = F.linear(x, table).view(B * T, V)
        F.cross_entropy(logits, c.zeros(B * T, dtype=c.int64)).backward()

    books = ours(step)
    by_hand = 3 * (2 * (2 * B * T * 12 * C * C + 4 * B * T * T * C) + 2 * B * T * C * V)
    assert books.flops_by_convention()["full attention"] == theirs(step) == by_hand
    assert (books.model_flops == by_hand) is not causal
