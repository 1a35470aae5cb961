"""The softmax of attention: scale, mask and causality inside one kernel."""

from __future__ import annotations

from typing import Any

from curta.compiler.expression import index
from curta.dtypes import bool_
from curta.memory.layout import Layout, contiguous
from curta.ops.composition import composition, derived
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.record import Gradient, Op, Pointwise
from curta.ops.rows import cast, highest, total, wide

NEGATIVE_INFINITY = float("-inf")


def _sees(rank: int, window: int) -> Any:
    """Whether the query of an element sees its key: those up to its own number, the last `window` unless that is 0."""
    query, key = index(rank - 2), index(rank - 1)
    return key.le(query) & (query - key).lt(window) if window else key.le(query)


def _causal_gradient(node: Any, g: Any) -> tuple[Any, ...]:
    return (bind(BELOW_DIAGONAL, (g,), **node.params),)


def _same(x: Layout, rank: int, window: int) -> Layout:
    return contiguous(x.shape, x.dtype, x.device)


BELOW_DIAGONAL = Op(
    "below_diagonal",
    _same,
    Pointwise(lambda x, rank, window: _sees(rank, window).select(x, 0), "raw", indexed=True),
    Gradient(_causal_gradient),
    each(0),
)
#: minus infinity above the diagonal of the last two dimensions, and `window` elements below it unless that is 0
CAUSAL = Op(
    "causal",
    _same,
    Pointwise(lambda x, rank, window: _sees(rank, window).select(x, NEGATIVE_INFINITY), "raw", indexed=True),
    Gradient(_causal_gradient),
    each(0),
)


def _weights(v: Any, causal: bool, window: int) -> Any:
    """A softmax whose rows without any finite score are 0."""
    rank = v.layout.rank
    if causal:
        v = bind(CAUSAL, (v,), rank=rank, window=window)
    high = highest(v, (rank - 1,))
    high = high.masked_fill(high == NEGATIVE_INFINITY, 0.0)
    e = (v - high).exp()
    s = total(e, (rank - 1,))
    return e / s.masked_fill(s == 0.0, 1.0)


def _plain_body(scores: Any, *, scale: float, causal: bool, window: int) -> Any:
    return cast(_weights(wide(scores) * scale, causal, window), scores.layout.dtype)


def _biased_body(scores: Any, bias: Any, *, scale: float, causal: bool, window: int) -> Any:
    return cast(_weights(wide(scores) * scale + wide(bias), causal, window), scores.layout.dtype)


def _masked_body(scores: Any, mask: Any, *, scale: float, causal: bool, window: int) -> Any:
    return cast(
        _weights((wide(scores) * scale).masked_fill(~mask, NEGATIVE_INFINITY), causal, window), scores.layout.dtype
    )


def _backward_body(g: Any, p: Any, *, scale: float) -> Any:
    g, v = wide(g), wide(p)
    return cast(v * (g - total(g * v, (v.layout.rank - 1,))) * scale, p.layout.dtype)


ATTENTION_SOFTMAX_BACKWARD = derived("attention_softmax_backward", _backward_body)


def _rule(node: Any, g: Any) -> tuple[Any, ...]:
    p = node.output(0)
    to_scores = bind(ATTENTION_SOFTMAX_BACKWARD, (g, p), scale=node.params["scale"])
    if len(node.needs) == 1:
        return (to_scores,)
    return to_scores, bind(ATTENTION_SOFTMAX_BACKWARD, (g, p), scale=1.0) if node.needs[1] else None


_GRADIENT = Gradient(_rule, outputs=(0,))
ATTENTION_SOFTMAX = composition("attention_softmax", _plain_body, _GRADIENT)
BIASED_ATTENTION_SOFTMAX = composition("biased_attention_softmax", _biased_body, _GRADIENT)
MASKED_ATTENTION_SOFTMAX = composition("masked_attention_softmax", _masked_body, _GRADIENT)


def weights_of(scores: Any, *mask: Any, **params: Any) -> Any:
    """The probabilities of scores under a mask of truth values, one that is added, or none."""
    if not mask:
        return bind(ATTENTION_SOFTMAX, (scores,), **params)
    operator = MASKED_ATTENTION_SOFTMAX if mask[0].layout.dtype is bool_ else BIASED_ATTENTION_SOFTMAX
    return bind(operator, (scores, *mask), **params)
