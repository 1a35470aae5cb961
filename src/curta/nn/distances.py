"""Distances and similarities of vectors for `curta.nn.functional`, and the losses made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta import functions
from curta.dtypes import int64
from curta.errors import ArgumentError, DTypeError, ShapeError
from curta.functions.operands import of_one_rank, raised
from curta.functions.operands import tensor as check
from curta.nn.losses import check_classes, check_reduction, reduced
from curta.ops.dispatch import bind
from curta.ops.loss import COSINE, LOGITS_CROSS_ENTROPY
from curta.promotion import promote_types
from curta.shapes import normalize_dim
from curta.tensor import Tensor


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along `dim`, whose lengths count as `eps` where they are less.

    >>> import curta
    >>> round(cosine_similarity(curta.tensor([1.0, 0.0]), curta.tensor([1.0, 1.0]), dim=0).item(), 4)
    0.7071
    """
    name = "cosine_similarity"
    first, second = functions.broadcast_tensors(*raised(check(name, x1, "x1"), check(name, x2, "x2")))
    kind = promote_types(first.layout.dtype, second.layout.dtype)
    if not kind.is_floating_point:
        raise DTypeError(f"expected common dtype to be floating point, yet common dtype is {kind.name}")
    place = normalize_dim(dim, first.layout.rank)
    alone = not first.layout.rank
    pair = tuple((one.reshape(1) if alone else one).to(kind) for one in (first, second))
    made = bind(COSINE, pair, dim=place, eps=float(eps))
    result: Tensor = made.squeeze(place)
    return result


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The `p`-norm of x1 - x2 + eps along the last dimension."""
    name = "pairwise_distance"
    difference = check(name, x1, "x1") - check(name, x2, "x2") + eps
    return functions.norm(difference, p, -1, keepdim)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Divided by the `p`-norm along `dim`, or by `eps` where that is less.

    >>> import curta
    >>> normalize(curta.tensor([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    x = check("normalize", input)
    result: Tensor = functions.div(x, functions.norm(x, p, dim, True).clamp(min=eps), out=out)
    return result


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 - cosine where `target` is 1, max(0, cosine - margin) where it is -1; for rows [N, D] or one [D]."""
    check_reduction("cosine_embedding_loss", reduction, size_average, reduce)
    if target.layout.rank > 1:
        raise ShapeError("0D or 1D target tensor expected, multi-target not supported")
    x, y = functions.broadcast_tensors(*raised(input1, input2))
    if x.layout.rank != target.layout.rank + 1:
        raise ShapeError(
            f"cosine_embedding_loss: inputs of {x.layout.rank} dimensions do not go with a target of "
            f"{target.layout.rank}"
        )
    products = [(one * other).sum(-1) for one, other in ((x, y), (x, x), (y, y))]
    cosine = products[0] / ((products[1] + 1e-12) * (products[2] + 1e-12)).sqrt()
    zeros = functions.zeros_like(cosine.detach())
    near = functions.where(target == 1, 1 - cosine, zeros)
    far = functions.where(target == -1, (cosine - margin).clamp(min=0), zeros)
    result: Tensor = reduced(near + far, reduction)
    return result


def _apart(near: Any, far: Any, between: Callable[[], Any], margin: float, swap: bool, reduction: str) -> Tensor:
    if swap:
        far = functions.minimum(far, between())
    result: Tensor = reduced((near - far + margin).clamp(min=0), reduction)
    return result


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d the `pairwise_distance`.

    With `swap` the negative's distance is the smaller of those to the anchor and to the positive.
    """
    check_reduction("triplet_margin_loss", reduction, size_average, reduce)
    _check_margin(margin)
    ranks = [one.layout.rank for one in (anchor, positive, negative)]
    if len(set(ranks)) > 1:
        raise ShapeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D inputs"
        )
    a, b, c = raised(anchor, positive, negative)
    near, far = pairwise_distance(a, b, p, eps), pairwise_distance(a, c, p, eps)
    return _apart(near, far, lambda: pairwise_distance(b, c, p, eps), margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0, swap: bool = False,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """`triplet_margin_loss` with any function of two tensors for the distance."""
    check_reduction("triplet_margin_with_distance_loss", reduction, None, None)
    _check_margin(margin)
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    return _apart(near, far, lambda: distance(positive, negative), margin, swap, reduction)


def _check_margin(margin: float) -> None:
    if margin <= 0:
        raise ArgumentError(f"margin must be greater than 0, got {margin}")


# margins between classes


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over classes of max(0, margin - input[target] + input[class])^p for all classes but the target.

    `input` is [N, C] or [C], `target` classes [N] or one; `weight` [C] is that of the target.
    """
    name = "multi_margin_loss"
    check_reduction(name, reduction, size_average, reduce)
    if p not in (1, 2):
        raise ArgumentError("only p == 1 and p == 2 supported")
    (x,) = raised(check(name, input))
    x = x if x.layout.rank == 2 else x.reshape(1, -1)
    N, C = x.layout.shape
    if not C:
        raise ShapeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.layout.shape)}"
        )
    rows = target.reshape(-1)
    if rows.layout.numel != N or target.layout.rank > 1:
        raise ShapeError(
            f"{name}: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size [{N}], but got {list(target.layout.shape)}. Input has shape "
            f"{list(input.layout.shape)}."
        )
    if weight is not None and weight.layout.rank != 1:
        raise ArgumentError(f"{name}: weight must be one-dimensional, got {list(weight.layout.shape)}")
    if weight is not None and weight.layout.shape != (C,):
        raise ShapeError(f"inconsistent weight size, expected {C} but got {list(weight.layout.shape)}")
    if target.layout.dtype is not int64:
        raise DTypeError(f"{name}: expected target of type int64 but found {target.layout.dtype.name}")
    rows = check_classes(name, rows, C, -1).unsqueeze(1)
    loss = (x - x.gather(1, rows) + margin).clamp(min=0)
    loss = loss * loss if p == 2 else loss
    if weight is not None:
        loss = loss * weight.index_select(0, rows.squeeze(1)).unsqueeze(1)
    own = functions.arange(C, device=x.device) == rows
    loss = loss.masked_fill(own, 0.0).sum(1) / C
    result: Tensor = reduced(loss if input.layout.rank == 2 else loss.squeeze(0), reduction)
    return result


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The sum of max(0, 1 - input[label] + input[class]) over labels and classes that are none, divided by C.

    `input` is [N, C] or [C]; a row of `target`, of the same shape, has the labels up to the first -1.
    """
    name = "multilabel_margin_loss"
    check_reduction(name, reduction, size_average, reduce)
    if check(name, input).layout.shape != check(name, target).layout.shape:
        raise ShapeError(
            f"inconsistent target size: {list(target.layout.shape)} for input of size: {list(input.layout.shape)}"
        )
    (x,) = raised(input)
    x = x.reshape(-1, x.layout.shape[-1] if x.layout.rank else 1)
    C = x.layout.shape[1]
    rows = check_classes(name, target.reshape(x.layout.shape), C, -1)
    classes = functions.arange(C, device=x.device)
    # [N, j, i]: whether place i of the target is -1 and not behind place j
    ended = (rows < 0).unsqueeze(1).logical_and(classes <= classes.unsqueeze(1)).any(-1)
    there = ended.logical_not()
    labels = rows.clamp(min=0)
    known = (labels.unsqueeze(-1) == classes).logical_and(there.unsqueeze(-1)).any(1)
    between = (x.unsqueeze(1) - x.gather(1, labels).unsqueeze(-1) + 1).clamp(min=0)
    counted = there.unsqueeze(-1).logical_and(known.logical_not().unsqueeze(1))
    loss = between.masked_fill(counted.logical_not(), 0.0).sum((1, 2)) / C
    result: Tensor = reduced(loss if input.layout.rank > 1 else loss.squeeze(0), reduction)
    return result


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over the last dimension of `binary_cross_entropy_with_logits`, each class times its `weight`."""
    name = "multilabel_soft_margin_loss"
    check_reduction(name, reduction, size_average, reduce)
    loss = bind(LOGITS_CROSS_ENTROPY, of_one_rank(*raised(check(name, input), check(name, target))))
    result: Tensor = reduced((loss if weight is None else loss * weight).mean(-1), reduction)
    return result
