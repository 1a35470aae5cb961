"""`histogram` and `histogramdd`: against NumPy's, and literals recorded from PyTorch 2.13."""

from __future__ import annotations

import numpy as np
import pytest

import curta

INF, NAN = float("inf"), float("nan")
Y = [1.0, 2.0, 1.0, 4.0, -1.0]
WEIGHTS = [1.0, 2.0, 4.0, 8.0, 16.0]
POINTS = [[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_numpy(dtype: type) -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(40, 30)).astype(dtype)
    weights = generator.random((40, 30)).astype(dtype)
    edges = np.sort(generator.normal(size=9)).astype(dtype)
    for options in ({}, {"weight": weights}, {"density": True}, {"weight": weights, "density": True}):
        given = {name: curta.from_numpy(value) if name == "weight" else value for name, value in options.items()}
        named = {"weights" if name == "weight" else name: value for name, value in options.items()}
        for bins, limits in ((7, None), (11, (-1.0, 0.5)), (edges, None)):
            ours = curta.from_numpy(bins) if bins is edges else bins
            found = curta.histogram(curta.from_numpy(x).T.T, ours, **({"range": limits} if limits else {}), **given)
            hist, wanted = np.histogram(x.astype(np.float64), bins, limits, **named)
            np.testing.assert_allclose(found.hist.numpy(), hist, rtol=2e-5 if dtype == np.float32 else 1e-12)
            np.testing.assert_allclose(found.bin_edges.numpy(), wanted, rtol=1e-5 if dtype == np.float32 else 1e-12)
            assert found.hist.numpy().dtype == dtype


def test_points_against_numpy() -> None:
    generator = np.random.default_rng(2)
    x, weights = generator.normal(size=(200, 3)), generator.random(200)
    edges = [np.sort(generator.normal(size=count)) for count in (4, 6, 3)]
    limits = [(-1.0, 1.0), (0.0, 2.0), (-3.0, 0.5)]
    flat = [end for pair in limits for end in pair]
    for ours, theirs, ends in (([3, 4, 5], [3, 4, 5], None), ([3, 4, 5], [3, 4, 5], flat), (edges, edges, None)):
        given = [curta.from_numpy(one) for one in edges] if ours is edges else ours
        for density in (False, True):
            hist, wanted = np.histogramdd(x, theirs, limits if ends else None, density=density, weights=weights)
            found = curta.histogramdd(
                curta.from_numpy(x).reshape(20, 10, 3), given, ends, curta.from_numpy(weights).reshape(20, 10), density
            )
            np.testing.assert_allclose(found.hist.numpy(), hist, rtol=1e-12)
            for one, other in zip(found.bin_edges, wanted, strict=True):
                np.testing.assert_allclose(one.numpy(), other, rtol=1e-12, atol=1e-15)


def test_recorded() -> None:
    y, weight = curta.tensor(Y), curta.tensor(WEIGHTS)
    hist, edges = curta.histogram(y, 4)
    assert (hist.tolist(), edges.tolist()) == ([1.0, 2.0, 1.0, 1.0], [-1.0, 0.25, 1.5, 2.75, 4.0])
    assert curta.histogram(y).hist.shape == (100,)
    found = y.histogram(4, range=(0, 3), weight=weight, density=True)
    assert found.hist.tolist() == pytest.approx([0.0, 0.95238096, 0.38095239, 0.0])
    assert curta.histogram(y, curta.tensor([0.0, 1.0, 2.0, 3.0])).hist.tolist() == [0.0, 2.0, 1.0]
    assert curta.histogram(y, curta.tensor([0.0])).hist.shape == (0,)
    twice = curta.histogram(y, curta.tensor([0.0, 1.0, 1.0, 3.0]), density=True).hist
    assert twice.tolist() == pytest.approx([0.0, NAN, 0.5], nan_ok=True)
    assert curta.histogram(curta.ones(2), 3).bin_edges.tolist() == pytest.approx([0.5, 0.8333333, 1.1666666, 1.5])
    assert curta.histogram(curta.tensor(2.0), 3).hist.tolist() == [0.0, 1.0, 0.0]
    assert curta.histogram(curta.zeros(0), 3).hist.tolist() == [0.0, 0.0, 0.0]
    assert curta.histogram(curta.zeros(0), 3, density=True).hist.isnan().all().item()
    assert curta.histogram(curta.tensor([NAN, 1.0]), curta.tensor([0.0, 1.0, 2.0])).hist.tolist() == [0.0, 1.0]
    parts = curta.histogram(curta.arange(6.0) / 5, 5).hist
    assert parts.tolist() == [1.0, 1.0, 1.0, 1.0, 2.0]


def test_recorded_points() -> None:
    z = curta.tensor(POINTS)
    found = curta.histogramdd(z, bins=[3, 3], weight=curta.tensor([1.0, 2.0, 4.0, 8.0]))
    assert found.hist.tolist() == [[0.0, 1.0, 0.0], [2.0, 0.0, 0.0], [4.0, 0.0, 8.0]]
    assert curta.histogramdd(z, 2, density=True).hist.tolist() == [[0.0, 0.25], [0.5, 0.25]]
    hist, edges = curta.histogramdd(z, [curta.tensor([0.0, 1.0, 2.0]), curta.tensor([0.0, 2.0])])
    assert hist.tolist() == [[1.0], [3.0]]
    assert [one.tolist() for one in edges] == [[0.0, 1.0, 2.0], [0.0, 2.0]]
    assert curta.histogramdd(curta.zeros(0, 2), (2, 2)).hist.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    nothing = curta.histogramdd(curta.zeros(3, 0), [])
    assert (nothing.hist.item(), nothing.bin_edges) == (0.0, ())


def test_where_results_go_and_where_there_are_no_values() -> None:
    y = curta.tensor(Y)
    places = (curta.empty(0), curta.empty(3))
    found = curta.histogram(y, curta.tensor([0.0, 2.0, 4.0]), out=places)
    assert found.hist is places[0]
    assert [one.tolist() for one in places] == [[2.0, 2.0], [0.0, 2.0, 4.0]]
    shapes = [one.shape for one in curta.histogram(y.to("meta"), 3)]
    assert shapes == [(3,), (4,)]
    run = curta.compile(lambda y: curta.histogram(y, 4, range=(0.0, 3.0)).hist)
    assert run(y).tolist() == curta.histogram(y, 4, range=(0.0, 3.0)).hist.tolist()
    assert repr(curta.histogram(y, 1)).startswith("curta.return_types.histogram(\nhist=tensor([5.]),\nbin_edges=")
    assert not curta.histogram(y.requires_grad_(), 2).hist.requires_grad
