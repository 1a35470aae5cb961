"""What views show, as tensors of their own: `permute_copy` is to `permute` as `clone` is to the tensor itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta.errors import ShapeError
from curta.functions import movement
from curta.functions.dividing import split, split_with_sizes, unbind, unfold
from curta.functions.operands import tensor
from curta.functions.outputs import into
from curta.ops.dispatch import bind
from curta.ops.elementwise import COPY
from curta.shapes import slice_item
from curta.tensor import Tensor


def _own(view: Tensor) -> Tensor:
    made: Tensor = bind(COPY, (view,), contiguous_format=True)
    return made


def _copy_of(name: str, view: Callable[..., Any]) -> Callable[..., Any]:
    def function(input: Tensor, *arguments: Any, out: Any = None, **options: Any) -> Any:
        seen = view(tensor(name, input), *arguments, **options)
        if isinstance(seen, Tensor):
            return _own(seen) if out is None else into(name, out, _own(seen))
        if out is None:
            return tuple(map(_own, seen))
        for place, part in zip(out, seen, strict=True):
            into(name, place, part)
        return None

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"A copy of what `{name.removesuffix('_copy')}` shows of a tensor."
    return function


def _narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    rank = input.layout.rank
    if movement.integer("narrow_copy", dim, "dim") >= max(rank, 1):
        raise ShapeError(f"narrow_copy(): dim {dim} is out of range for a tensor of {rank} dimensions")
    return movement.narrow(input, dim, start, length)


def _slice(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    shape = input.layout.shape
    place = movement.dimension("slice_copy", dim, len(shape))
    whole = [(0, size, 1) for size in shape]
    whole[place] = slice_item(shape[place], slice(start, end, step))
    return movement.region(input, tuple(whole))


def _expand(input: Tensor, size: Any, *, implicit: bool = False) -> Tensor:
    return movement.expand(input, size)


def _permute(input: Tensor, dims: Any) -> Tensor:
    return movement.permute(input, dims)


alias_copy = _copy_of("alias_copy", lambda input: input)
as_strided_copy = _copy_of("as_strided_copy", movement.as_strided)
detach_copy = _copy_of("detach_copy", lambda input: input.detach())
diagonal_copy = _copy_of("diagonal_copy", movement.diagonal)
expand_copy = _copy_of("expand_copy", _expand)
narrow_copy = _copy_of("narrow_copy", _narrow)
permute_copy = _copy_of("permute_copy", _permute)
select_copy = _copy_of("select_copy", movement.select)
slice_copy = _copy_of("slice_copy", _slice)
split_copy = _copy_of("split_copy", split)
split_with_sizes_copy = _copy_of("split_with_sizes_copy", split_with_sizes)
squeeze_copy = _copy_of("squeeze_copy", movement.squeeze)
t_copy = _copy_of("t_copy", movement.t)
transpose_copy = _copy_of("transpose_copy", movement.transpose)
unbind_copy = _copy_of("unbind_copy", unbind)
unfold_copy = _copy_of("unfold_copy", unfold)
unsqueeze_copy = _copy_of("unsqueeze_copy", movement.unsqueeze)
view_copy = _copy_of("view_copy", movement.view)
