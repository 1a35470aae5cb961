"""Attention for `curta.nn.functional`: by blocks of scores that are never stored, or over all of them at once."""

from __future__ import annotations

import math
from typing import Any

from curta.autograd.state import STATE
from curta.batching import randomness
from curta.compiler.attention import WIDEST
from curta.dtypes import bool_
from curta.errors import ArgumentError, DTypeError, ShapeError
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.nn.dropout import check_probability, dropout
from curta.ops.attention import ATTENTION, DROPPED_ATTENTION, MASKED_ATTENTION, MASKED_DROPPED_ATTENTION
from curta.ops.attention_softmax import weights_of
from curta.ops.dispatch import bind
from curta.ops.matmul import multiply
from curta.random import default_generator
from curta.shapes import broadcast_shapes
from curta.tensor import Tensor

#: by whether there is a mask, and dropout
_OPERATORS = {
    (False, False): ATTENTION, (True, False): MASKED_ATTENTION, (False, True): DROPPED_ATTENTION,
    (True, True): MASKED_DROPPED_ATTENTION,
}  # fmt: skip


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False, *, window: int | None = None,
) -> Tensor:  # fmt: skip
    """softmax(query @ key transposed * scale + mask) @ value: query [..., L, E], key [..., S, E], value [..., S, V].

    `attn_mask` [..., L, S] is bool (True takes part) or added to the scores; a query that sees no key gives zeros. With
    `is_causal` query i sees keys 0 to i, and with a `window`, which PyTorch has not, only so many of the last of these.
    With `enable_gqa` several heads of the query share one of the keys and values.

    Scores are never stored: the backward pass keeps the result and one number for each query. Only for heads wider than
    256 and where the mask wants a gradient, all probabilities are made and kept.

    >>> import curta
    >>> x = curta.ones(1, 2, 3, 4)
    >>> tuple(scaled_dot_product_attention(x, x, x, is_causal=True, window=2).shape)
    (1, 2, 3, 4)
    """
    name = "scaled_dot_product_attention"
    q, k, v = lowered(*(check(name, each) for each in (query, key, value)))
    mask = None if attn_mask is None else lowered(check(name, attn_mask, "attn_mask"))[0]
    _check(q, k, v, mask, is_causal)
    check_probability(dropout_p)
    if window is not None and (window < 1 or not is_causal):
        raise ArgumentError(f"{name}: a window requires is_causal=True and at least one key, got {window}")
    factor = 1.0 / math.sqrt(max(1, q.layout.shape[-1])) if scale is None else float(scale)
    settings = {"scale": factor, "causal": bool(is_causal), "window": window or 0}
    if enable_gqa:
        _check_heads(q, k, v)
    if dropout_p < 1.0 and _in_blocks(q, k, v, mask, enable_gqa):
        by_blocks = _grouped_by_blocks if enable_gqa else _by_blocks
        return by_blocks(q, k, v, mask, settings | {"p": float(dropout_p)})
    if enable_gqa:
        k, v = _repeat_heads(q, k), _repeat_heads(q, v)
    weights = weights_of(multiply(q, k.transpose(-2, -1)), *(() if mask is None else (mask,)), **settings)
    result: Tensor = multiply(dropout(weights, dropout_p), v)
    return result


def _check(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> None:
    if min(q.layout.rank, k.layout.rank, v.layout.rank) < 2:
        raise ShapeError(
            f"Both q, k and v must have at least 2 dimensions, got {q.layout.rank}, {k.layout.rank} and {v.layout.rank}"
        )
    if not q.layout.dtype is k.layout.dtype is v.layout.dtype:
        raise DTypeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{q.layout.dtype.name} key.dtype: {k.layout.dtype.name} and value.dtype: {v.layout.dtype.name} instead."
        )
    if mask is None:
        return
    if causal:
        raise ShapeError("Explicit attn_mask should not be set when is_causal=True")
    if mask.layout.dtype not in (bool_, q.layout.dtype):
        raise DTypeError(
            "Expected attn_mask dtype to be bool or to match query dtype, but got attn_mask.dtype: "
            f"{mask.layout.dtype.name} and query.dtype: {q.layout.dtype.name} instead."
        )


def _in_blocks(q: Any, k: Any, v: Any, mask: Any, grouped: bool) -> bool:
    """Whether there is a kernel that never stores the scores."""
    if not q.layout.dtype.is_floating_point or max(q.layout.shape[-1], v.layout.shape[-1]) > WIDEST:
        return False
    if mask is None:
        return True
    shared = [(*one.layout.shape[:-3], 1) if grouped else one.layout.shape[:-2] for one in (k, v)]
    scores = (*broadcast_shapes(q.layout.shape[:-2], *shared), q.layout.shape[-2], k.layout.shape[-2])
    wanted = mask.requires_grad and STATE.grad_enabled
    return not wanted and broadcast_shapes(mask.layout.shape, scores) == scores


def _by_blocks(q: Any, k: Any, v: Any, mask: Any, settings: dict[str, Any]) -> Tensor:
    masks: list[Any] = []
    numbers: tuple[int, ...] = ()
    if mask is not None:
        # all its columns, and no more than it has of all else
        shape = (1, 1, *mask.layout.shape)[-max(2, mask.layout.rank) :]
        masks = [mask.expand(*shape[:-1], k.layout.shape[-2])]
    if settings["p"]:
        batch = broadcast_shapes(q.layout.shape[:-2], k.layout.shape[:-2], v.layout.shape[:-2])
        weights = randomness.repeats() * math.prod(batch) * q.layout.shape[-2] * k.layout.shape[-2]
        numbers = default_generator.take(weights, q.layout.device)
    operator = _OPERATORS[bool(masks), bool(numbers)]
    result: Tensor = bind(operator, (q, k, v, *masks, *numbers), **settings)[0]
    return result


# heads that share keys and values


def _grouped_by_blocks(q: Any, k: Any, v: Any, mask: Any, settings: dict[str, Any]) -> Tensor:
    """Those that share a key and a value are a dimension of their own."""
    *batch, heads, L, E = q.layout.shape
    shared = k.layout.shape[-3]
    if v.layout.shape[-3] != shared:
        return _by_blocks(q, _repeat_heads(q, k), _repeat_heads(q, v), mask, settings)
    if mask is not None and mask.layout.rank > 2:
        own = (shared, heads // shared) if mask.layout.shape[-3] == heads else (1, 1)
        mask = mask.reshape(*mask.layout.shape[:-3], *own, *mask.layout.shape[-2:])
    q = q.reshape(*batch, shared, heads // shared, L, E)
    out = _by_blocks(q, k.unsqueeze(-3), v.unsqueeze(-3), mask, settings)
    return out.reshape(*out.layout.shape[:-4], heads, L, out.layout.shape[-1])


def _check_heads(q: Any, *others: Any) -> None:
    for other in others:
        if min(q.layout.rank, other.layout.rank) < 3:
            raise ShapeError(f"enable_gqa: requires a dimension of heads, got {q.layout} and {other.layout}")
        heads, shared = q.layout.shape[-3], other.layout.shape[-3]
        if shared == 0 or heads % shared:
            raise ShapeError(
                f"Number of heads in key and value must divide the number of heads in query, got {shared} and {heads}"
            )


def _repeat_heads(q: Any, k: Any) -> Any:
    """Every head of `k` as often as `q` has heads for it."""
    shape, heads = k.layout.shape, q.layout.shape[-3]
    wide = k.unsqueeze(-3).expand(*shape[:-2], heads // shape[-3], *shape[-2:])
    return wide.reshape(*shape[:-3], heads, *shape[-2:])
