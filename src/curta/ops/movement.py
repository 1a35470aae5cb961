"""Operators that move nothing: other ways to look at the same storage, and what takes their gradients back."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from curta import dtypes, shapes
from curta.autograd.state import STATE
from curta.compiler.expression import Expression, index
from curta.device import Device
from curta.errors import AutogradError, ShapeError
from curta.memory.layout import Layout, Shape, contiguous, strided
from curta.methods import late
from curta.ops.creation import full_of, zeros_of
from curta.ops.dispatch import bind, bind_into, remember
from curta.ops.elementwise import COPY
from curta.ops.inference import each
from curta.ops.record import NO_COST, Cost, Gradient, Op, Pointwise, View
from curta.tensor import Tensor

if TYPE_CHECKING:
    from curta.autograd.node import Node


def free(inputs: Any, outputs: Any, **params: Any) -> Cost:
    """The cost of a view."""
    return NO_COST


def _view(name: str, geometry: Any, rule: Any) -> Op:
    """The record of a view; its layout does not depend on where in the storage it starts."""
    return Op(name, lambda layout, **params: geometry(layout, **params)[0], View(geometry), Gradient(rule), free)


#: a view worked out for a layout: the operator, its result's layout, how far it begins, the parameters
Sight = tuple[Op, Layout, int, dict[str, Any]]


def sight(op: Op, layout: Layout, **params: Any) -> Sight:
    """What a view of tensors of `layout` is; ShapeError where there is none."""
    view: Any = op.lower
    result, distance = view.geometry(layout, **params)
    return op, result, distance, params


def seen(input: Tensor, op: Op, layout: Layout, distance: int, params: dict[str, Any]) -> Tensor:
    """The view that a `Sight` is: as `bind` would make it, without looking it up again."""
    if STATE.hooked:
        bound: Tensor = bind(op, (input,), **params)
        return bound
    out = Tensor._make(input.storage, layout, input.offset + distance)
    out.base = base = input if input.base is None else input.base
    if base.generation:
        out.generation = base.generation
    if STATE.grad_enabled and input.requires_grad:
        remember(op, (input,), (out,), params)
    return out


# other orders and sizes


def permuted(layout: Layout, dims: Shape) -> tuple[Layout, int]:
    """The geometry of dimensions in another order."""
    shape, strides = shapes.permute(layout.shape, layout.strides, dims)
    return strided(shape, strides, layout.dtype, layout.device), 0


def _permute_rule(node: Node, gradient: Tensor) -> Tensor:
    dims = node.params["dims"]
    back = tuple(sorted(range(len(dims)), key=dims.__getitem__))
    result: Tensor = bind(PERMUTE, (gradient,), dims=back)
    return result


PERMUTE = _view("permute", permuted, _permute_rule)


def expanded(layout: Layout, size: Shape) -> tuple[Layout, int]:
    """The geometry of dimensions of size 1 repeated."""
    shape, strides = shapes.expand(layout.shape, layout.strides, size)
    return strided(shape, strides, layout.dtype, layout.device), 0


EXPAND = _view("expand", expanded, lambda node, gradient: gradient.sum_to_size(node.input_layouts[0].shape))


def blocking_strides(layout: Layout) -> str:
    """Which neighbouring dimensions do not follow each other in memory, in words."""
    sizes, steps = layout.shape, layout.strides
    dims = [dim for dim, size in enumerate(sizes) if size != 1]
    found = []
    for outer, inner in pairwise(dims):
        if steps[outer] != sizes[inner] * steps[inner]:
            found.append(
                f"dimension {outer} has stride {steps[outer]} where {sizes[inner] * steps[inner]} "
                f"(= size {sizes[inner]} x stride {steps[inner]} of dimension {inner}) would be needed"
            )
    return "; ".join(found)


def viewed(layout: Layout, size: Shape) -> tuple[Layout, int]:
    """The geometry of the same elements as another shape; ShapeError where that takes a copy."""
    strides = shapes.view_strides(layout.shape, layout.strides, size)
    if strides is None:
        raise ShapeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            f"contiguous subspaces). Use .reshape(...) instead. The tensor has size {list(layout.shape)} and strides "
            f"{list(layout.strides)}, asked for size {list(size)}: {blocking_strides(layout)}. Call .contiguous() "
            "first, or .reshape(...), which copies when it must."
        )
    return strided(size, strides, layout.dtype, layout.device), 0


VIEW = _view("view", viewed, lambda node, gradient: gradient.reshape(node.input_layouts[0].shape))


# regions: what basic indexing gives

#: one entry of a region: None (a new dimension), an index, or (start, length, step); all along dimensions in order
RegionItem = None | int | tuple[int, int, int]
Region = tuple[RegionItem, ...]


def region_geometry(layout: Layout, region: Region) -> tuple[Layout, int]:
    """The layout of a region and how far its first element lies from the tensor's."""
    shape, strides, distance = [], [], 0
    dim = 0
    for item in region:
        if item is None:
            shape.append(1)
            strides.append(layout.shape[dim] * layout.strides[dim] if dim < layout.rank else 1)
            continue
        stride = layout.strides[dim]
        dim += 1
        if isinstance(item, int):
            distance += item * stride
        else:
            start, length, step = item
            distance += start * stride
            shape.append(length)
            strides.append(stride * step)
    return strided(
        (*shape, *layout.shape[dim:]), (*strides, *layout.strides[dim:]), layout.dtype, layout.device
    ), distance


def _region_rule(node: Node, gradient: Tensor) -> Tensor:
    region, shape = node.params["region"], node.input_layouts[0].shape
    kept = [item for item in region if item is not None]
    if all(isinstance(item, tuple) and item == (0, size, 1) for item, size in zip(kept, shape, strict=False)):
        return gradient.reshape(shape)  # only new dimensions: nothing lies outside
    return embed(gradient, shape, region)


REGION = _view("index", region_geometry, _region_rule)


def _embedded(layout: Layout, shape: Shape, region: Region) -> Layout:
    return contiguous(shape, layout.dtype, layout.device)


def _embed_source(layout: Layout, out: Shape, shape: Shape, region: Region) -> tuple[Shape, Shape]:
    return (0,) * len(shape), tuple(range(layout.rank))


def _embed_element(read: Any, shape: Shape, region: Region) -> Expression:
    """Inside the region the element it holds there, else 0."""
    coordinates: list[Expression] = []
    guard: Expression | None = None
    dim = 0
    zero = index(0) - index(0)

    def also(condition: Expression) -> None:
        nonlocal guard
        guard = condition if guard is None else guard & condition

    for item in region:
        if item is None:
            coordinates.append(zero)
            continue
        place = index(dim)
        dim += 1
        if isinstance(item, int):
            also(place.eq(item))
            continue
        start, length, step = item
        moved = place - start
        also(moved.ge(0) & moved.lt(length * step))
        if step > 1:
            quotient = moved._with("truncated_divide", step)
            also((quotient * step).eq(moved))
            moved = quotient
        coordinates.append(moved)
    coordinates += [index(axis) for axis in range(dim, len(shape))]
    result: Expression = read(*coordinates, guard=guard)
    return result


EMBED = Op(
    "embed",
    _embedded,
    Pointwise(_embed_element, "raw", indexed=True, gathered=_embed_source),
    Gradient(lambda node, gradient: bind(REGION, (gradient,), region=node.params["region"])),
    each(0),
)


def _border(layout: Layout, region: Region, value: float) -> Tensor:
    """A tensor of `value` with zeros in a region."""
    made = full_of(contiguous(layout.shape, layout.dtype, layout.device), value)
    bind(REGION, (made,), region=region).zero_()
    return made


def embed(source: Tensor, shape: Shape, region: Region, value: float = 0) -> Tensor:
    """A tensor of zeros of `shape` that holds `source` in a region: the gradient of taking that region.

    Outside of compositions another `value` may lie around it, whose gradient is the same.
    """
    if STATE.graph is not None or source.batch is not None:
        traced: Tensor = bind(EMBED, (source,), shape=shape, region=region)
        return traced + _border(traced.layout, region, value) if value else traced
    layout = contiguous(shape, source.layout.dtype, source.layout.device)
    made = full_of(layout, value) if value else zeros_of(layout)
    hole = bind(REGION, (made,), region=region)
    bind_into(COPY, (source,), (hole,))
    made.storage.version = 0  # type: ignore[union-attr]  # nobody has seen it before
    if STATE.grad_enabled and source.requires_grad:
        remember(EMBED, (source,), (made,), {"shape": shape, "region": region})
    return made


# any strides


def _restrided(layout: Layout, size: Shape, stride: Shape, distance: int) -> tuple[Layout, int]:
    return strided(size, stride, layout.dtype, layout.device), distance


def places_of(size: Shape, stride: Shape, start: int, device: Device) -> Tensor:
    """Where each element of a strided view lies, in elements: int64, of shape `size`."""
    places: Tensor = late.functions.full((1,) * len(size), start, dtype=dtypes.int64, device=device)
    for dim, (count, step) in enumerate(zip(size, stride, strict=True)):
        along = late.functions.arange(0, count, device=device) * step
        places = places + along.view((count,) + (1,) * (len(size) - dim - 1))
    return places.expand(size)


def _as_strided_rule(node: Node, gradient: Tensor) -> Tensor:
    """Adds each element of the gradient where the view read it, in a block that both the view and the input lie in."""
    size, stride, distance = (node.params[name] for name in ("size", "stride", "distance"))
    layout: Layout = node.input_layouts[0]
    if _overlapping(layout.shape, layout.strides):
        raise AutogradError(f"as_strided: cannot differentiate a view of an input with overlaps, {layout}")
    overlaps = bool(_overlapping(size, stride))
    first = max(0, -distance)  # what the view reads outside of its input goes no further
    distance += first
    count = max(
        shapes.storage_extent(size, stride, distance), shapes.storage_extent(layout.shape, layout.strides, first)
    )
    if not overlaps and not STATE.grad_enabled and gradient.batch is None:
        block = full_of(contiguous((count,), gradient.layout.dtype, layout.device), 0)
        bind_into(COPY, (gradient,), (bind(AS_STRIDED, (block,), size=size, stride=stride, distance=distance),))
    else:
        from curta.ops.indexing import scatter_rows

        flat = places_of(size, stride, distance, layout.device).reshape(-1)
        block = scatter_rows(gradient.reshape(-1, 1), flat, count).reshape(-1)
    result: Tensor = bind(AS_STRIDED, (block,), size=layout.shape, stride=layout.strides, distance=first)
    return result


def _overlapping(size: Shape, stride: Shape) -> list[tuple[int, int]]:
    """The dimensions that may reach an element twice: those not longer than the step of the next larger one."""
    moving = sorted((step, count) for count, step in zip(size, stride, strict=True) if count > 1)
    reach, twice = 0, []
    for step, count in moving:
        if step <= reach:
            twice.append((step, count))
        reach += step * (count - 1)
    return twice


AS_STRIDED = _view("as_strided", _restrided, _as_strided_rule)
