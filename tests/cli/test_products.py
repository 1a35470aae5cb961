"""`curta doctor --products`: the table as it is printed, kept and measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curta.cli import products as command
from curta.cli.products import lines
from curta.compiler.matmul import choice
from curta.compiler.matmul.blas import Shape
from curta.compiler.matmul.choice import Table, Timing
from curta.costs import products
from curta.errors import ArgumentError
from curta.runtime import blas

has_blas = pytest.mark.skipif(blas.library() is None, reason="NumPy has no OpenBLAS here")


def table(library: str) -> Table:
    """Two products of float32, of which the BLAS does the second one faster."""
    plain = Shape("float32", "k", "column", 4, 16, 64)
    return Table(library, "2026-01-31", 2, (Timing(plain, 1e-6, 2e-6), Timing(plain._replace(N=256), 3e-6, 2e-6)))


def test_the_lines_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "setting", lambda: "auto")
    printed = [line.plain for line in lines(table("OpenBLAS 0.3"), is_kept=True)]
    assert printed[:9] == [
        "BLAS      OpenBLAS 0.3",
        "measured  on 2026-01-31 with 2 threads",
        "setting   CURTA_BLAS=auto; auto calls the BLAS where a ratio has a star: from 1.05",
        "chosen    at 1 of these 2 products; at others as at the nearest one",
        "A ratio is the time of Curta's own kernel by that of the BLAS, for M×K times K×N.",
        "",
        "float32, A lies as M×K, B as K×N",
        "     M     K     N=16     N=64    N=256   N=1024",
        "     4    64    0.50        -     1.50*       -",
    ]
    assert "float64, A lies as K×M, B as N×K" in printed
    printed = [line.plain for line in lines(table("OpenBLAS 0.3"), is_kept=False)]
    assert printed[1] == (
        "measured  on 2026-01-31 with 2 threads; there is no cache to keep it in, so CURTA_BLAS=auto cannot find it"
    )


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """How often a table was measured, by a stand-in; the cache is the test's own."""
    counts: list[int] = []

    def stand_in(report: Any) -> Table:
        counts.append(1)
        report(1, 2)
        return table(blas.usable().name)

    monkeypatch.setattr(command, "measure_products", stand_in)
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CURTA_CACHE", raising=False)
    return counts


@has_blas
def test_a_table_is_measured_once(run: Any, measured: list[int]) -> None:
    first, second = run("doctor", "--products"), run("doctor", "--products")
    assert (first.code, second.code, len(measured)) == (0, 0, 1)
    assert first.out == second.out
    assert "chosen    at 1 of these 2 products" in first.out
    assert "\x1b" not in first.out
    assert choice.kept() == table(blas.usable().name)
    assert run("doctor", "--products", "--measure").code == 0
    assert len(measured) == 2


@has_blas
def test_for_machines(run: Any, measured: list[int]) -> None:
    found = json.loads(run("doctor", "--products", "--json").out)
    assert found == {
        "library": blas.usable().name, "day": "2026-01-31", "threads": 2, "kept": True, "margin": 1.05,
        "products": [
            {"dtype": "float32", "a_order": "k", "b_order": "column", "M": 4, "N": N, "K": 64, "curta_seconds": own,
             "blas_seconds": 2e-6, "blas": faster}
            for N, own, faster in ((16, 1e-6, False), (256, 3e-6, True))
        ],
    }  # fmt: skip


def test_without_a_blas(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise ArgumentError("CURTA_BLAS: NumPy has none")

    monkeypatch.setattr(blas, "usable", none)
    outcome = run("doctor", "--products")
    assert (outcome.code, outcome.err) == (2, "curta doctor: error: CURTA_BLAS: NumPy has none\n")


@has_blas
def test_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ROWS", (1, 4))
    monkeypatch.setattr(products, "SIZES", (16, 64))
    monkeypatch.setattr(products, "SECONDS", 0.0)
    told: list[tuple[int, int]] = []
    found = products.measure_products(lambda done, count: told.append((done, count)))
    assert [one.shape for one in found.timings] == list(products.grid())
    assert all(0 < one.own < 1 and 0 < one.blas < 1 for one in found.timings)
    assert told[-1] == (len(found.timings), len(found.timings)) == (48, 48)
    assert found.library == blas.usable().name
