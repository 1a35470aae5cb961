"""The machine's measured peaks, which achieved rates are compared with."""

from __future__ import annotations

import time
from dataclasses import dataclass

import curta
from curta.dtypes import DType


@dataclass(frozen=True)
class MatmulPeak:
    """The best matmul rate measured: FLOP/s, for square matrices of `size` in `dtype` on `threads` threads."""

    flops_per_second: float
    size: int
    dtype: DType
    threads: int


def matmul_peak(dtype: DType | None = None, sizes: tuple[int, ...] = (1024, 2048), seconds: float = 0.25) -> MatmulPeak:
    """Measure the highest matmul rate in `dtype` (by default float32), trying each of `sizes` for about `seconds`.

    The shortest repetition counts: whatever else the machine did then, it cannot do better than its peak.

    >>> matmul_peak(sizes=(64,), seconds=0.01).flops_per_second > 0
    True
    """
    dtype = dtype or curta.float32
    rates = {size: _matmul_rate(size, dtype, seconds) for size in sizes}
    size = max(rates, key=rates.__getitem__)
    return MatmulPeak(rates[size], size, dtype, curta.get_num_threads())


def _matmul_rate(size: int, dtype: DType, seconds: float) -> float:
    with curta.no_grad():
        a = curta.rand(size, size, device="cpu").to(dtype)
        b = curta.rand(size, size, device="cpu").to(dtype)
        a @ b  # compiles, and touches the memory of the result
        shortest, until = float("inf"), time.perf_counter() + seconds
        while True:
            start = time.perf_counter()
            a @ b
            end = time.perf_counter()
            shortest = min(shortest, end - start)
            if end >= until:
                break
    return 2.0 * size**3 / shortest


def copy_peak(nbytes: int = 1 << 26, seconds: float = 0.25) -> float:
    """Measure the highest rate, in bytes read and written a second, at which memory of `nbytes` is copied.

    >>> copy_peak(1 << 12, 0.01) > 0
    True
    """
    with curta.no_grad():
        source, target = (curta.zeros(nbytes // 4, device="cpu") for _ in range(2))
        target.copy_(source)  # compiles, and touches the memory
        shortest, until = float("inf"), time.perf_counter() + seconds
        while True:
            start = time.perf_counter()
            target.copy_(source)
            end = time.perf_counter()
            shortest = min(shortest, end - start)
            if end >= until:
                break
    return 2 * nbytes / shortest
