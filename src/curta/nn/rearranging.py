"""Channels as pixels and back, and windows as columns and back, for `curta.nn.functional`."""

from __future__ import annotations

from operator import index
from typing import Any

from curta.errors import ShapeError
from curta.functions.operands import tensor as check
from curta.nn.spatial import padded
from curta.nn.windows import Numbers, each_axis, own
from curta.ops.convolution import WINDOWS, fold_windows, window_counts
from curta.ops.dispatch import bind
from curta.tensor import Tensor


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """[..., C * r * r, H, W] as [..., C, H * r, W * r] for `upscale_factor` r.

    >>> import curta
    >>> pixel_shuffle(curta.arange(4).reshape(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    x, r = check("pixel_shuffle", input), index(upscale_factor)
    if x.layout.rank < 3:
        raise ShapeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {x.layout.rank} "
            "dimension(s)"
        )
    if r <= 0:
        raise ShapeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, C, H, W = x.layout.shape
    if C % (r * r):
        raise ShapeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={C} is not divisible by {r * r}"
        )
    n = len(lead)
    split = x.reshape(*lead, C // (r * r), r, r, H, W)
    made = split.permute(*range(n + 1), n + 3, n + 1, n + 4, n + 2).reshape(*lead, C // (r * r), H * r, W * r)
    return own(made, x)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """[..., C, H * r, W * r] as [..., C * r * r, H, W] for `downscale_factor` r: what undoes `pixel_shuffle`.

    >>> import curta
    >>> tuple(pixel_unshuffle(curta.ones(3, 4, 6), 2).shape)
    (12, 2, 3)
    """
    x, r = check("pixel_unshuffle", input), index(downscale_factor)
    if x.layout.rank < 3:
        raise ShapeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {x.layout.rank} "
            "dimension(s)"
        )
    if r <= 0:
        raise ShapeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, C, H, W = x.layout.shape
    for word, dim, size in (("height", -2, H), ("width", -1, W)):
        if size % r:
            raise ShapeError(
                f"pixel_unshuffle expects {word} to be divisible by downscale_factor, but input.size({dim})={size} is "
                f"not divisible by {r}"
            )
    n = len(lead)
    split = x.reshape(*lead, C, H // r, r, W // r, r)
    made = split.permute(*range(n + 1), n + 2, n + 4, n + 1, n + 3).reshape(*lead, C * r * r, H // r, W // r)
    return own(made, x)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of [N, C, ...] dealt out anew: the first of every group, then the second of every group, and so on.

    >>> import curta
    >>> channel_shuffle(curta.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    x, count = check("channel_shuffle", input), index(groups)
    if x.layout.rank <= 2:
        raise ShapeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(x.layout.shape)}"
        )
    if count <= 0:
        raise ShapeError(f"Number of groups to divide channels in must be positive. Value of groups:{count}")
    N, C, *sizes = x.layout.shape
    if C % count:
        raise ShapeError(f"Number of channels must be divisible by groups. Got {C} channels and {count} groups.")
    return own(x.reshape(N, count, C // count, *sizes).transpose(1, 2).reshape(x.layout.shape), x)


# windows


def unfold(
    input: Tensor, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1
) -> Tensor:
    """The windows of [N, C, H, W] (or [C, H, W]) as columns: [N, C * kH * kW, windows].

    >>> import curta
    >>> unfold(curta.arange(9.0).reshape(1, 3, 3), 2)[:, 0]
    tensor([0., 1., 3., 4.])
    """
    x = check("unfold", input)
    shape = x.layout.shape
    if x.layout.rank not in (3, 4) or 0 in shape[-3:]:
        raise ShapeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(shape)}"
        )
    kernel, step, around, jump = _numbers("unfold", kernel_size, dilation, padding, stride)
    batched = x if x.layout.rank == 4 else x.unsqueeze(0)
    N, C, H, W = batched.layout.shape
    counts = window_counts((H + 2 * around[0], W + 2 * around[1]), kernel, jump, step)
    if min(counts) < 1:
        raise ShapeError(
            f"Given input with spatial size ({H}, {W}), kernel_size={kernel}, dilation={step}, padding={around}, "
            f"calculated shape of the array of sliding blocks as {counts}, but its components must be at least one."
        )
    whole = padded(batched, ((around[0],) * 2, (around[1],) * 2))
    windows = bind(WINDOWS, (whole,), kernel=kernel, stride=jump, dilation=step)
    made = own(windows.reshape(N, C * kernel[0] * kernel[1], counts[0] * counts[1]), x)
    return made if batched is x else made.squeeze(0)


def fold(
    input: Tensor, output_size: Numbers, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0,
    stride: Numbers = 1,
) -> Tensor:  # fmt: skip
    """Columns [N, C * kH * kW, windows] (or without N) added up where the windows lie in [N, C, *output_size].

    >>> import curta
    >>> fold(curta.ones(4, 4), 3, 2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    x = check("fold", input)
    kernel, step, around, jump = _numbers("fold", kernel_size, dilation, padding, stride)
    size = each_axis(output_size, 2, "fold: output_size must be one number, or two")
    shape = x.layout.shape
    if x.layout.rank not in (2, 3) or 0 in shape[-2:]:
        raise ShapeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(shape)}"
        )
    taps = kernel[0] * kernel[1]
    if shape[-2] % taps:
        raise ShapeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={shape[-2]} and kernel_size={kernel}."
        )
    room = (size[0] + 2 * around[0], size[1] + 2 * around[1])
    counts = window_counts(room, kernel, jump, step)
    if shape[-1] != counts[0] * counts[1] or min(counts) < 1:
        raise ShapeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={step}, padding={around}, stride={jump}, "
            f"expected size of input's dimension 2 to match the calculated number of sliding blocks {counts[0]} * "
            f"{counts[1]} = {counts[0] * counts[1]}, but got input.size(2)={shape[-1]}."
        )
    batched = x if x.layout.rank == 3 else x.unsqueeze(0)
    windows = batched.reshape(batched.layout.shape[0], shape[-2] // taps, *kernel, *counts)
    made = fold_windows(windows, room, kernel, jump, step)
    made = made[:, :, around[0] : around[0] + size[0], around[1] : around[1] + size[1]].contiguous()
    return made if batched is x else made.squeeze(0)


def _numbers(name: str, *given: Any) -> Any:
    """Kernel, dilation, padding and stride, a pair each."""
    found = []
    words = ("kernel_size", "dilation", "padding", "stride")
    for word, value in zip(words, given, strict=True):
        if not hasattr(value, "__index__") and len(value) not in (1, 2):
            raise ShapeError(f"It is expected {word} equals to 2, but got size {len(value)}")
        pair = each_axis(value, 2, "")
        if min(pair) < (0 if word == "padding" else 1):
            least = "non-negative" if word == "padding" else "greater than zero"
            raise ShapeError(f"{name}: {word} should be {least}, but got {pair}")
        found.append(pair)
    return found
