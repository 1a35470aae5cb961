"""Padding of tensors with a number, or with what they hold, for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta.dtypes import bool_
from curta.errors import ArgumentTypeError, ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions import creation
from curta.functions.movement import integer
from curta.functions.operands import tensor as check
from curta.ops.dispatch import bind
from curta.ops.indexing import take
from curta.ops.movement import embed
from curta.ops.padding import OWN_PADDING
from curta.tensor import Tensor

#: elements before and behind
Side = tuple[int, int]

_KINDS = {"reflect": "reflection", "replicate": "replication"}


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """`input` with elements added at the ends of its last dimensions: `pad` is (before, behind) of the last, and so on.

    "constant" adds `value` (0 unless given), "reflect" what is mirrored at the outermost elements, "replicate" these,
    "circular" what lies at the other end. Negative numbers take elements away.

    >>> import curta
    >>> pad(curta.tensor([1, 2, 3]), (1, 2), value=9)
    tensor([9, 1, 2, 3, 9, 9])
    >>> pad(curta.tensor([[1, 2, 3]]), (2, 1), "reflect")
    tensor([[3, 2, 1, 2, 3, 2]])
    """
    x = check("pad", input)
    if not isinstance(pad, Sequence) or isinstance(pad, str):
        raise ArgumentTypeError(f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}")
    amounts = [integer("pad", amount, "pad") for amount in pad]
    if len(amounts) % 2:
        raise ShapeError("Padding length must be divisible by 2")
    if len(amounts) > 2 * x.layout.rank:
        raise ShapeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(amounts)} and input of dimension {x.layout.rank}"
        )
    sides = list(zip(amounts[::2], amounts[1::2], strict=True))[::-1]  # in the order of the dimensions
    if mode == "constant":
        return _with_number(x, sides, value or 0)
    if mode not in ("reflect", "replicate", "circular"):
        raise UnsupportedError(f"Unrecognised padding mode {mode}")
    if value:
        raise ShapeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    return _with_own(x, sides, mode)


def _with_number(x: Any, sides: list[Side], value: float) -> Any:
    """`value` around x, which loses elements where a side is negative."""
    first = x.layout.rank - len(sides)
    for dim, (before, behind) in enumerate(sides, first):
        start, stop = max(-before, 0), x.layout.shape[dim] - max(-behind, 0)
        if stop < start:
            raise ShapeError("narrow(): length must be non-negative.")
        if (start, stop) != (0, x.layout.shape[dim]):
            x = x.narrow(dim, start, stop - start)
    added = [(0, 0)] * first + [(max(before, 0), max(behind, 0)) for before, behind in sides]
    if not any(map(any, added)):
        return x.clone()
    shape = tuple(size + sum(ends) for size, ends in zip(x.layout.shape, added, strict=True))
    region = tuple((ends[0], size, 1) for size, ends in zip(x.layout.shape, added, strict=True))
    if not x.layout.dtype.is_floating_point:
        value = bool(value) if x.layout.dtype is bool_ else int(value)
    return embed(x, shape, region, value)


# with elements of the tensor itself


def _with_own(x: Any, sides: list[Side], mode: str) -> Any:
    """Each dimension read at the places that its padded self has in it, one after the other."""
    rank, count = x.layout.rank, len(sides)
    if not 1 <= count <= 3 or rank not in (count + 1, count + 2):
        raise UnsupportedError(
            f"Padding size {2 * count} is not supported for {rank}D input tensor. Supported combinations for "
            "non-constant padding: 2D or 3D input: padding size = 2 (pads last dimension); 3D or 4D input: padding "
            "size = 4 (pads last 2 dimensions); 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    if mode != "circular":
        _check_own(x, count, mode)
    for dim, side in enumerate(sides, rank - count):
        _check_side(x, dim, side, mode, least=1 if count == 1 else 0)
    if x.layout.numel and min(map(min, sides)) >= 0 and any(map(any, sides)):
        return bind(OWN_PADDING, (x,), sides=((0, 0),) * (rank - count) + tuple(sides), mode=mode)
    for dim, side in enumerate(sides, rank - count):
        if side != (0, 0):
            x = read_at(x, dim, _places(x.layout.shape[dim], *side, mode))
    return x if any(side != (0, 0) for side in sides) else x.clone()


def _check_own(x: Any, count: int, mode: str) -> None:
    if mode == "replicate" and x.layout.dtype is bool_:
        raise UnsupportedDTypeError(f"\"{_KINDS[mode]}_pad{count}d\" not implemented for 'bool'")
    batched = x.layout.rank == count + 2
    if 0 in x.layout.shape[1 if batched else 0 :]:
        raise ShapeError(
            f"Expected {count + 1}D or {count + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(x.layout.shape)}"
        )


def _check_side(x: Any, dim: int, side: Side, mode: str, least: int) -> None:
    size = x.layout.shape[dim]
    if mode == "reflect" and max(side) >= size:
        raise ShapeError(
            "Padding size should be less than the corresponding input dimension, but got: padding "
            f"({side[0]}, {side[1]}) at dimension {dim} of input {list(x.layout.shape)}"
        )
    if mode == "circular":
        kept = size + sum(min(end, 0) for end in side)
        if kept < 0:
            raise ShapeError("Negative padding value is resulting in an empty dimension")
        if max(side) > kept:
            raise ShapeError("Padding value causes wrapping around more than once.")
    elif size + sum(side) < least:
        name = {1: "W", 2: "H", 3: "D"}[x.layout.rank - dim]
        raise ShapeError(f"input ({name}: {size}) is too small. Calculated output {name}: {size + sum(side)}")


def _places(size: int, before: int, behind: int, mode: str) -> list[int]:
    """Which element of a dimension of `size` each element of the padded one is."""
    places = range(-before, size + behind)
    if mode == "replicate":
        return [min(max(place, 0), size - 1) for place in places]
    if mode == "reflect":
        return [size - 1 - abs(size - 1 - abs(place)) for place in places]
    low, high = max(-before, 0), size + min(behind, 0)  # what is taken away is no part of the circle
    return [(place - low) % (high - low) + low for place in places]


def read_at(x: Any, dim: int, places: list[int]) -> Any:
    """The slices of x along `dim` at places that are known to be there."""
    where = creation.tensor(places, device=x.layout.device)
    shape = (-1,) + (1,) * (x.layout.rank - dim - 1)
    sources = tuple(-1 if axis == dim else axis for axis in range(x.layout.rank))
    return take(x, [where.reshape(shape)], sources, (dim,))
