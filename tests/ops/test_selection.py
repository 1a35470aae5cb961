"""The smallest elements and those of a rank, against NumPy's stable order."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import DTYPES, array

import curta
from curta.compiler.select import space_for

#: with few elements the kept ones are in order as they come, with many they are pruned when a buffer is full
FEW, MANY = 5, 40
COUNT = 3 * space_for(MANY) + 5


def drawn(shape: tuple[int, ...], dtype: str) -> tuple[Any, Any]:
    """Few different numbers, so that many are equal."""
    values = array(shape, (-9.0, 9.0), dtype, 1)
    if values.dtype.kind not in "iub":
        values = np.round(values.astype(np.float64) * 4).astype(values.dtype)
    return values.astype(np.float64), curta.from_numpy(values)


def order_of(values: Any, dim: int = -1, largest: bool = False) -> Any:
    """The stable order; NaN above all."""
    ranks = np.unique(values, return_inverse=True)[1].reshape(values.shape)  # NumPy puts NaN last
    return np.argsort(-ranks if largest else ranks, dim, kind="stable")


@pytest.mark.parametrize("wanted", [FEW, MANY])
@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype != "bool"])
def test_the_smallest_and_the_largest(dtype: str, wanted: int) -> None:
    values, x = drawn((2, COUNT), dtype)
    for largest in (True, False):
        places = order_of(values, 1, largest)[:, :wanted]
        found = x.topk(wanted, largest=largest)
        np.testing.assert_array_equal(found.indices.numpy(), places)
        np.testing.assert_array_equal(found.values.double().numpy(), np.take_along_axis(values, places, 1))


@pytest.mark.parametrize("wanted", [FEW, MANY])
@pytest.mark.parametrize("kind", ["rising", "falling", "equal", "random"])
def test_rows_in_every_order(kind: str, wanted: int) -> None:
    """Rising rows are the worst for the largest: each element is larger than all before."""
    whole = np.arange(COUNT, dtype=np.float32)
    rows = {
        "rising": whole, "falling": -whole, "equal": whole * 0, "random": np.random.default_rng(0).permutation(whole),
    }  # fmt: skip
    values = rows[kind]
    found = curta.from_numpy(values).topk(wanted).indices.numpy()
    np.testing.assert_array_equal(found, order_of(values, largest=True)[:wanted])


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_along_every_dimension(dim: int) -> None:
    values, x = drawn((17, 19, 18), "float32")
    found = x.topk(3, dim, largest=False).indices.numpy()
    np.testing.assert_array_equal(found, order_of(values, dim).take(range(3), dim))
    ranked = x.kthvalue(9, dim, keepdim=True).indices.numpy()
    np.testing.assert_array_equal(ranked, order_of(values, dim).take([8], dim))


@pytest.mark.parametrize("size", [1, 7, 8, 9, 100, 5000])
def test_every_rank(size: int) -> None:
    values, x = drawn((size,), "float32")
    order = order_of(values)
    for rank in sorted({0, size // 3, size // 2, size - 1}):
        assert x.kthvalue(rank + 1).indices.item() == order[rank]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_nan_is_largest(dtype: str) -> None:
    values = [1.0, float("nan"), -0.0, 0.0, float("inf"), float("nan"), -float("inf"), 2.0] * 3
    x = curta.tensor(values, dtype=getattr(curta, dtype))
    assert x.topk(5).indices.tolist() == [1, 5, 9, 13, 17]
    assert x.topk(6, largest=False).indices.tolist() == [6, 14, 22, 2, 3, 10]
    assert [x.kthvalue(rank).indices.item() for rank in (4, 5, 24)] == [2, 3, 21]


def test_nothing() -> None:
    assert curta.zeros(0, 100).topk(3).indices.shape == (0, 3)
    assert curta.zeros(4, 100).topk(0).indices.shape == (4, 0)
    assert curta.zeros(0, 100).kthvalue(3).values.shape == (0,)


@pytest.mark.parametrize("wanted", [FEW, MANY])
def test_planned_memory_is_the_run_s(wanted: int) -> None:
    x = curta.rand(3, COUNT)
    planned = curta.plan(lambda: x.topk(wanted))
    with curta.account() as books:
        x.topk(wanted)
    assert planned.memory.peak_bytes == books.memory.peak_bytes
    assert books.flops == 0
