"""What convolutions and pooling over one, two or three axes have in common: numbers for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from curta.errors import ShapeError

#: one number for all axes, or one for each
Numbers = int | Sequence[int]


def each_axis(value: Numbers, count: int, words: str) -> tuple[int, ...]:
    """`value` as one number for each of `count` axes; ShapeError with these words for another number of them."""
    if hasattr(value, "__index__"):
        return (index(value),) * count
    values = tuple(index(one) for one in value)
    if len(values) not in (1, count):
        raise ShapeError(words)
    return values * count if len(values) == 1 else values


def steps_of(stride: Numbers | None, kernel: tuple[int, ...], words: str) -> tuple[int, ...]:
    """How far windows lie apart: as far as they are long if nothing, or an empty sequence, is said."""
    if stride is None or (isinstance(stride, Sequence) and not stride):
        return kernel
    return each_axis(stride, len(kernel), words)


def sizes_of(x: Any, count: int) -> tuple[int, ...]:
    """The sizes of x[N, C, ...] along its last `count` axes."""
    shape: tuple[int, ...] = x.layout.shape
    return shape[-count:]


def by_planes(x: Any) -> Any:
    """[N, C, D, H, W] as [N, C * D, H, W]."""
    N, C, D, H, W = x.layout.shape
    return x.reshape(N, C * D, H, W)


def own(made: Any, x: Any) -> Any:
    """`made` contiguous and in memory of its own, where rearranging x may have given a view of it."""
    return made.clone() if made.storage is x.storage else made.contiguous()
