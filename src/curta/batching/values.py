"""A mapped tensor: it has the layout of one slice, and keeps all of them, one behind the other, in another tensor."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from curta.autograd.state import STATE
from curta.device import META
from curta.errors import MappingError
from curta.memory.layout import Layout, strided
from curta.methods import late
from curta.shapes import storage_extent
from curta.tensor import Tensor

_next_number = itertools.count(1).__next__


class Batch(NamedTuple):
    """What a mapped tensor stands for: `tensor` has all slices along its first dimension, or is the same for each."""

    level: int
    tensor: Tensor
    mapped: bool


class Level:
    """One `vmap` that runs: inner ones have larger numbers."""

    def __init__(self, size: int, randomness: str) -> None:
        self.number = _next_number()
        self.size = size
        self.randomness = randomness
        self._made: list[weakref.ref[Tensor]] = []

    def wrap(self, tensor: Tensor, mapped: bool) -> Tensor:
        """A tensor as the mapped function sees it: without its first dimension, if it is `mapped`."""
        out = wrapped(self.number, tensor, mapped)
        self._made.append(weakref.ref(out))
        return out

    def close(self) -> None:
        """Tensors that outlive the function show no slice: from here on they are of the meta device."""
        for known in self._made:
            tensor = known()
            if tensor is not None:
                layout = tensor.layout
                tensor.layout = strided(layout.shape, layout.strides, layout.dtype, META)


def wrapped(level: int, tensor: Tensor, mapped: bool) -> Tensor:
    """A tensor of a level; `Level.wrap` for those that a function gets to see."""
    layout = tensor.layout
    if mapped:
        layout = strided(layout.shape[1:], layout.strides[1:], layout.dtype, layout.device)
    out = Tensor._make(tensor.storage, layout, tensor.offset)
    out.batch = Batch(level, tensor, mapped)
    return out


@contextmanager
def entered(size: int, randomness: str = "same") -> Iterator[Level]:
    """Inside, operators look for mapped tensors."""
    level = Level(size, randomness)
    before = STATE.levels
    STATE.watch(levels=(*before, level))
    try:
        yield level
    finally:
        STATE.watch(levels=before)
        level.close()


def level_of(inputs: tuple[Any, ...]) -> int:
    """The innermost level that any of the inputs is mapped at; 0 for none."""
    found = 0
    for value in inputs:
        batch = getattr(value, "batch", None)
        if batch is not None and batch.level > found:
            found = batch.level
    return found


def active(number: int) -> Level:
    """The level of this number; MappingError if its `vmap` is over."""
    for level in STATE.levels:
        if level.number == number:
            return level
    raise MappingError("vmap: a tensor of a mapped function is used after vmap has ended; return it from the function")


def lifted(level: Level, tensor: Tensor) -> Tensor:
    """A tensor of this level: one of an outer level is the same for every slice, and has no history here."""
    if tensor.batch is not None and tensor.batch.level == level.number:
        return tensor
    return level.wrap(tensor, mapped=False)


def innermost(tensor: Tensor) -> Tensor:
    """A tensor of the innermost level that runs, if one does: what gradients inside of it start from."""
    return lifted(STATE.levels[-1], tensor) if STATE.levels else tensor


def unwrapped(level: Level, tensor: Tensor) -> Tensor:
    """All slices of a tensor along a first dimension, which repeats what is the same for each."""
    batch = lifted(level, tensor).batch
    return batch.tensor if batch.mapped else repeated(batch.tensor, level.size)


def repeated(tensor: Tensor, size: int) -> Tensor:
    """A tensor with a new first dimension that repeats it, as a view."""
    found: Tensor = tensor.unsqueeze(0).expand((size, *tensor.layout.shape))
    return found


def through(tensor: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function`, which keeps shapes, done to all slices of a mapped tensor at once."""
    batch = tensor.batch
    return active(batch.level).wrap(function(batch.tensor), batch.mapped)


def alongside(tensor: Tensor, *others: Any) -> Tensor:
    """A copy to write to: mapped if any of the others is, since one slice could not hold what all of them give."""
    number = max((one.batch.level for one in others if is_mapped(one)), default=0)
    own = tensor.batch.level if is_mapped(tensor) else 0
    if number <= own:
        return tensor.clone()
    level = active(number)
    return level.wrap(repeated(lifted(level, tensor).batch.tensor, level.size).contiguous(), mapped=True)


def laid_out(tensor: Tensor, layout: Layout) -> Tensor:
    """A copy of a tensor whose slices have the strides of `layout`."""
    level = active(tensor.batch.level)
    extent = storage_extent(layout.shape, layout.strides)
    size, stride = (level.size, *layout.shape), (extent, *layout.strides)
    made = late.functions.empty_strided(size, stride, dtype=tensor.layout.dtype, device=layout.device)
    return level.wrap(made.copy_(unwrapped(level, tensor)), mapped=True)


def is_mapped(value: Any) -> bool:
    """Whether a value is a tensor that differs from slice to slice."""
    batch = getattr(value, "batch", None)
    return batch is not None and (batch.mapped or is_mapped(batch.tensor))


def wanted_outside(tensor: Tensor) -> bool:
    """Whether all slices together want a gradient, outside of a `vmap` that shows one of them."""
    batch = tensor.batch
    return batch is not None and (batch.tensor.requires_grad or wanted_outside(batch.tensor))


def kept_before(tensor: Tensor) -> Tensor:
    """A tensor as it is before a write: a copy, where graphs outside of `vmap` may keep what they compute with."""
    if not STATE.grad_enabled or tensor.batch is None:
        return tensor.same()
    return tensor.same(kept_before(tensor.batch.tensor) if tensor.batch.tensor.batch else tensor.batch.tensor.clone())


def refuse_mapped(tensor: Tensor) -> None:
    """MappingError for a tensor whose values differ from slice to slice: Python cannot look at them."""
    if is_mapped(tensor):
        raise MappingError(
            "vmap: the values of a mapped tensor are not known to Python: .item(), numpy(), a mask as an index and "
            "control flow that depends on data are not supported; try curta.where"
        )
