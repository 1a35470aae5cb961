"""The last projection of a classifier together with its loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curta.autograd.state import STATE
from curta.device import META
from curta.dtypes import DType, bfloat16, compute_dtype, float16, float32, float64
from curta.errors import ArgumentError, ArgumentTypeError, ShapeError, UnsupportedDTypeError
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.memory.layout import contiguous
from curta.nn.losses import check_classes, check_reduction, class_dim, cross_entropy, reduced_rows
from curta.ops.creation import ones_of
from curta.ops.dispatch import bind
from curta.ops.linear_cross_entropy import (
    BIASED_LINEAR_CROSS_ENTROPY,
    BIASED_LINEAR_CROSS_ENTROPY_BOTH,
    LINEAR_CROSS_ENTROPY,
    LINEAR_CROSS_ENTROPY_BOTH,
)  # fmt: skip
from curta.promotion import promote_types
from curta.tensor import Tensor

_NAME = "linear_cross_entropy"
# by the number of operands, which include a bias or do not
_LOSS = {3: LINEAR_CROSS_ENTROPY, 4: BIASED_LINEAR_CROSS_ENTROPY}
_BOTH = {3: LINEAR_CROSS_ENTROPY_BOTH, 4: BIASED_LINEAR_CROSS_ENTROPY_BOTH}


@dataclass(frozen=True, slots=True)
class LinearCrossEntropyOptions:
    """How PyTorch cuts the rows of `linear_cross_entropy`, and in which format it adds up.

    Curta looks at them and does as always. ArgumentError for values that PyTorch does not know.

    >>> LinearCrossEntropyOptions(batch_chunk_size=64).acc_policy
    'auto'
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: DType | None = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ArgumentError(f"invalid acc_policy: {self.acc_policy!r}")
        name, mark, factor = (self.chunking_method or "aspect_ratio").partition(":")
        known = name == "aspect_ratio" and (not mark or (factor.isdigit() and int(factor) > 0))
        if self.chunking_method != "auto" and not known:
            raise ArgumentError(f"invalid chunking_method: {self.chunking_method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ArgumentError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype not in (None, float16, bfloat16, float32, float64):
            raise ArgumentError(f"acc_dtype must be None or a floating-point dtype, got {self.acc_dtype!r}")


def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None,
    weight: Tensor | None = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0, options: Any = None,
) -> Tensor:  # fmt: skip
    """`cross_entropy` of `linear(input, linear_weight, linear_bias)`, without ever holding all of these scores.

    `input` is [N, C] or [C], `linear_weight` [V, C], `target` class indices (int64) [N] or one. Scores are made for
    some hundred rows at a time; where gradients are wanted they are made at once, for a loss whose own gradient is 1,
    and made again in the backward pass if it is another. Numbers are those of the two functions, which are called
    where `linear_weight` is [V, ..., C], `target` holds probabilities, or classes have a `weight`. `options` change
    nothing: rows are dealt out by their size, and sums run in float32, whatever they say.

    >>> import curta
    >>> x, weight = curta.zeros(2, 3, requires_grad=True), curta.ones(4, 3)
    >>> loss = linear_cross_entropy(x, weight, curta.tensor([0, 3]))
    >>> loss.backward()
    >>> round(loss.item(), 4), x.grad.abs().max().item()
    (1.3863, 0.0)
    """
    check(_NAME, input), check(_NAME, linear_weight, "linear_weight"), check(_NAME, target, "target")
    if options is not None and not isinstance(options, LinearCrossEntropyOptions):
        raise ArgumentTypeError(
            f"{_NAME}(): argument 'options' must be LinearCrossEntropyOptions, not {type(options).__name__}"
        )
    check_reduction(_NAME, reduction, None, None)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ShapeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    ignore = -100 if ignore_index is None else ignore_index
    kind = _checked(input, linear_weight, linear_bias)
    if linear_weight.layout.rank > 2 or weight is not None or _holds_probabilities(input, linear_weight, target):
        scores = _scores(input, linear_weight, linear_bias)
        if ignore_index is not None and target.layout.shape == scores.layout.shape:
            raise ShapeError("ignore_index cannot be specified when target contains probabilities")
        return cross_entropy(scores, target, weight, None, ignore, None, reduction, label_smoothing)
    if STATE.autocast is not None:
        input, linear_weight, linear_bias = lowered(input, linear_weight, linear_bias)
    classes = linear_weight.layout.shape[0]
    one_row = contiguous((*input.layout.shape[:-1], classes), input.layout.dtype, input.layout.device)
    class_dim(_NAME, one_row, target.layout)
    x = input if input.layout.rank == 2 else input.unsqueeze(0)
    rows = check_classes(_NAME, target, classes, ignore).reshape(x.layout.shape[0], 1)
    given: tuple[Tensor, ...] = (x, linear_weight, rows)
    given += () if linear_bias is None else (linear_bias,)
    settings = {"ignore": ignore, "smoothing": float(label_smoothing)}
    if reduction != "none" and _at_once(given):
        expected = _expected(rows, reduction, ignore, compute_dtype(x.layout.dtype))
        wanted = (True,) * (len(given) - 1)
        loss = bind(_BOTH[len(given)], (expected, *given), wanted=wanted, **settings)[0]
    else:
        loss = bind(_LOSS[len(given)], given, **settings)
    result: Tensor = reduced_rows(loss, rows, None, reduction, 1, ignore).to(kind)
    return result.reshape(target.layout.shape) if reduction == "none" else result


def _checked(x: Tensor, weight: Tensor, bias: Tensor | None) -> DType:
    """The format of the loss."""
    if not 1 <= x.layout.rank <= 2:
        raise ShapeError(f"expected input with dimensionality 1 or 2, got {x.layout.rank}")
    if weight.layout.rank < 2:
        raise ShapeError(f"expected linear_weight with dimensionality at least 2, got {weight.layout.rank}")
    *outward, C = weight.layout.shape
    if x.layout.shape[-1] != C:
        raise ShapeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {x.layout.shape[-1]} and {C}, respectively"
        )
    if bias is not None and check(_NAME, bias, "linear_bias").layout.shape != tuple(outward):
        raise ShapeError(f"expected linear_bias shape {tuple(outward)}, got {tuple(bias.layout.shape)}")
    if weight.layout.rank > 2 and x.layout.rank == 1:
        raise ShapeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.layout.shape)} requires batched input, "
            f"(N, {C}), got unbatched input with shape {tuple(x.layout.shape)}"
        )
    if not x.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"log_softmax" not implemented for {x.layout.dtype.name!r}')
    return x.layout.dtype if STATE.autocast is None else promote_types(x.layout.dtype, float32)


def _holds_probabilities(x: Tensor, weight: Tensor, target: Tensor) -> bool:
    return target.layout.shape == (*x.layout.shape[:-1], *weight.layout.shape[:-1])


def _scores(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """[N, V, ...] for a weight [V, ..., C]."""
    from curta.nn.functional import linear

    outward = weight.layout.shape[:-1]
    made = linear(x, weight.flatten(0, -2), None if bias is None else bias.flatten())
    return made.unflatten(-1, outward) if len(outward) > 1 else made


def _at_once(given: tuple[Tensor, ...]) -> bool:
    """Whether to make all the gradients together with the losses: a program sees for itself what follows."""
    recorder = STATE.recorder
    if not STATE.grad_enabled or STATE.graph is not None or (recorder is not None and not recorder.eager):
        return False
    computed = recorder is not None or given[0].layout.device is not META
    return computed and all(one.requires_grad for one in (*given[:2], *given[3:]))


def _expected(rows: Tensor, reduction: str, ignore: int, dtype: DType) -> Tensor:
    """The gradient of each row's loss if that of the result is 1."""
    one: Any = ones_of(contiguous((), dtype))
    if reduction == "mean":
        one = one / (rows != ignore).sum()
    result: Tensor = one.expand(rows.layout.shape)
    return result
