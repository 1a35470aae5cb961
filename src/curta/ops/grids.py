"""Elements of images and volumes around the places of a grid, and operators that read and weigh them all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from curta.autograd.state import STATE
from curta.dtypes import DType, compute_dtype, int64
from curta.memory.layout import Layout
from curta.methods import late
from curta.ops.composition import STORED, composition
from curta.ops.dispatch import bind
from curta.ops.indexing import take
from curta.ops.inference import bytes_read
from curta.ops.record import NO_GRADIENT, Composition, Cost, Op
from curta.ops.rows import cast

#: reads the elements at whole places, one index tensor for each axis of `sizes`
Read = Callable[[list[Any]], Any]
#: an element along an axis: its number, and whether it lies inside (None where all do)
Element = tuple[Any, Any]
Weighted = tuple[Element, Any]


class Axis(NamedTuple):
    """What is to be known of an axis, as numbers that a kernel is given when it runs."""

    #: half the distance of the outermost elements' middles, or of their edges
    half: Any
    #: the number of the last element
    last: Any
    #: how far it is from one edge to the other, where what lies outside is reflected
    span: Any


def axis_of(size: int, align: bool) -> Axis:
    """Of an axis with so many elements."""
    # on an axis of one middle every place is brought to that, however it was reflected
    return Axis((size - 1) / 2 if align else size / 2, size - 1, float(max(size - 1, 1) if align else size))


def sampled(read: Read, places: list[Any], axes: Sequence[Axis], mode: str, padding_mode: str, align: bool) -> Any:
    """What lies at `places`, coordinates between -1 and 1 for each axis (the last axis of an image first)."""
    return _weighted(read, _around(places, axes, mode, padding_mode, align))


def _around(places: list[Any], axes: Sequence[Axis], mode: str, padding_mode: str, align: bool) -> list[list[Weighted]]:
    """For each axis the elements that are read, and their weights: one alone has none."""
    found = []
    for given, axis in zip(places, axes, strict=True):
        place = _unnormalized(given, axis, align)
        if mode != "bicubic":
            place = _brought_in(place, axis, padding_mode, align)
        if mode == "nearest":
            found.append([(_element(place.detach().round(), axis, padding_mode), None)])
        elif mode == "bilinear":
            found.append(_linear(place, axis, padding_mode))
        else:
            found.append(_cubic(place, axis, padding_mode, align))
    return found


# coordinates along one axis


def _unnormalized(place: Any, axis: Axis, align: bool) -> Any:
    """From -1 to 1 to the numbers of elements."""
    number = _rounded((place + 1) * axis.half)
    return number if align else number - 0.5


def _rounded(x: Any) -> Any:
    """No part of a multiply-add: which element is the nearest may hang on the rounding."""
    if STATE.graph is None or x.requires_grad:  # by themselves operators round
        return x
    return bind(STORED, (x,), dtype=x.layout.dtype)


def _brought_in(place: Any, axis: Axis, padding_mode: str, align: bool) -> Any:
    """A place inside the axis, unless what lies outside counts as zeros."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        place = _reflected(place, axis.span, 0.0 if align else -0.5)
    # at the edge and outside nothing changes with the place
    return late.functions.where((place > 0) & (place < axis.last), place, place.detach().clamp(0, axis.last))


def _reflected(place: Any, span: Any, low: float) -> Any:
    distance = (place - low).abs()
    flips = (distance.detach() / span).floor()
    rest = distance - _rounded(flips * span)
    return late.functions.where(flips.remainder(2) == 0, rest, span - rest) + low


# elements along one axis, with their weights


def _element(place: Any, axis: Axis, padding_mode: str) -> Element:
    inside = (place >= 0) & (place <= axis.last) if padding_mode == "zeros" else None
    # what is no number becomes some place
    return place.clamp(0, axis.last).to(int64).clamp(0, axis.last), inside


def _linear(place: Any, axis: Axis, padding_mode: str) -> list[Weighted]:
    """The two neighbours of a place, by how near they are."""
    low = place.detach().floor()
    share = place - low
    return [(_element(low, axis, padding_mode), 1 - share), (_element(low + 1, axis, padding_mode), share)]


def _cubic(place: Any, axis: Axis, padding_mode: str, align: bool) -> list[Weighted]:
    """The four elements around a place, by Keys' kernel with a = -0.75 at the distances t + 1, t, 1 - t, 2 - t."""
    low = place.detach().floor()
    t, a = place - low, -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    found: list[Weighted] = []
    for tap, weight in enumerate((far(t + 1), near(t), near(1 - t), far(2 - t))):
        at = _brought_in(low if tap == 1 else low + (tap - 1), axis, padding_mode, align)
        found.append((_element(at.round(), axis, padding_mode), weight))
    return found


# elements of all axes


def _at(read: Read, elements: list[Element]) -> Any:
    """One element, 0 where it lies outside."""
    found = read([number for number, _ in elements])
    insides = [inside for _, inside in elements if inside is not None]
    if not insides:
        return found
    everywhere = insides[0]
    for inside in insides[1:]:
        everywhere = everywhere & inside
    return late.functions.where(everywhere, found, 0.0)


def _weighted(read: Read, axes: list[list[Weighted]]) -> Any:
    """The sum over all choices of one element for each axis."""
    total: Any = None
    for corner in product(*axes):
        part = _at(read, [element for element, _ in corner])
        weights = [weight for _, weight in corner if weight is not None]
        if weights:
            part = part * prod(weights[1:], start=weights[0])
        total = part if total is None else total + part
    return total


# without gradients: all in one kernel, or in two where the places are those of many channels


def _reader(x: Any) -> Read:
    """Of x[N, C, ...], at whole places [N, 1, P]: [N, C, P] in the compute format."""
    axes, wide = tuple(range(2, x.layout.rank)), compute_dtype(x.layout.dtype)
    return lambda numbers: cast(take(x, numbers[::-1], (0, 1, -1), axes), wide)


def _given(inputs: tuple[Any, ...], dtype: DType) -> tuple[list[Any], list[Axis]]:
    """Places in the format, and what is known of the axes, from these and the numbers behind them."""
    count, size = len(inputs) // (1 + len(Axis._fields)), len(Axis._fields)
    numbers = inputs[count:]
    axes = [Axis(*numbers[first : first + size]) for first in range(0, len(numbers), size)]
    return [cast(place, dtype) for place in inputs[:count]], axes


def _sampled_at_once(x: Any, *given: Any, mode: str, padding_mode: str, align: bool) -> Any:
    """x[N, C, ...] at places[N, 1, P] for each axis, the last axis first: [N, C, P]."""
    places, axes = _given(given, compute_dtype(x.layout.dtype))
    return cast(sampled(_reader(x), places, axes, mode, padding_mode, align), x.layout.dtype)


def _elements_around(*given: Any, mode: str, padding_mode: str, align: bool) -> tuple[Any, ...]:
    """For each axis the numbers of the elements that are read, -1 outside, each before its weight if it has one."""
    places, axes = _given(given, compute_dtype(given[0].layout.dtype))
    found: list[Any] = []
    for axis in _around(places, axes, mode, padding_mode, align):
        for (number, inside), weight in axis:
            found.append(number if inside is None else late.functions.where(inside, number, -1))
            found += [] if weight is None else [weight]
    return tuple(found)


def _read_and_weighed(x: Any, *found: Any, mode: str, padding_mode: str) -> Any:
    """x[N, C, ...] at what `_elements_around` gives."""
    each = 1 if mode == "nearest" else 2
    elements: list[Weighted] = []
    for first in range(0, len(found), each):
        number = found[first]
        element = (number.clamp(min=0), number >= 0) if padding_mode == "zeros" else (number, None)
        elements.append((element, found[first + 1] if each == 2 else None))
    taps = len(elements) // (x.layout.rank - 2)
    axes = [elements[first : first + taps] for first in range(0, len(elements), taps)]
    return cast(_weighted(_reader(x), axes), x.layout.dtype)


#: how many elements are read along an axis
_TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4}


def _reading(name: str, body: Callable[..., Any]) -> Op:
    """A composition whose first input is read where its places are, not whole."""
    whole = composition(name, body, NO_GRADIENT)

    def cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], **params: Any) -> Cost:
        x, out = inputs[0], outputs[0]
        looked_up = _TAPS[params["mode"]] ** (x.rank - 2) * out.numel * x.dtype.itemsize
        others = bytes_read(one for one in inputs[1:] if isinstance(one, Layout))
        return whole.cost(inputs, outputs, **params)._replace(bytes_read=looked_up + others)

    return Op(name, whole.infer, Composition(body, own_cost=True), NO_GRADIENT, cost)


#: see `_sampled_at_once`; where a gradient is wanted it is other operators
GRID_SAMPLE = _reading("grid_sample", _sampled_at_once)
GRID_ELEMENTS = composition("grid_elements", _elements_around, NO_GRADIENT)
GRID_READ = _reading("grid_read", _read_and_weighed)

#: for more channels than these, elements and weights are worked out once for all of them
_FEW_CHANNELS = 4


def sampled_without_gradient(x: Any, places: list[Any], mode: str, padding_mode: str, align: bool) -> Any:
    """As `sampled`, of x[N, C, ...] at places[N, 1, P]: [N, C, P] in the format of x."""
    settings = {"mode": mode, "padding_mode": padding_mode}
    given = (*places, *(number for size in x.layout.shape[:1:-1] for number in axis_of(size, align)))
    if x.layout.shape[1] <= _FEW_CHANNELS:
        return bind(GRID_SAMPLE, (x, *given), align=align, **settings)
    found = bind(GRID_ELEMENTS, given, align=align, **settings)
    return bind(GRID_READ, (x, *found), **settings)
