"""Attention over sequences of different lengths that lie end to end, without padding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from curta.dtypes import int32, int64
from curta.errors import ArgumentError, DTypeError, ShapeError
from curta.functions.creation import arange
from curta.functions.joining import cat
from curta.functions.operands import refuse
from curta.functions.operands import tensor as check
from curta.nn.attention.dot_product import scaled_dot_product_attention
from curta.tensor import Tensor

_NAME = "varlen_attn"


def varlen_attn(
    query: Tensor, key: Tensor, value: Tensor, cu_seq_q: Tensor, cu_seq_k: Tensor | None, max_q: int, max_k: int, *,
    return_aux: Any = None, scale: float | None = None, window_size: tuple[int, int] = (-1, -1),
    enable_gqa: bool = False, seqused_k: Tensor | None = None, block_table: Any = None, num_splits: int | None = None,
) -> Tensor:  # fmt: skip
    """Attention within each of N sequences that follow on each other: query [T, heads, D], key and value [S, heads, D].

    Sequence n has the queries `cu_seq_q[n]` up to `cu_seq_q[n + 1]` and the keys between `cu_seq_k[n]` and its next
    (None: as the queries), of which the first `seqused_k[n]` alone count where these are given; all int32 or int64.
    `window_size` says how many keys before and after its own place a query sees, -1 for all of them: (-1, 0) is
    causal. Where there are more keys than queries, the last query stands at the last key.

    Each sequence runs by itself, so that its numbers do not depend on the others, whatever `num_splits` is; nothing is
    worked out for padding. Raises `ArgumentError` for bounds that do not fit, `UnsupportedError` for `return_aux` and
    `block_table`.

    >>> import curta
    >>> x, bounds = curta.ones(5, 2, 4), curta.tensor([0, 2, 5])
    >>> tuple(varlen_attn(x, x, x, bounds, bounds, 3, 3, window_size=(-1, 0)).shape)
    (5, 2, 4)
    """
    refuse(_NAME, return_aux=return_aux, block_table=block_table)
    q, k, v = check(_NAME, query, "query"), check(_NAME, key, "key"), check(_NAME, value, "value")
    for one in (q, k, v):
        if one.layout.rank != 3:
            raise ShapeError(f"{_NAME}: query, key and value must be [tokens, heads, width], got {one.layout}")
    if k.layout.shape[0] != v.layout.shape[0]:
        raise ShapeError(f"{_NAME}: requires a value for each key, got {k.layout} and {v.layout}")
    lengths_q = _lengths("cu_seq_q", cu_seq_q, q.layout.shape[0], max_q)
    lengths_k = lengths_q if cu_seq_k is None else _lengths("cu_seq_k", cu_seq_k, k.layout.shape[0], max_k)
    if len(lengths_k) != len(lengths_q) or sum(lengths_k) != k.layout.shape[0]:
        raise ArgumentError(f"{_NAME}: {len(lengths_q)} sequences of queries do not fit the keys {lengths_k}")
    used = lengths_k if seqused_k is None else _used(seqused_k, lengths_k)
    left, right = _window(window_size)
    made = []
    parts = zip(q.split(lengths_q), k.split(lengths_k), v.split(lengths_k), used, strict=True)
    for queries, keys, values, count in parts:
        each = (queries.transpose(0, 1), keys[:count].transpose(0, 1), values[:count].transpose(0, 1))
        made.append(_attend(*each, left, right, scale, enable_gqa).transpose(0, 1))
    return cat(made) if made else q.new_zeros((0, q.layout.shape[1], v.layout.shape[2]))


def _attend(q: Tensor, k: Tensor, v: Tensor, left: int, right: int, scale: float | None, enable_gqa: bool) -> Tensor:
    """One sequence: [heads, L, D] and [heads, S, D]."""
    L, S = q.layout.shape[1], k.layout.shape[1]
    if (left < 0 or left >= S) and (right < 0 or right >= S):
        return scaled_dot_product_attention(q, k, v, scale=scale, enable_gqa=enable_gqa)
    if right == 0 and L == S:
        window = left + 1 if left >= 0 else None
        settings: dict[str, Any] = {"scale": scale, "enable_gqa": enable_gqa, "window": window}
        return scaled_dot_product_attention(q, k, v, is_causal=True, **settings)
    # how far each key lies behind the place of each query
    device = q.layout.device
    ahead = arange(S, device=device) - (arange(L, device=device) + (S - L)).unsqueeze(1)
    seen = ahead == ahead
    if left >= 0:
        seen = seen & (ahead >= -left)
    if right >= 0:
        seen = seen & (ahead <= right)
    return scaled_dot_product_attention(q, k, v, seen, scale=scale, enable_gqa=enable_gqa)


def _lengths(name: str, bounds: Tensor, tokens: int, longest: int) -> list[int]:
    """The sequences' lengths from where they begin and end."""
    ends = _numbers(name, bounds)
    lengths = [end - start for start, end in pairwise(ends)]
    if not ends or ends[0] != 0 or ends[-1] != tokens or min(lengths, default=0) < 0:
        raise ArgumentError(f"{_NAME}: {name} must rise from 0 to the {tokens} tokens, got {ends}")
    if max(lengths, default=0) > longest:
        raise ArgumentError(f"{_NAME}: {name} has a sequence of {max(lengths)} tokens, longer than the {longest} given")
    return lengths


def _used(counts: Tensor, lengths: Sequence[int]) -> list[int]:
    used = _numbers("seqused_k", counts)
    if len(used) != len(lengths) or any(not 0 <= one <= most for one, most in zip(used, lengths, strict=True)):
        raise ArgumentError(f"{_NAME}: seqused_k must be between 0 and the lengths {list(lengths)}, got {used}")
    return used


def _numbers(name: str, given: Tensor) -> list[int]:
    layout = check(_NAME, given, name).layout
    if layout.dtype not in (int32, int64):
        raise DTypeError(f"{_NAME}: {name} must be int32 or int64, got {layout}")
    if layout.rank != 1:
        raise ShapeError(f"{_NAME}: {name} must have one dimension, got {layout}")
    found: list[int] = given.tolist()
    return found


def _window(window_size: tuple[int, int]) -> tuple[int, int]:
    sizes = tuple(window_size)
    if len(sizes) != 2 or any(type(size) is not int or size < -1 for size in sizes):
        raise ArgumentError(f"{_NAME}: window_size must be two numbers of at least -1, got {window_size!r}")
    return sizes
