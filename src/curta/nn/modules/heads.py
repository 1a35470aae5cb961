"""Last layers of classifiers together with their losses."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from curta import functions, host
from curta.autograd.state import STATE
from curta.errors import ArgumentError, IndexRangeError, ShapeError
from curta.nn import functional as F
from curta.nn.head import LinearCrossEntropyOptions
from curta.nn.losses import check_reduction
from curta.nn.modules.container import ModuleList, Sequential
from curta.nn.modules.linear import Linear
from curta.nn.modules.module import Module
from curta.tensor import Tensor


class LinearCrossEntropyLoss(Module):
    """A projection onto classes and its cross-entropy, `linear_cross_entropy`, without ever holding all scores.

    With `out_features` there are scores for each place of such a shape, and a target for each.

    >>> import curta
    >>> loss = LinearCrossEntropyLoss(3, 4)
    >>> loss(curta.zeros(2, 3), curta.tensor([0, 3]))
    tensor(1.3863, grad_fn=<DivBackward0>)
    """

    weight: Tensor | None

    def __init__(
        self, in_features: int, num_classes: int, *, out_features: tuple[int, ...] = (), bias: bool = False,
        device: Any = None, dtype: Any = None, reduction: str = "mean", weight: Tensor | None = None,
        ignore_index: int | None = None, label_smoothing: float = 0.0, options: LinearCrossEntropyOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if weight is not None and weight.layout.shape != (num_classes,):
            raise ShapeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.layout.shape)}")
        if not 0 <= label_smoothing <= 1.0:
            raise ShapeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        check_reduction("LinearCrossEntropyLoss", reduction, None, None)
        self.register_buffer("weight", weight)
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        self.reduction, self.ignore_index = reduction, ignore_index
        self.label_smoothing, self.options = label_smoothing, options
        self.linear = Linear(in_features, num_classes * prod(out_features), bias, device, dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input, self.linear.weight.reshape(*shape, self.linear.in_features), target,
            linear_bias=None if bias is None else bias.reshape(shape), weight=self.weight, reduction=self.reduction,
            ignore_index=self.ignore_index, label_smoothing=self.label_smoothing, options=self.options,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, out_features={self.out_features}, "
            f"bias={self.linear.bias is not None}, reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )


class Adapted(NamedTuple):
    """The log-probability of each target, and minus their mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax over many classes, the rarer of which stand in clusters of smaller features (Grave et al. 2017).

    Classes below `cutoffs[0]` and one for each cluster are the `head`; cluster i has the classes from `cutoffs[i]` to
    `cutoffs[i + 1]` and `div_value` times fewer features than the one before. Takes [N, C] and targets [N] (or [C] and
    one). Eagerly, only rows whose target lies in a cluster go through it; in programs and plans all do.

    >>> import curta
    >>> layer = AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10])
    >>> output, loss = layer(curta.ones(3, 8), curta.tensor([0, 5, 19]))
    >>> tuple(output.shape), tuple(layer.log_prob(curta.ones(3, 8)).shape)
    ((3,), (3, 20))
    """

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0, head_bias: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        limits = list(cutoffs)
        if not limits:
            raise ArgumentError("cutoffs should be a sequence of length larger than 0")
        rising = limits == sorted(set(limits)) and limits[0] > 0 and limits[-1] <= n_classes - 1
        if not rising or any(int(limit) != limit for limit in limits):
            raise ArgumentError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                f"value is between 1 and n_classes-1, got {limits} for {n_classes} classes"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*limits, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = limits[0]
        self.n_clusters = len(limits)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for place, (first, last) in enumerate(self._clusters()):
            width = int(in_features // div_value ** (place + 1))
            parts = [
                Linear(one, other, False, device, dtype) for one, other in ((in_features, width), (width, last - first))
            ]
            self.tail.append(Sequential(*parts))

    def _clusters(self) -> list[tuple[int, int]]:
        return list(zip(self.cutoffs, self.cutoffs[1:], strict=False))

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> Adapted:
        x, classes = self._batched(input, target)
        head = F.log_softmax(self.head(x), 1)
        self._check(classes)
        # the head's own classes, then for each cluster its share of the head and the class within
        places = classes.clamp(max=self.shortlist_size - 1)
        output: Any = head.gather(1, places.unsqueeze(1)).squeeze(1)
        for place, (first, last) in enumerate(self._clusters()):
            inside = (classes >= first).logical_and(classes < last)
            share = head[:, self.shortlist_size + place]
            if STATE.recorder is None and host.has_values(classes):
                rows = inside.nonzero().squeeze(1)
                if not rows.layout.numel:
                    continue
                within = self._within(place, x.index_select(0, rows), classes.index_select(0, rows) - first)
                found = functions.index_copy(output, 0, rows, within + share.index_select(0, rows))
                output = found
            else:
                within = self._within(place, x, (classes - first).clamp(0, last - first - 1))
                output = functions.where(inside, within + share, output)
        loss = -output.mean()
        return Adapted(output if target.layout.rank else output.squeeze(0), loss)

    def _within(self, place: int, x: Any, classes: Any) -> Any:
        scores = F.log_softmax(self.tail[place](x), 1)
        return scores.gather(1, classes.unsqueeze(1)).squeeze(1)

    def _batched(self, input: Tensor, target: Tensor) -> tuple[Any, Any]:
        rank = target.layout.rank
        if rank > 1:
            raise ShapeError(f"0D or 1D target tensor expected, multi-target not supported, got {target.layout}")
        if input.layout.rank != rank + 1:
            raise ShapeError(
                f"{rank}D target tensor expects {rank + 1}D input tensor, got input with size "
                f"{list(input.layout.shape)}"
            )
        if rank and input.layout.shape[0] != target.layout.shape[0]:
            raise ShapeError(
                f"Input and target should have the same size in the batch dimension, got {input.layout.shape[0]} and "
                f"{target.layout.shape[0]}"
            )
        return (input, target) if rank else (input.unsqueeze(0), target.unsqueeze(0))

    def _check(self, classes: Any) -> None:
        if STATE.recorder is None and classes.layout.numel and host.has_values(classes):
            low, high = host.bounds(classes)
            if low < 0 or high >= self.n_classes:
                raise IndexRangeError(
                    f"Target values should be in [0, {self.n_classes - 1}], but values in range [{low}, {high}] were "
                    "found."
                )

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: [N, n_classes]."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for place, cluster in enumerate(self.tail):
            share = head[:, self.shortlist_size + place].unsqueeze(1)
            parts.append(F.log_softmax(cluster(input), 1) + share)
        return functions.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row."""
        result: Tensor = self.log_prob(input).argmax(1)
        return result
