"""Transposed convolutions for `curta.nn.functional`: what the gradient of a convolution's input is."""

from __future__ import annotations

from operator import index
from typing import Any

from curta.dtypes import compute_dtype, int64
from curta.errors import ArgumentTypeError, ShapeError, UnsupportedDTypeError
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.nn.spatial import axes_of, check_bias, check_groups, check_not_empty, check_operands, check_steps
from curta.nn.windows import Numbers, sizes_of
from curta.ops.convolution import CONV_TRANSPOSE2D, fold_windows
from curta.ops.dispatch import bind
from curta.ops.matmul import multiply
from curta.tensor import Tensor


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1, padding: Numbers = 0,
    output_padding: Numbers = 0, groups: int = 1, dilation: Numbers = 1,
) -> Tensor:  # fmt: skip
    """Every element of [N, C, L] (or [C, L]) times the kernels [C, O / groups, k], added up where they lie.

    >>> import curta
    >>> conv_transpose1d(curta.tensor([[1.0, 2.0]]), curta.tensor([[[1.0, 10.0]]]))
    tensor([[ 1., 12., 20.]])
    """
    return _spread("conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1, padding: Numbers = 0,
    output_padding: Numbers = 0, groups: int = 1, dilation: Numbers = 1,
) -> Tensor:  # fmt: skip
    """Every element of [N, C, H, W] (or [C, H, W]) times the kernels [C, O / groups, kH, kW], added up where they lie.

    `padding` elements are cut off on all sides; `output_padding` more are kept at the ends.

    >>> import curta
    >>> tuple(conv_transpose2d(curta.ones(1, 2, 5, 5), curta.ones(2, 3, 4, 4), stride=2, padding=1).shape)
    (1, 3, 10, 10)
    """
    return _spread("conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1, padding: Numbers = 0,
    output_padding: Numbers = 0, groups: int = 1, dilation: Numbers = 1,
) -> Tensor:  # fmt: skip
    """Every element of [N, C, D, H, W] (or [C, D, H, W]) times the kernels [C, O / groups, kD, kH, kW], added up.

    >>> import curta
    >>> tuple(conv_transpose3d(curta.ones(1, 2, 2, 3, 3), curta.ones(2, 3, 2, 2, 2), stride=2).shape)
    (1, 3, 4, 6, 6)
    """
    return _spread("conv_transpose3d", input, weight, bias, stride, padding, output_padding, groups, dilation)


def _spread(
    name: str, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, extra: Any, groups: int, dilation: Any
) -> Any:
    count = int(name[-2])
    x = check(name, x)
    if x.layout.rank == count + 1:
        return _spread(name, x.unsqueeze(0), weight, bias, stride, padding, extra, groups, dilation).squeeze(0)
    x, weight, bias = lowered(x, weight, bias)
    check_operands(name, x, weight)
    _check_channels(x, weight, bias, groups)
    if not x.layout.dtype.is_floating_point and x.layout.dtype is not int64:
        raise UnsupportedDTypeError(f"\"{name}\" not implemented for '{x.layout.dtype.name}'")
    if isinstance(padding, str):
        raise ArgumentTypeError(f"{name}(): argument 'padding' must be tuple of ints, not str")
    jump, step = axes_of(stride, "stride", count), axes_of(dilation, "dilation", count)
    around, more = axes_of(padding, "padding", count), axes_of(extra, "output_padding", count)
    check_steps(jump, step)
    _check_amounts(around, more, jump, step)
    kernel = weight.layout.shape[2:]
    check_not_empty(x.layout.shape, kernel)
    sizes = sizes_of(x, count)
    axes = list(zip(sizes, kernel, jump, around, more, step, strict=True))
    made = tuple((n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, o, d in axes)
    if min(made) < 1:
        raise ShapeError(
            f"Given input size per channel: ({' x '.join(map(str, sizes))}). Calculated output size per channel: "
            f"({' x '.join(map(str, made))}). Output size is too small"
        )
    # a kernel ends `around` elements behind the result, fewer where the result goes on behind the last kernel
    sides = tuple((p, p if o < s else p - o) for _, _, s, p, o, _ in axes)
    if count == 3:
        return _to_volumes(x, weight, bias, made, jump, sides, step, groups)
    images = count == 2
    if not images:
        x, weight, made, jump = x.unsqueeze(2), weight.unsqueeze(2), (1, *made), (1, *jump)
        sides, step = ((0, 0), *sides), (1, *step)
    params = {"stride": jump, "padding": sides, "dilation": step, "groups": groups}
    result = _to_images(x, weight, made, **params)
    result = result if bias is None else result + bias.reshape(-1, 1, 1)
    return result if images else result.squeeze(2)


def _to_images(x: Any, weight: Any, size: Any, **params: Any) -> Any:
    """[N, C, H, W] with [C, O / groups, kH, kW]; of integers as columns that are added up where they lie."""
    if x.layout.dtype.is_floating_point:
        return bind(CONV_TRANSPOSE2D, (x, weight), size=size, **params)
    (N, C, H, W), (filters, *kernel), groups = x.layout.shape, weight.layout.shape[1:], params["groups"]
    taps = weight.reshape(groups, C // groups, filters * kernel[0] * kernel[1]).transpose(1, 2)
    columns = multiply(taps, x.reshape(N, groups, C // groups, H * W))
    windows = columns.reshape(N, groups * filters, *kernel, H, W)
    jump, step, before = params["stride"], params["dilation"], [ends[0] for ends in params["padding"]]
    axes = zip((H, W), kernel, size, jump, step, before, strict=True)
    whole = tuple(max((n - 1) * s + d * (k - 1) + 1, made + p) for n, k, made, s, d, p in axes)
    full = fold_windows(windows, whole, tuple(kernel), jump, step)
    return full.narrow(2, before[0], size[0]).narrow(3, before[1], size[1]).contiguous()


def _to_volumes(
    x: Any, weight: Any, bias: Any, size: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """Images of kD planes' channels for each plane of x, whose planes are then added up where they lie."""
    N, C, D = x.layout.shape[:3]
    filters, planes, *kernel = weight.layout.shape[1:]
    flat = weight.reshape(C, filters * planes, *kernel)
    images = x.transpose(1, 2).reshape(N * D, C, *x.layout.shape[3:])
    params = {"stride": stride[1:], "padding": padding[1:], "dilation": dilation[1:], "groups": groups}
    # planes are added up before they are rounded
    kind = compute_dtype(x.layout.dtype)
    made = _to_images(images.to(kind), flat.to(kind), size[1:], **params)
    windows = made.view(N, D, filters * groups, planes, 1, -1).permute(0, 2, 3, 4, 1, 5)  # [N, O, kD, 1, D, H * W]
    high = (D - 1) * stride[0] + dilation[0] * (planes - 1) + 1
    whole = max(high, size[0] + padding[0][0])
    full = fold_windows(windows, (whole, size[1] * size[2]), (planes, 1), (stride[0], 1), (dilation[0], 1))
    result = full.narrow(2, padding[0][0], size[0]).contiguous().view(N, filters * groups, *size)
    return (result if bias is None else result + bias.reshape(-1, 1, 1, 1)).to(x.layout.dtype)


def _check_channels(x: Any, weight: Any, bias: Any, groups: int) -> None:
    shape = weight.layout.shape
    check_groups(shape, groups)
    if shape[0] % groups:
        raise ShapeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            f"size {list(shape)} instead"
        )
    if x.layout.shape[1] != shape[0]:
        raise ShapeError(
            f"Given transposed=1, weight of size {list(shape)}, expected input{list(x.layout.shape)} to have "
            f"{shape[0]} channels, but got {x.layout.shape[1]} channels instead"
        )
    check_bias(x, bias, shape[1] * index(groups), f"Given transposed=1, weight of size {list(shape)}")


def _check_amounts(padding: Any, extra: Any, stride: Any, dilation: Any) -> None:
    if min(padding) < 0:
        raise ShapeError("negative padding is not supported")
    if min(extra) < 0:
        raise ShapeError("negative output_padding is not supported")
    if any(o >= max(s, d) for o, s, d in zip(extra, stride, dilation, strict=True)):
        raise ShapeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding={list(extra)} stride={list(stride)} dilation={list(dilation)}"
        )
