"""What the books cost: a training step with an account open and without, and how long plans take.

    python -m benchmarks.books

The steps take turns in one process; medians. Written to standard output, for the table in BOOKS.md.
"""

from __future__ import annotations

import contextlib
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import curta
from benchmarks.steps import CASES
from curta.models import build, example_inputs, preset
from curta.nn import functional as F

ROUNDS = 15
#: steps in each account: opening one looks through Python's objects, once
STEPS = 4
ACCOUNTS: dict[str, Callable[[], Any]] = {
    "none": contextlib.nullcontext,
    "counts": lambda: curta.account(memory=False),
    "counts and memory": curta.account,
    "counts, memory and every change of it": lambda: curta.account(timeline=True),
}


def overhead(case: str, variant: str) -> dict[str, float]:
    """The median seconds of a step with each kind of account open."""
    work = CASES[case][1](curta)[variant]
    for _ in range(3):
        work()
    seconds: dict[str, list[float]] = {name: [] for name in ACCOUNTS}
    for _ in range(ROUNDS):
        for name, books in ACCOUNTS.items():
            start = time.perf_counter()
            with books():
                for _ in range(STEPS):
                    work()
            seconds[name].append((time.perf_counter() - start) / STEPS)
    return {name: statistics.median(times) for name, times in seconds.items()}


def plan_of(name: str, context: int) -> tuple[float, int, Any]:
    """The seconds to build and plan a training step, the process's peak, and the plan."""
    start = time.perf_counter()
    config = preset(name)
    with curta.device("meta"):
        model, (tokens,) = build(config), example_inputs(config, 1, context)
    optimizer = curta.optim.AdamW(model.parameters())

    def step() -> None:
        F.cross_entropy(model(tokens).view(-1, config.vocabulary), tokens.view(-1)).backward()
        optimizer.step()

    books = curta.plan(step)
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, books


def main() -> None:
    """Print the figures."""
    for case in ("step_gpt", "step_mlp"):
        for variant in ("eager", "compiled"):
            found = overhead(case, variant)
            print(f"{CASES[case][0]}, {variant}")
            for name, seconds in found.items():
                print(f"  {name:<40} {1e3 * seconds:9.2f} ms  {seconds / found['none']:.3f}")
    for name, context in (("gpt2-xl", 1024), ("llama-3-70b", 8192)):
        seconds, nbytes, books = plan_of(name, context)
        print(f"plan of {name}, context {context}: {seconds:.2f} s, process {nbytes / 1e6:.0f} MB, {books}")


if __name__ == "__main__":
    main()
