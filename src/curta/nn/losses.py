"""The losses of `curta.nn.functional`."""

from __future__ import annotations

from ctypes import c_double, c_float
from functools import lru_cache
from typing import Any

from curta import host
from curta.autograd.state import STATE
from curta.batching.values import through
from curta.device import META
from curta.dtypes import float32, float64
from curta.errors import ArgumentError, DTypeError, IndexRangeError, ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions.operands import of_one_rank, raised
from curta.functions.operands import tensor as check
from curta.memory.layout import Layout, contiguous
from curta.ops.creation import ones_of
from curta.ops.dispatch import bind
from curta.ops.loss import (
    ABSOLUTE_ERROR,
    CLASS_WEIGHT,
    CROSS_ENTROPY,
    LOGITS_CROSS_ENTROPY,
    MEAN_LIKELIHOOD,
    MEAN_OF_CLASSES,
    MEAN_OF_ROWS,
    NEGATIVE_LIKELIHOOD,
    SOFT_CROSS_ENTROPY,
    SQUARED_ERROR,
    WEIGHTED_CROSS_ENTROPY,
    WEIGHTED_LOGITS_CROSS_ENTROPY,
    WEIGHTED_NEGATIVE_LIKELIHOOD,
)
from curta.promotion import promote_types
from curta.tensor import Tensor


def check_reduction(name: str, reduction: str, size_average: Any, reduce: Any) -> None:
    """ArgumentError for a reduction that there is not; UnsupportedError for PyTorch's older way to say it."""
    if size_average is not None or reduce is not None:
        option = "reduce" if size_average is None else "size_average"
        raise UnsupportedError(f"{name}(): the argument '{option}' is not supported; use 'reduction'")
    if reduction not in ("none", "mean", "sum"):
        raise ArgumentError(f"{reduction} is not a valid value for reduction")


def reduced(loss: Any, reduction: str) -> Any:
    """The mean of a loss, its sum, or itself."""
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


def check_classes(name: str, target: Tensor, classes: int, ignore: int) -> Tensor:
    """`target`; IndexRangeError for one that is no class, not where there is no data to look at."""
    if STATE.graph is not None or not target.layout.numel:
        return target
    if target.batch is not None:
        return through(target, lambda all_slices: check_classes(name, all_slices, classes, ignore))
    if STATE.recorder is not None and target.layout.device is not META:
        found: Tensor = STATE.recorder.indices(
            target, 0, classes,
            lambda wrong: IndexRangeError(f"Target {wrong} is out of bounds. ({name}: {classes} classes)"), ignore,
        )  # fmt: skip
        return found
    if host.has_values(target):
        low, high = host.bounds(target)
        if low < 0 or high >= classes:
            _refuse_classes(name, target, classes, ignore)
    return target


def _refuse_classes(name: str, target: Tensor, classes: int, ignore: int) -> None:
    """IndexRangeError for the first class that there is not, if there is one."""
    values = host.array(target)
    wrong = values[((values < 0) | (values >= classes)) & (values != ignore)]
    if wrong.size:
        raise IndexRangeError(f"Target {wrong.flat[0]} is out of bounds. ({name}: {classes} classes)")


def _mean_likelihood(input: Tensor, target: Tensor, dim: int, ignore: int) -> Any:
    """`nll_loss` with its mean and its check in one kernel; NaN is rare, and may have other reasons."""
    loss = bind(MEAN_LIKELIHOOD, (input, target), dim=dim, ignore=ignore)
    if _is_nan(loss):
        _refuse_classes("nll_loss", target, input.layout.shape[dim], ignore)
    return loss


def _is_nan(loss: Tensor) -> bool:
    """Whether one number in memory is NaN."""
    value = (c_double if loss.layout.dtype is float64 else c_float).from_address(loss.pointer).value
    return value != value


@lru_cache(maxsize=1024)
def class_dim(name: str, scores: Layout, target: Layout) -> int:
    """The dimension of classes, after checking that the target has one class for each place."""
    dim = 0 if scores.rank == 1 else 1
    if not scores.rank:
        raise ShapeError(f"{name}: Expected scores of at least 1 dimension, got {scores}")
    shape = scores.shape[:dim] + scores.shape[dim + 1 :]
    if target.shape != shape:
        if scores.rank > 1 and scores.shape[:1] != target.shape[:1]:
            raise ArgumentError(
                f"Expected input batch_size ({scores.shape[0]}) to match target batch_size "
                f"({target.shape[0] if target.rank else 1})."
            )
        raise ShapeError(f"Expected target size {list(shape)}, got {list(target.shape)}")
    if target.dtype.name not in ("int64", "uint8"):
        raise DTypeError(f"{name}: expected target dtype to be int64 or uint8, but got {target.dtype.name}")
    return dim


def _weights_along(weight: Tensor, scores: Tensor, dim: int) -> Tensor:
    classes = scores.layout.shape[dim]
    if weight.layout.shape != (classes,):
        raise ShapeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight.layout.shape)}"
        )
    if weight.layout.dtype is not scores.layout.dtype:
        raise DTypeError(f"expected scalar type {scores.layout.dtype.name} but found {weight.layout.dtype.name}")
    view: Tensor = weight.reshape(*(classes if place == dim else 1 for place in range(scores.layout.rank)))
    return view


def _ones(like: Tensor) -> Tensor:
    """A 1 that broadcasts over a tensor."""
    return ones_of(contiguous((1,) * like.layout.rank, like.layout.dtype, like.layout.device))


def reduced_rows(loss: Any, target: Any, along: Any, reduction: str, dim: int, ignore: int) -> Any:
    """Rows (with the class dimension at size 1) to what the reduction asks for."""
    if reduction == "none":
        return loss.squeeze(dim)
    if reduction == "sum":
        return loss.sum()
    if along is None:
        count = (target != ignore).sum()
    else:
        count = bind(CLASS_WEIGHT, (along.detach(), target), dim=dim, ignore=ignore).sum()
    return loss.sum() / count


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Minus the log-probability that softmax over the classes (dimension 1, or 0 of a vector) gives to the target.

    `target` holds class indices (int64) or, with the shape of `input`, probabilities.

    >>> import curta
    >>> round(cross_entropy(curta.tensor([[0.0, 0.0]]), curta.tensor([1])).item(), 4)
    0.6931
    """
    check("cross_entropy", input), check("cross_entropy", target, "target")
    if weight is not None or target.layout.dtype.is_floating_point:
        input, weight = raised(input, weight)
    # sums run in float32 whatever the scores' format, so under autocast halves need no copy in float32 first
    kind = input.layout.dtype if STATE.autocast is None else promote_types(input.layout.dtype, float32)
    check_reduction("cross_entropy", reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ShapeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if not input.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"log_softmax" not implemented for {input.layout.dtype.name!r}')
    if target.layout.shape == input.layout.shape and target.layout.dtype.is_floating_point:
        return _soft(input, target, weight, reduction, label_smoothing)
    dim = class_dim("cross_entropy", input.layout, target.layout)
    classes = input.layout.shape[dim]
    # one dimension of rows is summed in the order in which operators by themselves would sum it
    at_once = weight is None and reduction == "mean" and target.layout.rank <= 1
    at_once = at_once and classes > 0 and not STATE.hooked and host.has_values(target)
    if not at_once:
        target = check_classes("cross_entropy", target, classes, ignore_index)
    rows = target.unsqueeze(dim)
    settings = {"dim": dim, "ignore": ignore_index, "smoothing": float(label_smoothing)}
    along = None
    if at_once:
        losses = bind(CROSS_ENTROPY, (input, rows), **settings)[0]
        loss = bind(MEAN_OF_CLASSES, (losses, rows), classes=classes, ignore=ignore_index)
        if _is_nan(loss):
            _refuse_classes("cross_entropy", target, classes, ignore_index)
        return loss if loss.layout.dtype is kind else loss.to(kind)
    if weight is None:
        loss = bind(CROSS_ENTROPY, (input, rows), **settings)[0]
    else:
        along = _weights_along(weight, input, dim)
        loss = bind(WEIGHTED_CROSS_ENTROPY, (input, rows, along), **settings)
    loss = reduced_rows(loss, rows, along, reduction, dim, ignore_index)
    result: Tensor = loss if loss.layout.dtype is kind else loss.to(kind)
    return result


def _soft(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float) -> Tensor:
    dim = 0 if input.layout.rank == 1 else 1
    along = _ones(input) if weight is None else _weights_along(weight, input, dim)
    loss: Any = bind(SOFT_CROSS_ENTROPY, (input, target, along), dim=dim, smoothing=float(smoothing))
    if reduction == "none":
        loss = loss.squeeze(dim)
    elif reduction == "mean":
        loss = loss.sum() / (loss.layout.numel)
    else:
        loss = loss.sum()
    result: Tensor = loss.to(input.layout.dtype)
    return result


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the entry of each row that `target` names; rows are log-probabilities."""
    check("nll_loss", input), check("nll_loss", target, "target")
    input, weight = raised(input, weight)
    check_reduction("nll_loss", reduction, size_average, reduce)
    dim = class_dim("nll_loss", input.layout, target.layout)
    # one dimension of rows is summed in the order in which the two operators below would sum it
    at_once = weight is None and reduction == "mean" and target.layout.rank <= 1
    if at_once and not STATE.hooked and host.has_values(target):
        loss = _mean_likelihood(input, target, dim, ignore_index)
        return loss if loss.layout.dtype is input.layout.dtype else loss.to(input.layout.dtype)
    target = check_classes("nll_loss", target, input.layout.shape[dim], ignore_index)
    rows = target.unsqueeze(dim)
    along = None
    if weight is None:
        loss = bind(NEGATIVE_LIKELIHOOD, (input, rows), dim=dim, ignore=ignore_index)
    else:
        along = _weights_along(weight, input, dim)
        loss = bind(WEIGHTED_NEGATIVE_LIKELIHOOD, (input, rows, along), dim=dim, ignore=ignore_index)
    if weight is None and reduction == "mean":
        loss = bind(MEAN_OF_ROWS, (loss, rows), ignore=ignore_index)
    else:
        loss = reduced_rows(loss, rows, along, reduction, dim, ignore_index)
    result: Tensor = loss if loss.layout.dtype is input.layout.dtype else loss.to(input.layout.dtype)
    return result


def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The squared difference, element by element."""
    check_reduction("mse_loss", reduction, size_average, reduce)
    if weight is not None:
        raise UnsupportedError("mse_loss(): the argument 'weight' is not supported")
    pair = of_one_rank(*raised(check("mse_loss", input), check("mse_loss", target)))
    result: Tensor = reduced(bind(SQUARED_ERROR, pair), reduction)
    return result


def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The absolute difference, element by element."""
    check_reduction("l1_loss", reduction, size_average, reduce)
    if weight is not None:
        raise UnsupportedError("l1_loss(): the argument 'weight' is not supported")
    pair = of_one_rank(*raised(check("l1_loss", input), check("l1_loss", target)))
    result: Tensor = reduced(bind(ABSOLUTE_ERROR, pair), reduction)
    return result


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Minus the log-probability of `target` (0 to 1) under sigmoid(input); that of 1 times `pos_weight`."""
    name = "binary_cross_entropy_with_logits"
    check_reduction(name, reduction, size_average, reduce)
    if check(name, input).layout.shape != check(name, target, "target").layout.shape:
        raise ArgumentError(
            f"Target size ({list(target.layout.shape)}) must be the same as input size ({list(input.layout.shape)})"
        )
    input, target, weight = raised(input, target, weight)
    if pos_weight is None:
        loss = bind(LOGITS_CROSS_ENTROPY, (input, target))
    else:
        loss = bind(WEIGHTED_LOGITS_CROSS_ENTROPY, of_one_rank(input, target, *raised(pos_weight)))
    result: Tensor = reduced(loss if weight is None else loss * weight, reduction)
    return result
