"""Connectionist temporal classification (Graves et al. 2006), by sums of logarithms over all alignments."""

from __future__ import annotations

import math
from typing import Any

from curta import functions
from curta.dtypes import int64
from curta.errors import ShapeError
from curta.functions.operands import tensor as check
from curta.nn.losses import check_classes, check_reduction, reduced
from curta.ops.dispatch import bind
from curta.ops.loss import ALIGNMENT
from curta.tensor import Tensor

#: the logarithm of nothing: infinity's differences would be no numbers
_NEVER = -1e30


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Minus the log-probability of the `targets` over all their alignments with log_probs [T, N, C] or [T, C].

    `targets` are [N, S], or all of them one after the other; lengths are tensors or tuples of N. "mean" divides each
    loss by its target's length first. Where no alignment fits, the loss is infinite (0 with `zero_infinity`) and its
    gradient 0. Gradients are those of the sum over alignments: behind `log_softmax` the same as PyTorch's, which
    takes the softmax's own into the gradient of `log_probs`. The lengths must be known while a program is recorded.
    """
    check_reduction("ctc_loss", reduction, None, None)
    batched = check("ctc_loss", log_probs).layout.rank == 3
    scores: Any = log_probs if batched else log_probs.unsqueeze(1)
    T, N, C = scores.layout.shape
    times, lengths = _known(input_lengths), _known(target_lengths)
    _check(T, N, C, times, lengths, blank)
    labels = _labels(targets if batched else targets.reshape(1, -1), lengths, blank)
    labels = check_classes("ctc_loss", labels, C, -1)
    loss = _over_alignments(scores, labels, times, lengths, blank)
    never = loss > -_NEVER / 10
    loss = functions.where(never, functions.full_like(loss.detach(), 0.0 if zero_infinity else math.inf), loss)
    if reduction == "mean":
        counts = [max(1, length) for length in lengths]
        loss = loss / functions.tensor(counts, dtype=loss.layout.dtype, device=loss.device)
    result: Tensor = reduced(loss if batched else loss.squeeze(0), reduction)
    return result


def _known(lengths: Any) -> list[int]:
    if isinstance(lengths, Tensor):
        return [int(one) for one in lengths.reshape(-1).tolist()]
    return [int(one) for one in (lengths if isinstance(lengths, list | tuple) else [lengths])]


def _check(T: int, N: int, C: int, times: list[int], lengths: list[int], blank: int) -> None:
    if not 0 <= blank < C:
        raise ShapeError("blank must be in label range")
    for name, given in (("input_lengths", times), ("target_lengths", lengths)):
        if len(given) != N:
            raise ShapeError(f"{name} must be of size batch_size")
        if min(given, default=0) < 0:
            raise ShapeError(f"ctc_loss: {name} must not be negative, got {min(given)}")
    if max(times, default=0) > T:
        raise ShapeError(f"Expected input_lengths to have value at most {T}, but got value {max(times)}")


def _labels(targets: Any, lengths: list[int], blank: int) -> Any:
    """[N, S] with blanks behind each target's end."""
    longest = max(lengths, default=0)
    if targets.layout.rank == 1:
        if targets.layout.numel != sum(lengths):
            raise ShapeError(
                f"Expected tensor to have size {sum(lengths)} at dimension 0, but got size {targets.layout.numel} for "
                "argument #2 'targets'"
            )
        starts = [sum(lengths[:place]) for place in range(len(lengths))]
        last = max(0, sum(lengths) - 1)
        places = [min(start + step, last) for start in starts for step in range(longest)]
        if places:
            index = functions.tensor(places, device=targets.device)
            targets = targets.index_select(0, index).reshape(len(lengths), longest)
        else:
            targets = targets.reshape(len(lengths), 0)
    elif targets.layout.shape[1] < longest:
        raise ShapeError(
            f"Expected tensor to have size at least {longest} at dimension 1, but got size {targets.layout.shape[1]} "
            "for argument #2 'targets'"
        )
    targets = targets[:, :longest].to(int64)
    steps = functions.arange(longest, device=targets.device)
    ends = functions.tensor(lengths, device=targets.device).unsqueeze(1)
    return targets.masked_fill(steps >= ends, blank)


def _shifted(x: Any, count: int) -> Any:
    """Moved to the right by `count` places; what comes in from the left never happens."""
    width = x.layout.shape[1]
    if width <= count:
        return functions.full_like(x.detach(), _NEVER)
    before = functions.full((x.layout.shape[0], count), _NEVER, dtype=x.layout.dtype, device=x.device)
    return functions.cat([before, x[:, : width - count]], 1)


def _over_alignments(scores: Any, labels: Any, times: list[int], lengths: list[int], blank: int) -> Any:
    """Minus the logarithm of the sum [N]; what lies above 1e29 has no alignment."""
    T, N, _ = scores.layout.shape
    width = 2 * labels.layout.shape[1] + 1
    blanks = functions.full_like(labels, blank)
    # labels with blanks around each: [N, S]
    places = functions.cat(
        [functions.stack([blanks, labels], 2).flatten(1), functions.full((N, 1), blank, device=labels.device)], 1
    )
    own = scores.gather(2, places.unsqueeze(0).expand(T, N, width))
    steps = functions.unbind(own, 0)
    apart = places[:, 2:] != places[:, :-2] if width > 2 else None
    first = functions.arange(width, device=scores.device) < 2
    start = functions.full((N, width), _NEVER, dtype=own.layout.dtype, device=scores.device)
    sums = functions.where(first, steps[0], start) if T else start
    for time in range(1, T):
        two = _shifted(sums, 2)
        if apart is not None:
            two = functions.cat([two[:, :2], functions.where(apart, two[:, 2:], start[:, 2:])], 1)
        made = bind(ALIGNMENT, (sums, _shifted(sums, 1), two, steps[time]))
        going = [time < length for length in times]
        if not all(going):
            made = functions.where(functions.tensor(going, device=scores.device).unsqueeze(1), made, sums)
        sums = made
    ends = functions.tensor([2 * length for length in lengths], device=scores.device).unsqueeze(1)
    last = sums.gather(1, ends)
    before = sums.gather(1, (ends - 1).clamp(min=0)).masked_fill(ends == 0, _NEVER)
    return -functions.logsumexp(functions.cat([last, before], 1), 1)
