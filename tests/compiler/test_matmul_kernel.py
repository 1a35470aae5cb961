"""Matmul kernels against NumPy in float64 (integers: NumPy in the same format), at every level this machine has."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from curta import dtypes
from curta.compiler.matmul import plan_matmul
from curta.compiler.matmul.spec import Meta
from curta.errors import ArgumentError, DTypeError, ShapeError

sys.path.insert(0, str(Path(__file__).parent))
from matmul_harness import Array, launch, levels, plan_for, run

FLOATS = ("float32", "float64", "bfloat16", "float16")
#: half a unit in the last place, relative
ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53, "bfloat16": 2.0**-8, "float16": 2.0**-11}
SHAPES = [
    (1, 1, 1), (1, 7, 5), (7, 1, 5), (1, 300, 40), (300, 1, 40), (1, 33, 2100), (2, 3, 4), (5, 5, 1), (12, 32, 16),
    (13, 33, 17), (3, 70, 300), (70, 3, 300), (37, 53, 301), (64, 64, 64), (129, 65, 31), (200, 9, 64), (9, 200, 64),
]  # fmt: skip


def numpy_dtype(name: str) -> np.dtype[np.generic]:
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def matrix(rng: np.random.Generator, shape: tuple[int, ...], name: str, layout: str = "N") -> Array:
    """Random values; layout "N" is C order, "T" the last two dimensions turned over, "S" every second element."""
    *batch, rows, columns = shape
    held = {"N": shape, "T": (*batch, columns, rows), "S": (*batch, 2 * rows, 3 * columns)}[layout]
    values = rng.standard_normal(held).astype(numpy_dtype(name))
    if layout == "T":
        return np.swapaxes(values, -1, -2)
    return values[..., ::2, ::3] if layout == "S" else values


def check(a: Array, b: Array, c: Array, before: Array | None = None) -> None:
    """Every element within the bound on rounding: K steps in the sums' format and one rounding of the result."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    expected, size = wide_a @ wide_b, np.abs(wide_a) @ np.abs(wide_b)
    if before is not None:
        expected, size = expected + before.astype(np.float64), size + np.abs(before.astype(np.float64))
    summing = ROUNDING["float64" if c.dtype == np.float64 else "float32"]
    storing = ROUNDING[dtypes.from_numpy(c.dtype).name]
    # twice the bound where the oracle itself is no more exact than the kernel
    bound = 2 * (a.shape[-1] + 2) * summing * size + storing * np.abs(expected) + 1e-40
    assert (np.abs(c.astype(np.float64) - expected) <= bound).all()


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("layouts", ["NNN", "NTN", "TNN", "TTN", "NNT", "SSS"])
def test_shapes(level: str, name: str, layouts: str) -> None:
    rng = np.random.default_rng(1)
    for M, N, K in SHAPES:
        a, b, c = (
            matrix(rng, shape, name, layout) for shape, layout in zip([(M, K), (K, N), (M, N)], layouts, strict=True)
        )
        c[...] = np.nan
        run(a, b, c, level)
        check(a, b, c)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
def test_empty_sums_are_zero_and_empty_results_have_no_units(level: str, name: str) -> None:
    dtype = numpy_dtype(name)
    for M, N in ((1, 1), (1, 40), (40, 1), (13, 33)):
        c = np.full((M, N), np.nan, dtype)
        run(np.zeros((M, 0), dtype), np.zeros((0, N), dtype), c, level)
        assert (c == 0).all()
    for M, N, K in ((0, 3, 4), (3, 0, 4), (0, 0, 0)):
        empty = [np.zeros(shape, dtype) for shape in ((M, K), (K, N), (M, N))]
        assert plan_for(*empty, level).units == 0
    assert plan_for(*(np.zeros((0, 3, 3), dtype) for _ in range(3)), level).units == 0


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((5, 7, 6), (5, 6, 9)), ((5, 7, 6), (6, 9)), ((7, 6), (5, 6, 9)), ((2, 1, 7, 6), (1, 3, 6, 9)),
        ((4, 1, 60), (4, 60, 50)), ((4, 1, 60), (60, 50)), ((3, 20, 60), (3, 60, 1)), ((64, 16, 8), (64, 8, 16)),
        ((1, 3, 7, 6), (2, 1, 6, 9)),
    ],
)  # fmt: skip
def test_batches(level: str, name: str, a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    a, b = matrix(rng, a_shape, name), matrix(rng, b_shape, name)
    batch = np.broadcast_shapes(a_shape[:-2], b_shape[:-2])
    c = np.full((*batch, a_shape[-2], b_shape[-1]), np.nan, a.dtype)
    run(a, b, c, level)
    check(a, b, c)


@pytest.mark.parametrize("level", levels())
def test_batches_in_another_order_in_memory(level: str) -> None:
    rng = np.random.default_rng(3)
    # heads between rows, as attention has them: [B, T, H, D] seen as [B, H, T, D]
    q, k = (rng.standard_normal((2, 24, 3, 16)).astype(np.float32).transpose(0, 2, 1, 3) for _ in range(2))
    c = np.full((2, 24, 3, 24), np.nan, np.float32).transpose(0, 2, 1, 3)
    run(q, k.swapaxes(-1, -2), c, level)
    check(q, k.swapaxes(-1, -2), c)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", [*FLOATS, "int32"])
@pytest.mark.parametrize("layout", ["N", "T", "S"])
def test_accumulate(level: str, name: str, layout: str) -> None:
    rng = np.random.default_rng(4)
    for M, N, K in ((13, 35, 300), (1, 35, 300), (35, 1, 300), (24, 64, 0)):
        a, b, c = matrix(rng, (M, K), name), matrix(rng, (K, N), name), matrix(rng, (M, N), name, layout)
        before = c.copy()
        run(a, b, c, level, accumulate=True)
        if name == "int32":
            assert (c == before + a @ b).all()
        else:
            check(a, b, c, before)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("layouts", ["NN", "NT", "TN"])
def test_products_of_batches_added_up(level: str, name: str, layouts: str) -> None:
    """As the sum over all batches' K, which is one product of matrices put side by side."""
    rng = np.random.default_rng(7)
    for groups, batches, M, N, K in ((1, 3, 37, 70, 300), (3, 2, 5, 9, 20), (2, 1, 12, 33, 17), (2, 3, 1, 40, 31)):
        a, b = (
            matrix(rng, shape, name, layout)
            for shape, layout in zip([(groups, batches, M, K), (groups, batches, K, N)], layouts, strict=True)
        )
        sums = np.float64 if name == "float64" else np.float32
        c, cut = np.full((groups, M, N), np.nan, sums), np.full((groups, M, N), np.nan, sums)
        for made, cuts in ((c, []), (cut, [1, 2])):
            over = np.broadcast_to(made[:, None], (groups, batches, M, N))
            launch(plan_for(a, b, over, level, summed=True), [a, b, over], level, cuts)
        check(np.concatenate(a.swapaxes(0, 1), -1), np.concatenate(b.swapaxes(0, 1), -2), c)
        assert c.tobytes() == cut.tobytes()


def test_what_cannot_be_added_up() -> None:
    for out, strides, batches in (
        ("bfloat16", (0, 4, 1), 2), ("float32", (0, 12, 3), 2), ("float32", (12, 4, 1), 2), ("float32", (0, 4, 1), 0),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=r"only batches of float products can be added up, .*, got \d of bf16"):
            plan_matmul(
                dtypes.bfloat16, (batches,), 3, 4, 5, (15, 5, 1), (20, 4, 1), strides, level="avx2", vector_bytes=32,
                out_dtype=getattr(dtypes, out), summed=True,
            )  # fmt: skip


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_half_formats_can_be_stored_as_float32(level: str, name: str) -> None:
    rng = np.random.default_rng(5)
    for M, N, K in ((33, 65, 70), (1, 65, 70), (65, 1, 70)):
        a, b, c = matrix(rng, (M, K), name), matrix(rng, (K, N), name), np.full((M, N), np.nan, np.float32)
        run(a, b, c, level)
        check(a, b, c)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["float32", "bfloat16", "int16"])
def test_results_do_not_depend_on_how_units_are_shared_out(level: str, name: str) -> None:
    rng = np.random.default_rng(6)
    for M, N, K, cuts in ((150, 170, 300, [1, 2, 5]), (1, 4000, 300, [1, 7]), (4000, 1, 300, [3])):
        a, b = matrix(rng, (M, K), name), matrix(rng, (K, N), name)
        whole, cut = np.zeros((M, N), a.dtype), np.ones((M, N), a.dtype)
        plan = run(a, b, whole, level)
        assert plan.units > 1
        run(a, b, cut, level, cuts=cuts)
        assert whole.tobytes() == cut.tobytes()


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64"])
def test_integers_wrap_around(level: str, name: str) -> None:
    rng = np.random.default_rng(7)
    limits = np.iinfo(name)
    shapes = ((1, 1, 1), (5, 70, 9), (9, 1, 7))
    for layouts, (M, N, K) in itertools.product(("NNN", "NTN", "TNN", "SSS", "NNT"), shapes):
        a, b, c = (
            matrix(rng, shape, name, layout) for shape, layout in zip([(M, K), (K, N), (M, N)], layouts, strict=True)
        )
        a[...] = rng.integers(limits.min, limits.max, a.shape, name, endpoint=True)
        b[...] = rng.integers(limits.min, limits.max, b.shape, name, endpoint=True)
        run(a, b, c, level)
        assert (c == a @ b).all()


@pytest.mark.parametrize("level", levels())
def test_only_the_result_is_written(level: str) -> None:
    rng = np.random.default_rng(8)
    for M, N, K in ((13, 33, 20), (5, 3, 7), (1, 17, 9)):
        a, b = matrix(rng, (M, K), "float32"), matrix(rng, (K, N), "float32")
        around = np.full((M + 2, N + 2), 7, np.float32)
        run(a, b, around[1:-1, 1:-1], level)
        check(a, b, around[1:-1, 1:-1])
        around[1:-1, 1:-1] = 7
        assert (around == 7).all()


@pytest.mark.parametrize("level", [level for level in levels() if level in ("avx512bf16", "amx")])
def test_units_of_bfloat16_take_subnormal_numbers_as_zeros(level: str) -> None:
    a = np.full((7, 5), 2.0**-130, ml_dtypes.bfloat16)
    for b, expected in ((2.0**100, 0.0), (1.0, 0.0)):
        c = np.full((7, 4), np.nan, np.float32)
        run(a, np.full((5, 4), b, ml_dtypes.bfloat16), c, level)
        assert (c == expected).all()
    made = np.full((7, 4), np.nan, ml_dtypes.bfloat16)
    small = np.full((7, 1), 2.0**-100, ml_dtypes.bfloat16)
    run(small, np.full((1, 4), 2.0**-30, ml_dtypes.bfloat16), made, level)
    assert (made == 0).all()


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("K", [37, 64])
def test_rows_that_displace_each_other_in_the_cache_give_the_same_sums(level: str, name: str, K: int) -> None:
    """Rows 4096 bytes apart are packed where a block of them is more than a first-level cache holds."""
    random = np.random.default_rng(3)
    dtype = numpy_dtype(name)
    far = random.standard_normal((29, 4096 // dtype.itemsize)).astype(dtype)[:, :K]
    b = random.standard_normal((K, 70)).astype(dtype)
    made = [np.empty((29, 70), dtype) for _ in range(2)]
    for a, c in zip((far, far.copy()), made, strict=True):
        run(a, b, c, level)
    assert made[0].tobytes() == made[1].tobytes()


def test_which_rows_are_packed_though_they_lie_as_they_are_read() -> None:
    def packed(level: str, name: str, step: int, K: int) -> bool:
        strides, out = ((step, 1), (70, 1), (70, 1)), dtypes.float32
        size = {"avx2": 32}.get(level, 64)
        plan = plan_matmul(
            getattr(dtypes, name), (), 29, 70, K, *strides, level=level, vector_bytes=size, out_dtype=out
        )
        return "_ak_packed_" in plan.key

    # of twelve rows 4096 bytes apart eight fit a first-level cache, of six all
    assert packed("avx512", "float32", 1024, 64)
    assert not packed("avx512", "float32", 512, 64)
    assert not packed("avx512", "float32", 1000, 64)
    assert not packed("avx2", "float32", 1024, 64)
    # an odd row's last element has no neighbour
    assert packed("avx512bf16", "bfloat16", 100, 65)
    assert not packed("avx512bf16", "bfloat16", 100, 64)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
def test_infinities_and_nan_stay_in_their_rows_and_columns(level: str, name: str) -> None:
    for M, N, K in ((14, 34, 5), (1, 34, 5)):
        a, b = np.ones((M, K), numpy_dtype(name)), np.ones((K, N), numpy_dtype(name))
        a[0, 0], b[1, 3] = np.inf, np.nan
        c = np.zeros((M, N), a.dtype)
        run(a, b, c, level)
        expected = np.full((M, N), 5.0)
        expected[0], expected[:, 3] = np.inf, np.nan
        np.testing.assert_array_equal(c.astype(np.float64), expected)


@pytest.mark.parametrize("level", levels())
def test_half_formats_round_to_nearest_even_once(level: str) -> None:
    # times 1.0: the sum is the float32 value made of two products, rounded at the store
    cases = {
        "bfloat16": [
            (1.0, 2.0**-8, 1.0), (1.0078125, 2.0**-8, 1.015625), (1.0, 2.0**-8 + 2.0**-15, 1.0078125),
            (3.3895313892515355e38, 3.3895313892515355e38, np.inf),
        ],
        "float16": [
            (1.0, 2.0**-11, 1.0), (1.0009765625, 2.0**-11, 1.001953125), (65504.0, 16.0, np.inf),
            (65504.0, 15.0, 65504.0),
            (2.0**-24, 2.0**-24, 2.0**-23), (2.0**-14, -(2.0**-24), 2.0**-14 - 2.0**-24),
        ],
    }  # fmt: skip
    for name, rows in cases.items():
        a = np.array([row[:2] for row in rows], numpy_dtype(name))
        c = np.zeros((len(rows), 1), a.dtype)
        run(a, np.ones((2, 1), a.dtype), c, level)
        np.testing.assert_array_equal(c[:, 0].astype(np.float64), [row[2] for row in rows])


def test_every_finite_float16_survives_a_product_with_one() -> None:
    values = np.arange(65536, dtype=np.uint16).view(np.float16)
    for level in levels():
        c = np.zeros((65536, 3), np.float16)
        run(values[:, None], np.ones((1, 3), np.float16), c, level)
        np.testing.assert_array_equal(c[:, 1], values)


def test_code_is_shared_by_stride_pattern_not_by_size() -> None:
    keys = {
        plan_matmul(dtypes.float32, (), M, N, K, (K, 1), (N, 1), (N, 1), level="avx2", vector_bytes=32).key
        for M, N, K in ((8, 8, 8), (1000, 700, 3), (64, 2, 5000))
    }
    assert len(keys) == 1


def test_errors() -> None:
    strides = ((4, 1), (3, 1), (3, 1))
    machine = {"level": "avx2", "vector_bytes": 32}
    with pytest.raises(DTypeError, match=r"not implemented for curta\.bool"):
        plan_matmul(dtypes.bool_, (), 2, 3, 4, *strides, **machine)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="product of f32 cannot be stored as f16"):
        plan_matmul(dtypes.float32, (), 2, 3, 4, *strides, out_dtype=dtypes.float16, **machine)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="negative"):
        plan_matmul(dtypes.float32, (), -2, 3, 4, *strides, **machine)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="1 batch dimensions need 3 strides"):
        plan_matmul(dtypes.float32, (2,), 2, 3, 4, *strides, **machine)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="no kernels for level 'sse9'"):
        plan_matmul(dtypes.float32, (), 2, 3, 4, *strides, level="sse9", vector_bytes=32)


def test_few_rows_read_b_where_it_lies_but_what_comes_from_memory() -> None:
    for M, N, in_place in ((12, 3072, 1), (12, 8192, 0), (13, 3072, 0), (200, 3072, 0)):
        plan = plan_matmul(dtypes.float32, (), M, N, 768, (768, 1), (N, 1), (N, 1), level="avx2", vector_bytes=32)
        assert plan.meta[Meta.B_IN_PLACE] == in_place


def test_narrow_products_take_narrower_vectors() -> None:
    """12 rows by 32 columns are a tile of float32 with 64 bytes, 6 by 16 with 32; 8 and 4 are what is left of rows."""
    for M, N, taken in (
        (64, 16, 32),
        (64, 17, 64),
        (64, 48, 64),
        (8, 300, 64),
        (12, 32, 64),
        (200, 3, 32),
    ):
        for level, wide in (("avx512", 64), ("avx2", 32)):
            plan = plan_matmul(dtypes.float32, (), M, N, 40, (40, 1), (N, 1), (N, 1), level=level, vector_bytes=wide)
            assert f"_{min(taken, wide)}_" in plan.key, (M, N, level)
