"""Attention kernels for any level of processor, run on NumPy arrays without Curta's own runtime; and their oracle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from matmul_harness import VECTOR_BYTES, Array, launch

from curta import dtypes
from curta.compiler.attention import Sizes, plan_backward, plan_forward, query_parts
from curta.compiler.matmul import MatmulPlan
from curta.memory.layout import Layout, strided


def layout_of(array: Array) -> Layout:
    strides = tuple(step // array.itemsize for step in array.strides)
    return strided(array.shape, strides, dtypes.from_numpy(array.dtype))


def sizes_of(query: Array, key: Array, value: Array) -> Sizes:
    batch = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    return Sizes(batch, query.shape[-2], key.shape[-2], query.shape[-1], value.shape[-1])


def plan_for(arrays: list[Array], level: str, settings: dict[str, Any]) -> MatmulPlan:
    """Of the operands of a forward (5, or 6 with a mask) or backward (9 or 10) kernel."""
    backward = len(arrays) > 6
    sizes = sizes_of(*arrays[1:4]) if backward else sizes_of(*arrays[:3])
    plan = plan_backward if backward else plan_forward
    layouts = [layout_of(array) for array in arrays]
    return plan(sizes, layouts, **settings, level=level, vector_bytes=VECTOR_BYTES[level])


def run(arrays: list[Array], level: str, cuts: list[int] | None = None, **settings: Any) -> MatmulPlan:
    """Run a kernel over its operands, the results last; parts of the queries' gradients are added up."""
    given, parts = list(arrays), query_parts(sizes_of(*arrays[1:4])) if len(arrays) > 6 else 1
    if parts > 1:
        wide = np.float64 if arrays[0].dtype == np.float64 else np.float32
        several = np.full((parts, *arrays[-3].shape), np.nan, wide)
        given[-3] = several[0]
    plan = plan_for(given, level, settings)
    launch(plan, given, level, cuts)
    if parts > 1:
        arrays[-3][...] = several.sum(0).astype(arrays[-3].dtype)
    return plan


def oracle(
    query: Array,
    key: Array,
    value: Array,
    *,
    scale: float,
    causal: bool,
    mask: Array | None = None,
    window: int = 0,
) -> tuple[Array, Array, Array]:
    """The weights, the result and the logarithms of the sums of exponentials, in float64 over all the scores."""
    query, key, value = (each.astype(np.float64) for each in (query, key, value))
    scores = query @ np.swapaxes(key, -1, -2) * scale
    if causal:
        seen = np.tri(*scores.shape[-2:], dtype=bool)
        if window:
            seen &= ~np.tri(*scores.shape[-2:], -window, dtype=bool)
        scores = np.where(seen, scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask.astype(np.float64)
    highest = scores.max(-1, keepdims=True, initial=-np.inf)
    highest[~np.isfinite(highest)] = 0.0
    weights = np.exp(scores - highest)
    total = weights.sum(-1, keepdims=True)
    seen = np.where(total == 0, 1.0, total)
    log_sum = np.where(total == 0, 0.0, highest + np.log(seen))[..., 0]
    return weights / seen, weights / seen @ value, log_sum


def gradients(
    g: Array,
    query: Array,
    key: Array,
    value: Array,
    *,
    scale: float,
    causal: bool,
    mask: Array | None = None,
    window: int = 0,
) -> tuple[Array, ...]:
    """The gradients of query, key and value by the chain rule over all the scores, in float64."""
    weights, _, _ = oracle(query, key, value, scale=scale, causal=causal, mask=mask, window=window)
    g, query, key, value = (each.astype(np.float64) for each in (g, query, key, value))
    to_weights = g @ np.swapaxes(value, -1, -2)
    to_scores = weights * (to_weights - (weights * to_weights).sum(-1, keepdims=True)) * scale
    return to_scores @ key, np.swapaxes(to_scores, -1, -2) @ query, np.swapaxes(weights, -1, -2) @ g
