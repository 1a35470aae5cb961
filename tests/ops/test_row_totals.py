"""`row_totals`: each source replaced by the sum of all that are for its row, against sums made one by one."""

from __future__ import annotations

import numpy as np
import pytest

import curta
from curta.ops.dispatch import bind
from curta.ops.indexing import ROW_TOTALS


def totals(source: curta.Tensor, places: curta.Tensor, count: int) -> curta.Tensor:
    made: curta.Tensor = bind(ROW_TOTALS, (source, places), count=count)
    return made


def in_order(source: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Sums in the sources' order, in their format: not only close."""
    held = np.zeros((count, source.shape[1]), source.dtype)
    for place, row in zip(places, source, strict=True):
        held[place] += row
    return held[places]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
@pytest.mark.parametrize(
    ("sources", "width", "count"), [(1, 1, 1), (7, 3, 5), (40, 17, 4), (300, 600, 1000), (5, 0, 3)]
)
def test_sums_are_those_of_a_scatter(dtype: str, sources: int, width: int, count: int) -> None:
    random = np.random.default_rng(sources)
    source = (random.standard_normal((sources, width)) * 100).astype(dtype)
    places = random.integers(0, count, sources)
    found = totals(curta.from_numpy(source), curta.from_numpy(places), count).numpy()
    assert found.dtype == source.dtype
    np.testing.assert_array_equal(found, in_order(source, places, count))


@pytest.mark.parametrize("dtype", [curta.float16, curta.bfloat16])
def test_half_formats(dtype: curta.dtype) -> None:
    source = curta.tensor([[1.0, -2.0], [0.5, 4.0], [0.25, 8.0]], dtype=dtype)
    found = totals(source, curta.tensor([2, 0, 2]), 3)
    assert found.dtype is dtype
    assert found.tolist() == [[1.25, 6.0], [0.5, 4.0], [1.25, 6.0]]


def test_rows_apart() -> None:
    source = np.arange(24, dtype=np.float32).reshape(4, 6)
    apart = curta.from_numpy(source)[::2, 1:4]
    found = totals(apart, curta.tensor([1, 1]), 2).tolist()
    assert found == [[14.0, 16.0, 18.0]] * 2


def test_without_sources() -> None:
    assert totals(curta.zeros(0, 3), curta.zeros(0, dtype=curta.int64), 5).shape == (0, 3)


def test_the_same_on_any_number_of_threads() -> None:
    random = np.random.default_rng(0)
    source = curta.from_numpy(random.standard_normal((3000, 300)).astype("float32"))
    places = curta.from_numpy(random.integers(0, 200, 3000))
    before = curta.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            curta.set_num_threads(threads)
            found.append(totals(source, places, 200).numpy())
    finally:
        curta.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_meta() -> None:
    source, places = curta.zeros(4, 3, device="meta"), curta.zeros(4, dtype=curta.int64, device="meta")
    made = totals(source, places, 9)
    assert made.device.type == "meta"
    assert made.shape == (4, 3)
