"""Functions of neural networks, under PyTorch's names: activations, normalisation, attention, losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from curta import functions
from curta.autograd.state import STATE
from curta.dtypes import DType, bool_
from curta.errors import ArgumentError, DTypeError, ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions import relu as _relu
from curta.functions import sigmoid, tanh
from curta.functions.indexing import checked_below
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.nn.head import linear_cross_entropy
from curta.nn.losses import binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss, nll_loss
from curta.nn.normalization import batch_norm
from curta.nn.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from curta.nn.spatial import conv2d
from curta.ops.activation import GELU, GELU_TANH, LEAKY_RELU, SILU
from curta.ops.attention import ATTENTION, WIDEST
from curta.ops.attention_softmax import ATTENTION_SOFTMAX, BIASED_ATTENTION_SOFTMAX, MASKED_ATTENTION_SOFTMAX
from curta.ops.dispatch import bind
from curta.ops.dropout import DROPOUT
from curta.ops.embedding import EMBEDDING
from curta.ops.matmul import LINEAR, PROJECTION, multiply
from curta.ops.normalization import LAYER_NORM, LOG_SOFTMAX, PLAIN_NORM, SOFTMAX
from curta.random import default_generator
from curta.shapes import normalize_dim
from curta.tensor import Tensor

__all__ = [
    "adaptive_avg_pool2d", "avg_pool2d", "batch_norm", "binary_cross_entropy_with_logits", "conv2d", "cross_entropy",
    "dropout", "embedding", "gelu", "l1_loss", "layer_norm", "leaky_relu", "linear", "linear_cross_entropy",
    "log_softmax", "max_pool2d", "mse_loss", "nll_loss", "relu", "scaled_dot_product_attention", "sigmoid", "silu",
    "softmax", "tanh",
]  # fmt: skip


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input[..., K] times weight[N, K] transposed, plus bias[N].

    >>> import curta
    >>> linear(curta.ones(2, 3), curta.ones(4, 3), curta.ones(4)).tolist()[0]
    [4.0, 4.0, 4.0, 4.0]
    """
    x, w = check("linear", input), check("linear", weight, "weight")
    if STATE.autocast is not None:
        x, w, bias = lowered(x, w, bias)
    if w.layout.rank == 1:
        made = functions.matmul(x, w)
        return made if bias is None else made + bias
    if w.layout.rank != 2:
        raise ShapeError(f"linear: weight must be a matrix or a vector, got {w.layout}")
    if x.layout.rank < 2:
        result: Tensor = linear(x.reshape(1, -1), w, bias).squeeze(0)
        return result
    if bias is None:
        return bind(PROJECTION, (x, w))
    if w.layout.shape[1] == 0:
        made = multiply(x, w.transpose(0, 1))
        return made + bias
    result = bind(LINEAR, (x, w, bias))
    return result


# activations


def _floating(name: str, x: Any) -> Any:
    if not check(name, x).layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f"\"{name}\" not implemented for '{x.layout.dtype.name}'")
    return x


def _not_in_place(name: str, inplace: bool) -> None:
    if inplace:
        raise UnsupportedError(f"{name}(): the argument 'inplace' is not supported")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    _not_in_place("relu", inplace)
    return _relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where it is positive, else x * negative_slope."""
    _not_in_place("leaky_relu", inplace)
    result: Tensor = bind(LEAKY_RELU, (_floating("leaky_relu", input),), slope=float(negative_slope))
    return result


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)."""
    _not_in_place("silu", inplace)
    result: Tensor = bind(SILU, (_floating("silu", input),))
    return result


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the normal distribution's probability below x; `approximate="tanh"` for GPT-2's formula.

    >>> import curta
    >>> round(gelu(curta.tensor([1.0])).item(), 4)
    0.8413
    """
    if approximate not in ("none", "tanh"):
        raise ShapeError("approximate argument must be either none or tanh.")
    result: Tensor = bind(GELU if approximate == "none" else GELU_TANH, (_floating("gelu", input),))
    return result


def _softmax_dim(x: Tensor, dim: int | None, name: str) -> int:
    if dim is None:
        raise UnsupportedError(f"{name}(): an implicit 'dim' is not supported: name it")
    return normalize_dim(dim, x.layout.rank)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Exponentials that sum to 1 along `dim`.

    >>> import curta
    >>> softmax(curta.zeros(4), dim=0).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    return _soft("softmax", SOFTMAX, input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """The logarithm of softmax, exact also where that is tiny."""
    return _soft("log_softmax", LOG_SOFTMAX, input, dim, dtype)


def _soft(name: str, op: Any, input: Tensor, dim: int | None, dtype: DType | None) -> Tensor:
    x = check(name, input)
    if dtype is None:
        _floating(f"{name}_lastdim_kernel_impl", x)
    place = _softmax_dim(x, dim, name)
    kind = dtype or x.layout.dtype
    if not x.layout.rank:
        result: Tensor = bind(op, (x.reshape(1),), dim=0, dtype=kind).reshape(())
        return result
    result = bind(op, (x,), dim=place, dtype=kind)
    return result


# normalisation, look-up, dropout


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Mean 0 and variance 1 over the last dimensions (`normalized_shape`), then times weight, plus bias."""
    x, shape = _floating("layer_norm", input), tuple(normalized_shape)
    count = len(shape)
    if not count or x.layout.shape[-count:] != shape:
        raise ShapeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], but got input of size{list(x.layout.shape)}"
        )
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and value.layout.shape != shape:
            raise ShapeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(value.layout.shape)} and normalized_shape = {list(shape)}"
            )
    if weight is not None and bias is not None:
        lead = (1,) * (x.layout.rank - count)
        operands = (x, weight.reshape(lead + shape), bias.reshape(lead + shape))
        affine: Tensor = bind(LAYER_NORM, operands, count=count, eps=float(eps))[0]
        return affine
    made: Tensor = bind(PLAIN_NORM, (x,), count=count, eps=float(eps))[0]
    made = made if weight is None else made * weight
    return made if bias is None else made + bias


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of weight[V, D] by index: [...] to [..., D]. IndexRangeError for an index outside [0, V)."""
    rows, table = check("embedding", input), check("embedding", weight, "weight")
    for name, given in (
        ("max_norm", max_norm is not None), ("norm_type", norm_type != 2.0),
        ("scale_grad_by_freq", scale_grad_by_freq), ("sparse", sparse),
    ):  # fmt: skip
        if given:
            raise UnsupportedError(f"embedding(): the argument '{name}' is not supported")
    if rows.layout.dtype.name not in ("int64", "int32"):
        raise DTypeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{rows.layout.dtype!r} instead (while checking arguments for embedding)"
        )
    if table.layout.rank != 2:
        raise ShapeError("'weight' must be 2-D")
    rows = checked_below(rows, table.layout.shape[0])
    if padding_idx is not None and table.requires_grad:
        # the row's gradient is dropped where it is looked up: the same values, without a history
        missing = (rows == padding_idx % table.layout.shape[0]).unsqueeze(-1)
        made = bind(EMBEDDING, (table, rows.unsqueeze(-1)))
        return functions.where(missing, made.detach(), made)
    result: Tensor = bind(EMBEDDING, (table, rows.unsqueeze(-1)))
    return result


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes each element with probability `p` and scales the others by 1 / (1 - p); does nothing outside training."""
    x = check("dropout", input)
    _not_in_place("dropout", inplace)
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return x
    if p == 1.0:
        return x * 0.0
    result: Tensor = bind(DROPOUT, (x, *default_generator.take(x.layout.numel)), p=float(p))
    return result


# attention


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query @ key transposed * scale + mask) @ value: query [..., L, E], key [..., S, E], value [..., S, V].

    `attn_mask` is bool (True takes part) or added to the scores. Without a mask and dropout, and for heads no wider
    than 256, scores are never stored: for the backward pass the result is kept and one number for each query.
    Otherwise the probabilities are kept.
    """
    q, k, v = lowered(*(check("scaled_dot_product_attention", each) for each in (query, key, value)))
    if min(q.layout.rank, k.layout.rank, v.layout.rank) < 2:
        raise ShapeError(
            f"Both q, k and v must have at least 2 dimensions, got {q.layout.rank}, {k.layout.rank} and {v.layout.rank}"
        )
    if not q.layout.dtype is k.layout.dtype is v.layout.dtype:
        raise DTypeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{q.layout.dtype.name} key.dtype: {k.layout.dtype.name} and value.dtype: {v.layout.dtype.name} instead."
        )
    if attn_mask is not None and is_causal:
        raise ShapeError("Explicit attn_mask should not be set when is_causal=True")
    factor = 1.0 / math.sqrt(q.layout.shape[-1]) if scale is None else float(scale)
    if attn_mask is None and dropout_p == 0.0 and _in_blocks(q, v):
        return _attention_in_blocks(q, k, v, enable_gqa, scale=factor, causal=bool(is_causal))
    if enable_gqa:
        k, v = _repeat_heads(q, k), _repeat_heads(q, v)
    weights = _weights(multiply(q, k.transpose(-2, -1)), attn_mask, factor, is_causal)
    result: Tensor = multiply(dropout(weights, dropout_p), v)
    return result


def _in_blocks(q: Any, v: Any) -> bool:
    """Whether there is a kernel that never stores the scores."""
    return q.layout.dtype.is_floating_point and max(q.layout.shape[-1], v.layout.shape[-1]) <= WIDEST


def _attention_in_blocks(q: Any, k: Any, v: Any, grouped: bool, **settings: Any) -> Tensor:
    """With `grouped` heads, those that share a key and a value are a dimension of their own."""
    if grouped:
        *batch, heads, L, E = q.layout.shape
        shared = _shared_heads(q, k)
        if _shared_heads(q, v) == shared:
            q = q.reshape(*batch, shared, heads // shared, L, E)
            out: Tensor = bind(ATTENTION, (q, k.unsqueeze(-3), v.unsqueeze(-3)), **settings)[0]
            return out.reshape(*out.layout.shape[:-4], heads, L, out.layout.shape[-1])
        k, v = _repeat_heads(q, k), _repeat_heads(q, v)
    result: Tensor = bind(ATTENTION, (q, k, v), **settings)[0]
    return result


def _shared_heads(q: Any, k: Any) -> int:
    """How many heads `k` has, each for as many of `q`."""
    heads, shared = q.layout.shape[-3], k.layout.shape[-3]
    if shared == 0 or heads % shared:
        raise ShapeError(
            f"Number of heads in key and value must divide the number of heads in query, got {shared} and {heads}"
        )
    return int(shared)


def _repeat_heads(q: Any, k: Any) -> Any:
    """Every head of `k` as often as `q` has heads for it."""
    heads, shared = q.layout.shape[-3], _shared_heads(q, k)
    shape = k.layout.shape
    wide = k.unsqueeze(-3).expand(*shape[:-2], heads // shared, *shape[-2:])
    return wide.reshape(*shape[:-3], heads, *shape[-2:])


def _weights(scores: Any, mask: Any, factor: float, causal: bool) -> Any:
    settings = {"scale": factor, "causal": bool(causal)}
    if mask is None:
        return bind(ATTENTION_SOFTMAX, (scores,), **settings)
    if mask.layout.dtype is bool_:
        return bind(MASKED_ATTENTION_SOFTMAX, (scores, mask), **settings)
    if mask.layout.dtype is not scores.layout.dtype:
        raise DTypeError(
            "Expected attn_mask dtype to be bool or to match query dtype, but got attn_mask.dtype: "
            f"{mask.layout.dtype.name} and query.dtype: {scores.layout.dtype.name} instead."
        )
    return bind(BIASED_ATTENTION_SOFTMAX, (scores, mask), **settings)
