"""Products with an ending, at every level this machine has: bias, activation, scale and residual over the sums."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.compiler.loops import Slot
from curta.compiler.matmul import Ending, MatmulPlan, plan_matmul

sys.path.insert(0, str(Path(__file__).parent))
from matmul_harness import VECTOR_BYTES, Array, levels, load

F32 = dtypes.float32
SCALE = 0.375


def ending(bias: Array, residual: Array, out: Array, extra: Array | None, home: bool) -> Ending:
    """max(sums + bias, 0) * scale + residual; and, where `extra` is given, the plain sums as a second result."""
    sums, shift, rest = (Expression("input", F32, (), number) for number in range(3))
    scale = Expression("scalar", F32, (), 3)
    biased = sums + shift
    made = call("maximum", biased, Expression("constant", F32, (), 0.0)) * scale + rest
    arrays = [out if extra is None else extra, bias, residual, None, out, extra]
    slots = [
        Slot(F32, "input"), Slot(dtypes.from_numpy(bias.dtype), "input"), Slot(F32, "input"),
        Slot(dtypes.float64, "scalar"), Slot(dtypes.from_numpy(out.dtype), "output"),
    ]  # fmt: skip
    stores = [(4, made)]
    if extra is not None:
        slots.append(Slot(F32, "output"))
        stores.append((5, sums))
    strides = [(0,) * out.ndim if array is None else array.strides for array in arrays[: len(slots)]]
    return Ending(tuple(slots), tuple(stores), 0, tuple(strides), home)


def run(
    a: Array, b: Array, bias: Array, residual: Array, out: Array, extra: Array | None, level: str, home: bool
) -> MatmulPlan:
    batch = out.shape[:-2]
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    bias, residual = np.broadcast_to(bias, out.shape), np.broadcast_to(residual, out.shape)
    kept = out if extra is None else extra
    laid_out = kept if home else np.zeros(out.shape, np.float32)
    strides: list[Any] = [[step // each.itemsize for step in each.strides] for each in (a, b, laid_out)]
    plan = plan_matmul(
        dtypes.from_numpy(a.dtype), batch, out.shape[-2], out.shape[-1], a.shape[-1], *strides, level=level,
        vector_bytes=VECTOR_BYTES[level], out_dtype=F32, ending=ending(bias, residual, out, extra, home),
    )  # fmt: skip
    pointers = [a, b, kept, bias, residual, None, out, *([] if extra is None else [extra])]
    words = np.array([0 if array is None else array.ctypes.data for array in pointers], np.int64)
    words[5] = np.array([SCALE]).view(np.int64)[0]
    meta = np.array(plan.meta, np.int64)
    room = np.full(plan.scratch_bytes + 192, 0xFF, np.uint8)
    address = room.ctypes.data + -room.ctypes.data % 64
    load(plan, level)(words.ctypes.data, meta.ctypes.data, address, 0, plan.units)
    end = address - room.ctypes.data + plan.scratch_bytes
    assert (room[end:] == 0xFF).all(), "the kernel wrote behind its scratch"
    return plan


def expected(a: Array, b: Array, bias: Array, residual: Array) -> tuple[Array, Array]:
    """The result and the sums, in float64."""
    sums = a.astype(np.float64) @ b.astype(np.float64)
    return np.maximum(sums + bias, 0) * SCALE + residual, sums


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("home", [False, True], ids=["staged", "in place"])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_float32(level: str, home: bool, form: str) -> None:
    rng = np.random.default_rng(1)
    for M, N, K in ((1, 1, 1), (1, 70, 9), (70, 1, 9), (13, 33, 17), (64, 64, 300), (130, 200, 0), (100, 70, 600)):
        a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((M, K), (K, N)))
        bias = rng.standard_normal((1, N) if form == "rows" else (M, 1)).astype(np.float32)
        residual = rng.standard_normal((2 * N, M)).astype(np.float32).T[:, ::2]
        out, extra = np.full((M, N), np.nan, np.float32), np.full((M, N), np.nan, np.float32)
        run(a, b, bias, residual, out, extra if home else None, level, home)
        wanted, sums = expected(a, b, bias, residual)
        bound = (K + 4) * 2.0**-24 * (np.abs(a) @ np.abs(b) + np.abs(bias) + np.abs(residual) + 1)
        assert (np.abs(out - wanted) <= bound).all()
        if home:
            assert (np.abs(extra - sums) <= bound).all()


@pytest.mark.parametrize("level", levels())
def test_batches_merge_only_where_all_slots_do(level: str) -> None:
    rng = np.random.default_rng(2)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((2, 3, 20, 11), (11, 40)))
    for bias_shape, merged in (((1, 1, 1, 40), True), ((2, 1, 1, 40), False), ((2, 3, 20, 1), True)):
        bias = rng.standard_normal(bias_shape).astype(np.float32)
        residual = rng.standard_normal((2, 3, 20, 40)).astype(np.float32)
        out = np.full((2, 3, 20, 40), np.nan, np.float32)
        plan = run(a, b, bias, residual, out, None, level, home=True)
        assert (plan.meta[0] == 120) is merged
        np.testing.assert_allclose(out, expected(a, b, bias, residual)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("level", [level for level in levels() if level != "portable"])
def test_halves_are_summed_in_float32_and_rounded_once(level: str) -> None:
    rng = np.random.default_rng(3)
    half = np.dtype(ml_dtypes.bfloat16)
    for M, N, K in ((33, 65, 70), (1, 65, 70), (65, 1, 70)):
        a, b = (rng.standard_normal(shape).astype(half) for shape in ((M, K), (K, N)))
        bias = rng.standard_normal((1, N)).astype(half)
        residual, out = np.zeros((M, N), np.float32), np.zeros((M, N), half)
        run(a, b, bias, residual, out, None, level, home=False)
        wanted = expected(a, b, bias.astype(np.float64), residual)[0]
        assert (np.abs(out.astype(np.float64) - wanted) <= 2.0**-8 * np.abs(wanted) + 1e-5).all()


def test_code_is_shared_by_sizes_but_not_by_endings() -> None:
    def key(bias: tuple[int, ...], M: int, N: int) -> str:
        arrays = [np.zeros(shape, np.float32) for shape in (bias, (M, N), (M, N))]
        bound = ending(np.broadcast_to(arrays[0], (M, N)), arrays[1], arrays[2], None, home=True)
        return plan_matmul(
            F32, (), M, N, 8, (8, 1), (N, 1), (N, 1), level="avx2", vector_bytes=32, ending=bound
        ).key  # fmt: skip

    assert key((1, 20), 30, 20) == key((1, 70), 7, 70)
    assert len({key((1, 20), 30, 20), key((30, 1), 30, 20), key((30, 20), 30, 20)}) == 2  # a column is uniform along N
