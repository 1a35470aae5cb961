"""Batch normalization: a channel's statistics and its normalized elements, a few passes over the channel in one kernel.

x is [N, C, ...]; weight, bias, mean and var are [1, C, 1, ...]. `count`, the elements of a channel, comes as a run-time
number, so that a kernel serves every size.
"""

from __future__ import annotations

from typing import Any

from curta.autograd.state import STATE
from curta.ops.composition import composition, derivative, derived
from curta.ops.dispatch import bind
from curta.ops.record import NO_GRADIENT, Gradient
from curta.ops.rows import cast, total, wide


def _over_channel(x: Any) -> tuple[int, ...]:
    return (0, *range(2, x.layout.rank))


def _normalized(x: Any, count: Any, eps: float) -> tuple[Any, Any, Any]:
    """x in its compute format with mean 0 and variance 1 in every channel; the mean; the variance.

    A long sum in float32 leaves the mean a little off: the second pass finds by how much.
    """
    dims = _over_channel(x)
    x = wide(x)
    about = total(x, dims) / count
    centred = x - about
    rest = total(centred, dims) / count
    var = total(centred * centred, dims) / count - rest * rest
    return (centred - rest) * (var + eps).rsqrt(), about + rest, var


def _batch_norm_body(x: Any, weight: Any, bias: Any, count: Any, *, eps: float) -> tuple[Any, Any, Any]:
    normal, mean, var = _normalized(x, count, eps)
    return cast(normal * wide(weight) + wide(bias), x.layout.dtype), mean, var


def _plain_body(x: Any, count: Any, *, eps: float) -> tuple[Any, Any, Any]:
    normal, mean, var = _normalized(x, count, eps)
    return cast(normal, x.layout.dtype), mean, var


def _sums(g: Any, x: Any, mean: Any, rstd: Any) -> tuple[Any, Any, Any]:
    """x normalized; the sums over each channel of the gradient times that, and of the gradient."""
    normal = (wide(x) - mean) * rstd
    dims = _over_channel(x)
    return normal, total(g * normal, dims), total(g, dims)


def _gradients(g: Any, x: Any, weight: Any, mean: Any, var: Any, count: Any, *, eps: float) -> tuple[Any, Any, Any]:
    g, rstd = wide(g), (var + eps).rsqrt()
    normal, dweight, dbias = _sums(g, x, mean, rstd)
    dx = (g - dbias / count - normal * (dweight / count)) * (rstd * wide(weight))
    return cast(dx, x.layout.dtype), dweight, dbias


def _plain_gradient(g: Any, x: Any, mean: Any, var: Any, count: Any, *, eps: float) -> Any:
    g, rstd = wide(g), (var + eps).rsqrt()
    normal, along, across = _sums(g, x, mean, rstd)
    return cast((g - across / count - normal * (along / count)) * rstd, x.layout.dtype)


def _parameter_gradients(g: Any, x: Any, mean: Any, var: Any, *, eps: float) -> tuple[Any, Any]:
    _, dweight, dbias = _sums(wide(g), x, mean, (var + eps).rsqrt())
    return dweight, dbias


BATCH_NORM_BACKWARD = composition("batch_norm_backward", _gradients, NO_GRADIENT)
BATCH_NORM_DPARAMETERS = composition("batch_norm_dparameters", _parameter_gradients, NO_GRADIENT)
PLAIN_BATCH_NORM_BACKWARD = composition("plain_batch_norm_backward", _plain_gradient, NO_GRADIENT)

_AGAIN = derivative("batch_norm", lambda x, weight, bias, count, *, eps: _batch_norm_body(
    x, weight, bias, count, eps=eps)[0])  # fmt: skip
_PLAIN_AGAIN = derivative("plain_batch_norm", lambda x, count, *, eps: _plain_body(x, count, eps=eps)[0])


def _rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled:  # mean and var depend on x: a gradient of the gradient starts from x again
        answer: tuple[Any, ...] = _AGAIN.rule(node, g)
        return answer
    x, weight, count, eps = node.input(0), node.input(1), node.input(3), node.params["eps"]
    mean, var = node.output(1), node.output(2)
    if node.needs[0]:
        return *bind(BATCH_NORM_BACKWARD, (g, x, weight, mean, var, count), eps=eps), None
    return None, *bind(BATCH_NORM_DPARAMETERS, (g, x, mean, var), eps=eps), None


def _plain_rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled:
        answer: tuple[Any, ...] = _PLAIN_AGAIN.rule(node, g)
        return answer
    saved = (g, node.input(0), node.output(1), node.output(2), node.input(1))
    return bind(PLAIN_BATCH_NORM_BACKWARD, saved, eps=node.params["eps"]), None


#: results: x normalized, and each channel's mean and variance
BATCH_NORM = composition(
    "batch_norm",
    _batch_norm_body,
    Gradient(_rule, inputs=(0, 1, 2, 3), outputs=(1, 2), constant_outputs=(1, 2)),
)
PLAIN_BATCH_NORM = composition(
    "plain_batch_norm",
    _plain_body,
    Gradient(_plain_rule, inputs=(0, 1), outputs=(1, 2), constant_outputs=(1, 2)),
)


# with statistics that are given


def _known_body(x: Any, mean: Any, var: Any, weight: Any, bias: Any, *, eps: float) -> Any:
    normal = (wide(x) - wide(mean)) * (wide(var) + eps).rsqrt()
    return cast(normal * wide(weight) + wide(bias), x.layout.dtype)


def _plain_known_body(x: Any, mean: Any, var: Any, *, eps: float) -> Any:
    return cast((wide(x) - wide(mean)) * (wide(var) + eps).rsqrt(), x.layout.dtype)


BATCH_NORM_INFERENCE = derived("batch_norm_inference", _known_body)
PLAIN_BATCH_NORM_INFERENCE = derived("plain_batch_norm_inference", _plain_known_body)


def _running_body(
    running_mean: Any, running_var: Any, mean: Any, var: Any, kept: Any, taken: Any, unbiased: Any
) -> tuple[Any, Any]:
    return running_mean * kept + mean * taken, running_var * kept + var * unbiased * taken


#: running statistics that keep a share and take in a share of a batch's; `unbiased` is count / (count - 1)
RUNNING_STATISTICS = composition("running_statistics", _running_body, NO_GRADIENT)
