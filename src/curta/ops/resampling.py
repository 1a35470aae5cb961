"""Sums of elements with given weights: what interpolation along an axis is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.compiler.expression import Expression, constant
from curta.dtypes import int64
from curta.memory.layout import Layout, Shape, contiguous
from curta.ops.composition import derived
from curta.ops.dispatch import bind
from curta.ops.inference import bytes_read
from curta.ops.record import Cost, Gradient, Op, Pointwise
from curta.ops.rows import cast, total, wide

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor


def _weighted_body(x: Any, weights: Any, *, dim: int) -> Any:
    return cast(total(wide(x) * wide(weights), (dim,)), x.layout.dtype)


#: inputs: x, and weights that broadcast to it; the sum over `dim`, which stays with size 1
WEIGHTED_SUM = derived("weighted_sum", _weighted_body)


# the same without the elements being written first, for as many as an expression may have terms


def _infer(x: Layout, places: Layout, *rest: Layout, dim: int, ragged: bool) -> Layout:
    return contiguous((*x.shape[:dim], places.shape[1], *x.shape[dim + 1 :]), x.dtype, x.device)


def _source(layout: Layout, shape: Shape, dim: int, ragged: bool) -> tuple[Shape, Shape]:
    """Places and weights, the operands of two dimensions, are indexed by term; the tensor by what the places say."""
    if layout.rank == 2:
        return tuple(layout.strides[1] if axis == dim else 0 for axis in range(len(shape))), (0,)
    return tuple(0 if axis == dim else step for axis, step in enumerate(layout.strides)), (dim,)


def _element(terms: int) -> Any:
    def element(x: Any, places: Any, weights: Any, *back: Any, dim: int, ragged: bool) -> Expression:
        found: Any = None
        for number in range(terms):
            term = constant(number, int64)
            weight = weights(term)
            product = x(places(term)) * weight
            if ragged:  # what a weight of 0 fills up may be infinite
                product = weight.ne(0).select(product, 0)
            found = product if found is None else found + product
        result: Expression = found
        return result

    return element


def _rule(node: Node, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """The way back is such a sum too; of that one, this one."""
    places, weights, back_places, back_weights = (node.input(place) for place in range(1, 5))
    op = resampling(back_places.layout.shape[0])
    given = (gradient, back_places, back_weights, places, weights)
    return (bind(op, given, dim=node.params["dim"], ragged=True), *(None,) * 4)


def _cost(terms: int) -> Any:
    def cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], dim: int, ragged: bool) -> Cost:
        """Each term is read once for each element that it is a part of."""
        (out,) = outputs
        read = terms * out.numel * inputs[0].dtype.itemsize + bytes_read(inputs[1:3])
        return Cost((2 * terms - 1) * out.numel, 0, read, out.nbytes)

    return cost


def _resampling(terms: int) -> Op:
    return Op(
        "resample",
        _infer,
        Pointwise(_element(terms), "raw", gathered=_source, gathers=(0, 1, 2, 3, 4)),
        Gradient(_rule, inputs=(1, 2, 3, 4)),
        _cost(terms),
    )


#: the most terms that an expression has
MOST_TERMS = 32
#: by the number of terms; see `resampling`
RESAMPLINGS = tuple(_resampling(terms) for terms in range(1, MOST_TERMS + 1))


def resampling(terms: int) -> Op:
    """Inputs: x of three dimensions or more, places [terms, new size] along `dim` and weights for x's compute format.

    What comes out is the sum of the terms. Behind them stand the places and weights of the way back, from gradients of
    results to those of x, which only a gradient reads. `ragged` says that weights of 0 fill up what has fewer terms.
    """
    return RESAMPLINGS[terms - 1]
