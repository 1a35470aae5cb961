"""Elements of images and volumes around the places of a grid, and operators that read and weigh them all at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any

from curta.dtypes import compute_dtype, int64
from curta.memory.layout import Layout, Shape
from curta.methods import late
from curta.ops.composition import composition
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


def sampled(read: Read, places: list[Any], sizes: Any, mode: str, padding_mode: str, align: bool) -> Any:
    """What lies at `places`, coordinates between -1 and 1 for each axis (the last axis of an image first)."""
    return _weighted(read, _around(places, sizes, mode, padding_mode, align))


def _around(places: list[Any], sizes: Any, mode: str, padding_mode: str, align: bool) -> list[list[Weighted]]:
    """For each axis the elements that are read, and their weights: one alone has none."""
    found = []
    for place, size in zip(places, sizes, strict=True):
        axis = _unnormalized(place, size, align)
        if mode != "bicubic":
            axis = _brought_in(axis, size, padding_mode, align)
        if mode == "nearest":
            found.append([(_element(axis.detach().round(), size, padding_mode), None)])
        elif mode == "bilinear":
            found.append(_linear(axis, size, padding_mode))
        else:
            found.append(_cubic(axis, size, padding_mode, align))
    return found


# coordinates along one axis


def _unnormalized(place: Any, size: int, align: bool) -> Any:
    """From -1 to 1 to the numbers of elements."""
    return (place + 1) * ((size - 1) / 2) if align else ((place + 1) * size - 1) / 2


def _brought_in(place: Any, size: int, padding_mode: str, align: bool) -> Any:
    """A place inside the axis, unless what lies outside counts as zeros."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        place = _reflected(place, 0.0, size - 1.0) if align else _reflected(place, -0.5, size - 0.5)
    # at the edge and outside nothing changes with the place
    return late.functions.where((place > 0) & (place < size - 1), place, place.detach().clamp(0, size - 1))


def _reflected(place: Any, low: float, high: float) -> Any:
    if low == high:
        return place * 0
    distance, span = (place - low).abs(), high - low
    flips = (distance.detach() / span).floor()
    rest = distance - flips * span
    return late.functions.where(flips.remainder(2) == 0, rest, span - rest) + low


# elements along one axis, with their weights


def _element(place: Any, size: int, padding_mode: str) -> Element:
    inside = (place >= 0) & (place <= size - 1) if padding_mode == "zeros" else None
    # what is no number becomes some place
    return place.clamp(0, size - 1).to(int64).clamp(0, size - 1), inside


def _linear(place: Any, size: int, padding_mode: str) -> list[Weighted]:
    """The two neighbours of a place, by how near they are."""
    low = place.detach().floor()
    share = place - low
    return [(_element(low, size, padding_mode), 1 - share), (_element(low + 1, size, padding_mode), share)]


def _cubic(place: Any, size: int, padding_mode: str, align: bool) -> list[Weighted]:
    """The four elements around a place, by Keys' kernel with a = -0.75 at the distances t + 1, t, 1 - t, 2 - t."""
    low = place.detach().floor()
    t, a = place - low, -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    found: list[Weighted] = []
    for tap, weight in enumerate((far(t + 1), near(t), near(1 - t), far(2 - t))):
        at = _brought_in(low if tap == 1 else low + (tap - 1), size, padding_mode, align)
        found.append((_element(at.round(), size, padding_mode), weight))
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


def _sampled_at_once(x: Any, *places: Any, mode: str, padding_mode: str, align: bool) -> Any:
    """x[N, C, ...] at places[N, 1, P] for each axis, the last axis first: [N, C, P]."""
    layout = x.layout
    wanted = [cast(place, compute_dtype(layout.dtype)) for place in places]
    return cast(sampled(_reader(x), wanted, layout.shape[:1:-1], mode, padding_mode, align), layout.dtype)


def _elements_around(*places: Any, sizes: Shape, mode: str, padding_mode: str, align: bool) -> tuple[Any, ...]:
    """For each axis the numbers of the elements that are read, -1 outside, each before its weight if it has one."""
    wanted = [cast(place, compute_dtype(place.layout.dtype)) for place in places]
    found: list[Any] = []
    for axis in _around(wanted, sizes, mode, padding_mode, align):
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
        return whole.cost(inputs, outputs, **params)._replace(bytes_read=looked_up + bytes_read(inputs[1:]))

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
    if x.layout.shape[1] <= _FEW_CHANNELS:
        return bind(GRID_SAMPLE, (x, *places), align=align, **settings)
    found = bind(GRID_ELEMENTS, tuple(places), sizes=x.layout.shape[:1:-1], align=align, **settings)
    return bind(GRID_READ, (x, *found), **settings)
