"""Turns loop expressions into code at one place of a loop nest: loads, arithmetic, stores, masks for the last turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from curta import dtypes
from curta.compiler import casts, remainder
from curta.compiler.code import Code, Value, vector_type
from curta.compiler.expression import Expression
from curta.compiler.instructions import TABLE
from curta.compiler.lanes import load_apart, store_apart
from curta.compiler.loops import CONTIGUOUS, REVERSED, STRIDED, UNIFORM, LoopProgram, scratch_itemsize, varying, walk
from curta.dtypes import compute_dtype
from curta.errors import CompilerError


@dataclass(slots=True)
class Place:
    """Where in the inner loop code is being emitted: the index of lane 0, how many lanes, and which of them count.

    `left` is how many of the first lanes those are, where it is known to be fewer than all.
    """

    index: Value
    lanes: int
    mask: Value | None = None
    left: Value | None = None
    memo: dict[int, Value] = field(default_factory=dict)


class Emitter:
    """Emits the expressions of one program into one function.

    Values that do not change along the inner dimension are emitted once a row, as scalars (`row_memo`); all others
    once a `Place`. `pointers` are the slots' row pointers, set by the loop nest for each row.
    """

    def __init__(self, code: Code, program: LoopProgram, arguments: Value, kept: dict[int, int]) -> None:
        self.code = code
        self.program = program
        self.arguments = arguments
        self.kept = kept
        self.scratch: dict[int, Value] = {}
        self.pointers: dict[int, Value] = {}
        self.inner_strides: dict[int, Value] = {}
        self.axis_index: dict[int, Value] = {}
        self.row_start = code.constant(0, "i64")
        self.reduce_start = code.constant(0, "i64")
        self.extra_strides: dict[tuple[int, int], Value] = {}
        self.reduced: dict[tuple[int, int], Value] = {}
        self.row_memo: dict[int, Value] = {}
        roots = [root for stage in program.stages for root in stage.roots()]
        self.moving = varying(program, roots + [expression for _, expression in program.row_stores])
        # which kept values are in scratch: from stages before, and from the stage being emitted
        self.stored_before: set[int] = set()
        self.stored_now: set[int] = set()

    def begin_row(self) -> None:
        self.row_memo = {}
        self.reduced = {}
        self.stored_before = set()

    def prepare(self, roots: list[Expression]) -> None:
        """Emit here, outside the inner loop, whatever the roots need that does not move along it."""
        for node in walk(roots):
            if id(node) not in self.moving and node.kind != "constant":
                self._uniform(node)

    def value(self, node: Expression, place: Place) -> Value:
        """The node's value at a place, with that place's lanes or as a scalar that holds for all of them."""
        if id(node) not in self.moving:
            return self._uniform(node)
        found = place.memo.get(id(node))
        if found is None:
            found = place.memo[id(node)] = self._kept_or_new(node, place)
        return found

    def _kept_or_new(self, node: Expression, place: Place) -> Value:
        number = self.kept.get(id(node))
        if number is None:
            return self._emit(node, place)
        address = self.code.offset(self.scratch[number], place.index * scratch_itemsize(node.dtype))
        if number in self.stored_before:
            return casts.from_memory(self._load_raw(address, casts.memory_type(node.dtype), place), node.dtype)
        self.stored_now.add(number)
        fresh = self._emit(node, place)
        self._store_raw(casts.to_memory(fresh, node.dtype), address, place)
        return fresh

    def end_stage(self) -> None:
        """What this stage kept, later stages load."""
        self.stored_before |= self.stored_now
        self.stored_now = set()

    def _uniform(self, node: Expression) -> Value:
        found = self.row_memo.get(id(node))
        if found is None:
            here = Place(self.code.constant(0, "i64"), 1)
            found = self._emit(node, here)
            if node.kind != "constant":
                self.row_memo[id(node)] = found
        return found

    def _emit(self, node: Expression, place: Place) -> Value:
        operands = [self.value(operand, place) for operand in node.operands]
        if node.kind == "call":
            return self._call(node, operands)
        if node.kind == "cast":
            return casts.convert(operands[0], node.operands[0].dtype, node.dtype, half=node.attribute == "half")
        if node.kind == "constant":
            return self.code.constant(node.attribute, casts.llvm_type(node.dtype))
        if node.kind == "input":
            return self._load(node.attribute, place, self.pointers[node.attribute])
        if node.kind == "load":
            return self._load_at(node, operands, place)
        if node.kind == "scalar":
            return self._scalar(node)
        if node.kind == "reduced":
            return self.reduced[node.attribute]
        return self._position(node, place)

    def _call(self, node: Expression, operands: list[Value]) -> Value:
        lanes = max(operand.lanes for operand in operands)
        operands = [self.code.spread(operand, lanes) for operand in operands]
        if node.attribute == "select":
            return operands[0].select(operands[1], operands[2])
        return TABLE[node.attribute](node.operands[0].dtype, *operands)

    def _scalar(self, node: Expression) -> Value:
        """A run-time number: doubles for float formats, int64 for all others."""
        address = self.code.offset(self.arguments, 8 * int(node.attribute))
        if node.dtype.is_floating_point:
            return casts.convert(self.code.load(address, "double"), dtypes.float64, node.dtype)
        return casts.convert(self.code.load(address, "i64"), dtypes.int64, node.dtype)

    def _position(self, node: Expression, place: Place) -> Value:
        inner = place.index
        if place.lanes > 1:
            inner = self.code.spread(inner, place.lanes) + self.code.iota("i64", place.lanes)
        if node.kind == "flat_index":
            return self.code.spread(self.row_start, inner.lanes) + inner
        if node.kind == "reduce_index":
            return self.code.spread(self.reduce_start, inner.lanes) + inner
        if node.kind == "index":
            return inner if node.attribute == self.program.outer_rank else self.axis_index[node.attribute]
        raise CompilerError(f"unknown expression {node.kind}")

    # memory

    def _load(self, slot: int, place: Place, pointer: Value) -> Value:
        dtype = self.program.slots[slot].dtype
        return casts.from_memory(self._load_from(slot, place, pointer), dtype)

    def _load_from(self, slot: int, place: Place, pointer: Value) -> Value:
        operand = self.program.slots[slot]
        kind = casts.memory_type(operand.dtype)
        if operand.inner == UNIFORM or place.lanes == 1:
            if operand.inner != UNIFORM:
                pointer = self.code.offset(pointer, place.index * self._step(slot))
            return self.code.load(pointer, kind)
        if operand.inner == CONTIGUOUS:
            return self._load_raw(self.code.offset(pointer, place.index * operand.dtype.itemsize), kind, place)
        if operand.inner == REVERSED and place.mask is None:
            return self._load_backwards(pointer, kind, place, operand.dtype.itemsize)
        if place.mask is None:
            return load_apart(self.code, self._lane_addresses(slot, place, pointer), kind)
        return self._gather(self._lane_pointers(slot, place, pointer), kind, place)

    def _load_backwards(self, pointer: Value, kind: str, place: Place, size: int) -> Value:
        """Neighbours in memory, the last one first."""
        last = place.index + (place.lanes - 1)
        loaded = self.code.load(self.code.offset(pointer, last * -size), kind, place.lanes)
        lanes = ", ".join(f"i32 {lane}" for lane in reversed(range(place.lanes)))
        return self.code.emit(
            f"shufflevector {loaded.full_type} {loaded.ref}, {loaded.full_type} poison, "
            f"<{place.lanes} x i32> <{lanes}>", kind, place.lanes,
        )  # fmt: skip

    def _lane_addresses(self, slot: int, place: Place, pointer: Value) -> list[Value]:
        """One address for each lane, in scalar arithmetic: AVX2 has no product of vectors of 64-bit integers."""
        step = self.inner_strides[slot]
        addresses: list[Value] = []
        for lane in range(place.lanes):
            if lane % 4 == 0:
                first = self.code.offset(pointer, place.index * step + step * lane)
            addresses.append(self.code.offset(first, step * (lane % 4)) if lane % 4 else first)
        return addresses

    def _step(self, slot: int) -> Value | int:
        operand = self.program.slots[slot]
        return operand.dtype.itemsize if operand.inner == CONTIGUOUS else self.inner_strides[slot]

    def _lane_pointers(self, slot: int, place: Place, pointer: Value) -> Value:
        if self.program.slots[slot].inner == UNIFORM:
            return self.code.spread(pointer, place.lanes)
        lanes = self.code.spread(place.index, place.lanes) + self.code.iota("i64", place.lanes)
        return self.code.offset(pointer, lanes * self._step(slot))

    def _load_at(self, node: Expression, operands: list[Value], place: Place) -> Value:
        slot, axes, guarded = node.attribute
        pointer = self.pointers[slot]
        distance = self.code.constant(0, "i64")
        for axis, coordinate in zip(axes, operands, strict=False):
            distance = distance + coordinate * self.extra_strides[slot, axis]
        dtype = self.program.slots[slot].dtype
        if not guarded and distance.lanes == 1:
            return self._load(slot, place, self.code.offset(pointer, distance))
        kind = casts.memory_type(dtype)
        if place.lanes == 1:  # guarded: a distance that is not has as many lanes as the place
            return self._guarded_scalar(slot, pointer, distance, operands[-1], place)
        mask = operands[-1] if guarded else None
        pointers = self.code.offset(self._lane_pointers(slot, place, pointer), self.code.spread(distance, place.lanes))
        return casts.from_memory(self._gather(pointers, kind, place, mask), dtype)

    def _guarded_scalar(self, slot: int, pointer: Value, distance: Value, mask: Value, place: Place) -> Value:
        """A scalar load that a False condition turns into a harmless one of the slot's own first element."""
        moved = self.code.offset(pointer, distance)
        if self.program.slots[slot].inner != UNIFORM:
            moved = self.code.offset(moved, place.index * self._step(slot))
        dtype = self.program.slots[slot].dtype
        raw = self.code.load(mask.select(moved, self.pointers[slot]), casts.memory_type(dtype))
        return mask.select(casts.from_memory(raw, dtype), 0)

    def _gather(self, pointers: Value, kind: str, place: Place, condition: Value | None = None) -> Value:
        code, lanes = self.code, place.lanes
        mask = place.mask or code.constant(1, "i1", lanes)
        if condition is not None:
            mask = mask & condition
        full = vector_type(kind, lanes)
        name = f"llvm.masked.gather.v{lanes}{_suffix(kind)}.v{lanes}p0"
        code.declarations[name] = f"declare {full} @{name}(<{lanes} x ptr>, i32, <{lanes} x i1>, {full})"
        return code.emit(
            f"call {full} @{name}({pointers.full_type} {pointers.ref}, i32 1, "
            f"{mask.full_type} {mask.ref}, {full} zeroinitializer)",
            kind,
            lanes,
        )

    def _load_raw(self, address: Value, kind: str, place: Place) -> Value:
        code, lanes = self.code, place.lanes
        if place.mask is None or lanes == 1:
            return code.load(address, kind, lanes)
        if place.left is not None and remainder.loads_in_pieces(kind):
            return remainder.load_first(code, address, kind, lanes, place.left)
        full = vector_type(kind, lanes)
        name = f"llvm.masked.load.v{lanes}{_suffix(kind)}.p0"
        code.declarations[name] = f"declare {full} @{name}(ptr, i32, <{lanes} x i1>, {full})"
        return code.emit(
            f"call {full} @{name}(ptr {address.ref}, i32 1, {place.mask.full_type} {place.mask.ref}, "
            f"{full} zeroinitializer)",
            kind,
            lanes,
        )

    def _store_raw(self, raw: Value, address: Value, place: Place) -> None:
        code, lanes = self.code, place.lanes
        raw = code.spread(raw, lanes)
        if place.mask is None or lanes == 1:
            code.store(raw, address)
            return
        if place.left is not None and remainder.stores_in_pieces():
            remainder.store_first(code, raw, address, place.left)
            return
        name = f"llvm.masked.store.v{lanes}{_suffix(raw.type)}.p0"
        code.declarations[name] = f"declare void @{name}({raw.full_type}, ptr, i32, <{lanes} x i1>)"
        code.effect(
            f"call void @{name}({raw.full_type} {raw.ref}, ptr {address.ref}, i32 1, "
            f"{place.mask.full_type} {place.mask.ref})"
        )

    def store_all(self, stores: Sequence[tuple[int, Expression]], place: Place) -> None:
        """Write to output slots at a place: all values first, since an output may lie where an input does."""
        for _, node in stores:
            self.value(node, place)
        for slot, node in stores:
            self._store(slot, node, place)

    def _store(self, slot: int, node: Expression, place: Place) -> None:
        operand = self.program.slots[slot]
        if node.dtype is not compute_dtype(operand.dtype):
            raise CompilerError(f"store: requires {operand.dtype.short}, got {node.dtype.short}")
        value = self.code.spread(self.value(node, place), place.lanes)
        raw = casts.to_memory(value, operand.dtype)
        pointer = self.pointers[slot]
        if place.lanes == 1 and operand.inner == UNIFORM:
            self.code.store(raw, pointer)
        elif place.lanes == 1:
            self.code.store(raw, self.code.offset(pointer, place.index * self._step(slot)))
        elif operand.inner == STRIDED and place.mask is None:
            store_apart(self.code, raw, self._lane_addresses(slot, place, pointer))
        elif operand.inner == STRIDED:
            self._scatter(raw, self._lane_pointers(slot, place, pointer), place)
        else:
            self._store_raw(raw, self.code.offset(pointer, place.index * operand.dtype.itemsize), place)

    def _scatter(self, raw: Value, pointers: Value, place: Place) -> None:
        code, lanes = self.code, place.lanes
        mask = place.mask or code.constant(1, "i1", lanes)
        name = f"llvm.masked.scatter.v{lanes}{_suffix(raw.type)}.v{lanes}p0"
        code.declarations[name] = f"declare void @{name}({raw.full_type}, <{lanes} x ptr>, i32, <{lanes} x i1>)"
        code.effect(
            f"call void @{name}({raw.full_type} {raw.ref}, {pointers.full_type} {pointers.ref}, i32 1, "
            f"{mask.full_type} {mask.ref})"
        )


def _suffix(kind: str) -> str:
    return {"half": "f16", "float": "f32", "double": "f64"}.get(kind, kind)
