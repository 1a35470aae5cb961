"""Batch and root mean square normalization for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta.dtypes import DType, bfloat16, compute_dtype, float16, float32, float64
from curta.errors import ArgumentError, DTypeError, ShapeError, UnsupportedDTypeError
from curta.functions.inplace import check_writable
from curta.functions.operands import tensor as check
from curta.number_formats import finfo
from curta.ops.batch_normalization import (
    BATCH_NORM,
    BATCH_NORM_INFERENCE,
    PLAIN_BATCH_NORM,
    PLAIN_BATCH_NORM_INFERENCE,
    RUNNING_STATISTICS,
)
from curta.ops.dispatch import bind, bind_into
from curta.ops.rms_normalization import PLAIN_RMS_NORM, RMS_NORM
from curta.tensor import Tensor


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float | Tensor = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Every channel of input[N, C, ...] with mean 0 and variance 1, times weight[C], plus bias[C].

    In training the batch's own statistics are used and the running ones take in a share `momentum` of them, in place;
    else the running ones are used. Half formats compute in float32, and their parameters may be float32.

    >>> import curta
    >>> batch_norm(curta.tensor([[1.0], [3.0]]), None, None, training=True, eps=0.0).tolist()
    [[-1.0], [1.0]]
    """
    x = check("batch_norm", input)
    if x.layout.shape == (0,):
        return x.clone()  # neither samples nor channels
    _check_batch_norm(x, running_mean, running_var, weight, bias, training)
    count = x.layout.numel // x.layout.shape[1] if x.layout.numel else 0
    if count == 0:
        return _scaled(x.clone(), weight, bias)
    if not training:
        return _with_known(x, running_mean, running_var, weight, bias, float(eps))
    if weight is not None and bias is not None:
        operands = (x, _per_channel(x, weight), _per_channel(x, bias), float(count))
        result, mean, var = bind(BATCH_NORM, operands, eps=float(eps))
    else:
        made, mean, var = bind(PLAIN_BATCH_NORM, (x, float(count)), eps=float(eps))
        result = _scaled(made, weight, bias)
    if running_mean is not None and running_var is not None:
        check_writable(running_mean)
        check_writable(running_var)
        C = x.layout.shape[1]
        statistics = (running_mean, running_var, mean.reshape(C), var.reshape(C))
        shares = (1 - momentum, momentum, count / (count - 1))
        bind_into(RUNNING_STATISTICS, (*statistics, *shares), (running_mean, running_var))
    return result


def _per_channel(x: Any, value: Any) -> Any:
    """A tensor of C numbers as one that broadcasts to x[N, C, ...]."""
    return value.reshape(1, -1, *(1,) * (x.layout.rank - 2))


def _scaled(x: Any, weight: Any, bias: Any) -> Any:
    kind = x.layout.dtype
    x = x if weight is None else (x * _per_channel(x, weight)).to(kind)
    return x if bias is None else (x + _per_channel(x, bias)).to(kind)


def _with_known(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    statistics = (x, _per_channel(x, mean.detach()), _per_channel(x, var.detach()))
    if weight is not None and bias is not None:
        affine = (_per_channel(x, weight), _per_channel(x, bias))
        return bind(BATCH_NORM_INFERENCE, (*statistics, *affine), eps=eps)
    return _scaled(bind(PLAIN_BATCH_NORM_INFERENCE, statistics, eps=eps), weight, bias)


def _check_batch_norm(x: Any, running_mean: Any, running_var: Any, weight: Any, bias: Any, training: bool) -> None:
    shape, kind = x.layout.shape, x.layout.dtype
    if not kind.is_floating_point:
        raise UnsupportedDTypeError(f"\"batch_norm\" not implemented for '{kind.name}'")
    if len(shape) < 2:
        raise ShapeError(f"batch_norm: expected input of at least 2 dimensions [N, C, ...], got {x.layout}")
    if training and x.layout.numel and x.layout.numel == shape[1]:
        raise ArgumentError(f"Expected more than 1 value per channel when training, got input size {x.shape}")
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, value in given.items():
        if value is None and not training and name.startswith("running"):
            raise ShapeError(f"{name} must be defined in evaluation mode")
        if value is not None and value.layout.shape != (shape[1],):
            raise ShapeError(f"{name} should contain {shape[1]} elements not {value.layout.numel}")
    if (running_mean is None) is not (running_var is None):
        raise ArgumentError("running_mean and running_var must either both be None or neither be None")
    _check_formats(kind, {value.layout.dtype for value in given.values() if value is not None})


def _check_formats(kind: DType, others: set[DType]) -> None:
    """DTypeError unless all are one format, or parameters and statistics are float32 beside a half format."""
    if others <= {kind} or (kind in (float16, bfloat16) and others == {float32}):
        return
    if kind is float64:
        raise DTypeError("mixed dtype (CPU): all inputs must share same datatype.")
    raise DTypeError("mixed dtype (CPU): expect parameter to have scalar type of Float")


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divided by the root of the mean square over the last dimensions (`normalized_shape`), then times weight.

    `eps` is added to the mean square; None is the epsilon of the format that is computed in.

    >>> import curta
    >>> rms_norm(curta.tensor([3.0, 4.0, 0.0, 0.0]), (4,), eps=0.0).tolist()
    [1.2000000476837158, 1.600000023841858, 0.0, 0.0]
    """
    x, shape = check("rms_norm", input), tuple(normalized_shape)
    kind, count = x.layout.dtype, len(shape)
    if not kind.is_floating_point:
        raise UnsupportedDTypeError(f"\"rms_norm\" not implemented for '{kind.name}'")
    if not count:
        raise ShapeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    if weight is not None and weight.layout.shape != shape:
        raise ShapeError(
            "Expected weight to be of same shape as normalized_shape, but got weight of shape "
            f"{list(weight.layout.shape)} and normalized_shape = {list(shape)}"
        )
    if x.layout.shape[-count:] != shape:
        raise ShapeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{', '.join(map(str, shape))}], but got "
            f"input of size{list(x.layout.shape)}"
        )
    added = finfo(compute_dtype(kind)).eps if eps is None else float(eps)
    if weight is None:
        plain: Tensor = bind(PLAIN_RMS_NORM, (x,), count=count, eps=added)[0]
        return plain
    row = weight.reshape((1,) * (x.layout.rank - count) + shape)
    result: Tensor = bind(RMS_NORM, (x, row), count=count, eps=added)[0]
    return result
