"""Reading and writing at computed places: rows of a matrix by number, elements along a dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import dtypes
from curta.compiler.casts import memory_type
from curta.compiler.code import Code, Value, function
from curta.compiler.expression import Expression
from curta.compiler.nest import NAME, SIGNATURE
from curta.compiler.schedule import Step
from curta.dtypes import DType, compute_dtype
from curta.errors import ShapeError
from curta.memory.layout import Layout, contiguous
from curta.ops.dispatch import bind
from curta.ops.embedding import EMBEDDING
from curta.ops.record import Cost, Generated, Gradient, Op, Pointwise
from curta.runtime import cpu, jit, native

if TYPE_CHECKING:
    from curta.tensor import Tensor

#: columns that one unit of work writes: fixed, so that the order of additions never depends on threads
COLUMNS = 64
_FIELDS = ("rows", "count", "width", "source_row", "source_column", "base_row", "base_column", "out_row", "index_step")


def _infer_put(base: Layout, source: Layout, rows: Layout, accumulate: bool) -> Layout:
    if source.shape != (*rows.shape, base.shape[1]):
        raise ShapeError(f"put_rows: requires a source of shape [{rows.shape[0]},{base.shape[1]}], got {source}")
    return contiguous(base.shape, base.dtype, base.device)


class _PutRows:
    """Writes the kernel: for a block of columns, copy the base, then put or add the source's rows in their order."""

    def __init__(self, dtype: DType, dense: bool, accumulate: bool, vector_bytes: int) -> None:
        self.code = Code(cpu.features())
        plain = {1: "i8", 2: "i16"}.get(dtype.itemsize)
        self.kind: str = plain if plain is not None and not accumulate else memory_type(dtype)
        self.itemsize = dtype.itemsize
        self.dense = dense
        self.accumulate = accumulate
        self.lanes = max(1, vector_bytes // dtype.itemsize)

    def text(self) -> str:
        code = self.code
        meta, arguments = Value(code, "%meta", "ptr"), Value(code, "%args", "ptr")
        m = {name: code.load(code.offset(meta, 8 * n), "i64", align=8) for n, name in enumerate(_FIELDS)}
        base, source, rows, out = (code.load(code.offset(arguments, 8 * n), "ptr", align=8) for n in range(4))
        with code.loop(Value(code, "%start", "i64"), Value(code, "%stop", "i64")) as units:
            low = units.index * COLUMNS
            end = low + COLUMNS
            high = end.lt(m["width"]).select(end, m["width"])
            with code.loop(0, m["count"]) as row:
                target = code.offset(out, row.index * m["out_row"])
                self._row(code.offset(base, row.index * m["base_row"]), m["base_column"], target, low, high, None)
            with code.loop(0, m["rows"]) as row:
                number = code.load(code.offset(rows, row.index * m["index_step"]), "i64")
                target = code.offset(out, number * m["out_row"])
                origin = code.offset(source, row.index * m["source_row"])
                self._row(origin, m["source_column"], target, low, high, self.accumulate)
        code.effect("ret void")
        return function(code, NAME, SIGNATURE)

    def _row(self, origin: Value, step: Value, target: Value, low: Value, high: Value, add: bool | None) -> None:
        """One row's columns; `add` is None for the base, whose columns may have any stride."""
        code = self.code
        whole = low
        if self.dense and add is not None and self.lanes > 1:
            whole = low + (high - low - ((high - low) & (self.lanes - 1)))
            with code.loop(low, whole, self.lanes) as loop:
                place = code.offset(target, loop.index * self.itemsize)
                value = code.load(code.offset(origin, loop.index * self.itemsize), self.kind, self.lanes)
                if add:
                    value = code.load(place, self.kind, self.lanes) + value
                code.store(value, place)
        with code.loop(whole, high) as loop:
            place = code.offset(target, loop.index * self.itemsize)
            value = code.load(code.offset(origin, loop.index * step), self.kind)
            if add:
                value = code.load(place, self.kind) + value
            code.store(value, place)


def _plan_put(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], accumulate: bool) -> list[Step]:
    base, source, rows = inputs
    size = base.dtype.itemsize
    dense = source.strides[1] == 1
    vector_bytes = cpu.vector_bytes()
    address = jit.cached(
        f"put_rows {base.dtype.name} {dense} {accumulate} {vector_bytes}",
        lambda: _PutRows(base.dtype, dense, accumulate, vector_bytes).text(),
        NAME,
    )
    width = base.shape[1]
    meta = [
        rows.shape[0], base.shape[0], width, source.strides[0] * size, source.strides[1] * size,
        base.strides[0] * size, base.strides[1] * size, outputs[0].strides[0] * size, rows.strides[0] * 8,
    ]  # fmt: skip
    plan = native.make_plan(address, meta, -(-width // COLUMNS), 1, 0, 4, 0, False)
    return [Step(plan, [("input", 0), ("input", 1), ("input", 2), ("output", 0)], None)]


def _put_rule(node: Any, g: Any) -> tuple[Any, ...]:
    rows = node.input(2)
    to_source = bind(EMBEDDING, (g, rows.unsqueeze(-1)))
    if node.params["accumulate"]:
        return g, to_source, None
    return bind(PUT_ROWS, (g, to_source * 0, rows), accumulate=False), to_source, None


def _put_cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], accumulate: bool) -> Cost:
    base, source, rows = inputs
    read = base.nbytes + source.nbytes + rows.nbytes
    return Cost(source.numel if accumulate else 0, 0, read, outputs[0].nbytes + source.nbytes)


#: base[V, D], source[N, D], row numbers[N]: the base with the source's rows put (or added) where they belong
PUT_ROWS = Op("put_rows", _infer_put, Generated(_plan_put), Gradient(_put_rule, inputs=(2,)), _put_cost)


def put_rows(base: Tensor, source: Tensor, rows: Tensor, accumulate: bool) -> Tensor:
    """`PUT_ROWS`; sums of half formats run in float32 and are rounded once."""
    dtype = base.layout.dtype
    wide = compute_dtype(dtype)
    if accumulate and wide is not dtype:
        return bind(PUT_ROWS, (base.to(wide), source.to(wide), rows), accumulate=True).to(dtype)
    if accumulate and dtype is dtypes.bool_:
        wide = dtypes.uint8
        return bind(PUT_ROWS, (base.to(wide), source.to(wide), rows), accumulate=True).to(dtype)
    return bind(PUT_ROWS, (base, source, rows), accumulate=accumulate)


def scatter_rows(source: Tensor, rows: Tensor, count: int) -> Tensor:
    """[N, D] rows added up by number [N] into [count, D]; rows that nothing goes to are 0."""
    from curta.ops.creation import zeros_of

    width = source.layout.shape[1]
    zero = zeros_of(contiguous((1, 1), source.layout.dtype, source.layout.device)).expand(count, width)
    return put_rows(zero, source, rows, True)


def take_rows(source: Tensor, rows: Tensor) -> Tensor:
    """[V, D] and row numbers [...] (in range, not negative) to [..., D]."""
    return bind(EMBEDDING, (source, rows.unsqueeze(-1)))


# along a dimension


def _infer_gather(x: Layout, places: Layout, dim: int) -> Layout:
    return contiguous(places.shape, x.dtype, x.device)


def _gather_source(x: Layout, shape: tuple[int, ...], dim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(0 if axis == dim else stride for axis, stride in enumerate(x.strides)), (dim,)


def _gather_element(read: Any, place: Expression, dim: int) -> Expression:
    element: Expression = read(place.to(dtypes.int64))
    return element


def linear_places(places: Tensor, shape: tuple[int, ...], dim: int) -> Tensor:
    """Where `gather` reads from a row-major tensor of `shape`, flat."""
    from curta.ops.movement import places_of

    steps = contiguous(shape, dtypes.int64).strides
    others = tuple(0 if axis == dim else step for axis, step in enumerate(steps))
    return (places_of(places.layout.shape, others, 0) + places * steps[dim]).reshape(-1)


def _gather_rule(node: Any, g: Any) -> tuple[Any, None]:
    layout: Layout = node.input_layouts[0]
    flat = linear_places(node.input(1), layout.shape, node.params["dim"])
    return scatter_rows(g.reshape(-1, 1), flat, layout.numel).reshape(layout.shape), None


def _gather_cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], dim: int) -> Cost:
    return Cost(0, 0, outputs[0].nbytes + inputs[1].nbytes, outputs[0].nbytes)


#: x and places along `dim` (in range, not negative): the elements there
GATHER = Op(
    "gather",
    _infer_gather,
    Pointwise(_gather_element, "raw", gathered=_gather_source),
    Gradient(_gather_rule, inputs=(1,)),
    _gather_cost,
)
