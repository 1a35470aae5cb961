"""`segment_reduce`: against NumPy's sums over slices, finite differences, and literals recorded from PyTorch 2.13."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import to_numpy

import curta
from curta.autograd import gradcheck, gradgradcheck

INF, NAN = float("inf"), float("nan")
LENGTHS = [2, 0, 3, 1, 0]
REDUCTIONS: dict[str, Any] = {
    "sum": lambda x: x.sum(0),
    "mean": lambda x: x.mean(0) if len(x) else np.full(x.shape[1:], NAN),
    "max": lambda x: x.max(0, initial=-INF),
    "min": lambda x: x.min(0, initial=INF),
    "prod": lambda x: x.prod(0),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_values(name: str, dtype: str) -> None:
    values = np.random.default_rng(1).normal(size=(6, 4, 3))
    x = curta.from_numpy(values).to(getattr(curta, dtype))
    rounded = to_numpy(x).astype(np.float64)
    ends = np.cumsum([0, *LENGTHS])
    wanted = [REDUCTIONS[name](rounded[start:stop]) for start, stop in pairwise(ends)]
    tolerance = {"float16": 2e-3, "bfloat16": 1e-2, "float32": 1e-6, "float64": 1e-14}[dtype]
    strided = x.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    for given, options in (
        (x, {"lengths": curta.tensor(LENGTHS)}),
        (strided, {"offsets": curta.tensor(ends)}),
        (strided, {"lengths": curta.tensor(LENGTHS, dtype=curta.int32), "unsafe": True}),
    ):
        found = curta.segment_reduce(given, name, **options)
        assert found.dtype is x.dtype
        np.testing.assert_allclose(to_numpy(found).astype(np.float64), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("initial", [None, 0.25])
def test_gradients(name: str, initial: float | None) -> None:
    x = curta.from_numpy(np.random.default_rng(2).uniform(0.3, 2, (6, 2))).requires_grad_()
    lengths = curta.tensor([2, 3, 1])

    def reduced(x: Any) -> Any:
        return curta.segment_reduce(x, name, lengths=lengths, initial=initial)

    assert gradcheck(reduced, (x,))
    assert gradgradcheck(reduced, (x,))
    assert np.isfinite(curta.autograd.grad(reduced(x).sum(), x)[0].numpy()).all()


def test_recorded() -> None:
    x = curta.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, NAN]])
    lengths = curta.tensor([1, 0, 3])
    for name, first, second in (
        ("sum", [[1, 2], [0, 0], [15, NAN]], [[11, 12], [10, 10], [25, NAN]]),
        ("mean", [[1, 2], [NAN, NAN], [5, NAN]], [[11, 12], [10, 10], [8.333333, NAN]]),
        ("max", [[1, 2], [-INF, -INF], [7, NAN]], [[10, 10], [10, 10], [10, NAN]]),
        ("min", [[1, 2], [INF, INF], [3, NAN]], [[1, 2], [10, 10], [3, NAN]]),
        ("prod", [[1, 2], [1, 1], [105, NAN]], [[10, 20], [10, 10], [1050, NAN]]),
    ):
        np.testing.assert_allclose(curta.segment_reduce(x, name, lengths=lengths).numpy(), first)
        np.testing.assert_allclose(curta.segment_reduce(x, name, lengths=lengths, initial=10).numpy(), second)
    rows = curta.tensor([[1, 1], [2, 0], [0, 2], [1, 1]])
    found = curta.segment_reduce(x, "sum", lengths=rows, axis=-1)
    np.testing.assert_array_equal(found.numpy(), [[1, 2], [7, 0], [0, 11], [7, NAN]])
    part = curta.segment_reduce(x, "sum", offsets=curta.tensor([1, 3]))
    assert part.tolist() == [[8.0, 10.0]]
    assert curta.segment_reduce(x, "sum", lengths=curta.tensor([1, 2]), unsafe=True).tolist() == [[1, 2], [8, 10]]


def test_recorded_gradients() -> None:
    """Of equal elements each has its share, NaN among NaN; zeros have slopes of their own."""
    lengths = curta.tensor([2, 3, 2])
    for name, initial, wanted in (
        ("max", None, [0.5, 0.5, 0, 0, 1, 0.5, 0.5]),
        ("max", 2.0, [0.5, 0.5, 0, 0, 1, 0, 0]),
        ("min", None, [0.5, 0.5, 0, 1, 0, 0.5, 0.5]),
        ("min", 0.0, [0, 0, 0, 1, 0, 0.5, 0.5]),
        ("prod", None, [2, 2, 0, 3, 0, 0, 0]),
        ("prod", 2.0, [4, 4, 0, 6, 0, 0, 0]),
    ):
        z = curta.tensor([2.0, 2.0, 1.0, 0.0, 3.0, 0.0, 0.0], requires_grad=True)
        curta.segment_reduce(z, name, lengths=lengths, initial=initial).sum().backward()
        assert z.grad.tolist() == wanted, (name, initial)
    z = curta.tensor([1.0, NAN, 3.0, NAN], requires_grad=True)
    curta.segment_reduce(z, "max", lengths=curta.tensor([1, 3])).sum().backward()
    assert z.grad.tolist() == [1.0, 0.5, 0.0, 0.5]


def test_nothing_compiled_mapped_and_without_values() -> None:
    x, lengths = curta.arange(12.0).reshape(6, 2), curta.tensor(LENGTHS)
    assert curta.segment_reduce(curta.zeros(0), "max", lengths=curta.tensor([0, 0])).tolist() == [-INF, -INF]
    assert curta.segment_reduce(curta.zeros(0), "max", lengths=curta.tensor([0, 0]), initial=3).tolist() == [3, 3]
    assert curta.segment_reduce(x[:, :0], "sum", lengths=lengths).shape == (5, 0)
    assert curta.segment_reduce(x[:0], "max", lengths=lengths[:0]).shape == (0, 2)
    there = curta.segment_reduce(x.to("meta"), "mean", lengths=lengths.to("meta"))
    assert (there.shape, there.device.type) == ((5, 2), "meta")
    for name in REDUCTIONS:
        wanted = curta.segment_reduce(x, name, lengths=lengths)
        run = curta.compile(lambda x, n, name=name: curta.segment_reduce(x, name, lengths=n, unsafe=True))
        np.testing.assert_array_equal(run(x, lengths).numpy(), wanted.numpy())
        mapped = curta.func.vmap(lambda x, name=name: curta.segment_reduce(x, name, lengths=lengths))
        np.testing.assert_array_equal(mapped(curta.stack([x, x]))[1].numpy(), wanted.numpy())
