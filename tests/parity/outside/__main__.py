"""Runs the table.

    python -m tests.parity.outside [operator ...] [--limit SAMPLES] [--part I/N] [--all]

Prints each operator that fails with its first failures, and the share that pass; `--record FILE` writes the table that
is kept in TABLE.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from pathlib import Path

from rich.progress import track
from tests.parity.outside.operators import chosen, full_name
from tests.parity.outside.trial import tried

SHOWN = 5


def _table(results: list[tuple[str, int, list[str]]]) -> str:
    """The result as a page."""
    passed = [name for name, _, faults in results if not faults]
    lines = [
        "# PyTorch's table of operators",
        "",
        "Forward values, gradients and errors of PyTorch 2.13's own sample inputs, in float32, float64, float16,",
        "bfloat16, int64, uint8 and bool; an operator passes with all of its samples or not at all. Left out: complex",
        "numbers, Fourier transforms, sparse and quantised tensors. Written by",
        "`python -m tests.parity.outside --record`.",
        "",
        f"{len(passed)} of {len(results)} operators pass: {100 * len(passed) / len(results):.1f} %,",
        f"with {sum(count for _, count, _ in results):,} samples. The others:",
        "",
        "| operator | samples that fail | the first |",
        "| --- | --- | --- |",
    ]
    for name, count, faults in results:
        if faults:
            first = faults[0].replace("|", "on")[:150]
            lines.append(f"| `{name}` | {len(faults)} of {max(count, 1)} | {first} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="operators, as PyTorch's table names them; default: all")
    parser.add_argument("--limit", type=int, help="samples of each operator and format; default: all")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="print every failure")
    parser.add_argument("--record", type=Path, help="write the table to this file")
    chosen_arguments = parser.parse_args()
    names = [full_name(one) for one in chosen(chosen_arguments.names)]
    if not names:
        print(f"outside: no operator is called {', '.join(chosen_arguments.names)}", file=sys.stderr)
        return 2
    results: list[tuple[str, int, list[str]]] = []
    tasks = [(name, chosen_arguments.limit) for name in names]
    with multiprocessing.get_context("spawn").Pool(min(chosen_arguments.processes, len(names))) as pool:
        for name, count, faults in track(pool.imap_unordered(tried, tasks), total=len(tasks), transient=True):
            results.append((name, count, faults))
            if faults:
                print(f"{name}: {len(faults)} of {count}", flush=True)
                for fault in faults if chosen_arguments.all else faults[:SHOWN]:
                    print(f"    {fault}", flush=True)
    passed = sum(not faults for _, _, faults in results)
    print(f"{passed} of {len(results)} pass: {100 * passed / len(results):.1f} %")
    if chosen_arguments.record:
        chosen_arguments.record.write_text(_table(sorted(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
