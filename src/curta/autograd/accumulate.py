"""The end of a backward pass at a leaf: a first gradient is kept as it is where that is safe, later ones are added."""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.memory.layout import Layout, strided
from curta.memory.ledger import GRADIENTS
from curta.shapes import contiguous_strides, is_dense

if TYPE_CHECKING:
    from curta.tensor import Tensor


def accumulate(tensor: Tensor, entry: list[Any], create_graph: bool) -> None:
    """Add `entry[1]` to `tensor.grad`; the caller has no name for the gradient but `entry`."""
    if STATE.recorder is not None:
        STATE.recorder.note_leaf(tensor)
    held = tensor._grad
    if held is not None:
        if create_graph or held.trace is not None or entry[1].trace is not None:
            tensor._grad = held + entry[1]
        else:
            from curta.ops.dispatch import bind_into
            from curta.ops.elementwise import ADD

            bind_into(ADD, (held, entry[1]), (held,))
    elif create_graph:
        tensor._grad = entry[1].clone()
    elif entry[1].trace is not None:
        tensor._grad = entry[1]
    elif _ours(entry, tensor.layout):
        tensor._grad = entry[1].detach()
    else:
        tensor._grad = _copied(entry[1], tensor.layout)
    made = tensor._grad
    if made is not held and made is not None:
        for book in STATE.books:
            book.assign(made.storage, GRADIENTS)


def _tensor_references(entry: list[Any]) -> int:
    return getrefcount(entry[1])


def _storage_references(entry: list[Any]) -> int:
    return getrefcount(entry[1].storage)


def _base_references(entry: list[Any]) -> int:
    return getrefcount(entry[1].base)


class _Probe:
    """Measures how many references an object has that nobody else holds: interpreters differ."""

    def __init__(self) -> None:
        self.storage = object.__new__(_Probe)
        self.base: object | None = None


_ALONE = _tensor_references([None, _Probe()])
_ALONE_STORAGE = _storage_references([None, _Probe()])


def _ours(entry: list[Any], layout: Layout) -> bool:
    """Whether nobody else holds the gradient or its memory, and it lies as the leaf's gradient should."""
    if _tensor_references(entry) > _ALONE or not _lies_like(entry[1].layout, layout):
        return False
    views = 0
    if entry[1].base is not None:  # a reshaped result: its base is ours too if only the view knows it
        if _base_references(entry) > _ALONE_STORAGE or entry[1].storage.nbytes != layout.nbytes:
            return False
        views = 1
    return _storage_references(entry) <= _ALONE_STORAGE + views


def _lies_like(gradient: Layout, leaf: Layout) -> bool:
    """Whether the strides agree wherever they matter; those of a leaf with holes or overlaps are not copied."""
    if gradient is leaf and leaf.is_contiguous:
        return True
    strides = _wanted_strides(leaf)
    return all(
        size == 1 or mine == other for size, mine, other in zip(leaf.shape, gradient.strides, strides, strict=True)
    )


def _wanted_strides(leaf: Layout) -> tuple[int, ...]:
    if leaf.is_contiguous or is_dense(leaf.shape, leaf.strides):
        return leaf.strides
    return contiguous_strides(leaf.shape)


def _copied(gradient: Tensor, leaf: Layout) -> Tensor:
    from curta.memory.storage import allocate
    from curta.ops.dispatch import bind_into
    from curta.ops.elementwise import CAST
    from curta.tensor import Tensor

    layout = strided(leaf.shape, _wanted_strides(leaf), gradient.layout.dtype, gradient.layout.device)
    out = Tensor._make(allocate(layout.nbytes, layout.device), layout, 0)
    bind_into(CAST, (gradient,), (out,), dtype=layout.dtype)
    return out
