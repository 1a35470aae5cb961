"""Batch normalization as part of the layer before it."""

from __future__ import annotations

import copy
from typing import Any

from curta import functions
from curta.errors import ShapeError
from curta.nn.parameter import Parameter
from curta.tensor import Tensor


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight and bias of a convolution that does the batch normalization behind it as well."""
    shape = [1, -1, *(1,) * (len(conv_w.shape) - 2)] if transpose else [-1, *(1,) * (len(conv_w.shape) - 1)]
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight and bias of a linear map that does the batch normalization behind it as well."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def _fused(
    weight: Any, bias: Any, mean: Any, var: Any, eps: float, scale: Any, shift: Any, shape: list[int]
) -> tuple[Parameter, Parameter]:
    zeros, ones = functions.zeros_like(mean), functions.ones_like(mean)
    bias, shift = (zeros if one is None else one.detach() for one in (bias, shift))
    factor = (ones if scale is None else scale.detach()) * (var + eps).rsqrt()
    made = (weight.detach() * factor.reshape(shape)).to(weight.dtype)
    moved = ((bias - mean) * factor + shift).to(bias.dtype)
    return Parameter(made, weight.requires_grad), Parameter(moved, bias.requires_grad or weight.requires_grad)


def _check(first: Any, bn: Any) -> None:
    if first.training or bn.training:
        raise ShapeError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise ShapeError("fusion: the batch normalization keeps no running statistics")


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of a convolution that does the batch normalization behind it as well; both in evaluation.

    >>> import curta
    >>> from curta import nn
    >>> conv, bn = nn.Conv2d(2, 3, 3).eval(), nn.BatchNorm2d(3).eval()
    >>> x = curta.ones(1, 2, 4, 4)
    >>> bool(curta.allclose(fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6))
    True
    """
    _check(conv, bn)
    fused = copy.deepcopy(conv)
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, *statistics, transpose)
    return fused


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of a linear map that does the batch normalization behind it as well; both in evaluation."""
    _check(linear, bn)
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise ShapeError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"{linear.out_features} and {bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, *statistics)
    return fused
