"""Activation functions; each keeps only its input, and its gradient is one fused kernel."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from curta.methods import late
from curta.ops.composition import derived
from curta.ops.rows import cast, wide


def _gelu(x: Any) -> Any:
    v = wide(x)
    return cast(v * (((v * (1 / sqrt(2))).erf() + 1) * 0.5), x.layout.dtype)


def _gelu_tanh(x: Any) -> Any:
    v = wide(x)
    # 0.5 (1 + tanh(z)) = sigmoid(2 z)
    return cast(v * ((v * (v * v * 0.044715 + 1)) * (2 * sqrt(2 / pi))).sigmoid(), x.layout.dtype)


def _silu(x: Any) -> Any:
    v = wide(x)
    return cast(v * v.sigmoid(), x.layout.dtype)


def _leaky_relu(x: Any, *, slope: float) -> Any:
    where = late.functions.where
    return where(x > 0, x, x * slope)


GELU = derived("gelu", _gelu)
GELU_TANH = derived("gelu_tanh", _gelu_tanh)
SILU = derived("silu", _silu)
LEAKY_RELU = derived("leaky_relu", _leaky_relu)


# Those with an exponential of a positive number on the side that is not taken would have a gradient of 0 * inf there:
# what they take the exponential of is 0 on that side.


def _elu(x: Any, *, alpha: float, scale: float, rate: float) -> Any:
    where = late.functions.where
    v = wide(x)
    below = where(v > 0, 0.0, v)
    return cast(where(v > 0, v * scale, (below * rate).expm1() * (alpha * scale)), x.layout.dtype)


def _softplus(x: Any, *, beta: float, threshold: float) -> Any:
    where = late.functions.where
    v = wide(x)
    scaled = v * beta
    straight = scaled > threshold
    return cast(where(straight, v, where(straight, 0.0, scaled).exp().log1p() * (1 / beta)), x.layout.dtype)


def _mish(x: Any) -> Any:
    where = late.functions.where
    v = wide(x)
    e = where(v > 20, 0.0, v).exp()
    t = e * (e + 2)  # tanh(log(1 + e)) = t / (t + 2)
    return cast(where(v > 20, v, v * (t / (t + 2))), x.layout.dtype)


def _log_sigmoid(x: Any) -> Any:
    where = late.functions.where
    v = wide(x)
    return cast(where(v < 0, v, 0.0) - where(v < 0, v, -v).exp().log1p(), x.layout.dtype)


def _hardtanh(x: Any, *, low: float, high: float) -> Any:
    where = late.functions.where
    return where(x <= low, low, where(x >= high, high, x))


def _hardswish(x: Any) -> Any:
    where = late.functions.where
    v = wide(x)
    return cast(where(v <= -3, 0.0, where(v >= 3, v, v * (v + 3) * (1 / 6))), x.layout.dtype)


def _hardsigmoid(x: Any) -> Any:
    where = late.functions.where
    v = wide(x)
    return cast(where(v <= -3, 0.0, where(v >= 3, 1.0, v * (1 / 6) + 0.5)), x.layout.dtype)


def _softsign(x: Any) -> Any:
    v = wide(x)
    return cast(v / (v.abs() + 1), x.layout.dtype)


def _tanhshrink(x: Any) -> Any:
    v = wide(x)
    return cast(v - v.tanh(), x.layout.dtype)


def _softshrink(x: Any, *, distance: float) -> Any:
    where = late.functions.where
    v = wide(x)
    return cast(where(v > distance, v - distance, where(v < -distance, v + distance, v * 0.0)), x.layout.dtype)


def _hardshrink(x: Any, *, distance: float) -> Any:
    where = late.functions.where
    return where((x >= -distance).logical_and(x <= distance), 0.0, x)


def _threshold(x: Any, *, threshold: float, value: float) -> Any:
    return late.functions.where(x <= threshold, value, x)


def _prelu(x: Any, slope: Any) -> Any:
    return late.functions.where(x > 0, x, x * slope)


def _glu(x: Any, gate: Any) -> Any:
    return cast(wide(x) * wide(gate).sigmoid(), x.layout.dtype)


#: scale * x above 0, scale * alpha * (exp(rate * x) - 1) below
ELU = derived("elu", _elu)
SOFTPLUS = derived("softplus", _softplus)
MISH = derived("mish", _mish)
LOG_SIGMOID = derived("log_sigmoid", _log_sigmoid)
HARDTANH = derived("hardtanh", _hardtanh)
HARDSWISH = derived("hardswish", _hardswish)
HARDSIGMOID = derived("hardsigmoid", _hardsigmoid)
SOFTSIGN = derived("softsign", _softsign)
TANHSHRINK = derived("tanhshrink", _tanhshrink)
SOFTSHRINK = derived("softshrink", _softshrink)
HARDSHRINK = derived("hardshrink", _hardshrink)
THRESHOLD = derived("threshold", _threshold)
#: the slopes below 0 broadcast
PRELU = derived("prelu", _prelu)
GLU = derived("glu", _glu)
