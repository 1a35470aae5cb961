"""Reductions over every set of axes, layout and format, against NumPy; sizes around vectors and blocks."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from engine_harness import numbers, reduction, run, tolerance, variants

from curta import dtypes
from curta.compiler.schedule import COLUMN_BLOCK, MAP_BLOCK, REDUCE_BLOCK
from curta.dtypes import DType
from curta.errors import CompilerError
from curta.ops.elementwise import ADD
from curta.runtime.native import get_num_threads, set_num_threads

SHAPES = [(), (1,), (37,), (5, 67), (67, 5), (3, 1, 70), (4, 6, 5), (2, 3, 4, 17), (33, 2, 3, 2)]
ORACLE = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "all": np.all, "any": np.any}


def axis_sets(rank: int) -> list[tuple[int, ...]]:
    return [dims for count in range(rank + 1) for dims in itertools.combinations(range(rank), count)]


def check(name: str, laid: Any, dims: tuple[int, ...], keepdim: bool, dtype: DType) -> None:
    logical = name in ("all", "any")
    exact = laid.astype(np.float64 if dtype.is_floating_point else np.uint64 if dtype is dtypes.uint64 else np.int64)
    if dtype is dtypes.bool_ or logical:
        exact = laid.astype(bool)
    out = dtypes.bool_ if logical else dtypes.int64 if name in ("sum", "prod") and dtype.category < 2 else dtype
    with np.errstate(over="ignore"):
        kind = {"dtype": np.int64} if out is dtypes.int64 and name in ("sum", "prod") else {}
        wanted = ORACLE[name](exact, axis=dims, keepdims=keepdim, **kind)
    found = run(reduction(name, out), laid, dims=dims, keepdim=keepdim)
    assert found.shape == wanted.shape
    if name in ("sum", "prod") and dtype.is_floating_point:
        count = max(1, laid.size // max(1, wanted.size))
        scale = np.abs(exact).sum(dims, keepdims=keepdim) if name == "sum" else np.abs(wanted)
        bound = tolerance(dtype, count) * np.maximum(scale, 1e-4)
        assert (np.abs(found.astype(np.float64) - wanted) <= bound).all(), (name, laid.shape, laid.strides, dims)
    else:
        np.testing.assert_array_equal(found.astype(wanted.dtype), wanted, err_msg=f"{name} {laid.strides} {dims}")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "max"])
def test_all_axis_sets_and_layouts(name: str, shape: tuple[int, ...]) -> None:
    for laid in variants(numbers(dtypes.float32, shape)):
        for dims in axis_sets(len(shape)):
            check(name, laid, dims, len(dims) % 2 == 0, dtypes.float32)


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
@pytest.mark.parametrize("name", list(ORACLE))
def test_all_formats(name: str, dtype: DType) -> None:
    values = numbers(dtype, (6, 41))
    if name == "prod" and dtype.is_floating_point:
        values = (1 + values.astype(np.float64) / 100).astype(dtype.numpy)
    for laid in variants(values):
        for dims in ((0,), (1,), (0, 1)):
            check(name, laid, dims, False, dtype)


@pytest.mark.parametrize("inner", [1, 15, 16, 17, 63, 64, 65, 127, 129, 255, 256, 257])
def test_sizes_around_vectors_and_column_blocks(inner: int) -> None:
    for outer in (1, 3, COLUMN_BLOCK + 1):
        for dims in ((0,), (1,)):
            check("sum", numbers(dtypes.float32, (outer, inner)), dims, False, dtypes.float32)
            check("max", numbers(dtypes.int8, (outer, inner)), dims, False, dtypes.int8)


@pytest.mark.parametrize("size", [MAP_BLOCK - 1, MAP_BLOCK, MAP_BLOCK + 1, 2 * REDUCE_BLOCK - 1, 2 * REDUCE_BLOCK,
                                  2 * REDUCE_BLOCK + 1, 5 * REDUCE_BLOCK + 77])  # fmt: skip
def test_sizes_around_the_blocks_of_long_rows(size: int) -> None:
    for name, dtype in (("sum", dtypes.float32), ("max", dtypes.float64), ("sum", dtypes.uint8), ("any", dtypes.bool_)):
        for rows in ((), (2,)):
            values = numbers(dtype, (*rows, size))
            check(name, values, (len(rows),), False, dtype)
    grown = run(ADD, numbers(dtypes.float32, (size,)), 1.0)
    np.testing.assert_array_equal(grown, numbers(dtypes.float32, (size,)) + np.float32(1))


@pytest.mark.parametrize("rows", [255, 256, 257, 4097])
def test_long_columns_are_split(rows: int) -> None:
    for columns in (1, 3, 40, 300):
        for dtype in (dtypes.float32, dtypes.bfloat16, dtypes.int16):
            check("sum", numbers(dtype, (rows, columns)), (0,), True, dtype)
            check("min", numbers(dtype, (2, rows, columns)), (1,), False, dtype)


def test_broadcast_inputs() -> None:
    for base, shape in (((1, 7), (9, 7)), ((9, 1), (9, 7)), ((1, 1), (70, 90)), ((5, 1, 3), (5, 40, 3))):
        laid = np.broadcast_to(numbers(dtypes.float32, base), shape)
        for dims in axis_sets(len(shape)):
            check("sum", laid, dims, False, dtypes.float32)


def test_nothing_to_reduce_gives_the_neutral_element() -> None:
    empty = np.zeros((3, 0, 2), np.float32)
    np.testing.assert_array_equal(run(reduction("sum"), empty, dims=(1,), keepdim=False), np.zeros((3, 2)))
    np.testing.assert_array_equal(run(reduction("prod"), empty, dims=(0, 1), keepdim=True), np.ones((1, 1, 2)))
    assert run(reduction("all", dtypes.bool_), empty, dims=(0, 1, 2), keepdim=False)
    assert not run(reduction("any", dtypes.bool_), empty, dims=(0, 1, 2), keepdim=False)
    assert run(reduction("sum"), empty, dims=(0,), keepdim=False).shape == (0, 2)


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_first_place_of_an_extreme(name: str, dtype: DType) -> None:
    rng = np.random.default_rng(7)
    oracle = getattr(np, name)
    for shape in ((5, 203), (203, 5), (4, 3, 70)):
        values = rng.integers(0, 2 if dtype is dtypes.bool_ else 4, shape).astype(dtype.numpy)  # many ties
        for laid in variants(values):
            for axis in range(len(shape)):
                found = run(reduction(name, dtypes.int64), laid, dims=(axis,), keepdim=False)
                np.testing.assert_array_equal(found, oracle(values.astype(np.float64), axis))
            found = run(reduction(name, dtypes.int64), laid, dims=tuple(range(len(shape))), keepdim=False)
            assert found == oracle(values.astype(np.float64))


@pytest.mark.parametrize("dtype", [d for d in dtypes.ALL if d.is_floating_point], ids=str)
def test_nan_is_every_extreme_and_the_first_one_its_place(dtype: DType) -> None:
    for size, places in ((100, (31, 5, 77)), (100, (99,)), (3, (0,)), (1000, (640, 641))):
        values = numbers(dtype, (3, size))
        values[1, list(places)] = np.nan
        for laid in (values, np.asfortranarray(values)):
            for name in ("max", "min"):
                assert np.isnan(run(reduction(name), laid, dims=(1,), keepdim=False).astype(np.float32)).tolist() == [
                    False, True, False]  # fmt: skip
            for name in ("argmax", "argmin"):
                assert run(reduction(name, dtypes.int64), laid, dims=(1,), keepdim=False)[1] == min(places)


def test_all_infinite_rows_have_places() -> None:
    low, high = np.full((3, 50), -np.inf, np.float32), np.full((3, 50), np.inf, np.float32)
    for name in ("argmax", "argmin"):
        for values in (low, high):
            assert run(reduction(name, dtypes.int64), values, dims=(1,), keepdim=False).tolist() == [0, 0, 0]
            assert run(reduction(name, dtypes.int64), values.T, dims=(1,), keepdim=False).tolist() == [0] * 50


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    before = get_num_threads()
    jobs = [(numbers(dtypes.float32, shape), dims) for shape, dims in (
        ((300_001,), (0,)), ((5000, 33), (0,)), ((33, 5000), (1,)), ((700, 900), (0, 1)), ((40, 30, 50), (0, 2)),
    )]  # fmt: skip
    try:
        results = []
        for threads in (1, 2, 3, 4):
            set_num_threads(threads)
            results.append([run(reduction("sum"), x, dims=dims, keepdim=False).tobytes() for x, dims in jobs])
    finally:
        set_num_threads(before)
    assert results[0] == results[1] == results[2] == results[3]


def test_integer_sum_wraps() -> None:
    given = np.full(5, 2**62, np.int64)
    wanted = (5 * 2**62 + 2**63) % 2**64 - 2**63
    assert run(reduction("sum"), given, dims=(0,), keepdim=False) == wanted


def test_a_reduction_of_another_operator_is_refused() -> None:
    from curta.compiler.fuse import reduction_of
    from curta.compiler.graph import GraphNode

    with pytest.raises(CompilerError, match="add: is not a reduction"):
        reduction_of(GraphNode(ADD, (), {}))
