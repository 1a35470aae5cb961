"""Pooling of images: every result element is worked out from the few elements of its window, read where they lie.

Gradients are pooling as well: an element of the image asks the few windows that cover it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import add
from typing import Any, NamedTuple

from curta import dtypes
from curta.compiler.expression import Expression, call, index
from curta.compiler.reductions import lowest
from curta.dtypes import compute_dtype
from curta.memory.layout import Layout, Shape, contiguous
from curta.methods import late
from curta.ops.composition import composition
from curta.ops.dispatch import bind
from curta.ops.inference import bytes_read, each
from curta.ops.record import Cost, Gradient, Op, Pointwise
from curta.ops.rows import cast

#: an element's index along an axis, and the condition under which there is such an element (None: always)
Place = tuple[Expression, Expression | None]


class Span(NamedTuple):
    """Windows along an axis of `size` elements: window o goes from `(step * o + first) // divisor` to before
    `(step * o + last) // divisor`, as far as that lies in the axis.

    >>> Span(size=5, windows=3, step=2, first=-1, last=2, divisor=1).counts()
    (2, 3, 2)
    """

    size: int
    windows: int
    step: int
    first: int
    last: int
    divisor: int

    def counts(self) -> tuple[int, ...]:
        """How many elements each window has."""
        return _counts(self)

    def span(self) -> Span:
        """Itself: every element between a window's ends is one of it."""
        return self

    def transposed(self) -> Span:
        """The other way round: which windows cover each element.

        >>> Span(5, 3, 2, -1, 2, 1).transposed().counts()
        (1, 2, 1, 2, 1)
        """
        first = self.divisor - self.last + self.step - 1
        last = self.divisor - self.first - 1 + self.step
        return Span(self.windows, self.size, self.divisor, first, last, self.step)

    def places(self, axis: int) -> list[Place]:
        """The elements of the window whose number is the index along `axis`."""
        start, stop = self._edge(axis, self.first), self._edge(axis, self.last)
        counts = self.counts()
        stop = stop.lt(self.size).select(stop, self.size)
        places = [start + tap for tap in range(max(counts))]
        return [(place, None if min(counts) == max(counts) else place.lt(stop)) for place in places]

    def _edge(self, axis: int, begin: int) -> Expression:
        place = index(axis) * self.step + begin
        if begin < 0:
            place = place.lt(0).select(0, place)
        return place if self.divisor == 1 else place._with("truncated_divide", self.divisor)


@lru_cache(maxsize=1024)
def _counts(span: Span) -> tuple[int, ...]:
    def edge(window: int, begin: int) -> int:
        return min(max((span.step * window + begin) // span.divisor, 0), span.size)

    return tuple(max(0, edge(o, span.last) - edge(o, span.first)) for o in range(span.windows))


class Windows(NamedTuple):
    """Windows along an axis of `size` elements: `kernel` elements, `dilation` apart; the first begins at `-padding`."""

    size: int
    windows: int
    kernel: int
    stride: int
    padding: int
    dilation: int = 1

    @property
    def reach(self) -> int:
        """From a window's first element to behind its last."""
        return self.dilation * (self.kernel - 1) + 1

    def span(self) -> Span:
        """The elements from each window's first to its last."""
        return Span(self.size, self.windows, self.stride, -self.padding, self.reach - self.padding, 1)

    def places(self, axis: int) -> list[Place]:
        """The elements of the window whose number is the index along `axis`."""
        begin = index(axis) * self.stride - self.padding
        start, stop = begin, begin + self.reach
        if self.padding:  # the first element that is there
            before = begin.lt(0).select(self.dilation - 1 - begin, 0)
            start = begin + before._with("truncated_divide", self.dilation) * self.dilation
        stop = stop.lt(self.size).select(stop, self.size)
        inside = not self.padding and (self.windows - 1) * self.stride + self.reach <= self.size
        places = [start + tap * self.dilation for tap in range(self.kernel)]
        return [(place, None if inside else place.lt(stop)) for place in places]


#: windows along one axis
Axis = Span | Windows


def _gathered(x: Layout, shape: Shape, **params: Any) -> tuple[Shape, Shape]:
    return (*x.strides[:2], 0, 0), (2, 3)


def _both(first: Expression | None, second: Expression | None) -> Expression | None:
    return second if first is None else first if second is None else first & second


def _in_window(rows: Axis, columns: Axis) -> list[tuple[Expression, Expression, Expression | None]]:
    """(row, column, condition) of every element of a window, row after row."""
    across = columns.places(3)
    return [(row, column, _both(in_row, in_column)) for row, in_row in rows.places(2) for column, in_column in across]


# sums


def _infer_sum(x: Layout, rows: Span, columns: Span) -> Layout:
    """Half formats give float32, as all sums inside compositions."""
    return contiguous((*x.shape[:2], rows.windows, columns.windows), compute_dtype(x.dtype), x.device)


def _added(values: Iterable[Expression]) -> Expression:
    return reduce(add, values)


def _sum_element(read: Any, rows: Span, columns: Span) -> Expression:
    return _added(read(row, column, guard=inside) for row, column, inside in _in_window(rows, columns))


def _sum_rule(node: Any, g: Any) -> tuple[Any, ...]:
    rows, columns = node.params["rows"].transposed(), node.params["columns"].transposed()
    return (bind(WINDOW_SUM, (g,), rows=rows, columns=columns),)


def _sum_cost(inputs: Any, outputs: Any, rows: Span, columns: Span) -> Cost:
    """Adding up n elements is n - 1 additions, none where a window is empty."""
    planes = inputs[0].shape[0] * inputs[0].shape[1]
    down, across = rows.counts(), columns.counts()
    additions = sum(down) * sum(across) - sum(map(bool, down)) * sum(map(bool, across))
    return Cost(planes * additions, 0, bytes_read(inputs), outputs[0].nbytes)


#: [N, C, H, W] to [N, C, windows down, windows across]: the sum of every window
WINDOW_SUM = Op(
    "window_sum",
    _infer_sum,
    Pointwise(_sum_element, "raw", indexed=True, gathered=_gathered),
    Gradient(_sum_rule),
    _sum_cost,
)


def _mean_body(x: Any, divisor: Any, rows: Span, columns: Span, dtype: Any) -> Any:
    return cast(bind(WINDOW_SUM, (x,), rows=rows, columns=columns) / divisor, dtype)


def _mean_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return *_sum_rule(node, g / node.input(1)), None


#: inputs: the images, and what the windows' sums are divided by: a number, or a tensor with one for each window
AVG_POOL = composition("avg_pool2d", _mean_body, Gradient(_mean_rule, inputs=(1,)))


# largest elements: the first of equal ones as in PyTorch, but the last that is NaN


def _infer_max(x: Layout, rows: Axis, columns: Axis) -> tuple[Layout, Layout]:
    shape = (*x.shape[:2], rows.windows, columns.windows)
    return contiguous(shape, x.dtype, x.device), contiguous(shape, dtypes.int64, x.device)


def _max_elements(read: Any, rows: Axis, columns: Axis) -> tuple[Expression, Expression]:
    """The largest element of a window, and its row-major number in the image."""
    elements = _in_window(rows, columns)
    row, column, inside = elements[0]
    value: Expression = read(row, column, guard=inside)
    best = value if inside is None else inside.select(value, lowest(value.dtype))
    place = row * columns.size + column
    for row, column, inside in elements[1:]:
        value = read(row, column, guard=inside)
        better = value.gt(best) | call("is_nan", value)
        better = better if inside is None else better & inside
        best, place = better.select(value, best), better.select(row * columns.size + column, place)
    return best, place


def _max_rule(node: Any, g: Any, _: Any) -> tuple[Any, ...]:
    return (bind(MAX_POOL_BACKWARD, (g, node.output(1)), **node.params),)


def _infer_max_backward(g: Layout, places: Layout, rows: Axis, columns: Axis) -> Layout:
    return contiguous((*g.shape[:2], rows.size, columns.size), g.dtype, g.device)


def _max_backward_element(read: Any, read_place: Any, rows: Axis, columns: Axis) -> Expression:
    """The sum of the gradients of those windows whose largest element this is."""
    mine = index(2) * columns.size + index(3)
    shares = []
    for row, column, inside in _in_window(rows.span().transposed(), columns.span().transposed()):
        taken = read_place(row, column, guard=inside).eq(mine)
        taken = taken if inside is None else taken & inside
        shares.append(taken.select(read(row, column, guard=inside), 0))
    return _added(shares)


def _max_backward_cost(inputs: Any, outputs: Any, rows: Axis, columns: Axis) -> Cost:
    """Every element adds up what the windows that reach over it have for it, most of them nothing."""
    return _sum_cost(inputs, outputs, rows.span().transposed(), columns.span().transposed())


def _max_backward_rule(node: Any, g: Any) -> tuple[Any, ...]:
    places = node.input(1)
    picked = late.functions.gather(g.flatten(2), 2, places.flatten(2))
    return picked.reshape(places.layout.shape), None


MAX_POOL = Op(
    "max_pool2d",
    _infer_max,
    Pointwise(_max_elements, "raw", indexed=True, gathered=_gathered),
    Gradient(_max_rule, outputs=(1,), constant_outputs=(1,)),
    each(0),
)
MAX_POOL_BACKWARD = Op(
    "max_pool2d_backward",
    _infer_max_backward,
    Pointwise(_max_backward_element, "raw", indexed=True, gathered=_gathered, gathers=(0, 1)),
    Gradient(_max_backward_rule, inputs=(1,)),
    _max_backward_cost,
)
