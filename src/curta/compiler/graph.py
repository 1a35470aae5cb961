"""What a traced function did: a list of operators and the values between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from curta.memory.layout import Layout
from curta.ops.record import Op


@dataclass(slots=True, eq=False)
class GraphValue:
    """One tensor of a graph: what made it, and how it is laid out. An input of the graph has no node."""

    layout: Layout
    node: GraphNode | None = None
    output: int = 0
    #: an input's position; for numbers given at run time too
    position: int = -1


@dataclass(slots=True, eq=False)
class GraphNumber:
    """A Python number that the graph takes at run time, by position; `type` is int, float or bool."""

    type: type
    position: int


@dataclass(slots=True, eq=False)
class LiveNumber:
    """A number that a recorded program is given anew at every run: a learning rate, a random stream's place."""

    type: type
    #: what it is at the first run
    value: bool | int | float


@dataclass(slots=True, eq=False)
class GraphNode:
    """One operator applied: `operands` are values, run-time numbers, or plain numbers."""

    op: Op
    operands: tuple[Any, ...]
    params: dict[str, Any]
    outputs: list[GraphValue] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Graph:
    """Inputs (values and run-time numbers, by position), nodes in order, and the values that are the result."""

    inputs: list[GraphValue | GraphNumber] = field(default_factory=list)
    nodes: list[GraphNode] = field(default_factory=list)
    outputs: list[GraphValue] = field(default_factory=list)

    def apply(self, op: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> GraphNode:
        """Append one operator; the layouts of its results come from its `infer`."""
        described = [
            operand.layout if isinstance(operand, GraphValue) else operand.type
            if isinstance(operand, GraphNumber) else type(operand)
            for operand in operands
        ]  # fmt: skip
        inferred = op.infer(*described, **params)
        layouts = inferred if isinstance(inferred, tuple) else (inferred,)
        node = GraphNode(op, operands, params)
        node.outputs = [GraphValue(layout, node, number) for number, layout in enumerate(layouts)]
        self.nodes.append(node)
        return node
