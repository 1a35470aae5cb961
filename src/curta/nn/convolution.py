"""Two-dimensional convolution as a matrix product over windows."""

from __future__ import annotations

from collections.abc import Sequence

from curta.errors import ArgumentError, ShapeError
from curta.functions.creation import zeros
from curta.tensor import Tensor

Pair = int | Sequence[int]


def _pair(value: Pair) -> tuple[int, int]:
    if isinstance(value, int):
        return (value, value)
    first, second = value
    return (first, second)


def _padding(
    padding: Pair | str, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Zeros before and after each of H and W."""
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding == "same":
        if stride != (1, 1):
            raise ShapeError("padding='same' is not supported for strided convolutions")
        total = [dilation[axis] * (kernel[axis] - 1) for axis in (0, 1)]
        return (total[0] // 2, total[0] - total[0] // 2, total[1] // 2, total[1] - total[1] // 2)
    if isinstance(padding, str):
        raise ArgumentError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
    high, wide = _pair(padding)
    return (high, high, wide, wide)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of [N, C, H, W] (or [C, H, W]) with kernels [O, C / groups, kH, kW], zero padding.

    Costs 2 N O H' W' (C / groups) kH kW FLOPs. ShapeError where sizes do not fit.
    """
    if input.layout.rank == 3:
        return conv2d(input.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)
    if input.layout.rank != 4 or weight.layout.rank != 4:
        raise ShapeError(f"Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of {input.layout}")
    N, C, H, W = input.layout.shape
    O, width, kernel_h, kernel_w = weight.layout.shape
    if C != width * groups or O % groups:
        raise ShapeError(
            f"Given groups={groups}, weight of size {list(weight.layout.shape)}, expected input"
            f"{list(input.layout.shape)} to have {width * groups} channels, but got {C} channels instead"
        )
    step, gap = _pair(stride), _pair(dilation)
    top, bottom, left, right = _padding(padding, (kernel_h, kernel_w), step, gap)
    reach = (gap[0] * (kernel_h - 1) + 1, gap[1] * (kernel_w - 1) + 1)
    padded_size = (H + top + bottom, W + left + right)
    if padded_size[0] < reach[0] or padded_size[1] < reach[1]:
        raise ShapeError(
            f"Calculated padded input size per channel: {padded_size}. Kernel size: {reach}. Kernel size can't be "
            "greater than actual input size"
        )
    out_h, out_w = ((padded_size[axis] - reach[axis]) // step[axis] + 1 for axis in (0, 1))
    padded = _padded(input, top, left, padded_size) if (top, bottom, left, right) != (0, 0, 0, 0) else input.contiguous()
    sN, sC, sH, sW = padded.layout.strides
    windows = padded.as_strided(
        (N, groups, width, kernel_h, kernel_w, out_h, out_w),
        (sN, sC * width, sC, sH * gap[0], sW * gap[1], sH * step[0], sW * step[1]),
    )
    columns = windows.reshape(N, groups, width * kernel_h * kernel_w, out_h * out_w)
    kernels = weight.reshape(groups, O // groups, width * kernel_h * kernel_w)
    out = (kernels @ columns).reshape(N, O, out_h, out_w)
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def _padded(input: Tensor, top: int, left: int, size: tuple[int, int]) -> Tensor:
    """The input inside a frame of zeros."""
    N, C, H, W = input.layout.shape
    frame = zeros(N, C, *size, dtype=input.layout.dtype, device=input.layout.device)
    frame[:, :, top : top + H, left : left + W] = input
    return frame
