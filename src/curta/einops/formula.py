"""Patterns of `einsum`: several tensors before the arrow, one after it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from curta.einops.parse import CACHE_SIZE, ELLIPSIS, Side, arrow, side
from curta.einops.problems import Call, Shape, Span, counted

OPERATION = "einsum"
#: what other frameworks call axes
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Formula(NamedTuple):
    """What a pattern says: the axes of each tensor and of the result."""

    inputs: tuple[Side, ...]
    output: Side


class Terms(NamedTuple):
    """The axes of tensors of known shapes by name, '...' written out from the right: "...0", "...1", and so on.

    An axis of '...' may have size 1 in one tensor and another size in the next, which `sizes` has.
    """

    inputs: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]
    sizes: dict[str, int]


@lru_cache(maxsize=CACHE_SIZE)
def formula(pattern: str) -> Formula:
    """The pattern's tensors; EinopsError for what is none."""
    call = Call(OPERATION, pattern)
    left, right = arrow(call)
    inputs, start = [], left[0]
    for number, part in enumerate(pattern[slice(*left)].split(",")):
        inputs.append(_named(call, (start, start + len(part)), f" in tensor {number}", repeated=True))
        start += len(part) + 1
    output = _named(call, right, " in the result", repeated=False)
    known = {name for one in inputs for name in one.names}
    for axis in output.axes:
        if axis.name not in known:
            raise call.error(f"axis {axis.label} of the result is in none of the tensors", axis.span)
    return Formula(tuple(inputs), output)


def _named(call: Call, span: Span, where: str, repeated: bool) -> Side:
    """One tensor's axes, all of them with names."""
    made = side(call, span, where, also=("_",), repeated=repeated)
    for group in made.groups:
        if group.composed or not group.axes or group.axes[0].size is not None:
            raise call.error("einsum knows names and '...' only: use rearrange for the rest", group.span)
    return made


@lru_cache(maxsize=CACHE_SIZE)
def terms(pattern: str, shapes: tuple[Shape, ...], broadcast: bool = False) -> Terms:
    """The axes of tensors of these shapes; EinopsError where they do not fit.

    With `broadcast`, a named axis may have size 1 in one tensor and another size in the next, as those of '...' may.

    >>> found = terms("... i, i j -> ... j", ((5, 2, 3), (3, 4)))
    >>> found.inputs, found.output
    ((('...0', '...1', 'i'), ('i', 'j')), ('...0', '...1', 'j'))
    >>> found.sizes
    {'...0': 5, '...1': 2, 'i': 3, 'j': 4}
    """
    call = Call(OPERATION, pattern, shapes)
    inputs, output = formula(pattern)
    if len(inputs) != len(shapes):
        raise call.error(f"the pattern is for {counted(len(inputs), 'tensor')}, {len(shapes)} passed")
    ranks = []
    for number, (one, shape) in enumerate(zip(inputs, shapes, strict=True)):
        ranks.append(len(shape) - len(one.groups) + 1)
        if ranks[-1] < 0 or (ranks[-1] != 1 and not one.ellipsis):
            few = "at least " if one.ellipsis else ""
            axes = counted(len(one.groups) - bool(one.ellipsis), "axis")
            raise call.error(f"the pattern is for {few}{axes}, tensor {number} has {len(shape)}", one.written)
    total = max((rank for rank, one in zip(ranks, inputs, strict=True) if one.ellipsis), default=0)
    named = tuple(_written_out(one, rank, total) for one, rank in zip(inputs, ranks, strict=True))
    return Terms(named, _written_out(output, total, total), _sizes(call, named, shapes, broadcast))


def _written_out(one: Side, rank: int, total: int) -> tuple[str, ...]:
    names: list[str] = []
    for axis in one.axes:
        dots = axis.name == ELLIPSIS
        names += [f"{ELLIPSIS}{number}" for number in range(total - rank, total)] if dots else [axis.name]
    return tuple(names)


def _sizes(
    call: Call, named: tuple[tuple[str, ...], ...], shapes: tuple[Shape, ...], broadcast: bool
) -> dict[str, int]:
    sizes: dict[str, int] = {}
    found: dict[str, Span] = {}
    for one, names, shape in zip(formula(call.pattern).inputs, named, shapes, strict=True):
        spans = {axis.name: axis.span for axis in one.axes}
        for name, size in zip(names, shape, strict=True):
            dots = name.startswith(ELLIPSIS)
            may_differ = dots or (broadcast and names.count(name) == 1)
            span = spans[ELLIPSIS if dots else name]
            before = sizes.setdefault(name, size)
            if before != size and not (may_differ and 1 in (before, size)):
                what = "'...'" if dots else f"axis '{name}'"
                raise call.error(f"{what} has size {before} and size {size}", found[name], span)
            sizes[name] = size if before == 1 else before
            found.setdefault(name, span)
    return sizes


@lru_cache(maxsize=CACHE_SIZE)
def letters(pattern: str, shapes: tuple[Shape, ...]) -> str:
    """The pattern as other frameworks' einsum take it.

    >>> letters("batch here, here there -> batch there", ((2, 3), (3, 4)))
    'ab,bc->ac'
    >>> letters("... here, here there -> ... there", ((2, 3), (3, 4)))
    '...a,ab->...b'
    """
    inputs, output, sizes = terms(pattern, shapes)
    written = formula(pattern)
    signs: dict[str, str] = {}
    if (
        written.output.ellipsis
    ):  # dots stay dots, which broadcast; where the result lacks them they are axes to be summed
        inputs, output = tuple(map(_names, written.inputs)), _names(written.output)
        signs[ELLIPSIS] = ELLIPSIS
    names = [name for name in sizes if any(name in one for one in inputs)]
    if len(names) > len(_LETTERS):
        raise Call(OPERATION, pattern, shapes).error(f"more than {len(_LETTERS)} axes")
    signs |= zip(names, _LETTERS, strict=False)
    left, right = (["".join(signs[name] for name in one) for one in side] for side in (inputs, (output,)))
    return f"{','.join(left)}->{right[0]}"


@lru_cache(maxsize=CACHE_SIZE)
def plain_letters(pattern: str) -> str | None:
    """As `letters` for shapes that fit; None where it depends on them, and for more axes than there are letters.

    >>> plain_letters("batch here, here there -> batch there"), plain_letters("... here -> here")
    ('ab,bc->ac', None)
    """
    written = formula(pattern)
    names = {name for one in written.inputs for name in one.names}
    if any(one.ellipsis for one in written.inputs) or len(names) > len(_LETTERS):
        return None
    return letters(pattern, tuple((2,) * len(one.axes) for one in written.inputs))


def _names(one: Side) -> tuple[str, ...]:
    return tuple(axis.name for axis in one.axes)
