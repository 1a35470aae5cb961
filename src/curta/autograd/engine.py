"""The backward pass: visits the graph from the outputs, newest node first, and adds up gradients."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from curta.autograd.node import FREED, Accumulate, Edge, Node, edge_of
from curta.autograd.state import STATE
from curta.errors import AutogradError

if TYPE_CHECKING:
    from curta.tensor import Tensor


def run_backward(
    roots: Sequence[Tensor],
    gradients: Sequence[Tensor],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Tensor] | None = None,
    accumulate: bool = True,
) -> list[Tensor | None]:
    """Run backward from `roots`; with `inputs` only towards those, returning their gradients.

    With `accumulate`, gradients are added to leaves' `grad`.
    """
    run = _Run(retain_graph, create_graph, inputs, accumulate)
    for root, gradient in zip(roots, gradients, strict=True):
        edge = edge_of(root)
        if edge is None:
            raise AutogradError("element 0 of tensors does not require grad and does not have a grad_fn")
        run.send(edge, gradient)
    was = STATE.grad_enabled
    STATE.grad_enabled = create_graph
    try:
        run.visit_all()
    finally:
        STATE.grad_enabled = was
    return [run.captured.get(key) for key in run.wanted]


class _Run:
    """One backward pass: the gradients gathered so far and the nodes still to visit."""

    def __init__(
        self, retain_graph: bool, create_graph: bool, inputs: Sequence[Tensor] | None, accumulate: bool
    ) -> None:
        self.retain_graph = retain_graph
        self.create_graph = create_graph
        self.accumulate = accumulate
        self.pending: dict[int, list[Any]] = {}
        self.heap: list[tuple[int, int]] = []
        self.nodes: dict[int, Any] = {}
        self.wanted: list[tuple[int, int]] = []
        self.captured: dict[tuple[int, int], Tensor] = {}
        self.only = inputs is not None
        for tensor in inputs or ():
            edge = edge_of(tensor)
            if edge is None:
                raise AutogradError("One of the differentiated Tensors does not require grad")
            self.wanted.append((id(edge[0]), edge[1]))
        self.wanted_nodes = {key[0] for key in self.wanted}
        self.useful: dict[int, bool] = {}

    def send(self, edge: Edge, gradient: Tensor) -> None:
        """Add a gradient to what a node's output has received so far."""
        node, output = edge
        slots = self.pending.get(id(node))
        if slots is None:
            if self.only and not self._leads_somewhere(node):
                return
            slots = self.pending[id(node)] = [None] * (len(node.output_layouts) if isinstance(node, Node) else 1)
            self.nodes[id(node)] = node
            heapq.heappush(self.heap, (-node.sequence, id(node)))
        held = slots[output]
        slots[output] = gradient if held is None else held + gradient

    def _leads_somewhere(self, start: Any) -> bool:
        """Whether any wanted input lies at or behind a node (without recursion: graphs are deep)."""
        stack = [start]
        while stack:
            node = stack[-1]
            if id(node) in self.useful:
                stack.pop()
                continue
            below = [edge[0] for edge in getattr(node, "edges", ()) if edge is not None]
            unknown = [n for n in below if id(n) not in self.useful]
            if id(node) in self.wanted_nodes:
                self.useful[id(node)] = True
            elif unknown:
                stack += unknown
                continue
            else:
                self.useful[id(node)] = any(self.useful[id(n)] for n in below)
            stack.pop()
        return self.useful[id(start)]

    def visit_all(self) -> None:
        while self.heap:
            _, key = heapq.heappop(self.heap)
            node = self.nodes.pop(key)
            gradients = self.pending.pop(key)
            if isinstance(node, Accumulate):
                self._finish_leaf(node, gradients[0])
            else:
                self._visit(node, gradients)

    def _finish_leaf(self, leaf: Accumulate, gradient: Tensor) -> None:
        for hook in leaf.tensor.hooks or ():
            changed = hook(gradient)
            gradient = gradient if changed is None else changed
        key = (id(leaf), 0)
        if key in self.wanted:
            self.captured[key] = gradient
        if self.accumulate and (not self.only or key in self.wanted):
            leaf.tensor.accumulate_grad(gradient, self.create_graph)

    def _visit(self, node: Node, gradients: list[Any]) -> None:
        for output, hooks in (node.hooks or {}).items():
            for hook in hooks:
                if gradients[output] is not None:
                    changed = hook(gradients[output])
                    gradients[output] = gradients[output] if changed is None else changed
        for output, gradient in enumerate(gradients):
            if gradient is not None and (id(node), output) in self.wanted:
                self.captured[id(node), output] = gradient
        if self.only and not self._continues(node):
            return
        if node.freed:
            raise AutogradError(FREED)
        results = self._apply(node, gradients)
        if not self.retain_graph:
            node.free()
        for edge, layout, gradient in zip(node.edges, node.input_layouts, results, strict=True):
            if edge is not None and gradient is not None:
                self.send(edge, fit(gradient, layout))

    def _continues(self, node: Node) -> bool:
        return any(edge is not None and self._leads_somewhere(edge[0]) for edge in node.edges)

    def _apply(self, node: Node, gradients: list[Any]) -> Sequence[Any]:
        rule = node.op.vjp
        if rule is None:
            raise AutogradError(f"derivative for {node.op.name} is not implemented")
        for place, layout in enumerate(node.output_layouts):
            if gradients[place] is None and place not in rule.constant_outputs and len(gradients) > 1:
                gradients[place] = _zeros(layout)
        results = rule.rule(node, *gradients)
        return results if isinstance(results, tuple) else (results,)


def _zeros(layout: Any) -> Tensor:
    from curta.ops.creation import zeros_of

    return zeros_of(layout)


def fit(gradient: Tensor, layout: Any) -> Tensor:
    """A gradient summed down to the shape of the input it is for, in the input's format."""
    if gradient.layout.shape != layout.shape:
        gradient = gradient.sum_to_size(layout.shape)
    if gradient.layout.dtype is not layout.dtype:
        gradient = gradient.to(layout.dtype)
    return gradient
