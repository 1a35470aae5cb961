"""Functions of neural networks, under PyTorch's names: activations, normalisation, attention, losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta import functions
from curta.autograd.state import STATE
from curta.dtypes import DType, asked, compute_dtype
from curta.errors import DTypeError, ShapeError, UnsupportedError
from curta.functions import pdist, sigmoid, tanh
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.nn.activations import (
    celu,
    celu_,
    elu,
    elu_,
    floating,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    rrelu,
    rrelu_,
    selu,
    selu_,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
    threshold_,
)  # fmt: skip
from curta.nn.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from curta.nn.attention.dot_product import scaled_dot_product_attention
from curta.nn.ctc import ctc_loss
from curta.nn.distances import (
    cosine_embedding_loss,
    cosine_similarity,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    normalize,
    pairwise_distance,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from curta.nn.dropout import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from curta.nn.element_losses import (
    binary_cross_entropy,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    margin_ranking_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from curta.nn.embedding import embedding, embedding_bag
from curta.nn.fractional_pooling import fractional_max_pool2d, fractional_max_pool3d
from curta.nn.grids import affine_grid, grid_sample
from curta.nn.group_normalization import group_norm, instance_norm, local_response_norm
from curta.nn.head import linear_cross_entropy
from curta.nn.indexed_pooling import (
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d_with_indices,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d_with_indices,
    max_pool1d_with_indices,
    max_pool2d_with_indices,
    max_pool3d_with_indices,
)
from curta.nn.losses import binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss, nll_loss
from curta.nn.multi_head import multi_head_attention_forward
from curta.nn.normalization import batch_norm, rms_norm
from curta.nn.one_hot import one_hot
from curta.nn.padding import pad
from curta.nn.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from curta.nn.rearranging import channel_shuffle, fold, pixel_shuffle, pixel_unshuffle, unfold
from curta.nn.resampling import interpolate, upsample, upsample_bilinear, upsample_nearest
from curta.nn.spatial import conv1d, conv2d, conv3d, conv_tbc
from curta.nn.transposed import conv_transpose1d, conv_transpose2d, conv_transpose3d
from curta.ops.dispatch import bind
from curta.ops.matmul import LINEAR, PROJECTION, multiply
from curta.ops.normalization import LAYER_NORM, LOG_SOFTMAX, PLAIN_NORM, SOFTMAX
from curta.shapes import normalize_dim
from curta.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "affine_grid", "alpha_dropout", "avg_pool1d",
    "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "celu", "celu_", "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity", "cross_entropy", "ctc_loss",
    "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding", "embedding_bag",
    "feature_alpha_dropout", "fold", "fractional_max_pool2d", "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d", "fractional_max_pool3d_with_indices", "gaussian_nll_loss", "gelu", "glu", "grid_sample",
    "group_norm", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_",
    "hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm",
    "leaky_relu", "leaky_relu_", "linear", "linear_cross_entropy", "local_response_norm", "log_softmax", "logsigmoid",
    "lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
    "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d",
    "mish", "mse_loss", "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "pdist",
    "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu", "relu", "relu6", "relu_", "rms_norm", "rrelu",
    "rrelu_", "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss",
    "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
    "triplet_margin_loss", "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear",
    "upsample_nearest",
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


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input1[..., K] times each of weight[N, K, M] times input2[..., M], plus bias[N]: [..., N].

    >>> import curta
    >>> bilinear(curta.tensor([1.0, 2.0]), curta.tensor([3.0]), curta.tensor([[[1.0], [10.0]]]))
    tensor([63.])
    """
    x, y, w = check("bilinear", input1), check("bilinear", input2, "input2"), check("bilinear", weight, "weight")
    first, second = x.layout.shape, y.layout.shape
    if len(first) != len(second) or first[:-1] != second[:-1]:
        raise ShapeError(f"bilinear(): input batch dimensions do not match: got {list(first)} and {list(second)}")
    if w.layout.rank != 3:
        raise ShapeError(f"bilinear(): weight must be [N, K, M], got {w.layout}")
    N, K, M = w.layout.shape
    for name, sizes, wanted in (("input1", first, K), ("input2", second, M)):
        if not sizes or sizes[-1] != wanted:
            raise ShapeError(
                f"bilinear(): {name} size does not match weight size: got {sizes[-1] if sizes else 1} but expected "
                f"{wanted}"
            )
    if bias is not None and bias.layout.shape != (N,):
        raise ShapeError(
            f"bilinear(): bias size does not match weight size: got {list(bias.layout.shape)} but expected {N}"
        )
    if STATE.autocast is not None:
        x, y, w, bias = lowered(x, y, w, bias)
    if x.layout.dtype is not y.layout.dtype or x.layout.dtype is not w.layout.dtype:
        raise DTypeError(
            "bilinear(): inputs and weight must have one dtype, got "
            f"{x.layout.dtype.name}, {y.layout.dtype.name} and {w.layout.dtype.name}"
        )
    kind = compute_dtype(x.layout.dtype)
    between = functions.tensordot(x.to(kind), w.to(kind), ([-1], [1]))  # [..., N, M]
    made = (between * y.to(kind).unsqueeze(-2)).sum(-1)
    result: Tensor = (made if bias is None else made + bias).to(x.layout.dtype)
    return result


# softmax


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


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """softmax of -x."""
    return softmax(-check("softmin", input), dim, dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax of (logits + noise) / tau: the smaller `tau`, the more like a sample of one class (Jang et al. 2017).

    With `hard` the sample itself, one-hot, with the gradient of the softmax. `eps` does nothing, as in PyTorch.
    """
    x = floating("gumbel_softmax", logits)
    noise = -(-functions.rand_like(x.detach()).clamp(min=1e-30).log()).log()
    soft = softmax((x + noise.to(x.layout.dtype)) / tau, dim)
    if not hard:
        return soft
    place = soft.detach().argmax(dim, keepdim=True)
    sample = functions.scatter(functions.zeros_like(soft.detach()), dim, place, 1.0)
    return sample - soft.detach() + soft


def _soft(name: str, op: Any, input: Tensor, dim: int | None, dtype: DType | None) -> Tensor:
    x, dtype = check(name, input), asked(dtype, name)
    if dtype is None:
        floating(f"{name}_lastdim_kernel_impl", x)
    place = _softmax_dim(x, dim, name)
    kind = dtype or x.layout.dtype
    if not x.layout.rank:
        result: Tensor = bind(op, (x.reshape(1),), dim=0, dtype=kind).reshape(())
        return result
    result = bind(op, (x,), dim=place, dtype=kind)
    return result


# normalisation


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Mean 0 and variance 1 over the last dimensions (`normalized_shape`), then times weight, plus bias."""
    x, shape = floating("layer_norm", input), tuple(normalized_shape)
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
