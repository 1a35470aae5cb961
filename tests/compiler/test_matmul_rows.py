"""One row and a few more times a matrix that is read where it lies, at every level: beside NumPy in float64."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curta import dtypes
from curta.compiler.expression import Expression, call
from curta.compiler.loops import Slot
from curta.compiler.matmul import Ending, dots, plan_matmul, streams
from curta.compiler.matmul.dots import dots_family
from curta.compiler.matmul.spec import Spec
from curta.compiler.matmul.streams import stream_family

sys.path.insert(0, str(Path(__file__).parent))
from matmul_harness import VECTOR_BYTES, launch, levels, plan_for, run
from test_matmul_kernel import FLOATS, check, matrix

#: columns and K: less than a vector, whole ones and what is left, more columns than at once, two pieces of a row
SIZES = ((1, 3), (5, 64), (17, 130), (40, 300), (9, 2100))


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel for any K, and for as many rows as it can do."""
    monkeypatch.setattr(dots, "LEAST_VECTORS", 0)
    monkeypatch.setattr(dots, "MOST_ROWS", {8: 8, 4: 8, 2: 8})
    monkeypatch.setattr(streams, "MOST_BESIDE_PAIRS", 6)


KERNELS = [("dots", "T"), ("stream", "N")]


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("layout", ["N", "T", "S"])
@pytest.mark.parametrize(("kernel", "lies"), KERNELS)
@pytest.mark.usefixtures("always")
def test_the_sums(level: str, name: str, layout: str, kernel: str, lies: str) -> None:
    """Of rows in any order, into C in any order; `lies` is how B does."""
    rng = np.random.default_rng(1)
    for rows in range(2, 9 if kernel == "dots" else 7):
        for columns, K in SIZES if rows in (2, 5, 8) else SIZES[2:4]:
            a, b = matrix(rng, (rows, K), name, layout), matrix(rng, (K, columns), name, lies)
            whole, cut = matrix(rng, (rows, columns), name, layout), matrix(rng, (rows, columns), name, layout)
            plan = run(a, b, whole, level)
            # where C's rows are near, or there is one column, the product is turned over
            assert f"matmul_{kernel}{rows}" in plan.key or layout == "T" or columns == 1
            run(a, b, cut, level, cuts=[1, 2])
            check(a, b, whole)
            assert whole.tobytes() == cut.tobytes()


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@pytest.mark.parametrize(("kernel", "lies"), KERNELS)
@pytest.mark.usefixtures("always")
def test_batches_and_what_is_there(level: str, name: str, kernel: str, lies: str) -> None:
    rng = np.random.default_rng(2)
    a, b = matrix(rng, (3, 1, 4, 70), name), matrix(rng, (2, 70, 30), name, lies)
    out = matrix(rng, (3, 2, 4, 30), name)
    plan = run(a, b, out, level, cuts=[1, 4])
    assert f"matmul_{kernel}4" in plan.key
    check(a, b, out)
    before = out.copy()
    run(a, b, out, level, accumulate=True)
    check(np.broadcast_to(a, (3, 2, 4, 70)), np.broadcast_to(b, (3, 2, 70, 30)), out, before)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("home", [False, True], ids=["staged", "in place"])
@pytest.mark.parametrize(("kernel", "lies"), KERNELS)
@pytest.mark.usefixtures("always")
def test_an_ending_follows(level: str, home: bool, kernel: str, lies: str) -> None:
    F32, rng = dtypes.float32, np.random.default_rng(3)
    for rows, columns, K in ((2, 33, 70), (6, 50, 200)):
        x, w = matrix(rng, (rows, K), "float32"), matrix(rng, (K, columns), "float32", lies)
        bias = np.broadcast_to(matrix(rng, (1, columns), "float32"), (rows, columns))
        out = np.full((rows, columns), np.nan, np.float32)
        sums, shift = (Expression("input", F32, (), number) for number in range(2))
        made = call("maximum", sums + shift, Expression("constant", F32, (), 0.0))
        slots = Slot(F32, "input"), Slot(F32, "input"), Slot(F32, "output")
        ending = Ending(slots, ((2, made),), 0, (out.strides, bias.strides, out.strides), home)
        steps: Any = [[stride // 4 for stride in array.strides] for array in (x, w, out)]
        plan = plan_matmul(
            F32, (), rows, columns, K, *steps, level=level, vector_bytes=VECTOR_BYTES[level], ending=ending
        )
        assert f"matmul_{kernel}{rows}" in plan.key
        launch(plan, [x, w, out, bias, out], level, [1])
        wanted = np.maximum(x.astype(np.float64) @ w + bias, 0)
        np.testing.assert_allclose(out, wanted, rtol=1e-4, atol=1e-4)


def test_where_it_is_chosen() -> None:
    def family(dtype: dtypes.DType, rows: int, columns: int, K: int, level: str = "avx512bf16") -> str | None:
        return dots_family(Spec("block", dtype, dtype, "k", "k", "column", False, level, 64), rows, columns, K)

    F32, F64, BF16 = dtypes.float32, dtypes.float64, dtypes.bfloat16
    assert [family(F32, rows, 3072, 768) for rows in (1, 2, 8, 9)] == ["dots1", "dots2", "dots8", None]
    assert [family(F32, rows, 4096, 4096) for rows in (1, 6, 7)] == ["dots1", "dots6", None]
    assert [family(F64, rows, 300, 300) for rows in (5, 6)] == ["dots5", None]
    # short sums have no vectors; a single row has no other kernel
    assert [family(F32, rows, 300, K) for rows, K in ((1, 3), (2, 63), (2, 64))] == ["dots1", None, "dots2"]
    assert [family(BF16, 2, 300, K) for K in (127, 128)] == [None, "dots2pairs"]
    # processors with tiles multiply pairs as well
    assert [family(BF16, 2, 300, 300, level) for level in ("avx512", "amx")] == ["dots2", "dots2pairs"]
    for rows, kernel in ((1, "stream1"), (6, "stream6"), (7, "block")):
        a, b, c = np.zeros((rows, 300)), np.zeros((300, 50)), np.zeros((rows, 50))
        assert plan_for(a, b, c, "avx2").key.split("_")[1] == kernel
    half = Spec("block", BF16, BF16, "k", "column", "column", False, "avx512bf16", 64)
    assert [stream_family(half, rows) for rows in (4, 5)] == ["stream4", None]
