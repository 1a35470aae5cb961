"""From fused kernels to native plans: orders and merges dimensions, cuts work into units, compiles what is new.

All choices depend on shapes, strides and formats only, never on the number of threads: so do the results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from curta import dtypes
from curta.compiler import nest, reductions
from curta.compiler.expression import Expression
from curta.compiler.fuse import Kernel, Source
from curta.compiler.instructions import EXPENSIVE
from curta.compiler.loops import (
    CONTIGUOUS,
    REVERSED,
    STRIDED,
    UNIFORM,
    LoopProgram,
    Reducing,
    Slot,
    Stage,
    kept_values,
    walk,
)
from curta.memory.layout import Layout, Shape, contiguous
from curta.runtime import cpu, jit, native
from curta.shapes import broadcast_strides, coalesce, visit_order

#: elements of the inner dimension in one unit of an element-wise kernel
MAP_BLOCK = 16384
#: the same where rows are so short that they are taken down the columns, one after the other
TURN_BLOCK = 512
#: such rows are at most so long, and at least so many
MOST_TURNS = 4
LEAST_RUN = 16
#: so many elements of a row are reduced for many rows at once; in a compiled program such a sum stands alone
MOST_ADDED = 8
#: elements in one unit of a reduction that has too few rows to share out
REDUCE_BLOCK = 32768
#: columns in one unit of a reduction down columns
COLUMN_BLOCK = 256
#: about how many elements are worth handing to another thread
GRAIN_ELEMENTS = 16384
#: a kernel over no more elements runs on the calling thread without letting go of the interpreter
INLINE_ELEMENTS = 32768
#: what a transcendental function counts for in those figures
EXPENSIVE_FACTOR = 4


@dataclass(frozen=True, slots=True)
class KernelText:
    """What a kernel is made from, to be read: its loops (or what names it), and how to write its LLVM text.

    `passes` says whether LLVM's clean-up runs over that text, and `requires` what other modules it calls.
    """

    loops: str
    write: Callable[[], str]
    passes: bool = True
    requires: tuple[jit.Code, ...] = ()


@dataclass(slots=True)
class Step:
    """One launch: the plan, where each argument comes from, the kernel's text, and the code that the plan is to run.

    The plan has no code yet: many kernels are only tried, and machine code is made for those that run.
    """

    plan: native.Plan
    sources: list[Source]
    text: KernelText
    code: jit.Code
    program: LoopProgram | None = None
    #: for each reduction its name and how it goes through its elements: this decides how the result is rounded;
    #: ("load",) where elements are read at computed places
    arrangements: list[tuple[Any, ...]] = field(default_factory=list)
    #: (input, output) pairs of which the output may lie where the input does
    in_place: set[tuple[int, int]] = field(default_factory=set)


@dataclass(slots=True)
class Space:
    """The iteration space of a kernel after merging: sizes, and every slot's strides in bytes over them.

    `visits` are the dimensions that are reduced, by number, where they are not visited in the order of their numbers.
    `turns` is the size of the last outer dimension if a block of the inner one is done for each of its places before
    the next block, else 1.
    """

    outer: Shape
    reduce: Shape
    inner: int
    outer_strides: list[Shape]
    reduce_strides: list[Shape]
    inner_strides: list[int]
    visits: tuple[int, ...] = ()
    turns: int = 1


def build_steps(kernel: Kernel) -> tuple[list[Step], list[Layout]]:
    """The launches that run one kernel, and the layouts of the partial results between them, ("partial", n)."""
    program, space = _lay_out(kernel)
    reducings = program.all_reductions()
    simple = len(program.stages) == 1 and all(
        len(reductions.TABLE[r.name].initial(r.element.dtype)) == 1 for r in reducings
    )
    if reducings and simple and _worth_splitting(program, space):
        return _split(program, space, kernel)
    block = TURN_BLOCK if space.turns > 1 else MAP_BLOCK
    if not reducings and space.inner > block:
        return [_step(replace(program, blocked=True), space, kernel.sources, kernel, block=block)], []
    return [_step(program, replace(space, turns=1), kernel.sources, kernel)], []


# laying out


def _lay_out(kernel: Kernel) -> tuple[LoopProgram, Space]:
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
    if plain:
        space = _along_longer(space)
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


# cutting into units


def _worth_splitting(program: LoopProgram, space: Space) -> bool:
    rows = prod(space.outer)
    if program.form == "rows":
        return not program.reduce_rank and rows < 16 and space.inner >= 2 * REDUCE_BLOCK
    return prod(space.reduce) >= 256 and rows * space.inner < 65536


def _split(program: LoopProgram, space: Space, kernel: Kernel) -> tuple[list[Step], list[Layout]]:
    """Two launches: every block's accumulators into a partial buffer, then those into the results."""
    reducings = program.all_reductions()
    rows, inner = prod(space.outer), space.inner
    columns = program.form == "columns"
    if columns:
        chunk = max(64, -(-prod(space.reduce) // 64))
        blocks = -(-prod(space.reduce) // chunk)
        shape: Shape = (rows, blocks, inner)
    else:
        chunk, blocks = REDUCE_BLOCK, -(-inner // REDUCE_BLOCK)
        shape = (rows, blocks)
    formats = [reductions.TABLE[r.name].initial(r.element.dtype)[0][0] for r in reducings]
    partials = [contiguous(shape, dtype) for dtype in formats]
    first = len(program.slots)
    slots = (*program.slots, *(Slot(dtype, "partial", CONTIGUOUS if columns else UNIFORM) for dtype in formats))
    stores = tuple((first + n, Expression("reduced", dtype, (), (n, 0))) for n, dtype in enumerate(formats))
    gather = replace(program, slots=slots, row_stores=stores, blocked=not columns)
    wide = _extended(space, len(formats))
    sources = [*kernel.sources, *(("partial", n) for n in range(len(formats)))]
    one = _step(
        gather, wide, sources, kernel, block=None if columns else chunk, reduce_block=chunk if columns else None
    )
    return [one, _combine_step(program, space, kernel, partials)], partials


def _extended(space: Space, count: int) -> Space:
    """The space with `count` more slots that do not move."""
    return replace(
        space,
        outer_strides=[*space.outer_strides, *[(0,) * len(space.outer)] * count],
        reduce_strides=[*space.reduce_strides, *[(0,) * len(space.reduce)] * count],
        inner_strides=[*space.inner_strides, *[0] * count],
    )


def _combine_step(program: LoopProgram, space: Space, kernel: Kernel, partials: list[Layout]) -> Step:
    """The second launch: reduces the partial accumulators and writes the results."""
    columns = program.form == "columns"
    first = len(program.slots)
    slots = list(program.slots)
    reducings = []
    row_strides: list[Shape] = []
    for number, (layout, old) in enumerate(zip(partials, program.all_reductions(), strict=True)):
        slots.append(Slot(layout.dtype, "input", CONTIGUOUS))
        reducings.append(Reducing(old.name, Expression("input", layout.dtype, (), first + number)))
        row_strides.append(_rows_of(space.outer, layout.strides[0] * layout.dtype.itemsize))
    combine = replace(
        program,
        slots=tuple(slots),
        stages=(Stage(tuple(reducings), ()),),
        reduce_rank=1 if columns else 0,
        blocked=False,
    )
    count = len(partials)
    itemsizes = [layout.dtype.itemsize for layout in partials]
    if columns:
        steps = [(layout.strides[1] * layout.dtype.itemsize,) for layout in partials]
        merged = Space(
            space.outer, (partials[0].shape[1],), space.inner,
            [*space.outer_strides, *row_strides], [*[(0,)] * first, *steps], [*space.inner_strides, *itemsizes],
        )  # fmt: skip
    else:
        merged = Space(
            space.outer, (), partials[0].shape[1],
            [*space.outer_strides, *row_strides], [()] * (first + count), [*[0] * first, *itemsizes],
        )  # fmt: skip
    return _step(combine, merged, [*kernel.sources, *(("partial", n) for n in range(count))], kernel)


def _rows_of(sizes: Shape, step: int) -> Shape:
    """Strides over `sizes` of something that lies row after row, `step` bytes apart."""
    strides = []
    for size in reversed(sizes):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def _step(
    program: LoopProgram,
    space: Space,
    sources: list[Source],
    kernel: Kernel,
    block: int | None = None,
    reduce_block: int | None = None,
) -> Step:
    rows = prod(space.outer)
    columns = program.form == "columns"
    if columns and not program.blocked:
        program = replace(program, blocked=True)
        block = COLUMN_BLOCK
    elif program.blocked:
        block = block or MAP_BLOCK
    blocks = -(-space.inner // block) if program.blocked and block else 1
    total = prod(space.reduce)
    reduce_blocks = -(-total // reduce_block) if reduce_block else 1
    units = rows * blocks * (reduce_blocks if columns else 1)
    reads_nothing = not program.all_reductions() and space.inner == 0
    work = rows * space.inner * max(total, 1) * _weight(program)
    grain = max(1, GRAIN_ELEMENTS * max(units, 1) // max(work, 1))
    meta = _meta(program, space, kernel, block or space.inner, blocks, reduce_block or total, reduce_blocks)
    vector_bytes = cpu.vector_bytes()
    text = KernelText(program.describe(), lambda: nest.emit(program, vector_bytes))
    code = jit.Code(f"{vector_bytes} {text.loops}", text.write, nest.NAME)
    scratch = _scratch_step(space.inner) * len(kept_values(program))
    floats = float_mask(program.slots)
    plan = native.make_plan(
        0, meta, 0 if reads_nothing else units, grain, scratch, len(program.slots), floats,
        work <= INLINE_ELEMENTS and not scratch,
    )  # fmt: skip
    way = (
        program.form, program.lane_bytes(), space.reduce, space.inner, space.visits, reduce_block,
        program.blocked and block,
    )  # fmt: skip
    ways: list[tuple[Any, ...]] = [(one.name, *way) for one in program.all_reductions()]
    arrangements = [*ways, ("load",)] if nest.extra_axes(program) else ways
    return Step(plan, sources, text, code, program, arrangements, _in_place(program, space, sources))


def _in_place(program: LoopProgram, space: Space, sources: list[Source]) -> set[tuple[int, int]]:
    """The pairs (input, output) where the output may lie in the input's place.

    An element must go where it was read, and no later pass over the row may read the input again. Rows share no
    element of an output, and each turn of a pass works out all its values before it writes.
    """
    if program.form == "columns" or (program.blocked and program.all_reductions()):
        return set()
    last_read: dict[int, int] = {}
    gathered: set[int] = set()
    stores = [*(stage.stores for stage in program.stages), program.row_stores]
    roots = [*(stage.roots() for stage in program.stages), [expression for _, expression in program.row_stores]]
    for number, one in enumerate(roots):
        for node in walk(one):
            if node.kind == "input":
                last_read[node.attribute] = number
            elif node.kind == "load":
                gathered.add(node.attribute[0])
    found = set()
    for number, pairs in enumerate(stores):
        for output in [slot for slot, _ in pairs if sources[slot][0] == "output"]:
            for source in {sources[slot] for slot in last_read if sources[slot][0] == "input"}:
                slots = [slot for slot, other in enumerate(sources) if other == source]
                if all(
                    slot not in gathered
                    and last_read.get(slot, 0) <= number
                    and _moves_alike(program, space, slot, output)
                    for slot in slots
                ):
                    found.add((int(source[1]), int(sources[output][1])))
    return found


def _moves_alike(program: LoopProgram, space: Space, one: int, other: int) -> bool:
    """Whether two slots are at the same distance from their beginnings at every place of the space."""
    return (
        program.slots[one].dtype.itemsize == program.slots[other].dtype.itemsize
        and space.outer_strides[one] == space.outer_strides[other]
        and space.reduce_strides[one] == space.reduce_strides[other]
        and space.inner_strides[one] == space.inner_strides[other]
    )


def float_mask(slots: Sequence[Slot]) -> int:
    """A bit for each slot that is a run-time number and a float."""
    return sum(1 << n for n, slot in enumerate(slots) if slot.role == "scalar" and slot.dtype is dtypes.float64)


def _scratch_step(inner: int) -> int:
    """Bytes between the values a kernel keeps: room for a row of the widest format."""
    return (inner * 8 + 63) // 64 * 64


def _weight(program: LoopProgram) -> int:
    """How much an element costs, in elements of a plain copy."""
    nodes = walk([root for stage in program.stages for root in stage.roots()])
    count = sum(1 for node in nodes if node.kind == "call" and node.attribute in EXPENSIVE)
    return 1 + EXPENSIVE_FACTOR * count


def _meta(
    program: LoopProgram, space: Space, kernel: Kernel, block: int, blocks: int, reduce_block: int, reduce_blocks: int
) -> list[int]:
    numbers = {
        "inner": space.inner,
        "block": block,
        "blocks": blocks,
        "turns": space.turns,
        "reduce_block": reduce_block,
        "reduce_blocks": reduce_blocks,
        "scratch_step": _scratch_step(space.inner),
    }
    values = []
    for name, *where in nest.meta_fields(program):
        place = [int(part) for part in where]
        if name == "outer":
            values.append(space.outer[place[0]])
        elif name == "reduce":
            values.append(space.reduce[place[0]])
        elif name == "outer_stride":
            values.append(space.outer_strides[place[0]][place[1]])
        elif name == "reduce_stride":
            values.append(space.reduce_strides[place[0]][place[1]])
        elif name == "inner_stride":
            values.append(space.inner_strides[place[0]])
        elif name == "extra_stride":
            values.append(kernel.gather_strides[place[0], place[1]])
        else:
            values.append(numbers[name])
    return values
