"""Softmax, its logarithm, and layer normalization, each a few passes over a row in one kernel."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from curta.autograd.state import STATE
from curta.dtypes import DType
from curta.ops.composition import composition, derivative, derived
from curta.ops.dispatch import bind
from curta.ops.record import Gradient
from curta.ops.rows import cast, highest, total, wide

Rule = Callable[..., tuple[Any, ...]]


def _softmax_body(x: Any, *, dim: int, dtype: DType) -> Any:
    x_wide = wide(cast(x, dtype))
    e = (x_wide - highest(x_wide, (dim,))).exp()
    return cast(e / total(e, (dim,)), dtype)


def _softmax_gradient(g: Any, y: Any, *, dim: int, dtype: DType) -> Any:
    g, y = wide(g), wide(y)
    return cast(y * (g - total(g * y, (dim,))), dtype)


SOFTMAX_BACKWARD = derived("softmax_backward", _softmax_gradient)
SOFTMAX = composition(
    "softmax",
    _softmax_body,
    Gradient(lambda node, g: (
        bind(SOFTMAX_BACKWARD, (g, node.output(0)), dim=node.params["dim"], dtype=node.input_layouts[0].dtype),
    ), outputs=(0,)),
)  # fmt: skip


def _log_softmax_body(x: Any, *, dim: int, dtype: DType) -> Any:
    x_wide = wide(cast(x, dtype))
    shifted = x_wide - highest(x_wide, (dim,))
    return cast(shifted - total(shifted.exp(), (dim,)).log(), dtype)


def _log_softmax_gradient(g: Any, y: Any, *, dim: int, dtype: DType) -> Any:
    g, y = wide(g), wide(y)
    return cast(g - y.exp() * total(g, (dim,)), dtype)


LOG_SOFTMAX_BACKWARD = derived("log_softmax_backward", _log_softmax_gradient)
LOG_SOFTMAX = composition(
    "log_softmax",
    _log_softmax_body,
    Gradient(lambda node, g: (
        bind(LOG_SOFTMAX_BACKWARD, (g, node.output(0)), dim=node.params["dim"], dtype=node.input_layouts[0].dtype),
    ), outputs=(0,)),
)  # fmt: skip


# layer normalization: weight and bias have the rank of x, with sizes of 1 in front


def _trailing(x: Any, count: int) -> tuple[int, ...]:
    return tuple(range(x.layout.rank - count, x.layout.rank))


def _normalized(x: Any, count: int, eps: float) -> tuple[Any, Any, Any]:
    """x in its compute format with mean 0 and variance 1 over the last `count` dims; the mean; 1 / deviation."""
    dims = _trailing(x, count)
    size = prod(x.layout.shape[dim] for dim in dims)
    x = wide(x)
    mean = total(x, dims) * (1.0 / size)
    centred = x - mean
    rstd = (total(centred * centred, dims) * (1.0 / size) + eps).rsqrt()
    return centred * rstd, mean, rstd


def _layer_norm_body(x: Any, weight: Any, bias: Any, *, count: int, eps: float) -> tuple[Any, Any, Any]:
    normal, mean, rstd = _normalized(x, count, eps)
    return cast(normal * wide(weight) + wide(bias), x.layout.dtype), mean, rstd


def _plain_norm_body(x: Any, *, count: int, eps: float) -> tuple[Any, Any, Any]:
    normal, mean, rstd = _normalized(x, count, eps)
    return cast(normal, x.layout.dtype), mean, rstd


def _norm_dx(g: Any, x: Any, weight: Any, mean: Any, rstd: Any, *, count: int) -> Any:
    return _dx(wide(g) * wide(weight), x, mean, rstd, count)


def _plain_dx(g: Any, x: Any, mean: Any, rstd: Any, *, count: int) -> Any:
    return _dx(wide(g), x, mean, rstd, count)


def _dx(g: Any, x: Any, mean: Any, rstd: Any, count: int) -> Any:
    dims = _trailing(x, count)
    share = 1.0 / prod(x.layout.shape[dim] for dim in dims)
    normal = (wide(x) - mean) * rstd
    along = total(g * normal, dims) * share
    return cast((g - total(g, dims) * share - normal * along) * rstd, x.layout.dtype)


def _norm_dparameters(g: Any, x: Any, mean: Any, rstd: Any, *, count: int) -> tuple[Any, Any]:
    leading = tuple(range(x.layout.rank - count))
    g = wide(g)
    return total(g * ((wide(x) - mean) * rstd), leading), total(g, leading)


LAYER_NORM_DX = composition("layer_norm_dx", _norm_dx, None)
PLAIN_NORM_DX = composition("plain_norm_dx", _plain_dx, None)
LAYER_NORM_DPARAMETERS = composition("layer_norm_dparameters", _norm_dparameters, None)

_AGAIN = derivative("layer_norm", lambda x, weight, bias, *, count, eps: _layer_norm_body(
    x, weight, bias, count=count, eps=eps)[0])  # fmt: skip
_PLAIN_AGAIN = derivative("plain_norm", lambda x, *, count, eps: _plain_norm_body(x, count=count, eps=eps)[0])


def _layer_norm_rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled:  # mean and rstd depend on x: a gradient of the gradient starts from x again
        answer: tuple[Any, ...] = _AGAIN.rule(node, g)
        return answer
    x, count = node.input(0), node.params["count"]
    mean, rstd = node.output(1), node.output(2)
    dx = dweight = dbias = None
    if node.needs[0]:
        dx = bind(LAYER_NORM_DX, (g, x, node.input(1), mean, rstd), count=count)
    if node.needs[1] or node.needs[2]:
        if x.layout.rank > count:
            dweight, dbias = bind(LAYER_NORM_DPARAMETERS, (g, x, mean, rstd), count=count)
        else:
            dweight, dbias = g * ((x - mean) * rstd), g
    return dx, dweight, dbias


def _plain_norm_rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled:
        answer: tuple[Any, ...] = _PLAIN_AGAIN.rule(node, g)
        return answer
    return (bind(PLAIN_NORM_DX, (g, node.input(0), node.output(1), node.output(2)), count=node.params["count"]),)


LAYER_NORM = composition(
    "layer_norm",
    _layer_norm_body,
    Gradient(_layer_norm_rule, inputs=(0, 1, 2), outputs=(1, 2), constant_outputs=(1, 2)),
)
PLAIN_NORM = composition(
    "plain_norm", _plain_norm_body, Gradient(_plain_norm_rule, inputs=(0,), outputs=(1, 2), constant_outputs=(1, 2))
)
