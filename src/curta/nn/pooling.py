"""Pooling of sequences, images and volumes for `curta.nn.functional`.

Sequences are images of height 1. Volumes are pooled plane by plane, and then the results along the planes.
"""

from __future__ import annotations

from math import prod
from typing import Any

from curta import functions
from curta.dtypes import bool_, compute_dtype, int64
from curta.errors import ShapeError, UnsupportedDTypeError
from curta.functions.operands import tensor as check
from curta.nn.windows import Numbers, by_planes, each_axis, steps_of
from curta.ops.dispatch import bind
from curta.ops.pooling import AVG_POOL, MAX_POOL, WINDOW_SUM, Axis, Span, Windows
from curta.tensor import Tensor

#: windows of more elements are pooled along one axis after the other: a kernel has code for each element of a window
LARGEST = 16

_ALL_BUT_ONE = {1: "one int", 2: "a tuple of two ints", 3: "a tuple of three ints"}


def windows_of(
    name: str, x: Any, kernel_size: Numbers, stride: Numbers | None, padding: Numbers, dilation: Numbers,
    ceil_mode: bool,
) -> list[Windows]:  # fmt: skip
    """The windows along the axes of x[N, C, ...], with PyTorch's errors."""
    count = int(name[-2])
    words = f"must either be a single int, or {_ALL_BUT_ONE[count]}"
    kernel = each_axis(kernel_size, count, f"{name}: kernel_size {words}")
    longer = f"{name}: stride must either be omitted, a single int, or {_ALL_BUT_ONE[count]}"
    jump = steps_of(stride, kernel, longer)
    around = each_axis(padding, count, f"{name}: padding {words}")
    either = f"{name}: dilation must be either a single int, or {_ALL_BUT_ONE[count]}"
    step = each_axis(dilation, count, either)
    letters = ("T", "H", "W")[-count:]
    if min(kernel) <= 0:
        raise ShapeError(f"kernel size should be greater than zero, but got {_named('k', letters, kernel)}")
    if min(jump) <= 0:
        raise ShapeError("stride should not be zero")
    if min(step) <= 0:
        raise ShapeError(f"dilation should be greater than zero, but got {_named('dilation', letters, step)}")
    shape = x.layout.shape
    if min(shape[1:]) == 0:
        raise ShapeError(
            f"Expected {count + 1}D or {count + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:[{', '.join(map(str, shape))}]"
        )
    axes = [_windows(*numbers, ceil_mode) for numbers in zip(shape[2:], kernel, jump, around, step, strict=True)]
    if min(axis.windows for axis in axes) <= 0:
        made = "x".join(str(axis.windows) for axis in axes)
        raise ShapeError(
            f"Given input size: ({'x'.join(map(str, shape[1:]))}). Calculated output size: ({shape[1]}x{made}). "
            "Output size is too small"
        )
    return axes


def _named(word: str, letters: tuple[str, ...], sizes: tuple[int, ...]) -> str:
    return " ".join(f"{word}{letter}: {size}" for letter, size in zip(letters, sizes, strict=True))


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


def _whole(size: int) -> Span:
    return Span(size, size, 1, 0, 1, 1)


# largest elements


def max_pool1d(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, dilation: Numbers = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of every window of [N, C, L] (or [C, L]), as `max_pool2d`.

    >>> import curta
    >>> max_pool1d(curta.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    return _max_pool("max_pool1d", input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


def max_pool2d(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, dilation: Numbers = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of every window of [N, C, H, W] (or [C, H, W]), the first of equal ones taking the gradient.

    Padding counts as -inf. With `return_indices` also the elements' row-major numbers in their image.

    >>> import curta
    >>> max_pool2d(curta.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    return _max_pool("max_pool2d", input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


def max_pool3d(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, dilation: Numbers = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of every window of [N, C, D, H, W] (or [C, D, H, W]), as `max_pool2d`.

    >>> import curta
    >>> max_pool3d(curta.arange(8.0).reshape(1, 2, 2, 2), 2).tolist()
    [[[[7.0]]]]
    """
    return _max_pool("max_pool3d", input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices)


def _max_pool(name: str, input: Tensor, numbers: tuple[Any, ...], return_indices: bool) -> Any:
    count = int(name[-2])
    x = check(name, input)
    if x.layout.rank not in (count + 1, count + 2):
        raise ShapeError(f"non-empty {count + 1}D or {count + 2}D (batch mode) tensor expected for input")
    if x.layout.dtype is bool_:
        raise UnsupportedDTypeError(f"\"{name}\" not implemented for 'bool'")
    if x.layout.rank == count + 1:
        made = _max_pool(name, x.unsqueeze(0), numbers, True)
        values, places = (one.squeeze(0) for one in made)
    else:
        values, places = largest(x, windows_of(name, x, *numbers))
    return (values, places) if return_indices else values


def largest(x: Any, axes: Any) -> tuple[Any, Any]:
    """The largest elements of the windows of x[N, C, ...], and their row-major numbers."""
    if len(axes) == 1:
        values, places = _largest_of_images(x.unsqueeze(2), _single(1), axes[0])
        return values.squeeze(2), places.squeeze(2)
    if len(axes) == 2:
        return _largest_of_images(x, *axes)
    planes, rows, columns = axes
    N, C, D = x.layout.shape[:3]
    flat, inside = _largest_of_images(by_planes(x), rows, columns)
    shape = (N, C, D, rows.windows * columns.windows)
    flat, inside = flat.view(shape), inside.view(shape)
    values, second = _largest_of_images(flat, planes, _single(shape[3]))
    plane = second.div(shape[3], rounding_mode="floor")
    places = inside.gather(2, plane) + plane * (rows.size * columns.size)
    made = (N, C, planes.windows, rows.windows, columns.windows)
    return values.view(made), places.view(made)


def _largest_of_images(x: Any, rows: Axis, columns: Axis) -> tuple[Any, Any]:
    if _elements(rows, columns) <= LARGEST:
        values, places = bind(MAX_POOL, (x,), rows=rows, columns=columns)
        return values, places
    across, first = bind(MAX_POOL, (x,), rows=_single(rows.size), columns=columns)
    values, second = bind(MAX_POOL, (across,), rows=rows, columns=_single(columns.windows))
    return values, first.flatten(2).gather(2, second.flatten(2)).reshape(second.layout.shape)


def _elements(rows: Axis, columns: Axis) -> int:
    """How many elements a window has at most."""
    return prod(axis.kernel if isinstance(axis, Windows) else max(axis.counts()) for axis in (rows, columns))


# means


def avg_pool1d(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of every window of [N, C, L] (or [C, L]), as `avg_pool2d`.

    >>> import curta
    >>> avg_pool1d(curta.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[2.0000, 3.5000]])
    """
    return _avg_pool("avg_pool1d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of every window of [N, C, H, W] (or [C, H, W]).

    Padding counts as zeros, or with `count_include_pad=False` not at all. `divisor_override` takes the place of the
    number of elements.

    >>> import curta
    >>> avg_pool2d(curta.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    """
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _avg_pool("avg_pool2d", input, *options)


def avg_pool3d(
    input: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of every window of [N, C, D, H, W] (or [C, D, H, W]), as `avg_pool2d`.

    >>> import curta
    >>> avg_pool3d(curta.arange(8.0).reshape(1, 2, 2, 2), 2).tolist()
    [[[[3.5]]]]
    """
    options = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _avg_pool("avg_pool3d", input, *options)


def _avg_pool(
    name: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool, divisor: Any
) -> Any:
    x = checked(name, input, integers=True)
    if divisor == 0:
        raise ShapeError("divisor must be not zero")
    if x.layout.rank == int(name[-2]) + 1:
        return _avg_pool(name, x.unsqueeze(0), kernel_size, stride, padding, ceil_mode, include, divisor).squeeze(0)
    axes = windows_of(name, x, kernel_size, stride, padding, 1, ceil_mode)
    spans = [axis.span() for axis in axes]
    if divisor is not None:
        return mean(x, spans, divisor if x.layout.dtype is int64 else float(divisor))
    counted = [_padded(axis) if include else axis.span() for axis in axes]
    return mean(x, spans, divisors(x, counted))


def _padded(axis: Windows) -> Span:
    """The windows over the axis with its padding as elements of it."""
    return Span(axis.size + 2 * axis.padding, axis.windows, axis.stride, 0, axis.kernel, 1)


def checked(name: str, input: Any, integers: bool = False) -> Any:
    """A floating-point (or int64) tensor with or without a batch, for a function whose name ends with its axes."""
    x, count = check(name, input), int(name[-2])
    if x.layout.rank not in (count + 1, count + 2):
        raise ShapeError(f"{name}(): Expected {count + 1}D or {count + 2}D tensor, but got {list(x.layout.shape)}")
    if not x.layout.dtype.is_floating_point and not (integers and x.layout.dtype is int64):
        raise UnsupportedDTypeError(f"\"{name}\" not implemented for '{x.layout.dtype.name}'")
    return x


def divisors(x: Any, axes: list[Span]) -> Any:
    """How many elements the windows have: one number where all have as many, else a tensor."""
    counts = [axis.counts() for axis in axes]
    if all(len({*each}) == 1 for each in counts):
        count = prod(each[0] for each in counts)
        return count if x.layout.dtype is int64 else float(count)
    options = {"dtype": compute_dtype(x.layout.dtype), "device": x.layout.device}
    made: Any = functions.tensor(counts[0], **options)
    for each in counts[1:]:
        made = made.unsqueeze(-1) * functions.tensor(each, **options)
    return made


def mean(x: Any, axes: list[Span], divisor: Any) -> Any:
    """The sums of the windows of x[N, C, ...], divided."""
    kind = x.layout.dtype
    if len(axes) == 1:
        return _mean_of_images(x.unsqueeze(2), _whole(1), axes[0], divisor, kind).squeeze(2)
    if len(axes) == 2:
        return _mean_of_images(x, axes[0], axes[1], divisor, kind)
    planes, rows, columns = axes
    N, C, D = x.layout.shape[:3]
    flat = _sums_of_images(by_planes(x), rows, columns).view(N, C, D, rows.windows * columns.windows)
    flat_divisor = divisor if isinstance(divisor, int | float) else divisor.flatten(1)
    made = _mean_of_images(flat, planes, _whole(flat.layout.shape[3]), flat_divisor, kind)
    return made.view(N, C, planes.windows, rows.windows, columns.windows)


def _mean_of_images(x: Any, rows: Span, columns: Span, divisor: Any, kind: Any) -> Any:
    x, columns = _fewer(x, rows, columns)
    if kind is int64:  # whole numbers, towards zero
        return bind(WINDOW_SUM, (x,), rows=rows, columns=columns).div(divisor, rounding_mode="trunc")
    return bind(AVG_POOL, (x, divisor), rows=rows, columns=columns, dtype=kind)


def _sums_of_images(x: Any, rows: Span, columns: Span) -> Any:
    x, columns = _fewer(x, rows, columns)
    return bind(WINDOW_SUM, (x,), rows=rows, columns=columns)


def _fewer(x: Any, rows: Span, columns: Span) -> tuple[Any, Span]:
    """x and the windows across it that are left to add up: large ones are added up along their rows first."""
    if max(rows.counts()) * max(columns.counts()) <= LARGEST:
        return x, columns
    return bind(WINDOW_SUM, (x,), rows=_whole(rows.size), columns=columns), _whole(columns.windows)


# powers


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """The `norm_type`-th root of the sum of every window's powers, of [N, C, L] (or [C, L])."""
    return _lp_pool("avg_pool1d", input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """The `norm_type`-th root of the sum of every window's powers, of [N, C, H, W] (or [C, H, W]).

    >>> import curta
    >>> lp_pool2d(curta.tensor([[[3.0, 4.0]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    return _lp_pool("avg_pool2d", input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """The `norm_type`-th root of the sum of every window's powers, of [N, C, D, H, W] (or [C, D, H, W])."""
    return _lp_pool("avg_pool3d", input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(name: str, input: Tensor, power: float, kernel: Any, stride: Any, ceil_mode: bool) -> Any:
    """As PyTorch defines it: from a mean, times a whole window's elements also where a window is cut off."""
    x = checked(name, input)
    elements = prod(each_axis(kernel, int(name[-2]), f"{name.replace('avg', 'lp')}: kernel_size must be given"))
    made = _avg_pool(name, x.pow(power), kernel, stride, 0, ceil_mode, True, None)
    return (made.sign() * made.abs().relu() * elements).pow(1.0 / power)
