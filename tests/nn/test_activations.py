"""Activations against NumPy in float64, slopes at kinks as torch 2.13 gives them, in place, in every format."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import curta
from curta import nn
from curta.nn import functional as F

RNG = np.random.default_rng(2)
X = np.concatenate([RNG.standard_normal(20) * 4, [-4.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0]])
#: where the slopes below were recorded
KINKS = [-4.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0]
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


class Case(NamedTuple):
    """The function, its oracle, its layers as printed, and its slope at `KINKS` as PyTorch 2.13 gives it."""

    function: Callable[..., Any]
    oracle: Callable[[Any], Any]
    layers: dict[str, Any]
    slopes: list[float] | None = None


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


CASES = {
    "relu": Case(F.relu, lambda x: np.maximum(x, 0), {"ReLU()": nn.ReLU(), "ReLU(inplace=True)": nn.ReLU(True)},
                 [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
    "relu6": Case(F.relu6, lambda x: np.clip(x, 0, 6), {"ReLU6()": nn.ReLU6(), "ReLU6(inplace=True)": nn.ReLU6(True)},
                  [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]),
    "leaky_relu": Case(F.leaky_relu, lambda x: np.where(x > 0, x, 0.01 * x),
                       {"LeakyReLU(negative_slope=0.01)": nn.LeakyReLU()}, [0.01] * 5 + [1] * 5),
    "rrelu": Case(F.rrelu, lambda x: np.where(x > 0, x, x * 11 / 48),
                  {"RReLU(lower=0.125, upper=0.3333333333333333)": nn.RReLU().eval()}, [11 / 48] * 5 + [1] * 5),
    "threshold": Case(lambda x, inplace=False: F.threshold(x, 0.5, 20.0, inplace), lambda x: np.where(x > 0.5, x, 20),
                      {"Threshold(threshold=0.5, value=20.0)": nn.Threshold(0.5, 20.0),
                       "Threshold(threshold=0.5, value=20.0, inplace=True)": nn.Threshold(0.5, 20.0, True)},
                      [0] * 6 + [1] * 4),
    "elu": Case(F.elu, lambda x: np.where(x > 0, x, np.expm1(x)),
                {"ELU(alpha=1.0)": nn.ELU(), "ELU(alpha=1.0, inplace=True)": nn.ELU(inplace=True)},
                [0.01831564, 0.04978707, 0.3678794, 0.6065307, 1, 1, 1, 1, 1, 1]),
    "selu": Case(F.selu, lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)),
                 {"SELU()": nn.SELU(), "SELU(inplace=True)": nn.SELU(True)},
                 [0.03220071, 0.0875306, 0.6467686, 1.0663412, 1.7580993, *[1.050701] * 5]),
    "celu": Case(lambda x, inplace=False: F.celu(x, 2.0, inplace), lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2)),
                 {"CELU(alpha=2.0)": nn.CELU(2.0)}),
    "hardtanh": Case(F.hardtanh, lambda x: np.clip(x, -1, 1),
                     {"Hardtanh(min_val=-1.0, max_val=1.0)": nn.Hardtanh(),
                      "Hardtanh(min_val=-1.0, max_val=1.0, inplace=True)": nn.Hardtanh(-2, 2, True, -1.0, 1.0)},
                     [0, 0, 0, 1, 1, 1, 0, 0, 0, 0]),
    "hardswish": Case(F.hardswish, lambda x: x * np.clip(x + 3, 0, 6) / 6,
                      {"Hardswish()": nn.Hardswish(inplace=True)},
                      [0, 0, 0.1666667, 0.3333333, 0.5, 0.6666667, 0.8333333, 1, 1, 1]),
    "hardsigmoid": Case(F.hardsigmoid, lambda x: np.clip(x + 3, 0, 6) / 6, {"Hardsigmoid()": nn.Hardsigmoid()},
                        [0, 0, *[1 / 6] * 5, 0, 0, 0]),
    "silu": Case(F.silu, lambda x: x * sigmoid(x), {"SiLU()": nn.SiLU(), "SiLU(inplace=True)": nn.SiLU(True)}),
    "mish": Case(F.mish, lambda x: x * np.tanh(softplus(x)), {"Mish()": nn.Mish(), "Mish(inplace=True)": nn.Mish(True)},
                 [-0.05377321, -0.09339312, 0.05921673, 0.2895106, 0.6, 0.8864244, 1.0490363, 1.0211070, 1.0001340,
                  1.0000217]),
    "softplus": Case(F.softplus, softplus, {"Softplus(beta=1.0, threshold=20.0)": nn.Softplus()},
                     list(sigmoid(np.array(KINKS)))),
    "softplus beta": Case(lambda x: F.softplus(x, 2.0, 1.0), lambda x: np.where(2 * x > 1, x, softplus(2 * x) / 2),
                          {"Softplus(beta=2.0, threshold=1.0)": nn.Softplus(2.0, 1.0)}),
    "logsigmoid": Case(F.logsigmoid, lambda x: -softplus(-x), {"LogSigmoid()": nn.LogSigmoid()},
                       list(sigmoid(-np.array(KINKS)))),
    "softsign": Case(F.softsign, lambda x: x / (1 + abs(x)), {"Softsign()": nn.Softsign()},
                     [0.04, 0.0625, 0.25, 0.4444444, 1, 0.4444444, 0.25, 0.0625, 0.02040816, 0.015625]),
    "tanhshrink": Case(F.tanhshrink, lambda x: x - np.tanh(x), {"Tanhshrink()": nn.Tanhshrink()}),
    "softshrink": Case(F.softshrink, lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
                       {"Softshrink(0.5)": nn.Softshrink()}, [1, 1, 1, 0, 0, 0, 1, 1, 1, 1]),
    "hardshrink": Case(F.hardshrink, lambda x: np.where(abs(x) > 0.5, x, 0), {"Hardshrink(0.5)": nn.Hardshrink()},
                       [1, 1, 1, 0, 0, 0, 1, 1, 1, 1]),
    "glu": Case(F.glu, lambda x: x[:15] * sigmoid(x[15:]), {"GLU(dim=-1)": nn.GLU()}),
    "gelu": Case(F.gelu, lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2,
                 {"GELU(approximate='none')": nn.GELU()}),
}  # fmt: skip
IN_PLACE = ["relu", "relu6", "leaky_relu", "rrelu", "threshold", "elu", "selu", "celu", "hardtanh", "hardswish",
            "hardsigmoid", "silu", "mish"]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_layers(name: str) -> None:
    case = CASES[name]
    x = curta.from_numpy(X)
    np.testing.assert_allclose(case.function(x).numpy(), case.oracle(X), rtol=1e-12, atol=1e-13)
    for printed, layer in case.layers.items():
        assert repr(layer) == printed
        np.testing.assert_allclose(layer(x.clone()).numpy(), case.oracle(X), rtol=1e-12, atol=1e-13)
    strided = curta.from_numpy(np.stack([X, X], 1))[:, 0]
    np.testing.assert_allclose(case.function(strided).numpy(), case.oracle(X), rtol=1e-12, atol=1e-13)
    assert case.function(curta.zeros(0, dtype=curta.float64)).numel() == 0


@pytest.mark.parametrize("name", CASES)
def test_first_and_second_gradients(name: str) -> None:
    x = curta.from_numpy(np.array([-5.3, -2.2, -0.7, -0.3, 0.2, 0.8, 2.4, 6.6])).requires_grad_()
    assert curta.autograd.gradcheck(CASES[name].function, (x,))
    assert curta.autograd.gradgradcheck(CASES[name].function, (x,))


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].slopes is not None])
def test_slopes_at_kinks(name: str) -> None:
    x = curta.tensor(KINKS, dtype=curta.float64, requires_grad=True)
    CASES[name].function(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), CASES[name].slopes, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name: str) -> None:
    function = CASES[name].function
    x = curta.from_numpy(X.copy())
    assert function(x, inplace=True) is x
    np.testing.assert_allclose(x.numpy(), CASES[name].oracle(X), rtol=1e-12, atol=1e-13)
    first, second = (curta.from_numpy(X.copy()).requires_grad_() for _ in range(2))
    y = first * 2
    (function(y, inplace=True) * y).sum().backward()
    (function(second * 2) ** 2).sum().backward()
    np.testing.assert_allclose(first.grad.numpy(), second.grad.numpy(), rtol=1e-12, atol=1e-13)


def test_names_of_in_place_forms() -> None:
    for name, more in (
        ("relu", ()), ("leaky_relu", (0.1,)), ("rrelu", ()), ("threshold", (0.5, 2.0)), ("elu", ()), ("selu", ()),
        ("celu", ()), ("hardtanh", ()),
    ):  # fmt: skip
        x = curta.from_numpy(X.copy())
        wanted = getattr(F, name)(x, *more).tolist()
        assert getattr(F, f"{name}_")(x, *more) is x
        assert x.tolist() == wanted


@pytest.mark.parametrize(
    "name", ["elu", "mish", "softplus", "logsigmoid", "hardtanh", "hardswish", "glu", "softshrink"]
)
def test_half_formats_compute_in_float32(name: str) -> None:
    x = curta.from_numpy(X).bfloat16()
    made = CASES[name].function(x)
    assert made.dtype is curta.bfloat16
    wanted = CASES[name].oracle(x.double().numpy())
    np.testing.assert_allclose(made.double().numpy(), wanted, rtol=2.0**-8, atol=1e-6)


def test_extremes_have_finite_slopes_and_nan_stays() -> None:
    far = [-1e4, 1e4]
    for name, values, slopes in (
        ("elu", [-1, 1e4], [0, 1]), ("softplus", [0, 1e4], [0, 1]), ("mish", [0, 1e4], [0, 1]),
        ("logsigmoid", [-1e4, 0], [1, 0]), ("celu", [-2, 1e4], [0, 1]),
    ):  # fmt: skip
        x = curta.tensor(far, dtype=curta.float64, requires_grad=True)
        y = CASES[name].function(x)
        y.sum().backward()
        assert y.tolist() == values, name
        assert x.grad.tolist() == slopes, name
    for name in set(CASES) - {"glu"}:
        assert math.isnan(CASES[name].function(curta.tensor(math.nan, dtype=curta.float64)).item()), name


def test_whole_numbers() -> None:
    x = curta.tensor([-7, 1, 9])
    assert F.relu6(x).tolist() == [0, 1, 6]
    assert F.hardtanh(x).dtype is curta.int64
    assert F.threshold(x, 1.5, 5.5).tolist() == [5, 5, 9]
    assert F.softsign(x).dtype is F.tanhshrink(x).dtype is curta.float32


def test_prelu() -> None:
    layer = nn.PReLU(3, dtype=curta.float64)
    assert repr(layer) == "PReLU(num_parameters=3)"
    assert layer.weight.tolist() == [0.25] * 3
    for shape in ((2, 3), (2, 3, 4)):
        x, w = (curta.from_numpy(RNG.standard_normal(size)).requires_grad_() for size in (shape, (3,)))
        assert curta.autograd.gradcheck(F.prelu, (x, w))
        assert curta.autograd.gradgradcheck(F.prelu, (x, w))
        values = w.detach().numpy().reshape(1, 3, *(1,) * (len(shape) - 2))
        wanted = np.where(x.detach().numpy() > 0, x.detach().numpy(), x.detach().numpy() * values)
        np.testing.assert_allclose(F.prelu(x, w).detach().numpy(), wanted)
    assert F.prelu(curta.tensor(-2.0), curta.tensor([0.5])).item() == -1.0
    assert nn.PReLU()(curta.tensor([-4.0, 4.0])).tolist() == [-1.0, 4.0]
    layer.weight.detach().fill_(1.0)
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.25] * 3


def test_rrelu_in_training() -> None:
    curta.manual_seed(0)
    x = curta.full((1000,), -1.0, requires_grad=True)
    y = nn.RReLU(0.2, 0.4)(x)
    slopes = -y.detach().numpy()
    assert slopes.min() >= 0.2
    assert slopes.max() < 0.4
    assert abs(slopes.mean() - 0.3) < 0.01
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), slopes)
    z = curta.full((10,), -1.0)
    assert F.rrelu(z, 0.5, 0.5, training=True, inplace=True) is z
    assert z.tolist() == [-0.5] * 10


def test_softmin_and_the_layers_of_softmax() -> None:
    x = curta.from_numpy(RNG.standard_normal((2, 3, 2, 2)))
    e = np.exp(-x.numpy())
    np.testing.assert_allclose(nn.Softmin(1)(x).numpy(), e / e.sum(1, keepdims=True))
    np.testing.assert_allclose(nn.LogSoftmax(1)(-x).numpy(), np.log(e / e.sum(1, keepdims=True)))
    np.testing.assert_allclose(nn.Softmax2d()(-x).numpy(), e / e.sum(1, keepdims=True))
    assert [repr(layer) for layer in (nn.Softmin(1), nn.LogSoftmax(1), nn.Softmax2d())] == [
        "Softmin(dim=1)", "LogSoftmax(dim=1)", "Softmax2d()",
    ]  # fmt: skip


def test_gumbel_softmax() -> None:
    curta.manual_seed(0)
    logits = curta.tensor([0.0, math.log(3.0)]).expand(4000, 2).clone().requires_grad_()
    soft = F.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(soft.sum(1).detach().numpy(), 1, rtol=1e-5)
    hard = F.gumbel_softmax(logits, hard=True)
    shares = hard.detach().numpy()
    np.testing.assert_allclose(shares.max(1), 1, rtol=1e-6)
    assert abs(shares[:, 1].mean() - 0.75) < 0.03  # more than 4 deviations
    (hard * hard).sum().backward()
    assert logits.grad.abs().sum().item() > 0


def test_compiled_planned_and_costs() -> None:
    x = curta.from_numpy(X).float().reshape(5, 6).requires_grad_()
    names = [name for name in CASES if name != "rrelu"]

    def step(x: Any) -> Any:
        total = sum(CASES[name].function(x.flatten()).sum() for name in names)
        total.backward()
        return total

    planned = curta.plan(step, x)
    with curta.account() as books:
        wanted = step(x)
    assert planned.flops == books.flops
    gradient, x.grad = x.grad, None
    assert curta.compile(step)(x).item() == wanted.item()
    np.testing.assert_allclose(x.grad.numpy(), gradient.numpy(), rtol=1e-5, atol=1e-6)
    with curta.account() as books, curta.no_grad():
        F.hardswish(x)
        F.softplus(x)
    costs = books.by_op()
    assert costs["hardswish"][:2] == (3 * 30, 0)
    assert costs["softplus"][:2] == (2 * 30, 2 * 30)
