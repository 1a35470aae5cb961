"""Pooling of images for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, SupportsIndex

from curta import functions
from curta.dtypes import bool_, compute_dtype
from curta.errors import ShapeError, UnsupportedDTypeError
from curta.functions.operands import tensor as check
from curta.ops.dispatch import bind
from curta.ops.pooling import AVG_POOL, MAX_POOL, WINDOW_SUM, Span, Windows
from curta.tensor import Tensor

Pair = int | Sequence[int]
#: windows of more elements are pooled along one axis after the other: a kernel has code for each element of a window
LARGEST = 16


def _pair(value: Pair, words: str) -> tuple[int, int]:
    if isinstance(value, SupportsIndex):
        return index(value), index(value)
    values = tuple(value)
    if len(values) not in (1, 2):
        raise ShapeError(words)
    return values[0], values[-1]


def _axes(
    name: str, x: Any, kernel_size: Pair, stride: Pair | None, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[Windows, Windows]:
    """The windows down and across the images x[N, C, H, W], with PyTorch's errors."""
    two = "must either be a single int, or a tuple of two ints"
    kernel = _pair(kernel_size, f"{name}: kernel_size {two}")
    words = f"{name}: stride must either be omitted, a single int, or a tuple of two ints"
    jump = kernel if stride is None or stride == [] else _pair(stride, words)
    around = _pair(padding, f"{name}: padding {two}")
    step = _pair(dilation, f"{name}: dilation must be either a single int, or a tuple of two ints")
    if min(kernel) <= 0:
        raise ShapeError(f"kernel size should be greater than zero, but got kH: {kernel[0]} kW: {kernel[1]}")
    if min(jump) <= 0:
        raise ShapeError("stride should not be zero")
    if min(step) <= 0:
        raise ShapeError(f"dilation should be greater than zero, but got dilationH: {step[0]} dilationW: {step[1]}")
    shape = x.layout.shape
    if min(shape[1:]) == 0:
        raise ShapeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"[{', '.join(map(str, shape))}]"
        )
    down, across = (
        _windows(*numbers, ceil_mode) for numbers in zip(shape[2:], kernel, jump, around, step, strict=True)
    )
    if min(down.windows, across.windows) <= 0:
        raise ShapeError(
            f"Given input size: ({'x'.join(map(str, shape[1:]))}). Calculated output size: "
            f"({shape[1]}x{down.windows}x{across.windows}). Output size is too small"
        )
    return down, across


def _windows(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> Windows:
    if padding < 0:
        raise ShapeError(f"pad must be non-negative, but got pad: {padding}")
    reach = dilation * (kernel - 1) + 1
    if padding > reach // 2:
        raise ShapeError(
            f"pad should be at most half of effective kernel size, but got pad={padding}, kernel_size={kernel} and "
            f"dilation={dilation}"
        )
    room = size + 2 * padding - reach
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:  # a window must begin in the image or before it
        count -= 1
    return Windows(size, count, kernel, stride, padding, dilation)


def _single(size: int) -> Windows:
    """Windows of one element each: they change nothing."""
    return Windows(size, size, 1, 1, 0)


def max_pool2d(
    input: Tensor, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of every window of [N, C, H, W] (or [C, H, W]), the first of equal ones taking the gradient.

    Padding counts as -inf. With `return_indices` also the elements' row-major numbers in their image.

    >>> import curta
    >>> max_pool2d(curta.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    x = check("max_pool2d", input)
    if x.layout.rank not in (3, 4):
        raise ShapeError("non-empty 3D or 4D (batch mode) tensor expected for input")
    if x.layout.dtype is bool_:
        raise UnsupportedDTypeError("\"max_pool2d\" not implemented for 'bool'")
    if x.layout.rank == 3:
        made = max_pool2d(x.unsqueeze(0), kernel_size, stride, padding, dilation, ceil_mode, True)
        values, places = (one.squeeze(0) for one in made)
    else:
        rows, columns = _axes("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)
        if rows.kernel * columns.kernel <= LARGEST:
            values, places = bind(MAX_POOL, (x,), rows=rows, columns=columns)
        else:
            values, places = _max_by_axes(x, rows, columns)
    return (values, places) if return_indices else values


def _max_by_axes(x: Any, rows: Windows, columns: Windows) -> tuple[Any, Any]:
    across, first = bind(MAX_POOL, (x,), rows=_single(rows.size), columns=columns)
    values, second = bind(MAX_POOL, (across,), rows=rows, columns=_single(columns.windows))
    return values, first.flatten(2).gather(2, second.flatten(2)).reshape(second.layout.shape)


def avg_pool2d(
    input: Tensor, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of every window of [N, C, H, W] (or [C, H, W]).

    Padding counts as zeros, or with `count_include_pad=False` not at all. `divisor_override` takes the place of the
    number of elements.

    >>> import curta
    >>> avg_pool2d(curta.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    """
    x = _images("avg_pool2d", input)
    if divisor_override == 0:
        raise ShapeError("divisor must be not zero")
    if x.layout.rank == 3:
        options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        return avg_pool2d(x.unsqueeze(0), *options).squeeze(0)
    axes = _axes("avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode)
    rows, columns = (axis.span() for axis in axes)
    if divisor_override is not None:
        return _mean(x, rows, columns, float(divisor_override))
    counted = (_padded(axis) if count_include_pad else axis.span() for axis in axes)
    return _mean(x, rows, columns, _divisor(x, *counted))


def _padded(axis: Windows) -> Span:
    """The windows over the axis with its padding as elements of it."""
    return Span(axis.size + 2 * axis.padding, axis.windows, axis.stride, 0, axis.kernel, 1)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """The means of `output_size` (height, width; None: as the input's) windows that cover [N, C, H, W] (or [C, H, W]).

    >>> import curta
    >>> adaptive_avg_pool2d(curta.arange(16.0).reshape(1, 1, 4, 4), (1, 2)).tolist()
    [[[[6.5, 8.5]]]]
    """
    x = _images("adaptive_avg_pool2d", input)
    alone = output_size is None or isinstance(output_size, SupportsIndex)
    sizes: Any = (output_size, output_size) if alone else tuple(output_size)  # type: ignore[arg-type]
    if len(sizes) != 2:
        raise ShapeError("adaptive_avg_pool2d: output_size must be 2")
    if x.layout.rank == 3:
        return adaptive_avg_pool2d(x.unsqueeze(0), sizes).squeeze(0)
    H, W = x.layout.shape[2:]
    high, wide = H if sizes[0] is None else sizes[0], W if sizes[1] is None else sizes[1]
    if min(high, wide) < 0:
        raise ShapeError(
            "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received "
            f"{{{high}, {wide}}}"
        )
    for dim, size in ((2, H), (3, W)):
        if size == 0:
            raise ShapeError(
                "adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch dimensions, but input has "
                f"sizes {list(x.layout.shape)} with dimension {dim} being empty"
            )
    if high == wide == 1:
        return x.mean((2, 3), keepdim=True)
    if high == 0 or wide == 0:
        return x[:, :, :high, :wide]
    rows, columns = _adaptive(H, high), _adaptive(W, wide)
    return _mean(x, rows, columns, _divisor(x, rows, columns))


def _images(name: str, input: Any) -> Any:
    x = check(name, input)
    if x.layout.rank not in (3, 4):
        raise ShapeError(f"{name}(): Expected 3D or 4D tensor, but got {list(x.layout.shape)}")
    if not x.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f"\"{name}\" not implemented for '{x.layout.dtype.name}'")
    return x


def _adaptive(size: int, count: int) -> Span:
    """Window o from floor(o * size / count) to ceil((o + 1) * size / count)."""
    return Span(size, count, size, 0, size + count - 1, count)


def _divisor(x: Any, rows: Span, columns: Span) -> Any:
    """How many elements the windows have: one number where all have as many, else a tensor."""
    down, across = rows.counts(), columns.counts()
    if len({*down}) == len({*across}) == 1:
        return float(down[0] * across[0])
    options = {"dtype": compute_dtype(x.layout.dtype), "device": x.layout.device}
    return functions.tensor(down, **options).unsqueeze(1) * functions.tensor(across, **options)


def _mean(x: Any, rows: Span, columns: Span, divisor: Any) -> Tensor:
    kind = x.layout.dtype
    most = max(rows.counts()) * max(columns.counts())
    if most > LARGEST:
        size = rows.size
        x = bind(WINDOW_SUM, (x,), rows=Span(size, size, 1, 0, 1, 1), columns=columns)
        size = columns.windows
        columns = Span(size, size, 1, 0, 1, 1)
    result: Tensor = bind(AVG_POOL, (x, divisor), rows=rows, columns=columns, dtype=kind)
    return result
