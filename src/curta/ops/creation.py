"""Operators that make tensors from nothing but a shape and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.compiler.expression import FLAT_INDEX, Expression, constant
from curta.compiler.fuse import Kernel
from curta.compiler.loops import Slot, Stage
from curta.compiler.schedule import Step, build_steps
from curta.device import CPU, Device
from curta.dtypes import DType, compute_dtype, float64, int64
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.dispatch import bind
from curta.ops.inference import each
from curta.ops.record import NO_GRADIENT, Generated, Op, Pointwise
from curta.promotion import number_for

if TYPE_CHECKING:
    from curta.tensor import Tensor


def _infer_new(*numbers: Any, shape: tuple[int, ...], dtype: DType, device: Device = CPU) -> Layout:
    return contiguous(shape, dtype, device)


FULL = Op("full", _infer_new, Pointwise(lambda value, **params: value, "result"), NO_GRADIENT, each(0))


def _steps(start: Expression, step: Expression, *, dtype: DType, **params: Any) -> Expression:
    """start + i * step, in double precision for floating-point formats."""
    kind = float64 if dtype.is_floating_point else int64
    return start.to(kind) + FLAT_INDEX.to(kind) * step.to(kind)


ARANGE = Op("arange", _infer_new, Pointwise(_steps, "exact", indexed=True), NO_GRADIENT, each(2))


def _between(
    start: Expression, end: Expression, step: Expression, count: Expression, *, dtype: DType, **params: Any
) -> Expression:
    """From both ends to the middle, as PyTorch does, so that the last value is exactly `end`.

    Places are exact in double precision, which is faster to convert to.
    """
    kind = float64 if dtype is float64 else compute_dtype(dtype)
    kind = kind if kind.is_floating_point else float64
    place = FLAT_INDEX
    first, last, step = start.to(kind), end.to(kind), step.to(kind)
    ahead = (place + place).lt(count - 1)
    away = ahead.select(place, count - 1 - place).to(float64).to(kind)
    return ahead.select(first, last) + away * ahead.select(step, -step)


LINSPACE = Op("linspace", _infer_new, Pointwise(_between, "exact", indexed=True), NO_GRADIENT, each(2))


def _plan_eye(inputs: Any, outputs: Any, **params: Any) -> list[Step]:
    """Zeros, and then the number along the diagonal."""
    out: Layout = outputs[0]
    kind = compute_dtype(out.dtype)
    carrier = float64 if kind.is_floating_point else int64
    diagonal = strided((min(out.shape),), (out.shape[1] + 1,), out.dtype)
    zeros = Kernel(
        out.shape, (), slots=[Slot(out.dtype, "output")], layouts=[out], sources=[("output", 0)],
        stages=[Stage((), ((0, constant(0, kind)),))],
    )  # fmt: skip
    ones = Kernel(
        diagonal.shape, (), slots=[Slot(carrier, "scalar"), Slot(out.dtype, "output")], layouts=[None, diagonal],
        sources=[("input", 0), ("output", 0)], stages=[Stage((), ((1, Expression("scalar", kind, (), 0)),))],
    )  # fmt: skip
    return [step for kernel in (zeros, ones) for step in build_steps(kernel)[0]]


EYE = Op("eye", _infer_new, Generated(_plan_eye), NO_GRADIENT, each(0))


def full_of(layout: Layout, value: bool | int | float) -> Tensor:
    """A row-major tensor of this shape, format and device, filled with `value`."""
    dtype = layout.dtype
    made: Tensor = bind(FULL, (number_for(value, dtype),), shape=layout.shape, dtype=dtype, device=layout.device)
    return made


def zeros_of(layout: Layout) -> Tensor:
    """A row-major tensor of zeros of this shape, format and device."""
    return full_of(layout, 0)


def ones_of(layout: Layout) -> Tensor:
    """A row-major tensor of ones of this shape, format and device."""
    return full_of(layout, 1)
