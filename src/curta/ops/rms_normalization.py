"""Root mean square normalization, a few passes over a row in one kernel. The weight has the rank of x, as a row."""

from __future__ import annotations

from math import prod
from typing import Any

from curta.autograd.state import STATE
from curta.ops.composition import composition, derivative
from curta.ops.dispatch import bind
from curta.ops.record import Gradient
from curta.ops.rows import cast, total, wide


def _normal(x: Any, count: int, eps: float) -> tuple[Any, Any]:
    """x in its compute format with a mean square of 1 over the last `count` dims; 1 / root of the mean square."""
    dims = _trailing(x, count)
    x = wide(x)
    rstd = (total(x * x, dims) * (1.0 / prod(x.layout.shape[dim] for dim in dims)) + eps).rsqrt()
    return x * rstd, rstd


def _trailing(x: Any, count: int) -> tuple[int, ...]:
    return tuple(range(x.layout.rank - count, x.layout.rank))


def _body(x: Any, weight: Any, *, count: int, eps: float) -> tuple[Any, Any]:
    normal, rstd = _normal(x, count, eps)
    return cast(normal * wide(weight), x.layout.dtype), rstd


def _plain_body(x: Any, *, count: int, eps: float) -> tuple[Any, Any]:
    normal, rstd = _normal(x, count, eps)
    return cast(normal, x.layout.dtype), rstd


def _to_x(g: Any, x: Any, rstd: Any, count: int) -> Any:
    """What of the gradient would change the mean square is taken out."""
    dims = _trailing(x, count)
    normal = wide(x) * rstd
    along = total(g * normal, dims) * (1.0 / prod(x.layout.shape[dim] for dim in dims))
    return cast((g - normal * along) * rstd, x.layout.dtype)


def _backward(g: Any, x: Any, weight: Any, rstd: Any, *, count: int) -> Any:
    return _to_x(wide(g) * wide(weight), x, rstd, count)


def _plain_backward(g: Any, x: Any, rstd: Any, *, count: int) -> Any:
    return _to_x(wide(g), x, rstd, count)


def _weight_backward(g: Any, x: Any, rstd: Any, *, count: int) -> Any:
    return total(wide(g) * (wide(x) * rstd), tuple(range(x.layout.rank - count)))


RMS_NORM_BACKWARD = composition("rms_norm_backward", _backward, None)
PLAIN_RMS_NORM_BACKWARD = composition("plain_rms_norm_backward", _plain_backward, None)
RMS_NORM_DWEIGHT = composition("rms_norm_dweight", _weight_backward, None)

_AGAIN = derivative("rms_norm", lambda x, weight, *, count, eps: _body(x, weight, count=count, eps=eps)[0])
_PLAIN_AGAIN = derivative("plain_rms_norm", lambda x, *, count, eps: _plain_body(x, count=count, eps=eps)[0])


def _rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled:  # rstd depends on x: a gradient of the gradient starts from x again
        answer: tuple[Any, ...] = _AGAIN.rule(node, g)
        return answer
    x, rstd, count = node.input(0), node.output(1), node.params["count"]
    to_x = to_weight = None
    if node.needs[0]:
        to_x = bind(RMS_NORM_BACKWARD, (g, x, node.input(1), rstd), count=count)
    if node.needs[1]:
        alone = x.layout.rank == count  # there is one row: nothing to add up
        to_weight = g * (x * rstd) if alone else bind(RMS_NORM_DWEIGHT, (g, x, rstd), count=count)
    return to_x, to_weight


def _plain_rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    if STATE.grad_enabled:
        answer: tuple[Any, ...] = _PLAIN_AGAIN.rule(node, g)
        return answer
    return (bind(PLAIN_RMS_NORM_BACKWARD, (g, node.input(0), node.output(1)), count=node.params["count"]),)


#: (x, weight) to the result and, for each row, 1 / root of its mean square
RMS_NORM = composition(
    "rms_norm", _body, Gradient(_rule, inputs=(0, 1), outputs=(1,), constant_outputs=(1,))
)  # fmt: skip
PLAIN_RMS_NORM = composition(
    "plain_rms_norm", _plain_body, Gradient(_plain_rule, inputs=(0,), outputs=(1,), constant_outputs=(1,))
)
