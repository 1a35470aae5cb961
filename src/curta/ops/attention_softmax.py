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


def _causal_element(x: Any, rank: int) -> Any:
    return index(rank - 1).le(index(rank - 2)).select(x, NEGATIVE_INFINITY)


def _causal_gradient(node: Any, g: Any) -> tuple[Any, ...]:
    return (bind(BELOW_DIAGONAL, (g,), rank=node.params["rank"]),)


def _same(x: Layout, rank: int) -> Layout:
    return contiguous(x.shape, x.dtype, x.device)


BELOW_DIAGONAL = Op(
    "below_diagonal",
    _same,
    Pointwise(lambda x, rank: index(rank - 1).le(index(rank - 2)).select(x, 0), "raw", indexed=True),
    Gradient(_causal_gradient),
    each(0),
)
#: minus infinity above the diagonal of the last two dimensions
CAUSAL = Op("causal", _same, Pointwise(_causal_element, "raw", indexed=True), Gradient(_causal_gradient), each(0))


def _weights(v: Any, causal: bool) -> Any:
    """A softmax whose rows without any finite score are 0."""
    rank = v.layout.rank
    if causal:
        v = bind(CAUSAL, (v,), rank=rank)
    high = highest(v, (rank - 1,))
    high = high.masked_fill(high == NEGATIVE_INFINITY, 0.0)
    e = (v - high).exp()
    s = total(e, (rank - 1,))
    return e / s.masked_fill(s == 0.0, 1.0)


def _plain_body(scores: Any, *, scale: float, causal: bool) -> Any:
    return cast(_weights(wide(scores) * scale, causal), scores.layout.dtype)


def _biased_body(scores: Any, bias: Any, *, scale: float, causal: bool) -> Any:
    return cast(_weights(wide(scores) * scale + wide(bias), causal), scores.layout.dtype)


def _masked_body(scores: Any, mask: Any, *, scale: float, causal: bool) -> Any:
    return cast(_weights((wide(scores) * scale).masked_fill(~mask, NEGATIVE_INFINITY), causal), scores.layout.dtype)


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
