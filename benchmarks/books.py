"""What the books cost: a training step with an account open and without, and how long plans take.

    python -m benchmarks.books

The kinds of account take turns in one process; medians. Opening one is timed by itself; of a model that is small
enough, a step is Python alone. Written to standard output; what it printed on one machine is in zen3/BOOKS.md.
"""

from __future__ import annotations

import contextlib
import resource
import statistics
import time
import timeit
from collections.abc import Callable
from typing import Any

import curta
from benchmarks.steps import CASES, Build, gpt
from curta.autograd.state import STATE
from curta.models import build, example_inputs, preset
from curta.nn import functional as F

ROUNDS = 15
#: steps in each account
STEPS = 4
ACCOUNTS: dict[str, Callable[[], Any]] = {
    "none": contextlib.nullcontext,
    "counts": lambda: curta.account(memory=False),
    "counts and memory": curta.account,
    "counts, memory and every change of it": lambda: curta.account(timeline=True),
}


def overhead(case: Build, variant: str) -> dict[str, tuple[float, float]]:
    """The median seconds of a step with each kind of account open, and of opening it."""
    work = case(curta)[variant]
    for _ in range(3):
        work()
    steps: dict[str, list[float]] = {name: [] for name in ACCOUNTS}
    opening: dict[str, list[float]] = {name: [] for name in ACCOUNTS}
    for _ in range(ROUNDS):
        for name, books in ACCOUNTS.items():
            start = time.perf_counter()
            with books():
                opened = time.perf_counter()
                for _ in range(STEPS):
                    work()
                steps[name].append((time.perf_counter() - opened) / STEPS)
            opening[name].append(opened - start)
    return {name: (statistics.median(steps[name]), statistics.median(opening[name])) for name in ACCOUNTS}


def cost_of_none(case: Build) -> tuple[int, float]:
    """How many operators a step runs, and the seconds that all of them take to see that no account is open.

    An operator asks before it runs, and once more if the backward pass will need it.
    """
    work = case(curta)["eager"]
    work()
    with curta.account(memory=False) as books:
        work()
    reads = 1_000_000
    loops = [min(timeit.repeat(code, number=reads, globals={"STATE": STATE})) for code in ("STATE.hooked", "pass")]
    return books.calls, 2 * books.calls * (loops[0] - loops[1]) / reads


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
    small = ("step, GPT 4×16, context 8, batch 1", gpt(4, 16, 4, 8, 16, 1))
    for title, case in (CASES["step_gpt"], CASES["step_mlp"], small):
        for variant in ("eager", "compiled"):
            found = overhead(case, variant)
            print(f"{title}, {variant}")
            for name, (seconds, opening) in found.items():
                ratio = seconds / found["none"][0]
                print(f"  {name:<40} {1e3 * seconds:9.2f} ms  {ratio:.3f}   opened in {1e3 * opening:.2f} ms")
    calls, seconds = cost_of_none(CASES["step_gpt"][1])
    print(
        f"no account open: {calls} operators of {CASES['step_gpt'][0]} ask for one in {1e6 * seconds:.1f} µs together"
    )
    for name, context in (("gpt2-xl", 1024), ("llama-3-70b", 8192)):
        seconds, nbytes, books = plan_of(name, context)
        print(f"plan of {name}, context {context}: {seconds:.2f} s, process {nbytes / 1e6:.0f} MB, {books}")


if __name__ == "__main__":
    main()
