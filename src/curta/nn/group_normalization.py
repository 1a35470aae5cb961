"""Normalization over groups of channels, over single channels and over neighbouring ones, for `curta.nn.functional`."""

from __future__ import annotations

from operator import index
from typing import Any

from curta.errors import ArgumentError, ShapeError, UnsupportedDTypeError
from curta.functions.inplace import check_writable
from curta.functions.operands import tensor as check
from curta.nn.normalization import batch_norm
from curta.nn.pooling import mean
from curta.ops.dispatch import bind
from curta.ops.group_normalization import GROUP_NORM, PLAIN_GROUP_NORM
from curta.ops.pooling import Span
from curta.tensor import Tensor


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Every group of channels of input[N, C, ...] with mean 0 and variance 1, times weight[C], plus bias[C].

    >>> import curta
    >>> group_norm(curta.tensor([[1.0, 3.0, 5.0, 9.0]]), 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    x, groups = check("group_norm", input), index(num_groups)
    if x.layout.rank < 2:
        raise ShapeError(f"Expected at least 2 dimensions for input tensor but received {x.layout.rank}")
    if not x.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f"\"group_norm\" not implemented for '{x.layout.dtype.name}'")
    N, C = x.layout.shape[:2]
    if groups <= 0:
        raise ShapeError(f"Expected num groups to be greater than 0, got {groups}")
    if C % groups:
        raise ShapeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(x.layout.shape)} and num_groups={groups}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and value.layout.shape != (C,):
            raise ShapeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(value.layout.shape)} and input of shape {list(x.layout.shape)}"
            )
    if not x.layout.numel:
        return _scaled(x.clone(), weight, bias)
    if x.layout.numel == groups:
        raise ArgumentError(f"Expected more than 1 value per channel when training, got input size {list(x.shape)}")
    flat = x.reshape(N, groups, C // groups, x.layout.numel // (N * C))
    count = float(x.layout.numel // (N * groups))
    if weight is not None and bias is not None:
        affine = (weight.reshape(1, groups, -1, 1), bias.reshape(1, groups, -1, 1))
        made: Tensor = bind(GROUP_NORM, (flat, *affine, count), eps=float(eps))
        return made.reshape(x.layout.shape)
    return _scaled(bind(PLAIN_GROUP_NORM, (flat, count), eps=float(eps)).reshape(x.layout.shape), weight, bias)


def _scaled(x: Any, weight: Any, bias: Any) -> Any:
    channels = (-1,) + (1,) * (x.layout.rank - 2)
    x = x if weight is None else x * weight.reshape(channels)
    return x if bias is None else x + bias.reshape(channels)


def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Every channel of every sample of input[N, C, ...] with mean 0 and variance 1, times weight[C], plus bias[C].

    The running statistics take in a share `momentum` of the samples' mean statistics, in place; without
    `use_input_stats` they are used.

    >>> import curta
    >>> instance_norm(curta.tensor([[[1.0, 3.0]], [[5.0, 9.0]]]), eps=0.0).flatten()
    tensor([-1.,  1., -1.,  1.])
    """
    x = check("instance_norm", input)
    if x.layout.rank < 2:
        raise ShapeError(f"instance_norm: expected input of at least 2 dimensions [N, C, ...], got {x.layout}")
    N, C, *sizes = x.layout.shape
    count = x.layout.numel // (N * C) if x.layout.numel else 0
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ShapeError("Expected running_mean and running_var to be defined when use_input_stats is false")
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    if count == 1:
        raise ArgumentError(f"Expected more than 1 spatial element when training, got input size {x.shape}")
    if not x.layout.numel:
        return _scaled(x.clone(), weight, bias)
    # one sample with all the samples' channels
    flat = x.reshape(1, N * C, *sizes)
    given = (None if value is None else value.repeat(N) for value in (running_mean, running_var, weight, bias))
    means, variances, scale, shift = given
    result = batch_norm(flat, means, variances, scale, shift, True, momentum, eps)
    for running, new in ((running_mean, means), (running_var, variances)):
        if running is not None and new is not None:
            check_writable(running)
            running.copy_(new.view(N, C).mean(0))
    return result.view(x.layout.shape)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """input[N, C, ...] divided by (k + alpha * mean of the squares of `size` neighbouring channels) ** beta.

    >>> import curta
    >>> local_response_norm(curta.tensor([[[2.0], [2.0]]]), 2, alpha=1.0, beta=1.0, k=0.0).flatten()
    tensor([1.0000, 0.5000])
    """
    x, count = check("local_response_norm", input), index(size)
    if x.layout.rank < 3:
        raise ArgumentError(f"Expected 3D or higher dimensionality input (got {x.layout.rank} dimensions)")
    if count < 1:
        raise ShapeError(f"local_response_norm: size must be at least 1, got {count}")
    if not x.layout.numel:
        return x
    N, C = x.layout.shape[:2]
    squares = (x * x).reshape(N, 1, C, -1)
    around = Span(C, C, 1, -(count // 2), (count - 1) // 2 + 1, 1)
    elements = squares.layout.shape[3]
    means = mean(squares, [around, Span(elements, elements, 1, 0, 1, 1)], float(count)).view(x.layout.shape)
    return x / (means * alpha + k).pow(beta)
