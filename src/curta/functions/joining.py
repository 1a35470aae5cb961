"""Several tensors as one: `cat`, `stack` and their relatives; triangles of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from curta import shapes
from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, ShapeError, kind_of
from curta.functions.creation import empty_of
from curta.functions.movement import unsqueeze
from curta.functions.outputs import into
from curta.memory.layout import Layout
from curta.ops.dispatch import bind, bind_into, remember
from curta.ops.elementwise import COPY
from curta.ops.indexing import TRIL, TRIU
from curta.ops.inference import promoted
from curta.ops.joining import CAT
from curta.ops.movement import region_geometry
from curta.tensor import Tensor


def _parts(name: str, tensors: Any) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)):
        raise ArgumentTypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    if not tensors:
        if name in ("hstack", "vstack", "dstack"):
            raise ShapeError(f"{name} expects a non-empty TensorList")
        raise ArgumentError(f"torch.{name}(): expected a non-empty list of Tensors")
    for place, one in enumerate(tensors):
        if not isinstance(one, Tensor):
            raise ArgumentTypeError(f"expected Tensor as element {place} in argument 0, but got {kind_of(one)}")
    return list(tensors)


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors one after the other along `dim`, in their common format.

    >>> import curta
    >>> curta.cat([curta.zeros(2), curta.ones(1)])
    tensor([0., 0., 1.])
    """
    if out is not None:
        return into("cat", out, cat(tensors, dim), inputs=tuple(tensors))
    parts = _parts("cat", tensors)
    for place, one in enumerate(parts):
        if not one.layout.rank:
            raise ShapeError(f"zero-dimensional tensor (at position {place}) cannot be concatenated")
    # PyTorch skips vectors without elements, whatever the others' shapes
    kept = [one for one in parts if one.layout.shape != (0,)] or parts[:1]
    first = kept[0].layout
    place = shapes.normalize_dim(dim, first.rank)
    for number, one in enumerate(kept):
        _check_sizes(first, one.layout, place, number)
    if len(kept) < len(parts):  # their formats count all the same
        kind = promoted(tuple(one.layout for one in parts))
        kept = [one.to(kind) for one in kept]
    return _join(kept, place)


def _check_sizes(first: Layout, layout: Layout, place: int, number: int) -> None:
    if layout is first:
        return
    if layout.rank != first.rank:
        raise ShapeError(f"Tensors must have same number of dimensions: got {first.rank} and {layout.rank}")
    for axis, (mine, size) in enumerate(zip(first.shape, layout.shape, strict=True)):
        if axis != place and mine != size:
            raise ShapeError(
                f"Sizes of tensors must match except in dimension {place}. Expected size {mine} but got size "
                f"{size} for tensor number {number} in the list."
            )


@lru_cache(maxsize=4096)
def _plan(layouts: tuple[Layout, ...], dim: int) -> tuple[Layout, list[tuple[Layout, int]]]:
    """The result's layout; for each part the layout and the distance from the start of its place there."""
    whole: Layout = CAT.infer(*layouts, dim=dim)  # type: ignore[assignment]
    before = tuple((0, size, 1) for size in whole.shape[:dim])
    places, start = [], 0
    for one in layouts:
        places.append(region_geometry(whole, (*before, (start, one.shape[dim], 1))))
        start += one.shape[dim]
    return whole, places


def _join(parts: list[Tensor], dim: int) -> Tensor:
    if STATE.graph is not None or (STATE.levels and any(one.batch is not None for one in parts)):
        traced: Tensor = bind(CAT, tuple(parts), dim=dim)
        return traced
    whole, places = _plan(tuple([one.layout for one in parts]), dim)
    made = empty_of(whole)
    for one, (layout, distance) in zip(parts, places, strict=True):
        if layout.numel:
            bind_into(COPY, (one,), (Tensor._make(made.storage, layout, distance),))
    if made.storage is not None and made.storage.version > 0:
        made.storage.version = 0  # nobody has seen it before
    if STATE.grad_enabled and any(one.requires_grad for one in parts):
        remember(CAT, tuple(parts), (made,), {"dim": dim})
    return made


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape along a new dimension.

    >>> import curta
    >>> curta.stack([curta.zeros(2), curta.ones(2)]).shape
    torch.Size([2, 2])
    """
    if out is not None:
        return into("stack", out, stack(tensors, dim))
    parts = _parts("stack", tensors)
    first = parts[0].layout
    for place, one in enumerate(parts):
        if one.layout.shape != first.shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(first.shape)} at entry 0 and "
                f"{list(one.layout.shape)} at entry {place}"
            )
    axis = shapes.normalize_dim(dim, first.rank + 1)
    return _join([unsqueeze(one, axis) for one in parts], axis)


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors side by side: along dimension 1, vectors along 0."""
    parts = [one.reshape(1) if not one.layout.rank else one for one in _parts("hstack", tensors)]
    return cat(parts, 0 if parts[0].layout.rank == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Tensors as rows, one under the other."""
    parts = [one.reshape(1, -1) if one.layout.rank < 2 else one for one in _parts("vstack", tensors)]
    return cat(parts, 0, out=out)


def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of matrices, zeros elsewhere.

    >>> import curta
    >>> curta.ones(2, 2).tril()
    tensor([[1., 0.],
            [1., 1.]])
    """
    if out is not None:
        return into("tril", out, tril(input, diagonal))
    if input.layout.rank < 2:
        raise ShapeError("tril: input tensor must have at least 2 dimensions")
    made: Tensor = bind(TRIL, (input, int(diagonal)), rank=input.layout.rank)
    return made


def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of matrices, zeros elsewhere."""
    if out is not None:
        return into("triu", out, triu(input, diagonal))
    if input.layout.rank < 2:
        raise ShapeError("triu: input tensor must have at least 2 dimensions")
    made: Tensor = bind(TRIU, (input, int(diagonal)), rank=input.layout.rank)
    return made
