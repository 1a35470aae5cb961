"""Laying tensors side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta import shapes
from curta.autograd.state import STATE
from curta.errors import ShapeError
from curta.functions.operands import refuse, tensor
from curta.memory.storage import allocate
from curta.ops.dispatch import bind_into, remember
from curta.ops.elementwise import COPY
from curta.ops.joining import CAT
from curta.tensor import Tensor


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None) -> Tensor:
    """The tensors one after the other along `dim`; all other sizes must agree.

    >>> import curta
    >>> cat([curta.ones(2), curta.zeros(1)])
    tensor([1., 1., 0.])
    """
    refuse("cat", out=out)
    given = [tensor("cat", value, "tensors") for value in tensors]
    if not given:
        raise ShapeError("torch.cat(): expected a non-empty list of Tensors")
    pieces = [t for t in given if t.layout.shape != (0,)] or given[:1]
    rank = pieces[0].layout.rank
    if any(piece.layout.rank == 0 for piece in pieces):
        raise ShapeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    axis = shapes.normalize_dim(dim, rank)
    for place, piece in enumerate(pieces):
        _check_sizes(pieces[0], piece, place, axis)
    inferred = CAT.infer(*(piece.layout for piece in pieces), dim=axis)
    layout = inferred if not isinstance(inferred, tuple) else inferred[0]
    made = Tensor._make(allocate(layout.nbytes, layout.device), layout, 0)
    start = 0
    for piece in pieces:
        length = piece.layout.shape[axis]
        bind_into(COPY, (piece,), (made.narrow(axis, start, length),))
        start += length
    if made.storage is not None:
        made.storage.version = 0  # nobody has seen it before
    if STATE.grad_enabled and any(piece._requires_grad for piece in pieces):
        remember(CAT, tuple(pieces), (made,), {"dim": axis})
    return made


def _check_sizes(first: Tensor, piece: Tensor, place: int, axis: int) -> None:
    if piece.layout.rank != first.layout.rank:
        raise ShapeError(
            f"Tensors must have same number of dimensions: got {first.layout.rank} and {piece.layout.rank}"
        )
    for dim, (mine, theirs) in enumerate(zip(first.layout.shape, piece.layout.shape, strict=True)):
        if dim != axis and mine != theirs:
            raise ShapeError(
                f"Sizes of tensors must match except in dimension {axis}. Expected size {mine} but got size {theirs} "
                f"for tensor number {place} in the list."
            )


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None) -> Tensor:
    """Tensors of one shape side by side along a new dimension.

    >>> import curta
    >>> stack([curta.ones(2), curta.zeros(2)]).shape
    torch.Size([2, 2])
    """
    refuse("stack", out=out)
    given = [tensor("stack", value, "tensors") for value in tensors]
    if not given:
        raise ShapeError("stack expects a non-empty TensorList")
    for place, piece in enumerate(given):
        if piece.layout.shape != given[0].layout.shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(given[0].layout.shape)} at entry 0 and "
                f"{list(piece.layout.shape)} at entry {place}"
            )
    axis = shapes.normalize_dim(dim, given[0].layout.rank + 1)
    return cat([piece.unsqueeze(axis) for piece in given], axis)
