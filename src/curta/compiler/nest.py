"""Writes a loop program as one LLVM function: rows, passes over each row, and reductions down columns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from curta.compiler import reductions
from curta.compiler.code import Code, Loop, Value, coordinates, following, function
from curta.compiler.emitter import Emitter, Place
from curta.compiler.loops import LoopProgram, Stage, kept_values, walk
from curta.compiler.reductions import TABLE, Reduction, Values
from curta.dtypes import DType
from curta.runtime import cpu

SIGNATURE = "ptr noalias %args, ptr noalias %meta, ptr noalias %scratch, i64 %start, i64 %stop"
NAME = "kernel"


def meta_fields(program: LoopProgram) -> list[tuple[str, ...]]:
    """The run-time numbers a kernel reads from its `meta`, in order; strides are in bytes."""
    fields: list[tuple[str, ...]] = [("inner",), ("block",), ("blocks",), ("turns",), ("reduce_block",)]
    fields += [("reduce_blocks",), ("scratch_step",)]
    fields += [("outer", str(d)) for d in range(program.outer_rank)]
    fields += [("reduce", str(d)) for d in range(program.reduce_rank)]
    for number, slot in enumerate(program.slots):
        if slot.role != "scalar":
            fields += [("outer_stride", str(number), str(d)) for d in range(program.outer_rank)]
            fields += [("reduce_stride", str(number), str(d)) for d in range(program.reduce_rank)]
            fields.append(("inner_stride", str(number)))
    fields += [("extra_stride", str(slot), str(axis)) for slot, axis in extra_axes(program)]
    return fields


def extra_axes(program: LoopProgram) -> list[tuple[int, int]]:
    """The (slot, axis) pairs that computed loads move along."""
    roots = [r for stage in program.stages for r in stage.roots()] + [e for _, e in program.row_stores]
    loads = [node for node in walk(roots) if node.kind == "load"]
    return sorted({(node.attribute[0], axis) for node in loads for axis in node.attribute[1]})


class Nest:
    """The loop nest of one program under construction."""

    def __init__(self, program: LoopProgram, vector_bytes: int) -> None:
        self.program = program
        self.code = Code(cpu.features())
        self.kept = kept_values(program)
        self.arguments = Value(self.code, "%args", "ptr")
        self.emitter = Emitter(self.code, program, self.arguments, self.kept)
        self.lanes = max(1, vector_bytes // program.lane_bytes())
        # four vectors of accumulators hide the latency of adding; two at a time keep long chains of arithmetic busy
        self.narrow = self.lanes
        if program.form == "rows":
            self.lanes *= 4 if program.all_reductions() else 2
        self.meta = self._load_meta()
        self.bases = self._load_arguments()

    def _load_meta(self) -> dict[tuple[str, ...], Value]:
        meta = Value(self.code, "%meta", "ptr")
        return {
            name: self.code.load(self.code.offset(meta, 8 * place), "i64", align=8)
            for place, name in enumerate(meta_fields(self.program))
        }

    def _load_arguments(self) -> dict[int, Value]:
        for slot, axis in extra_axes(self.program):
            self.emitter.extra_strides[slot, axis] = self.meta["extra_stride", str(slot), str(axis)]
        bases = {}
        for number, operand in enumerate(self.program.slots):
            if operand.role != "scalar":
                bases[number] = self.code.load(self.code.offset(self.arguments, 8 * number), "ptr", align=8)
                self.emitter.inner_strides[number] = self.meta["inner_stride", str(number)]
        return bases

    def write(self) -> None:
        """Write the function's body, but for its return."""
        start, stop = Value(self.code, "%start", "i64"), Value(self.code, "%stop", "i64")
        if self.program.outer_rank > 1 and self.program.form == "rows" and not self.program.blocked:
            self._runs(start, stop)
            return
        with self.code.loop(start, stop) as units:
            self._unit(units.index, None)

    def _runs(self, start: Value, stop: Value) -> None:
        """Rows along the last outer dimension, one such run after the other: a division or a product for each row would
        take as long as the work on a short one."""
        code, sizes = self.code, self._sizes("outer", self.program.outer_rank)
        with code.repeat([start, *coordinates(start, sizes)]) as runs:
            unit, *before, first = runs.carried
            end = _smaller(sizes[-1], first + (stop - unit))
            with code.loop(first, end) as rows:
                self._unit(unit + (rows.index - first), [*before, rows.index])
            behind = unit + (end - first)
            runs.carried_out = [behind, *following(before, sizes[:-1]), code.constant(0, "i64")]
            runs.again = behind.lt(stop)

    def text(self) -> str:
        """The whole function."""
        self.write()
        self.code.effect("ret void")
        return function(self.code, NAME, SIGNATURE)

    def _unit(self, unit: Value, places: list[Value] | None) -> None:
        """One unit; `places` is its row along the outer dimensions, where that is not worked out from its number."""
        code, program, meta, emitter = self.code, self.program, self.meta, self.emitter
        row, low, high = unit, code.constant(0, "i64"), meta["inner",]
        if program.blocked:
            group = unit.unsigned_divide(meta["turns",])
            row = group.unsigned_divide(meta["blocks",])
            low = (group - row * meta["blocks",]) * meta["block",]
            row = row * meta["turns",] + (unit - group * meta["turns",])
            high = _smaller(low + meta["block",], meta["inner",])
        reduce_low, reduce_high = code.constant(0, "i64"), self._reduce_size()
        if program.form == "columns":
            rest = row.unsigned_divide(meta["reduce_blocks",])
            chunk = row - rest * meta["reduce_blocks",]
            reduce_low = chunk * meta["reduce_block",]
            reduce_high = _smaller(reduce_low + meta["reduce_block",], reduce_high)
            row = rest
        emitter.begin_row()
        if places is None:
            places = coordinates(row, self._sizes("outer", program.outer_rank))
        self._place_row(row, unit, places)
        self._place_scratch()
        if program.form == "columns":
            self._columns(low, high, reduce_low, reduce_high)
        else:
            for number, stage in enumerate(program.stages):
                self._stage(stage, number, low, high)
            emitter.store_all(program.row_stores, Place(code.constant(0, "i64"), 1))

    def _reduce_size(self) -> Value:
        size = self.code.constant(1, "i64")
        for dimension in range(self.program.reduce_rank):
            size = size * self.meta["reduce", str(dimension)]
        return size

    def _sizes(self, kind: str, rank: int) -> list[Value]:
        return [self.meta[kind, str(dimension)] for dimension in range(rank)]

    def _place_row(self, row: Value, unit: Value, places: Sequence[Value]) -> None:
        program, emitter = self.program, self.emitter
        emitter.row_start = row * self.meta["inner",]
        emitter.axis_index = dict(enumerate(places))
        partial = program.blocked or program.form == "columns"
        for number, base in self.bases.items():
            pointer = base
            if program.slots[number].role == "partial" and partial:
                pointer = self.code.offset(base, self._partial_offset(number, row, unit))
            else:
                for dimension, place in enumerate(places):
                    pointer = self.code.offset(pointer, place * self.meta["outer_stride", str(number), str(dimension)])
            emitter.pointers[number] = pointer

    def _partial_offset(self, number: int, row: Value, unit: Value) -> Value:
        """Accumulators of the blocks lie one after the other: by unit, or by (row, chunk) rows of `inner` columns."""
        itemsize = self.program.slots[number].dtype.itemsize
        if self.program.form == "rows":
            return unit * itemsize
        whole = unit.unsigned_divide(self.meta["blocks",]) if self.program.blocked else unit
        return whole * self.meta["inner",] * itemsize

    def _place_scratch(self) -> None:
        scratch = Value(self.code, "%scratch", "ptr")
        for number in self.kept.values():
            self.emitter.scratch[number] = self.code.offset(scratch, self.meta["scratch_step",] * number)

    def _stage(self, stage: Stage, number: int, low: Value, high: Value) -> None:
        code, emitter, program = self.code, self.emitter, self.program
        first = sum(len(s.reductions) for s in program.stages[:number])
        if not program.reduce_rank:
            emitter.prepare(stage.roots())
        flat = [*self._accumulators(stage, self.lanes), *self._accumulators(stage, self.narrow)]
        if program.reduce_rank:
            sizes = self._sizes("reduce", program.reduce_rank)
            origin = [code.constant(0, "i64") for _ in sizes]
            with code.loop(0, self._reduce_size(), carried=[*origin, *flat]) as outer:
                saved = dict(emitter.pointers)
                emitter.row_memo = {}
                places, held = outer.carried[: len(sizes)], outer.carried[len(sizes) :]
                self._move_pointers(places)
                emitter.reduce_start = outer.index * self.meta["inner",]
                emitter.prepare(stage.roots())
                outer.carried_out = [*following(places, sizes), *self._inner(stage, low, high, held)]
                emitter.pointers = saved
                emitter.row_memo = {}
            flat = outer.results[len(sizes) :]
        else:
            flat = self._inner(stage, low, high, flat)
        emitter.end_stage()
        self._merge_accumulators(stage, first, flat, (high - low).ge(self.lanes))

    def _accumulators(self, stage: Stage, lanes: int) -> list[Value]:
        """Fresh ones for all the reductions of a stage, one after the other."""
        sets = [reductions.start(self.code, TABLE[r.name], r.element.dtype, lanes) for r in stage.reductions]
        return [value for accumulators in sets for value in accumulators]

    def _both(self, reduction: Reduction, wide: Values, narrow: Values, dtype: DType, turned: Value) -> Values:
        """The accumulators of wide turns and of narrow ones as one, if there was a wide turn: it takes as long as the
        work on a short row."""

        def joined() -> Values:
            return reduction.combine(
                reductions.across_lanes(self.code, reduction, wide, dtype, self.narrow), narrow, dtype
            )

        return self.code.unless_any(turned, narrow, joined)

    def _merge_accumulators(self, stage: Stage, first: int, flat: Sequence[Value], turned: Value) -> None:
        """The results of a stage's reductions, from the accumulators of the wide turns, if there were, and of the
        narrow ones."""
        half = len(flat) // 2
        wide, narrow = list(flat[:half]), list(flat[half:])
        for offset, reducing in enumerate(stage.reductions):
            reduction, dtype = TABLE[reducing.name], reducing.element.dtype
            count = len(reduction.initial(dtype))
            both = self._both(reduction, wide[:count], narrow[:count], dtype, turned)
            wide, narrow = wide[count:], narrow[count:]
            for place, value in enumerate(reductions.across_lanes(self.code, reduction, both, dtype)):
                self.emitter.reduced[first + offset, place] = value

    def _move_pointers(self, places: Sequence[Value]) -> None:
        for dimension, place in enumerate(places):  # the axes' numbers go on behind the inner one's
            self.emitter.axis_index[self.program.outer_rank + 1 + dimension] = place
        for number, pointer in self.emitter.pointers.items():
            moved = pointer
            for dimension, place in enumerate(places):
                moved = self.code.offset(moved, place * self.meta["reduce_stride", str(number), str(dimension)])
            self.emitter.pointers[number] = moved

    def _inner(self, stage: Stage, low: Value, high: Value, flat: Sequence[Value]) -> list[Value]:
        """The pass over the inner dimension: several vectors at a time, then one, then what is left under a mask.

        `flat` are the accumulators of the wide turns, then those of the narrow ones.
        """
        code, half = self.code, len(flat) // 2
        size = high - low
        whole = low + (size - (size & (self.lanes - 1)))
        with code.loop(low, whole, self.lanes, flat[:half]) as loop:
            loop.carried_out = self._turn(stage, Place(loop.index, self.lanes), loop.carried)
        full = low + (size - (size & (self.narrow - 1)))
        with self._rest(whole, full, self.lanes // self.narrow, flat[half:]) as single:
            single.carried_out = self._turn(stage, Place(single.index, self.narrow), single.carried)
        if self.narrow == 1:
            return [*loop.results, *single.results]
        with code.turn(full, high, single.results) as last:
            left = high - last.index
            mask = code.iota("i64", self.narrow).lt(code.spread(left, self.narrow))
            last.carried_out = self._turn(stage, Place(last.index, self.narrow, mask, left), last.carried)
        return [*loop.results, *last.results]

    def _rest(self, start: Value, stop: Value, below: int, carried: Sequence[Value]) -> AbstractContextManager[Loop]:
        """The narrow turns behind the wide ones, fewer than `below`."""
        if below == 2:
            return self.code.turn(start, stop, carried)
        return self.code.loop(start, stop, self.narrow, carried)

    def _turn(self, stage: Stage, place: Place, flat: Sequence[Value]) -> list[Value]:
        code, emitter = self.code, self.emitter
        after: list[Value] = []
        position = 0
        for reducing in stage.reductions:
            reduction = TABLE[reducing.name]
            dtype = reducing.element.dtype
            count = len(reduction.initial(dtype))
            before = list(flat[position : position + count])
            position += count
            element = code.spread(emitter.value(reducing.element, place), place.lanes)
            index = code.spread(place.index + emitter.reduce_start, place.lanes)
            if count > 1 and place.lanes > 1:
                index = index + code.iota("i64", place.lanes)
            stepped = reduction.step(before, element, index, dtype)
            if place.mask is not None:
                stepped = [place.mask.select(new, old) for new, old in zip(stepped, before, strict=True)]
            after += stepped
        emitter.store_all(stage.stores, place)
        return after

    # reductions down the columns

    def _columns(self, low: Value, high: Value, reduce_low: Value, reduce_high: Value) -> None:
        """One block of columns: accumulators stay in registers while the rows stream by, a few vectors at a time."""
        code = self.code
        wide = 4 * self.lanes
        size = high - low
        whole = low + (size - (size & (wide - 1)))
        with code.loop(low, whole, wide) as loop:
            self._column_group(Place(loop.index, wide), reduce_low, reduce_high)
        with code.loop(whole, high, self.lanes) as loop:
            left = code.spread(high - loop.index, self.lanes)
            mask = code.iota("i64", self.lanes).lt(left) if self.lanes > 1 else None
            self._column_group(Place(loop.index, self.lanes, mask), reduce_low, reduce_high)

    def _column_group(self, place: Place, reduce_low: Value, reduce_high: Value) -> None:
        code, emitter, stage = self.code, self.emitter, self.program.stages[0]
        emitter.row_memo = {}
        flat = self._accumulators(stage, place.lanes)
        sizes = self._sizes("reduce", self.program.reduce_rank)
        with code.loop(reduce_low, reduce_high, carried=[*coordinates(reduce_low, sizes), *flat]) as rows:
            saved = dict(emitter.pointers)
            emitter.row_memo = {}
            places, held = rows.carried[: len(sizes)], rows.carried[len(sizes) :]
            self._move_pointers(places)
            emitter.prepare(stage.roots())
            rows.carried_out = [*following(places, sizes), *self._column_step(stage, place, rows.index, held)]
            emitter.pointers = saved
        emitter.row_memo = {}
        flat = rows.results[len(sizes) :]
        emitter.reduced = {}
        for number, reducing in enumerate(stage.reductions):
            count = len(TABLE[reducing.name].initial(reducing.element.dtype))
            for accumulator, value in enumerate(flat[:count]):
                emitter.reduced[number, accumulator] = value
            flat = flat[count:]
        self._store_columns(Place(place.index, place.lanes, place.mask))

    def _store_columns(self, place: Place) -> None:
        """Here reduced values are vectors: everything that depends on them is evaluated at the place."""
        emitter, stores = self.emitter, self.program.row_stores
        moving = emitter.moving
        changed: set[int] = set()
        for node in walk([expression for _, expression in stores]):
            if node.kind == "reduced" or any(id(operand) in changed for operand in node.operands):
                changed.add(id(node))
        emitter.moving = moving | changed
        emitter.store_all(stores, place)
        emitter.moving = moving

    def _column_step(self, stage: Stage, place: Place, row: Value, carried: Sequence[Value]) -> list[Value]:
        code, emitter = self.code, self.emitter
        here = Place(place.index, place.lanes, place.mask)
        after: list[Value] = []
        position = 0
        for reducing in stage.reductions:
            reduction = TABLE[reducing.name]
            dtype = reducing.element.dtype
            count = len(reduction.initial(dtype))
            before = list(carried[position : position + count])
            position += count
            element = code.spread(emitter.value(reducing.element, here), place.lanes)
            after += reduction.step(before, element, code.spread(row, place.lanes), dtype)
        return after


def _smaller(left: Value, right: Value) -> Value:
    return left.lt(right).select(left, right)


def emit(program: LoopProgram, vector_bytes: int) -> str:
    """The LLVM text of `program`."""
    return Nest(program, vector_bytes).text()
