"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression
from curta.memory.layout import Layout, contiguous
from curta.ops.inference import bytes_read
from curta.ops.record import Cost, Gradient, Op, Pointwise


def _infer(weight: Layout, rows: Layout) -> Layout:
    return contiguous((*rows.shape[:-1], weight.shape[1]), weight.dtype, weight.device)


def _source(weight: Layout, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (*(0,) * (len(shape) - 1), weight.strides[1]), (0,)


def _element(read: Any, row: Expression) -> Expression:
    element: Expression = read(row.to(dtypes.int64))
    return element


def _rule(node: Any, g: Any) -> tuple[Any, None]:
    from curta.ops.indexing import scatter_rows

    rows = node.input(1)
    count, width = node.input_layouts[0].shape
    return scatter_rows(g.reshape(-1, width), rows.reshape(-1), count), None


def _cost(inputs: tuple[Layout, Layout], outputs: tuple[Layout, ...]) -> Cost:
    """Every row that is asked for is read once for each time."""
    return Cost(0, 0, outputs[0].nbytes + bytes_read(inputs[1:]), outputs[0].nbytes)


#: weight[V, D] and row numbers [..., 1] to [..., D]
EMBEDDING = Op("embedding", _infer, Pointwise(_element, "raw", gathered=_source), Gradient(_rule, inputs=(1,)), _cost)
