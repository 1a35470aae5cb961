"""Times the same work in PyTorch and in Curta, side by side, and writes RESULTS.md and results.json beside this file.

Every measurement is a fresh process of one framework, and the two take turns, so that a slow minute of the machine
hits both. A row is the median over the processes of each process's median, and the ratio of the two medians.

    python -m benchmarks                 # everything, five rounds
    python -m benchmarks softmax gelu    # some cases
    python -m benchmarks --rounds 1 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.processes import machine, measured_on, run_module
from benchmarks.workloads import CASES

HERE = Path(__file__).resolve().parent
FRAMEWORKS = ("torch", "curta")
Row = dict[str, Any]


def run_one(framework: str, case: str, repeats: int) -> dict[str, Any]:
    """One measurement in a fresh process, by variant. Raises RuntimeError with what it printed."""
    return run_module("benchmarks.workloads", framework, case, "--repeats", str(repeats))


def compare_case(case: str, rounds: int, repeats: int) -> list[Row]:
    """The rows of one case; a framework that fails has an `error` in place of seconds."""
    samples: dict[tuple[str, str], list[float]] = {}
    errors: dict[str, str] = {}
    books: dict[str, dict[str, int]] = {}
    for _ in range(rounds):
        for framework in FRAMEWORKS:
            if framework in errors:
                continue
            try:
                for variant, figures in run_one(framework, case, repeats).items():
                    samples.setdefault((variant, framework), []).append(figures.pop("seconds"))
                    if figures:
                        books[variant] = figures
            except RuntimeError as problem:
                errors[framework] = str(problem)
    title = CASES[case][0] if case in CASES else "import in a fresh interpreter"
    variants = list(dict.fromkeys(variant for variant, _ in samples)) or ["-"]
    rows = []
    for variant in variants:
        row: Row = {"case": case, "title": title, "variant": variant, "errors": errors, "books": books.get(variant)}
        for framework in FRAMEWORKS:
            seconds_list = samples.get((variant, framework))
            row[framework] = statistics.median(seconds_list) if seconds_list else None
            row[f"{framework}_samples"] = seconds_list or []
        row["ratio"] = row["torch"] / row["curta"] if row["torch"] and row["curta"] else None
        rows.append(row)
    return rows


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "failed"
    return f"{seconds * 1e3:.3f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _share(row: Row, limits: dict[str, float]) -> str:
    """How much of the machine's limit Curta's time reaches: what FLOPs and bytes need at the least, over the time."""
    if not row["books"] or not row["curta"] or row["case"] == "tiny_add":
        return ""
    arithmetic = row["books"]["flops"] / limits["flops_per_second"]
    traffic = row["books"]["bytes"] / limits["bytes_per_second"]
    return f"{max(arithmetic, traffic) / row['curta']:.2f} of {'FLOP/s' if arithmetic > traffic else 'bytes/s'}"


def as_markdown(about: dict[str, Any], rows: list[Row], limits: dict[str, float], command: str) -> str:
    """The results as a page."""
    lines = [
        "# Curta beside PyTorch",
        "",
        measured_on(about),
        "",
        f"Made by `{command}`: fresh processes of each framework taking turns; the median of their medians. "
        "Ratio above 1: Curta is faster. Float32 unless a row says otherwise.",
        "",
        f"The machine's limits in the same run: {limits['flops_per_second'] / 1e9:.0f} GFLOP/s (Curta's best matmul), "
        f"{limits['bytes_per_second'] / 1e9:.1f} GB/s (copying 128 MB into 128 MB). The last column divides the time "
        "that Curta's own count of FLOPs or bytes needs at these limits, whichever is longer, by the time it took; it "
        "passes 1 where the data stay in the caches.",
        "",
        "| work | variant | PyTorch | Curta | PyTorch / Curta | share of the limit |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        cells = [row["title"], row["variant"], _time(row["torch"]), _time(row["curta"]), ratio, _share(row, limits)]
        lines.append("| " + " | ".join(cells) + " |")
    problems = {f"{row['title']}, {who}: {text}" for row in rows for who, text in row["errors"].items()}
    if problems:
        lines += ["", "Failed:", "", *(f"- {problem}" for problem in sorted(problems))]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of: import {' '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each framework for each case")
    parser.add_argument("--repeats", type=int, default=20, help="timed runs in each process")
    parser.add_argument("--output", type=Path, default=HERE, help="the folder for RESULTS.md and results.json")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - {"import", *CASES}:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    limits = run_one("curta", "limits", 1)
    rows: list[Row] = []
    for case in arguments.cases or ["import", *CASES]:
        found = compare_case(case, arguments.rounds, arguments.repeats)
        for row in found:
            print(
                f"{row['title']:36} {row['variant']:18} {_time(row['torch']):>12} {_time(row['curta']):>12} "
                f"{'' if row['ratio'] is None else format(row['ratio'], '.2f'):>6}",
                flush=True,
            )
            for who, text in row["errors"].items():
                print(f"    {who}: {text}", flush=True)
        rows += found
    about = machine()
    arguments.output.mkdir(parents=True, exist_ok=True)
    command = f"python -m benchmarks --rounds {arguments.rounds} --repeats {arguments.repeats}"
    page = as_markdown(about, rows, limits, command)
    (arguments.output / "RESULTS.md").write_text(page)
    (arguments.output / "results.json").write_text(
        json.dumps({"machine": about, "limits": limits, "rows": rows}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
