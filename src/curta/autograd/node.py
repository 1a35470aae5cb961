"""One step of the dynamic graph: which operator ran, what it saved, and where its gradients go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.errors import AutogradError
from curta.memory.layout import Layout
from curta.ops.record import Op

if TYPE_CHECKING:
    from curta.tensor import Tensor

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)


class Accumulate:
    """The end of the line at a leaf: adds the gradient to the tensor's `grad`."""

    __slots__ = ("sequence", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        # older than every node that reads the leaf: its turn comes once, when all of its gradient is there
        self.sequence = next_sequence()

    def name(self) -> str:
        return "AccumulateGrad"


Edge = tuple[Any, int]  # (Node or Accumulate, which of its outputs)
_counter = 0


def next_sequence() -> int:
    """Nodes are numbered as they are made: a later one never feeds an earlier one."""
    global _counter
    _counter += 1
    return _counter


class Node:
    """An operator that ran, as backward needs it.

    Rules read `input(i)` and `output(i)` (only what the operator's record says is saved), `input_layouts`, `params`,
    and `needs` (which inputs want a gradient).
    """

    __slots__ = (
        "_inputs", "_outputs", "edges", "freed", "hooks", "input_layouts", "needs", "op", "output_layouts",
        "params", "sequence",
    )  # fmt: skip

    def __init__(
        self, op: Op, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any], rule: Any
    ) -> None:
        self.op = op
        self.params = params
        self.freed = False
        self.hooks: dict[int, list[Any]] | None = None
        edges: list[Edge | None] = []
        layouts: list[Any] = []
        for value in inputs:
            layout = getattr(value, "layout", None)
            layouts.append(type(value) if layout is None else layout)
            edges.append(None if layout is None else edge_of(value))
        self.sequence = next_sequence()  # after the inputs' own: see Accumulate
        self.edges = edges
        self.input_layouts = layouts
        self.needs = [edge is not None for edge in edges]
        self.output_layouts: list[Layout] = [out.layout for out in outputs]
        self._inputs = {i: (inputs[i], _version(inputs[i])) for i in rule.inputs}
        self._outputs = {i: (outputs[i].detach(), _version(outputs[i])) for i in rule.outputs}

    def name(self) -> str:
        """As PyTorch prints it: `MulBackward0`."""
        return "".join(part.capitalize() for part in self.op.name.split("_")) + "Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()} object>"

    def input(self, position: int) -> Any:
        """Input `position` as it was in the forward pass; AutogradError if it was changed or freed since."""
        value, version = self._saved(self._inputs, position)
        self._check(value, version, position, "input")
        return value

    def output(self, position: int) -> Tensor:
        """Output `position`, connected to this node so that it can be differentiated again."""
        value, version = self._saved(self._outputs, position)
        self._check(value, version, position, "output")
        again: Tensor = value.detach()
        again.grad_fn = self
        again.output_index = position
        again._requires_grad = True
        return again

    def _saved(self, saved: dict[int, Any], position: int) -> Any:
        if self.freed:
            raise AutogradError(FREED)
        return saved[position]

    def _check(self, value: Any, version: int, position: int, role: str) -> None:
        now = _version(value)
        if now != version:
            made_by = f", which is output 0 of {value.grad_fn.name()}," if getattr(value, "grad_fn", None) else ""
            raise AutogradError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{role} {position} of {self.op.name} {value.layout}{made_by} is at version {now}; "
                f"expected version {version} instead."
            )

    def free(self) -> None:
        """Let go of what was saved."""
        if self._inputs or self._outputs:
            self.freed = True
        self._inputs = {}
        self._outputs = {}

    def hooks_of(self, output: int) -> list[Any]:
        """The hooks on one output, in the order they were added."""
        if self.hooks is None:
            self.hooks = {}
        return self.hooks.setdefault(output, [])

    def saved_bytes(self) -> int:
        """Bytes of the tensors that are kept for the backward pass."""
        kept = [*self._inputs.values(), *self._outputs.values()]
        return sum(value.layout.nbytes for value, _ in kept if hasattr(value, "layout"))

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """As PyTorch: the nodes that the gradients go to."""
        return tuple((None, 0) if edge is None else edge for edge in self.edges)


def _version(value: Any) -> int:
    storage = getattr(value, "storage", None)
    return 0 if storage is None else storage.version


def edge_of(tensor: Tensor) -> Edge | None:
    """Where a gradient for `tensor` goes: the node that made it, its own `grad`, or nowhere."""
    if tensor.grad_fn is not None:
        return (tensor.grad_fn, tensor.output_index)
    if not tensor._requires_grad:
        return None
    if tensor.accumulator is None:
        tensor.accumulator = Accumulate(tensor)
    return (tensor.accumulator, 0)
