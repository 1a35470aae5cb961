"""Sorting along a dimension, and binary search."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.compiler.expression import Expression, call, constant
from curta.compiler.shuffle import plan_shuffle
from curta.compiler.sort import plan_sort
from curta.dtypes import DType
from curta.memory.layout import Layout, Shape, contiguous
from curta.methods import late
from curta.ops.composition import composition
from curta.ops.inference import bytes_read
from curta.ops.record import NO_GRADIENT, Cost, Generated, Gradient, Op, Pointwise
from curta.ops.scan import PLACED, split_at

#: the longest row whose places 32 bits can tell, read without a sign
_MOST_NARROW = 2**32


def _infer_sort(x: Layout, dim: int, descending: bool) -> tuple[Layout, Layout]:
    return contiguous(x.shape, x.dtype, x.device), contiguous(x.shape, dtypes.int64, x.device)


def key_format(x: Layout) -> DType:
    """A format for whole numbers as wide as the elements."""
    return {1: dtypes.int8, 2: dtypes.int16, 4: dtypes.int32, 8: dtypes.int64}[x.dtype.itemsize]


def place_format(x: Layout, dim: int) -> DType:
    """A format for places along a dimension."""
    return dtypes.int32 if x.shape[dim] <= _MOST_NARROW else dtypes.int64


def _plan_sort(inputs: Any, outputs: Any, dim: int, descending: bool) -> Any:
    x: Layout = inputs[0]
    key, place = key_format(x), place_format(x, dim)
    rooms = [contiguous((x.numel,), kind) for kind in (key, key, place, place)]
    return plan_sort(x.dtype, place, *split_at(x.shape, dim), descending=descending), rooms


def _written(inputs: Any, outputs: Any, **params: Any) -> Cost:
    """Comparisons are no FLOPs."""
    return Cost(0, 0, bytes_read(inputs), sum(layout.nbytes for layout in outputs))


#: of a row-major tensor: its elements in order, equal ones as they were and NaN above all, and where they came from
SORT = Op(
    "sort",
    _infer_sort,
    Generated(_plan_sort),
    PLACED,
    _written,
)


#: of a vector of random numbers from [0, 2**62): the numbers of its elements in the order that these make
SHUFFLE = Op(
    "shuffle",
    lambda numbers: numbers,
    Generated(lambda inputs, outputs: plan_shuffle(inputs[0].shape[0])),
    NO_GRADIENT,
    _written,
)


# binary search


def _infer_search(sequence: Layout, values: Layout, count: type, bits: int, right: bool, dtype: DType) -> Layout:
    return contiguous(values.shape, dtype, values.device)


def _along_last(sequence: Layout, shape: Shape, **params: Any) -> tuple[Shape, Shape]:
    """A vector is searched for every value; of more dimensions all but the last are the values'."""
    if sequence.rank == 1:
        return (0,) * len(shape), (0,)
    return (*sequence.strides[:-1], 0), (sequence.rank - 1,)


def _search(read: Any, value: Expression, count: Expression, bits: int, right: bool, dtype: DType) -> Expression:
    """How many elements lie before the value: bit by bit, from the highest."""
    found = constant(0, dtypes.int64)
    unordered = call("is_nan", value)  # everything is before a NaN that is sought
    for bit in reversed(range(bits)):
        place = found | ((1 << bit) - 1)  # the last of those that would be before it
        inside = place.lt(count)
        element = read(inside.select(place, 0), guard=inside)
        before = (element.le(value) if right else element.lt(value)) | unordered
        found = (inside & before).select(found | (1 << bit), found)
    return found.to(dtype)


def _search_cost(inputs: Any, outputs: Any, bits: int, **params: Any) -> Cost:
    """Every value looks at an element for each bit of its place; where, is no FLOP."""
    looked_at = bits * outputs[0].numel * inputs[0].dtype.itemsize
    return Cost(0, 0, looked_at + bytes_read(inputs[1:]), outputs[0].nbytes)


#: inputs: sorted sequences, values, and how many elements a sequence has; `bits` is the bit length of that
SEARCH = Op(
    "searchsorted",
    _infer_search,
    Pointwise(_search, ("raw", "raw", "exact"), gathered=_along_last),
    NO_GRADIENT,
    _search_cost,
)


# a value that is one of the elements


def _equal_to(x: Any, value: Any) -> Any:
    return (x == value).logical_or(x.isnan().logical_and(value.isnan()))


def _attained(x: Any, value: Any) -> Any:
    dims = tuple(range(x.layout.rank))
    return late.functions.where(_equal_to(x, value), x, -float("inf")).amax(dims, keepdim=True)


def _attained_rule(node: Any, g: Any) -> tuple[Any, ...]:
    """Equal elements share the gradient evenly."""
    x, value = node.input(0), node.input(1)
    equal = _equal_to(x, value)
    return late.functions.where(equal, g / equal.sum(), 0), None


#: inputs: a tensor, and one of its elements, with as many dimensions, all of size 1
ATTAINED = composition("attained", _attained, Gradient(_attained_rule, inputs=(0, 1)))
