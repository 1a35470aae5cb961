"""The gradients of convolutions by their own names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta.autograd import enable_grad
from curta.autograd import grad as differentiated
from curta.errors import ShapeError
from curta.functions import creation
from curta.nn import functional as F
from curta.nn.windows import Numbers, each_axis
from curta.tensor import Tensor


def _of_input(count: int, size: Any, weight: Any, g: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    kernel, words = weight.layout.shape[2:], f"conv{count}d_input: one number, or one for each axis"
    jump, around, step = (each_axis(value, count, words) for value in (stride, padding, dilation))
    axes = zip(list(size)[-count:], g.layout.shape[2:], kernel, jump, around, step, strict=True)
    extra = [n - ((o - 1) * s - 2 * p + d * (k - 1) + 1) for n, o, k, s, p, d in axes]
    if min(extra) < 0 or any(more >= s for more, s in zip(extra, jump, strict=True)):
        raise ShapeError(f"conv{count}d_input: an input of {list(size)} does not give {list(g.layout.shape)}")
    function: Any = getattr(F, f"conv_transpose{count}d")
    return function(g, weight, None, jump, around, extra, groups, step)


def _of_weight(count: int, x: Any, size: Any, g: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    function: Any = getattr(F, f"conv{count}d")
    with enable_grad():
        weight = creation.zeros(*size, dtype=x.dtype, device=x.device, requires_grad=True)
        made = function(x.detach(), weight, None, stride, padding, dilation, groups)
    return differentiated(made, weight, g)[0]


def conv1d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Numbers = 1, padding: Numbers = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d`'s input [N, C, L], from that of its result.

    >>> import curta
    >>> conv1d_input((1, 1, 3), curta.tensor([[[1.0, 10.0]]]), curta.tensor([[[1.0, 2.0]]]))
    tensor([[[ 1., 12., 20.]]])
    """
    result: Tensor = _of_input(1, input_size, weight, grad_output, stride, padding, dilation, groups)
    return result


def conv1d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Numbers = 1, padding: Numbers = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d`'s weight, from that of its result."""
    result: Tensor = _of_weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)
    return result


def conv2d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Numbers = 1, padding: Numbers = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d`'s input [N, C, H, W], from that of its result."""
    result: Tensor = _of_input(2, input_size, weight, grad_output, stride, padding, dilation, groups)
    return result


def conv2d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Numbers = 1, padding: Numbers = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d`'s weight, from that of its result."""
    result: Tensor = _of_weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)
    return result


def conv3d_input(
    input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Numbers = 1, padding: Numbers = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d`'s input [N, C, D, H, W], from that of its result."""
    result: Tensor = _of_input(3, input_size, weight, grad_output, stride, padding, dilation, groups)
    return result


def conv3d_weight(
    input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Numbers = 1, padding: Numbers = 0,
    dilation: Numbers = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d`'s weight, from that of its result."""
    result: Tensor = _of_weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)
    return result
