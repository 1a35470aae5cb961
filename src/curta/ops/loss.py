"""Losses over classes and over numbers; none of them builds one-hot vectors."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.autograd.state import STATE
from curta.compiler.expression import Expression, index
from curta.memory.layout import Layout, contiguous
from curta.ops.composition import composition, derivative, derived
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.record import NO_GRADIENT, Gradient, Op, Pointwise
from curta.ops.rows import SPREAD, cast, highest, total, wide
from curta.shapes import broadcast_shapes

# `target` has the rank of the scores, with size 1 in the class dimension


def _infer_pick(x: Layout, target: Layout, dim: int) -> Layout:
    return contiguous(broadcast_shapes(x.shape, target.shape), x.dtype, x.device)


def _pick(x: Expression, target: Expression, dim: int) -> Expression:
    return index(dim).eq(target.to(dtypes.int64)).select(x, 0)


def _pick_rule(node: Any, g: Any) -> tuple[Any, ...]:
    return bind(PICK, (g, node.input(1)), dim=node.params["dim"]), None


#: x where the class is the target, else 0
PICK = Op("pick", _infer_pick, Pointwise(_pick, "raw", indexed=True), Gradient(_pick_rule, inputs=(1,)), each(0))


def _log_sum_exp(x: Any, dim: int) -> Any:
    high = highest(x, (dim,))
    return total((x - high).exp(), (dim,)).log() + high


def _rows_body(x: Any, target: Any, *, dim: int, ignore: int, smoothing: float) -> tuple[Any, Any]:
    """The loss and the log-sum-exp of each row."""
    v = wide(x)
    lse = _log_sum_exp(v, dim)
    loss = lse - total(bind(PICK, (v, target), dim=dim), (dim,)) * (1.0 - smoothing)
    if smoothing:
        loss = loss - total(v, (dim,)) * (smoothing / x.layout.shape[dim])
    return loss.masked_fill(target == ignore, 0.0), lse


def _rows_gradient(g: Any, x: Any, target: Any, lse: Any, *, dim: int, ignore: int, smoothing: float) -> Any:
    g = g.masked_fill(target == ignore, 0.0)
    slope = g * ((wide(x) - lse).exp() - smoothing / x.layout.shape[dim])
    spread = bind(SPREAD, (g * (1.0 - smoothing),), shape=x.layout.shape)
    return cast(slope - bind(PICK, (spread, target), dim=dim), x.layout.dtype)


_ROWS_AGAIN = derivative("cross_entropy", lambda x, target, **params: _rows_body(x, target, **params)[0])
CROSS_ENTROPY_BACKWARD = composition("cross_entropy_backward", _rows_gradient, NO_GRADIENT)


def _rows_rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled:
        answer: tuple[Any, ...] = _ROWS_AGAIN.rule(node, g)
        return answer
    return bind(CROSS_ENTROPY_BACKWARD, (g, node.input(0), node.input(1), node.output(1)), **node.params), None


#: (scores, class indices) to (loss of each row, log-sum-exp of each row)
CROSS_ENTROPY = composition(
    "cross_entropy", _rows_body, Gradient(_rows_rule, inputs=(0, 1), outputs=(1,), constant_outputs=(1,))
)


def _weighted_body(x: Any, target: Any, weight: Any, *, dim: int, ignore: int, smoothing: float) -> Any:
    """With a weight for each class, laid along the class dimension."""
    v, w = wide(x), wide(weight)
    lse = _log_sum_exp(v, dim)
    loss = total(bind(PICK, (w * (lse - v), target), dim=dim), (dim,)) * (1.0 - smoothing)
    if smoothing:
        loss = loss + total(w * (lse - v), (dim,)) * (smoothing / x.layout.shape[dim])
    return loss.masked_fill(target == ignore, 0.0)


def _soft_body(x: Any, target: Any, weight: Any, *, dim: int, smoothing: float) -> Any:
    """Targets that are probabilities."""
    v, p = wide(x), wide(target)
    if smoothing:
        p = p * (1.0 - smoothing) + smoothing / x.layout.shape[dim]
    return total(p * wide(weight) * (_log_sum_exp(v, dim) - v), (dim,))


def _likelihood_body(x: Any, target: Any, weight: Any, *, dim: int, ignore: int) -> Any:
    picked = total(bind(PICK, (wide(x) * wide(weight), target), dim=dim), (dim,))
    return (-picked).masked_fill(target == ignore, 0.0)


def _class_weight_body(weight: Any, target: Any, *, dim: int, ignore: int) -> Any:
    """The weight of each row's class, 0 for ignored ones."""
    return total(bind(PICK, (wide(weight), target), dim=dim), (dim,)).masked_fill(target == ignore, 0.0)


WEIGHTED_CROSS_ENTROPY = derived("weighted_cross_entropy", _weighted_body)
SOFT_CROSS_ENTROPY = derived("soft_cross_entropy", _soft_body)
NEGATIVE_LIKELIHOOD = derived("nll", _likelihood_body)
CLASS_WEIGHT = composition("class_weight", _class_weight_body, NO_GRADIENT)


def _squared(x: Any, y: Any) -> Any:
    d = x - y
    return d * d


def _logits(x: Any, y: Any) -> Any:
    v = wide(x)
    return cast(v.relu() - v * wide(y) + (-v.abs()).exp().log1p(), x.layout.dtype)


SQUARED_ERROR = derived("squared_error", _squared)
ABSOLUTE_ERROR = derived("absolute_error", lambda x, y: (x - y).abs())
LOGITS_CROSS_ENTROPY = derived("logits_cross_entropy", _logits)
