"""A few rows times a transposed matrix, at every level: beside NumPy in float64, and the bits of the blocked kernel."""

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
from curta.compiler.matmul import Ending, MatmulPlan, plan, plan_matmul
from curta.compiler.matmul.few import few_family
from curta.compiler.matmul.spec import Spec
from curta.runtime import cpu

sys.path.insert(0, str(Path(__file__).parent))
from matmul_harness import VECTOR_BYTES, Array, launch, levels, plan_for

#: rows, columns and K: whole vectors and less, one block of K and several, more than one tile
SIZES = (
    (2, 5, 2),
    (3, 40, 7),
    (4, 12, 0),
    (5, 33, 256),
    (8, 100, 300),
    (9, 70, 40),
    (13, 500, 270),
    (16, 64, 64),
    (37, 90, 300),
)
LEVELS = [level for level in levels() if level not in cpu.TILED]


def some(shape: tuple[int, ...], dtype: Any = np.float32, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.fixture(params=["few1x24", "few1x6", "few2x12", "few2x3"])
def forced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The kernel for any sizes that it can do; of those that fit no vector, the wider one."""

    def family(spec: Spec, rows: int, columns: int, K: int, row_bytes: int) -> str | None:
        if columns == 1 or K % spec.depth:
            return None
        name = str(request.param) if columns <= spec.lanes else "few2x12"
        return f"{name}pairs" if spec.depth > 1 else name

    monkeypatch.setattr(plan, "few_family", family)
    monkeypatch.setattr(plan, "dots_family", lambda *arguments: None)
    return monkeypatch


def blocked(monkeypatch: Any) -> None:
    monkeypatch.setattr(plan, "few_family", lambda *arguments: None)


FORMATS = [(level, dtype) for level in LEVELS for dtype in (np.float32, np.float64)]
FORMATS += [("avx512bf16", ml_dtypes.bfloat16)] if "avx512bf16" in LEVELS else []


@pytest.mark.parametrize(("level", "dtype"), FORMATS)
@pytest.mark.parametrize("lies", ["plain", "turned", "spread"])
def test_the_sums(level: str, dtype: Any, lies: str, forced: Any) -> None:
    """Those of pairs where rows end in whole ones."""
    pairs, wide, cases = dtype is ml_dtypes.bfloat16, np.float64, []
    summing, storing = (2.0**-23, 2.0**-8) if pairs else (np.finfo(dtype).eps, 0.0)
    for M, N, K in SIZES:
        x, w = some((M, K), dtype), some((N, K), dtype, 1).T
        if lies == "turned":
            x = np.asfortranarray(x)
        elif lies == "spread":
            x = some((2 * M, 3 * K + 1), dtype)[::2, :: 3 if K else 1][:, :K]
        cases.append((x, w, np.full((M, N), np.nan, dtype)))
    found = []
    for again in range(2):
        for x, w, out in cases:
            made = plan_for(x, w, out, level)
            whole = x.shape[1] > 0 and not (pairs and x.shape[1] % 2)
            assert ("matmul_few" in made.key) is (not again and whole)
            assert ("pairs" in made.key) is pairs
            launch(made, [x, w, out], level, [1])
            found.append(out.tobytes())
            exact, size = x.astype(wide) @ w.astype(wide), np.abs(x.astype(wide)) @ np.abs(w.astype(wide))
            bound = (x.shape[1] + 2) * summing * size + storing * np.abs(exact)
            assert (np.abs(out.astype(wide) - exact) <= bound).all()
        blocked(forced)
    assert found[: len(cases)] == found[len(cases) :]


@pytest.mark.parametrize("level", LEVELS)
def test_added_to_what_is_there(level: str, forced: Any) -> None:
    x, w, before = some((7, 300)), some((50, 300), seed=1).T, some((7, 90), seed=2)
    out = before.copy()[:, 20:70]
    made = plan_for(x, w, out, level, accumulate=True)
    assert "matmul_few" in made.key
    launch(made, [x, w, out], level)
    np.testing.assert_allclose(out, x.astype(np.float64) @ w + before[:, 20:70], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("level", LEVELS)
def test_batches(level: str, forced: Any) -> None:
    x, w = some((3, 1, 4, 30)), some((2, 60, 30), seed=1).swapaxes(-1, -2)
    out = np.full((3, 2, 4, 60), np.nan, np.float32)
    made = plan_for(x, w, out, level)
    assert "matmul_few" in made.key
    launch(made, [x, w, out], level, [1, 3])
    np.testing.assert_allclose(out, x.astype(np.float64) @ w.astype(np.float64), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("home", [False, True], ids=["staged", "in place"])
def test_an_ending_follows(level: str, home: bool, forced: Any) -> None:
    F32 = dtypes.float32
    for M, N, K in SIZES:
        x, w, bias, residual = some((M, K)), some((N, K), seed=1).T, some((1, N), seed=2), some((M, 2 * N), seed=3)
        bias, residual = np.broadcast_to(bias, (M, N)), residual[:, ::2]
        sums, shift, rest = (Expression("input", F32, (), number) for number in range(3))
        made = call("maximum", sums + shift, Expression("constant", F32, (), 0.0)) * rest
        slots = *[Slot(F32, "input")] * 3, Slot(F32, "output")
        found = []
        for again in range(2):
            out = np.full((M, N), np.nan, np.float32)
            ending = Ending(slots, ((3, made),), 0, tuple(a.strides for a in (out, bias, residual, out)), home)
            step = [[stride // 4 for stride in array.strides] for array in (x, w, out)]
            planned: MatmulPlan = plan_matmul(
                F32, (), M, N, K, *step, level=level, vector_bytes=VECTOR_BYTES[level], ending=ending
            )  # type: ignore[arg-type]
            assert "matmul_few" not in planned.key or not again
            launch(planned, [x, w, out, bias, residual, out], level, [1])
            found.append(out.tobytes())
            if not again:
                wanted = np.maximum(x.astype(np.float64) @ w + bias, 0) * residual
                np.testing.assert_allclose(out, wanted, rtol=1e-3, atol=1e-4)
                family = plan.few_family
                blocked(forced)
        assert found[0] == found[1]
        forced.setattr(plan, "few_family", family)


def test_where_it_is_chosen() -> None:
    def family(dtype: dtypes.DType, columns: int, rows: int, K: int) -> str | None:
        spec = Spec("block", dtype, dtype, "k", "k", "column", False, "avx2", 32)
        return few_family(spec, rows, columns, K, K * dtype.itemsize)

    F32, F64 = dtypes.float32, dtypes.float64
    assert [family(F32, columns, 3072, 768) for columns in (1, 4, 6, 8, 9, 12, 16, 17, 28, 64, 65)] == [
        None, None, "few1x12", "few1x12", None, "few2x6", "few2x6", None, "few2x6", "few2x6", None
    ]  # fmt: skip
    # rows at the same place of the cache's ways: half as many of them
    assert [family(F32, columns, 1024, 1024) for columns in (6, 8, 16)] == ["few1x6", "few1x6", "few2x6"]
    # a small matrix: only where no more is computed
    assert [family(F32, columns, 64, 64) for columns in (6, 8, 12, 16)] == [None, "few1x12", None, "few2x6"]
    # one that the caches do not hold: however much is
    assert [family(F32, columns, 4096, 4096) for columns in (2, 4, 17, 33)] == ["few1x6", "few1x6", "few2x6", "few2x6"]
    assert [family(F64, columns, 768, 768) for columns in (3, 4, 5, 8, 9, 32, 33)] == [
        "few1x12", "few1x12", "few2x6", "few2x6", None, "few2x6", None
    ]  # fmt: skip
    # no few rows beside the matrix
    assert family(F32, 8, 15, 20000) is None


def test_other_products_are_as_they_were() -> None:
    def key(dtype: dtypes.DType, a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> str:
        made = plan_matmul(dtype, (), 16, 3072, 768, a, b, c, level="avx2", vector_bytes=32)
        return made.key.split("_")[1]

    plain, turned = (3072, 1), (1, 768)
    assert key(dtypes.float32, (768, 1), turned, plain) == "few2x6"
    assert key(dtypes.float32, (768, 1), plain, plain) == "block"
    assert key(dtypes.float32, (768, 1), (2, 1536), plain) == "block"
    assert key(dtypes.float32, (768, 1), turned, (6144, 2)) == "block"
    assert key(dtypes.bfloat16, (768, 1), turned, plain) == "block"


def test_pairs_are_read_where_rows_end_in_whole_ones() -> None:
    for K, family in ((768, "few1x24pairs"), (4096, "few1x6pairs"), (767, "pairs")):
        strides = (K, 1), (1, K), (3072, 1)
        made = plan_matmul(dtypes.bfloat16, (), 16, 3072, K, *strides, level="avx512bf16", vector_bytes=64)
        assert made.key.split("_")[1] == family
