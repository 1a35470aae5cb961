"""Attention of several heads, with its projections, for `curta.nn.functional` and `nn.MultiheadAttention`."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

from curta import functions
from curta.dtypes import DType, bool_
from curta.errors import ArgumentError, DTypeError, ShapeError
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.nn.attention.dot_product import scaled_dot_product_attention
from curta.nn.dropout import dropout
from curta.ops.attention_softmax import weights_of
from curta.ops.dispatch import bind
from curta.ops.matmul import LINEAR, PROJECTION, multiply
from curta.tensor import Tensor


class Projections(NamedTuple):
    """The weights of attention of several heads: `packed` [3 E, E], or `apart`, one for each of query, key, value."""

    packed: Any
    apart: tuple[Any, Any, Any]
    bias: Any
    bias_k: Any
    bias_v: Any
    out: Any
    out_bias: Any


class Options(NamedTuple):
    """What else there is to say."""

    heads: int
    p: float
    add_zero: bool
    need_weights: bool
    average: bool
    causal: bool
    #: whether dimension 0 of batched inputs is the batch
    batch_first: bool
    static_k: Any = None
    static_v: Any = None


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """What `nn.MultiheadAttention` computes, of query [L, B, E], key [S, B, ...], value [S, B, ...] or without B.

    Gives [L, B, E] and, where `need_weights`, the weights [B, L, S] or, not averaged, [B, heads, L, S].
    """
    if query.layout.shape[-1] != embed_dim_to_check:
        raise ShapeError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {query.layout.shape[-1]}")
    apart = (q_proj_weight, k_proj_weight, v_proj_weight)
    if use_separate_proj_weight:
        for one, name in zip(apart, ("q", "k", "v"), strict=True):
            if one is None:
                raise ArgumentError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    elif in_proj_weight is None:
        raise ArgumentError("use_separate_proj_weight is False but in_proj_weight is None")
    packed = None if use_separate_proj_weight else in_proj_weight
    weights = Projections(packed, apart, in_proj_bias, bias_k, bias_v, out_proj_weight, out_proj_bias)
    p = dropout_p if training else 0.0
    options = Options(
        num_heads, p, add_zero_attn, need_weights, average_attn_weights, is_causal, False, static_k, static_v
    )
    return attend(query, key, value, key_padding_mask, attn_mask, weights, options)


def attend(
    query: Any, key: Any, value: Any, padding: Any, mask: Any, weights: Projections, options: Options
) -> tuple[Any, Any]:
    """Attention of several heads over batched or unbatched inputs, and its weights or None."""
    name = "multi_head_attention_forward"
    for one in (query, key, value):
        check(name, one)
    batched = _check_ranks(query, key, value, padding, mask)
    if options.causal and mask is None:
        raise ShapeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if not batched:
        place = 0 if options.batch_first else 1
        same_key, same_value = key is query, value is key
        query = query.unsqueeze(place)
        key = query if same_key else key.unsqueeze(place)
        value = key if same_value else value.unsqueeze(place)
        padding = None if padding is None else padding.unsqueeze(0)
    q, k, v = _heads(query, key, value, weights, options)
    own = k.layout.shape[-2]
    if options.add_zero:
        k, v = (functions.cat([one, functions.zeros_like(one[:, :, :1])], 2) for one in (k, v))
    added = k.layout.shape[-2] - own + (weights.bias_k is not None)
    causal = options.causal and padding is None and not options.need_weights and not added
    seen = None if causal else _seen(mask, padding, q, k, added)
    out, shown = _attended(q, k, v, seen, causal, options)
    order = (0, 2, 1, 3) if options.batch_first else (2, 0, 1, 3)
    out = _linear(out.permute(*order).flatten(2), weights.out, weights.out_bias)
    if not batched:
        out = out.squeeze(0 if options.batch_first else 1)
        shown = None if shown is None else shown.squeeze(0)
    return out, shown


def _attended(q: Any, k: Any, v: Any, seen: Any, causal: bool, options: Options) -> tuple[Any, Any]:
    """[B, heads, L, D], and the weights where they are wanted: only then are they made."""
    if not options.need_weights:
        return scaled_dot_product_attention(q, k, v, seen, options.p, causal), None
    settings = {"scale": 1.0 / math.sqrt(max(1, q.layout.shape[-1])), "causal": False, "window": 0}
    made = weights_of(multiply(q, k.transpose(-2, -1)), *(() if seen is None else (seen,)), **settings)
    made = dropout(made, options.p)
    return multiply(made, v), made.mean(1) if options.average else made


# projections


def _linear(x: Any, weight: Any, bias: Any) -> Any:
    given = lowered(x, weight, bias)
    return bind(PROJECTION, given[:2]) if bias is None else bind(LINEAR, given)


def _heads(query: Any, key: Any, value: Any, weights: Projections, options: Options) -> tuple[Any, Any, Any]:
    """Query, key and value as [B, heads, steps, D]: views of as few products as there are different inputs."""
    E, kinds = query.layout.shape[-1], (query, key, value)
    bias = weights.bias
    made: list[Any] = []
    if weights.packed is None:
        biases = (None,) * 3 if bias is None else tuple(bias[E * place : E * (place + 1)] for place in range(3))
        made = [_linear(*one) for one in zip(kinds, weights.apart, biases, strict=True)]
    else:
        ends = (0, 3) if query is key is value else (0, 1, 3) if key is value else (0, 1, 2, 3)
        for start, end in pairwise(ends):
            rows = slice(E * start, E * end)
            whole = end - start == 3
            weight = weights.packed if whole else weights.packed[rows]
            own = bias if whole or bias is None else bias[rows]
            made += functions.unbind(_linear(kinds[start], weight, own).unflatten(-1, (end - start, E)), -2)
    q, k, v = made
    if weights.bias_k is not None:
        k, v = (_with_row(*one, options) for one in ((k, weights.bias_k), (v, weights.bias_v)))
    k = _split(k, options) if options.static_k is None else _static(options.static_k, q, "static_k", options)
    v = _split(v, options) if options.static_v is None else _static(options.static_v, q, "static_v", options)
    return _split(q, options), k, v


def _with_row(x: Any, row: Any, options: Options) -> Any:
    """With one more step, the same for the whole batch."""
    steps = 1 if options.batch_first else 0
    shape = list(x.layout.shape)
    shape[steps] = 1
    return functions.cat([x, lowered(row)[0].expand(shape)], steps)


def _split(x: Any, options: Options) -> Any:
    x = x.unflatten(-1, (options.heads, x.layout.shape[-1] // options.heads))
    return x.permute(*((0, 2, 1, 3) if options.batch_first else (1, 2, 0, 3)))


def _static(given: Any, q: Any, name: str, options: Options) -> Any:
    """A key or value that is given by head already: [B * heads, S, D] to [B, heads, S, D]."""
    B, D = q.layout.shape[0 if options.batch_first else 1], q.layout.shape[-1] // options.heads
    if given.layout.rank != 3 or (given.layout.shape[0], given.layout.shape[2]) != (B * options.heads, D):
        raise ShapeError(f"expecting {name} of {[B * options.heads, 'S', D]}, but got {list(given.layout.shape)}")
    return given.unflatten(0, (B, options.heads))


# masks


def _seen(mask: Any, padding: Any, q: Any, k: Any, added: int) -> Any:
    """Both masks as one for attention, [.., L, S]: True for what takes part, or numbers to add; None without any."""
    B, heads, L, _ = q.layout.shape
    S = k.layout.shape[-2]
    if mask is not None:
        kind, batch = ("2D", ()) if mask.layout.rank == 2 else ("3D", (B * heads,))
        wanted = (*batch, L, S - added)
        if mask.layout.shape != wanted:
            raise ShapeError(f"The shape of the {kind} attn_mask is {mask.shape}, but should be {wanted}.")
        mask = mask if mask.layout.rank == 2 else mask.unflatten(0, (B, heads))
    if padding is not None:
        for place, (size, known) in enumerate(zip(padding.layout.shape, (B, S - added), strict=True)):
            if size != known:
                raise ShapeError(f"Expected key_padded_mask.shape[{place}] to be {known}, but got {size}")
        padding = padding.reshape(B, 1, 1, S - added)
    given = [one for one in (mask, padding) if one is not None]
    if not given:
        return None
    if all(one.layout.dtype is bool_ for one in given):
        seen = given[0].logical_not()
        seen = seen if len(given) == 1 else seen.logical_and(given[1].logical_not())
    else:
        numbers = [_numbers(one, q.layout.dtype) for one in given]
        seen = numbers[0] if len(numbers) == 1 else numbers[0] + numbers[1]
    if added:  # what was added to the keys is seen by all
        always = functions.full((*seen.layout.shape[:-1], added), seen.layout.dtype is bool_, dtype=seen.layout.dtype)
        nothing = always if seen.layout.dtype is bool_ else functions.zeros_like(always)
        seen = functions.cat([seen, nothing.to(seen.device)], -1)
    return seen


def _numbers(mask: Any, dtype: DType) -> Any:
    if mask.layout.dtype is not bool_:
        return mask.to(dtype)
    return functions.zeros(mask.layout.shape, dtype=dtype, device=mask.device).masked_fill(mask, -math.inf)


# checks


def _check_ranks(query: Any, key: Any, value: Any, padding: Any, mask: Any) -> bool:
    """Whether there is a dimension of the batch."""
    rank = query.layout.rank
    if rank not in (2, 3):
        raise ShapeError(f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor")
    start = f"For {'batched (3-D)' if rank == 3 else 'unbatched (2-D)'} `query`, expected"
    ranks = key.layout.rank, value.layout.rank
    if ranks != (rank, rank):
        raise ShapeError(
            f"{start} `key` and `value` to be {rank}-D but found {ranks[0]}-D and {ranks[1]}-D tensors respectively"
        )
    if padding is not None and padding.layout.rank != rank - 1:
        raise ShapeError(
            f"{start} `key_padding_mask` to be `None` or {rank - 1}-D but found {padding.layout.rank}-D tensor instead"
        )
    if mask is not None and mask.layout.rank not in (2, 3):
        raise ShapeError(f"{start} `attn_mask` to be `None`, 2-D or 3-D but found {mask.layout.rank}-D tensor instead")
    if key.layout.shape[:-1] != value.layout.shape[:-1]:
        raise ShapeError(f"key shape {key.shape} does not match value shape {value.shape}")
    for name, one in (("attn_mask", mask), ("key_padding_mask", padding)):
        if one is not None and one.layout.dtype is not bool_ and not one.layout.dtype.is_floating_point:
            raise DTypeError(f"only bool and floating types of {name} are supported")
    return bool(rank == 3)
