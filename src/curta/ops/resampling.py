"""Sums of elements with given weights: what interpolation along an axis is, after its elements are read."""

from __future__ import annotations

from typing import Any

from curta.ops.composition import derived
from curta.ops.rows import cast, total, wide


def _weighted_body(x: Any, weights: Any, *, dim: int) -> Any:
    return cast(total(wide(x) * wide(weights), (dim,)), x.layout.dtype)


#: inputs: x, and weights that broadcast to it; the sum over `dim`, which stays with size 1
WEIGHTED_SUM = derived("weighted_sum", _weighted_body)
