"""Operators over images: the slices become more images, or groups of channels where each has a weight of its own."""

from __future__ import annotations

from typing import Any

from curta.batching.calls import Call
from curta.ops.convolution import CONV2D
from curta.ops.dispatch import bind
from curta.tensor import Tensor


def _flat(value: Any) -> Any:
    """[B, N, ...] as [B N, ...]."""
    if not isinstance(value, Tensor):
        return value
    size, count, *rest = value.layout.shape
    return value.reshape((size * count, *rest))


def _sliced(value: Any, size: int) -> Any:
    """[B N, ...] as [B, N, ...]."""
    first, *rest = value.layout.shape
    return value.reshape((size, first // size, *rest))


def _beside(value: Tensor) -> Tensor:
    """[B, N, C, H, W] as [N, B C, H, W]: the slices' channels side by side."""
    B, N, C, *sizes = value.layout.shape
    return value.transpose(0, 1).reshape((N, B * C, *sizes))


def _apart(value: Tensor, size: int) -> Tensor:
    """[N, B C, H, W] as [B, N, C, H, W]."""
    N, channels, *sizes = value.layout.shape
    return value.reshape((N, size, channels // size, *sizes)).transpose(0, 1).contiguous()


def merged(call: Call) -> Any:
    """Every image by itself: as many images as all slices have."""
    made = bind(call.op, tuple(map(_flat, call.every())), **call.params)
    if isinstance(made, tuple):
        return tuple(_sliced(one, call.size) for one in made)
    return _sliced(made, call.size)


def padded(call: Call) -> Any:
    """The slices are one more dimension, to which nothing is added."""
    return bind(call.op, call.values, **{**call.params, "sides": ((0, 0), *call.params["sides"])})


def _grouped(call: Call) -> dict[str, Any]:
    return {**call.params, "groups": call.params["groups"] * call.size}


def convolution(call: Call) -> Any:
    """With one weight more images, with a weight for each slice more groups."""
    if not any(call.mapped[1:]):
        return _sliced(bind(call.op, (_flat(call.values[0]), *call.values[1:]), **call.params), call.size)
    x, weight, *bias = call.every()
    if not call.mapped[1]:
        made = _sliced(bind(CONV2D, (_flat(x), call.values[1]), **call.params), call.size)
    else:
        made = _apart(bind(CONV2D, (_beside(x), _flat(weight)), **_grouped(call)), call.size)
    return made + bias[0] if bias else made


def convolution_to_input(call: Call) -> Any:
    """The gradient of the images."""
    if not call.mapped[1]:
        return _sliced(bind(call.op, (_flat(call.values[0]), call.values[1]), **call.params), call.size)
    g, weight = call.every()
    return _apart(bind(call.op, (_beside(g), _flat(weight)), **_grouped(call)), call.size)


def convolution_to_weight(call: Call) -> Any:
    """The gradient of the weight, one for each slice."""
    x, g = call.every()
    return _sliced(bind(call.op, (_beside(x), _beside(g)), **_grouped(call)), call.size)


def averaged(call: Call) -> Any:
    """The mean of every window, whose divisor is the same for all slices."""
    return _sliced(bind(call.op, (_flat(call.values[0]), call.values[1]), **call.params), call.size)
