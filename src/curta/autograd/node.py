"""One step of the dynamic graph: which operator ran, what it saved, and where its gradients go."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from curta.autograd.hooks import Handle, Hooks
from curta.autograd.saving import TOKEN
from curta.autograd.state import STATE
from curta.errors import AutogradError
from curta.memory.layout import Layout
from curta.memory.ledger import PARAMETERS
from curta.ops.record import Op

if TYPE_CHECKING:
    from curta.tensor import Tensor

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)
INFERENCE = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
    "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in "
    "autograd, or use `curta.no_grad()` instead of `curta.inference_mode()`."
)

#: nodes are numbered as they are made: a later one never feeds an earlier one, so backward goes by falling number.
#: `count` is atomic: with an ordinary counter two threads could number a node below one that feeds it.
next_sequence = itertools.count(1).__next__

#: where a node keeps what an account wants to know the end of
MARK = -1

Edge = tuple[Any, int]  # (Node or Accumulate, which of its outputs)


class Later:
    """Stands in a node for a tensor that is made again when the node needs it; see autograd/recompute.py."""

    __slots__ = ("number", "region")

    def __init__(self, region: Any, number: int) -> None:
        self.region = region
        self.number = number

    def made(self) -> tuple[Any, int]:
        """The tensor and its version."""
        found: tuple[Any, int] = self.region.take(self.number)
        return found


class Accumulate:
    """The end of the line at a leaf: adds the gradient to the tensor's `grad`.

    It takes its number just before its first consumer does, so that backward comes to it when all its consumers are
    done and no later. The tensor knows it weakly, the graph keeps it: no cycle, and a fresh number for each graph.
    """

    __slots__ = ("__weakref__", "sequence", "tensor")

    edges: tuple[Edge, ...] = ()
    next_functions: tuple[Edge, ...] = ()

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.sequence = next_sequence()

    @property
    def variable(self) -> Tensor:
        """The leaf, under PyTorch's name."""
        return self.tensor

    def name(self) -> str:
        """As PyTorch prints it."""
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return "<AccumulateGrad object>"


class Node:
    """An operator that ran, as backward needs it.

    Rules read `input(i)` and `output(i)` (only what the operator's record says is saved), `input_layouts`, `params`,
    and `needs` (which inputs want a gradient).
    """

    __slots__ = (
        "_inputs", "_outputs", "edges", "freed", "hooks", "input_layouts", "module", "only", "op", "origin",
        "output_layouts", "params", "saving", "sequence",
    )  # fmt: skip

    def __init__(
        self, op: Op, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any], rule: Any
    ) -> None:
        self.op = op
        self.params = params
        self.freed = False
        self.hooks: Hooks | None = None
        #: while backward runs towards chosen inputs only: which of this node's inputs lead there
        self.only: list[bool] | None = None
        self.edges, self.input_layouts = edges_of(inputs)
        self.sequence = next_sequence()  # after the edges: a leaf's number comes before its consumer's
        self.output_layouts: list[Layout] = (
            [outputs[0].layout] if len(outputs) == 1 else [out.layout for out in outputs]
        )
        self._inputs: dict[int, Any] | None = None
        self._outputs: dict[int, Any] | None = None
        self.saving: Any = None
        if rule.inputs or rule.outputs:
            self._save(inputs, outputs, rule)

    def _save(self, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], rule: Any) -> None:
        keep = saved_now if STATE.saver is None else save
        self.saving = TOKEN[0]
        if rule.inputs:
            self._inputs = kept = {}
            for place in rule.inputs:
                kept[place] = keep(inputs[place])
        if rule.outputs:
            self._outputs = kept = {}
            for place in rule.outputs:
                kept[place] = keep(outputs[place].same())

    def name(self) -> str:
        """As PyTorch prints it: `MulBackward0`."""
        return "".join(part.capitalize() for part in self.op.name.split("_")) + "Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()} object>"

    @property
    def needs(self) -> list[bool]:
        """For each input, whether its gradient is wanted."""
        return [edge is not None for edge in self.edges] if self.only is None else self.only

    def input(self, position: int) -> Any:
        """Input `position` as it was in the forward pass; AutogradError if it was changed or freed since."""
        if self._inputs is None:
            raise AutogradError(FREED)
        value, version = self._inputs[position]
        if type(value) is Later:
            value, version = self._inputs[position] = value.made()
        storage = getattr(value, "storage", None)
        if storage is not None and storage.version != version:
            raise changed(self.op.name, "input", position, value, value.grad_fn, version)
        return value

    def replace_input(self, value: Any, make: Callable[[], Any]) -> None:
        """Save what `make()` gives wherever the input `value` itself is saved: it is about to be written to."""
        for position, (saved, _) in (self._inputs or {}).items():
            if saved is value and self._inputs is not None:
                self._inputs[position] = save(make())

    def output(self, position: int) -> Tensor:
        """Output `position`, connected to this node so that it can be differentiated again."""
        if self._outputs is None:
            raise AutogradError(FREED)
        value, version = self._outputs[position]
        if type(value) is Later:
            value, version = self._outputs[position] = value.made()
        if value.storage is not None and value.storage.version != version:
            raise changed(self.op.name, "output", position, value, self, version)
        return connected(value, self, position) if STATE.grad_enabled else value

    def apply(self, gradients: list[Any]) -> tuple[Any, ...]:
        """The gradients of the inputs, by the operator's rule; outputs that nobody used count as zeros."""
        rule: Any = self.op.vjp  # there is one: only operators with a rule are remembered
        if len(gradients) > 1:
            fill_zeros(gradients, self.output_layouts, rule.constant_outputs)
        results = rule.rule(self, *gradients)
        return results if type(results) is tuple else (results,)

    def free(self) -> None:
        """Let go of what was saved."""
        if self._inputs is not None or self._outputs is not None:
            self.freed = True
            self._inputs = self._outputs = None
        self.saving = None

    def keep(self, mark: Any) -> None:
        """Hold `mark` for as long as what is saved."""
        saved = self._inputs if self._inputs is not None else self._outputs
        if saved is not None:
            saved[MARK] = (mark, 0)

    def _hooks(self) -> Hooks:
        if self.hooks is None:
            self.hooks = Hooks()
        return self.hooks

    def hooks_of(self, output: int) -> dict[int, Any]:
        """The hooks on one output's gradient, in the order they were added."""
        return self._hooks().tensor.setdefault(output, {})

    def retain(self, output: int, tensor: Tensor) -> None:
        """Keep the gradient of one output in `tensor.grad` too."""
        self._hooks().retained[output] = weakref.ref(tensor)

    def register_hook(self, hook: Any) -> Handle:
        """Call `hook(grad_inputs, grad_outputs)` after this node; what it returns takes `grad_inputs`' place."""
        return Handle(self._hooks().after, hook)

    def register_prehook(self, hook: Any) -> Handle:
        """Call `hook(grad_outputs)` before this node; what it returns takes `grad_outputs`' place."""
        return Handle(self._hooks().before, hook)

    def saved_tensors_of_forward(self) -> list[Any]:
        """The tensors that are kept for the backward pass."""
        found = []
        for kept in (self._inputs, self._outputs):
            if kept:
                found += [value for value, _ in kept.values() if hasattr(value, "layout")]
        return found

    def saved_bytes(self) -> int:
        """Bytes of the tensors that are kept for the backward pass."""
        return sum(value.layout.nbytes for value in self.saved_tensors_of_forward())

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """As PyTorch: the nodes that the gradients go to."""
        return tuple((None, 0) if edge is None else edge for edge in self.edges)


def note_node(node: Any) -> None:
    """Tell the accounts what a node of the dynamic graph keeps; it remembers the module that runs, and where it is."""
    node.module = STATE.module
    if STATE.anomaly is not None and STATE.graph is None:
        node.origin = STATE.anomaly.origin()
    for book in STATE.books:
        book.keep(node)


def loaded(saved: tuple[Any, int], operator: str, position: int) -> Any:
    """What `save` gave, as it was then."""
    value, version = saved[0].made() if type(saved[0]) is Later else saved
    storage = getattr(value, "storage", None)
    if storage is not None and storage.version != version:
        raise changed(operator, "input", position, value, value.grad_fn, version)
    return value


def edges_of(inputs: tuple[Any, ...]) -> tuple[list[Edge | None], list[Any]]:
    """For each input where its gradient goes, and its layout (a number's type)."""
    edges: list[Edge | None] = []
    layouts: list[Any] = []
    for value in inputs:
        layout = getattr(value, "layout", None)
        if layout is None:
            layouts.append(type(value))
            edges.append(None)
            continue
        layouts.append(layout)
        base = value.base
        if base is not None and base.generation != value.generation:
            edges.append(edge_of(value))  # the base was written to since
        elif value.grad_fn is not None:
            edges.append((value.grad_fn, value.output_index))
        else:
            edges.append((leaf_of(value), 0) if value._requires_grad else None)
    return edges, layouts


def leaf_of(tensor: Tensor) -> Accumulate:
    """The end of the line for a leaf; made when no live graph has one."""
    known = tensor.accumulator
    if known is not None:
        found: Accumulate | None = known()
        if found is not None:
            return found
    made = Accumulate(tensor)
    for book in STATE.books:
        book.assign(tensor.storage, PARAMETERS)
    tensor.accumulator = weakref.ref(made)
    return made


def edge_of(tensor: Tensor) -> Edge | None:
    """Where a gradient for `tensor` goes: the node that made it, its own `grad`, or nowhere."""
    base = tensor.base
    if base is not None and base.generation != tensor.generation and base._requires_grad:
        # the base was written to since: what this view shows has another history now
        from curta.functions.inplace import refresh

        refresh(tensor)
    if tensor.grad_fn is not None:
        return (tensor.grad_fn, tensor.output_index)
    return (leaf_of(tensor), 0) if tensor._requires_grad else None


def save(value: Any) -> tuple[Any, int]:
    """A value to keep for backward, and the version it has now; or what gives it later."""
    saver = STATE.saver
    if saver is not None and getattr(value, "storage", None) is not None:
        found: tuple[Any, int] = saver.save(value)
        return found
    return saved_now(value)


def saved_now(value: Any) -> tuple[Any, int]:
    """A value to keep for backward, and the version it has now."""
    storage = getattr(value, "storage", None)
    if storage is None:
        return (value, 0)
    if storage.version < 0:
        raise AutogradError(INFERENCE)
    return (value, storage.version)


def connected(value: Tensor, node: Any, output: int) -> Tensor:
    """`value` as the output of `node` that it is: saved without its history, because that would be a cycle."""
    again: Tensor = value.same()
    again.grad_fn = node
    again.output_index = output
    again._requires_grad = True
    return again


def changed(operator: str, role: str, position: int, value: Any, made_by: Any, version: int) -> AutogradError:
    """The error for a saved tensor that was written to."""
    origin = f", which is output 0 of {made_by.name()}," if made_by is not None else ""
    return AutogradError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"{value.layout}{origin} saved as {role} {position} of {operator}, is at version {value.storage.version}; "
        f"expected version {version} instead."
    )


def fill_zeros(gradients: list[Any], layouts: list[Layout], constant: tuple[int, ...] = ()) -> None:
    """Put zeros where an output got no gradient."""
    for place, gradient in enumerate(gradients):
        if gradient is None and place not in constant:
            from curta.ops.creation import zeros_of

            gradients[place] = zeros_of(layouts[place])
