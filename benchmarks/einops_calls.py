"""What a repeated call of einops costs: Curta's own operations beside the package `einops`, on small tensors.

Every measurement is a fresh process of one library on one kind of tensor, and they take turns. A figure is the median
over the processes of each one's median for one call. Written beside this file as EINOPS.md. `--count` runs nothing
against the clock: it prints how many Python functions and builtins one call enters, which no other load disturbs.

    python -m benchmarks.einops_calls
    python -m benchmarks.einops_calls --rounds 1 --kinds numpy
    python -m benchmarks.einops_calls --count
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.processes import machine, measured_on, run_module

HERE = Path(__file__).resolve().parent
LIBRARIES = {"ours": "curta.einops", "original": "einops"}
KINDS = ("curta", "curta with gradients", "numpy", "torch")
#: calls in one measurement, and measurements in one process
CALLS, REPEATS = 1000, 15
Call = Callable[[], object]


def calls(library: Any, of: Callable[..., Any]) -> dict[str, Call]:
    """The calls by pattern; `of` makes a tensor of a shape."""
    images, matrix, heads = of(2, 8, 8, 3), of(4, 6), of(2, 4, 8)
    return {
        "rearrange a b -> b a": lambda: library.rearrange(matrix, "a b -> b a"),
        "rearrange b h w c -> b c h w": lambda: library.rearrange(images, "b h w c -> b c h w"),
        "rearrange b t (h d) -> b h t d": lambda: library.rearrange(heads, "b t (h d) -> b h t d", h=2),
        "rearrange b (h p) (w q) c -> b (h w) (p q c)": lambda: library.rearrange(
            images, "b (h p) (w q) c -> b (h w) (p q c)", p=2, q=2
        ),
        "reduce b h w c -> b c, mean": lambda: library.reduce(images, "b h w c -> b c", "mean"),
        "reduce b (h 2) (w 2) c -> b h w c, max": lambda: library.reduce(images, "b (h 2) (w 2) c -> b h w c", "max"),
        "repeat a b -> a b c": lambda: library.repeat(matrix, "a b -> a b c", c=3),
        "repeat a b -> (a p) (b q)": lambda: library.repeat(matrix, "a b -> (a p) (b q)", p=2, q=2),
        "einsum b t c, c d -> b t d": lambda: library.einsum(heads, of(8, 4), "b t c, c d -> b t d"),
        "pack, unpack": lambda: library.unpack(*library.pack([images, heads], "b *"), "b *"),
    }


def _maker(kind: str) -> Callable[..., Any]:
    name, _, more = kind.partition(" ")
    framework = importlib.import_module(name)
    if name != "numpy":
        framework.set_num_threads(1)
    made: dict[tuple[int, ...], Any] = {}

    def of(*shape: int) -> Any:
        if shape not in made:
            tensor = framework.ones(shape)
            made[shape] = tensor.requires_grad_() if more else tensor
        return made[shape]

    return of


def measure(library: str, kind: str) -> dict[str, float]:
    """Seconds for one call, by pattern."""
    found = {}
    for pattern, call in calls(importlib.import_module(LIBRARIES[library]), _maker(kind)).items():
        call()
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            seconds.append(time.perf_counter() - start)
        found[pattern] = statistics.median(seconds) / CALLS
    return found


def count(library: str, kind: str) -> dict[str, int]:
    """How many functions one repeated call enters, in Python and in C, by pattern."""
    found = {}
    for pattern, call in calls(importlib.import_module(LIBRARIES[library]), _maker(kind)).items():
        call(), call()
        entered = 0

        def watch(frame: Any, event: str, argument: Any) -> None:
            nonlocal entered
            entered += event in ("call", "c_call")

        sys.setprofile(watch)
        try:
            call()
        finally:
            sys.setprofile(None)
        found[pattern] = entered - 1  # setprofile's own
    return found


def compare(kinds: list[str], rounds: int, counting: bool) -> list[dict[str, Any]]:
    """A row for each kind and pattern, with a figure of each library."""
    samples: dict[tuple[str, str, str], list[float]] = {}
    for _ in range(1 if counting else rounds):
        for kind in kinds:
            for library in LIBRARIES:
                flag = "--count-one" if counting else "--measure"
                for pattern, figure in run_module("benchmarks.einops_calls", flag, library, kind).items():
                    samples.setdefault((kind, pattern, library), []).append(figure)
    pairs = dict.fromkeys((kind, pattern) for kind, pattern, _ in samples)
    return [
        {"kind": kind, "pattern": pattern}
        | {library: statistics.median(samples[kind, pattern, library]) for library in LIBRARIES}
        for kind, pattern in pairs
    ]


def as_markdown(about: dict[str, Any], rows: list[dict[str, Any]], command: str) -> str:
    """The results as a page."""
    lines = [
        "# What a call of einops costs",
        "",
        measured_on(about),
        "",
        f"Made by `{command}`: small tensors, repeated calls, fresh processes taking turns, medians. A ratio above 1: "
        "`curta.einops` takes less time than the package `einops`.",
        "",
        "| tensors | call | `einops` | `curta.einops` | ratio |",
        "|---|---|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row['kind']} | `{row['pattern']}` | {row['original'] * 1e6:.2f} µs | {row['ours'] * 1e6:.2f} µs "
            f"| {row['original'] / row['ours']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="the tensors to call with")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each library for each kind")
    parser.add_argument("--count", action="store_true", help="count function calls instead of seconds, write nothing")
    parser.add_argument("--measure", nargs=2, metavar=("LIBRARY", "KIND"), help=argparse.SUPPRESS)
    parser.add_argument("--count-one", nargs=2, metavar=("LIBRARY", "KIND"), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder for EINOPS.md and einops.json")
    arguments = parser.parse_args()
    if arguments.measure or arguments.count_one:
        print(json.dumps(measure(*arguments.measure) if arguments.measure else count(*arguments.count_one)))
        return
    rows = compare(arguments.kinds, arguments.rounds, arguments.count)
    if arguments.count:
        for row in rows:
            print(
                f"{row['kind']:22} {row['pattern']:48} einops {row['original']:4.0f}  curta.einops {row['ours']:4.0f}"
            )
        return
    arguments.output.mkdir(parents=True, exist_ok=True)
    about = machine()
    command = f"python -m benchmarks.einops_calls --rounds {arguments.rounds}"
    (arguments.output / "EINOPS.md").write_text(as_markdown(about, rows, command))
    (arguments.output / "einops.json").write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
