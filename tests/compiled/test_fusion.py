"""What fusion joins and what it leaves apart; values are those of the operators one by one, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import curta
from curta.nn import functional as F
from curta.ops.convolution import CONV2D_BACKWARD_INPUT
from curta.ops.dispatch import bind


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


def test_a_product_takes_what_follows_its_sums():
    weight, bias = curta.randn(24, 16), curta.randn(24)

    def feed_forward(x: Any, y: Any) -> Any:
        hidden = F.linear(x, weight, bias)
        return hidden, F.gelu(hidden, approximate="tanh") * 0.5, y + hidden

    x, y = curta.randn(2, 10, 16), curta.randn(2, 10, 24)
    assert kernels(feed_forward, x, y) == ["linear+gelu_tanh+mul+add"]


@pytest.mark.parametrize("dtype", [curta.float32, curta.float64, curta.bfloat16, curta.float16, curta.int32])
@pytest.mark.parametrize(("M", "N", "K"), [(1, 1, 1), (1, 40, 9), (40, 1, 9), (33, 47, 300), (5, 7, 0), (0, 3, 2)])
def test_endings_agree_with_eager_in_every_format(dtype: Any, M: int, N: int, K: int):
    a, b, c = (curta.randn(*shape).mul(3).to(dtype) for shape in ((M, K), (N, K), (M, N)))

    def both(a: Any, b: Any, c: Any) -> Any:
        made = a @ b.T
        return made.float(), (made + c) * c

    assert len(kernels(both, a, b, c)) == 1


#: images, channels of a group, filters, height, width, taps along one side, stride, padding, dilation, groups
CONVOLUTIONS = [
    (2, 3, 4, 5, 5, 3, 1, 1, 1, 1),  # images together in the columns of one product
    (1, 3, 4, 20, 17, 3, 1, 1, 1, 1),  # one product an image, its sums kept where the result is
    (3, 2, 6, 9, 9, 3, 2, 1, 1, 2),
    (2, 3, 4, 21, 19, 3, 1, 2, 2, 1),
    (2, 8, 5, 7, 6, 1, 1, 0, 1, 1),  # a plain product over the channels
    (4, 8, 5, 7, 6, 1, 2, 0, 1, 1),
    (2, 3, 4, 1, 9, 1, 1, 0, 1, 1),
    (2, 3, 5, 40, 1, 3, 1, 1, 1, 1),
    (1, 70, 4, 18, 18, 3, 1, 0, 1, 1),  # several blocks of K
    (0, 3, 4, 5, 5, 3, 1, 0, 1, 1),
]


@pytest.mark.parametrize("dtype", [curta.float32, curta.float64, curta.bfloat16, curta.float16])
@pytest.mark.parametrize("sizes", CONVOLUTIONS)
def test_a_convolution_takes_what_follows_its_sums(dtype: Any, sizes: tuple[int, ...]):
    N, C, O, H, W, taps, stride, padding, dilation, groups = sizes
    params = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    weight, bias = curta.randn(O, C, taps, taps).to(dtype), curta.randn(O).to(dtype)
    x = curta.randn(N, C * groups, H, W).to(dtype)
    residual = curta.randn(*F.conv2d(x, weight, **params).shape).to(dtype)

    def block(x: Any, residual: Any) -> Any:
        made = F.conv2d(x, weight, bias, **params)
        return made, (made + residual).relu() * 0.5, made.float()

    fused = "conv2d+add+relu+mul" + ("" if dtype is curta.float32 else "+cast")
    assert kernels(block, x, residual) == [fused]
    assert kernels(lambda x: F.conv2d(x, weight, **params).relu(), x) == ["conv2d+relu"]


@pytest.mark.parametrize("sizes", CONVOLUTIONS)
def test_what_does_not_lie_as_the_pixels_of_an_image_follows_line_by_line(sizes: tuple[int, ...]):
    N, C, O, H, W, taps, stride, padding, dilation, groups = sizes
    params = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    weight, x = curta.randn(O, C, taps, taps), curta.randn(N, C * groups, H, W)
    shape = F.conv2d(x, weight, **params).shape
    turned, row = curta.randn(*shape[::-1]), curta.randn(shape[3])
    found = kernels(lambda x, turned: F.conv2d(x, weight, **params) * row + turned.permute(3, 2, 1, 0), x, turned)
    # a product over channels knows pixels only
    assert found == (["conv2d", "mul+add"] if taps == 1 and H > 1 else ["conv2d+mul+add"])


@pytest.mark.parametrize("dtype", [curta.float32, curta.float64, curta.bfloat16])
@pytest.mark.parametrize("sizes", CONVOLUTIONS)
def test_the_gradient_of_an_image_takes_what_follows_its_sums(dtype: Any, sizes: tuple[int, ...]):
    N, C, O, H, W, taps, stride, padding, dilation, groups = sizes
    params = {"stride": (stride,) * 2, "dilation": (dilation,) * 2, "groups": groups, "size": (H, W)}
    params["padding"] = ((padding, padding), (padding, padding))
    weight, x = curta.randn(O, C, taps, taps).to(dtype), curta.randn(N, C * groups, H, W).to(dtype)
    g = curta.randn(*F.conv2d(x, weight, None, stride, padding, dilation, groups).shape).to(dtype)

    def backward(g: Any, x: Any) -> Any:
        return bind(CONV2D_BACKWARD_INPUT, (g, weight), **params) * (x > 0) + x

    # where the stride is not 1, there are several products, each of pixels that are no neighbours
    assert kernels(backward, g, x)[0] == ("conv2d_backward_input" + ("+gt+mul+add" if stride == 1 else ""))


def test_a_convolution_does_not_change_what_it_reads():
    weight = curta.randn(3, 3, 3, 3)
    kernels(lambda x: x.sub_(F.conv2d(x, weight, padding=1)), curta.randn(2, 3, 6, 6))
    kernels(lambda x, y: y.sub_(F.conv2d(x, weight, padding=1)), curta.randn(2, 3, 6, 6), curta.randn(2, 3, 6, 6))


def test_numbers_that_change_reach_the_ending_of_a_convolution():
    weight, parameter = curta.randn(4, 3, 3, 3), curta.zeros(2, 4, 6, 6, requires_grad=True)
    optimizer = curta.optim.SGD([parameter], lr=0.5)
    x = curta.randn(2, 3, 8, 8)

    @curta.compile
    def step(x: Any) -> Any:
        parameter.grad = F.conv2d(x, weight)
        optimizer.step()

    expected = parameter.detach().clone()
    for rate in (0.5, 0.5, 0.25):
        optimizer.param_groups[0]["lr"] = rate
        step(x)
        expected -= rate * F.conv2d(x, weight)
        assert parameter.detach().numpy() == pytest.approx(expected.numpy(), rel=1e-5, abs=1e-6)
    assert "conv2d+sgd_update" in [node.call.op.name for node in step.program.graph.nodes]


def test_an_update_joins_the_product_that_makes_its_gradient():
    weight = curta.randn(24, 16, requires_grad=True)
    optimizer = curta.optim.AdamW([weight], lr=0.1)

    @curta.compile
    def step(x: Any) -> Any:
        F.linear(x, weight).pow(2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    step(curta.randn(8, 16))
    names = [node.call.op.name for node in step.program.graph.nodes]
    assert names[-1] == "matmul+adam_update"


def test_a_product_does_not_change_what_it_reads():
    kernels(lambda x, w: w.sub_((x.T @ x) @ w), curta.randn(9, 6), curta.randn(6, 6))
    kernels(lambda x: x.sub_(x @ x), curta.randn(6, 6))


def test_a_broadcast_or_a_sum_is_no_ending():
    ones = curta.ones(3, 1, 1)
    names = kernels(lambda x: ((x @ x) + ones, F.softmax(x @ x, -1)), curta.randn(6, 6))
    assert names[0] == "matmul"


def test_a_result_is_written_in_the_order_in_which_it_is_wanted():
    def heads(q: Any, v: Any) -> Any:
        return (q @ v).transpose(1, 2).reshape(2, 5, 12), (q * 2).mT.contiguous()

    assert kernels(heads, curta.randn(2, 3, 5, 5), curta.randn(2, 3, 5, 4)) == ["matmul", "mul"]


def test_what_was_there_before_is_read_before_it_is_overwritten():
    def over(x: Any, held: Any) -> Any:
        made = x @ x
        before = held * 2
        held.copy_(made.T)
        return before

    kernels(over, curta.randn(6, 6), curta.randn(6, 6))
    kernels(lambda x: x.copy_((x @ x).T), curta.randn(6, 6))


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
    assert "# kernel 1 of 1: matmul+relu+add" in program.loops
    assert "call 'maximum'" in program.loops
    assert "define void @ending_" in program.llvm
    assert "ending_rows:" in program.asm


def test_the_account_of_a_function_with_a_history_counts_both_passes():
    weight = curta.randn(16, 16, requires_grad=True)
    compiled = curta.compile(lambda x: ((x @ weight).tanh() * 2).sum())
    compiled(curta.randn(16, 16))
    account = compiled.program.account()
    assert account.unfused_cost.flops == account.flops
    assert account.unfused_cost.bytes_written > account.cost.bytes_written


@pytest.mark.parametrize("shape", [(2, 2), (5, 3), (3, 4, 5), (40, 70)])
@pytest.mark.parametrize("reduce", [lambda x: x.sum(), lambda x: x.mean(), lambda x: F.softmax(x.flatten(-2), -1)])
def test_a_sum_goes_through_its_elements_as_it_does_by_itself(shape: tuple[int, ...], reduce: Any) -> None:
    """What is copied first is summed in the order of the copy, not in that of the memory it comes from."""

    def function(x: Any) -> Any:
        return reduce(x.mT.contiguous()), reduce((x * 2).mT.contiguous())

    compiled = curta.compile(function)
    for seed in range(4):
        x = curta.tensor(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))
        for found, expected in zip(compiled(x), function(x), strict=True):
            assert found.numpy().tobytes() == expected.numpy().tobytes()


def test_a_fused_look_up_reads_the_rows_that_are_asked_for() -> None:
    table, rows = curta.ones(5000, 16), curta.arange(8)
    step = curta.compile(lambda x: F.embedding(rows, table) + x)
    step(curta.ones(8, 16))
    (node,) = step.program.graph.nodes
    assert node.call.op.name == "embedding+add"
    # 8 rows of the table, their 8 numbers of 8 bytes, and x
    assert node.call.cost.bytes_read == 8 * 16 * 4 + 8 * 8 + 8 * 16 * 4
