"""`pack` and `unpack`: tensors of different ranks side by side in one, and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from operator import index
from typing import Any

from curta.einops.find import framework_of, one_framework
from curta.einops.parse import CACHE_SIZE, Axis, side
from curta.einops.problems import Call, Shape, counted, listed, require_text
from curta.errors import ArgumentTypeError

#: the sign for whatever dimensions a tensor has there
_STAR = "*"


@lru_cache(maxsize=CACHE_SIZE)
def _axes(operation: str, pattern: str) -> tuple[tuple[Axis, ...], tuple[Axis, ...]]:
    """The axes before and after the star."""
    call = Call(operation, pattern)
    made = side(call, (0, len(pattern)), also=(_STAR,))
    for group in made.groups:
        if group.composed or not group.axes or group.axes[0].size is not None or group.axes[0].name == "...":
            raise call.error("the pattern consists of names and one '*'", group.span)
    names = [axis.name for axis in made.axes]
    if _STAR not in names:
        raise call.error("the pattern has no '*'")
    star = names.index(_STAR)
    return made.axes[:star], made.axes[star + 1 :]


def pack(tensors: Sequence[Any], pattern: str) -> tuple[Any, list[Shape]]:
    """Tensors side by side in one: `"b * c"` says that all have axes b and c, and anything between.

    Gives the packed tensor, whose axis '*' holds what each had there in row-major order, and these shapes, with which
    `unpack` goes back. EinopsError where the tensors do not fit the pattern or one another.

    >>> import curta
    >>> from curta.einops import pack
    >>> packed, shapes = pack([curta.zeros(2, 3), curta.zeros(2, 4, 5, 3)], "b * c")
    >>> packed.shape, shapes
    (torch.Size([2, 21, 3]), [(), (4, 5)])
    """
    if not isinstance(tensors, list | tuple) or not tensors:
        raise ArgumentTypeError("pack(): expected a list of at least one tensor")
    framework = one_framework("pack", tensors)
    require_text("pack", "pattern", pattern)
    dim, wholes, inner = _packed(pattern, tuple([one.shape for one in tensors]))
    parts = [
        one if whole is None else framework.reshape(one, whole) for one, whole in zip(tensors, wholes, strict=True)
    ]
    return framework.concatenate(parts, dim), list(inner)


@lru_cache(maxsize=CACHE_SIZE)
def _packed(pattern: str, given: tuple[Shape, ...]) -> tuple[int, tuple[Shape | None, ...], tuple[Shape, ...]]:
    """The place of '*', the shapes with one dimension there (None: as they are), and what stood there before."""
    before, after = _axes("pack", pattern)
    _check_packed(pattern, given)
    start = len(before)
    wholes: list[Shape | None] = []
    inner: list[Shape] = []
    for shape in given:
        end = len(shape) - len(after)
        inner.append(tuple(shape[start:end]))
        whole = (*shape[:start], prod(inner[-1]), *shape[end:])
        wholes.append(None if whole == shape else whole)
    return start, tuple(wholes), tuple(inner)


def _check_packed(pattern: str, given: tuple[Shape, ...]) -> None:
    """EinopsError where a tensor has too few axes, or one axis another size than in the first tensor."""
    before, after = _axes("pack", pattern)
    call = Call("pack", pattern, given)
    least = len(before) + len(after)
    for number, shape in enumerate(given):
        if len(shape) < least:
            raise call.error(f"tensor {number} has {counted(len(shape), 'axis')}, the pattern at least {least}")
        for place, axis in (*enumerate(before), *((back - len(after), axis) for back, axis in enumerate(after))):
            if shape[place] != given[0][place]:
                raise call.error(
                    f"axis {axis.label} has size {given[0][place]} in tensor 0 and {shape[place]} in tensor {number}",
                    axis.span,
                )


def unpack(tensor: Any, packed_shapes: Sequence[Sequence[int]], pattern: str) -> list[Any]:
    """What `pack` put into one, as views: a tensor for each shape that takes the place of '*'.

    One of all the sizes may be -1, which then follows from the others. EinopsError where the shapes do not fill the
    axis.

    >>> import curta
    >>> from curta.einops import unpack
    >>> [part.shape for part in unpack(curta.zeros(2, 21, 3), [(), (4, -1)], "b * c")]
    [torch.Size([2, 3]), torch.Size([2, 4, 5, 3])]
    """
    framework = framework_of("unpack", tensor)
    require_text("unpack", "pattern", pattern)
    try:
        wanted = tuple([tuple(one) for one in packed_shapes])
        dim, parts = _unpacked(pattern, tensor.shape, wanted)
    except TypeError:
        raise ArgumentTypeError("unpack(): the packed shapes must be a list of shapes") from None
    return [framework.reshape(framework.part(tensor, dim, start, stop), shape) for start, stop, shape in parts]


@lru_cache(maxsize=CACHE_SIZE)
def _unpacked(pattern: str, shape: Shape, wanted: tuple[Shape, ...]) -> tuple[int, list[tuple[int, int, Shape]]]:
    """The place of '*', and for each part where it begins and ends there and its shape."""
    dim = len(_axes("unpack", pattern)[0])
    parts, start = [], 0
    for inner in _measured(pattern, shape, tuple(tuple(map(index, one)) for one in wanted)):
        stop = start + prod(inner)
        parts.append((start, stop, (*shape[:dim], *inner, *shape[dim + 1 :])))
        start = stop
    return dim, parts


def _measured(pattern: str, shape: Shape, wanted: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """The shapes with a -1 worked out."""
    before, after = _axes("unpack", pattern)
    call = Call("unpack", pattern, (shape,))
    if len(shape) != len(before) + 1 + len(after):
        axes = counted(len(before) + 1 + len(after), "axis")
        raise call.error(f"the pattern is for {axes}, the tensor has {len(shape)}")
    star = (len(pattern.partition(_STAR)[0]), len(pattern.partition(_STAR)[0]) + 1)
    total = shape[len(before)]
    said = ", ".join(map(listed, wanted)) or "no shapes"
    sizes = [size for one in wanted for size in one]
    if any(size < -1 for size in sizes) or sizes.count(-1) > 1:
        raise call.error(f"sizes must not be negative but for one -1, in {said}", star)
    rest = total - sum(prod(one) for one in wanted if -1 not in one)
    unknown = next((one for one in wanted if -1 in one), None)
    if unknown is None:
        if rest:
            raise call.error(f"{said} hold {total - rest} elements, the axis has {total}", star)
        return wanted
    known = -prod(unknown)
    if rest < 0 or known == 0 or rest % known:
        raise call.error(f"of {total} elements {rest} are left for {listed(unknown)} in {said}", star)
    return tuple(tuple(rest // known if size == -1 else size for size in one) for one in wanted)
