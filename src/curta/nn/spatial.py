"""Convolution of sequences, images and volumes for `curta.nn.functional`.

Sequences are images of height 1. Volumes are turned into images whose channels are those of a few neighbouring planes:
one product for each plane of the result, whose sums run over all channels and taps at once.
"""

from __future__ import annotations

from typing import Any

from curta.errors import DTypeError, ShapeError
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.nn.windows import Numbers, each_axis, sizes_of
from curta.ops.convolution import CONV2D, CONV2D_WITH_BIAS, WINDOWS, Sides
from curta.ops.dispatch import bind
from curta.ops.matmul import multiply
from curta.ops.movement import embed
from curta.tensor import Tensor


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1, padding: Numbers | str = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """[N, C, L] (or [C, L]) convolved with [O, C / groups, k].

    >>> import curta
    >>> conv1d(curta.tensor([[1.0, 2.0, 4.0]]), curta.tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2.]])
    """
    return _convolved("conv1d", input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1, padding: Numbers | str = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """[N, C, H, W] (or [C, H, W]) convolved with [O, C / groups, kH, kW].

    >>> import curta
    >>> tuple(conv2d(curta.ones(1, 2, 5, 5), curta.ones(3, 2, 3, 3), padding=1).shape)
    (1, 3, 5, 5)
    """
    return _convolved("conv2d", input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1, padding: Numbers | str = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """[N, C, D, H, W] (or [C, D, H, W]) convolved with [O, C / groups, kD, kH, kW].

    >>> import curta
    >>> tuple(conv3d(curta.ones(1, 2, 3, 5, 5), curta.ones(3, 2, 3, 3, 3), padding=(0, 1, 1)).shape)
    (1, 3, 1, 5, 5)
    """
    return _convolved("conv3d", input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """[T, B, C] convolved over its first axis with [k, C, O], plus bias[O], with `pad` zeros before and behind.

    >>> import curta
    >>> tuple(conv_tbc(curta.ones(5, 2, 3), curta.ones(3, 3, 4), curta.ones(4), pad=1).shape)
    (5, 2, 4)
    """
    x = check("conv_tbc", input)
    if x.layout.rank != 3:
        raise ShapeError("Input must have 3 dims: time, batch, in_channel")
    if check("conv_tbc", weight, "weight").layout.rank != 3:
        raise ShapeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if x.layout.shape[2] != weight.layout.shape[1]:
        raise ShapeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if bias.layout.shape != weight.layout.shape[2:]:
        raise ShapeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    made = conv1d(x.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return made.permute(2, 0, 1).contiguous()


def _convolved(name: str, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    count = int(name[4])
    x = check(name, x)
    if x.layout.rank == count + 1:
        return _convolved(name, x.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)
    x, weight, bias = lowered(x, weight, bias)
    check_operands(name, x, weight)
    _check_channels(x, weight, bias, groups)
    jump, step = axes_of(stride, "stride", count), axes_of(dilation, "dilation", count)
    check_steps(jump, step)
    kernel = weight.layout.shape[2:]
    sides = _sides(padding, kernel, jump, step)
    _check_windows(sizes_of(x, count), sides, kernel, jump, step)
    check_not_empty(x.layout.shape, kernel)
    if count == 1:
        x, weight = x.unsqueeze(2), weight.unsqueeze(2)
        jump, step, sides = (1, *jump), (1, *step), ((0, 0), *sides)
    if count == 3:
        return _of_volumes(x, weight, bias, jump, sides, step, groups)
    made = _of_images(x, weight, bias, jump, sides, step, groups)
    return made.squeeze(2) if count == 1 else made


def _of_images(x: Any, weight: Any, bias: Any, stride: Any, padding: Sides, dilation: Any, groups: int) -> Any:
    """[N, C, H, W] with [O, C / groups, kH, kW]."""
    params: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    added = () if bias is None else (bias.reshape(1, -1, 1, 1),)
    if x.layout.dtype.is_floating_point:
        return bind(CONV2D_WITH_BIAS if added else CONV2D, (x, weight, *added), **params)
    return sum(added, _by_columns(x, weight, **params))


def _of_volumes(x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """[N, C, D, H, W] with [O, C / groups, kD, kH, kW], as images of kD planes' channels."""
    filters, channels, planes, *kernel = weight.layout.shape
    images = stacked(x, planes, stride[0], padding[0], dilation[0])
    flat = weight.reshape(filters, channels * planes, *kernel)
    made = _of_images(images, flat, bias, stride[1:], padding[1:], dilation[1:], groups)
    return made.unflatten(0, (x.layout.shape[0], -1)).transpose(1, 2).contiguous()


def stacked(x: Any, planes: int, stride: int, padding: tuple[int, int], dilation: int) -> Any:
    """[N, C, D, H, W] as images [N * windows, C * planes, H, W]: one for each window over the planes."""
    x = _surrounded(x, padding)
    N, C, D, H, W = x.layout.shape
    if planes == stride == 1:
        return x.transpose(1, 2).reshape(N * D, C, H, W)
    windows = bind(WINDOWS, (x.flatten(3),), kernel=(planes, 1), stride=(stride, 1), dilation=(dilation, 1))
    count = windows.layout.shape[4]
    return windows.squeeze(3).permute(0, 3, 1, 2, 4).reshape(N * count, C * planes, H, W)


def _surrounded(x: Any, ends: tuple[int, int]) -> Any:
    """Planes of zeros before and behind volumes."""
    if not any(ends):
        return x
    N, C, D, *sizes = x.layout.shape
    return embed(x, (N, C, D + sum(ends), *sizes), ((0, N, 1), (0, C, 1), (ends[0], D, 1)))


# arguments


def axes_of(value: Numbers, name: str, count: int) -> tuple[int, ...]:
    """One number for each axis, with PyTorch's words for a wrong number of them."""
    if isinstance(value, (list, tuple)) and len(value) not in (1, count):
        raise ShapeError(f"expected {name} to be a single integer or a list of {count} values, got {list(value)}")
    return each_axis(value, count, "")


def check_steps(stride: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    """ShapeError for what is no step."""
    if min(stride) <= 0:
        raise ShapeError("non-positive stride is not supported")
    if min(dilation) <= 0:
        raise ShapeError("dilation should be greater than zero")


def _sides(padding: Numbers | str, kernel: Any, stride: Any, dilation: Any) -> Any:
    """Zeros before and behind each axis."""
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if max(stride) != 1:
            raise ShapeError("padding='same' is not supported for strided convolutions")
        totals = [step * (taps - 1) for taps, step in zip(kernel, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        raise ShapeError(f"Invalid padding string '{padding}', should be one of 'valid', 'same'")
    amounts = axes_of(padding, "padding", len(kernel))
    if min(amounts) < 0:
        raise ShapeError("negative padding is not supported")
    return tuple((amount, amount) for amount in amounts)


def check_operands(name: str, x: Any, weight: Any) -> None:
    """Ranks and formats of a convolution's operands."""
    count = int(name[-2])
    check(name, weight, "weight")
    if x.layout.rank != count + 2:
        raise ShapeError(
            f"Expected {count + 1}D (unbatched) or {count + 2}D (batched) input to {name}, but got input of size: "
            f"{list(x.layout.shape)}"
        )
    if weight.layout.rank != count + 2:
        raise ShapeError(f"expected {count + 2}-dimensional weight, but got weight of size {list(weight.layout.shape)}")
    if x.layout.dtype is not weight.layout.dtype:
        raise DTypeError(
            f"Input type ({x.layout.dtype.name}) and weight type ({weight.layout.dtype.name}) should be the same"
        )


def _check_channels(x: Any, weight: Any, bias: Any, groups: int) -> None:
    shape = weight.layout.shape
    check_groups(shape, groups)
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
    check_bias(x, bias, shape[0], f"Given weight of size {list(shape)}")


def check_groups(shape: tuple[int, ...], groups: int) -> None:
    """ShapeError unless a weight of this shape can have so many groups."""
    if groups <= 0:
        raise ShapeError("non-positive groups is not supported")
    if shape[0] < groups:
        raise ShapeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{list(shape)} instead"
        )


def check_bias(x: Any, bias: Any, filters: int, given: str) -> None:
    """One number of x's format for each filter."""
    if bias is None:
        return
    if bias.layout.dtype is not x.layout.dtype:
        raise DTypeError(
            f"Input type ({x.layout.dtype.name}) and bias type ({bias.layout.dtype.name}) should be the same"
        )
    if bias.layout.shape != (filters,):
        raise ShapeError(
            f"{given}, expected bias to be 1-dimensional with {filters} elements, but got bias of size "
            f"{list(bias.layout.shape)} instead"
        )


def check_not_empty(shape: Any, kernel: Any) -> None:
    """ShapeError for kernels without taps and for images without elements."""
    if min(kernel) == 0:
        names = ("kernel_depth", "kernel_height", "kernel_width")[-len(kernel) :]
        sizes = " ".join(f"{name}: {size}" for name, size in zip(names, kernel, strict=True))
        raise ShapeError(f"kernel size should be greater than zero, but got {sizes}")
    if 0 in shape[2:]:
        raise ShapeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {list(shape)}")


def _check_windows(sizes: Any, sides: Any, kernel: Any, stride: Any, dilation: Any) -> None:
    """ShapeError where no window fits into images of these `sizes` with zeros around."""
    room = [size + before + behind for size, (before, behind) in zip(sizes, sides, strict=True)]
    reach = [step * (taps - 1) + 1 for taps, step in zip(kernel, dilation, strict=True)]
    if any(one < other for one, other in zip(room, reach, strict=True)):
        raise ShapeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, room))}). Kernel size: "
            f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size"
        )


# integers


def padded(x: Any, sides: Sides) -> Any:
    """Zeros around the images."""
    (top, bottom), (left, right) = sides
    if not (top or bottom or left or right):
        return x
    N, C, H, W = x.layout.shape
    region = ((0, N, 1), (0, C, 1), (top, H, 1), (left, W, 1))
    return embed(x, (N, C, H + top + bottom, W + left + right), region)


def _by_columns(x: Any, weight: Any, stride: Any, padding: Sides, dilation: Any, groups: int) -> Any:
    """A convolution of integers: all windows copied into columns, and multiplied."""
    filters, channels, *kernel = weight.layout.shape
    windows = bind(WINDOWS, (padded(x, padding),), kernel=tuple(kernel), stride=stride, dilation=dilation)
    N, _, _, _, high, wide = windows.layout.shape
    columns = windows.reshape(N, groups, channels * kernel[0] * kernel[1], high * wide)
    made = multiply(weight.reshape(groups, filters // groups, -1), columns)
    return made.reshape(N, filters, high, wide)
