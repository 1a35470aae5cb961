"""Losses of `curta.nn.functional` that are worked out element by element."""

from __future__ import annotations

import math
from typing import Any

from curta import functions, host
from curta.autograd.state import STATE
from curta.errors import ArgumentError, ShapeError
from curta.functions.operands import of_one_rank, raised, refuse
from curta.functions.operands import tensor as check
from curta.nn.losses import check_reduction, l1_loss, reduced
from curta.ops import loss as ops
from curta.ops.dispatch import bind
from curta.tensor import Tensor


def _pair(name: str, input: Any, target: Any) -> Any:
    return of_one_rank(*raised(check(name, input), check(name, target, "target")))


def _as_floats(given: Any) -> Any:
    """Operands in float32 where all are integers: a loss is a floating-point number."""
    return given if any(one.layout.dtype.is_floating_point for one in given) else tuple(one.float() for one in given)


def _looked_at(x: Tensor) -> bool:
    """Whether there are numbers to look at now: not where a program is recorded or planned, nor on the meta device."""
    return STATE.recorder is None and STATE.graph is None and x.layout.numel > 0 and host.has_values(x)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """Half the squared difference over `beta` where that is smaller than `beta`, else the difference less beta / 2."""
    check_reduction("smooth_l1_loss", reduction, size_average, reduce)
    if beta < 0:
        raise ShapeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    loss = bind(ops.SMOOTH_ERROR, _pair("smooth_l1_loss", input, target), beta=float(beta))
    result: Tensor = reduced(loss, reduction)
    return result


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """`delta` times `smooth_l1_loss` with this beta."""
    check_reduction("huber_loss", reduction, None, None)
    refuse("huber_loss", weight=weight)
    if delta <= 0:
        raise ShapeError("huber_loss does not support non-positive values for delta.")
    result: Tensor = reduced(bind(ops.HUBER_ERROR, _pair("huber_loss", input, target), delta=float(delta)), reduction)
    return result


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-probability of `target` (0 to 1) under probabilities; logarithms are no less than -100.

    Probabilities outside [0, 1] are refused, in compiled programs they are not looked at.

    >>> import curta
    >>> round(binary_cross_entropy(curta.tensor([0.5]), curta.tensor([1.0])).item(), 4)
    0.6931
    """
    name = "binary_cross_entropy"
    check_reduction(name, reduction, size_average, reduce)
    x, y = raised(check(name, input), check(name, target, "target"))
    if x.layout.shape != y.layout.shape:
        raise ArgumentError(
            f"Using a target size ({y.shape}) that is different to the input size ({x.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    if _looked_at(x) and not bool(((host.array(x) >= 0) & (host.array(x) <= 1)).all()):
        raise ShapeError("all elements of input should be between 0 and 1")
    loss = bind(ops.BINARY_CROSS_ENTROPY, (x, y))
    result: Tensor = reduced(loss if weight is None else loss * weight, reduction)
    return result


def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target * (log(target) - input), where `input` is logarithms and, with `log_target`, `target` too.

    The divergence itself is the reduction "batchmean": the sum over the size of the first dimension.
    """
    plain = "sum" if reduction == "batchmean" else reduction
    check_reduction("kl_div", plain, size_average, reduce)
    loss = bind(ops.DIVERGENCE, _pair("kl_div", input, target), log_target=bool(log_target))
    result: Tensor = reduced(loss, plain)
    return result / input.layout.shape[0] if reduction == "batchmean" and input.layout.rank else result


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """exp(input) - target * input, or input - target * log(input + eps); with `full` plus Stirling's log(target!)."""
    check_reduction("poisson_nll_loss", reduction, size_average, reduce)
    options = {"log_input": bool(log_input), "full": bool(full), "eps": float(eps)}
    pair = _as_floats(_pair("poisson_nll_loss", input, target))
    result: Tensor = reduced(bind(ops.POISSON, pair, **options), reduction)
    return result


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """(log(var) + (input - target)² / var) / 2, with `full` plus log(2 pi) / 2.

    `var`, at least `eps`, is a number or has the shape of `input`, that without its last dimension, or 1 there.
    Negative ones are refused, in compiled programs they are not looked at.
    """
    name = "gaussian_nll_loss"
    x, y = _pair(name, input, target)
    given: Any = var if isinstance(var, Tensor) else functions.full_like(x.detach(), float(var))
    if _looked_at(given) and bool((host.array(given) < 0).any()):
        raise ArgumentError("var has negative entry/entries")
    if given.layout.shape != x.layout.shape:
        if given.layout.shape == x.layout.shape[:-1]:
            given = given.unsqueeze(-1)
        elif given.layout.shape != (*x.layout.shape[:-1], 1):
            raise ArgumentError("var is of incorrect size")
    check_reduction(name, reduction, None, None)
    # the least variance changes no slope, as in PyTorch
    known = given.detach()
    spread = given + (known.clamp(min=eps) - known)
    constant = 0.5 * math.log(2 * math.pi) if full else 0.0
    result: Tensor = reduced(bind(ops.GAUSSIAN, (x, y, spread), constant=constant), reduction)
    return result


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """`input` where `target` is 1, max(0, margin - input) where it is -1."""
    check_reduction("hinge_embedding_loss", reduction, size_average, reduce)
    loss = bind(ops.HINGE, _pair("hinge_embedding_loss", input, target), margin=float(margin))
    result: Tensor = reduced(loss, reduction)
    return result


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """log(1 + exp(-target * input)) for targets 1 and -1."""
    check_reduction("soft_margin_loss", reduction, size_average, reduce)
    result: Tensor = reduced(bind(ops.SOFT_MARGIN, _pair("soft_margin_loss", input, target)), reduction)
    return result


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, -target * (input1 - input2) + margin): target 1 where the first should be larger, else -1."""
    name = "margin_ranking_loss"
    check_reduction(name, reduction, size_average, reduce)
    given = raised(check(name, input1), check(name, input2), check(name, target))
    if len({one.layout.rank for one in given}) > 1:
        raise ShapeError(
            f"{name} : All input tensors should have same dimension but got sizes: input1: {input1.shape}, input2: "
            f"{input2.shape}, target: {target.shape} "
        )
    if any(one.layout.dtype.is_floating_point for one in given):
        loss = bind(ops.RANKING, given, margin=float(margin))
    else:
        x, y, sign = given
        loss = (sign * (y - x) + float(margin)).clamp(min=0)
    result: Tensor = reduced(loss, reduction)
    return result
