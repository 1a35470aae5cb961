"""What this machine can do, measured, and the least time that an operator's work needs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from curta.amp import autocast
from curta.compiled.graph import Node
from curta.compiled.profile import roofline_seconds
from curta.costs.measure import copy_peak, matmul_peak
from curta.dtypes import DType, float32
from curta.random import get_rng_state, set_rng_state

#: bytes of a tensor, from what a core's own cache holds to what only memory holds
COPY_SIZES = (1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine can do: FLOP/s of a matmul by format, and bytes/s of a copy by the bytes that it moves."""

    flops_per_second: dict[DType, float]
    bytes_per_second: dict[int, float]

    def least_seconds(self, node: Node) -> float:
        """The least time that an operator's work needs here."""
        cost = node.call.cost
        rates = self.flops_per_second
        rate = rates.get(first_format(node) or float32, max(rates.values()))
        moved = cost.bytes_read + cost.bytes_written
        copies = self.bytes_per_second  # what fits into a cache is moved faster
        size = max((size for size in copies if size <= moved), default=min(copies))
        return roofline_seconds(cost, rate, copies[size])


def first_format(node: Node) -> DType | None:
    """The format of the first tensor that an operator reads, at whose rate it computes."""
    return next((ref.layout.dtype for ref in node.reads()), None)


def measured(dtypes: Iterable[DType], report: Callable[[str], object] = lambda text: None) -> Machine:
    """This machine's limits, for matmul in each of `dtypes`, in about two seconds; `report` is told what is measured.

    Autocast does not reach it, and the random stream is where it was afterwards.
    """
    flops, before = {}, get_rng_state()
    try:
        with autocast("cpu", enabled=False):
            for dtype in dtypes:
                report(f"measuring the machine: matmul in {dtype.name} …")
                flops[dtype] = matmul_peak(dtype).flops_per_second
    finally:
        set_rng_state(before)
    report("measuring the machine: memory …")
    return Machine(flops, {2 * size: copy_peak(size, 0.1) for size in COPY_SIZES})
