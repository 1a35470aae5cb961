"""Every family of patterns with what NumPy says it comes to: (pattern, shape, sizes, oracle)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Family(NamedTuple):
    """`oracle(array)` is written with NumPy's own functions."""

    pattern: str
    shape: tuple[int, ...]
    sizes: dict[str, int]
    oracle: Callable[[Any], Any]
    #: whether the result shares the memory of a contiguous tensor
    view: bool = True


REARRANGE = (
    Family("a b c -> a b c", (2, 3, 4), {}, lambda x: x),
    Family("a b c -> c a b", (2, 3, 4), {}, lambda x: x.transpose(2, 0, 1)),
    Family("a b c -> (a b) c", (2, 3, 4), {}, lambda x: x.reshape(6, 4)),
    Family("a b c -> (a b c)", (2, 3, 4), {}, lambda x: x.reshape(24)),
    Family("a b c -> a (c b)", (2, 3, 4), {}, lambda x: x.transpose(0, 2, 1).reshape(2, 12), view=False),
    Family("a b c -> (b a) c", (2, 3, 4), {}, lambda x: x.transpose(1, 0, 2).reshape(6, 4), view=False),
    Family("(a b) c -> a b c", (6, 4), {"a": 2}, lambda x: x.reshape(2, 3, 4)),
    Family("(a b) c -> a b c", (6, 4), {"b": 2}, lambda x: x.reshape(3, 2, 4)),
    Family("(a b) c -> a b c", (6, 4), {"a": 2, "b": 3}, lambda x: x.reshape(2, 3, 4)),
    Family("(a b) c -> b c a", (6, 4), {"a": 2, "c": 4}, lambda x: x.reshape(2, 3, 4).transpose(1, 2, 0)),
    Family("(a b) c -> (b a) c", (6, 4), {"a": 2},
           lambda x: x.reshape(2, 3, 4).transpose(1, 0, 2).reshape(6, 4), view=False),
    Family("(a b c) -> c (b a)", (24,), {"a": 2, "b": 3},
           lambda x: x.reshape(2, 3, 4).transpose(2, 1, 0).reshape(4, 6), view=False),
    Family("b (h p) (w q) c -> b h w (p q c)", (2, 4, 6, 3), {"p": 2, "q": 3},
           lambda x: x.reshape(2, 2, 2, 2, 3, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 2, 18), view=False),
    Family("b (h p) (w q) c -> b h p w q c", (2, 4, 6, 3), {"p": 2, "q": 3},
           lambda x: x.reshape(2, 2, 2, 2, 3, 3)),
    Family("a 1 b -> b a", (2, 1, 3), {}, lambda x: x[:, 0].T),
    Family("a b -> 1 b 1 a 1", (2, 3), {}, lambda x: x.T[None, :, None, :, None]),
    Family("a () b -> () (a 1) b", (2, 1, 3), {}, lambda x: x.reshape(1, 2, 3)),
    Family("1 1 -> ", (1, 1), {}, lambda x: x.reshape(())),
    Family("-> 1 (1) ()", (), {}, lambda x: x.reshape(1, 1, 1)),
    Family(" -> ", (), {}, lambda x: x),
    Family("... a -> a ...", (2, 3, 4, 5), {}, lambda x: x.transpose(3, 0, 1, 2)),
    Family("... a -> a ...", (2,), {}, lambda x: x),
    Family("a ... b -> (a b) ...", (2, 3, 4), {}, lambda x: x.transpose(0, 2, 1).reshape(8, 3), view=False),
    Family("a ... -> a (...)", (2, 3, 4), {}, lambda x: x.reshape(2, 12)),
    Family("a ... -> (... a)", (2, 3, 4), {}, lambda x: x.transpose(1, 2, 0).reshape(24), view=False),
    Family("a ... -> a (...)", (2,), {}, lambda x: x.reshape(2, 1)),
    Family("... -> (...)", (2, 3), {}, lambda x: x.reshape(6)),
    Family("(a b) ... -> b ... a", (4, 3), {"b": 2}, lambda x: x.reshape(2, 2, 3).transpose(1, 2, 0)),
    Family("batch_1 größe -> größe batch_1", (2, 3), {}, lambda x: x.T),
    Family("a\n  b\t->(a\tb)", (2, 3), {}, lambda x: x.reshape(6)),
    Family("a b -> b a", (0, 3), {}, lambda x: x.T),
    Family("(a b) c -> a (b c)", (0, 4), {"a": 2}, lambda x: x.reshape(2, 0)),
    Family("(a b) -> a b", (0,), {"b": 3}, lambda x: x.reshape(0, 3)),
)  # fmt: skip

#: the oracle is given the axes over which it reduces by itself: it is called with a function f(array, axis)
REDUCE = (
    Family("a b c -> a b c", (2, 3, 4), {}, lambda x, f: x),
    Family("a b c -> c a b", (2, 3, 4), {}, lambda x, f: x.transpose(2, 0, 1)),
    Family("a b c -> a c", (2, 3, 4), {}, lambda x, f: f(x, 1)),
    Family("a b c -> c a", (2, 3, 4), {}, lambda x, f: f(x, 1).T),
    Family("a b c -> b", (2, 3, 4), {}, lambda x, f: f(x, (0, 2))),
    Family("a b c -> ", (2, 3, 4), {}, lambda x, f: f(x, (0, 1, 2))),
    Family("a b c -> 1 b 1", (2, 3, 4), {}, lambda x, f: f(x, (0, 2)).reshape(1, 3, 1)),
    Family("a b c -> (c b) ()", (2, 3, 4), {}, lambda x, f: f(x, 0).T.reshape(12, 1)),
    Family("b (h 2) (w 2) -> b h w", (2, 4, 6), {}, lambda x, f: f(x.reshape(2, 2, 2, 3, 2), (2, 4))),
    Family("b (h p) (w q) -> w b h", (2, 4, 6), {"p": 2, "q": 3},
           lambda x, f: f(x.reshape(2, 2, 2, 2, 3), (2, 4)).transpose(2, 0, 1)),
    Family("(2 a) 3 -> a", (4, 3), {}, lambda x, f: f(x.reshape(2, 2, 3), (0, 2))),
    Family("2 2 a -> a", (2, 2, 3), {}, lambda x, f: f(x, (0, 1))),
    Family("... a -> ...", (2, 3, 4), {}, lambda x, f: f(x, 2)),
    Family("a ... -> a", (2, 3, 4), {}, lambda x, f: f(x, (1, 2))),
    Family("a ... b -> b (...)", (2, 3, 4, 5), {}, lambda x, f: f(x, 0).transpose(2, 0, 1).reshape(5, 12)),
    Family("... -> ", (2, 3), {}, lambda x, f: f(x, (0, 1))),
    Family("a 1 b -> b", (2, 1, 3), {}, lambda x, f: f(x, (0, 1))),
    Family("-> 1", (), {}, lambda x, f: x.reshape(1)),
    Family("a b -> a", (0, 3), {}, lambda x, f: f(x, 1)),
)  # fmt: skip

REPEAT = (
    Family("a b -> a b", (2, 3), {}, lambda x: x),
    Family("a b -> a b c", (2, 3), {"c": 4}, lambda x: np.repeat(x[:, :, None], 4, 2)),
    Family("a b -> c a b", (2, 3), {"c": 4}, lambda x: np.repeat(x[None], 4, 0)),
    Family("a b -> a 2 b", (2, 3), {}, lambda x: np.repeat(x[:, None], 2, 1)),
    Family("a b -> (a n) b", (2, 3), {"n": 2}, lambda x: np.repeat(x, 2, 0), view=False),
    Family("a b -> (n a) b", (2, 3), {"n": 2}, lambda x: np.tile(x, (2, 1)), view=False),
    Family("a b -> (a 2) (3 b)", (2, 3), {}, lambda x: np.tile(np.repeat(x, 2, 0), (1, 3)), view=False),
    Family("a b -> b n a", (2, 3), {"n": 2}, lambda x: np.repeat(x.T[:, None], 2, 1)),
    Family("(a b) -> b (n a)", (6,), {"a": 2, "n": 2}, lambda x: np.tile(x.reshape(2, 3).T, (1, 2)), view=False),
    Family("... a -> n ... (a 2)", (2, 3, 4), {"n": 2},
           lambda x: np.repeat(np.repeat(x, 2, 2)[None], 2, 0), view=False),
    Family("a -> a n", (3,), {"n": 1}, lambda x: x[:, None]),
    Family("a -> a n", (3,), {"n": 0}, lambda x: np.zeros((3, 0), x.dtype)),
    Family("a -> (a 2) n", (0,), {"n": 3}, lambda x: np.zeros((0, 3), x.dtype)),
    Family(" -> n m", (), {"n": 2, "m": 3}, lambda x: np.full((2, 3), x)),
    Family("1 a -> (3 a) 1", (1, 2), {}, lambda x: np.tile(x[0], 3)[:, None], view=False),
    Family("n a 1 -> (n 2) a", (2, 3, 1), {}, lambda x: np.repeat(x[..., 0], 2, 0), view=False),
)  # fmt: skip
