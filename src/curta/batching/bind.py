"""`bind` where any input is mapped: the operator runs once over all slices, by the rule of its family."""

from __future__ import annotations

from typing import Any

from curta.autograd.state import STATE
from curta.batching.calls import Call
from curta.batching.rules import run
from curta.batching.values import active, kept_before, lifted
from curta.errors import MappingError
from curta.ops.dispatch import bind, remember
from curta.ops.record import Op, View
from curta.tensor import Tensor


def bind_mapped(number: int, op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """What `bind` gives, for inputs of which the innermost are of level `number`.

    The operators that run on all slices are remembered by the graphs outside of `vmap`, the operator on one slice by
    the graph inside: each graph leads to tensors of its own level.
    """
    level = active(number)
    own = tuple(lifted(level, value) if isinstance(value, Tensor) else value for value in inputs)
    call = Call(op, own, params, level.size)
    made = run(call) if any(call.mapped) else bind(op, call.values, **params)
    several = isinstance(made, tuple)
    outputs = tuple(level.wrap(one, any(call.mapped)) for one in (made if several else (made,)))
    if isinstance(op.lower, View):
        _note_base(own[0], outputs[0])
    if STATE.grad_enabled and op.vjp is not None and any(getattr(value, "_requires_grad", False) for value in own):
        remember(op, own, outputs, params)
    return outputs if several else outputs[0]


def _note_base(source: Tensor, view: Tensor) -> None:
    view.base = base = source if source.base is None else source.base
    view.generation = base.generation


def bind_mapped_into(
    number: int, op: Op, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], params: dict[str, Any]
) -> None:
    """What `bind_into` does: the results of all slices are written over all slices of tensors that exist."""
    from curta.ops.elementwise import CAST, COPY

    level = active(number)
    if op in (COPY, CAST):
        made = inputs[0]
    else:
        written = {id(out.storage) for out in outputs}
        made = bind(op, tuple(kept_before(one) if _lies_in(one, written) else one for one in inputs), **params)
    for out, result in zip(outputs, made if isinstance(made, tuple) else (made,), strict=True):
        held, found = lifted(level, out).batch, lifted(level, result).batch
        if found.mapped and not held.mapped:
            raise MappingError(
                f"vmap: {op.name} in place is not possible: the tensor that is written to is the same for every slice, "
                "and what is written is not; map over it too, or use the form that gives a new tensor"
            )
        target, value = held.tensor, found.tensor
        if held.mapped and not found.mapped:
            value = value.expand((level.size, *out.layout.shape)) if value.layout.rank == out.layout.rank else value
        target.copy_(value)


def _lies_in(value: Any, storages: set[int]) -> bool:
    return isinstance(value, Tensor) and id(value.storage) in storages
