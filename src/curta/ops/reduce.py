"""Reductions: sums, products, extremes and their places, truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta import dtypes
from curta.autograd.state import STATE
from curta.compiler.expression import index
from curta.dtypes import DType
from curta.memory.layout import Layout, Shape, contiguous
from curta.methods import late
from curta.ops.composition import composition, derived
from curta.ops.dispatch import bind
from curta.ops.inference import each, reducing
from curta.ops.record import NO_GRADIENT, Gradient, Op, Pointwise, Reduce

Dims = tuple[int, ...]


def reduced_shape(shape: Shape, dims: Dims, keepdim: bool) -> Shape:
    """The shape after reducing over `dims` (sorted, non-negative).

    >>> reduced_shape((2, 3, 4), (1,), True), reduced_shape((2, 3, 4), (0, 2), False)
    ((2, 1, 4), (3,))
    """
    if keepdim:
        return tuple(1 if dim in dims else size for dim, size in enumerate(shape))
    return tuple(size for dim, size in enumerate(shape) if dim not in dims)


def _infer_sum(x: Layout, dims: Dims, keepdim: bool, dtype: DType | None = None) -> Layout:
    """Integers and truth values add up in int64."""
    kind = dtype or (x.dtype if x.dtype.is_floating_point else dtypes.int64)
    return contiguous(reduced_shape(x.shape, dims, keepdim), kind, x.device)


def _infer_same(x: Layout, dims: Dims, keepdim: bool) -> Layout:
    return contiguous(reduced_shape(x.shape, dims, keepdim), x.dtype, x.device)


def _infer_place(x: Layout, dims: Dims, keepdim: bool) -> Layout:
    return contiguous(reduced_shape(x.shape, dims, keepdim), dtypes.int64, x.device)


def _infer_truth(x: Layout, dims: Dims, keepdim: bool) -> Layout:
    kind = dtypes.uint8 if x.dtype is dtypes.uint8 else dtypes.bool_
    return contiguous(reduced_shape(x.shape, dims, keepdim), kind, x.device)


def over_rows(node: Any, value: Any) -> Any:
    """A reduction's result or its gradient, with the reduced dimensions back at size 1."""
    shape = reduced_shape(node.input_layouts[0].shape, node.params["dims"], keepdim=True)
    return value if value.layout.shape == shape else value.reshape(shape)


def _sum_rule(node: Any, g: Any) -> tuple[Any, ...]:
    shape = node.input_layouts[0].shape
    if STATE.graph is not None and node.params["keepdim"]:
        from curta.ops.rows import SPREAD  # inside a composition there are no views

        return (bind(SPREAD, (g,), shape=shape),)
    return (over_rows(node, g).expand(shape),)


def _prod_slopes(g: Any, x: Any, y: Any, *, dims: Dims) -> Any:
    """The product of all the others: without dividing by zero where there are zeros."""
    where = late.functions.where
    zero = x == 0
    zeros = zero.sum(dims, keepdim=True)
    others = where(zero, 1, x).prod(dims, keepdim=True)
    return where(zeros == 0, g * (y / x), where(zero.logical_and(zeros == 1), g * others, 0))


_PROD_BACKWARD = derived("prod_backward", _prod_slopes)


def _prod_rule(node: Any, g: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled and STATE.graph is None and node.input_layouts[0].numel:
        return (over_rows(node, g) * _others(node.input(0), node.params["dims"]),)
    saved = (over_rows(node, g), node.input(0), over_rows(node, node.output(0)))
    return (bind(_PROD_BACKWARD, saved, dims=node.params["dims"]),)


def _others(x: Any, dims: Dims) -> Any:
    """The product of all the others, in a form that has the right slopes at zeros too."""
    from curta.ops.scan import products_of_others

    order = (*(dim for dim in range(x.layout.rank) if dim not in dims), *dims)
    turned = x.permute(order)
    found = products_of_others(turned.reshape((*turned.layout.shape[: len(order) - len(dims)], -1)))
    return found.reshape(turned.layout.shape).permute(tuple(order.index(dim) for dim in range(len(order))))


def _extreme_slopes(g: Any, x: Any, y: Any, *, dims: Dims) -> Any:
    attained = x == y
    return attained * g / attained.sum(dims, keepdim=True)


_EXTREME_BACKWARD = derived("extreme_backward", _extreme_slopes)


def _extreme_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """The gradient is shared evenly among equal extremes."""
    saved = (over_rows(node, g), node.input(0), over_rows(node, node.output(0)))
    return (bind(_EXTREME_BACKWARD, saved, dims=node.params["dims"]),)


SUM = Op("sum", _infer_sum, Reduce("sum"), Gradient(_sum_rule), reducing(1))
PROD = Op("prod", _infer_sum, Reduce("prod"), Gradient(_prod_rule, inputs=(0,), outputs=(0,)), reducing(1))
AMAX = Op("amax", _infer_same, Reduce("max"), Gradient(_extreme_rule, inputs=(0,), outputs=(0,)), reducing(0))
AMIN = Op("amin", _infer_same, Reduce("min"), Gradient(_extreme_rule, inputs=(0,), outputs=(0,)), reducing(0))


def _extremes(x: Any, dims: Dims, keepdim: bool) -> Any:
    return bind(AMIN, (x,), dims=dims, keepdim=keepdim), bind(AMAX, (x,), dims=dims, keepdim=keepdim)


def _extremes_rule(node: Any, *gradients: Any) -> tuple[Any, ...]:
    """As those of the smallest and of the largest element by themselves."""
    x = node.input(0)
    parts = [
        bind(_EXTREME_BACKWARD, (over_rows(node, g), x, over_rows(node, node.output(place))), dims=node.params["dims"])
        for place, g in enumerate(gradients)
        if g is not None
    ]
    return (parts[0] if len(parts) == 1 else parts[0] + parts[1],)


#: the smallest and the largest element
AMINMAX = composition("aminmax", _extremes, Gradient(_extremes_rule, inputs=(0,), outputs=(0, 1)))
ALL = Op("all", _infer_truth, Reduce("all"), NO_GRADIENT, reducing(0))
ANY = Op("any", _infer_truth, Reduce("any"), NO_GRADIENT, reducing(0))
ARGMAX = Op("argmax", _infer_place, Reduce("argmax"), NO_GRADIENT, reducing(0))
ARGMIN = Op("argmin", _infer_place, Reduce("argmin"), NO_GRADIENT, reducing(0))


# extremes along one dimension, with their places


def _at(name: str, dtype: DType) -> Op:
    def infer(place: Layout, size: int, dim: int) -> Layout:
        return contiguous((*place.shape[:dim], size, *place.shape[dim + 1 :]), dtype, place.device)

    element = Pointwise(lambda place, size, dim: index(dim).eq(place), "raw", indexed=True)
    return Op(name, infer, element, NO_GRADIENT, each(0))


#: places that have size 1 along a dimension, to whether each of `size` elements is there; and to 1 or 0
IS_AT, ONE_HOT = _at("is_at", dtypes.bool_), _at("one_hot", dtypes.int64)


def _placed_rule(node: Any, g: Any, _: Any) -> tuple[Any, ...]:
    """The gradient goes to the one element that was taken."""
    (dim,) = node.params["dims"]
    layout = node.input_layouts[0]
    mask = bind(IS_AT, (over_rows(node, node.output(1)),), size=layout.shape[dim], dim=dim)
    return (late.functions.where(mask, over_rows(node, g), 0),)


def _both(value: Op, place: Op) -> Callable[..., Any]:
    def body(x: Any, dims: Dims, keepdim: bool) -> Any:
        return bind(value, (x,), dims=dims, keepdim=keepdim), bind(place, (x,), dims=dims, keepdim=keepdim)

    return body


_PLACED = Gradient(_placed_rule, outputs=(1,), constant_outputs=(1,))
MAX_ALONG = composition("max", _both(AMAX, ARGMAX), _PLACED)
MIN_ALONG = composition("min", _both(AMIN, ARGMIN), _PLACED)
