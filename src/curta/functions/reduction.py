"""Reductions under PyTorch's names: sums, products, extremes, truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta.autograd.state import STATE
from curta.dtypes import DType, asked, bool_, uint8
from curta.errors import IndexRangeError, ShapeError
from curta.functions.operands import tensor
from curta.functions.outputs import EXACT, into, into_all
from curta.methods import late
from curta.ops import reduce as ops
from curta.ops.dispatch import bind, bind_out
from curta.ops.record import Op
from curta.return_types import named
from curta.shapes import normalize_dim, normalize_dims
from curta.tensor import Tensor

Dims = int | Sequence[int] | None


#: what is said of an `out` in another format
_SAME = "Expected the dtype for input and out to match, but got {made} for input's dtype and {given} for out's dtype."
_TRUTH = "{name} only supports bool tensor for result, got: {given}"
#: as in PyTorch, whose masks of dimensions have so many bits
_MOST_DIMS = 64
#: all the dimensions of the common ranks
_EVERY = tuple(tuple(range(rank)) for rank in range(9))


def _is_empty(dim: Any) -> bool:
    return hasattr(dim, "__len__") and not hasattr(dim, "__index__") and len(dim) == 0


def all_dims(input: Tensor, dim: Dims) -> tuple[int, ...]:
    """The dimensions to reduce over, sorted; None and () mean all."""
    rank = input.layout.rank
    if rank > _MOST_DIMS:
        raise ShapeError(f"only tensors with up to {_MOST_DIMS} dims are supported")
    if dim is None:
        return _EVERY[rank] if rank < len(_EVERY) else tuple(range(rank))
    if type(dim) is int and -rank <= dim < rank:
        return (dim % rank,)
    if _is_empty(dim):
        return tuple(range(rank))
    dims = normalize_dims(dim, rank)
    return tuple(sorted(dims)) if rank else ()


def _reduce(name: str, op: Op, input: Tensor, dim: Dims, keepdim: bool, **params: Any) -> Tensor:
    x = tensor(name, input)
    dims = all_dims(x, dim)
    return bind(op, (x,), dims=dims, keepdim=bool(keepdim), **params)


def _added(name: str, function: Any, input: Tensor, dim: Dims, keepdim: bool, dtype: DType | None, out: Any) -> Tensor:
    """A sum or product for an `out`: without a `dtype`, of elements in the format of `out`, as in PyTorch."""
    kind = out.layout.dtype if dtype is None and isinstance(out, Tensor) else dtype
    plain = name == "sum" and isinstance(input, Tensor) and isinstance(kind, DType) and kind is not bool_
    if plain and bind_out(ops.SUM, (input,), out, dims=all_dims(input, dim), keepdim=bool(keepdim), dtype=kind):
        return out
    return into(name, out, function(input, dim, keepdim, dtype=kind), exact=EXACT)


def _told(name: str, out: Any, made: Tensor) -> Tensor:
    """Truth for an `out` of truth values or of bytes."""
    if isinstance(out, Tensor) and out.layout.dtype is uint8:
        made = made.to(uint8)
    return into(name, out, made, exact=_TRUTH)


def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The sum over `dim` (all dimensions by default); integers add up in int64 unless `dtype` says otherwise.

    >>> import curta
    >>> curta.sum(curta.tensor([[1, 2], [3, 4]]), 0)
    tensor([4, 6])
    """
    if out is not None:
        return _added("sum", sum, input, dim, keepdim, dtype, out)
    x, dtype = tensor("sum", input), asked(dtype, "sum")
    if dtype is bool_:
        return any(x, dim, keepdim)
    return bind(ops.SUM, (x,), dims=all_dims(x, dim), keepdim=bool(keepdim), dtype=dtype)


def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The product over `dim` (all dimensions by default); integers multiply in int64 unless `dtype` says otherwise.

    >>> import curta
    >>> curta.prod(curta.tensor([[1, 2], [3, 4]]), 1)
    tensor([ 2, 12])
    """
    if out is not None:
        return _added("prod", prod, input, dim, keepdim, dtype, out)
    dtype = asked(dtype, "prod")
    if dtype is bool_:
        return all(input, dim, keepdim)
    return _reduce("prod", ops.PROD, input, dim, keepdim, dtype=dtype)


def all(input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether all elements over `dim` (all dimensions by default) are non-zero.

    >>> import curta
    >>> curta.all(curta.tensor([[True, False], [True, True]]), 1)
    tensor([False,  True])
    """
    if out is not None:
        return _told("all", out, all(input, dim, keepdim))
    return _reduce("all", ops.ALL, input, dim, keepdim)


def any(input: Tensor, dim: Dims = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Whether any element over `dim` (all dimensions by default) is non-zero.

    >>> import curta
    >>> curta.any(curta.tensor([[True, False], [False, False]]), 1)
    tensor([ True, False])
    """
    if out is not None:
        return _told("any", out, any(input, dim, keepdim))
    return _reduce("any", ops.ANY, input, dim, keepdim)


def _not_empty(name: str, input: Tensor, dim: Dims) -> None:
    """Extremes of nothing do not exist."""
    layout = tensor(name, input).layout
    if layout.numel:
        return
    if dim is None or _is_empty(dim):
        kind = IndexRangeError if name.startswith("arg") else ShapeError
        raise kind(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
            "Specify the reduction dim with the 'dim' argument."
        )
    for axis in all_dims(input, dim):
        if layout.shape[axis] == 0:
            raise IndexRangeError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")


def amax(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The largest elements over `dim`; NaN if there is one. Equal ones share the gradient evenly.

    >>> import curta
    >>> curta.amax(curta.tensor([[1, 2], [4, 3]]), 1)
    tensor([2, 4])
    """
    if out is not None:
        return into("amax", out, amax(input, dim, keepdim), exact=_SAME)
    _not_empty("amax", input, dim)
    return _reduce("amax", ops.AMAX, input, dim, keepdim)


def amin(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The smallest elements over `dim`; NaN if there is one. Equal ones share the gradient evenly.

    >>> import curta
    >>> curta.amin(curta.tensor([[1, 2], [4, 3]]), 1)
    tensor([1, 3])
    """
    if out is not None:
        return into("amin", out, amin(input, dim, keepdim), exact=_SAME)
    _not_empty("amin", input, dim)
    return _reduce("amin", ops.AMIN, input, dim, keepdim)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The place of the largest element (the first of equal ones), in row-major order without `dim`; int64.

    >>> import curta
    >>> curta.argmax(curta.tensor([[1, 2], [4, 3]])), curta.argmax(curta.tensor([[1, 2], [4, 3]]), 1)
    (tensor(2), tensor([1, 0]))
    """
    made = _place("argmax", ops.ARGMAX, input, dim, keepdim)
    return made if out is None else into("argmax", out, made, exact=EXACT)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The place of the smallest element (the first of equal ones), in row-major order without `dim`; int64.

    >>> import curta
    >>> curta.argmin(curta.tensor([[1, 2], [4, 3]])), curta.argmin(curta.tensor([[1, 2], [4, 3]]), 1)
    (tensor(0), tensor([0, 1]))
    """
    made = _place("argmin", ops.ARGMIN, input, dim, keepdim)
    return made if out is None else into("argmin", out, made, exact=EXACT)


def _place(name: str, op: Op, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    _not_empty(name, input, dim)
    if input.layout.rank == 0:
        all_dims(input, dim)
        return _reduce(name, op, input.reshape((1,)), 0, False)
    return _reduce(name, op, input, dim, keepdim)


def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None) -> Any:
    """Of all elements the largest; along `dim` (values, indices); with another tensor the larger of each two.

    >>> import curta
    >>> curta.max(curta.tensor([[1, 5], [4, 3]])), curta.max(curta.tensor([[1, 5], [4, 3]]), 1).indices
    (tensor(5), tensor([1, 0]))
    """
    made = _extreme("max", input, dim, keepdim, other)
    return made if out is None else _written("max", out, made)


def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None, out: Any = None) -> Any:
    """Of all elements the smallest; along `dim` (values, indices); with another tensor the smaller of each two.

    >>> import curta
    >>> curta.min(curta.tensor([[1, 5], [4, 3]])), curta.min(curta.tensor([[1, 5], [4, 3]]), 1).indices
    (tensor(1), tensor([0, 1]))
    """
    made = _extreme("min", input, dim, keepdim, other)
    return made if out is None else _written("min", out, made)


def _extreme(name: str, input: Tensor, dim: Any, keepdim: bool, other: Tensor | None) -> Any:
    if isinstance(dim, Tensor):
        other = dim
    if other is not None:
        both = late.functions.maximum if name == "max" else late.functions.minimum
        return both(input, other)
    _not_empty(name, input, dim)
    if dim is None:
        return _reduce(name, ops.AMAX if name == "max" else ops.AMIN, input, None, False)
    axis = normalize_dim(dim, input.layout.rank)
    op = ops.MAX_ALONG if name == "max" else ops.MIN_ALONG
    if input.layout.rank == 0:
        return named(name, bind(op, (input.reshape((1,)),), dims=(0,), keepdim=False))
    return named(name, bind(op, (input,), dims=(axis,), keepdim=bool(keepdim)))


def _written(name: str, out: Any, made: Any) -> Any:
    return into(name, out, made) if isinstance(made, Tensor) else into_all(name, out, made)


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The tensor summed down to a shape that broadcasts to its own.

    >>> import curta
    >>> curta.tensor([[1, 2], [3, 4]]).sum_to_size(1, 2)
    tensor([[4, 6]])
    """
    shape = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else tuple(size)
    own = input.layout.shape
    lead = len(own) - len(shape)
    if lead < 0 or _differs(own[lead:], shape):
        raise ShapeError(f"size {{{list(shape)}}} is not expandable to size {{{list(own)}}}.")
    dims = tuple(axis for axis, length in enumerate(own) if axis < lead or (shape[axis - lead] == 1 and length != 1))
    if not shape:
        return sum(input)  # of truth values and bytes int64, as `sum` gives
    if not dims:
        return input
    if lead and STATE.graph is not None:  # inside a composition there are no views
        input = bind(ops.SUM, (input,), dims=tuple(range(lead)), keepdim=False, dtype=None)
        return sum_to_size(input, shape)
    kept = bind(ops.SUM, (input,), dims=dims, keepdim=True, dtype=None)
    return kept.reshape(shape) if lead else kept


def _differs(own: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether `wanted` does not broadcast to `own`, both of one rank."""
    return [size for size, target in zip(own, wanted, strict=True) if target not in (1, size)] != []
