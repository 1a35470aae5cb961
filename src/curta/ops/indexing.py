"""Gathering and scattering: elements read at computed places, and written there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta import shapes
from curta.compiler.expression import Expression, index
from curta.compiler.row_totals import plan_row_totals
from curta.compiler.scatter import plan_scatter
from curta.compiler.scatter_lines import plan_lines
from curta.dtypes import compute_dtype, float32, int64
from curta.memory.layout import Layout, Shape, contiguous
from curta.methods import late
from curta.ops.dispatch import bind
from curta.ops.inference import bytes_read, each
from curta.ops.record import NO_GRADIENT, Cost, Generated, Gradient, Op, Pointwise

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor

#: the most dimensions that one expression may index with tensors
MOST_INDICES = 16

# gathering
#
# `sources` has for every dimension of the result the dimension of the tensor that it follows, or -1 where it comes from
# the indices; `axes` are the tensor's dimensions that the indices are for. With `paired` (gather) the result has the
# indices' shape in all dimensions.


def _taken_shape(layout: Layout, indices: tuple[Layout, ...], sources: Shape, paired: bool) -> Shape:
    common = shapes.broadcast_shapes(*(one.shape for one in indices))
    common = (1,) * (len(sources) - len(common)) + common
    if paired:
        return common
    return tuple(layout.shape[s] if s >= 0 else size for s, size in zip(sources, common, strict=True))


def _infer_take(layout: Layout, *indices: Layout, sources: Shape, axes: Shape, paired: bool) -> Layout:
    return contiguous(_taken_shape(layout, indices, sources, paired), layout.dtype, layout.device)


def _take_source(layout: Layout, shape: Shape, sources: Shape, axes: Shape, paired: bool) -> tuple[Shape, Shape]:
    return tuple(layout.strides[s] if s >= 0 else 0 for s in sources), axes


def _take_element(read: Any, *indices: Expression, **params: Any) -> Expression:
    element: Expression = read(*(one.to(int64) for one in indices))
    return element


def _take_rule(node: Node, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """Each element of the gradient is added where the result's element was read."""
    layout: Layout = node.input_layouts[0]
    axes, sources = node.params["axes"], node.params["sources"]
    indices = [node.input(place) for place in range(1, len(axes) + 1)]
    nothing = (None,) * len(axes)
    if node.params["paired"] and fills(indices[0].layout.shape, layout.shape, axes[0]):
        return scatter_lines(gradient, indices[0], layout.shape[axes[0]], axes[0]), *nothing
    if node.params["paired"]:
        places = paired_places(layout.shape, axes[0], indices[0])
        flat = scatter_rows(gradient.reshape(-1, 1), places.reshape(-1), layout.numel)
        return flat.view(layout.shape), *nothing
    kept = [dim for dim in range(layout.rank) if dim not in axes]
    index_dims = [dim for dim, s in enumerate(sources) if s < 0]
    inner = shapes.element_count(tuple(layout.shape[dim] for dim in kept))
    kept_dims = [dim for dim, s in enumerate(sources) if s >= 0]
    moved = gradient.permute(index_dims + kept_dims)
    index_shape = tuple(moved.layout.shape[: len(index_dims)])
    rows = linear_places(tuple(layout.shape[a] for a in axes), indices)
    rows = rows.reshape(_index_part(rows.layout.shape, sources)).expand(index_shape).reshape(-1)
    order = (*axes, *kept)
    count = shapes.element_count(tuple(layout.shape[a] for a in axes))
    sources_count = shapes.element_count(index_shape)
    flat = scatter_rows(moved.reshape(sources_count, inner), rows, count)
    back = tuple(sorted(range(layout.rank), key=order.__getitem__))
    return flat.view(tuple(layout.shape[dim] for dim in order)).permute(back), *nothing


def _index_part(shape: Shape, sources: Shape) -> Shape:
    """What an index tensor's shape (over the result) is along the dimensions that come from indices."""
    full = (1,) * (len(sources) - len(shape)) + shape
    return tuple(size for size, s in zip(full, sources, strict=True) if s < 0)


def linear_places(sizes: Shape, indices: list[Tensor]) -> Tensor:
    """The row-major number of the place that the indices name in an array of these sizes."""
    total: Any = 0
    for size, one in zip(sizes, indices, strict=True):
        total = one.long() if isinstance(total, int) else total * size + one.long()
    return total


def paired_places(shape: Shape, dim: int, index: Tensor) -> Tensor:
    """For gather: the row-major number of every place read, of the index's shape."""
    strides = shapes.contiguous_strides(shape)
    places = index.long() * strides[dim]
    for axis, (count, step) in enumerate(zip(index.layout.shape, strides, strict=True)):
        if axis != dim:
            along = late.functions.arange(0, count, device=index.layout.device) * step
            places = places + along.view((count,) + (1,) * (index.layout.rank - axis - 1))
    return places


def _take_cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], **params: Any) -> Cost:
    """What is asked for is read once for each time, and the rest not at all."""
    return Cost(0, 0, outputs[0].nbytes + bytes_read(inputs[1:]), outputs[0].nbytes)


def _take(count: int) -> Op:
    return Op(
        "index",
        _infer_take,
        Pointwise(_take_element, "raw", gathered=_take_source),
        Gradient(_take_rule, inputs=tuple(range(1, count + 1))),
        _take_cost,
    )


#: by the number of indices; see `take`
TAKES = tuple(_take(count) for count in range(1, MOST_INDICES + 1))


def take(source: Tensor, indices: list[Tensor], sources: Shape, axes: Shape, paired: bool = False) -> Tensor:
    """Read `source` at the places that the indices name; they are in range and not negative."""
    taken: Tensor = bind(TAKES[len(axes) - 1], (source, *indices), sources=sources, axes=axes, paired=paired)
    return taken


# scattering


def _infer_scatter(source: Layout, places: Layout, count: int, accumulate: bool) -> Layout:
    return contiguous((count, source.shape[1]), source.dtype, source.device)


def _plan_scatter(inputs: Any, outputs: Any, count: int, accumulate: bool) -> Any:
    source: Layout = inputs[0]
    sources, width = source.shape
    step = source.strides[0]
    return plan_scatter(source.dtype, sources, width, count, width, step, accumulate=accumulate, clear=True)


def _cost_scatter(inputs: Any, outputs: Any, accumulate: bool, **params: Any) -> Cost:
    return Cost(inputs[0].numel if accumulate else 0, 0, bytes_read(inputs), outputs[0].nbytes)


def _scatter_rule(node: Node, gradient: Tensor) -> tuple[Tensor, None]:
    return take(gradient, [node.input(1).reshape(-1, 1)], (-1, 1), (0,)), None


#: source[n, m], places[n] to a matrix of `count` rows, 0 where no place names them
SCATTER = Op(
    "scatter_rows", _infer_scatter, Generated(_plan_scatter), Gradient(_scatter_rule, inputs=(1,)), _cost_scatter
)


def scatter_rows(source: Tensor, places: Tensor, count: int, accumulate: bool = True) -> Tensor:
    """source[n, m] added to (or put over) the rows `places`[n] of `count` rows of zeros; half formats give float32."""
    dtype = source.layout.dtype
    if accumulate and compute_dtype(dtype) is not dtype:
        source = source.to(float32)
    rows = places.to(int64).contiguous()
    made: Tensor = bind(SCATTER, (whole_rows(source), rows), count=count, accumulate=accumulate)
    return made


def whole_rows(source: Tensor) -> Tensor:
    """`source`[n, m] with the elements of each row side by side; the rows may lie anyhow."""
    layout = source.layout
    return source if layout.shape[1] == 1 or layout.strides[1] == 1 else source.contiguous()


def _plan_into(inputs: Any, outputs: Any, step: int, accumulate: bool) -> Any:
    source: Layout = inputs[0]
    sources, width = source.shape
    rows = outputs[0].numel // step
    return plan_scatter(source.dtype, sources, width, rows, step, source.strides[0], accumulate=accumulate, clear=False)


def _cost_into(inputs: Any, outputs: Any, accumulate: bool, **params: Any) -> Cost:
    """What is added to is read as well."""
    moved = inputs[0].numel * inputs[0].dtype.itemsize
    return Cost(inputs[0].numel if accumulate else 0, 0, bytes_read(inputs) + (moved if accumulate else 0), moved)


#: source[n, m], places[n]: into a tensor that exists, at `step` elements times each place
SCATTER_INTO = Op(
    "scatter_into",
    lambda source, places, step, accumulate: source,
    Generated(_plan_into),
    NO_GRADIENT,
    _cost_into,
)


def _plan_totals(inputs: Any, outputs: Any, count: int) -> Any:
    source, places = inputs
    rooms = [contiguous((size,), int64) for size in (count, places.numel)]
    sources, width = source.shape
    return plan_row_totals(source.dtype, sources, width, source.strides[0]), rooms


#: source[n, m], places[n]: for each of these the sum of the sources that have its place, which is below `count`
ROW_TOTALS = Op(
    "row_totals",
    lambda source, places, count: contiguous(source.shape, source.dtype, source.device),
    Generated(_plan_totals),
    NO_GRADIENT,
    lambda inputs, outputs, count: Cost(inputs[0].numel, 0, bytes_read(inputs), outputs[0].nbytes),
)


# scattering along one dimension


def fills(shape: Shape, whole: Shape, dim: int) -> bool:
    """Whether places of this shape leave out nothing of `whole` but along `dim`."""
    return (*shape[:dim], *shape[dim + 1 :]) == (*whole[:dim], *whole[dim + 1 :])


def _infer_lines(source: Layout, places: Layout, size: int, dim: int, accumulate: bool) -> Layout:
    shape = (*places.shape[:dim], size, *places.shape[dim + 1 :])
    return contiguous(shape, source.dtype, source.device)


def _plan_lines(inputs: Any, outputs: Any, size: int, dim: int, accumulate: bool) -> Any:
    return plan_lines(inputs[0], inputs[1], outputs[0], dim, accumulate=accumulate, clear=True)


def _lines_rule(node: Node, gradient: Tensor) -> tuple[Tensor, None]:
    dim, rank = node.params["dim"], gradient.layout.rank
    sources = tuple(-1 if axis == dim else axis for axis in range(rank))
    return take(gradient, [node.input(1)], sources, (dim,), paired=True), None


#: source and places of one shape to zeros of `size` along `dim`, with each source put (or added) at its place there
SCATTER_LINES = Op(
    "scatter_lines", _infer_lines, Generated(_plan_lines), Gradient(_lines_rule, inputs=(1,)), _cost_scatter
)


def scatter_lines(source: Tensor, places: Tensor, size: int, dim: int, accumulate: bool = True) -> Tensor:
    """`SCATTER_LINES`; what is added of half formats gives float32."""
    dtype = source.layout.dtype
    if accumulate and compute_dtype(dtype) is not dtype:
        source = source.to(float32)
    made: Tensor = bind(SCATTER_LINES, (source, places), size=size, dim=dim, accumulate=accumulate)
    return made


def _plan_lines_into(inputs: Any, outputs: Any, dim: int, accumulate: bool) -> Any:
    return plan_lines(inputs[0], inputs[1], outputs[0], dim, accumulate=accumulate, clear=False)


#: the same into a tensor that exists
SCATTER_LINES_INTO = Op(
    "scatter_lines_into",
    lambda source, places, dim, accumulate: source,
    Generated(_plan_lines_into, strided=True),
    NO_GRADIENT,
    _cost_into,
)


# triangles


def _triangle(lower: bool) -> Any:
    def element(x: Expression, diagonal: Expression, rank: int) -> Expression:
        distance = index(rank - 1) - index(rank - 2)
        keep = distance.le(diagonal) if lower else distance.ge(diagonal)
        return keep.select(x, 0)

    return element


def _triangle_op(name: str, lower: bool) -> Op:
    def rule(node: Node, gradient: Tensor) -> tuple[Tensor, None]:
        return bind(op, (gradient, node.input(1)), rank=node.params["rank"]), None

    op = Op(
        name,
        lambda x, diagonal, rank: contiguous(x.shape, x.dtype, x.device),
        Pointwise(_triangle(lower), "raw", indexed=True),
        Gradient(rule, inputs=(1,)),
        each(0),
    )
    return op


TRIL = _triangle_op("tril", lower=True)
TRIU = _triangle_op("triu", lower=False)
