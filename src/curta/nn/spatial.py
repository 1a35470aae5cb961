"""Convolution of images for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, SupportsIndex

from curta.errors import DTypeError, ShapeError
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.ops.convolution import CONV2D, CONV2D_WITH_BIAS, WINDOWS, Sides, window_counts
from curta.ops.dispatch import bind
from curta.ops.matmul import multiply
from curta.ops.movement import embed
from curta.tensor import Tensor

Pair = int | Sequence[int]


def _pair(value: Pair, name: str) -> tuple[int, int]:
    if isinstance(value, SupportsIndex):
        return index(value), index(value)
    values = tuple(value)
    if len(values) not in (1, 2):
        raise ShapeError(f"expected {name} to be a single integer or a list of 2 values, got {list(values)}")
    return values[0], values[-1]


def _padded(x: Any, sides: Sides) -> Any:
    """Zeros around the images."""
    (top, bottom), (left, right) = sides
    if not (top or bottom or left or right):
        return x
    N, C, H, W = x.layout.shape
    region = ((0, N, 1), (0, C, 1), (top, H, 1), (left, W, 1))
    return embed(x, (N, C, H + top + bottom, W + left + right), region)


def _sides(padding: Pair | str, kernel: Any, stride: Any, dilation: Any) -> Sides:
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        if stride != (1, 1):
            raise ShapeError("padding='same' is not supported for strided convolutions")
        totals = [step * (taps - 1) for taps, step in zip(kernel, dilation, strict=True)]
        first, second = ((total // 2, total - total // 2) for total in totals)
        return first, second
    if isinstance(padding, str):
        raise ShapeError(f"Invalid padding string '{padding}', should be one of 'valid', 'same'")
    rows, columns = _pair(padding, "padding")
    if min(rows, columns) < 0:
        raise ShapeError("negative padding is not supported")
    return (rows, rows), (columns, columns)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Pair = 1, padding: Pair | str = 0,
    dilation: Pair = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """[N, C, H, W] (or [C, H, W]) convolved with [O, C / groups, kH, kW].

    >>> import curta
    >>> tuple(conv2d(curta.ones(1, 2, 5, 5), curta.ones(3, 2, 3, 3), padding=1).shape)
    (1, 3, 5, 5)
    """
    x = check("conv2d", input)
    if x.layout.rank == 3:
        result: Tensor = conv2d(x.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)
        return result
    x, weight, bias = lowered(x, weight, bias)
    _check_convolution(x, weight, bias, groups)
    jump, step = _pair(stride, "stride"), _pair(dilation, "dilation")
    if min(jump) <= 0:
        raise ShapeError("non-positive stride is not supported")
    if min(step) <= 0:
        raise ShapeError("dilation should be greater than zero")
    kernel = weight.layout.shape[2:]
    sides = _sides(padding, kernel, jump, step)
    _check_windows(x.layout.shape[2:], sides, kernel, jump, step)
    _check_not_empty(x.layout.shape, kernel)
    params: dict[str, Any] = {"stride": jump, "padding": sides, "dilation": step, "groups": groups}
    added = () if bias is None else (bias.reshape(1, -1, 1, 1),)
    if x.layout.dtype.is_floating_point:
        return bind(CONV2D_WITH_BIAS if added else CONV2D, (x, weight, *added), **params)
    return sum(added, _by_columns(x, weight, **params))


def _check_convolution(x: Any, weight: Any, bias: Any, groups: int) -> None:
    check("conv2d", weight, "weight")
    if x.layout.rank != 4:
        raise ShapeError(
            f"Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: {list(x.layout.shape)}"
        )
    if weight.layout.rank != 4:
        raise ShapeError(f"expected 4-dimensional weight, but got weight of size {list(weight.layout.shape)}")
    if x.layout.dtype is not weight.layout.dtype:
        raise DTypeError(
            f"Input type ({x.layout.dtype.name}) and weight type ({weight.layout.dtype.name}) should be the same"
        )
    if bias is not None and bias.layout.dtype is not x.layout.dtype:
        raise DTypeError(
            f"Input type ({x.layout.dtype.name}) and bias type ({bias.layout.dtype.name}) should be the same"
        )
    shape = weight.layout.shape
    if groups <= 0:
        raise ShapeError("non-positive groups is not supported")
    if shape[0] < groups:
        raise ShapeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{list(shape)} instead"
        )
    if x.layout.shape[1] != shape[1] * groups:
        raise ShapeError(
            f"Given groups={groups}, weight of size {list(shape)}, expected input{list(x.layout.shape)} to have "
            f"{shape[1] * groups} channels, but got {x.layout.shape[1]} channels instead"
        )
    if shape[0] % groups:
        raise ShapeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size {list(shape)} instead"
        )
    if bias is not None and bias.layout.shape != (shape[0],):
        raise ShapeError(
            f"Given weight of size {list(shape)}, expected bias to be 1-dimensional with {shape[0]} elements, but got "
            f"bias of size {list(bias.layout.shape)} instead"
        )


def _check_not_empty(shape: Any, kernel: Any) -> None:
    if min(kernel) == 0:
        raise ShapeError(
            f"kernel size should be greater than zero, but got kernel_height: {kernel[0]} kernel_width: {kernel[1]}"
        )
    if 0 in shape[2:]:
        raise ShapeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {list(shape)}")


def _by_columns(x: Any, weight: Any, stride: Any, padding: Sides, dilation: Any, groups: int) -> Any:
    """A convolution of integers: all windows copied into columns, and multiplied."""
    filters, channels, *kernel = weight.layout.shape
    windows = _windows(_padded(x, padding), (kernel[0], kernel[1]), stride, dilation)
    N, _, _, _, high, wide = windows.layout.shape
    columns = windows.reshape(N, groups, channels * kernel[0] * kernel[1], high * wide)
    made = multiply(weight.reshape(groups, filters // groups, -1), columns)
    return made.reshape(N, filters, high, wide)


def _check_windows(sizes: Any, sides: Sides, kernel: Any, stride: Any, dilation: Any) -> None:
    """ShapeError where no window fits into images of height and width `sizes` with zeros around."""
    high, wide = (size + before + after for size, (before, after) in zip(sizes, sides, strict=True))
    if min(window_counts((high, wide), kernel, stride, dilation)) <= 0:
        reach = tuple(step * (taps - 1) + 1 for taps, step in zip(kernel, dilation, strict=True))
        raise ShapeError(
            f"Calculated padded input size per channel: ({high} x {wide}). Kernel size: ({reach[0]} x "
            f"{reach[1]}). Kernel size can't be greater than actual input size"
        )


def _windows(x: Any, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> Any:
    _check_windows(x.layout.shape[2:], ((0, 0), (0, 0)), kernel, stride, dilation)
    return bind(WINDOWS, (x,), kernel=kernel, stride=stride, dilation=dilation)
