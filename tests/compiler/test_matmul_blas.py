"""Products that a BLAS does: what it is called with, beside NumPy in float64, and what is left to Curta."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.compiler.loops import Slot
from curta.compiler.matmul import Ending, MatmulPlan, plan_matmul
from curta.compiler.matmul.blas import Blas, blas_tiles
from curta.runtime.blas import Library, library, usable

sys.path.insert(0, str(Path(__file__).parent))
from matmul_harness import VECTOR_BYTES, Array, launch, levels

LEVEL = levels()[-1]
SIZES = (
    (1, 1, 1), (1, 70, 9), (70, 1, 9), (13, 33, 17), (64, 64, 64), (5, 300, 1), (150, 200, 300), (1, 3000, 200),
)  # fmt: skip


class Written:
    """A BLAS in Python, which checks what it is given as BLAS does, and notes it."""

    def __init__(self, bits: int) -> None:
        self.calls: list[tuple[Any, ...]] = []
        integer = {32: ctypes.c_int32, 64: ctypes.c_int64}[bits]
        self._keep = []
        functions = []
        for name, number in (("float32", ctypes.c_float), ("float64", ctypes.c_double)):
            kind = ctypes.CFUNCTYPE(
                None, *[ctypes.c_int] * 3, *[integer] * 3, number, ctypes.c_void_p, integer, ctypes.c_void_p, integer,
                number, ctypes.c_void_p, integer,
            )  # fmt: skip
            self._keep.append(kind(lambda *given, number=number: self._multiply(number, *given)))
            functions.append((name, int(ctypes.cast(self._keep[-1], ctypes.c_void_p).value or 0)))
        self.library = Library("written", bits, tuple(functions))

    def _multiply(
        self, number: Any, order: int, turn_a: int, turn_b: int, M: int, N: int, K: int, alpha: float,
        a: int, a_step: int, b: int, b_step: int, beta: float, c: int, c_step: int,
    ) -> None:  # fmt: skip
        self.calls.append((turn_a, turn_b, M, N, K, a_step, b_step, beta, c_step))
        if order != 101 or alpha != 1.0 or min(M, N, K) < 1 or turn_a not in (111, 112) or turn_b not in (111, 112):
            return

        def matrix(address: int, rows: int, columns: int, step: int) -> Array:
            assert step >= columns, "lines that are longer than the step between them"
            line = (ctypes.c_char * (ctypes.sizeof(number) * (step * (rows - 1) + columns))).from_address(address)
            flat = np.frombuffer(line, np.dtype(number))
            return np.lib.stride_tricks.as_strided(flat, (rows, columns), (step * flat.itemsize, flat.itemsize))

        left = matrix(a, M, K, a_step) if turn_a == 111 else matrix(a, K, M, a_step).T
        right = matrix(b, K, N, b_step) if turn_b == 111 else matrix(b, N, K, b_step).T
        out = matrix(c, M, N, c_step)
        out[...] = left @ right + (beta * out if beta else 0)


BLASES = [32, 64, *(["NumPy's"] if library() else [])]


@pytest.fixture(params=BLASES, ids=str)
def blas(request: pytest.FixtureRequest) -> Iterator[Blas]:
    """One in Python for integers of either size, and the one that NumPy has."""
    written = None if request.param == "NumPy's" else Written(request.param)
    yield Blas(usable() if written is None else written.library, lambda shape: True)
    assert written is None or written.calls


def plan_for(a: Array, b: Array, c: Array, blas: Blas | None, **more: Any) -> MatmulPlan:
    batch = c.shape[:-2]
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    strides: list[Any] = [[step // array.itemsize for step in array.strides] for array in (a, b, c)]
    return plan_matmul(
        dtypes.from_numpy(a.dtype), batch, c.shape[-2], c.shape[-1], a.shape[-1], *strides, level=LEVEL,
        vector_bytes=VECTOR_BYTES[LEVEL], blas=blas, **more,
    )  # fmt: skip


def check(a: Array, b: Array, c: Array, blas: Blas, *, accumulate: bool = False, called: bool = True) -> MatmulPlan:
    """C, which may be any memory, becomes A @ B or is added to."""
    before = c.astype(np.float64) if accumulate else 0.0
    plan = plan_for(a, b, c, blas, accumulate=accumulate)
    assert ("matmul_blas" in plan.key) is called
    launch(plan, [a, b, c], LEVEL, [1])
    wanted = a.astype(np.float64) @ b.astype(np.float64) + before
    scale = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64) + np.abs(before)
    assert (np.abs(c - wanted) <= (a.shape[-1] + 2) * np.finfo(c.dtype).eps * scale).all()
    return plan


def some(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def laid_out(values: Array, how: str) -> Array:
    """The same values as they come, turned over, or in the middle of a wider matrix."""
    if how == "turned":
        return np.ascontiguousarray(values.swapaxes(-1, -2)).swapaxes(-1, -2)
    if how == "wide":
        room = np.full((*values.shape[:-1], values.shape[-1] + 5), np.nan, values.dtype)
        room[..., 2:-3] = values
        return room[..., 2:-3]
    return values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("a_lies", ["plain", "turned", "wide"])
@pytest.mark.parametrize("b_lies", ["plain", "turned", "wide"])
def test_sizes_and_layouts(dtype: Any, a_lies: str, b_lies: str, blas: Blas) -> None:
    for M, N, K in SIZES:
        a, b = laid_out(some((M, K), dtype), a_lies), laid_out(some((K, N), dtype, 1), b_lies)
        check(a, b, np.full((M, N), np.nan, dtype), blas)


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("lies", ["plain", "turned", "wide", "spread"])
def test_results_of_any_strides(lies: str, accumulate: bool, blas: Blas) -> None:
    for M, N, K in SIZES:
        fill = some((M, N), np.float32, 2) if accumulate else np.full((M, N), np.nan, np.float32)
        c = np.zeros((M, 3 * N), np.float32)[:, ::3] if lies == "spread" else laid_out(fill, lies)
        c[...] = fill
        check(some((M, K), np.float32), some((K, N), np.float32, 1), c, blas, accumulate=accumulate)


def test_batches(blas: Blas) -> None:
    for left, right in (
        ((4, 5, 7), (7, 9)), ((4, 5, 7), (4, 7, 9)), ((3, 1, 5, 7), (1, 4, 7, 9)), ((200, 16, 8), (200, 8, 16)),
        ((5, 7), (6, 7, 9)), ((2, 3, 1, 40), (2, 3, 40, 1)),
    ):  # fmt: skip
        a, b = some(left, np.float64), some(right, np.float64, 1)
        check(a, b, np.full((a @ b).shape, np.nan), blas)
    a, b = some((5, 4, 7), np.float64).transpose(1, 0, 2), some((4, 9, 7), np.float64).transpose(0, 2, 1)
    check(a, b, np.full((4, 9, 5), np.nan).swapaxes(1, 2), blas)


def test_shared_weights_are_one_product() -> None:
    written = Written(64)
    a, b = some((4, 5, 7), np.float32), some((7, 9), np.float32, 1)
    check(a, b, np.zeros((4, 5, 9), np.float32), Blas(written.library, lambda shape: True))
    assert written.calls == [(111, 111, 20, 9, 7, 7, 9, 0.0, 9)]


@pytest.mark.parametrize("home", [False, True], ids=["staged", "in place"])
def test_an_ending_follows(home: bool, blas: Blas) -> None:
    F32 = dtypes.float32
    for M, N, K in SIZES:
        a, b = some((M, K), np.float32), some((K, N), np.float32, 1)
        bias = np.broadcast_to(some((1, N), np.float32, 2), (M, N))
        out = np.full((M, N), np.nan, np.float32)
        sums, shift = (Expression("input", F32, (), number) for number in range(2))
        made = call("maximum", sums + shift, Expression("constant", F32, (), 0.0))
        slots = Slot(F32, "input"), Slot(F32, "input"), Slot(F32, "output")
        ending = Ending(slots, ((2, made),), 0, (out.strides, bias.strides, out.strides), home)
        plan = plan_for(a, b, out, blas, ending=ending)
        assert "matmul_blas" in plan.key
        launch(plan, [a, b, out, bias, out], LEVEL)
        wanted = np.maximum(a.astype(np.float64) @ b.astype(np.float64) + bias, 0)
        scale = np.abs(a) @ np.abs(b) + np.abs(bias)
        assert (np.abs(out - wanted) <= (K + 3) * 2.0**-23 * scale).all()


def test_what_is_left_to_curta() -> None:
    blas = Blas(Written(64).library, lambda shape: True)
    square = some((20, 20), np.float32)
    strip = np.lib.stride_tricks.as_strided(square, (20, 30), (4, 4))  # rows that share elements
    for a, b in (
        (some((20, 40), np.float32)[:, ::2], square), (square, some((40, 40), np.float32)[::2, ::2]),
        (square, strip), (np.broadcast_to(some((1, 20), np.float32), (20, 20)), square),
    ):  # fmt: skip
        check(a, b, np.zeros((20, b.shape[1]), np.float32), blas, called=False)
    check(square[:, :0], square[:0], np.ones((20, 20), np.float32), blas, called=False)
    for dtype in (dtypes.bfloat16, dtypes.int32):
        plan = plan_matmul(
            dtype, (), 8, 8, 8, (8, 1), (8, 1), (8, 1), level="portable", vector_bytes=16, blas=blas
        )  # fmt: skip
        assert "blas" not in plan.key


def test_integers_that_are_too_narrow() -> None:
    def key(bits: int, step: int) -> str:
        blas = Blas(Written(bits).library, lambda shape: True)
        made = plan_matmul(
            dtypes.float32, (), 8, 8, 8, (step, 1), (8, 1), (8, 1), level="avx2", vector_bytes=32, blas=blas
        )  # fmt: skip
        return made.key.split("_")[1]

    assert [key(32, 2**31 - 1), key(32, 2**31), key(64, 2**31)] == ["blas32", "block", "blas64"]


def test_only_what_is_wanted() -> None:
    asked: list[Any] = []
    blas = Blas(Written(64).library, lambda shape: bool(asked.append(shape)))
    for a, b in (
        (some((4, 5, 7), np.float32), some((7, 9), np.float32)),
        (some((7, 5), np.float64).T, some((9, 7), np.float64).T), (some((8, 7), np.float64), some((7, 1), np.float64)),
    ):  # fmt: skip
        check(a, b, np.zeros((a @ b).shape, a.dtype), blas, called=False)
    assert [tuple(shape) for shape in asked] == [
        ("float32", "k", "column", 20, 9, 7), ("float64", "row", "k", 5, 9, 7), ("float64", "k", "k", 1, 8, 7),
    ]  # fmt: skip


def test_tiles_cover_a_product_without_getting_large() -> None:
    for M in (1, 3, 16, 100, 4000):
        for N in (1, 16, 90, 50257):
            for K in (1, 64, 3000):
                for batches in (1, 7, 500):
                    tiles = blas_tiles(M, N, K, batches)
                    assert (tiles.row_tiles - 1) * tiles.unit_rows < M <= tiles.row_tiles * tiles.unit_rows
                    assert (tiles.column_tiles - 1) * tiles.unit_columns < N <= tiles.column_tiles * tiles.unit_columns
                    assert min(tiles.unit_rows, M) * min(tiles.unit_columns, N) < 2.2 * 2**18
                    per_batch = tiles.row_tiles * tiles.column_tiles
                    assert tiles.units == per_batch * -(-batches // tiles.batches_per_unit)
