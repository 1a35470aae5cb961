"""`scatter` and `scatter_add` along one dimension, and the gradient of `gather`, against loops over NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta

SHAPES = ((7,), (5, 4), (3, 5, 4), (2, 3, 130), (2, 70, 3), (2, 1, 3, 67), (0, 3), (3, 1))


def _places(shape: tuple[int, ...], dim: int, size: int) -> Any:
    return np.random.default_rng(3).integers(0, size, shape)


def _written(into: Any, dim: int, places: Any, source: Any, add: bool) -> Any:
    """What a loop over the places makes of a copy."""
    made = into.copy()
    for at in np.ndindex(*places.shape):
        where = (*at[:dim], places[at], *at[dim + 1 :])
        made[where] = made[where] + source[at] if add else source[at]
    return made


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 2, 9])
def test_along_every_dimension(shape: tuple[int, ...], count: int) -> None:
    random = np.random.default_rng(5)
    for dim in range(len(shape)):
        given = (*shape[:dim], count, *shape[dim + 1 :])
        if not shape[dim] or not np.prod(given):
            continue
        into, source = random.standard_normal(shape), random.standard_normal(given)
        places = _places(given, dim, shape[dim])
        x, y, where = curta.tensor(into), curta.tensor(source), curta.tensor(places)
        assert np.array_equal(x.scatter(dim, where, y).numpy(), _written(into, dim, places, source, add=False))
        assert np.allclose(x.scatter_add(dim, where, y).numpy(), _written(into, dim, places, source, add=True))
        assert np.array_equal(
            x.scatter(dim, where.int(), 3.0).numpy(), _written(into, dim, places, np.full(given, 3.0), add=False)
        )


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_operands_that_lie_anyhow(dim: int) -> None:
    random = np.random.default_rng(6)
    into, source = random.standard_normal((4, 6, 5)), random.standard_normal((8, 6, 10))
    places = _places((5, 6, 4), dim, (4, 6, 5)[dim]).T
    kept = tuple(slice(None) if axis == dim else slice(size) for axis, size in enumerate(into.shape))
    x = curta.tensor(into.T.copy()).T
    where, y = curta.tensor(places.T.copy()).T[kept], curta.tensor(source)[::2, :, ::2]
    wanted = _written(into, dim, places[kept], source[::2, :, ::2], add=True)
    x.scatter_add_(dim, where, y)
    assert np.allclose(x.numpy(), wanted)
    assert x.stride() == (1, 4, 24)


@pytest.mark.parametrize("dtype", curta.dtypes.ALL)
def test_every_format(dtype: Any) -> None:
    x, y = curta.tensor([[1, 0, 1]]).to(dtype), curta.tensor([[0, 1, 1, 1]]).to(dtype)
    where = curta.tensor([[0, 1, 1, 2]])
    put, added = x.scatter(1, where, y), x.scatter_add(1, where, y)
    assert put.dtype is added.dtype is dtype
    assert put.tolist() == [[0, 1, 1]]
    assert added.tolist() == ([[1, 1, 1]] if dtype is curta.bool else [[1, 2, 2]])


@pytest.mark.parametrize("dim", [0, 1])
def test_gradients(dim: int) -> None:
    """Of `gather` what its places add up to; and a second time what is gathered again."""
    random = np.random.default_rng(7)
    weights = random.standard_normal((6, 6))
    places = _places((6, 6), dim, 6)
    x = curta.tensor(random.standard_normal((6, 6)), requires_grad=True)
    g = curta.tensor(weights, requires_grad=True)
    (slope,) = curta.autograd.grad(x.gather(dim, curta.tensor(places)), x, g, create_graph=True)
    assert np.allclose(slope.detach().numpy(), _written(np.zeros((6, 6)), dim, places, weights, add=True))
    (again,) = curta.autograd.grad(slope, g, curta.tensor(weights))
    assert np.allclose(again.numpy(), np.take_along_axis(weights, places, dim))
    assert curta.autograd.gradcheck(lambda a, b: a.scatter_add(dim, curta.tensor(places), b), (x, g))
    assert curta.autograd.gradcheck(
        lambda a: a.scatter(dim, curta.tensor(places[:1]), 2.0) if dim == 0 else a * 2, (x,)
    )


def test_half_formats_add_up_in_float32() -> None:
    ones = curta.ones(1, 4000, dtype=curta.bfloat16, requires_grad=True)
    where = curta.zeros(1, 4000, dtype=curta.int64)
    assert curta.zeros(1, 1, dtype=curta.bfloat16).scatter_add(1, where, ones.detach()).item() == 4000.0
    x = curta.zeros(1, 1, dtype=curta.bfloat16, requires_grad=True)
    x.gather(1, where).sum().backward()
    assert x.grad.item() == 4000.0
