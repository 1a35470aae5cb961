"""Sequences, powers and indices counted from numbers: what needs no tensor, or only one of places."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from curta import dtypes, host
from curta.default_dtype import get_default_dtype
from curta.device import CPU, resolve
from curta.dtypes import DType, asked
from curta.errors import ArgumentError, ArgumentTypeError, ShapeError, UnsupportedDTypeError
from curta.functions.arithmetic import floor_divide, pow, remainder
from curta.functions.creation import (
    DeviceLike,
    arange,
    checked_options,
    checked_shape,
    empty,
    empty_strided,
    end_point,
    finish,
    full,
    linspace,
    ones,
)
from curta.functions.cumulative import cumprod, cumsum
from curta.functions.inplace import scalar_name
from curta.functions.joining import cat, stack
from curta.functions.movement import expand, integer
from curta.functions.operands import tensor
from curta.functions.outputs import into
from curta.functions.turning import flip
from curta.lazy import LazyModule
from curta.shapes import contiguous_strides
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, out: Any = None, dtype: DType | None = None,
    layout: Any = None, device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` powers of `base`, from base ** start to base ** end, whose exponents are equally far apart.

    >>> import curta
    >>> curta.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    checked_options("logspace", layout, pin_memory)
    kind = asked(dtype, "logspace") or (get_default_dtype() if out is None else out.layout.dtype)
    first, last = (end_point("logspace", value, kind) for value in (start, end))
    exponents = linspace(first, last, steps, dtype=dtypes.float64, device=device)
    powers = pow(float(base), exponents)
    made = (powers if kind.is_floating_point else powers.to(dtypes.int64)).to(kind)
    return finish(made if out is None else into("logspace", out, made), requires_grad)


def range(
    start: Any, end: Any, step: Any = 1, *, out: Any = None, dtype: DType | None = None, layout: Any = None,
    device: DeviceLike = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """`start`, `start + step`, … up to `end`, which is included; floating-point. PyTorch recommends `arange`.

    >>> import curta
    >>> curta.arange(1, 4, dtype=curta.float32)  # in place of curta.range(1, 3)
    tensor([1., 2., 3.])
    """
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        stacklevel=2,
    )
    kind = asked(dtype, "range") or get_default_dtype()
    if step and start == end:
        made = full((1,), start, dtype=kind, device=device)
    else:
        count = int((end - start) / step) + 1 if step and abs(end - start) != float("inf") else 0
        past = start + (count - 0.5) * step if count > 0 else end
        made = arange(start, past, step, dtype=dtypes.float64, layout=layout, device=device, pin_memory=pin_memory)
        made = made.to(kind)
    return finish(made if out is None else into("range", out, made), requires_grad)


def scalar_tensor(
    s: Any, *, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A number as a tensor without dimensions, in the default floating-point format.

    >>> import curta
    >>> curta.scalar_tensor(3)
    tensor(3.)
    """
    if not isinstance(s, Tensor | bool | int | float | np.number | np.bool_):
        raise ArgumentTypeError(f"scalar_tensor(): argument 's' (position 1) must be Number, not {type(s).__name__}")
    return full(
        (), s, dtype=dtype or get_default_dtype(), layout=layout, device=device, pin_memory=pin_memory,
        requires_grad=requires_grad,
    )  # fmt: skip


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: DType | None = None, layout: Any = None, device: DeviceLike = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor without gaps whose dimensions lie in memory in this order, the outermost first; contents undefined.

    >>> import curta
    >>> curta.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    shape, order = checked_shape("empty_permuted", (size,)), tuple(physical_layout)
    rank = len(shape)
    if len(order) != rank:
        raise ShapeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{rank} is not equal to len(physical_layout) = {len(order)}"
        )
    for place, dim in enumerate(order):
        if not 0 <= dim < rank:
            raise ShapeError(
                f"Dimension out of range (expected to be between 0 and {rank - 1}, but got {dim} at index {place}).  "
                "NB: negative dims not currently supported; file an issue if you want it."
            )
    if len(set(order)) != rank:
        raise ShapeError("Duplicate dim not allowed")
    steps = contiguous_strides(tuple(shape[dim] for dim in order))
    strides = [steps[order.index(dim)] for dim, _ in enumerate(shape)]
    return empty_strided(
        shape, strides, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad, pin_memory=pin_memory
    )


# indices


def _triangle(
    name: str, sizes: tuple[Any, Any], offset: Any, dtype: DType, device: DeviceLike, layout: Any, pin_memory: bool
) -> Tensor:
    checked_options(name, layout, pin_memory)
    rows, columns = (integer(name, size, place) for size, place in zip(sizes, ("row", "col"), strict=True))
    for place, size in (("row", rows), ("col", columns)):
        if size < 0:
            raise ShapeError(f"{place} must be non-negative, got{size}")
    dtype = asked(dtype, name) or dtypes.int64
    if dtype not in (dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8):
        raise UnsupportedDTypeError(f'"{name}" not implemented for {scalar_name(dtype)!r}')
    offset = integer(name, offset, "offset")
    found = (np.tril_indices if name == "tril_indices" else np.triu_indices)(rows, offset, columns)
    target = resolve(device)
    if target is not CPU:
        return empty(2, len(found[0]), dtype=dtype, device=target)
    made = host.tensor_from(np.stack(found).astype(np.int64), dtype)
    host.charge(name, 0, made)
    return made


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = dtypes.int64, device: DeviceLike = None, layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The places of the lower triangle of a row x col matrix: [2, n], row numbers over column numbers.

    >>> import curta
    >>> curta.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _triangle("tril_indices", (row, col), offset, dtype, device, layout, pin_memory)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = dtypes.int64, device: DeviceLike = None, layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The places of the upper triangle of a row x col matrix: [2, n], row numbers over column numbers.

    >>> import curta
    >>> curta.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return _triangle("triu_indices", (row, col), offset, dtype, device, layout, pin_memory)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Row-major numbers of places as a vector of indices for each dimension of `shape`.

    >>> import curta
    >>> curta.unravel_index(curta.tensor([5, 2]), (2, 3))
    (tensor([1, 0]), tensor([2, 2]))
    """
    layout = tensor("unravel_index", indices).layout
    if layout.dtype.category != 1:
        raise ArgumentTypeError(f"expected 'indices' to be integer dtype, but got {layout.dtype}")
    if not isinstance(shape, int | Tensor | list | tuple):
        raise ArgumentTypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    given = shape.tolist() if isinstance(shape, Tensor) else shape
    given = given if isinstance(given, tuple | list) else [given]
    sizes = tuple(integer("unravel_index", one, "shape") for one in given)
    if any(size < 0 for size in sizes):
        raise ArgumentError(f"'shape' cannot have negative values, but got {sizes}")
    return _unravelled(indices.long(), sizes)


def _unravelled(places: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
    found = []
    for size, step in zip(sizes, contiguous_strides(sizes), strict=True):
        found.append(remainder(floor_divide(places, max(step, 1)), max(size, 1)))
    return tuple(found)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """As `nonzero`, but always `size` rows: the first ones, or filled up with `fill_value`; needs no values.

    >>> import curta
    >>> curta.nonzero_static(curta.tensor([1, 0, 2]), size=3)
    tensor([[ 0],
            [ 2],
            [-1]])
    """
    layout = tensor("nonzero_static", input).layout
    count = integer("nonzero_static", size, "size")
    if count < 0:
        raise ShapeError("nonzero_static: 'size' must be an non-negative integer")
    flat = (input != 0).reshape(-1)
    number = cumsum(flat, 0) - 1
    wanted = flat.logical_and(number < count)
    numbers = arange(flat.layout.numel, device=layout.device)
    rows = full((count + 1,), -1, dtype=dtypes.int64, device=layout.device)
    rows = rows.scatter(0, number.where(wanted, count), numbers)[:count]
    found = [part.where(rows >= 0, fill_value) for part in _unravelled(rows, layout.shape)]
    made = stack(found, 1) if found else rows.new_empty((count, 0))
    return made if out is None else into("nonzero_static", out, made, exact=True)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers 0 to N - 1 of a vector's elements, a row each, with the highest power first unless `increasing`.

    >>> import curta
    >>> curta.vander(curta.tensor([1, 2, 3]), increasing=True)
    tensor([[1, 1, 1],
            [1, 2, 4],
            [1, 3, 9]])
    """
    layout = tensor("vander", x).layout
    if layout.rank != 1:
        raise ShapeError("x must be a one-dimensional tensor.")
    count = layout.numel if N is None else integer("vander", N, "N")
    if count < 0:
        raise ShapeError("N must be non-negative.")
    kind = layout.dtype if layout.dtype.is_floating_point else dtypes.int64
    if not count:
        return x.new_empty((layout.numel, 0), dtype=kind)
    one = ones(layout.numel, 1, dtype=kind, device=layout.device)
    powers = cumprod(cat([one, expand(x.to(kind).unsqueeze(1), layout.numel, count - 1)], 1), 1)
    return powers if increasing else flip(powers, 1)
