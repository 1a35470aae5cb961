"""Functions under the names that PyTorch's dispatcher has for them, with numbers in place of modes by name."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from operator import index
from typing import Any

from curta import functions
from curta.dtypes import DType, bool_, compute_dtype
from curta.errors import ArgumentError, ShapeError
from curta.functions.operands import tensor as check
from curta.nn.grids import grid_sample
from curta.nn.pooling import windows_of
from curta.nn.resampling import resized
from curta.nn.windows import Numbers
from curta.tensor import Tensor

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sample` with 0, 1, 2 for "bilinear", "nearest", "bicubic" and for "zeros", "border", "reflection".

    >>> import curta
    >>> image, place = curta.tensor([[[[1.0, 2.0]]]]), curta.zeros(1, 1, 1, 2)
    >>> grid_sampler(image, place, 0, 0, False).flatten()
    tensor([1.5000])
    """
    for name, value in (("interpolation_mode", interpolation_mode), ("padding_mode", padding_mode)):
        if value not in (0, 1, 2):
            raise ArgumentError(f"grid_sampler(): {name} must be 0, 1 or 2, got {value}")
    return grid_sample(input, grid, _MODES[interpolation_mode], _PADDINGS[padding_mode], align_corners)


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of images [N, C, H, W]."""
    _of_rank("grid_sampler_2d", input, 4)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sampler` of volumes [N, C, D, H, W]."""
    _of_rank("grid_sampler_3d", input, 5)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _of_rank(name: str, x: Any, rank: int) -> None:
    if check(name, x).layout.rank != rank:
        raise ShapeError(f"{name}(): expected {rank}D input, got {list(x.layout.shape)}")


def _upsample_bilinear2d_aa(
    input: Tensor, output_size: Sequence[int] | None, align_corners: bool, scales_h: float | None = None,
    scales_w: float | None = None, scale_factors: Sequence[float] | None = None,
) -> Tensor:  # fmt: skip
    """`interpolate` of images with mode "bilinear" and `antialias`; the factors may be others than the sizes' ratio."""
    x = check("_upsample_bilinear2d_aa", input)
    _of_rank("_upsample_bilinear2d_aa", x, 4)
    if (output_size is None) == (scale_factors is None):
        raise ShapeError("_upsample_bilinear2d_aa: Must specify exactly one of output_size and scale_factors")
    if scale_factors is not None:
        scales_h, scales_w = scale_factors
        sizes = [floor(size * factor) for size, factor in zip(x.layout.shape[2:], scale_factors, strict=True)]
    else:
        sizes = [index(size) for size in output_size or ()]
    result: Tensor = resized(x, tuple(sizes), (scales_h, scales_w), "linear", align_corners, antialias=True)
    return result


def _softmax_backward_data(grad_output: Tensor, output: Tensor, dim: int, input_dtype: DType) -> Tensor:
    """The gradient of `softmax` from that of its `output`, as `input_dtype`."""
    g, y = check("_softmax_backward_data", grad_output), check("_softmax_backward_data", output, "output")
    kind = compute_dtype(g.layout.dtype)
    product = g.to(kind) * y.to(kind)
    made = product - y.to(kind) * product.sum(dim, True)
    return made.to(input_dtype)


def native_dropout_backward(grad_output: Tensor, mask: Tensor, scale: float) -> Tensor:
    """The gradient of dropout from that of its result: times the mask and the scale."""
    result: Tensor = check("native_dropout_backward", grad_output) * mask * scale
    return result


def max_pool2d_with_indices_backward(
    grad_output: Tensor, input: Tensor, kernel_size: Numbers, stride: Numbers | None, padding: Numbers,
    dilation: Numbers, ceil_mode: bool, indices: Tensor,
) -> Tensor:  # fmt: skip
    """The gradient of `max_pool2d` from that of its result, at the elements that `indices` name."""
    g, x = check("max_pool2d_with_indices_backward", grad_output), check("max_pool2d_with_indices_backward", input)
    alone = x.layout.rank == 3
    images, slopes, places = (one.unsqueeze(0) if alone else one for one in (x, g, indices))
    rows, columns = windows_of("max_pool2d", images, kernel_size, stride, padding, dilation, ceil_mode)
    wanted = (*images.layout.shape[:2], rows.windows, columns.windows)
    if slopes.layout.shape != wanted or places.layout.shape != wanted:
        raise ShapeError(
            f"max_pool2d_with_indices_backward: Expected grad_output and indices of shape {list(wanted)}, got "
            f"{list(slopes.layout.shape)} and {list(places.layout.shape)}"
        )
    zeros = functions.zeros_like(images.detach()).flatten(2)
    made = zeros.scatter_add(2, places.flatten(2), slopes.flatten(2)).reshape(images.layout.shape)
    if x.requires_grad:  # a slope of the elements' too, which is 0
        made = functions.where(places.new_zeros((), dtype=bool_), images, made)
    return made.squeeze(0) if alone else made
