"""The backward pass: visits the graph from the outputs, newest node first, and adds up gradients."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from curta.autograd.accumulate import accumulate
from curta.autograd.hooks import after_node, before_node, through
from curta.autograd.node import FREED, Accumulate, Node, edge_of
from curta.autograd.state import RECOMPUTATION, STATE
from curta.errors import AutogradError
from curta.memory.layout import Layout

if TYPE_CHECKING:
    from curta.tensor import Tensor


def run_backward(
    roots: Sequence[Tensor],
    gradients: Sequence[Tensor],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Tensor] | None = None,
    into_grad: bool = True,
) -> list[Tensor | None]:
    """Run backward from `roots`; with `inputs` only towards those, returning their gradients.

    With `into_grad`, gradients are added to leaves' `grad` (and to that of `inputs`, if given).
    """
    run = _Run(retain_graph, create_graph, inputs, into_grad)
    for root, gradient in zip(roots, gradients, strict=True):
        edge: Any = edge_of(root)  # there is one: the caller takes only roots that require grad
        run.starts.append(edge)
        run.send(edge[0], edge[1], gradient if gradient.layout is root.layout else fit(gradient, root.layout, edge[0]))
    del gradients
    before = (STATE.grad_enabled, STATE.phase, STATE.module, STATE.backward)
    STATE.grad_enabled, STATE.backward = create_graph, run
    if STATE.phase != RECOMPUTATION:  # what is done a second time stays that
        STATE.phase = "backward"
    try:
        run.visit_all()
        found = [run.captured.get(key) for key in run.wanted]
        if into_grad:
            for tensor, captured in zip(inputs or (), found, strict=True):
                if captured is not None and tensor.grad_fn is not None:
                    accumulate(tensor, [None, captured], create_graph)
    finally:
        STATE.grad_enabled, STATE.phase, STATE.module, STATE.backward = before
    return found


class _Run:
    """One backward pass: the gradients gathered so far and the nodes still to visit, by their numbers."""

    def __init__(
        self, retain_graph: bool, create_graph: bool, inputs: Sequence[Tensor] | None, into_grad: bool
    ) -> None:
        self.retain_graph = retain_graph
        self.create_graph = create_graph
        self.into_grad = into_grad
        #: number -> [node, gradient of output 0, of output 1, ...]
        self.pending: dict[int, list[Any]] = {}
        self.heap: list[int] = []
        #: (number, output) of the inputs asked for
        self.wanted: list[tuple[int, int]] = []
        self.captured: dict[tuple[int, int], Tensor] = {}
        self.only = inputs is not None
        #: the outputs that it starts from
        self.starts: list[tuple[Any, int]] = []
        self._alive = []  # leaves know their ends only weakly
        for tensor in inputs or ():
            edge = edge_of(tensor)
            if edge is None:
                raise AutogradError("One of the differentiated Tensors does not require grad")
            self._alive.append(edge[0])
            self.wanted.append((edge[0].sequence, edge[1]))
        self.wanted_nodes = {number for number, _ in self.wanted}
        self.useful: dict[int, bool] = {}

    def send(self, node: Any, output: int, gradient: Any) -> None:
        """Add a gradient to what a node's output has received so far."""
        number = node.sequence
        entry = self.pending.get(number)
        if entry is None:
            if self.only and not self._leads_somewhere(node):
                return
            if type(node) is Accumulate or len(node.output_layouts) == 1:
                self.pending[number] = [node, gradient]
            else:
                entry = self.pending[number] = [node, *[None] * len(node.output_layouts)]
                entry[output + 1] = gradient
            heappush(self.heap, -number)
        else:
            held = entry[output + 1]
            entry[output + 1] = gradient if held is None else held + gradient

    def _leads_somewhere(self, start: Any) -> bool:
        """Whether any wanted input lies at or behind a node (without recursion: graphs are deep)."""
        useful = self.useful
        stack = [start]
        while stack:
            node = stack[-1]
            number = node.sequence
            if number in useful:
                stack.pop()
                continue
            below = [edge[0] for edge in node.edges if edge is not None]
            unknown = [one for one in below if one.sequence not in useful]
            if unknown:
                stack += unknown
                continue
            useful[number] = number in self.wanted_nodes or any(useful[one.sequence] for one in below)
            stack.pop()
        return useful[start.sequence]

    def reached(self) -> set[tuple[int, int]]:
        """The outputs of nodes, by the nodes' numbers, whose gradients this pass works out."""
        found: set[tuple[int, int]] = set()
        stack = list(self.starts)
        while stack:
            node, output = stack.pop()
            if (node.sequence, output) in found or (self.only and not self._leads_somewhere(node)):
                continue
            found.add((node.sequence, output))
            stack += [edge for edge in node.edges if edge is not None]
        return found

    def visit_all(self) -> None:
        heap, pending = self.heap, self.pending
        while heap:
            entry = pending.pop(-heappop(heap))
            if type(entry[0]) is Accumulate:
                self._finish_leaf(entry)
            else:
                self._visit(entry)

    def _finish_leaf(self, entry: list[Any]) -> None:
        leaf = entry[0]
        tensor = leaf.tensor
        if tensor.hooks:
            entry[1] = through(tensor.hooks, entry[1])
        if self.only:
            key = (leaf.sequence, 0)
            if key not in self.wanted:
                return
            if not self.into_grad:
                self.captured[key] = entry[1]
        if self.into_grad:
            if STATE.hooked:
                STATE.module = tensor.place
            accumulate(tensor, entry, self.create_graph)
            for hook in tuple((tensor.post_hooks or {}).values()):
                hook(tensor)

    def _visit(self, entry: list[Any]) -> None:
        node = entry[0]
        gradients = entry[1:]
        if node.hooks is not None:
            gradients = before_node(node.hooks, gradients)
        if self.only:
            if node.sequence in self.wanted_nodes:
                self._capture(node, gradients)
            node.only = [edge is not None and self._leads_somewhere(edge[0]) for edge in node.edges]
            if True not in node.only:
                node.only = None
                return
        if node.freed:
            raise AutogradError(FREED)
        if STATE.hooked:
            STATE.module = getattr(node, "module", None)
        try:
            results = node.apply(gradients) if STATE.anomaly is None else STATE.anomaly.applied(node, gradients)
        finally:
            node.only = None
        if node.hooks is not None:
            results = after_node(node.hooks, results, gradients)
        if not self.retain_graph:
            node.free()
        edges, layouts = node.edges, node.input_layouts
        if len(results) != len(edges):
            raise AutogradError(
                f"function {node.name()} returned an incorrect number of gradients "
                f"(expected {len(edges)}, got {len(results)})"
            )
        for place, edge in enumerate(edges):
            if edge is not None:
                gradient = results[place]
                if gradient is not None:
                    if gradient.layout is not layouts[place]:
                        gradient = fit(gradient, layouts[place], node, place)
                    self.send(edge[0], edge[1], gradient)

    def _capture(self, node: Node, gradients: list[Any]) -> None:
        for output, gradient in enumerate(gradients):
            if gradient is not None and (node.sequence, output) in self.wanted:
                self.captured[node.sequence, output] = gradient


def fit(gradient: Any, layout: Layout, node: Any, place: int = 0) -> Any:
    """A gradient summed down to the shape of the input it is for, in the input's format."""
    if gradient.layout.shape != layout.shape:
        if not _expands_to(layout.shape, gradient.layout.shape):
            raise AutogradError(
                f"Function {node.name()} returned an invalid gradient at index {place} - got "
                f"{list(gradient.layout.shape)} but expected shape compatible with {list(layout.shape)}"
            )
        gradient = gradient.sum_to_size(layout.shape)
    if gradient.layout.dtype is not layout.dtype:
        gradient = gradient.to(layout.dtype)
    return gradient


def _expands_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether `shape` broadcasts to `target`.

    >>> _expands_to((3, 1), (2, 3, 4)), _expands_to((2,), (3,))
    (True, False)
    """
    if len(shape) > len(target):
        return False
    return all(size in (1, other) for size, other in zip(reversed(shape), reversed(target), strict=False))
