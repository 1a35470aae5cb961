"""Laying out a kernel's iteration space: which dimensions become one, which is innermost, and in what order to go."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from math import prod

from curta.compiler import reductions
from curta.compiler.fuse import Kernel
from curta.compiler.loops import CONTIGUOUS, REVERSED, STRIDED, UNIFORM, LoopProgram, Slot
from curta.memory.layout import Shape
from curta.runtime import cpu
from curta.shapes import broadcast_strides, coalesce, visit_order

#: elements of the inner dimension in one unit where rows are so short that they are taken down the columns, one after
#: the other
TURN_BLOCK = 512
#: such rows are at most so long, and at least so many
MOST_TURNS = 4
LEAST_RUN = 16
#: so many elements of a row are reduced for many rows at once; in a compiled program such a sum stands alone
MOST_ADDED = 8
#: the same across the cache lines of a slot: as many elements of four bytes as a line has are best, measured
ACROSS_BLOCK = 16
#: bytes in a cache line, and how many places there are for one in a second-level cache
LINE, CACHE_WAYS = 64, 8


@dataclass(slots=True)
class Space:
    """The iteration space of a kernel after merging: sizes, and every slot's strides in bytes over them.

    `visits` are the dimensions that are reduced, by number, where they are not visited in the order of their numbers.
    `turns` is the size of the last outer dimension if a block of the inner one, `turn_block` elements, is done for each
    of its places before the next block, else 1.
    """

    outer: Shape
    reduce: Shape
    inner: int
    outer_strides: list[Shape]
    reduce_strides: list[Shape]
    inner_strides: list[int]
    visits: tuple[int, ...] = ()
    turns: int = 1
    turn_block: int = TURN_BLOCK


def lay_out(kernel: Kernel) -> tuple[LoopProgram, Space]:
    strides = [strides_over(kernel, number) for number in range(len(kernel.slots))]
    kept = [axis for axis in range(len(kernel.space)) if axis not in kernel.axes]
    pointers = [number for number, slot in enumerate(kernel.slots) if slot.role != "scalar"]
    columns = _prefers_columns(kernel, strides, kept, pointers)
    reorder = not kernel.indexed
    outer, outer_strides = _merge(kernel, strides, kept, reorder, keep_all=kernel.indexed)
    reducings = [one for stage in kernel.stages for one in stage.reductions]
    # the place of an extreme depends on the order of visits, nothing else does
    ordered = kernel.indexed or any(reductions.TABLE[one.name].result for one in reducings)
    reduced, reduced_strides = _merge(kernel, strides, list(kernel.axes), not ordered, keep_all=kernel.indexed)
    visits = () if ordered else _visits(kernel, strides)
    if columns or not (kernel.axes or reducings):
        inner, inner_strides, outer, outer_strides = _take_last(outer, outer_strides)
    else:
        inner, inner_strides, reduced, reduced_strides = _take_last(reduced, reduced_strides)
    space = Space(outer, reduced, inner, outer_strides, reduced_strides, inner_strides, visits)
    plain = not (kernel.axes or reducings or kernel.indexed)
    if not (kernel.axes or reducings):
        space = across_lines(space if kernel.indexed else _along_longer(space), pointers, movable=not kernel.indexed)
        outer, inner, inner_strides = space.outer, space.inner, space.inner_strides
    slots = tuple(
        replace(slot, inner=_inner_class(slot, inner_strides[number], inner, plain))
        for number, slot in enumerate(kernel.slots)
    )
    program = LoopProgram(
        slots,
        len(outer),
        tuple(kernel.stages),
        tuple(kernel.row_stores),
        len(reduced),
        form="columns" if columns else "rows",
    )
    return program, space


def strides_over(kernel: Kernel, number: int) -> Shape:
    """A slot's strides in bytes over the kernel's space: 0 where it is broadcast or its dimension is reduced away."""
    layout = kernel.layouts[number]
    if layout is None:
        return (0,) * len(kernel.space)
    itemsize = layout.dtype.itemsize
    if kernel.slots[number].role == "output" and layout.rank < len(kernel.space):
        strides = iter(layout.strides)
        return tuple(0 if axis in kernel.axes else next(strides) * itemsize for axis in range(len(kernel.space)))
    over = broadcast_strides(layout.shape, layout.strides, kernel.space)
    return tuple(stride * itemsize for stride in over)


def _merge(
    kernel: Kernel, strides: list[Shape], axes: list[int], reorder: bool, keep_all: bool
) -> tuple[Shape, list[Shape]]:
    sizes = tuple(kernel.space[axis] for axis in axes)
    own = [tuple(one[axis] for axis in axes) for one in strides]
    if keep_all or not own:
        return sizes, own
    first = [n for n, slot in enumerate(kernel.slots) if slot.role == "output" and kernel.axes == ()]
    order = first + [n for n in range(len(own)) if n not in first]
    merged, moved = coalesce(sizes, *(own[n] for n in order), reorder=reorder)
    by_number = dict(zip(order, moved, strict=True))
    return merged, [by_number[n] for n in range(len(own))]


def _visits(kernel: Kernel, strides: list[Shape]) -> tuple[int, ...]:
    """See `Space.visits`."""
    own = [tuple(one[axis] for axis in kernel.axes) for one in strides]
    order = visit_order(tuple(kernel.space[axis] for axis in kernel.axes), *own)
    return () if list(order) == sorted(order) else order


def _take_last(sizes: Shape, strides: list[Shape]) -> tuple[int, list[int], Shape, list[Shape]]:
    if not sizes:
        return 1, [0] * len(strides), (), strides
    return sizes[-1], [one[-1] for one in strides], sizes[:-1], [one[:-1] for one in strides]


def _along_longer(space: Space) -> Space:
    """The space with its inner dimension and the one before exchanged, if that one is short and this one is not.

    A row costs as much as some ten elements that are not neighbours.
    """
    if space.inner > MOST_TURNS or not space.outer or space.outer[-1] < LEAST_RUN:
        return space
    longer = [one[-1] for one in space.outer_strides]
    exchanged = [(*one[:-1], step) for one, step in zip(space.outer_strides, space.inner_strides, strict=True)]
    outer = (*space.outer[:-1], space.inner)
    return replace(
        space, outer=outer, inner=space.outer[-1], outer_strides=exchanged, inner_strides=longer, turns=space.inner
    )


def across_lines(space: Space, pointers: list[int], movable: bool) -> Space:
    """The space cut into blocks of rows where a slot's neighbours are in the next row, not beside, and its rows have
    more cache lines than a cache has places for.

    A block's lines stay until all that is in them was used. `movable` dimensions may change their order.
    """
    if space.turns > 1:
        return space
    for number in pointers:
        if not _crowded(abs(space.inner_strides[number]), space.inner):
            continue
        steps = space.outer_strides[number]
        near = [dim for dim, step in enumerate(steps) if 0 < abs(step) < LINE and space.outer[dim] >= LEAST_RUN]
        if near and (movable or near[0] == len(steps) - 1):
            return replace(_moved_last(space, near[0]), turns=space.outer[near[0]], turn_block=ACROSS_BLOCK)
    return space


def _crowded(step: int, count: int) -> bool:
    """Whether so many cache lines, `step` bytes apart, are more than half a second-level cache has places for.

    A line may lie in one of so many places as the cache has ways; in which of them depends on its address, and steps
    of a power of two lead to few. Most such caches have `CACHE_WAYS` ways, or more.
    """
    if step < LINE:
        return False
    way = cpu.second_cache_bytes() // CACHE_WAYS
    reached = way // max(LINE, math.gcd(step, way))
    return 2 * count > reached * CACHE_WAYS


def _moved_last(space: Space, dim: int) -> Space:
    """The space with another of its outer dimensions as the last."""

    def moved(numbers: Shape) -> Shape:
        return (*numbers[:dim], *numbers[dim + 1 :], numbers[dim])

    return replace(space, outer=moved(space.outer), outer_strides=list(map(moved, space.outer_strides)))


def _prefers_columns(kernel: Kernel, strides: list[Shape], kept: list[int], pointers: list[int]) -> bool:
    """Whether the largest input runs fastest along a dimension that is kept: but not where that is so short that most
    of a vector would lie idle and the other is not.
    """
    if not kernel.axes or len(kernel.stages) > 1 or kernel.stages[0].stores or kernel.indexed:
        return False
    inputs = [n for n in pointers if kernel.slots[n].role == "input"]
    if not inputs or prod(kernel.space) == 0:
        return False

    def extent(number: int) -> int:
        return prod(size for size, stride in zip(kernel.space, strides[number], strict=True) if stride)

    largest = max(inputs, key=extent)
    moving = [(s, axis) for axis, s in enumerate(strides[largest]) if s and kernel.space[axis] > 1]
    if not moving:
        return False
    fastest = min(moving, key=lambda pair: abs(pair[0]))[1]
    reduced = prod(kernel.space[axis] for axis in kernel.axes)
    others = [axis for axis in reversed(kept) if kernel.space[axis] > 1]
    beside = kernel.space[fastest if fastest in kept else others[0]] if others else 1
    if fastest in kept:
        return beside > MOST_TURNS or reduced < LEAST_RUN
    return reduced <= MOST_ADDED and beside >= LEAST_RUN


def _inner_class(slot: Slot, stride: int, size: int, plain: bool) -> int:
    """How a slot moves along the inner dimension.

    A single element of a `plain` kernel, which only goes from place to place, is a row of one: no code of its own.
    """
    if slot.role == "scalar" or (stride == 0 and (size > 1 or not plain)):
        return UNIFORM
    if stride == slot.dtype.itemsize or size <= 1:
        return CONTIGUOUS
    return REVERSED if stride == -slot.dtype.itemsize and slot.role == "input" else STRIDED
