"""Compositions over all slices: the composition's own Python, traced with mapped tensors, is a composition again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from curta.batching.calls import Call
from curta.batching.values import Level, entered, unwrapped
from curta.errors import MappingError
from curta.memory.layout import Layout, strided
from curta.ops.composition import composition
from curta.ops.dispatch import bind
from curta.ops.movement import EMBED
from curta.ops.record import Composition, Gradient, Op
from curta.ops.rows import SPREAD
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.autograd.node import Node

_CACHE_SIZE = 4096


def run_composition(call: Call) -> Any:
    """One fused form for all slices; its gradient is the composition's own rule, over all slices too."""
    return bind(mapped_composition(call.op, call.mapped), call.values, **call.params)


@lru_cache(maxsize=_CACHE_SIZE)
def mapped_composition(op: Op, mapped: tuple[bool, ...]) -> Op:
    """The record of a composition over all slices of those inputs that are `mapped`."""
    lower = op.lower
    if not isinstance(lower, Composition):
        raise MappingError(f"vmap: {op.name} is no composition")
    body: Callable[..., Any] = lower.body

    def over_all(*operands: Any, **params: Any) -> Any:
        size = next(one for one, is_mapped in zip(operands, mapped, strict=True) if is_mapped).layout.shape[0]
        with entered(size) as level:
            made = body(*_wrapped(level, operands, mapped), **params)
            results = made if isinstance(made, tuple) else (made,)
            found = tuple(_all_slices(one, size) for one in results)
        return found if isinstance(made, tuple) else found[0]

    return composition(f"{op.name}_of_slices", over_all, _mapped_rule(op, mapped))


def _wrapped(level: Level, operands: tuple[Any, ...], mapped: tuple[bool, ...]) -> tuple[Any, ...]:
    return tuple(
        level.wrap(one, is_mapped) if isinstance(one, Tensor) else one
        for one, is_mapped in zip(operands, mapped, strict=True)
    )


def _all_slices(result: Any, size: int) -> Tensor:
    """All slices of a result; one that is the same for each is repeated, without a view: this is a composition."""
    batch = result.batch
    found: Tensor = batch.tensor
    if not batch.mapped:
        shape = found.layout.shape
        found = bind(EMBED, (found,), shape=(1, *shape), region=(0,))
        found = bind(SPREAD, (found,), shape=(size, *shape))
    return found


def _mapped_rule(op: Op, mapped: tuple[bool, ...]) -> Gradient | None:
    own = op.vjp
    if own is None:
        return None
    rule = own.rule

    def over_all(node: Node, *gradients: Any) -> tuple[Any, ...]:
        size = next(layout.shape[0] for layout, is_mapped in zip(node.input_layouts, mapped, strict=True) if is_mapped)
        with entered(size) as level:
            made = rule(_SliceNode(node, level, mapped), *(one if one is None else level.wrap(one, True)
                                                           for one in gradients))  # fmt: skip
            results = made if isinstance(made, tuple) else (made,)
            return tuple(
                None if one is None else unwrapped(level, one) if is_mapped else _summed(level, one, layout)
                for one, is_mapped, layout in zip(results, mapped, node.input_layouts, strict=True)
            )

    return Gradient(over_all, own.inputs, own.outputs, own.constant_outputs)


def _summed(level: Level, gradient: Tensor, layout: Layout) -> Tensor:
    """The gradient of what every slice used."""
    found: Tensor = unwrapped(level, gradient.sum_to_size(layout.shape)).sum(0)
    return found


class _SliceNode:
    """A node of the graph over all slices, as the rule for one slice sees it."""

    def __init__(self, node: Any, level: Level, mapped: tuple[bool, ...]) -> None:
        self._node = node
        self._level = level
        self._mapped = mapped
        self.params = node.params
        self.needs = node.needs
        self.input_layouts = [
            _of_one(layout) if is_mapped else layout
            for layout, is_mapped in zip(node.input_layouts, mapped, strict=True)
        ]
        self.output_layouts = [_of_one(layout) for layout in node.output_layouts]

    def input(self, place: int) -> Any:
        """One input."""
        value = self._node.input(place)
        return self._level.wrap(value, self._mapped[place]) if isinstance(value, Tensor) else value

    def output(self, place: int) -> Any:
        """One result."""
        return self._level.wrap(self._node.output(place), True)


def _of_one(layout: Any) -> Any:
    return strided(layout.shape[1:], layout.strides[1:], layout.dtype, layout.device)
