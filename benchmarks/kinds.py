"""How long Curta takes to compile products: the first one of a kind, and one of another shape that shares its code.

Every measurement is a fresh process with an empty cache on disk. Written beside this file as KINDS.md.

    python -m benchmarks.kinds
    python -m benchmarks.kinds --rounds 1
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.processes import machine, measured_on, run_module
from benchmarks.workloads import THREADS

HERE = Path(__file__).resolve().parent
FORMATS = ("float32", "bfloat16", "float16")
#: rows, and whether the matrix is written K x N or its transpose N x K
KINDS = ((300, "K x N"), (300, "N x K"), (64, "N x K"), (16, "N x K"), (4, "N x K"), (1, "N x K"), (1, "K x N"))
#: K and N of the first product, and of the one of another shape
FIRST, OTHER = (640, 960), (704, 832)


def measure(dtype_name: str, rows: int, order: str) -> dict[str, float]:
    """Seconds of this process's first product of a kind, processor time for it, and seconds of the next shape's."""
    curta = importlib.import_module("curta")
    curta.set_num_threads(THREADS)
    integers = curta.ones(2, 2, dtype=curta.int32)
    _ = integers @ integers + 1  # loads LLVM, and whatever plans a product
    dtype = getattr(curta, dtype_name)

    def operands(K: int, N: int) -> tuple[Any, Any]:
        right = curta.ones(K, N, dtype=dtype) if order == "K x N" else curta.ones(N, K, dtype=dtype).t()
        return curta.ones(rows, K, dtype=dtype), right

    seconds = []
    for left, right in (operands(*FIRST), operands(*OTHER), operands(*OTHER)):
        begun, busy = time.perf_counter(), time.process_time()
        left @ right
        seconds.append((time.perf_counter() - begun, time.process_time() - busy))
    (first, first_busy), (other, _), (again, _) = seconds
    return {"first": first - again, "busy": first_busy, "other": other - again}


def measured(rounds: int) -> list[tuple[str, int, str, dict[str, float]]]:
    """For each format and kind the medians."""
    samples: dict[tuple[str, int, str], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for dtype in FORMATS:
            for rows, order in KINDS:
                with tempfile.TemporaryDirectory() as cache:
                    caches = {"CURTA_CACHE_DIR": cache}
                    found = run_module("benchmarks.kinds", "--measure", dtype, str(rows), order, environment=caches)
                samples.setdefault((dtype, rows, order), []).append(found)
    return [
        (*kind, {key: statistics.median(one[key] for one in found) for key in found[0]})
        for kind, found in samples.items()
    ]


def as_markdown(found: list[tuple[str, int, str, dict[str, float]]], command: str) -> str:
    """The results as a page."""
    lines = [
        "# Compiling products", "", measured_on(machine()), "",
        f"Made by `{command}`: each row the medians of fresh processes with empty caches. *First* is the first product "
        f"of a kind, [rows x {FIRST[0]}] @ [{FIRST[0]} x {FIRST[1]}], less the time of a repeated one; *processor* is "
        "what all threads took for it. *Another shape* is planned, and finds the code of the first.", "",
        "| format | rows | matrix | first | processor | another shape |", "|---|---:|---|---:|---:|---:|",
    ]  # fmt: skip
    for dtype, rows, order, row in found:
        first, busy, other = (f"{1e3 * row[key]:.1f} ms" for key in ("first", "busy", "other"))
        lines.append(f"| {dtype} | {rows} | {order} | {first} | {busy} | {other} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="processes for each kind")
    parser.add_argument("--measure", nargs=3, metavar=("FORMAT", "ROWS", "ORDER"), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder for KINDS.md")
    arguments = parser.parse_args()
    if arguments.measure:
        dtype, rows, order = arguments.measure
        print(json.dumps(measure(dtype, int(rows), order)))
        return
    page = as_markdown(measured(arguments.rounds), f"python -m benchmarks.kinds --rounds {arguments.rounds}")
    print(page)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "KINDS.md").write_text(page)


if __name__ == "__main__":
    main()
