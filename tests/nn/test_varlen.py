"""Attention over sequences end to end, against float64 NumPy, each sequence by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import curta
from curta.autograd import gradcheck
from curta.errors import ArgumentError, DTypeError, ShapeError, UnsupportedError
from curta.nn.attention.varlen import varlen_attn

RNG = np.random.default_rng(5)
HEADS, WIDTH = 2, 8
LENGTHS = [3, 0, 7, 1]


def bounds(lengths: list[int], dtype: Any = curta.int32) -> Any:
    return curta.tensor(np.cumsum([0, *lengths]).tolist(), dtype=dtype)


def tokens(lengths: list[int], heads: int = HEADS) -> Any:
    return RNG.standard_normal((sum(lengths), heads, WIDTH))


def oracle(q: Any, k: Any, v: Any, lengths: Any, left: int, right: int, used: Any = None) -> Any:
    out, at_q, at_k = np.zeros((*q.shape[:2], v.shape[2])), 0, 0
    for n, (L, S) in enumerate(lengths):
        count = S if used is None else used[n]
        for head in range(q.shape[1]):
            shared = head * k.shape[1] // q.shape[1]
            for i in range(L):
                place = i + count - L
                seen = [
                    j
                    for j in range(count)
                    if (left < 0 or j >= place - left) and (right < 0 or j <= place + right)
                ]  # fmt: skip
                if seen:
                    scores = k[at_k : at_k + S, shared][seen] @ q[at_q + i, head] / np.sqrt(WIDTH)
                    weights = np.exp(scores - scores.max())
                    out[at_q + i, head] = weights / weights.sum() @ v[at_k : at_k + S, shared][seen]
        at_q, at_k = at_q + L, at_k + S
    return out


@pytest.mark.parametrize("window", [(-1, -1), (-1, 0), (2, 0), (1, 2), (-1, 1), (100, 100)])
def test_each_sequence_by_itself(window: tuple[int, int]) -> None:
    q, k, v = tokens(LENGTHS), tokens(LENGTHS), tokens(LENGTHS)
    given = [curta.from_numpy(one) for one in (q, k, v)]
    found = varlen_attn(*given, bounds(LENGTHS), None, 7, 7, window_size=window)
    np.testing.assert_allclose(found.numpy(), oracle(q, k, v, [(n, n) for n in LENGTHS], *window), rtol=1e-12)


@pytest.mark.parametrize("window", [(-1, -1), (-1, 0), (3, 0)])
def test_the_last_query_stands_at_the_last_key(window: tuple[int, int]) -> None:
    lengths = [(2, 5), (4, 4), (1, 6), (3, 2)]
    q, k, v = tokens([L for L, _ in lengths], 4), tokens([S for _, S in lengths]), tokens([S for _, S in lengths])
    given = [curta.from_numpy(one) for one in (q, k, v)]
    limits = bounds([L for L, _ in lengths]), bounds([S for _, S in lengths], curta.int64)
    found = varlen_attn(*given, *limits, 4, 6, window_size=window, enable_gqa=True)
    np.testing.assert_allclose(found.numpy(), oracle(q, k, v, lengths, *window), rtol=1e-12)
    used = [3, 4, 0, 1]
    counts = curta.tensor(used, dtype=curta.int32)
    found = varlen_attn(*given, *limits, 4, 6, window_size=window, enable_gqa=True, seqused_k=counts)
    np.testing.assert_allclose(found.numpy(), oracle(q, k, v, lengths, *window, used), rtol=1e-12)


def test_gradients() -> None:
    given = [curta.from_numpy(tokens([2, 3])).requires_grad_() for _ in range(3)]
    limits = bounds([2, 3])
    assert gradcheck(lambda q, k, v: varlen_attn(q, k, v, limits, limits, 3, 3, window_size=(-1, 0)), given)


def test_only_pairs_within_a_sequence_count() -> None:
    x = curta.ones(sum(LENGTHS), HEADS, WIDTH)
    with curta.account(memory=False) as books:
        varlen_attn(x, x, x, bounds(LENGTHS), None, 7, 7)
    assert books.model_flops == 4 * WIDTH * HEADS * sum(n * n for n in LENGTHS)


def test_no_sequences() -> None:
    x = curta.ones(0, HEADS, WIDTH)
    assert varlen_attn(x, x, x, curta.tensor([0]), None, 0, 0).shape == (0, HEADS, WIDTH)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"query": curta.ones(5, 4)}, ShapeError, r"must be \[tokens, heads, width\], got f32\[5,4\]"),
        ({"value": curta.ones(4, 2, 4)}, ShapeError, "requires a value for each key"),
        (
            {"cu_seq_q": curta.tensor([0, 2, 4])},
            ArgumentError,
            r"cu_seq_q must rise from 0 to the 5 tokens, got \[0, 2",
        ),
        ({"cu_seq_q": curta.tensor([0, 3, 2, 5])}, ArgumentError, "must rise from 0"),
        (
            {"cu_seq_k": curta.tensor([0, 5]), "max_k": 5},
            ArgumentError,
            r"2 sequences of queries do not fit the keys \[5\]",
        ),
        ({"cu_seq_q": curta.tensor([0.0, 5.0])}, DTypeError, "cu_seq_q must be int32 or int64, got f32"),
        ({"cu_seq_q": curta.tensor([[0, 5]])}, ShapeError, "cu_seq_q must have one dimension"),
        ({"max_q": 2}, ArgumentError, "a sequence of 3 tokens, longer than the 2 given"),
        ({"seqused_k": curta.tensor([1, 4])}, ArgumentError, r"between 0 and the lengths \[2, 3\], got \[1, 4\]"),
        ({"window_size": (1, -2)}, ArgumentError, r"two numbers of at least -1, got \(1, -2\)"),
        ({"block_table": curta.zeros(1)}, UnsupportedError, "block_table"),
        ({"return_aux": True}, UnsupportedError, "return_aux"),
    ],
)
def test_refusals(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    x, limits = curta.ones(5, 2, 4), curta.tensor([0, 2, 5])
    given = {"query": x, "key": x, "value": x, "cu_seq_q": limits, "cu_seq_k": limits, "max_q": 3, "max_k": 3}
    with pytest.raises(error, match=message):
        varlen_attn(**(given | changes))
