"""Functions of `curta.nn.functional` in the forms that PyTorch has at its top level: arguments in another order,
reductions by number, statistics beside the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from curta.dtypes import DType, compute_dtype
from curta.errors import ArgumentError, ShapeError
from curta.functions.operands import tensor as check
from curta.functions.outputs import EXACT, into
from curta.nn import functional as F
from curta.nn.normalization import rms_norm as rms_norm
from curta.tensor import Tensor

_REDUCTIONS = ("none", "mean", "sum")


def softmax(input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """Exponentials that sum to 1 along `dim`.

    >>> import curta
    >>> curta.softmax(curta.zeros(4), 0)
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    made = F.softmax(input, dim, dtype=dtype)
    return made if out is None else into("softmax", out, made, exact=EXACT)


def log_softmax(input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of `softmax`.

    >>> import curta
    >>> curta.log_softmax(curta.zeros(2), 0)
    tensor([-0.6931, -0.6931])
    """
    made = F.log_softmax(input, dim, dtype=dtype)
    return made if out is None else into("log_softmax", out, made, exact=EXACT)


def threshold(input: Tensor, threshold: float, value: float, *, out: Tensor | None = None) -> Tensor:
    """x where it lies above `threshold`, else `value`.

    >>> import curta
    >>> curta.threshold(curta.tensor([1.0, 3.0]), 2.0, 0.0)
    tensor([0., 3.])
    """
    made = F.threshold(input, threshold, value)
    return made if out is None else into("threshold", out, made)


# normalization


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """`F.layer_norm`; `cudnn_enable` says nothing here."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """`F.group_norm`; `cudnn_enabled` says nothing here."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """`F.batch_norm` with the parameters in front of the statistics; `cudnn_enabled` says nothing here."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """`F.instance_norm` with the parameters in front of the statistics; `cudnn_enabled` says nothing here."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def _statistics(x: Tensor, dims: tuple[int, ...], eps: float, kind: DType) -> tuple[Tensor, Tensor]:
    wide = x.to(compute_dtype(x.layout.dtype))
    mean = wide.mean(dims, keepdim=True)
    rstd = (wide.var(dims, correction=0, keepdim=True) + eps).rsqrt()
    return mean.to(kind), rstd.to(kind)


def native_layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`layer_norm`, the means, and the reciprocals of the standard deviations; the last two have no gradient here."""
    made = F.layer_norm(input, normalized_shape, weight, bias, eps)
    rank = input.layout.rank
    kind = input.layout.dtype if weight is None else weight.layout.dtype
    mean, rstd = _statistics(input.detach(), tuple(range(rank - len(tuple(normalized_shape)), rank)), eps, kind)
    return made, mean, rstd


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`group_norm` of input[N, C, ...], the means [N, group], and the reciprocals of the standard deviations."""
    made = F.group_norm(input, group, weight, bias, eps)
    kind = input.layout.dtype if weight is None else weight.layout.dtype
    mean, rstd = _statistics(input.reshape(N, group, C // group * HxW), (2,), eps, kind)
    return made, mean.reshape(N, group), rstd.reshape(N, group)


def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None,
    training: bool, momentum: float, eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """`batch_norm`, the means [C], and the reciprocals of the standard deviations; outside of training only it."""
    made = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    others = [one.layout.dtype for one in (weight, running_mean) if one is not None]
    kind = others[0] if others else input.layout.dtype
    if not training:
        return made, input.new_empty((0,), dtype=kind), input.new_empty((0,), dtype=kind)
    dims = tuple(dim for dim in range(input.layout.rank) if dim != 1)
    mean, rstd = _statistics(input.detach(), dims, eps, kind)
    return made, mean.reshape(-1), rstd.reshape(-1)


# look-up, dropout, padding


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """`F.embedding` with the table first; a `padding_idx` below 0 is none.

    >>> import curta
    >>> curta.embedding(curta.tensor([[1.0], [2.0]]), curta.tensor([1]))
    tensor([[2.]])
    """
    pad = None if padding_idx < 0 else padding_idx
    return F.embedding(indices, weight, pad, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.bilinear`.

    >>> import curta
    >>> curta.bilinear(curta.tensor([1.0, 2.0]), curta.tensor([3.0]), curta.tensor([[[1.0], [10.0]]]))
    tensor([63.])
    """
    return F.bilinear(input1, input2, weight, bias)


def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """`F.affine_grid`, which says whether the corners are the outermost pixels' centres.

    >>> import curta
    >>> curta.affine_grid_generator(curta.eye(2, 3).unsqueeze(0), (1, 1, 1, 2), True).flatten()
    tensor([-1.,  0.,  1.,  0.])
    """
    return F.affine_grid(theta, list(size), align_corners)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """`F.max_pool1d` with the places of the maxima; no `stride` is that of the windows.

    >>> import curta
    >>> curta.max_pool1d_with_indices(curta.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)[1]
    tensor([[1, 3]])
    """
    step = None if isinstance(stride, Sequence) and not stride else stride
    values, indices = F.max_pool1d_with_indices(input, kernel_size, step, padding, dilation, ceil_mode)
    return values, indices


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`F.dropout`, which says whether it trains."""
    return F.dropout(input, p, train)


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """`F.pad` with a number.

    >>> import curta
    >>> curta.constant_pad_nd(curta.tensor([1, 2]), (1, 0), 9)
    tensor([9, 1, 2])
    """
    x = check("constant_pad_nd", input)
    return F.pad(x, pad, value=value) if pad else x.clone()


# losses, whose reduction is a number: 0 for none, 1 for the mean, 2 for the sum


def _named(reduction: Any) -> str:
    if reduction not in (0, 1, 2):
        raise ArgumentError(f"{reduction!r} is not a valid value for reduction: 0 is none, 1 the mean, 2 the sum")
    return _REDUCTIONS[reduction]


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """`F.binary_cross_entropy_with_logits`."""
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=_named(reduction), pos_weight=pos_weight)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`F.cosine_embedding_loss`."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_named(reduction))


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: int = 1,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """`F.ctc_loss`."""
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _named(reduction), zero_infinity)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1) -> Tensor:
    """`F.hinge_embedding_loss`."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_named(reduction))


def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """`F.kl_div`."""
    return F.kl_div(input, target, reduction=_named(reduction), log_target=log_target)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """`F.margin_ranking_loss`."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_named(reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """`F.poisson_nll_loss`."""
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_named(reduction))


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6,
    swap: bool = False, reduction: int = 1,
) -> Tensor:  # fmt: skip
    """`F.triplet_margin_loss`."""
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_named(reduction))


# one step of a recurrent cell


def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The next hidden and cell state of an LSTM for input[B, C]."""
    from curta.nn.recurrent import cell

    hidden, memory = cell("LSTM", check("lstm_cell", input), tuple(hx), (w_ih, w_hh, b_ih, b_hh, None))
    return hidden, memory


def _cell(name: str, mode: str) -> Callable[..., Tensor]:
    def function(
        input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
    ) -> Tensor:
        from curta.nn.recurrent import cell

        made: Tensor = cell(mode, check(name, input), (hx,), (w_ih, w_hh, b_ih, b_hh, None))[0]
        return made

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The next hidden state of a cell ({mode}) for input[B, C]."
    return function


gru_cell = _cell("gru_cell", "GRU")
rnn_tanh_cell = _cell("rnn_tanh_cell", "RNN_TANH")
rnn_relu_cell = _cell("rnn_relu_cell", "RNN_RELU")


# recurrent layers over sequences


def _sequence(name: str, mode: str) -> Callable[..., tuple[Tensor, ...]]:
    def function(
        input: Tensor, hx: Any, params: Sequence[Tensor], has_biases: bool, num_layers: int, dropout: float,
        train: bool, bidirectional: bool, batch_first: bool,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        from curta.nn.recurrent import layers

        x = check(name, input)
        state = tuple(hx) if mode == "LSTM" else (hx,)
        count = num_layers * (2 if bidirectional else 1)
        each = len(params) // count
        if x.layout.rank != 3 or len(params) != each * count or each < (4 if has_biases else 2):
            raise ShapeError(
                f"{name}(): input must have 3 dimensions and params the weights of {count} layers and directions, got "
                f"{x.layout} and {len(params)} tensors"
            )
        weights = []
        for first in range(0, len(params), each):
            given = list(params[first : first + each])
            biases = given[2:4] if has_biases else [None, None]
            projection = given[4:] if has_biases else given[2:]
            weights.append((*given[:2], *biases, projection[0] if projection else None))
        out, ends = layers(
            mode, x, state, weights, 1 if batch_first else 0, None, bidirectional, dropout if train else 0.0
        )
        return out, *ends

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The hidden states of the last layer ({mode}) at every step, and the last states of all layers."
    return function


lstm = _sequence("lstm", "LSTM")
gru = _sequence("gru", "GRU")
rnn_tanh = _sequence("rnn_tanh", "RNN_TANH")
rnn_relu = _sequence("rnn_relu", "RNN_RELU")
