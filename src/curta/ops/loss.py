"""Losses over classes and over numbers; none of them builds one-hot vectors."""

from __future__ import annotations

from collections.abc import Callable
from math import nan, pi
from typing import Any

from curta import dtypes
from curta.autograd.state import STATE
from curta.compiler.expression import Expression, index
from curta.memory.layout import Layout, Shape, contiguous
from curta.methods import late
from curta.ops.composition import composition, derivative, derived
from curta.ops.dispatch import bind
from curta.ops.inference import bytes_read, each
from curta.ops.record import NO_GRADIENT, Composition, Cost, Gradient, Op, Pointwise
from curta.ops.rows import SPREAD, TOTAL, cast, highest, total, wide
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


WEIGHTED_CROSS_ENTROPY = derived("weighted_cross_entropy", _weighted_body)
SOFT_CROSS_ENTROPY = derived("soft_cross_entropy", _soft_body)


# losses that read one element of each row: their gradients are those of sums over rows that are 0 elsewhere


def _infer_looked_up(x: Layout, target: Layout, *weight: Layout, dim: int, ignore: int) -> Layout:
    return contiguous(target.shape, dtypes.compute_dtype(x.dtype), x.device)


def _along_rows(layout: Layout, shape: Shape, dim: int, ignore: int) -> tuple[Shape, Shape]:
    """The class dimension is in the result with size 1, or not at all."""
    sizes = enumerate(zip(layout.shape, layout.strides, strict=True))
    strides = tuple(0 if axis == dim or size == 1 else step for axis, (size, step) in sizes)
    return strides if len(shape) == layout.rank else strides[:dim] + strides[dim + 1 :], (dim,)


def _loss_at(read: Any, target: Expression, *weight: Any, dim: int, ignore: int) -> Expression:
    place = target.to(dtypes.int64)
    counts = place.ne(ignore)
    found = read(place, guard=counts)
    for factor in weight:
        found = found * factor(place, guard=counts)
    return counts.select(-found, 0)


def _weight_at(read: Any, target: Expression, dim: int, ignore: int) -> Expression:
    place = target.to(dtypes.int64)
    weight: Expression = read(place, guard=place.ne(ignore))
    return weight


def _looked_up_cost(flops: int) -> Callable[..., Cost]:
    def cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], dim: int, ignore: int) -> Cost:
        """What the targets ask for is read once for each time, and the rest not at all."""
        found, target, *weight = inputs
        rows = outputs[0].numel
        read = rows * sum(one.dtype.itemsize for one in (found, *weight))
        return Cost(rows * flops, 0, read + bytes_read((target,)), outputs[0].nbytes)

    return cost


def _likelihood_body(x: Any, target: Any, *weight: Any, dim: int, ignore: int) -> Any:
    v = wide(x) * wide(weight[0]) if weight else wide(x)
    return (-total(bind(PICK, (v, target), dim=dim), (dim,))).masked_fill(target == ignore, 0.0)


def _mean_body(loss: Any, target: Any, *, ignore: int) -> Any:
    dims = tuple(range(loss.layout.rank))
    return total(loss, dims) / (target != ignore).sum(dims, keepdim=True)


def _mean_of_rows(loss: Any, target: Any, *, ignore: int) -> Any:
    dims = tuple(range(loss.layout.rank))
    return bind(TOTAL, (loss,), dims=dims, keepdim=False) / (target != ignore).sum()


def _mean_rule(node: Any, g: Any) -> tuple[Any, ...]:
    answer: tuple[Any, ...] = _MEAN_AGAIN.rule(node, g.reshape((1,) * node.input_layouts[0].rank))
    return answer


#: log-probabilities and classes to the loss of each row
NEGATIVE_LIKELIHOOD = Op(
    "nll", _infer_looked_up, Pointwise(_loss_at, "raw", gathered=_along_rows),
    derivative("nll", _likelihood_body, 2), _looked_up_cost(1),
)  # fmt: skip
#: with a weight for each class, laid along the class dimension
WEIGHTED_NEGATIVE_LIKELIHOOD = Op(
    "weighted_nll", _infer_looked_up, Pointwise(_loss_at, "raw", gathered=_along_rows, gathers=(0, 2)),
    derivative("weighted_nll", _likelihood_body, 3), _looked_up_cost(2),
)  # fmt: skip
#: the weight of each row's class, 0 for ignored ones
CLASS_WEIGHT = Op(
    "class_weight", _infer_looked_up, Pointwise(_weight_at, "raw", gathered=_along_rows), NO_GRADIENT,
    _looked_up_cost(0),
)  # fmt: skip
_MEAN_AGAIN = derivative("mean_of_rows", _mean_body)
#: the losses of rows and their classes to the mean over those that are not ignored
MEAN_OF_ROWS = composition("mean_of_rows", _mean_of_rows, Gradient(_mean_rule, _MEAN_AGAIN.inputs))


def _mean_of_classes(loss: Any, target: Any, *, classes: int, ignore: int) -> Any:
    rows = cast(target, dtypes.int64)
    wrong = (rows != ignore) & ((rows < 0) | (rows >= classes))
    return _mean_of_rows(loss, rows, ignore=ignore).masked_fill(wrong.any(), nan)


def _mean_of_classes_rule(node: Any, g: Any) -> tuple[Any, ...]:
    answer: tuple[Any, ...] = _CLASSES_AGAIN.rule(node, g.reshape((1,) * node.input_layouts[0].rank))
    return answer


_CLASSES_AGAIN = derivative(
    "mean_of_classes", lambda loss, target, *, classes, ignore: _mean_body(loss, target, ignore=ignore)
)
#: as `MEAN_OF_ROWS`; NaN if a row that is not ignored names no class
MEAN_OF_CLASSES = composition(
    "mean_of_classes", _mean_of_classes, Gradient(_mean_of_classes_rule, _CLASSES_AGAIN.inputs)
)


def _infer_likelihood(x: Layout, target: Layout, dim: int, ignore: int) -> Layout:
    return contiguous((), dtypes.compute_dtype(x.dtype), x.device)


def _mean_likelihood(x: Any, target: Any, *, dim: int, ignore: int) -> Any:
    # bytes cannot hold every `ignore`, and what is ignored is not read
    rows, classes = cast(target, dtypes.int64), x.layout.shape[dim]
    counts, outside = rows != ignore, (rows < 0) | (rows >= classes)
    loss = bind(NEGATIVE_LIKELIHOOD, (x, rows.masked_fill(outside, ignore)), dim=dim, ignore=ignore)
    return _mean_of_rows(loss, rows, ignore=ignore).masked_fill((counts & outside).any(), nan)


def _mean_likelihood_slope(g: Any, x: Any, rows: Any, *, dim: int, ignore: int) -> Any:
    """Of x its shape and format are looked at."""
    counts = rows != ignore
    share = (g / counts.sum(tuple(range(rows.layout.rank)), keepdim=True)).masked_fill(~counts, 0.0)
    return cast(bind(PICK, (bind(SPREAD, (-share,), shape=x.layout.shape), rows), dim=dim), x.layout.dtype)


def _mean_likelihood_cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], dim: int, ignore: int) -> Cost:
    """A sign for each row, two sums and a quotient."""
    x, target = inputs
    rows = target.numel
    read = rows * x.dtype.itemsize + bytes_read((target,))
    return Cost(rows + 2 * max(rows - 1, 0) + 1, 0, read, outputs[0].nbytes)


def _mean_likelihood_rule(node: Any, g: Any) -> tuple[Any, ...]:
    x, rows = node.input(0), node.input(1).unsqueeze(node.params["dim"])
    return bind(MEAN_LIKELIHOOD_BACKWARD, (g.reshape((1,) * x.layout.rank), x, rows), **node.params), None


#: log-probabilities and classes (without the class dimension) to the mean over the rows that are not ignored; NaN if
#: one of these names no class, which costs no second result
MEAN_LIKELIHOOD = Op(
    "mean_nll", _infer_likelihood, Composition(_mean_likelihood, own_cost=True),
    Gradient(_mean_likelihood_rule, inputs=(0, 1)), _mean_likelihood_cost,
)  # fmt: skip
MEAN_LIKELIHOOD_BACKWARD = derived("mean_nll_backward", _mean_likelihood_slope)


def _squared(x: Any, y: Any) -> Any:
    d = x - y
    return d * d


def _softplus(z: Any) -> Any:
    """log(1 + exp(z)), with the slope 1/2 at 0."""
    where = late.functions.where
    return where(z < 0, 0.0, z) + where(z < 0, z, -z).exp().log1p()


def _logits(x: Any, y: Any) -> Any:
    v, t = wide(x), wide(y)
    return cast(v * (1 - t) + _softplus(-v), x.layout.dtype)


def _weighted_logits(x: Any, y: Any, positive: Any) -> Any:
    v, t = wide(x), wide(y)
    return cast(v * (1 - t) + ((wide(positive) - 1) * t + 1) * _softplus(-v), x.layout.dtype)


def _smooth(x: Any, y: Any, *, beta: float) -> Any:
    d = (wide(x) - wide(y)).abs()
    return cast(late.functions.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta), x.layout.dtype)


def _huber(x: Any, y: Any, *, delta: float) -> Any:
    d = (wide(x) - wide(y)).abs()
    return cast(late.functions.where(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta), x.layout.dtype)


def _binary(x: Any, y: Any) -> Any:
    """Logarithms are no less than -100."""
    v, t = wide(x), wide(y)
    return cast((t - 1) * (-v).log1p().clamp(min=-100) - t * v.log().clamp(min=-100), x.layout.dtype)


def _binary_slope(g: Any, x: Any, y: Any) -> Any:
    v = wide(x)
    return cast(wide(g) * (v - wide(y)) / (v * (1 - v)).clamp(min=1e-12), x.layout.dtype)


def _binary_to_target(g: Any, x: Any, y: Any) -> Any:
    v = wide(x)
    return cast(wide(g) * ((-v).log1p().clamp(min=-100) - v.log().clamp(min=-100)), y.layout.dtype)


def _binary_rule(node: Any, g: Any) -> tuple[Any, ...]:
    given = (g, node.input(0), node.input(1))
    pairs = zip((BINARY_SLOPE, BINARY_TO_TARGET), node.needs, strict=True)
    return tuple(bind(op, given) if wanted else None for op, wanted in pairs)


def _divergence(x: Any, y: Any, *, log_target: bool) -> Any:
    v, t = wide(x), wide(y)
    made = t.exp() * (t - v) if log_target else t * (late.functions.where(t == 0, 1.0, t).log() - v)
    return cast(made, x.layout.dtype)


def _poisson(x: Any, y: Any, *, log_input: bool, full: bool, eps: float) -> Any:
    where = late.functions.where
    v, t = wide(x), wide(y)
    made = v.exp() - t * v if log_input else v - t * (v + eps).log()
    if full:  # Stirling's approximation of log(t!)
        u = where(t > 1, t, 1.0)
        made = made + where(t > 1, u * u.log() - u + (u * (2 * pi)).log() * 0.5, 0.0)
    return cast(made, x.layout.dtype)


def _gaussian(x: Any, y: Any, var: Any, *, constant: float) -> Any:
    d, s = wide(x) - wide(y), wide(var)
    made = (s.log() + d * d / s) * 0.5
    return cast(made + constant if constant else made, x.layout.dtype)


def _hinge(x: Any, y: Any, *, margin: float) -> Any:
    where = late.functions.where
    v, t = wide(x), wide(y)
    return cast(where(t != 1, (margin - v).clamp(min=0), 0.0) + where(t != -1, v, 0.0), x.layout.dtype)


def _soft_margin(x: Any, y: Any) -> Any:
    return cast(_softplus(-wide(y) * wide(x)), x.layout.dtype)


def _ranking(x: Any, y: Any, target: Any, *, margin: float) -> Any:
    made = wide(target) * (wide(y) - wide(x))
    return cast((made + margin if margin else made).clamp(min=0), x.layout.dtype)


def _length(x: Any, dim: int, eps: float) -> Any:
    """The Euclidean norm along a dimension, at least `eps`; without a slope at 0."""
    where = late.functions.where
    squares = total(x * x, (dim,))
    return where(squares == 0, 0.0, where(squares == 0, 1.0, squares).sqrt()).clamp(min=eps)


def _cosine(x: Any, y: Any, *, dim: int, eps: float) -> Any:
    v, w = wide(x), wide(y)
    return cast(total(v / _length(v, dim, eps) * (w / _length(w, dim, eps)), (dim,)), x.layout.dtype)


def _alignment(stay: Any, one: Any, two: Any, score: Any) -> Any:
    """One step of CTC's sums over alignments, as logarithms."""
    where, a, b, c = late.functions.where, stay.detach(), one.detach(), two.detach()
    high = where(a > b, a, b)
    high = where(high > c, high, c)
    return ((stay - high).exp() + (one - high).exp() + (two - high).exp()).log() + high + score


SQUARED_ERROR = derived("squared_error", _squared)
ABSOLUTE_ERROR = derived("absolute_error", lambda x, y: (x - y).abs())
LOGITS_CROSS_ENTROPY = derived("logits_cross_entropy", _logits)
WEIGHTED_LOGITS_CROSS_ENTROPY = derived("weighted_logits_cross_entropy", _weighted_logits)
SMOOTH_ERROR = derived("smooth_error", _smooth)
HUBER_ERROR = derived("huber_error", _huber)
BINARY_SLOPE = derived("binary_cross_entropy_slope", _binary_slope)
BINARY_TO_TARGET = derived("binary_cross_entropy_to_target", _binary_to_target)
#: probabilities and targets
BINARY_CROSS_ENTROPY = composition("binary_cross_entropy", _binary, Gradient(_binary_rule, inputs=(0, 1)))
DIVERGENCE = derived("divergence", _divergence)
POISSON = derived("poisson", _poisson)
GAUSSIAN = derived("gaussian", _gaussian)
HINGE = derived("hinge", _hinge)
SOFT_MARGIN = derived("soft_margin", _soft_margin)
RANKING = derived("ranking", _ranking)
#: of two tensors of one shape; the dimension stays, at size 1
COSINE = derived("cosine", _cosine)
ALIGNMENT = derived("alignment", _alignment)
