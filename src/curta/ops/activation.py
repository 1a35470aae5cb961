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
