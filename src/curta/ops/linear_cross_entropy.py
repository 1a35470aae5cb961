"""Cross-entropy of a projection's scores, which are made and used some rows at a time: all of them never exist.

The numbers are those of the projection, `CROSS_ENTROPY` and their gradients one after the other, to the bit (but for
the bias's gradient): each block of rows goes through the same kernels, and the blocks of the weight's gradient are
those in which a product sums anyway.
"""

from __future__ import annotations

from typing import Any

from curta.autograd.state import RECOMPUTATION, STATE, phase
from curta.compiler.matmul.spec import most_of_k
from curta.compiler.matmul.tiles import even_blocks
from curta.compiler.schedule import Step
from curta.dtypes import DType, compute_dtype
from curta.errors import AutogradError
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.composition import STORED
from curta.ops.dispatch import bind
from curta.ops.elementwise import COPY
from curta.ops.inference import bytes_read
from curta.ops.launches import Launches
from curta.ops.loss import CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD
from curta.ops.matmul import LINEAR, PROJECTION, turned
from curta.ops.product import product_step, sum_step
from curta.ops.record import NO_GRADIENT, Cost, Generated, Gradient, Op
from curta.ops.rows import cast, total, wide
from curta.runtime import cpu

#: scores made at once where rows are short: packing a weight for few rows at a time costs much
SCORES_AT_ONCE = 1 << 22

# operands: x[N, C], weight[V, C], target[N, 1] (class indices), and a bias[V] where there is one


def block_rows(rows: int, classes: int, dtype: DType) -> int:
    """How many of `rows` rows of scores in a format are done at a time.

    Whole blocks of those in which the weight's gradient sums over rows, so that its sums are those of one product;
    except in tiles (bfloat16 at the level amx), whose sums go on from one such block to the next.

    >>> from curta.dtypes import float32
    >>> [block_rows(rows, classes, float32) for rows, classes in ((2048, 50257), (2048, 8192), (300, 50257))]
    [256, 512, 160]
    """
    most = most_of_k(dtype, cpu.level())
    block = even_blocks(rows, most)
    wanted = min(SCORES_AT_ONCE // max(1, block * classes), -(-rows // block))
    # a product over several blocks cuts itself into the same ones
    together = next((n for n in range(wanted, 1, -1) if even_blocks(n * block, most) == block), 1)
    return block * together


def _scores(x: Layout, weight: Layout) -> Layout:
    return contiguous((x.shape[0], weight.shape[0]), x.dtype, x.device)


def _projected(x: Layout, weight: Layout, bias: tuple[Layout, ...]) -> tuple[Op, tuple[Layout, ...]]:
    """The operator that makes the scores, and its operands."""
    return (LINEAR if bias else PROJECTION), (x, weight, *bias)


def _infer(x: Layout, weight: Layout, target: Layout, *bias: Layout, **params: Any) -> Layout:
    op, operands = _projected(x, weight, bias)
    loss = CROSS_ENTROPY.infer(op.infer(*operands), target, dim=1, **params)
    return loss[0] if isinstance(loss, tuple) else loss


def _infer_backward(
    g: Layout, x: Layout, weight: Layout, target: Layout, *bias: Layout, wanted: tuple[bool, ...], **params: Any
) -> tuple[Layout, ...]:
    loss = _infer(x, weight, target, *bias, **params)
    made = (contiguous(one.shape, one.dtype, one.device) for one in (x, weight, *bias))
    return (loss, *(one for one, needed in zip(made, wanted, strict=True) if needed))


# the launches

Launched = tuple[list[Step], list[Layout]]


def _rows(layout: Layout, count: int) -> Layout:
    return strided((count, *layout.shape[1:]), layout.strides, layout.dtype, layout.device)


def _losses(scores: Any, target: Any, **params: Any) -> Any:
    loss: Any = bind(CROSS_ENTROPY, (scores, target), dim=1, **params)[0]
    return loss


def _losses_and_slopes(scores: Any, target: Any, g: Any, **params: Any) -> tuple[Any, Any]:
    """The loss of each row, and the gradient of its scores as the two operators by themselves make it."""
    loss, log_sum_exp = bind(CROSS_ENTROPY, (scores, target), dim=1, **params)
    stored = bind(STORED, (log_sum_exp,), dtype=log_sum_exp.layout.dtype)
    return loss, bind(CROSS_ENTROPY_BACKWARD, (g, scores, target, stored), dim=1, **params)


class _Blocks:
    """The launches of either operator, block by block; `x` and what follows it are the inputs from number `first`."""

    def __init__(self, inputs: tuple[Layout, ...], first: int, params: dict[str, Any], size: int) -> None:
        self.x, self.weight, self.target, *bias = inputs[first:]
        self.bias = tuple(bias)
        self.first, self.params = first, params
        self.launches = Launches()
        self.rows, self.size = self.x.shape[0], size
        whole = _scores(_rows(self.x, min(self.size, self.rows)), self.weight)
        self.scores = self.launches.temporary(whole)

    def source(self, kind: str, number: int, layout: Layout, row: int) -> tuple[Any, ...]:
        """A block of rows of an operand that begins at row `row`."""
        return kind, number, row * layout.strides[0] * layout.dtype.itemsize

    def make_scores(self, row: int, count: int) -> Layout:
        """The scores of some rows, in the temporary."""
        x = _rows(self.x, count)
        op, operands = _projected(x, self.weight, self.bias)
        made = _scores(x, self.weight)
        lower: Any = op.lower
        step = product_step(op.name, lower, operands, (made,), {}, frozenset((0,)))
        given = [self.source("input", self.first, x, row), ("input", self.first + 1), ("input", self.first + 3)]
        self.launches.add(step, given, [self.scores])
        return made


def _plan(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], **params: Any) -> Launched:
    blocks = _Blocks(inputs, 0, params, block_rows(inputs[0].shape[0], inputs[1].shape[0], inputs[0].dtype))
    for row in range(0, blocks.rows, blocks.size):
        count = min(blocks.size, blocks.rows - row)
        scores = blocks.make_scores(row, count)
        target, loss = _rows(blocks.target, count), _rows(outputs[0], count)
        given = [(scores, blocks.scores), (target, blocks.source("input", 2, target, row))]
        blocks.launches.compute(_losses, given, [(loss, blocks.source("output", 0, loss, row))], params)
    return blocks.launches.done()


def _plan_backward(
    inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], wanted: tuple[bool, ...], **params: Any
) -> Launched:
    blocks = _Backward(inputs, outputs, wanted, params)
    for row in range(0, max(1, blocks.rows), blocks.size):  # one block even where there are no rows: zeros
        blocks.add(row, min(blocks.size, blocks.rows - row))
    return blocks.finish()


def _rows_with_gradients(x: Layout, weight: Layout, weight_wanted: bool) -> int:
    """How many rows are done at a time where gradients are made as well.

    All where that takes less: several blocks of a half format add up in a float32 copy of the weight's gradient.
    """
    rows, size, dtype = x.shape[0], block_rows(x.shape[0], weight.shape[0], x.dtype), compute_dtype(weight.dtype)
    if not weight_wanted or dtype is weight.dtype:
        return size
    spared = (rows - size) * weight.shape[0] * x.dtype.itemsize
    return size if weight.numel * dtype.itemsize < spared else max(size, rows)


class _Backward(_Blocks):
    """The launches of the gradients."""

    def __init__(
        self, inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], wanted: tuple[bool, ...], params: dict[str, Any]
    ) -> None:
        super().__init__(inputs, 1, params, _rows_with_gradients(inputs[1], inputs[2], wanted[1]))
        self.g = inputs[0]
        self.loss, *made = outputs
        numbers = iter(range(1, len(outputs)))
        #: the number of each gradient among the outputs
        self.to_x, self.to_weight, *rest = (next(numbers) if needed else None for needed in wanted)
        self.to_bias = rest[0] if rest else None
        self.made = dict(enumerate(made, 1))
        self.sums: Layout | None = None
        if self.to_weight is not None:
            self.sums = self.made[self.to_weight]
            self.sums_at: tuple[Any, ...] = ("output", self.to_weight)
            dtype = compute_dtype(self.weight.dtype)
            if self.rows > self.size and dtype is not self.weight.dtype:
                self.sums = contiguous(self.sums.shape, dtype)
                self.sums_at = self.launches.temporary(self.sums)
        if self.to_bias is not None:
            count = max(1, -(-self.rows // self.size))
            classes = self.weight.shape[0]
            self.parts = contiguous((count, classes), compute_dtype(self.weight.dtype))
            self.parts_at = self.launches.temporary(self.parts)

    def add(self, row: int, count: int) -> None:
        """One block of rows: its losses, and what it adds to the gradients."""
        scores = self.make_scores(row, count)
        target, g, loss = (_rows(one, count) for one in (self.target, self.g, self.loss))
        given = [
            (scores, self.scores), (target, self.source("input", 3, target, row)), (g, self.source("input", 0, g, row))
        ]  # fmt: skip
        made = [(loss, self.source("output", 0, loss, row)), (scores, self.scores)]
        slopes = self.launches.compute(_losses_and_slopes, given, made, self.params, over=(0, 1))
        if self.to_x is not None:
            dx = _rows(self.made[self.to_x], count)
            step = sum_step(scores, self.weight, dx)
            self.launches.add(step, [slopes, ("input", 2)], [self.source("output", self.to_x, dx, row)])
        if self.sums is not None:
            x = _rows(self.x, count)
            step = sum_step(turned(scores), x, self.sums, add=row > 0)
            self.launches.add(step, [slopes, self.source("input", 1, x, row)], [self.sums_at])
        if self.to_bias is not None:
            part = _rows(self.parts, 1)
            at = (*self.parts_at, row // self.size * self.parts.strides[0] * self.parts.dtype.itemsize)
            self.launches.compute(lambda slopes: total(wide(slopes), (0,)), [(scores, slopes)], [(part, at)], {})

    def finish(self) -> Launched:
        """The gradients that are not complete yet."""
        if self.sums is not None and self.to_weight is not None and self.sums_at[0] != "output":
            made = self.made[self.to_weight]
            self.launches.compute(
                lambda sums: cast(sums, made.dtype),
                [(self.sums, self.sums_at)],
                [(made, ("output", self.to_weight))],
                {},
            )
        if self.to_bias is not None:
            made = self.made[self.to_bias]
            row = contiguous((1, *made.shape), made.dtype, made.device)
            self.launches.compute(
                lambda parts: total(parts, (0,)), [(self.parts, self.parts_at)], [(row, ("output", self.to_bias))], {}
            )
        return self.launches.done()


# costs


def _cost(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], **params: Any) -> Cost:
    """Of the projection and of the loss."""
    x, weight, target, *bias = inputs
    op, operands = _projected(x, weight, tuple(bias))
    scores = _scores(x, weight)
    parts = (
        op.cost(operands, (scores,)),
        CROSS_ENTROPY.cost((scores, target), (outputs[0], outputs[0]), dim=1, **params),
    )
    return _together(parts, inputs, outputs)


def _cost_backward(
    inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], wanted: tuple[bool, ...], **params: Any
) -> Cost:
    """Of the forward pass, and of the gradients that are wanted: a product each of x's and the weight's.

    The forward pass is done `again`: whoever does it here alone, in place of the operator of that, counts it as the
    model's.
    """
    g, x, weight, target, *bias = inputs
    scores, row = _scores(x, weight), outputs[0]
    slopes = CROSS_ENTROPY_BACKWARD.cost((g, scores, target, row), (scores,), dim=1, **params)
    flops = 2 * scores.numel * x.shape[1] * sum(wanted[:2])
    products = Cost(flops, 0, 0, 0, flops)
    sums = Cost(max(0, scores.numel - weight.shape[0]) * sum(wanted[2:]), 0, 0, 0)
    forward = _cost((x, weight, target, *bias), outputs[:1], **params)
    again = forward._replace(model_flops=0, again_flops=forward.model_flops)
    return _together((again, slopes, products, sums), inputs, outputs)


def _cost_both(inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], **params: Any) -> Cost:
    """As of the backward pass; but the scores are made here only."""
    cost = _cost_backward(inputs, outputs, **params)
    return cost._replace(model_flops=cost.model_flops + cost.again_flops, again_flops=0)


def _cost_ahead(
    inputs: tuple[Layout, ...], outputs: tuple[Layout, ...], wanted: tuple[bool, ...], **params: Any
) -> Cost:
    """What `_cost_both` has beside the forward pass."""
    both, forward = _cost_both(inputs, outputs, wanted=wanted, **params), _cost(inputs[1:], outputs[:1], **params)
    return Cost(*(all_of - first for all_of, first in zip(both, forward, strict=True)))


def _together(parts: tuple[Cost, ...], inputs: tuple[Layout, ...], outputs: tuple[Layout, ...]) -> Cost:
    return Cost(
        sum(part.flops for part in parts),
        sum(part.transcendentals for part in parts),
        bytes_read(inputs),
        sum(layout.nbytes for layout in outputs),
        sum(part.model_flops for part in parts),
        sum(part.again_flops for part in parts),
    )


# gradients


def _rule(node: Any, g: Any) -> tuple[Any, ...]:
    """Makes the scores again: they are worth less than the memory."""
    return _gradients(node, g, tuple(range(len(node.input_layouts))))


def _gradients(node: Any, g: Any, places: tuple[int, ...]) -> tuple[Any, ...]:
    """The gradients of the inputs at `places`: x, weight, target, and a bias."""
    x, weight, target, *bias = map(node.input, places)
    needs = [node.needs[place] for place in places]
    params = {name: value for name, value in node.params.items() if name != "wanted"}
    if STATE.grad_enabled:
        found = iter(_again(g, (x, weight, target, *bias), needs, params))
    else:
        wanted = (*needs[:2], *needs[3:])
        found = iter(bind(LINEAR_CROSS_ENTROPY_BACKWARD, (g, x, weight, target, *bias), wanted=wanted, **params)[1:])
    return tuple(next(found) if needed else None for needed in needs)


def _again(g: Any, inputs: tuple[Any, ...], needs: list[bool], params: dict[str, Any]) -> list[Any]:
    """The gradients with a history, by way of all the scores."""
    from curta.autograd.engine import run_backward

    # copies: the way back is to end here, even where one of them was made from another
    copies = [bind(COPY, (one,), contiguous_format=True) for one in inputs]
    x, weight, target, *bias = copies
    with phase(RECOMPUTATION, STATE.module):
        loss = _losses(bind(LINEAR if bias else PROJECTION, (x, weight, *bias)), target, **params)
    wanted = [copy for copy, needed in zip(copies, needs, strict=True) if needed]
    return run_backward([loss], [g], retain_graph=True, create_graph=True, inputs=wanted, into_grad=False)


def _held_rule(node: Any, g: Any, *_: Any) -> tuple[Any, ...]:
    """The gradients are there already if the losses' gradient is what was expected."""
    places = tuple(range(1, len(node.input_layouts)))
    if not STATE.grad_enabled and g.batch is None and (g == node.input(0)).all().item():
        try:
            to_x, to_weight, *to_bias = map(node.output, range(1, len(node.output_layouts)))
        except AutogradError:  # an earlier backward pass gave them away, and they were changed
            pass
        else:
            return None, to_x, to_weight, None, *to_bias
    with phase(RECOMPUTATION, STATE.module):  # they were made, and charged, in the forward pass
        return None, *_gradients(node, g, places)


def _held(inputs: int) -> Gradient:
    """The rule of the operator that makes losses and all gradients of its `inputs`."""
    gradients = tuple(range(1, inputs - 1))
    return Gradient(_held_rule, tuple(range(inputs)), gradients, gradients)


#: (x, weight, target) to the loss of each row
LINEAR_CROSS_ENTROPY = Op("linear_cross_entropy", _infer, Generated(_plan), Gradient(_rule, inputs=(0, 1, 2)), _cost)

#: with a bias behind them
BIASED_LINEAR_CROSS_ENTROPY = Op(
    "linear_cross_entropy", _infer, Generated(_plan), Gradient(_rule, inputs=(0, 1, 2, 3)), _cost
)

#: (the gradient of each row's loss, x, weight, target, and a bias) to the losses, and the gradients `wanted` of x,
#: weight and bias
LINEAR_CROSS_ENTROPY_BACKWARD = Op(
    "linear_cross_entropy_backward", _infer_backward, Generated(_plan_backward), NO_GRADIENT, _cost_backward
)

#: the same with all the gradients, in the forward pass: the first input is what the gradient is expected to be
LINEAR_CROSS_ENTROPY_BOTH = Op(
    "linear_cross_entropy_both", _infer_backward, Generated(_plan_backward), _held(4), _cost_both, _cost_ahead
)
BIASED_LINEAR_CROSS_ENTROPY_BOTH = Op(
    "linear_cross_entropy_both", _infer_backward, Generated(_plan_backward), _held(5), _cost_both, _cost_ahead
)
