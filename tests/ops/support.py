"""Inputs in every layout, and distances in units in the last place."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

import curta

DTYPES = {
    name: getattr(curta, name) for name in
    ("float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")
}  # fmt: skip
LAYOUTS = ("contiguous", "transposed", "step", "broadcast", "empty", "scalar")


def numpy_dtype(name: str) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def array(shape: tuple[int, ...], domain: tuple[float, float], dtype: str, seed: int) -> Any:
    """Random numbers of a format within a range; whole ones for integers (never negative for unsigned ones)."""
    generator = np.random.default_rng(seed)
    low, high = domain
    if dtype == "bool":
        return generator.random(shape) < 0.5
    if numpy_dtype(dtype).kind in "iu":
        low = max(low, 0) if dtype == "uint8" else low
        return generator.integers(int(np.ceil(low)), int(high) + 1, shape).astype(dtype)
    return generator.uniform(low, high, shape).astype(numpy_dtype(dtype))


def operand(layout: str, place: int, domain: tuple[float, float], dtype: str) -> tuple[Any, Any]:
    """One input as (NumPy array, Curta tensor) of the same numbers in the same layout."""
    seed = 10 * place + 1
    if layout == "transposed":
        base = array((5, 7), domain, dtype, seed)
        return base.T, curta.from_numpy(base).T
    if layout == "step":
        base = array((7, 10), domain, dtype, seed)
        return base[:, ::2], curta.from_numpy(base)[:, ::2]
    shapes = {"contiguous": (7, 5), "broadcast": ((7, 1), (5,), (1, 5))[place % 3], "empty": (0, 5), "scalar": ()}
    base = np.asarray(array(shapes[layout], domain, dtype, seed), dtype=numpy_dtype(dtype))
    return base, curta.from_numpy(base)


def exact(values: Any) -> Any:
    """What the oracle works with: float64 for floating-point formats, integers and truth values as they are."""
    return values.astype(np.float64) if values.dtype.kind not in "iub" else values


def to_numpy(tensor: Any) -> Any:
    """The tensor's numbers; bfloat16, which `Tensor.numpy` refuses, by way of float32."""
    if tensor.dtype is curta.bfloat16:
        return tensor.float().numpy().astype(ml_dtypes.bfloat16)
    return tensor.numpy()


def distance(found: Any, wanted: Any) -> float:
    """The largest distance in units in the last place of `found`'s format; equal infinities and NaN are 0 apart."""
    wanted = np.asarray(wanted)
    if found.dtype.kind in "iub":
        different = found.astype(np.int64) != wanted.astype(np.int64)
        return float("inf") if different.any() else 0.0
    limits = ml_dtypes.finfo(found.dtype)
    got, want = found.astype(np.float64), wanted.astype(np.float64)
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.maximum(np.abs(want), float(limits.smallest_normal))))
        apart = np.abs(got - want) / np.exp2(exponent - limits.nmant)
        apart = np.where((got == want) | (np.isnan(got) & np.isnan(want)), 0.0, apart)
        # beyond the largest number both may be infinite
        apart = np.where((np.abs(want) > float(limits.max)) & np.isinf(got), 0.0, apart)
    return float(apart.max(initial=0.0)) if not np.isnan(apart).any() else float("inf")
