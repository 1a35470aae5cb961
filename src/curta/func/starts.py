"""Where a transform's gradients start and end, so that transforms inside of one another do not mix up.

A transform gives its function copies of the inputs that lie on the graph of nobody else (but lead on to the inputs
they are copies of, if an outer transform differentiates those), and goes back as far as these copies only. Whether
anybody outside needs the graph is found from where it leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta.autograd.engine import run_backward
from curta.autograd.node import Accumulate
from curta.autograd.state import STATE
from curta.batching.values import innermost, wanted_outside
from curta.errors import ArgumentError, AutogradError
from curta.memory.living import LEAVES
from curta.ops.creation import zeros_of
from curta.ops.dispatch import bind
from curta.ops.movement import VIEW
from curta.tensor import Tensor


def start(name: str, value: Any) -> Tensor:
    """A tensor of the same memory from which gradients are found; AutogradError for a format that has none."""
    if not isinstance(value, Tensor):
        raise ArgumentError(f"{name}: Thing passed to transform API must be Tensor, got {type(value)}")
    if not value.layout.dtype.is_floating_point:
        raise AutogradError(
            f"{name}: only Tensors of floating point dtype can require gradients, got {value.layout.dtype.name}"
        )
    here = innermost(value)
    if here.requires_grad and STATE.grad_enabled:
        connected: Tensor = bind(VIEW, (here,), size=here.layout.shape)
        return connected
    made = here.same()
    made._requires_grad = True
    LEAVES.add(made)
    made.differentiated = True
    return made


def finish(starts: Sequence[Tensor]) -> None:
    """The function that got these has ended: nobody else will differentiate by them."""
    for one in starts:
        if one.differentiated:
            one.differentiated = False


class Graph:
    """What a function remembered between its `inputs` (each from `start`) and `outputs`, and who else needs it."""

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], enabled: bool) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        #: whether gradients were remembered where the transform was called
        self.enabled = enabled
        #: whether the results lead to tensors outside that want a gradient: on this graph, and on those of outer levels
        self.linked = enabled and _leads_outside(self.outputs, self.inputs)
        self.outer = enabled and any(wanted_outside(one) for one in self.outputs)

    def back(self, gradients: Sequence[Tensor], *, keep: bool, remember: bool | None = None) -> list[Tensor | None]:
        """The gradients of the inputs; `keep` the graph for another time."""
        if remember is None:
            remember = self.remembers(gradients)
        pairs = [(out, g) for out, g in zip(self.outputs, gradients, strict=True) if out.requires_grad]
        if not pairs:
            return [None] * len(self.inputs)
        return run_backward(
            [out for out, _ in pairs], [g for _, g in pairs], retain_graph=keep or remember or self.linked,
            create_graph=remember, inputs=self.inputs, into_grad=False,
        )  # fmt: skip

    def only(self, place: int) -> Graph:
        """The same graph, with one of the outputs."""
        return Graph(self.inputs, [self.outputs[place]], self.enabled)

    def remembers(self, gradients: Sequence[Tensor]) -> bool:
        """Whether the way back itself has to be remembered, for whoever differentiates it."""
        asked = STATE.grad_enabled and any(one.requires_grad or wanted_outside(one) for one in gradients)
        return asked or self.linked or self.outer

    def inward(self, gradients: Sequence[Tensor | None]) -> list[Tensor]:
        """Gradients as the caller gets them: zeros where nothing depends on an input."""
        return [
            zeros_of(like.layout) if one is None else self.released(one)
            for one, like in zip(gradients, self.inputs, strict=True)
        ]

    def released(self, value: Any) -> Any:
        """A result without the history that only this transform needed."""
        if not isinstance(value, Tensor) or not (value.requires_grad or wanted_outside(value)):
            return value
        if not self.enabled:
            return value.detach()
        return value if _leads_outside([value], self.inputs) else value.same()


def _leads_outside(outputs: Sequence[Tensor], own: Sequence[Tensor]) -> bool:
    """Whether the graph behind the outputs ends at a tensor that is none of `own`, nor of a transform that ended."""
    mine = {id(one) for one in own}
    waiting: list[Any] = []
    for out in outputs:
        if out.requires_grad:
            if out.grad_fn is None:
                if id(out) not in mine and out.differentiated is not False:
                    return True
            else:
                waiting.append(out.grad_fn)
    seen = set(map(id, waiting))
    while waiting:
        node = waiting.pop()
        if type(node) is Accumulate:
            if id(node.tensor) not in mine and node.tensor.differentiated is not False:
                return True
            continue
        for edge in node.edges:
            if edge is not None and id(edge[0]) not in seen:
                seen.add(id(edge[0]))
                waiting.append(edge[0])
    return False
