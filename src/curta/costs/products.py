"""Curta's own kernels beside the BLAS, measured over a grid of products: the table that `CURTA_BLAS=auto` goes by."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import curta
from curta.compiler.matmul import plan_matmul
from curta.compiler.matmul.blas import Blas, Shape
from curta.compiler.matmul.choice import Table, Timing
from curta.dtypes import by_name
from curta.ops.product import launch_step
from curta.runtime import blas, cpu, native

#: a row, a few, and what fills the processor's caches
ROWS = (1, 4, 16, 64, 256, 1024)
SIZES = (16, 64, 256, 1024)
ORDERS = (("k", "column"), ("k", "k"), ("row", "column"), ("row", "k"))
#: seconds for one product by one kernel, and the runs that are the least
SECONDS, RUNS = 0.002, 3


def grid() -> Iterator[Shape]:
    """The products that are measured; of a single row it makes no difference how it lies.

    >>> sum(1 for _ in grid())
    704
    """
    for dtype in ("float32", "float64"):
        for a_order, b_order in ORDERS:
            for M in ROWS[a_order == "row" :]:
                yield from (Shape(dtype, a_order, b_order, M, N, K) for N in SIZES for K in SIZES)


def measure_products(report: Callable[[int, int], object] = lambda done, count: None) -> Table:
    """Measure all of the grid in some seconds; `report` is told how many of how many are done.

    ArgumentError where NumPy has no BLAS that Curta can call.
    """
    from datetime import date

    library = blas.usable()
    shapes = list(grid())
    # what is no number, or too small a one, may take longer: any two of these bytes are neither
    matrices = [curta.ones(max(ROWS[-1], SIZES[-1]) * SIZES[-1], dtype=curta.float64, device="cpu") for _ in range(3)]
    pointers = [matrix.data_ptr() for matrix in matrices]
    timings = []
    for done, shape in enumerate(shapes):
        timings.append(_measure(shape, Blas(library, lambda shape: True), pointers))
        report(done + 1, len(shapes))
    return Table(library.name, date.today().isoformat(), native.get_num_threads(), tuple(timings))


def _measure(shape: Shape, calling: Blas, pointers: list[int]) -> Timing:
    """Both kernels by turns, so that what else the machine does meets both."""
    runs = [_made_ready(shape, which) for which in (None, calling)]
    shortest = [float("inf")] * 2
    until, count = time.perf_counter() + 2 * SECONDS, 0
    while count < RUNS or time.perf_counter() < until:
        count += 1
        for place, run in enumerate(runs):
            start = time.perf_counter()
            run(*pointers)
            shortest[place] = min(shortest[place], time.perf_counter() - start)
    return Timing(shape, *shortest)


def _made_ready(shape: Shape, calling: Blas | None) -> Callable[..., Any]:
    """The launch of one product, which has run once."""
    _, a_order, b_order, M, N, K = shape
    a_strides = (K, 1) if a_order == "k" else (1, M)
    b_strides = (N, 1) if b_order == "column" else (1, K)
    plan = plan_matmul(
        by_name(shape.dtype), (), M, N, K, a_strides, b_strides, (N, 1), level=cpu.level(),
        vector_bytes=cpu.vector_bytes(), blas=calling,
    )  # fmt: skip
    step = launch_step(plan, [("input", 0), ("input", 1), ("output", 0)], small=M * N * K <= 32768 and plan.units <= 1)
    step.plan.place(step.code.address())
    return step.plan.run
