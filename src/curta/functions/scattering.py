"""Writing to chosen places: assignment through index tensors, scatter, index_add and their relatives."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from curta import dtypes, shapes
from curta.autograd.state import STATE
from curta.batching.values import alongside
from curta.device import META
from curta.dtypes import compute_dtype
from curta.errors import DTypeError, IndexRangeError, ShapeError
from curta.functions.choice import masked_fill
from curta.functions.creation import zeros
from curta.functions.indexing import Plan, check_paired, follow, in_range, in_range_from_zero, parse, plan_of
from curta.functions.inplace import check_no_overlap, check_writable, previous, rewritten, scalar_name, store
from curta.functions.movement import region
from curta.functions.outputs import EXACT, into
from curta.memory.layout import contiguous
from curta.ops.creation import full_of
from curta.ops.dispatch import bind_into
from curta.ops.indexing import (
    SCATTER_INTO,
    SCATTER_LINES_INTO,
    fills,
    paired_places,
    scatter_lines,
    scatter_rows,
    whole_rows,
)
from curta.tensor import Tensor


def write_at(view: Tensor, indices: dict[int, Tensor], value: Any, accumulate: bool = False) -> None:
    """Write `value` (a number or a tensor that broadcasts) to the places of `view` that the index tensors name."""
    if _names_rows(view, indices, value):
        _write_rows(view, indices[0], value, accumulate)
        return
    plan = plan_of(view, indices)
    shape = tuple(view.layout.shape[s] if s >= 0 else size for s, size in zip(plan.sources, _spread(plan), strict=True))
    values = _values(view, value, shape)
    whole = _whole_dims(plan, view.layout.rank)
    places = _places(view, plan, shape, whole)
    count = len(shape) - whole
    _write(view, places.reshape(-1), values.reshape(prod(shape[:count]), prod(shape[count:])), accumulate)


def _names_rows(view: Tensor, indices: dict[int, Tensor], value: Any) -> bool:
    """Whether one vector of places says what is written whole along the first dimension, and no more is to be known."""
    if len(indices) > 1 or 0 not in indices or view.layout.device is META:
        return False
    plain = all(one.batch is None for one in (view, indices[0], value) if isinstance(one, Tensor))
    return plain and indices[0].layout.rank == 1 and indices[0].layout.device is not META


def _write_rows(view: Tensor, index: Tensor, value: Any, accumulate: bool) -> None:
    """Write to whole slices along the first dimension; what is the same for all of them is there once."""
    count, rest = index.layout.numel, view.layout.shape[1:]
    values, width = _values(view, value, (count, *rest)), prod(rest)
    if count > 1 and values.layout.strides[0] == 0:
        rows = values.narrow(0, 0, 1).reshape(1, width).contiguous().expand(count, width)
    else:
        rows = values.reshape(count, width)
    _write(view, index.long(), rows, accumulate)


def _spread(plan: Plan) -> list[int]:
    sizes = iter(plan.index_shape)
    return [next(sizes) if s < 0 else 0 for s in plan.sources]


def _values(view: Tensor, value: Any, shape: tuple[int, ...]) -> Tensor:
    dtype = view.layout.dtype
    if not isinstance(value, Tensor):
        return host_full(value, view).expand(shape)
    if value.layout.dtype is not dtype:
        if value.layout.rank:
            raise ShapeError(
                "Index put requires the source and destination dtypes match, got "
                f"{scalar_name(dtype)} for the destination and {scalar_name(value.layout.dtype)} for the source."
            )
        value = value.to(dtype)
    given = value.layout.shape
    while len(given) > len(shape) and given[0] == 1:
        value, given = value[0], given[1:]
    try:
        shapes.broadcast_strides(given, value.layout.strides, shape)
    except ShapeError:
        raise ShapeError(
            f"shape mismatch: value tensor of shape {list(value.layout.shape)} cannot be broadcast to indexing result "
            f"of shape {list(shape)}"
        ) from None
    return value.expand(shape)


def host_full(value: Any, like: Tensor) -> Tensor:
    """A number as a 0-d tensor in the format of another."""
    return full_of(contiguous((), like.layout.dtype, like.layout.device), value)


def _whole_dims(plan: Plan, rank: int) -> int:
    """How many dimensions at the end are written whole: what lies in them is one row."""
    count = 0
    for source in reversed(plan.sources):
        if source != rank - 1 - count:
            break
        count += 1
    return count


def _places(view: Tensor, plan: Plan, shape: tuple[int, ...], whole: int) -> Tensor:
    """The row-major number, within `view`, of every row written: its last `whole` dimensions."""
    from curta.functions.creation import arange

    shape = shape[: len(shape) - whole]
    strides = shapes.contiguous_strides(view.layout.shape[: view.layout.rank - whole])
    total: Any = 0
    for axis, one in zip(plan.axes, plan.indices, strict=True):
        own = one.layout.shape  # with a size of 1 for each dimension that is written whole
        total = one.long().reshape(own[: max(len(own) - whole, 0)]) * strides[axis] + total
    for dim, source in enumerate(plan.sources[: len(shape)]):
        if source >= 0:
            along = arange(0, shape[dim], device=view.layout.device) * strides[source]
            total = total + along.view((shape[dim],) + (1,) * (len(shape) - dim - 1))
    return total.expand(shape)


def _write(target: Tensor, places: Tensor, rows: Tensor, accumulate: bool) -> None:
    """Rows of values into `target`, at a vector of row-major places, counted in rows."""
    check_writable(target)
    check_no_overlap(target)
    layout = target.layout
    half = accumulate and compute_dtype(layout.dtype) is not layout.dtype
    wants = _remembered(target, rows)
    if not layout.numel or not places.layout.numel:
        if wants:
            store(target, previous(target).clone())
        return
    mapped = any(one.batch is not None for one in (target, places, rows))
    if wants or half or mapped or not layout.is_contiguous:
        _write_apart(target, places, rows, accumulate, wants or mapped)
        return
    given = whole_rows(rows.detach()), places.contiguous()
    bind_into(SCATTER_INTO, given, (target,), step=rows.layout.shape[1], accumulate=accumulate)


def _write_apart(target: Tensor, places: Tensor, values: Tensor, accumulate: bool, wants: bool) -> None:
    """Compute the new contents in a block of their own, then store them: for gradients, gaps and half formats.

    `values` are rows.
    """
    old = previous(target) if wants else target.detach()
    shape, width = old.layout.shape, values.layout.shape[1]
    count = old.layout.numel // width
    if wants or accumulate:
        added = scatter_rows(values, places, count, accumulate)
        if accumulate:
            fresh = (old + added.view(shape)).to(old.layout.dtype)
        else:
            ones = host_full(1, old).expand(places.layout.shape)
            mask = scatter_rows(ones.reshape(-1, 1), places, count, accumulate=False).bool()
            fresh = added.where(mask, old.reshape(count, width)).view(shape)
    else:
        fresh = old.contiguous() if not old.layout.is_contiguous else old.clone()
        bind_into(SCATTER_INTO, (values.contiguous(), places.contiguous()), (fresh,), step=width, accumulate=False)
    store(target, fresh)


# by name


def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """`input[indices] = values`, or `+=` that counts every index named twice; gives `input`.

    >>> import curta
    >>> curta.index_put_(curta.zeros(3), (curta.tensor([0, 2]),), curta.tensor(1.0))
    tensor([1., 0., 1.])
    """
    parsed = parse(input, tuple(indices))
    write_at(region(input, tuple(parsed.items)), parsed.indices, values, accumulate)
    follow(input)
    return input


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `index_put_` done to it."""
    return index_put_(alongside(input, *indices, values), indices, values, accumulate)


def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """Add slices of `source` to the slices along `dim` that `index` names; an index named twice counts twice."""
    place = shapes.normalize_dim(dim, input.layout.rank)
    if index.layout.rank > 1:
        raise IndexRangeError("index_add_(): Index is supposed to be a vector, but got dim: "
                              f"{index.layout.rank}")  # fmt: skip
    if source.layout.dtype is not input.layout.dtype:
        raise DTypeError(
            f"index_add_(): self ({scalar_name(input.layout.dtype)}) and source "
            f"({scalar_name(source.layout.dtype)}) must have the same scalar type"
        )
    size = input.layout.shape[place] if input.layout.rank else 1
    index = in_range(index.reshape(-1), size, place, IndexRangeError)
    values = source if alpha == 1 else source * alpha
    expected = (*input.layout.shape[:place], index.layout.numel, *input.layout.shape[place + 1 :])
    if not input.layout.rank and index.layout.numel == values.layout.numel == 1:
        values = values.reshape(1)
    if values.layout.shape != expected:
        raise ShapeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(input.layout.shape)} source.shape = {list(source.layout.shape)}"
        )
    return _along(input, place, index, values, accumulate=True)


def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """A copy of `input` with `index_add_` done to it."""
    if out is not None:
        return into("index_add", out, index_add(input, dim, index, source, alpha=alpha), EXACT, (index, source))
    return index_add_(alongside(input, index, source), dim, index, source, alpha=alpha)


def _long_vector(name: str, index: Tensor) -> None:
    if index.layout.rank > 1:
        raise IndexRangeError(f"{name}(): Index should have dimension 1 or 0 (got {index.layout.rank})")
    if index.layout.dtype is not dtypes.int64:
        raise DTypeError(f"{name}(): Expected a long tensor for index, but got {scalar_name(index.layout.dtype)}")


def _check_slices(input: Tensor, place: int, index: Tensor, source: Tensor) -> None:
    """Whether `source` has the slices of `input` that `index_copy_` writes, in PyTorch's words."""
    own, given, count = input.layout, source.layout, index.layout.numel
    if not given.rank and count != 1:
        raise IndexRangeError(f"index_copy_(): When source is scalar, index should have one element (got {count})")
    if own.rank and given.rank and own.rank != given.rank:
        raise IndexRangeError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({given.rank}), destination dimensionality ({own.rank})"
        )
    if own.dtype is not given.dtype:
        raise DTypeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{scalar_name(own.dtype)} and (source) {scalar_name(given.dtype)}"
        )
    slices = [" ".join(map(str, (*one[:place], *one[place + 1 :]))) for one in (own.shape, given.shape)]
    if slices[0] != slices[1]:
        raise ShapeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{slices[0]} at dimension {place} and source slice shape: {slices[1]} at dimension {place}."
        )
    if given.rank and given.shape[place] != count:
        raise IndexRangeError(
            f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) ({given.shape[place]})"
        )


def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Copy slices of `source` over the slices along `dim` that `index` names."""
    place = shapes.normalize_dim(dim, input.layout.rank)
    _long_vector("index_copy_", index)
    _check_slices(input, place, index, source)
    size = input.layout.shape[place] if input.layout.rank else 1
    index = in_range_from_zero(index.reshape(-1), size, place, lambda text: IndexRangeError(f"index_copy_(): {text}"))
    return _along(input, place, index, source)


#: what lies behind the dimension that is written along: less than this is no row worth writing by itself
_NARROW = 16


def _along(input: Tensor, place: int, index: Tensor, value: Any, accumulate: bool = False) -> Tensor:
    """Write to slices along a dimension; a tensor without dimensions is written as one with a single element."""
    own = input.layout.shape
    here = META not in (input.layout.device, index.layout.device)
    if place and here and prod(own[place + 1 :]) < _NARROW and prod(own) and index.layout.numel:
        shape = (*own[:place], index.layout.numel, *own[place + 1 :])
        values = _values(input, value, shape)
        places = index.view((-1,) + (1,) * (len(own) - place - 1)).expand(shape)
        _write_lines(input, place, places, values, accumulate)
    elif input.layout.rank:
        write_at(input, {place: index}, value, accumulate)
    else:
        view = input.view(1)
        write_at(view, {0: index}, value.reshape(-1) if isinstance(value, Tensor) else value, accumulate)
        follow(input)
    return input


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with slices of `source` in place of the slices along `dim` that `index` names.

    >>> import curta
    >>> curta.index_copy(curta.zeros(3), 0, curta.tensor([2, 0]), curta.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    if out is not None:
        return into("index_copy", out, index_copy(input, dim, index, source))
    return index_copy_(input.clone(), dim, index, source)


def index_fill_(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Fill the slices along `dim` that `index` names."""
    place = shapes.normalize_dim(dim, input.layout.rank)
    if index.layout.dtype is not dtypes.int64:
        raise IndexRangeError("index_fill_(): Expected dtype int64 for index.")
    if index.layout.rank > 1:
        raise ShapeError("Index has to be a vector/scalar")
    if isinstance(value, Tensor):
        if value.layout.rank:
            raise ShapeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.layout.rank} dimension(s)."
            )
        value = value.to(input.layout.dtype)
    size = input.layout.shape[place] if input.layout.rank else 1
    index = in_range(index.reshape(-1), size, place)
    if STATE.grad_enabled and isinstance(value, Tensor) and value.requires_grad:
        # a place that is named twice is filled once: the value's gradient must not count it again
        named = _along(zeros(size, dtype=dtypes.bool_, device=input.layout.device), 0, index, True)
        mask = named.view((-1,) + (1,) * (input.layout.rank - place - 1)) if input.layout.rank else named.view(())
        return store(input, masked_fill(input, mask, value))
    return _along(input, place, index, value)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of `input` with the slices along `dim` that `index` names set to a number.

    >>> import curta
    >>> curta.index_fill(curta.zeros(3), 0, curta.tensor([2, 0]), 1)
    tensor([1., 0., 1.])
    """
    return index_fill_(input.clone(), dim, index, value)


def paired(
    name: str, input: Tensor, dim: int, index: Tensor, src: Any, error: Callable[[str], Exception] = ShapeError
) -> tuple[Tensor, Tensor]:
    """Vectors of the row-major places in `input` that scatter writes to, and of what it writes there."""
    place, index, values = _beside(name, input, dim, index, src, error)
    own = input.layout.shape
    places = paired_places(own, place, index) if own else index.long()
    return places.reshape(-1), values.reshape(-1)


def _beside(
    name: str, input: Tensor, dim: int, index: Tensor, src: Any, error: Callable[[str], Exception] = ShapeError
) -> tuple[int, Tensor, Tensor]:
    """The dimension that scatter writes along, the places there, and what it writes to each."""
    place = check_paired(name, input, dim, index)
    index = in_range_from_zero(index, input.layout.shape[place] if input.layout.rank else 1, place, error)
    own = input.layout.shape
    for axis, count in enumerate(index.layout.shape):
        if (axis != place and count > own[axis]) or (isinstance(src, Tensor) and count > src.layout.shape[axis]):
            more = f" and to be no larger than src {list(src.layout.shape)}" if isinstance(src, Tensor) else ""
            raise ShapeError(
                f"Expected index {list(index.layout.shape)} to be no larger than self {list(own)} apart from dimension "
                f"{place}{more}"
            )
    if isinstance(src, Tensor):
        if src.layout.dtype is not input.layout.dtype:
            raise DTypeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
        values = region(src, tuple((0, count, 1) for count in index.layout.shape))
    else:
        values = host_full(src, input).expand(index.layout.shape)
    return place, index, values


def _scattered(name: str, input: Tensor, dim: int, index: Tensor, src: Any, accumulate: bool) -> Tensor:
    if not index.layout.numel:
        check_paired(name, input, dim, index)
        return input
    place, index, values = _beside(name, input, dim, index, src)
    own = input.layout.shape
    if own and fills(index.layout.shape, own, place):
        _write_lines(input, place, index, values, accumulate)
    else:
        places = paired_places(own, place, index) if own else index.long()
        _write(input, places.reshape(-1), values.reshape(-1, 1), accumulate)
    return input


def _write_lines(target: Tensor, dim: int, places: Tensor, values: Tensor, accumulate: bool) -> None:
    """`values` into `target`, at their places along `dim`."""
    check_writable(target)
    check_no_overlap(target)
    layout = target.layout
    half = accumulate and compute_dtype(layout.dtype) is not layout.dtype
    apart = _remembered(target, values) or any(one.batch is not None for one in (target, places, values))
    if not apart and not half:
        bind_into(SCATTER_LINES_INTO, (values.detach(), places), (target,), dim=dim, accumulate=accumulate)
        return
    old, size = previous(target) if apart else target.detach(), layout.shape[dim]
    added = scatter_lines(values, places, size, dim, accumulate)
    if accumulate:
        store(target, (old + added).to(layout.dtype))
        return
    ones = host_full(1, old).expand(places.layout.shape)
    mask = scatter_lines(ones, places, size, dim, accumulate=False).bool()
    store(target, added.where(mask, old))


def _remembered(target: Tensor, values: Tensor) -> bool:
    """Whether a write of these values is a part of some gradient."""
    base = target.base
    return STATE.grad_enabled and (
        target._requires_grad or values._requires_grad or (base is not None and base._requires_grad)
    )


def _reduced(input: Tensor, dim: int, index: Tensor, src: Any, reduce: str) -> Tensor:
    """`scatter_` that adds to or multiplies what is there."""
    from curta.functions.scatter_reduction import reduced_at

    if reduce not in ("add", "multiply"):
        raise ShapeError("reduce argument must be either add or multiply.")
    if reduce == "add" or not index.layout.numel:
        return _scattered("scatter", input, dim, index, src, accumulate=True)
    return rewritten(input, lambda old: reduced_at(old, *paired("scatter", old, dim, index, src), "prod", True))


def scatter_(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
             reduce: str | None = None) -> Tensor:  # fmt: skip
    """input[index[i][j]][j] = src[i][j] (for dim 0); `reduce` "add" adds to what is there, "multiply" multiplies it."""
    source = value if src is None else src
    if reduce is not None:
        return _reduced(input, dim, index, source, reduce)
    return _scattered("scatter", input, dim, index, source, accumulate=False)


def scatter(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
            reduce: str | None = None, out: Tensor | None = None) -> Tensor:  # fmt: skip
    """A copy of `input` with `scatter_` done to it."""
    if out is not None:
        return into("scatter", out, scatter(input, dim, index, src, value=value, reduce=reduce), EXACT, (index,))
    return scatter_(alongside(input, index, src), dim, index, src, value=value, reduce=reduce)


def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """input[index[i][j]][j] += src[i][j] (for dim 0); an index named twice counts twice."""
    return _scattered("scatter", input, dim, index, src, accumulate=True)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of `input` with `scatter_add_` done to it."""
    if out is not None:
        return into("scatter_add", out, scatter_add(input, dim, index, src), EXACT, (index, src))
    return scatter_add_(alongside(input, index, src), dim, index, src)
