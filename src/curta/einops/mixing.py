"""What `EinMix` consists of: a rearrangement, an einsum with a weight, a bias and another rearrangement."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from curta.einops.parse import CACHE_SIZE, ELLIPSIS, Axis, Side, parse, side
from curta.einops.plan import given
from curta.einops.problems import Call, Shape, Sizes

_LAYER = "EinMix"


class Mixing(NamedTuple):
    """Patterns and shapes.

    - `before`, `after`: the rearrangements to and from plain axes, None where there is nothing to do; `sizes` are for
      the first.
    - `product`: the einsum between them.
    - `weight`, `bias`: the parameters' shapes; `summed`: the sizes of the weight's axes that the result lacks.
    """

    before: str | None
    sizes: Sizes
    product: str
    after: str | None
    weight: Shape
    bias: Shape | None
    summed: Shape


@lru_cache(maxsize=CACHE_SIZE)
def mixing(pattern: str, weight_shape: str, bias_shape: str | None, sizes: Sizes) -> Mixing:
    """The layer's parts; EinopsError where they do not fit together.

    >>> made = mixing("t (h c) -> t h d", "h c d", None, (("h", 2), ("c", 3), ("d", 4)))
    >>> made.before, made.product, made.after, made.weight
    ('t (h c) -> t h c', 't h c, h c d -> t h d', None, (2, 3, 4))
    """
    call = Call(_LAYER, pattern, (), sizes)
    left, right = parse(_LAYER, pattern)
    weight = _plain(Call(_LAYER, weight_shape, (), sizes))
    _check_pattern(call, left, right, weight)
    known = given(call, (*left.axes, *weight.axes), sizes)
    _check_weight(Call(_LAYER, weight_shape, (), sizes), left, right, weight, known)
    before, after = (" ".join(axis.name for axis in one.axes) for one in (left, right))
    return Mixing(
        f"{pattern[slice(*left.span)].strip()} -> {before}" if _grouped(left) else None,
        tuple((name, size) for name, size in sizes if name in left.names),
        f"{before}, {weight_shape} -> {after}",
        f"{after} -> {pattern[slice(*right.span)].strip()}" if _grouped(right) else None,
        tuple(known[axis.name] for axis in weight.axes),
        None if bias_shape is None else _bias(bias_shape, right, sizes, known),
        tuple(known[axis.name] for axis in weight.axes if axis.name not in right.names),
    )


def _plain(call: Call) -> Side:
    """The axes of a parameter: names, nothing else."""
    made = side(call, (0, len(call.pattern)))
    for group in made.groups:
        if group.composed or not group.axes or group.axes[0].size is not None or group.axes[0].name == ELLIPSIS:
            raise call.error("a parameter's shape consists of names", group.span)
    return made


def _grouped(one: Side) -> bool:
    """Whether a side has more than plain axes: parentheses, or axes of size 1."""
    return any(group.composed or not group.axes for group in one.groups)


def _check_pattern(call: Call, left: Side, right: Side, weight: Side) -> None:
    for axis in (*left.axes, *right.axes):
        if axis.size is not None:
            raise call.error("a number other than 1 needs a name", axis.span)
    for axis in right.axes:
        if axis.name not in left.names | weight.names and axis.name != ELLIPSIS:
            raise call.error(f"axis {axis.label} of the result is neither in the input nor in the weight", axis.span)
    for one, other, where in ((left, right, "right"), (right, left, "left")):
        if one.ellipsis and not other.ellipsis:
            raise call.error(f"'...' is missing on the {where} side", one.ellipsis.span)


def _check_weight(call: Call, left: Side, right: Side, weight: Side, known: dict[str, int]) -> None:
    for axis in weight.axes:
        _sized(call, axis, known)
        if axis.name not in left.names | right.names:
            raise call.error(f"axis {axis.label} of the weight is neither in the input nor in the result", axis.span)


def _sized(call: Call, axis: Axis, known: dict[str, int]) -> None:
    if axis.name not in known:
        raise call.error(f"the size of axis {axis.label} is not given: pass it by name", axis.span)


def _bias(text: str, right: Side, sizes: Sizes, known: dict[str, int]) -> Shape:
    """The shape of the bias, which broadcasts to the result's plain axes."""
    call = Call(_LAYER, text, (), sizes)
    bias = _plain(call)
    names = [axis.name for axis in right.axes]
    for axis in bias.axes:
        if axis.name not in names:
            raise call.error(f"axis {axis.label} of the bias is not in the result", axis.span)
        _sized(call, axis, known)
        if ELLIPSIS in names and names.index(axis.name) < names.index(ELLIPSIS):
            raise call.error(f"axis {axis.label} of the bias stands before '...' in the result", axis.span)
    return tuple(known[name] if name in bias.names else 1 for name in names if name != ELLIPSIS)
