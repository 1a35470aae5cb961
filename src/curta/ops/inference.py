"""What element-wise operators and reductions share: the layouts of their results and what they cost.

The convention of costs: an addition, multiplication, division, negation, rounding and the like is 1 FLOP an element;
exp, log, sin, sqrt's relatives in the mathematical library and pow count as transcendental calls and not as FLOPs;
comparisons, selections, bit operations, copies and conversions are 0, and so is working out where an element lies or
drawing random bits. A reduction of n elements to one is n - 1 FLOPs (0 for comparing ones: max, all, argmax). Bytes
read are the distinct elements of each input, so that a dimension of stride 0 counts once; bytes written are the
output's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from curta import dtypes
from curta.default_dtype import get_default_dtype
from curta.device import CPU, Device
from curta.dtypes import DType
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.record import Cost, Operand
from curta.promotion import result_type
from curta.shapes import broadcast_shapes, broadcast_strides, elementwise_strides

Infer = Callable[..., Layout]


def number_dtype(kind: type) -> DType:
    """The format in which a Python number of this type takes part in promotion."""
    if kind is bool:
        return dtypes.bool_
    return dtypes.int64 if kind is int else get_default_dtype()


def promoted(operands: tuple[Operand, ...]) -> DType:
    """The common format of tensors and Python numbers."""
    return result_type(*((o.dtype, o.rank) if isinstance(o, Layout) else (number_dtype(o), None) for o in operands))


def device_of(layouts: list[Layout]) -> Device:
    """The device of the result: that of the tensors with dimensions, else of any that is not the processor."""
    for layout in layouts:
        if layout.rank:
            return layout.device
    return next((layout.device for layout in layouts if layout.device is not CPU), CPU)


def broadcast(operands: tuple[Operand, ...], dtype: DType) -> Layout:
    """The layout of an element-wise result: the operands' broadcast shape, in the order their strides suggest."""
    layouts = [operand for operand in operands if isinstance(operand, Layout)]
    device = device_of(layouts)
    shape = broadcast_shapes(*(layout.shape for layout in layouts))
    if all(layout.is_contiguous and layout.shape == shape for layout in layouts):
        return contiguous(shape, dtype, device)
    over = [broadcast_strides(layout.shape, layout.strides, shape) for layout in layouts]
    return strided(shape, elementwise_strides(shape, *over), dtype, device)


def infer_promoted(*operands: Operand, **params: Any) -> Layout:
    """The common format of all operands."""
    return broadcast(operands, promoted(operands))


def infer_float(*operands: Operand, **params: Any) -> Layout:
    """The common format, or the default floating-point format where that is an integer or boolean one."""
    dtype = promoted(operands)
    return broadcast(operands, dtype if dtype.is_floating_point else get_default_dtype())


def infer_bool(*operands: Operand, **params: Any) -> Layout:
    """Truth values."""
    return broadcast(operands, dtypes.bool_)


def infer_first(*operands: Operand, **params: Any) -> Layout:
    """The format of the first operand."""
    first = operands[0]
    return broadcast(operands, first.dtype if isinstance(first, Layout) else number_dtype(first))


def bytes_read(operands: Iterable[Operand]) -> int:
    """The distinct bytes of every input."""
    return sum(_places_taken(one) * one.dtype.itemsize for one in operands if isinstance(one, Layout))


def _places_taken(layout: Layout) -> int:
    """How many different places in memory the elements lie at."""
    if layout.is_contiguous or not layout.numel:
        return layout.numel
    sizes = zip(layout.shape, layout.strides, strict=True)
    moving = sorted((step, size) for size, step in sizes if step and size > 1)
    reach, count = 0, 1
    for step, size in moving:
        if step <= reach:  # elements may share a place: a bit for each one that is taken
            return _bits(moving).bit_count()
        reach += step * (size - 1)
        count *= size
    return count


def _bits(moving: list[tuple[int, int]]) -> int:
    """A 1 at every place that these (steps, sizes) lead to."""
    taken = 1
    for step, size in moving:
        done = 1
        while done < size:
            more = min(done, size - done)
            taken |= taken << step * more
            done += more
    return taken


def each(flops: int, transcendentals: int = 0) -> Callable[..., Cost]:
    """The cost of so much work for each element of the result."""

    def cost(inputs: tuple[Operand, ...], outputs: tuple[Layout, ...], **params: Any) -> Cost:
        count = outputs[0].numel
        written = sum(layout.nbytes for layout in outputs)
        return Cost(flops * count, transcendentals * count, bytes_read(inputs), written)

    return cost


def reducing(flops: int) -> Callable[..., Cost]:
    """The cost of a reduction: `flops` for every element that is merged into another."""

    def cost(inputs: tuple[Operand, ...], outputs: tuple[Layout, ...], **params: Any) -> Cost:
        taken = inputs[0]
        count = taken.numel if isinstance(taken, Layout) else 1
        return Cost(flops * max(0, count - outputs[0].numel), 0, bytes_read(inputs), outputs[0].nbytes)

    return cost
