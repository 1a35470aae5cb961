"""From a pattern, a shape and sizes to what must be done, in integers: split, order, reduce, repeat, merge."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import prod
from typing import NamedTuple

from curta.einops.parse import CACHE_SIZE, ELLIPSIS, Axis, Group, Side
from curta.einops.problems import Call, Shape, Sizes, Span, counted
from curta.einops.rules import checked


class Plan(NamedTuple):
    """What a pattern does to tensors of one shape, in this order.

    - `split`: the tensor is looked at with a dimension for each axis, those of size 1 left out; new axes, of size 1
      for now, are at the end.
    - `order`: these dimensions are put in this order, None where they stand in it already.
    - `reduced`: these dimensions of the result are reduced; `gone` are their axes' places in the pattern.
    - `spread`: new axes are repeated, to this shape; None where there is nothing to repeat.
    - `merged`: neighbours become one dimension: the result's shape.
    """

    split: Shape
    order: Shape | None
    reduced: Shape
    gone: tuple[Span, ...]
    spread: Shape | None
    merged: Shape


@lru_cache(maxsize=CACHE_SIZE)
def plan(operation: str, pattern: str, shape: Shape, sizes: Sizes) -> Plan:
    """What `operation` does to a tensor of this shape; EinopsError where the pattern, shape and sizes do not fit.

    >>> plan("rearrange", "(a b) c -> c 1 (b a)", (6, 4), (("a", 2),))
    Plan(split=(2, 3, 4), order=(2, 1, 0), reduced=(), gone=(), spread=None, merged=(4, 1, 6))
    >>> plan("reduce", "b (h 2) -> b h", (5, 8), ())
    Plan(split=(5, 4, 2), order=None, reduced=(2,), gone=((5, 6),), spread=None, merged=(5, 4))
    >>> plan("repeat", "h -> (h 3)", (2,), ())
    Plan(split=(2, 1), order=None, reduced=(), gone=(), spread=(2, 3), merged=(6,))
    """
    call = Call(operation, pattern, (shape,), sizes)
    left, right = checked(operation, pattern)
    known = given(call, (*left.axes, *right.axes), sizes)
    groups = spread_ellipsis(left, len(shape) - len(left.groups) + 1)
    if len(groups) != len(shape):
        raise _rank_error(call, left, shape)
    for group, size in zip(groups, shape, strict=True):
        _measure(call, group, size, known)
    for axis in right.axes:
        if axis.name not in known and axis.name != ELLIPSIS:
            raise call.error(f"the size of the new axis {axis.label} is not given: pass it by name", axis.span)
    return _planned(groups, spread_ellipsis(right, len(shape) - len(left.groups) + 1), known)


def given(call: Call, axes: Iterable[Axis], sizes: Sizes) -> dict[str, int]:
    """The sizes known from the start: those passed and those written as numbers."""
    known = {axis.name: axis.size for axis in axes if axis.size is not None}
    names = [axis.name for axis in axes if axis.size is None and axis.name != ELLIPSIS]
    for name, size in sizes:
        if name not in names:
            raise call.error(f"a size is given for '{name}', which is no axis of the pattern")
        if size < 0:
            raise call.error(f"the size given for '{name}' is negative")
        known[name] = size
    return known


def spread_ellipsis(side: Side, rank: int) -> list[Group]:
    """The side's dimensions with '...' written out as `rank` axes: "...0", "...1", and so on."""

    def written_out(axis: Axis) -> list[Axis]:
        if axis.name != ELLIPSIS:
            return [axis]
        return [Axis(f"{ELLIPSIS}{number}", axis.span) for number in range(rank)]

    groups: list[Group] = []
    for group in side.groups:
        axes = [each for axis in group.axes for each in written_out(axis)]
        if not group.composed and group.axes and group.axes[0].name == ELLIPSIS:
            groups += [Group((axis,), group.span, False) for axis in axes]
        else:
            groups.append(Group(tuple(axes), group.span, group.composed))
    return groups


def _rank_error(call: Call, left: Side, shape: Shape) -> Exception:
    count = len(left.groups) - (left.ellipsis is not None)
    few = "at least " if left.ellipsis else ""
    return call.error(f"the pattern is for {few}{counted(count, 'axis')}, the tensor has {len(shape)}", left.written)


def _measure(call: Call, group: Group, size: int, known: dict[str, int]) -> None:
    """Find the one size in a dimension that does not stand yet, and check the others."""
    missing = [axis for axis in group.axes if axis.name not in known]
    product = prod(known[axis.name] for axis in group.axes if axis.name in known)
    written = call.pattern[slice(*group.span)]
    if not missing:
        if product == size:
            return
        if len(group.axes) == 1:
            raise call.error(f"axis {group.axes[0].label} has size {size}, where {product} is given", group.span)
        if not group.axes:
            raise call.error(f"'{written}' stands for an axis of size 1, the tensor has {size} there", group.span)
        factors = " x ".join(str(known[axis.name]) for axis in group.axes)
        raise call.error(f"'{written}' is {factors} = {product}, the tensor has {size} there", group.span)
    if len(missing) > 1:
        names = " and ".join(axis.label for axis in missing)
        raise call.error(
            f"the sizes of {names} do not follow from a size of {size} alone: pass all but one",
            *(axis.span for axis in missing),
        )
    (axis,) = missing
    if product == 0 == size:
        raise call.error(f"the size of {axis.label} does not follow, as any size times 0 is 0", axis.span)
    if product == 0 or size % product:
        raise call.error(f"an axis of size {size} cannot be divided by {product} to give {axis.label}", group.span)
    known[axis.name] = size // product


def _planned(left: list[Group], right: list[Group], known: dict[str, int]) -> Plan:
    before = [axis.name for group in left for axis in group.axes]
    after = [axis.name for group in right for axis in group.axes]
    new = [name for name in after if name not in before]
    place = {name: number for number, name in enumerate([*before, *new])}
    gone = [place[name] for name in before if name not in after]
    order = [place[name] for name in after]
    if order == sorted(order) and gone:
        # dimensions are reduced where they are: nothing is put in order for that
        order, reduced = list(range(len(before))), gone
    else:
        reduced = list(range(len(order), len(order) + len(gone)))
        order += gone
    return Plan(
        (*(known[name] for name in before), *(1 for _ in new)),
        None if order == sorted(order) else tuple(order),
        tuple(reduced),
        tuple(axis.span for group in left for axis in group.axes if axis.name not in after),
        tuple(known[name] for name in after) if any(known[name] != 1 for name in new) else None,
        tuple(prod(known[axis.name] for axis in group.axes) for group in right),
    )
