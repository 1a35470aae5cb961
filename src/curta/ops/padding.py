"""Padding with what a tensor holds, and the way back: every rim added to what it was copied from."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from curta.compiler import transposing
from curta.compiler.expression import Expression
from curta.compiler.fuse import Kernel
from curta.compiler.loops import Slot, Stage
from curta.compiler.padding import Sides, plan_padding
from curta.dtypes import DType, compute_dtype
from curta.memory.layout import Layout, Shape, contiguous, strided
from curta.ops.dispatch import bind
from curta.ops.inference import bytes_read, each
from curta.ops.launches import Launches, Place
from curta.ops.record import Cost, Generated, Gradient, Op
from curta.ops.rows import total

if TYPE_CHECKING:
    from curta.autograd.node import Node
    from curta.tensor import Tensor


def _grown(layout: Layout, sides: Sides, mode: str) -> Layout:
    shape = tuple(size + sum(side) for size, side in zip(layout.shape, sides, strict=True))
    return contiguous(shape, layout.dtype, layout.device)


def _shrunk(layout: Layout, sides: Sides, mode: str) -> Layout:
    shape = tuple(size - sum(side) for size, side in zip(layout.shape, sides, strict=True))
    return contiguous(shape, layout.dtype, layout.device)


class _Box:
    """A box in a padded tensor: its sizes, its strides, and how many elements further it begins."""

    def __init__(self, shape: Shape, strides: Shape, start: int) -> None:
        self.shape, self.strides, self.start = shape, strides, start

    def part(self, dim: int, first: int, count: int, step: int = 1) -> _Box:
        """`count` elements along a dimension from `first` on, `step` apart."""
        shape = (*self.shape[:dim], count, *self.shape[dim + 1 :])
        strides = (*self.strides[:dim], step * self.strides[dim], *self.strides[dim + 1 :])
        return _Box(shape, strides, self.start + first * self.strides[dim])

    def layout(self, dtype: DType) -> Layout:
        return strided(self.shape, self.strides, dtype)


def _inside(box: _Box, sides: Sides, dims: range) -> _Box:
    """Without what was added along these dimensions."""
    for dim in dims:
        before, behind = sides[dim]
        box = box.part(dim, before, box.shape[dim] - before - behind)
    return box


def _rims(box: _Box, sides: Sides, mode: str, dim: int) -> list[tuple[_Box, _Box]]:
    """Both rims along a dimension, and what they are copies of: for "replicate" one element, else as many."""
    before, behind = sides[dim]
    end = box.shape[dim] - behind
    size = end - before
    found = []
    for first, count in ((0, before), (end, behind)):
        if not count:
            continue
        if mode == "replicate":
            pair = box.part(dim, first, count), box.part(dim, before if first == 0 else end - 1, 1)
        elif mode == "circular":
            pair = box.part(dim, first, count), box.part(dim, size if first == 0 else before, count)
        else:
            mirrored = before + 1 if first == 0 else end - 1 - count
            pair = box.part(dim, first + count - 1, count, step=-1), box.part(dim, mirrored, count)
        found.append(pair)
    return found


def _add(launches: Launches, boxes: list[tuple[_Box, DType, Place]], element: Expression) -> None:
    """Append the launch that writes an element to the last of these boxes, from those before."""
    *given, (made, _, _) = boxes
    kernel = Kernel(
        made.shape,
        (),
        slots=[*(Slot(dtype, "input") for _, dtype, _ in given), Slot(boxes[-1][1], "output")],
        layouts=[box.layout(dtype) for box, dtype, _ in boxes],
        sources=[*(("input", number) for number in range(len(given))), ("output", 0)],
        stages=[Stage((), ((len(given), element),))],
    )
    places = [(*place, box.start * dtype.itemsize) for box, dtype, place in boxes]
    for step in transposing.build_steps(kernel)[0]:
        launches.add(step, places[:-1], places[-1:])


def _input(dtype: DType, slot: int) -> Expression:
    return Expression("input", compute_dtype(dtype), (), slot)


def _plan_padding(inputs: Any, outputs: Any, sides: Sides, mode: str) -> Any:
    return plan_padding(inputs[0], outputs[0], sides, mode)


def _plan_folding(inputs: Any, outputs: Any, sides: Sides, mode: str) -> Any:
    """A copy of the gradient in which every rim is added to what it was copied from, the first dimension's first."""
    (g,), (out,) = inputs, outputs
    dtype, launches = compute_dtype(g.dtype), Launches()
    layout = contiguous(g.shape, dtype)
    held = launches.temporary(layout)
    whole = _Box(g.shape, layout.strides, 0)
    _add(launches, [(_Box(g.shape, g.strides, 0), g.dtype, ("input", 0)), (whole, dtype, held)], _input(g.dtype, 0))
    for dim in range(g.rank):
        for rim, target in _rims(_inside(whole, sides, range(dim)), sides, mode, dim):
            if mode == "replicate":
                parts = [(box.layout(dtype), (*held, box.start * dtype.itemsize)) for box in (target, rim)]
                launches.compute(_with_rim, parts, parts[:1], {"dim": dim})
            else:
                added = _input(dtype, 0) + _input(dtype, 1)
                _add(launches, [(target, dtype, held), (rim, dtype, held), (target, dtype, held)], added)
    inside = _inside(whole, sides, range(g.rank))
    result = _Box(out.shape, out.strides, 0)
    _add(launches, [(inside, dtype, held), (result, out.dtype, ("output", 0))], _input(dtype, 0).to(out.dtype))
    return launches.done()


def _with_rim(target: Any, rim: Any, *, dim: int) -> Any:
    return target + total(rim, (dim,))


def _padding_rule(node: Node, gradient: Tensor) -> Tensor:
    folded: Tensor = bind(OWN_PADDING_BACKWARD, (gradient,), **node.params)
    return folded


def _folding_rule(node: Node, gradient: Tensor) -> Tensor:
    padded: Tensor = bind(OWN_PADDING, (gradient,), **node.params)
    return padded


def _folding_cost(inputs: Any, outputs: Any, sides: Sides, mode: str) -> Cost:
    """Every element of a rim is added once."""
    return Cost(prod(inputs[0].shape) - prod(outputs[0].shape), 0, bytes_read(inputs), outputs[0].nbytes)


#: `sides` of a tensor filled with its own elements, `mode` "reflect", "replicate" or "circular"; no side is negative
OWN_PADDING = Op("own_padding", _grown, Generated(_plan_padding), Gradient(_padding_rule), each(0))
OWN_PADDING_BACKWARD = Op(
    "own_padding_backward", _shrunk, Generated(_plan_folding), Gradient(_folding_rule), _folding_cost
)
