"""Elements by their rank along a dimension, found without sorting."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.compiler.select import plan_ranked, plan_smallest, space_for
from curta.memory.layout import Layout, contiguous
from curta.ops.inference import bytes_read
from curta.ops.record import NO_GRADIENT, Cost, Generated, Op
from curta.ops.scan import split_at
from curta.ops.sorting import key_format, place_format


def _places(x: Layout, dim: int, count: int) -> Layout:
    return contiguous((*x.shape[:dim], count, *x.shape[dim + 1 :]), dtypes.int64, x.device)


def _infer_smallest(x: Layout, dim: int, count: int, descending: bool) -> Layout:
    return _places(x, dim, count)


def _plan_smallest(inputs: Any, outputs: Any, dim: int, count: int, descending: bool) -> Any:
    x: Layout = inputs[0]
    key, place = key_format(x), place_format(x, dim)
    outer, size, inner = split_at(x.shape, dim)
    most = outer * inner * space_for(count)
    rooms = [contiguous((x.numel,), key), *(contiguous((most,), kind) for kind in (key, key, place, place))]
    return plan_smallest(x.dtype, place, outer, size, inner, count, descending=descending), rooms


def _cost(inputs: Any, outputs: Any, **params: Any) -> Cost:
    """Comparing and counting are no FLOPs."""
    return Cost(0, 0, bytes_read(inputs), outputs[0].nbytes)


#: of a row-major tensor: where the `count` smallest (largest) elements are, in order; of equal ones the first
SMALLEST = Op("smallest", _infer_smallest, Generated(_plan_smallest), NO_GRADIENT, _cost)


def _infer_ranked(x: Layout, ranks: Layout, dim: int) -> Layout:
    return _places(x, dim, 1)


def _plan_ranked(inputs: Any, outputs: Any, dim: int) -> Any:
    x: Layout = inputs[0]
    return plan_ranked(x.dtype, *split_at(x.shape, dim)), [contiguous((x.numel,), key_format(x))]


#: of a row-major tensor: where the element of a rank is, counted from 0; the ranks (int64) have size 1 along `dim`
RANKED = Op("ranked", _infer_ranked, Generated(_plan_ranked), NO_GRADIENT, _cost)
