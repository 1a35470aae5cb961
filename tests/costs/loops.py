"""Products, convolutions, attention, cross-entropy of a projection, scattering: as loops over numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from tests.costs.tally import Tally

from curta.dtypes import bool_
from curta.memory.layout import Layout

Loop = Callable[[Tally, Any], None]


def _places(*shape: int) -> Any:
    return product(*map(range, shape))


def _reads_all(tally: Tally, call: Any) -> None:
    tally.read |= {position for position, one in enumerate(call.operands) if isinstance(one, Layout)}


# products: the ending is counted by the caller


def matrices(tally: Tally, first: Layout, second: Layout, batch: tuple[int, ...]) -> None:
    """[..., M, K] times [..., K, N]."""
    M, K, N = *first.shape[-2:], second.shape[-1]
    for _ in _places(*batch, M, N):
        for _ in range(K):
            tally.multiply_add()


def convolution(tally: Tally, image: tuple[int, ...], weight: tuple[int, ...], out: tuple[int, ...]) -> None:
    """Each filter with each window, the zeros around an image included: either gradient multiplies the same pairs."""
    images, channels = image[:2]
    filters, of_group, height, width = weight
    groups = channels // of_group
    for _, group, _, _, _ in _places(images, groups, filters // groups, *out[2:]):
        assert group < groups
        for _ in _places(of_group, height, width):
            tally.multiply_add()


def forward_convolution(tally: Tally, call: Any) -> None:
    x, weight = call.operands[:2]
    convolution(tally, x.shape, weight.shape, call.outputs[0].shape)


def convolution_to_image(tally: Tally, call: Any) -> None:
    g, weight = call.operands
    convolution(tally, call.outputs[0].shape, weight.shape, g.shape)


def convolution_to_weight(tally: Tally, call: Any) -> None:
    x, g = call.operands
    convolution(tally, x.shape, call.outputs[0].shape, g.shape)
    _reads_all(tally, call)


# attention


class Attention:
    """The sizes of an attention, and what each query sees."""

    def __init__(self, call: Any, first: int) -> None:
        self.query, self.key, self.value = call.operands[first : first + 3]
        more = call.operands[first + (3 if first == 0 else 5) :]
        masks = [one for one in more if isinstance(one, Layout)]
        self.is_biased = bool(masks) and masks[0].dtype is not bool_
        self.is_dropped = call.params["p"] > 0
        self.causal, self.window = call.params["causal"], call.params["window"]
        self.width, self.value_width = self.query.shape[-1], self.value.shape[-1]
        self.batch = call.outputs[0].shape[:-2]

    def seen_by(self, query: int) -> list[int]:
        """The keys that a query may see; a mask of truth values is in the data, so it leaves out none."""
        keys = range(self.key.shape[-2])
        if not self.causal:
            return list(keys)
        return [key for key in keys if key <= query and (not self.window or query - key < self.window)]

    def score(self, tally: Tally, again: bool = False) -> None:
        """The product of a query and a key, scaled, with what a mask adds."""
        for _ in range(self.width):
            tally.multiply_add(again)
        tally.flops += 1 + self.is_biased


def attention(tally: Tally, call: Any) -> None:
    """A softmax of the scores, times the values; and the logarithm of the sum of exponentials."""
    one = Attention(call, 0)
    for *_, query in _places(*one.batch, one.query.shape[-2]):
        seen = one.seen_by(query)
        for number, _ in enumerate(seen):
            one.score(tally)
            tally.flops += 1  # less the largest
            tally.transcendentals += 1
            tally.flops += number > 0  # the sum
            tally.flops += one.is_dropped
            for _ in range(one.value_width):
                tally.multiply_add()
        if seen:
            tally.flops += one.value_width  # divided by the sum
            tally.transcendentals += 1
            tally.flops += 1  # the largest again
    _reads_all(tally, call)


def attention_backward(tally: Tally, call: Any) -> None:
    """The scores again; from the result's gradient that of each weight, of each score, and of what they are made of."""
    one = Attention(call, 1)
    for *_, query in _places(*one.batch, one.query.shape[-2]):
        seen = one.seen_by(query)
        if seen:
            tally.flops += 2 * one.value_width  # the result times its gradient
        for _ in seen:
            one.score(tally, again=True)
            tally.flops += 1  # less the logarithm of the sum
            tally.transcendentals += 1
            for _ in range(one.value_width):
                tally.multiply_add()  # the weight's gradient
            for _ in range(one.value_width):
                tally.multiply_add()  # the value's
            tally.flops += 2 * one.is_dropped  # of the weight, and of its gradient
            tally.flops += 3  # less the product, times the weight, scaled
            for _ in range(one.width):
                tally.multiply_add()  # the query's
            for _ in range(one.width):
                tally.multiply_add()  # the key's
    _reads_all(tally, call)


# cross-entropy of a projection


def _losses(tally: Tally, operands: tuple[Layout, ...], smoothing: float, again: bool) -> None:
    """Of each row the logarithm of its scores' sum of exponentials, less the score of the target."""
    x, weight, _, *bias = operands
    classes, width = weight.shape
    for _ in range(x.shape[0]):
        for number in range(classes):
            for _ in range(width):
                tally.multiply_add(again)
            tally.flops += len(bias)
            tally.flops += 1  # less the largest
            tally.transcendentals += 1
            tally.flops += number > 0  # the sum of exponentials
            tally.flops += number > 0  # the sum of what is the target's and nothing else
            tally.flops += number > 0 and smoothing > 0  # the sum of all scores
        tally.transcendentals += 1  # the logarithm
        tally.flops += 1  # and the largest again
        tally.flops += 2 + 2 * (smoothing > 0)  # less the target's share, and less all the scores'


def linear_cross_entropy(tally: Tally, call: Any) -> None:
    _losses(tally, call.operands, call.params["smoothing"], again=False)
    _reads_all(tally, call)


def linear_cross_entropy_backward(tally: Tally, call: Any, again: bool = True) -> None:
    """The losses again; the gradient of each score, and what it adds to those that are wanted."""
    _, x, weight, *_ = call.operands
    rows, classes, width = x.shape[0], *weight.shape
    to_x, to_weight, *to_bias = call.params["wanted"]
    _losses(tally, call.operands[1:], call.params["smoothing"], again)
    for row in range(rows):
        tally.flops += 1  # the target's share of the row's gradient
        for _ in range(classes):
            tally.transcendentals += 1
            tally.flops += 4  # less the logarithm, less the smoothing, times the gradient, less the target's share
            for _ in range(width):
                for _ in range(to_x + to_weight):
                    tally.multiply_add()
            tally.flops += row > 0 and any(to_bias)
    _reads_all(tally, call)


def linear_cross_entropy_both(tally: Tally, call: Any) -> None:
    linear_cross_entropy_backward(tally, call, again=False)


# scattering


def scatter(tally: Tally, call: Any) -> None:
    """Rows put, or added, where they belong."""
    for _ in _places(*call.operands[0].shape):
        tally.flops += call.params["accumulate"]
    _reads_all(tally, call)


def scatter_into(tally: Tally, call: Any) -> None:
    """What is added to is read first."""
    scatter(tally, call)
    if call.params["accumulate"]:
        tally.read_back = call.operands[0].numel * call.operands[0].dtype.itemsize


def scatter_reduce(tally: Tally, call: Any) -> None:
    """Each source joins its row once."""
    for _ in _places(*call.operands[0].shape):
        tally.flops += 1
    _reads_all(tally, call)


def counts(tally: Tally, call: Any) -> None:
    """Each number adds one."""
    for _ in _places(*call.operands[0].shape):
        tally.flops += 1
    _reads_all(tally, call)


def longest_run(tally: Tally, call: Any) -> None:
    """Each element that has one before it is the last of a run that is one longer."""
    for place in _places(*call.operands[0].shape):
        tally.flops += place[call.params["dim"]] > 0
    _reads_all(tally, call)


def padding(tally: Tally, call: Any) -> None:
    """Copies."""
    _reads_all(tally, call)


def folding(tally: Tally, call: Any) -> None:
    """What lies in a rim is added to what it was copied from; corners are in rims twice, and move on."""
    sizes = [list(call.operands[0].shape), call.params["sides"]]
    for dim, (before, behind) in enumerate(sizes[1]):
        for _ in _places(*sizes[0][:dim], before + behind, *sizes[0][dim + 1 :]):
            tally.flops += 1
        sizes[0][dim] -= before + behind
    _reads_all(tally, call)


# along a dimension


def running(flops: int, transcendentals: int = 0) -> Loop:
    """Each element is merged into what there is of those before; the first has none."""

    def count(tally: Tally, call: Any) -> None:
        for place in _places(*call.operands[0].shape):
            if place[call.params["dim"]]:
                tally.flops += flops
                tally.transcendentals += transcendentals
        _reads_all(tally, call)

    return count


#: by the operator's name
GENERATED: dict[str, Loop] = {
    "attention": attention,
    "attention_backward": attention_backward,
    "conv2d_backward_weight": convolution_to_weight,
    "counts": counts,
    "cummax": running(0),
    "cummin": running(0),
    "cumprod": running(1),
    "cumsum": running(1),
    "linear_cross_entropy": linear_cross_entropy,
    "linear_cross_entropy_backward": linear_cross_entropy_backward,
    "linear_cross_entropy_both": linear_cross_entropy_both,
    "logcumsumexp": running(2, 2),
    "longest_run": longest_run,
    "recurrence": running(2),
    "scatter_rows": scatter,
    "scatter_into": scatter_into,
    "eye": _reads_all,
    "own_padding": padding,
    "own_padding_backward": folding,
    "scatter_lines": scatter,
    "scatter_lines_into": scatter_into,
    "row_totals": scatter_reduce,
    "scatter_reduce": scatter_reduce,
    "segment_extreme": scatter_reduce,
    "sort": _reads_all,
    "smallest": _reads_all,
    "shuffle": _reads_all,
    "flip": _reads_all,
    "ranked": _reads_all,
}

CONVOLUTIONS: dict[str, Loop] = {
    "conv2d": forward_convolution,
    "conv2d_backward_input": convolution_to_image,
    "conv_transpose2d": convolution_to_image,
}
