"""Batch normalization against NumPy in float64, finite differences, and eager against compiled."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import curta
from curta import nn
from curta.nn import functional as F

RNG = np.random.default_rng(11)
SHAPES = ((6, 3), (4, 3, 5), (4, 5, 3, 7), (2, 3, 2, 3, 4), (64, 20, 2, 2), (3, 1, 300, 7))


def given(*shape: int, dtype: Any = curta.float64, spread: float = 1.0, middle: float = 0.0) -> tuple[Any, Any]:
    """Numbers, exact in `dtype`, as float64 of NumPy and as a tensor."""
    tensor = curta.from_numpy(RNG.standard_normal(shape) * spread + middle).to(dtype)
    return np.array(tensor.double().numpy()), tensor


def along(x: Any, channels: Any) -> Any:
    return channels.reshape(1, -1, *(1,) * (x.ndim - 2))


def normalized(x: Any, mean: Any, var: Any, eps: float = 1e-5) -> Any:
    return (x - along(x, mean)) / np.sqrt(along(x, var) + eps)


def moments(x: Any) -> tuple[Any, Any]:
    axes = (0, *range(2, x.ndim))
    return x.mean(axes), x.var(axes)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("affine", ["both", "weight", "bias", "none"])
def test_values_and_running_statistics(shape: tuple[int, ...], affine: str) -> None:
    C = shape[1]
    (x, tx), (w, tw), (b, tb) = given(*shape, middle=2.0), given(C), given(C)
    (rm, trm), (rv, trv) = given(C), given(C, middle=5.0)
    use_w, use_b = affine in ("both", "weight"), affine in ("both", "bias")
    factors = (tw if use_w else None, tb if use_b else None)

    def finished(y: Any) -> Any:
        y = y * along(x, w) if use_w else y
        return y + along(x, b) if use_b else y

    known = F.batch_norm(tx, trm, trv, *factors)
    np.testing.assert_allclose(known.numpy(), finished(normalized(x, rm, rv)), rtol=1e-12, atol=1e-12)
    assert (trm.numpy() == rm).all()
    made = F.batch_norm(tx, trm, trv, *factors, training=True, momentum=0.3)
    mean, var = moments(x)
    np.testing.assert_allclose(made.numpy(), finished(normalized(x, mean, var)), rtol=1e-11, atol=1e-11)
    count = x.size / C
    np.testing.assert_allclose(trm.numpy(), 0.7 * rm + 0.3 * mean, rtol=1e-13)
    np.testing.assert_allclose(trv.numpy(), 0.7 * rv + 0.3 * var * count / (count - 1), rtol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 2), (3, 2, 2, 2)])
def test_first_and_second_gradients(shape: tuple[int, ...], training: bool) -> None:
    C = shape[1]
    tensors = [given(*one)[1].requires_grad_() for one in (shape, (C,), (C,))]
    statistics = (None, None) if training else (given(C)[1], given(C, middle=5.0)[1])

    def function(x: Any, *factors: Any) -> Any:
        return F.batch_norm(x, *statistics, *factors, training=training, eps=1e-2).sin()

    for count in (1, 2, 3):
        assert curta.autograd.gradcheck(function, tuple(tensors[:count]))
        assert curta.autograd.gradgradcheck(function, tuple(tensors[:count]))


def test_gradients_of_the_parameters_alone() -> None:
    (x, tx), (g, tg) = given(4, 3, 5), given(4, 3, 5)
    weight, bias = (given(3)[1].requires_grad_() for _ in range(2))
    F.batch_norm(tx, None, None, weight, bias, training=True).backward(tg)
    np.testing.assert_allclose(weight.grad.numpy(), (g * normalized(x, *moments(x))).sum((0, 2)), rtol=1e-12)
    np.testing.assert_allclose(bias.grad.numpy(), g.sum((0, 2)), rtol=1e-12)


@pytest.mark.parametrize("middle", [0.0, 1000.0])
def test_float32_keeps_its_digits_over_long_channels(middle: float) -> None:
    x, tensor = given(32, 4, 64, 33, dtype=curta.float32, middle=middle)
    mean, var = moments(x)
    made = F.batch_norm(tensor, None, None, training=True).double().numpy()
    # half a unit in the last place of the mean is what a float32 statistic cannot say; it is not in the values
    assert np.abs(made - normalized(x, mean, var)).max() < 2e-6
    running_mean, running_var = curta.zeros(4), curta.zeros(4)
    F.batch_norm(tensor, running_mean, running_var, training=True, momentum=1.0)
    np.testing.assert_allclose(running_mean.double().numpy(), mean, rtol=1.2e-7, atol=1e-7)
    np.testing.assert_allclose(running_var.double().numpy(), var * (32 * 64 * 33) / (32 * 64 * 33 - 1), rtol=6e-7)


@pytest.mark.parametrize("dtype", [curta.bfloat16, curta.float16])
@pytest.mark.parametrize("single", [True, False])
def test_half_formats_compute_in_float32(dtype: Any, single: bool) -> None:
    others = curta.float32 if single else dtype
    x, tensor = given(8, 3, 40, dtype=dtype, middle=3.0)
    (w, weight), (b, bias) = given(3, dtype=others), given(3, dtype=others)
    mean, var = (given(3, dtype=others, middle=1.0)[1] for _ in range(2))
    made = F.batch_norm(tensor.requires_grad_(), mean, var, weight.requires_grad_(), bias, training=True, momentum=1.0)
    assert made.dtype is dtype
    assert mean.dtype is var.dtype is others
    wanted = normalized(x, *moments(x)) * along(x, w) + along(x, b)
    step = 2.0**-8 if dtype is curta.bfloat16 else 2.0**-11
    assert (np.abs(made.detach().double().numpy() - wanted) <= np.abs(wanted) * step * 1.01 + 2e-6).all()
    np.testing.assert_allclose(mean.double().numpy(), moments(x)[0], rtol=1e-6 if single else step)
    made.sum().backward()
    assert tensor.grad.dtype is dtype
    assert weight.grad.dtype is others


def test_an_empty_batch_changes_nothing() -> None:
    layer = nn.BatchNorm2d(3)
    assert layer(curta.zeros(0, 3, 2, 2)).shape == (0, 3, 2, 2)
    assert layer.running_mean.tolist() == [0.0, 0.0, 0.0]
    assert layer.running_var.tolist() == [1.0, 1.0, 1.0]


# modules


def test_state_and_printing_are_torchs() -> None:
    layer = nn.BatchNorm2d(3)
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert layer.num_batches_tracked.dtype is curta.int64
    assert repr(layer) == ("BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)")
    plain = nn.BatchNorm1d(3, affine=False, momentum=None, track_running_stats=False)
    assert repr(plain) == (
        "BatchNorm1d(3, eps=1e-05, momentum=None, affine=False, bias=False, track_running_stats=False)"
    )
    assert list(plain.state_dict()) == []
    assert list(nn.BatchNorm3d(2, bias=False).state_dict())[:2] == ["weight", "running_mean"]


def test_a_state_of_before_batches_were_counted_fits() -> None:
    layer = nn.Sequential(nn.BatchNorm1d(2))
    state = {name: value + 1 for name, value in layer.state_dict().items() if "batches" not in name}
    assert repr(layer.load_state_dict(state)) == "<All keys matched successfully>"
    assert layer[0].running_var.tolist() == [2.0, 2.0]
    del state["0.running_mean"]
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: \"0.running_mean\""):
        layer.load_state_dict(state)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_the_running_statistics_follow_the_batches(momentum: float | None) -> None:
    layer = nn.BatchNorm2d(2, momentum=momentum, dtype=curta.float64)
    mean, var = np.zeros(2), np.ones(2)
    for number in range(1, 4):
        x, tensor = given(3, 2, 4, 4, middle=number)
        layer(tensor)
        share = 1 / number if momentum is None else momentum
        batch_mean, batch_var = moments(x)
        mean = (1 - share) * mean + share * batch_mean
        var = (1 - share) * var + share * batch_var * 48 / 47
    assert layer.num_batches_tracked.item() == 3
    np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-6)  # the share of None is a float32
    np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-6)
    layer.eval()
    x, tensor = given(3, 2, 4, 4)
    np.testing.assert_allclose(layer(tensor).detach().numpy(), normalized(x, mean, var), rtol=1e-5, atol=1e-6)
    assert layer.num_batches_tracked.item() == 3
    layer.reset_running_stats()
    assert (layer.running_mean.tolist(), layer.num_batches_tracked.item()) == ([0.0, 0.0], 0)


def test_without_running_statistics_the_batch_counts_in_both_modes() -> None:
    layer = nn.BatchNorm1d(2, track_running_stats=False, dtype=curta.float64)
    x, tensor = given(5, 2)
    for mode in (True, False):
        made = layer.train(mode)(tensor).detach().numpy()
        np.testing.assert_allclose(made, normalized(x, *moments(x)), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_compiled_step_is_the_eager_one_to_the_bit(momentum: float | None) -> None:
    curta.manual_seed(1)
    layers = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8, momentum=momentum), nn.ReLU()
    eager = nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 36, 3))
    compiled = copy.deepcopy(eager)

    def step_of(model: Any) -> Any:
        optimizer = curta.optim.AdamW(model.parameters(), lr=0.01)

        def step(x: Any, y: Any) -> Any:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        return step

    first, second = step_of(eager), curta.compile(step_of(compiled))
    for _ in range(4):
        x, y = curta.randn(8, 3, 6, 6), curta.arange(8) % 3
        assert first(x, y).item() == second(x, y).item()
    assert compiled[1].num_batches_tracked.item() == 4
    for name, value in eager.state_dict().items():
        assert (value.numpy() == compiled.state_dict()[name].numpy()).all(), name


def test_another_mode_is_another_program() -> None:
    layer = nn.BatchNorm1d(3)
    x = curta.randn(5, 3)
    run = curta.compile(lambda x: layer(x))
    run(x)
    known = layer.eval()(x).detach().numpy()
    assert (run(x).detach().numpy() == known).all()
    assert (len(run.programs), layer.num_batches_tracked.item()) == (2, 1)
    layer.train()
    run(x)
    assert (len(run.programs), layer.num_batches_tracked.item()) == (2, 2)
