"""Scaling losses: against PyTorch's sequence of scales, and a float16 run that learns nothing without it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

import curta
from curta.amp import GradScaler
from curta.errors import ArgumentError, ArgumentTypeError, OrderError, UnsupportedError
from curta.optim import SGD


def trained(scaler: GradScaler, compiled: bool = False) -> float:
    """The error left after 30 steps of a line whose gradients are too small for float16."""
    weight = curta.zeros(4, requires_grad=True)
    target = curta.tensor([1.0, -2.0, 0.5, 3.0])
    optimizer = SGD([weight], lr=2.0**26)

    def backward() -> None:
        small = (weight - target).half() * 2.0**-6
        scaler.scale((small * small * 2.0**-16).sum()).backward()  # at most 3 * 2**-27: half of 2**-24 would be kept

    function = curta.compile(backward) if compiled else backward
    for _ in range(30):
        optimizer.zero_grad()
        function()
        scaler.step(optimizer)
        scaler.update()
    return float((weight - target).abs().max())


def test_a_float16_run_learns_only_with_it() -> None:
    assert trained(GradScaler(enabled=False)) == 3.0
    assert trained(GradScaler(init_scale=2.0**14)) < 1e-3


def test_scaling_inside_of_a_compiled_function_follows_the_scale() -> None:
    eager = GradScaler(init_scale=2.0**12, growth_interval=4)
    compiled = GradScaler(init_scale=2.0**12, growth_interval=4)
    assert trained(eager) == pytest.approx(trained(compiled, compiled=True), abs=1e-6)
    assert eager.get_scale() == compiled.get_scale() > 2.0**12


def one_weight() -> tuple[Any, SGD]:
    weight = curta.tensor([1.0, 2.0], requires_grad=True)
    return weight, SGD([weight], lr=0.5)


#: the gradients of ten steps (before scaling), and PyTorch 2.13's scale and tracker after each
STEPS: list[tuple[float, float, int]] = [
    (1.0, 8.0, 1),
    (1.0, 32.0, 0),
    (float("inf"), 8.0, 0),
    (1.0, 8.0, 1),
    (float("nan"), 2.0, 0),
    (-float("inf"), 0.5, 0),
    (2.0, 0.5, 1),
    (2.0, 2.0, 0),
]


def test_the_scale_goes_as_pytorchs() -> None:
    weight, optimizer = one_weight()
    scaler = GradScaler(init_scale=8.0, growth_factor=4.0, backoff_factor=0.25, growth_interval=2)
    for gradient, scale, tracker in STEPS:
        before = weight.tolist()
        weight.grad = curta.tensor([gradient, 1.0]) * scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        state = scaler.state_dict()
        assert (state["scale"], state["_growth_tracker"]) == (scale, tracker)
        finite = abs(gradient) < 10
        assert weight.tolist() == ([before[0] - 0.5 * gradient, before[1] - 0.5] if finite else before)


def test_a_scale_that_would_be_infinite_stays() -> None:
    weight, optimizer = one_weight()
    scaler = GradScaler(init_scale=2.0**127, growth_interval=1)
    weight.grad = curta.ones(2)
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2.0**127


def test_unscaled_gradients_can_be_clipped() -> None:
    weight, optimizer = one_weight()
    scaler = GradScaler(init_scale=4.0)
    first, second = scaler.scale([weight.sum(), 2 * weight.sum()])
    (first + second).backward()
    scaler.unscale_(optimizer)
    assert weight.grad.tolist() == [3.0, 3.0]
    curta.nn.utils.clip_grad_value_(weight, 1.0)
    scaler.step(optimizer)
    assert weight.tolist() == [0.5, 1.5]


def test_gradients_are_unscaled_in_two_launches(launches: list[int]) -> None:
    weights = [curta.nn.Parameter(curta.ones(*shape)) for shape in [(), (0,), (5,), (300, 400), (7, 3)]]
    optimizer = SGD(weights, lr=1.0)
    scaler = GradScaler(init_scale=4.0)
    for last, scale in ((1.0, 4.0), (float("nan"), 2.0)):
        for weight in weights:
            weight.grad = curta.full(weight.shape, 6.0)
        weights[3].grad[299, 399] = last
        launches.clear()
        scaler.unscale_(optimizer)
        assert len(launches) == 2
        assert [weight.grad.sum().item() for weight in weights[:3]] == [1.5, 0.0, 7.5]
        scaler.update()
        assert scaler.get_scale() == scale


def test_several_optimizers_share_a_scale() -> None:
    scaler = GradScaler(init_scale=4.0)
    (good, first), (bad, second) = one_weight(), one_weight()
    good.grad, bad.grad = curta.ones(2), curta.tensor([1.0, float("inf")])
    scaler.step(first)
    scaler.step(second)
    scaler.update()
    assert good.tolist() == [0.875, 1.875]
    assert bad.tolist() == [1.0, 2.0]
    assert scaler.get_scale() == 2.0


def test_losses_keep_what_holds_them() -> None:
    scaler = GradScaler(init_scale=2.0)
    loss = curta.tensor(3.0)
    assert scaler.scale((loss, [loss])) == (6.0, [6.0])
    assert list(scaler.scale(iter([loss]))) == [6.0]
    assert scaler.scale(curta.ones(2, dtype=curta.float16)).dtype is curta.float16


def test_disabled_it_does_nothing() -> None:
    scaler = GradScaler(enabled=False)
    weight, optimizer = one_weight()
    weight.grad = curta.tensor([float("inf"), 1.0])
    assert scaler.scale("anything") == "anything"
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert weight.tolist() == [-float("inf"), 1.5]
    assert (scaler.get_scale(), scaler.is_enabled(), scaler.state_dict()) == (1.0, False, {})
    scaler.load_state_dict({})


def test_it_goes_on_from_its_state_and_from_a_pickle() -> None:
    scaler = GradScaler(init_scale=3.0, growth_factor=1.5, backoff_factor=0.25, growth_interval=7)
    scaler.set_growth_factor(1.25)
    scaler.set_backoff_factor(0.5)
    scaler.set_growth_interval(9)
    second = GradScaler()
    second.load_state_dict(scaler.state_dict())
    third = pickle.loads(pickle.dumps(scaler))
    expected = {
        "scale": 3.0,
        "growth_factor": 1.25,
        "backoff_factor": 0.5,
        "growth_interval": 9,
        "_growth_tracker": 0,
    }
    assert scaler.state_dict() == second.state_dict() == third.state_dict() == expected
    assert (second.get_growth_factor(), second.get_backoff_factor(), second.get_growth_interval()) == (1.25, 0.5, 9)
    second.update(5)
    third.update(curta.tensor([6.0]))
    assert (second.get_scale(), third.get_scale()) == (5.0, 6.0)


def stepped() -> tuple[GradScaler, SGD]:
    scaler = GradScaler()
    weight, optimizer = one_weight()
    weight.grad = curta.ones(2)
    scaler.step(optimizer)
    return scaler, optimizer


def unscaled_twice() -> None:
    scaler = GradScaler()
    optimizer = one_weight()[1]
    scaler.unscale_(optimizer)
    scaler.unscale_(optimizer)


def half_gradients() -> None:
    weight = curta.ones(2, dtype=curta.float16, requires_grad=True)
    weight.grad = curta.ones(2, dtype=curta.float16)
    GradScaler().step(SGD([weight]))


def called_with_both(method: str) -> None:
    scaler, optimizer = stepped()
    getattr(scaler, method)(optimizer)


REFUSALS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: GradScaler(growth_factor=1.0), ArgumentError, "The growth factor must be > 1.0."),
    (lambda: GradScaler(backoff_factor=1.0), ArgumentError, "The backoff factor must be < 1.0."),
    (lambda: GradScaler().scale(3), ArgumentError, "outputs must be a Tensor or an iterable of Tensors"),
    (unscaled_twice, OrderError, "unscale_() has already been called on this optimizer since the last update()."),
    (lambda: called_with_both("unscale_"), OrderError, "unscale_() is being called after step()."),
    (lambda: called_with_both("step"), OrderError, "step() has already been called since the last update()."),
    (half_gradients, ArgumentError, "Attempting to unscale FP16 gradients."),
    (
        lambda: GradScaler().step(one_weight()[1], closure=len),
        UnsupportedError,
        "Closure use is not currently supported if GradScaler is enabled.",
    ),
    (
        lambda: GradScaler().step(one_weight()[1]),
        OrderError,
        "No inf checks were recorded for this optimizer.",
    ),
    (lambda: GradScaler().update(), OrderError, "No inf checks were recorded prior to update."),
    (
        lambda: GradScaler().update(curta.ones(2)),
        ArgumentError,
        "new_scale should be a number or a tensor of one element with requires_grad=False.",
    ),
    (
        lambda: GradScaler().update("much"),  # type: ignore[arg-type]
        ArgumentTypeError,
        "new_scale should be a number or a tensor of one element, got str",
    ),
    (
        lambda: GradScaler().load_state_dict({}),
        OrderError,
        "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler.",
    ),
    (
        lambda: pickle.dumps(stepped()[0]),
        OrderError,
        "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after "
        "scaler.update().",
    ),
    (
        lambda: curta.compile(lambda: GradScaler().update())(),
        UnsupportedError,
        "GradScaler.update decides by the values of gradients: call it outside of the compiled function, which may "
        "hold scale() and backward()",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), REFUSALS)
def test_what_cannot_be(call: Callable[[], object], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)
