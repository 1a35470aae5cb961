"""Special points and error messages, as literals recorded from PyTorch 2.13."""

from __future__ import annotations

from typing import Any

import pytest

import curta

INF, NAN = float("inf"), float("nan")


def gradient(function: Any, *values: float) -> list[float]:
    tensors = [curta.tensor(value, dtype=curta.float64, requires_grad=True) for value in values]
    return [g.item() for g in curta.autograd.grad(function(*tensors), tensors)]


@pytest.mark.parametrize(
    ("function", "values", "wanted"),
    [
        (curta.abs, [0.0], [0.0]),
        (curta.relu, [0.0], [0.0]),
        (curta.sqrt, [0.0], [INF]),
        (curta.maximum, [2.0, 2.0], [0.5, 0.5]),
        (curta.minimum, [2.0, 2.0], [0.5, 0.5]),
        (curta.pow, [0.0, 2.0], [0.0, 0.0]),
        (curta.pow, [0.0, 0.0], [0.0, 0.0]),
        (lambda x: x**0, [0.0], [0.0]),
        (lambda x: x.clamp(-1, 1), [1.0], [1.0]),
        (lambda x: x.norm(), [0.0], [0.0]),
        (lambda x: 0.0**x, [2.0], [0.0]),
        (lambda x: curta.where(x > 0, x, x * x), [-3.0], [-6.0]),
        (lambda x: curta.nan_to_num(x), [INF], [0.0]),
        (lambda x: curta.round(x), [1.3], [0.0]),
    ],
)
def test_gradient_at(function: Any, values: list[float], wanted: list[float]) -> None:
    assert gradient(function, *values) == wanted


def test_product_with_zeros() -> None:
    for values, wanted in (([2.0, 0.0, 3.0], [0.0, 6.0, 0.0]), ([0.0, 0.0, 3.0], [0.0, 0.0, 0.0])):
        x = curta.tensor(values, requires_grad=True)
        x.prod().backward()
        assert x.grad.tolist() == wanted


def test_nan() -> None:
    x = curta.tensor([NAN, 1.0, INF])
    assert curta.isnan(curta.maximum(x, curta.tensor(2.0))).tolist() == [True, False, False]
    assert curta.isnan(x.clamp(0, 1)).tolist() == [True, False, False]
    assert x.argmax().item() == 0
    assert curta.isnan(x.amax()).item()
    assert curta.isnan(x.amin()).item()
    assert curta.nan_to_num(x, nan=7.0, posinf=9.0).tolist() == [7.0, 1.0, 9.0]
    assert curta.isclose(x, x, equal_nan=True).tolist() == [True, True, True]
    assert curta.isclose(x, x).tolist() == [False, True, True]


def test_promotion() -> None:
    whole = curta.tensor([1, 2])
    assert (whole / 2).dtype is curta.float32
    assert (whole * 2.5).tolist() == [2.5, 5.0]
    assert whole.exp().dtype is curta.float32
    assert (curta.tensor([1.0], dtype=curta.bfloat16) + 1).dtype is curta.bfloat16
    curta.set_default_dtype(curta.float64)
    try:
        assert (whole / 2).dtype is curta.float64
        assert (whole * 0.1).tolist() == [0.1, 0.2]
    finally:
        curta.set_default_dtype(curta.float32)
    assert (whole / 2).dtype is curta.float32


def test_strides() -> None:
    """Results lie in memory as their inputs do."""
    x = curta.zeros(2, 3, 4).permute(2, 0, 1)
    assert (x + 1).stride() == (1, 12, 4)
    assert (x + x.contiguous()).stride() == (1, 12, 4)
    assert x.clone().stride() == (1, 12, 4)
    assert x.double().stride() == (1, 12, 4)
    assert (x[:, :1] + 0).stride() == (1, 12, 4)
    assert (curta.zeros(3, 1).expand(3, 4) + 1).stride() == (4, 1)


def test_operators() -> None:
    x = curta.tensor([7, -7])
    assert (x // 2).tolist() == [3, -4]
    assert (x % 3).tolist() == [1, 2]
    assert (15 // x).tolist() == [2, -3]
    assert (15 % x).tolist() == [1, -6]
    assert (2 - x).tolist() == [-5, 9]
    assert (x << 1).tolist() == [14, -14]
    assert (x >> 1).tolist() == [3, -4]
    assert (1 << curta.tensor([3])).tolist() == [8]
    assert (x & 3).tolist() == [3, 1]
    assert (x | 8).tolist() == [15, -7]
    assert (x ^ 1).tolist() == [6, -8]
    assert (~x).tolist() == [-8, 6]
    assert (2.0 / curta.tensor([4.0])).tolist() == [0.5]
    assert (2.0 ** curta.tensor([3.0])).tolist() == [8.0]
    assert abs(x).tolist() == [7, 7]
    assert (x == 7).tolist() == [True, False]
    assert (7 != x).tolist() == [False, True]
    assert (x == "seven") is False
    with pytest.raises(TypeError):
        x + "seven"


def test_wide_numbers() -> None:
    """Shifts beyond the width, the smallest integer divided by -1: what PyTorch gives where C leaves it open."""
    low = curta.tensor([-128], dtype=curta.int8)
    assert (low >> 9).tolist() == [-1]
    assert (low << 9).tolist() == [0]
    assert curta.tensor([9], dtype=curta.int8).remainder(-1).tolist() == [0]


def test_comparing_whole_tensors() -> None:
    x = curta.tensor([1.0, 2.0])
    assert curta.equal(x, x.clone())
    assert not curta.equal(x, curta.tensor([1.0]))
    assert curta.allclose(x, x + 1e-9)
    assert not curta.allclose(x, x + 1e-3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: curta.zeros(2, 3) + curta.zeros(2, 4), RuntimeError, r"The size of tensor a \(3\) must match"),
        (lambda: curta.tensor([True]) - curta.tensor([True]), RuntimeError, "with two bool tensors is not supported"),
        (lambda: -curta.tensor([True]), RuntimeError, "Negation, the `-` operator, on a bool tensor"),
        (lambda: curta.tensor([1]) // 0, RuntimeError, "ZeroDivisionError"),
        (lambda: curta.tensor([1]) % curta.tensor([0]), RuntimeError, "ZeroDivisionError"),
        (lambda: curta.tensor([1]) ** -1, RuntimeError, "Integers to negative integer powers are not allowed"),
        (lambda: curta.add(curta.tensor([1]), 1, alpha=0.5), RuntimeError, "alpha must not be a floating point"),
        (lambda: curta.tensor([1.0]) & 1, RuntimeError, "bitwise_and"),
        (lambda: curta.tensor([1]).mean(), RuntimeError, "could not infer output dtype"),
        (lambda: curta.zeros(0).amax(), RuntimeError, "Expected reduction dim to be specified"),
        (lambda: curta.zeros(2).sum(1), IndexError, "Dimension out of range"),
        (lambda: curta.zeros(2, 2).sum((0, 0)), RuntimeError, "dim 0 appears multiple times"),
        (lambda: curta.where(curta.tensor([1]), 1.0, 2.0), RuntimeError, "condition to be a boolean tensor"),
        (lambda: curta.zeros(2).masked_fill(curta.tensor([1, 0]), 0), RuntimeError, "only supports boolean masks"),
        (lambda: curta.clamp(curta.zeros(2)), ValueError, "At least one of 'min' or 'max'"),
        (lambda: curta.exp(1.0), TypeError, "must be Tensor, not float"),
        (lambda: curta.div(curta.zeros(1), 1, rounding_mode="up"), ValueError, "expected rounding_mode"),
        (lambda: curta.addcdiv(*[curta.tensor([1])] * 3), RuntimeError, "Integer division with addcdiv"),
    ],
)
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_second_derivatives() -> None:
    """Rules are written with differentiable operators: d2/dx2 against closed forms."""
    import math

    value = 0.7
    for function, wanted in (
        (curta.tanh, -2 * math.tanh(value) * (1 - math.tanh(value) ** 2)),
        (curta.exp, math.exp(value)),
        (lambda x: x**3, 6 * value),
        (lambda x: 1 / x, 2 / value**3),
        (curta.sin, -math.sin(value)),
        (lambda x: x.log(), -1 / value**2),
    ):
        x = curta.tensor(value, dtype=curta.float64, requires_grad=True)
        (first,) = curta.autograd.grad(function(x), (x,), create_graph=True)
        (second,) = curta.autograd.grad(first, (x,))
        assert second.item() == pytest.approx(wanted, rel=1e-12)
