"""Runs plain Python over tensors without data and notes every operator: a function becomes a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta.autograd.state import STATE
from curta.compiler.graph import Graph, GraphNumber, GraphValue
from curta.memory.layout import Layout
from curta.tensor import Tensor


def trace(body: Callable[..., Any], operands: tuple[Layout | type, ...], params: dict[str, Any]) -> Graph:
    """The graph of `body` over tensors of these layouts, and run-time numbers where a Python type stands.

    A result that is an input unchanged is not allowed: a graph computes its outputs.
    """
    graph = Graph()
    arguments: list[Any] = []
    for position, operand in enumerate(operands):
        if isinstance(operand, Layout):
            value = GraphValue(operand, position=position)
            graph.inputs.append(value)
            arguments.append(Tensor._make(None, operand, 0, value))
        else:
            number = GraphNumber(operand, position)
            graph.inputs.append(number)
            arguments.append(number)
    before, grad_before = STATE.graph, STATE.grad_enabled
    STATE.watch(graph=graph)
    STATE.grad_enabled = False
    try:
        result = body(*arguments, **params)
    finally:
        STATE.watch(graph=before)
        STATE.grad_enabled = grad_before
    results = result if isinstance(result, tuple) else (result,)
    graph.outputs = [tensor.trace for tensor in results]
    return graph
