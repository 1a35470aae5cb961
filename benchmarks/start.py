"""The first step of a training program, and the memory of its process, in PyTorch and in Curta.

Every measurement is a fresh process: with an empty cache on disk (cold), then with what that one left (warm). Written
beside this file as START.md.

    python -m benchmarks.start
    python -m benchmarks.start step_gpt_384 --rounds 1
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.processes import machine, measured_on, run_module
from benchmarks.steps import CASES
from benchmarks.workloads import THREADS

HERE = Path(__file__).resolve().parent
DEFAULT = ("step_gpt", "step_gpt_384", "step_gpt2")
#: what is measured: framework and variant
KINDS = (("torch", "eager"), ("torch", "compiled"), ("curta", "compiled"))


def measure(name: str, variant: str, case: str) -> dict[str, Any]:
    """This process's first step, a later one and the most memory that it ever had."""
    framework = importlib.import_module(name)
    framework.set_num_threads(THREADS)
    work: Any = CASES[case][1](framework)[variant]
    begun = _beginnings() if name == "curta" else []
    seconds = []
    entered = time.perf_counter()
    for _ in range(4):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    found = {
        "first": seconds[0],
        "later": statistics.median(seconds[2:]),
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }
    if name == "curta":
        account = work.program.account()
        found |= {"peak_bytes": account.peak_bytes, "arena": account.arena_bytes, "live": account.live_bytes}
        found["begins"] = begun[0] - entered
    return found


def _beginnings() -> list[float]:
    """The moments at which compiled programs begin to run, as they come."""
    native = importlib.import_module("curta.compiled.native").NativeProgram
    run, begun = native.run, []

    def noted(program: Any) -> Any:
        begun.append(time.perf_counter())
        return run(program)

    native.run = noted
    return begun


def _run(name: str, variant: str, case: str, cache: str) -> dict[str, Any]:
    caches = {"CURTA_CACHE_DIR": cache, "TORCHINDUCTOR_CACHE_DIR": cache}
    return run_module("benchmarks.start", "--measure", name, variant, case, environment=caches)


def compare(case: str, rounds: int) -> list[dict[str, Any]]:
    """The rows of one case: medians over the rounds, in which the kinds take turns."""
    samples: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name, variant in KINDS:
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "warm") if variant == "compiled" else ("cold",):
                    samples.setdefault((name, variant, state), []).append(_run(name, variant, case, cache))
    return [
        {"case": case, "framework": name, "variant": variant, "cache": state}
        | {key: statistics.median(one[key] for one in found) for key in found[0]}
        for (name, variant, state), found in samples.items()
    ]


def as_markdown(about: dict[str, Any], rows: list[dict[str, Any]], command: str) -> str:
    """The results as a page."""
    lines = [
        "# The first step, and memory",
        "",
        measured_on(about),
        "",
        f"Made by `{command}`: fresh processes taking turns, medians. *Overhead* is the first step less a later one: "
        "recording, compiling, and touching memory for the first time. *Begins* is when the first step's program, "
        "recorded and compiled, begins to run. *Process* is the most memory the process ever "
        "had, with the interpreter and the libraries; *program* what Curta says beforehand that its tensors take.",
        "",
        "| work | framework | cache on disk | first step | later step | overhead | begins | process | program |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        state = row["cache"] if row["variant"] == "compiled" else "-"
        program = f"{row['peak_bytes'] / 1e6:,.0f} MB" if "peak_bytes" in row else ""
        begins = f"{row['begins']:.2f} s" if "begins" in row else ""
        lines.append(
            f"| {CASES[row['case']][0].removeprefix('step, ')} | {row['framework']}, {row['variant']} | {state} "
            f"| {row['first']:.2f} s | {row['later']:.2f} s | {row['first'] - row['later']:.2f} s | {begins} "
            f"| {row['bytes'] / 1e6:,.0f} MB | {program} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of: {' '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind for each case")
    parser.add_argument("--measure", nargs=3, metavar=("FRAMEWORK", "VARIANT", "CASE"), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder for START.md and start.json")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    about = machine()
    rows: list[dict[str, Any]] = []
    for case in arguments.cases or DEFAULT:
        found = compare(case, arguments.rounds)
        for row in found:
            print(json.dumps(row), flush=True)
        rows += found
    arguments.output.mkdir(parents=True, exist_ok=True)
    command = " ".join(["python -m benchmarks.start", *arguments.cases, f"--rounds {arguments.rounds}"])
    (arguments.output / "START.md").write_text(as_markdown(about, rows, command))
    (arguments.output / "start.json").write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
