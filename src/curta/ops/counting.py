"""How often numbers occur, and the longest runs of equal elements."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.compiler.counting import plan_counts, plan_longest_runs, tables_for
from curta.memory.layout import Layout, contiguous
from curta.ops.inference import bytes_read
from curta.ops.record import NO_GRADIENT, Cost, Generated, Op
from curta.ops.scan import split_at


def _infer_counts(numbers: Layout, count: int) -> Layout:
    return contiguous((tables_for(numbers.numel, count), count), dtypes.int64, numbers.device)


def _plan_counts(inputs: Any, outputs: Any, count: int) -> Any:
    return plan_counts(inputs[0].dtype, inputs[0].numel, count)


def _counts_cost(inputs: Any, outputs: Any, count: int) -> Cost:
    """One is added for each number."""
    return Cost(inputs[0].numel, 0, bytes_read(inputs), outputs[0].nbytes)


#: of whole numbers in [0, count) without gaps in memory: how often each of these occurs, in several tables to be added
COUNTS = Op("counts", _infer_counts, Generated(_plan_counts), NO_GRADIENT, _counts_cost)


def _infer_runs(x: Layout, dim: int) -> Layout:
    return contiguous(tuple(1 if axis == dim else size for axis, size in enumerate(x.shape)), dtypes.int64, x.device)


def _plan_runs(inputs: Any, outputs: Any, dim: int) -> Any:
    return plan_longest_runs(inputs[0].dtype, *split_at(inputs[0].shape, dim))


def _runs_cost(inputs: Any, outputs: Any, dim: int) -> Cost:
    """One is added for each element but the first of a row."""
    return Cost(inputs[0].numel - outputs[0].numel, 0, bytes_read(inputs), outputs[0].nbytes)


#: of a row-major tensor sorted along `dim`: where the first of the longest runs of equal elements ends
LONGEST_RUN = Op("longest_run", _infer_runs, Generated(_plan_runs), NO_GRADIENT, _runs_cost)
