"""Neural-network functions, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from curta import dtypes, shapes
from curta.dtypes import DType
from curta.errors import ArgumentError, ShapeError, UnsupportedError
from curta.functions.linear_algebra import linear
from curta.functions.mathematics import relu, sigmoid, tanh
from curta.functions.random import bernoulli_mask
from curta.nn.convolution import conv2d
from curta.ops import activation, attention, loss, normalization
from curta.ops.dispatch import bind
from curta.ops.indexing import take_rows
from curta.tensor import Tensor

__all__ = [
    "conv2d",
    "cross_entropy",
    "dropout",
    "embedding",
    "gelu",
    "layer_norm",
    "linear",
    "log_softmax",
    "mse_loss",
    "relu",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "tanh",
]


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the normal distribution's probability below x (Hendrycks and Gimpel 2016), or its tanh form.

    >>> import curta
    >>> gelu(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise ShapeError("approximate argument must be either none or tanh.")
    return bind(activation.GELU if approximate == "none" else activation.GELU_TANH, (input,))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)."""
    if inplace:
        raise UnsupportedError("silu: the argument 'inplace' is not supported")
    return bind(activation.SILU, (input,))


def _axis(name: str, input: Tensor, dim: int | None) -> int:
    if dim is None:
        raise UnsupportedError(f"{name}: requires 'dim'; choosing it implicitly is not supported")
    return shapes.normalize_dim(dim, input.layout.rank)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Exponentials that sum to 1 along `dim`."""
    axis = _axis("softmax", input, dim)
    if input.layout.rank == 0:
        return softmax(input.reshape(1), 0, dtype=dtype).reshape(())
    return bind(normalization.SOFTMAX, (input,), dim=axis, dtype=dtype or input.layout.dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """The logarithm of `softmax`, computed without it."""
    axis = _axis("log_softmax", input, dim)
    if input.layout.rank == 0:
        return log_softmax(input.reshape(1), 0, dtype=dtype).reshape(())
    return bind(normalization.LOG_SOFTMAX, (input,), dim=axis, dtype=dtype or input.layout.dtype)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over the last dimensions, then `weight` and `bias` (Ba et al. 2016)."""
    shape = tuple(normalized_shape)
    count = len(shape)
    if count == 0 or input.layout.shape[-count:] != shape:
        raise ShapeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size{list(input.layout.shape)}"
        )
    for name, given in (("weight", weight), ("bias", bias)):
        if given is not None and given.layout.shape != shape:
            raise ShapeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(given.layout.shape)} and normalized_shape = {list(shape)}"
            )
    if weight is not None and bias is not None:
        lead = (1,) * (input.layout.rank - count)
        parts = (input, weight.view(*lead, *shape), bias.view(*lead, *shape))
        return bind(normalization.LAYER_NORM, parts, count=count, eps=eps)[0]
    normal = bind(normalization.PLAIN_NORM, (input,), count=count, eps=eps)[0]
    scaled = normal if weight is None else normal * weight
    return scaled if bias is None else scaled + bias


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of `weight` [V, D] by integer index [...]: [..., D]. Row `padding_idx` gets no gradient."""
    for name, given in (
        ("max_norm", max_norm is not None), ("norm_type", norm_type != 2.0),
        ("scale_grad_by_freq", scale_grad_by_freq), ("sparse", sparse),
    ):  # fmt: skip
        if given:
            raise UnsupportedError(f"embedding: the argument '{name}' is not supported")
    if input.layout.dtype not in (dtypes.int64, dtypes.int32):
        raise ShapeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.layout} instead"
        )
    _check_rows(input, weight.layout.shape[0])
    rows = take_rows(weight, input)
    if padding_idx is None or not weight._requires_grad:
        return rows
    real = (input != padding_idx % weight.layout.shape[0]).unsqueeze(-1)
    return _blocked_gradient(rows, real)


def _blocked_gradient(rows: Tensor, real: Tensor) -> Tensor:
    """The same rows; those that are not `real` pass no gradient on."""
    from curta.functions.arithmetic import where

    return where(real, rows, rows.detach())


def _check_rows(rows: Tensor, count: int) -> None:
    if rows.layout.numel and (int(rows.amin().item()) < 0 or int(rows.amax().item()) >= count):
        from curta.errors import IndexRangeError

        raise IndexRangeError("index out of range in self")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zeroes each element with probability `p` and scales the others by 1 / (1 - p)."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
    if inplace:
        raise UnsupportedError("dropout: the argument 'inplace' is not supported")
    if not training or p == 0 or input.layout.numel == 0:
        return input
    if p == 1:
        return input * 0.0
    return input * bernoulli_mask(input.layout, 1 - p) * (1 / (1 - p))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query keyᵀ scale + mask) value over the last two dimensions; scale is 1 / sqrt(E) unless given.

    query is [..., T, E], key [..., S, E], value [..., S, D]; a boolean mask says where to look, a float one is added.
    """
    if attn_mask is not None and is_causal:
        raise ShapeError(
            "scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if enable_gqa and key.layout.shape[-3] != query.layout.shape[-3]:
        repeat = query.layout.shape[-3] // key.layout.shape[-3]
        key, value = _repeated(key, repeat), _repeated(value, repeat)
    factor = 1 / sqrt(query.layout.shape[-1]) if scale is None else float(scale)
    scores = query @ key.transpose(-2, -1)
    if attn_mask is None:
        weights = bind(attention.ATTENTION_SOFTMAX, (scores,), scale=factor, causal=is_causal)
    else:
        boolean = attn_mask.layout.dtype is dtypes.bool_
        op = attention.MASKED_ATTENTION_SOFTMAX if boolean else attention.BIASED_ATTENTION_SOFTMAX
        weights = bind(op, (scores, attn_mask), scale=factor, causal=False)
    return dropout(weights, dropout_p) @ value


def _repeated(heads: Tensor, times: int) -> Tensor:
    """Every head `times` times, next to each other."""
    *lead, count, length, width = heads.layout.shape
    spread = heads.unsqueeze(-3).expand(*lead, count, times, length, width)
    return spread.reshape(*lead, count * times, length, width)


def _reduced(values: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return values
    if reduction not in ("mean", "sum"):
        raise ArgumentError(f"{reduction} is not a valid value for reduction")
    return values.mean() if reduction == "mean" else values.sum()


def _refuse_old(name: str, size_average: bool | None, reduce: bool | None) -> None:
    for argument, given in (("size_average", size_average), ("reduce", reduce)):
        if given is not None:
            raise UnsupportedError(f"{name}: the argument '{argument}' is not supported, use 'reduction'")


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The mean squared difference."""
    _refuse_old("mse_loss", size_average, reduce)
    if weight is not None:
        raise UnsupportedError("mse_loss: the argument 'weight' is not supported")
    return _reduced(bind(loss.SQUARED_ERROR, (input, target)), reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Minus the log-probability that softmax over the classes gives to the target.

    input is [C], [N, C] or [N, C, ...]; target holds class numbers [N, ...], or probabilities of the input's shape.
    """
    _refuse_old("cross_entropy", size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ShapeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    axis = 0 if input.layout.rank == 1 else 1
    classes = input.layout.shape[axis]
    if target.layout.dtype.is_floating_point:
        return _soft_cross_entropy(input, target, weight, axis, reduction, label_smoothing)
    expected = input.layout.shape[:axis] + input.layout.shape[axis + 1 :]
    if target.layout.shape != expected:
        raise ArgumentError(
            f"Expected input batch_size ({input.layout.shape[0]}) to match target batch_size "
            f"({target.layout.shape[0] if target.layout.rank else 1}): requires a target of shape {list(expected)}, "
            f"got {target.layout}"
        )
    marked = target.unsqueeze(axis)
    _check_classes(marked, classes, ignore_index)
    if weight is None:
        losses = bind(
            loss.CROSS_ENTROPY, (input, marked), dim=axis, ignore=ignore_index, smoothing=label_smoothing
        )[0]
        if reduction != "mean":
            return _reduced(losses.squeeze(axis), reduction)
        return losses.sum() / (target != ignore_index).sum()
    along = weight.view(*(1,) * axis, -1, *(1,) * (input.layout.rank - axis - 1))
    losses = bind(
        loss.WEIGHTED_CROSS_ENTROPY, (input, marked, along), dim=axis, ignore=ignore_index, smoothing=label_smoothing
    )
    if reduction != "mean":
        return _reduced(losses.squeeze(axis), reduction)
    weights = bind(
        loss.CLASS_WEIGHT, (along.expand(input.layout.shape), marked), dim=axis, ignore=ignore_index
    )
    return losses.sum() / weights.sum()


def _check_classes(target: Tensor, classes: int, ignore: int) -> None:
    if bool(bind(loss.OUTSIDE, (target,), classes=classes, ignore=ignore).any().item()):
        from curta.errors import IndexRangeError

        raise IndexRangeError(f"Target is out of bounds: requires classes from 0 to {classes - 1}")


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, axis: int, reduction: str, smoothing: float
) -> Tensor:
    if target.layout.shape != input.layout.shape:
        raise ShapeError(f"cross_entropy: requires target probabilities of the input's shape, got {target.layout}")
    from curta.functions.creation import ones

    along = (
        ones(*(1,) * input.layout.rank, dtype=input.layout.dtype)
        if weight is None
        else weight.view(*(1,) * axis, -1, *(1,) * (input.layout.rank - axis - 1))
    )
    losses = bind(loss.SOFT_CROSS_ENTROPY, (input, target, along), dim=axis, smoothing=smoothing).squeeze(axis)
    if reduction == "mean":
        return losses.sum() / max(losses.layout.numel, 1)
    return _reduced(losses, reduction)
