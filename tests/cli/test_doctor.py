"""`curta doctor`: what it prints, its JSON, and every problem it knows, in its words."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import curta
from curta.cli.doctor import rows
from curta.cli.examine import examine, problems
from curta.costs import processor
from curta.runtime import disk

RATE = {"of": "a matmul of 1024³ on 4 threads at the level avx2", "day": "2026-01-31", "quiet": True}
FOUND: dict[str, Any] = {
    "versions": {
        "curta": "0.1.0", "python": "3.12.1", "system": "Linux x86_64", "numpy": "2.0", "llvmlite": "0.45",
        "ml_dtypes": "0.5", "safetensors": "0.5", "rich": "14", "matplotlib": "3.9", "llvm": "20.1.0",
    },
    "processor": {
        "model": "A processor", "processors": 8, "allowed_processors": 8, "cores": 4, "threads": 4, "is_x86": True,
        "level": "avx2", "highest_level": "avx2", "vector_bytes": 32, "instruction_sets": ["avx2", "fma"],
        "clock_hertz": 3.0e9,
        "caches": [{"level": 1, "kind": "data", "nbytes": 32768}, {"level": 3, "kind": "unified", "nbytes": 8 << 20}],
    },
    "memory": {"total": 32 << 30, "available": 16 << 30},
    "peaks": {
        "float32": RATE | {"flops_per_second": 300e9, "theoretical_flops_per_second": 384e9, "share": 300 / 384},
        "bfloat16": RATE | {"flops_per_second": 200e9, "theoretical_flops_per_second": None, "share": None},
    },
    "bandwidth": RATE | {"bytes_per_second": 20e9, "of": "a copy of 64 MiB"},
    "products": {"setting": "0", "library": "OpenBLAS 0.3", "measured": None},
    "cache": {"directory": "/home/me/.cache/curta", "writable": True, "nbytes": 3 << 20, "limit": 1 << 30},
    "problems": [],
}  # fmt: skip


def changed(**changes: Any) -> dict[str, Any]:
    """FOUND with other values, by paths such as `processor__level`."""
    found = copy.deepcopy(FOUND)
    for path, value in changes.items():
        part, name = path.split("__")
        found[part][name] = value
    return found


def test_the_rows_by_hand() -> None:
    assert rows(FOUND) == [
        ("curta", "0.1.0"),
        ("python", "3.12.1 on Linux x86_64"),
        ("libraries", "numpy 2.0, llvmlite 0.45, ml_dtypes 0.5, safetensors 0.5, rich 14, matplotlib 3.9, llvm 20.1.0"),
        ("processor", "A processor"),
        ("cores", "4 (8 processors)"),
        ("threads", "4"),
        ("level", "avx2, vectors of 32 bytes; found: avx2 fma"),
        ("clock", "3.00 GHz, counted"),
        ("caches", "L1 data 32 KiB, L3 unified 8.0 MiB"),
        ("memory", "32.00 GiB, 16.00 GiB free"),
        ("float32", "300 GFLOP/s, 78% of the 384 GFLOP/s that clock and instructions allow, measured on 2026-01-31: "
                    "a matmul of 1024³ on 4 threads at the level avx2"),
        ("bfloat16", "200 GFLOP/s, what the instructions allow is not known, measured on 2026-01-31: "
                     "a matmul of 1024³ on 4 threads at the level avx2"),
        ("bandwidth", "20.0 GB/s read and written, measured on 2026-01-31: a copy of 64 MiB"),
        ("products", "Curta's own kernels (CURTA_BLAS=0); NumPy's BLAS: OpenBLAS 0.3, not measured here"),
        ("cache", "/home/me/.cache/curta"),
        ("cached", "3.0 MiB of at most 1024.0 MiB (CURTA_CACHE_LIMIT)"),
        ("problems", "none"),
    ]  # fmt: skip


def test_problems_take_the_place_of_none() -> None:
    found = changed(memory__total=None, cache__directory=None) | {"problems": ["one", "two"]}
    assert rows(found)[-2:] == [("problem", "one"), ("problem", "two")]
    assert ("memory", "unknown, 16.00 GiB free") in rows(found)
    assert ("cache", "none") in rows(found)


def test_how_products_are_done() -> None:
    found = changed(products__setting="auto", products__measured="2026-01-31")
    assert dict(rows(found))["products"] == (
        "by whichever was measured to be faster (CURTA_BLAS=auto); NumPy's BLAS: OpenBLAS 0.3, measured on 2026-01-31"
    )
    found = changed(products__setting="1", products__library=None)
    assert dict(rows(found))["products"] == (
        "by the BLAS, wherever it can (CURTA_BLAS=1); NumPy's BLAS: none that Curta could call, not measured here"
    )


LOST = "so every process compiles its kernels again, and measures the machine again"
BUSY = RATE | {"quiet": False, "flops_per_second": 1e9, "theoretical_flops_per_second": 384e9, "share": 1 / 384}


@pytest.mark.parametrize(
    ("found", "environment", "expected"),
    [
        (FOUND, {}, []),
        (FOUND, {"CURTA_CPU": "avx2", "CURTA_NUM_THREADS": "4"}, []),
        (changed(cache__directory=None, cache__writable=False), {"CURTA_CACHE": "0"},
         [f"CURTA_CACHE=0: nothing is kept on disk, {LOST}"]),
        (changed(cache__directory=None, cache__writable=False), {},
         [f"there is no home directory to keep a cache in, {LOST}: set CURTA_CACHE_DIR to a directory"]),
        (changed(cache__writable=False), {},
         [f"/home/me/.cache/curta cannot be written, {LOST}: set CURTA_CACHE_DIR to a directory that can"]),
        (changed(processor__highest_level="amx"), {"CURTA_CPU": "avx2"},
         ["CURTA_CPU=avx2 holds Curta below amx, which this processor has: kernels are slower for it"]),
        (changed(processor__highest_level="amx", processor__level="avx512"), {},
         ["the system does not let this process use the AMX tiles that the processor has: the level is avx512"]),
        (changed(processor__is_x86=False, processor__level="portable", processor__highest_level="portable"), {},
         ["this is no x86-64 processor: kernels use vectors of 16 bytes, and nothing that is special to it"]),
        (changed(processor__level="portable", processor__highest_level="portable"), {},
         ["this processor has no AVX2: kernels use vectors of 16 bytes, and are slow"]),
        (changed(processor__threads=3), {"CURTA_NUM_THREADS": "3"},
         ["Curta runs on 3 of the 4 cores that it may use (CURTA_NUM_THREADS=3)"]),
        (changed(processor__threads=9), {},
         ["Curta runs on 9 threads of 8 processors: they get in each other's way"]),
        (changed(processor__processors=64), {},
         ["this process may use 8 of the machine's 64 processors: an affinity or a container says so"]),
        (changed(products__setting="1", products__library=None), {},
         ["CURTA_BLAS=1, but NumPy has no OpenBLAS here that Curta could call"]),
        (changed(products__setting="auto"), {},
         ["CURTA_BLAS=auto: no measured table is kept for this processor, BLAS and Curta, so Curta's own kernels are "
          "used; measure one with: curta doctor --products"]),
        (changed(products__setting="auto", products__measured="2026-01-31"), {}, []),
        (changed(memory__available=300 << 20), {},
         ["only 300 MiB of memory are free: large programs will be refused, or the system will swap"]),
        (changed(peaks__float32=BUSY), {},
         ["other programs ran while the peaks were measured: they are too low, and not kept. Measure again when "
          "nothing else runs: curta doctor --measure"]),
        (changed(peaks__float32=BUSY | {"quiet": True, "share": 0.3}), {},
         ["a matmul in float32 reaches 30% of what the clock and the instructions allow: the clock falls under load, "
          "or other machines share the cores (curta doctor --measure)"]),
    ],
)  # fmt: skip
def test_each_problem_in_words(found: dict[str, Any], environment: dict[str, str], expected: list[str]) -> None:
    assert list(problems(found, environment)) == expected


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, bool]]:
    """What was asked for, with figures in place of measurements, and a cache directory of the test's own."""
    asked: list[tuple[str, bool]] = []

    def figure(what: str) -> Callable[..., processor.Figure]:
        def given(*arguments: Any) -> processor.Figure:
            asked.append((" ".join([what, *map(str, arguments[:-1])]), arguments[-1]))
            return processor.Figure(1e12, "a matmul in a test", "2026-01-31", True)

        return given

    monkeypatch.setattr(processor, "matmul", figure("matmul"))
    monkeypatch.setattr(processor, "copy", figure("copy"))
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("CURTA_CACHE", "CURTA_CACHE_LIMIT"):
        monkeypatch.delenv(name, raising=False)
    return asked


ALL = ["matmul float64", "matmul float32", "matmul float16", "matmul bfloat16", "copy"]


def test_doctor_prints_the_machine(run, figures, tmp_path):
    outcome = run("doctor")
    assert outcome.code == 0
    found = dict(line.split(maxsplit=1) for line in outcome.out.splitlines())
    assert found["curta"] == curta.__version__
    assert found["threads"] == str(curta.get_num_threads())
    assert found["float32"].startswith("1 TFLOP/s, ")
    assert found["cache"] == str(tmp_path / "cache")
    assert figures == [(name, False) for name in ALL]
    assert "\x1b" not in outcome.out


def test_doctor_measures_again(run, figures):
    assert run("doctor", "--measure").code == 0
    assert figures == [(name, True) for name in ALL]


def test_doctor_for_machines(run, figures, tmp_path):
    outcome = run("doctor", "--json")
    found = json.loads(outcome.out)
    assert set(found) == set(FOUND)
    assert {
        part: set(found[part]) for part in ("versions", "processor", "memory", "bandwidth", "products", "cache")
    } == {part: set(FOUND[part]) for part in ("versions", "processor", "memory", "bandwidth", "products", "cache")}
    assert set(found["peaks"]) == {"float64", "float32", "float16", "bfloat16"}
    assert set(found["peaks"]["float32"]) == set(FOUND["peaks"]["float32"])
    assert found["cache"]["directory"] == str(tmp_path / "cache")
    assert found["cache"]["writable"]
    assert isinstance(found["problems"], list)


def test_a_wrong_variable_is_told_in_one_line(run, figures, monkeypatch):
    monkeypatch.setenv("CURTA_CACHE_LIMIT", "much")
    outcome = run("doctor")
    assert outcome.code == 2
    assert outcome.err == "curta doctor: error: CURTA_CACHE_LIMIT: expected a number of bytes, got 'much'\n"


def test_a_cache_below_a_file_cannot_be_written(figures, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CURTA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    found = examine()
    assert not found["cache"]["writable"]
    assert any(text.startswith(f"{tmp_path / 'file' / 'cache'} cannot be written, ") for text in found["problems"])


def test_the_cache_is_weighed(figures, tmp_path):
    disk.write(disk.path_of("a test"), b"code")
    assert examine()["cache"]["nbytes"] == disk.cache_bytes() > 4
