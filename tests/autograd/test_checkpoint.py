"""Checkpoints: the gradients of the function itself, to the bit, with less memory and an account of what it costs."""

import gc
from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta import nn
from curta.errors import ArgumentTypeError, AutogradError, UnsupportedError
from curta.nn import functional as F
from curta.utils import checkpoint

Wrap = Callable[..., Any]


def plain(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Without a checkpoint."""
    return function(*args, **kwargs)


class Block(nn.Module):
    """Something of everything: products, a norm, dropout, and a residual."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.project = nn.Linear(4 * width, width)

    def forward(self, x: Any) -> Any:
        hidden = F.gelu(self.expand(self.norm(x)))
        return x + F.dropout(self.project(hidden), 0.3)


def gradients(wrap: Wrap, half: bool = False, compiled: bool = False) -> list[Any]:
    """Of two blocks and their input, after a backward pass."""
    curta.manual_seed(1)
    blocks = nn.ModuleList([Block(), Block()])
    x = curta.randn(8, 16, requires_grad=True)

    def step(x: Any) -> Any:
        with curta.autocast("cpu", enabled=half):
            y = x
            for block in blocks:
                y = wrap(block, y)
        loss = y.square().mean()
        loss.backward()
        return loss

    loss = (curta.compile(step) if compiled else step)(x)
    found = [loss, x.grad, *(parameter.grad for parameter in blocks.parameters())]
    return [tensor.tolist() for tensor in found]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
def test_the_gradients_to_the_bit(half: bool, compiled: bool) -> None:
    assert gradients(checkpoint, half, compiled) == gradients(plain, half)


def test_parts_in_parts() -> None:
    def nested(block: Any, x: Any) -> Any:
        return checkpoint(lambda x: checkpoint(block, x) * 1.0, x)

    assert gradients(nested) == gradients(plain)
    assert gradients(nested, compiled=True) == gradients(plain)


def test_only_the_arguments_are_kept() -> None:
    block, x = Block(), curta.randn(8, 16)
    whole = block(x)
    part = checkpoint(block, x)
    assert curta.memory.saved_for_backward(whole) > 10 * x.nbytes
    assert curta.memory.saved_for_backward(part) == 0
    with curta.account() as books:
        before = books.memory.by_category()["activations"]
        y = x * 1.0
        z = checkpoint(block, y)
        del y
        assert books.memory.by_category()["activations"] == before + x.nbytes
        z.sum().backward()
        del z
        gc.collect()
        assert books.memory.by_category()["activations"] == before


def chain(wrap: Wrap, depth: int = 8) -> Any:
    """A step of many equal parts, with its arguments."""
    curta.manual_seed(0)
    layers = nn.ModuleList([nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 32)) for _ in range(depth)])
    optimizer = curta.optim.SGD(layers.parameters(), lr=0.1)

    def step(x: Any) -> None:
        for layer in layers:
            x = wrap(layer, x)
        x.sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step, curta.randn(256, 32)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_less_memory_for_more_work(compiled: bool) -> None:
    found = {}
    for wrap in (plain, checkpoint):
        step, x = chain(wrap)
        step = curta.compile(step) if compiled else step
        step(x)
        gc.collect()
        with curta.account() as books:
            start = books.memory.current_bytes
            step(x)
        arena = step.program.account().arena_bytes if compiled else books.memory.peak_bytes - start
        found[wrap] = (arena, books)
    assert found[checkpoint][0] < 0.7 * found[plain][0]
    books, whole = found[checkpoint][1], found[plain][1]
    product = 2 * 256 * 32 * 32
    assert books.model_flops == whole.model_flops == whole.hardware_flops == (3 * 16 - 1) * product
    # the last product of a part keeps nothing that is not made before it
    assert books.by_phase()["recomputation"].model_flops >= 8 * product
    assert books.hardware_flops == books.model_flops + books.by_phase()["recomputation"].model_flops
    assert set(whole.by_phase()) == {"forward", "backward", "optimizer"}
    assert books.by_module()["Sequential.0"].model_flops > whole.by_module()["Sequential.0"].model_flops


def test_a_plan_is_the_run() -> None:
    step, x = chain(checkpoint)
    gc.collect()
    planned = curta.plan(step, x)
    with curta.account() as books:
        step(x)
    assert planned.by_op() == books.by_op()
    assert planned.hardware_flops == books.hardware_flops > books.model_flops
    assert planned.memory.peak_bytes == books.memory.peak_bytes
    assert planned.memory.peak_by_category() == books.memory.peak_by_category()


def test_gradients_of_gradients() -> None:
    def second(wrap: Wrap) -> Any:
        x = curta.tensor([0.3, 0.7], requires_grad=True)
        y = wrap(lambda x: (x.exp() * x).sin().sum(), x)
        (first,) = curta.autograd.grad(y, x, create_graph=True)
        first.square().sum().backward()
        return x.grad.tolist()

    assert second(checkpoint) == second(plain)


def test_twice_through_a_retained_graph() -> None:
    x = curta.tensor([1.0, 2.0], requires_grad=True)
    y = checkpoint(lambda x: x.exp().square().sum(), x)
    y.backward(retain_graph=True)
    once = x.grad.tolist()
    y.backward()
    assert x.grad.tolist() == [2 * value for value in once]


def test_keywords_other_values_and_several_results() -> None:
    x, y = curta.ones(2, requires_grad=True), curta.ones(2, requires_grad=True)

    def function(x: Any, factor: float, *, other: Any, name: str) -> Any:
        assert name == "n"
        return x.exp() * factor, other.exp()

    first, second = checkpoint(function, x, 3.0, other=y, name="n")
    (first.sum() + second.sum()).backward()
    assert x.grad.tolist() == [3 * value for value in y.grad.tolist()]


def test_a_user_function_inside() -> None:
    class Cube(curta.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3 * ctx.saved_tensors[0] ** 2

    x = curta.tensor([2.0], requires_grad=True)
    checkpoint(lambda x: Cube.apply(x * 1.0), x).sum().backward()
    assert x.grad.tolist() == [12.0]


def test_without_gradients_it_is_the_function() -> None:
    with curta.no_grad():
        assert checkpoint(lambda x: x + 1, curta.ones(1)).tolist() == [2.0]


def test_random_numbers_may_be_drawn_again() -> None:
    x = curta.ones(1000, requires_grad=True)
    y = checkpoint(lambda x: F.dropout(x, 0.5) * x, x, preserve_rng_state=False)
    before = curta.random.default_generator.offset
    y.sum().backward()
    assert curta.random.default_generator.offset > before
    y = checkpoint(lambda x: F.dropout(x, 0.5) * x, x)
    before = curta.random.default_generator.offset
    y.sum().backward()
    assert curta.random.default_generator.offset == before


def test_what_is_not_the_same_the_second_time() -> None:
    x = curta.ones(2, requires_grad=True)
    calls = []

    def fewer(x: Any) -> Any:
        calls.append(1)
        return x.exp().exp() if len(calls) == 1 else x + 1

    y = checkpoint(fewer, x)
    with pytest.raises(AutogradError, match="checkpoint: 2 tensors were saved in the forward pass, and 0 when it was"):
        y.sum().backward()
    calls.clear()

    def other(x: Any) -> Any:
        calls.append(1)
        return x.exp() if len(calls) == 1 else x[:1].exp()

    y = checkpoint(other, x)
    with pytest.raises(AutogradError, match=r"tensor 0 was f32\[2\] in the forward pass, and f32\[1\] when"):
        y.sum().backward()


def test_an_argument_that_is_changed_meanwhile() -> None:
    x = curta.ones(2, requires_grad=True)
    y = x * 1.0
    z = checkpoint(lambda y: y.exp().square(), y)
    with curta.no_grad():
        y.add_(1)
    with pytest.raises(AutogradError, match=r"modified by an inplace operation: .* saved as input 0 of checkpoint"):
        z.sum().backward()


def test_bad_input() -> None:
    with pytest.raises(ArgumentTypeError, match="checkpoint: requires a function or a module, got int"):
        checkpoint(3)
    with pytest.raises(UnsupportedError, match="checkpoint: use_reentrant=True is not supported: leave it out"):
        checkpoint(lambda x: x, curta.ones(1), use_reentrant=True)


@pytest.mark.parametrize("segments", [1, 2, 3, 5, 9])
def test_several_parts_of_a_sequence(segments: int) -> None:
    assert curta.utils.checkpoint.checkpoint is checkpoint
    curta.manual_seed(1)
    model = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(5)))
    x = curta.ones(3, 4, requires_grad=True)
    (wanted,) = curta.autograd.grad(model(x).sum(), x)
    for functions in (model, list(model)):
        y = curta.utils.checkpoint.checkpoint_sequential(functions, segments, x, use_reentrant=False)
        (found,) = curta.autograd.grad(y.sum(), x)
        assert found.equal(wanted)
