"""Parts of tensors: `x[...]` read and written, gathering and scattering."""

from __future__ import annotations

from typing import Any

from curta import shapes
from curta.errors import IndexRangeError
from curta.functions.movement import region
from curta.tensor import Tensor


def checked_index(index: int, size: int, dim: int) -> int:
    """`index` counted from 0; IndexRangeError when outside."""
    if not -size <= index < size:
        raise IndexRangeError(f"index {index} is out of bounds for dimension {dim} with size {size}")
    return index + size if index < 0 else index


def get_item(input: Tensor, index: Any) -> Tensor:
    """`input[index]`."""
    shape = input.layout.shape
    if type(index) is int and shape:
        return region(input, (checked_index(index, shape[0], 0),))
    if type(index) is slice and shape:
        return region(input, (shapes.slice_geometry(shape[0], index.start, index.stop, index.step),))
    raise NotImplementedError


def set_item(input: Tensor, index: Any, value: Any) -> None:
    raise NotImplementedError
