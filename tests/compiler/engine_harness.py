"""What the engine's tests share: tensors over NumPy arrays, small operators of their own, and strided arrays."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from curta import dtypes
from curta.compiler.expression import Expression
from curta.dtypes import DType
from curta.memory.layout import Layout, contiguous, strided
from curta.memory.storage import BorrowedStorage
from curta.ops.dispatch import bind
from curta.ops.inference import broadcast, device_of, infer_promoted
from curta.ops.record import NO_GRADIENT, Composition, Cost, Op, Pointwise, Reduce
from curta.tensor import Tensor

Array = Any


def tensor(array: Array) -> Tensor:
    """A tensor that looks into a NumPy array: its memory, shape and strides."""
    dtype = dtypes.from_numpy(array.dtype)
    steps = tuple(step // array.itemsize for step in array.strides)
    return Tensor._make(BorrowedStorage(array.nbytes, array.ctypes.data, array), strided(array.shape, steps, dtype), 0)


def array(value: Tensor) -> Array:
    """A tensor's elements as a NumPy array of their own."""
    layout = value.layout
    itemsize = layout.dtype.itemsize
    if not layout.numel:
        return np.zeros(layout.shape, layout.dtype.numpy)
    reach = 1 + sum((size - 1) * step for size, step in zip(layout.shape, layout.strides, strict=True))
    memory = (ctypes.c_char * (reach * itemsize)).from_address(value.pointer)
    flat = np.frombuffer(memory, dtype=layout.dtype.numpy)
    steps = tuple(step * itemsize for step in layout.strides)
    return np.lib.stride_tricks.as_strided(flat, layout.shape, steps).copy()


def run(op: Op, *inputs: Any, **params: Any) -> Any:
    """`bind` from arrays (and numbers) to arrays."""
    result = bind(op, tuple(tensor(x) if isinstance(x, np.ndarray) else x for x in inputs), **params)
    return tuple(array(one) for one in result) if isinstance(result, tuple) else array(result)


def no_cost(*operands: Any, **params: Any) -> Cost:
    return Cost(0, 0, 0, 0)


def pointwise(element: Callable[..., Any], dtype: DType | None = None, operands: Any = "promoted", **more: Any) -> Op:
    """An element-wise operator whose result has `dtype`, or the operands' common one."""
    infer = infer_promoted if dtype is None else lambda *given, **params: broadcast(given, dtype)
    return Op("test", infer, Pointwise(element, operands, **more), NO_GRADIENT, no_cost)


def filled(element: Callable[..., Expression], dtype: DType = dtypes.int64) -> Op:
    """An operator whose elements depend on their indices; the result is shaped as its one operand."""
    infer = lambda x: contiguous(x.shape, dtype, device_of([x]))  # noqa: E731
    return Op("filled", infer, Pointwise(element, "raw", indexed=True), NO_GRADIENT, no_cost)


def reduction(name: str, dtype: DType | None = None) -> Op:
    """A reduction by its record's name."""

    def infer(x: Layout, dims: tuple[int, ...], keepdim: bool) -> Layout:
        if keepdim:
            shape = tuple(1 if dim in dims else size for dim, size in enumerate(x.shape))
        else:
            shape = tuple(size for dim, size in enumerate(x.shape) if dim not in dims)
        return contiguous(shape, dtype or x.dtype, x.device)

    return Op(name, infer, Reduce(name), NO_GRADIENT, no_cost)


def composition(body: Callable[..., Any]) -> Op:
    return Op("composed", infer_promoted, Composition(body), NO_GRADIENT, no_cost)


def variants(values: Array) -> list[Array]:
    """The same elements in several layouts: row-major, column-major, every second, axes swapped, inside a larger."""
    if values.ndim == 0:
        return [np.array(values)]
    wide = np.zeros(tuple(2 * size + 1 for size in values.shape), values.dtype)
    stepped = wide[tuple(slice(1, 1 + 2 * size, 2) for size in values.shape)]
    stepped[...] = values
    padded = np.zeros(tuple(size + 3 for size in values.shape), values.dtype)
    inside = padded[tuple(slice(2, 2 + size) for size in values.shape)]
    inside[...] = values
    found = [np.ascontiguousarray(values), np.array(values, order="F"), stepped, inside]
    if values.ndim > 1:
        found.append(np.ascontiguousarray(np.swapaxes(values, 0, -1)).swapaxes(0, -1))
    return found


def numbers(dtype: DType, shape: tuple[int, ...], seed: int = 0) -> Array:
    """Numbers of any format: small enough that a sum or product of some is exact in float64 or wraps as integers do."""
    rng = np.random.default_rng(seed)
    if dtype is dtypes.bool_:
        return rng.random(shape) < 0.5
    if dtype.is_floating_point:
        return rng.standard_normal(shape).astype(dtype.numpy)
    limits = np.iinfo(dtype.numpy)
    return rng.integers(limits.min, limits.max, shape, dtype.numpy, endpoint=True)


def tolerance(dtype: DType, count: int) -> float:
    """An error bound for sums of `count` numbers of about 1 in `dtype`."""
    unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}[dtype.name]
    work = 2.0**-24 if dtype.itemsize <= 4 else 2.0**-53
    return 4 * unit * max(1.0, math.sqrt(count)) + count * work
