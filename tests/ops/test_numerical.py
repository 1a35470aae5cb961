"""Numerical derivatives, integrals and norms with a limit, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.autograd import gradcheck


def numbers(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("spacing", [1, 0.5, (0.5, 2.0)])
def test_gradient(edge_order: int, spacing: Any) -> None:
    values = numbers(5, 7)
    found = curta.gradient(curta.from_numpy(values), spacing=spacing, edge_order=edge_order)
    steps = spacing if isinstance(spacing, tuple) else (spacing,)
    for mine, expected in zip(found, np.gradient(values, *steps, edge_order=edge_order), strict=True):
        np.testing.assert_allclose(mine.numpy(), expected)


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient_at_coordinates(edge_order: int) -> None:
    values, places = numbers(4, 6), np.sort(numbers(6))
    x = curta.from_numpy(values)
    (found,) = curta.gradient(x, spacing=(curta.from_numpy(places),), dim=(1,), edge_order=edge_order)
    np.testing.assert_allclose(found.numpy(), np.gradient(values, places, axis=1, edge_order=edge_order))
    assert gradcheck(lambda x: curta.gradient(x, dim=1)[0], (x.requires_grad_(),))


def test_gradient_of_whole_numbers_and_of_two() -> None:
    assert curta.gradient(curta.tensor([1, 4, 9]))[0].tolist() == [3.0, 4.0, 5.0]
    assert curta.gradient(curta.tensor([1.0, 4.0]))[0].tolist() == [3.0, 3.0]


def test_trapz() -> None:
    values, places = numbers(3, 5), np.sort(numbers(5))
    x = curta.from_numpy(values)
    np.testing.assert_allclose(curta.trapz(x, curta.from_numpy(places)).numpy(), np.trapezoid(values, places))
    np.testing.assert_allclose(curta.trapz(x, dx=0.5, dim=0).numpy(), np.trapezoid(values, dx=0.5, axis=0))


@pytest.mark.parametrize("p", [1, 2, 3.5])
def test_renorm(p: float) -> None:
    """A slice with a larger norm ends at the limit, others stay."""
    values = numbers(4, 3, 2)
    x = curta.from_numpy(values)
    found = curta.renorm(x, p, 1, 2.0).numpy()
    for place in range(3):
        size = (np.abs(values[:, place]) ** p).sum() ** (1 / p)
        np.testing.assert_allclose(found[:, place], values[:, place] * min(1.0, 2.0 / size), 1e-6)
    assert gradcheck(lambda x: curta.renorm(x, p, 0, 2.0), (x.requires_grad_(),))


def test_rows_are_written_as_rows() -> None:
    """What is written whole behind the indices goes as one piece: values and slopes as element by element."""
    values, places = numbers(5, 3, 4), curta.tensor([4, 0, 4])
    x, source = curta.from_numpy(values), curta.from_numpy(numbers(3, 3, 4))
    expected = values.copy()
    np.add.at(expected, places.numpy(), source.numpy())
    np.testing.assert_allclose(x.index_add(0, places, source).numpy(), expected)
    np.testing.assert_allclose(x.half().index_add(0, places, source.half()).double().numpy(), expected, atol=1e-2)
    written = x.clone()
    written[:, curta.tensor([2, 0])] = 7.0  # an index in the middle
    assert bool((written[:, [0, 2]] == 7).all())
    assert bool((written[:, 1] == x[:, 1]).all())
    assert gradcheck(lambda x, source: x.index_add(0, places, source), (x.requires_grad_(), source.requires_grad_()))
    assert gradcheck(lambda x, source: x.index_copy(0, places[:2], source[:2]), (x, source))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_frexp(dtype: str) -> None:
    info = np.finfo(dtype)
    special = [0.0, -0.0, info.smallest_subnormal, 3 * info.smallest_subnormal, info.tiny, info.max, 1.0, 0.5, -2.0]
    values = np.concatenate([numbers(200) * 2.0 ** np.arange(-12, 13).repeat(8), special]).astype(dtype)
    mantissa, exponent = curta.frexp(curta.from_numpy(values))
    assert exponent.dtype is curta.int32
    np.testing.assert_array_equal(mantissa.numpy(), np.frexp(values)[0])
    np.testing.assert_array_equal(exponent.numpy(), np.frexp(values)[1])
    odd = curta.frexp(curta.tensor([float("inf"), float("nan")]))
    assert odd.exponent.tolist() == [0, 0]
    assert odd.mantissa.isnan().tolist() == [False, True]


def test_the_slope_of_a_mantissa() -> None:
    x = curta.tensor([8.0, 0.75], requires_grad=True)
    curta.frexp(x).mantissa.sum().backward()
    assert x.grad.tolist() == [1 / 16, 1.0]
