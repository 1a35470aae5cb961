"""Samples of further distributions, each made of uniform numbers of the same stream as `rand`'s."""

from __future__ import annotations

import math
from typing import Any

from curta import dtypes, host
from curta.dtypes import DType, float32, float64, int64
from curta.errors import ArgumentTypeError, DistributionError
from curta.functions.creation import _into
from curta.functions.cumulative import cumsum
from curta.functions.inplace import scalar_name, store
from curta.functions.operands import tensor as check
from curta.functions.random import draw
from curta.functions.searching import searchsorted
from curta.functions.sorting import topk
from curta.number_formats import iinfo
from curta.ops.dispatch import bind
from curta.ops.random import INTEGERS, NORMAL, UNIFORM
from curta.ops.sampling import ARRIVALS, BAD_WEIGHT, NO_WEIGHT, WEIGHTS_FAULT
from curta.tensor import Tensor

#: categories that `multinomial` can number in float32, as in PyTorch
_MOST_CATEGORIES = 1 << 24
#: the largest whole number up to which a format has all of them
_WHOLE = {dtypes.float64: 1 << 53, dtypes.float32: 1 << 24, dtypes.float16: 1 << 11, dtypes.bfloat16: 1 << 8}
#: the least that an exponential number is drawn as
_LEAST = {float64: 2.0**-54, float32: 2.0**-25}
_MOST_INTEGERS = (1 << 63) - 1


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None, out: Any = None
) -> Tensor:
    """`num_samples` numbers of categories (int64) for each row of weights [C] or [N, C], which need not sum to 1.

    Without `replacement` all of a row are different, likely ones first. DistributionError for weights that are
    negative, infinite, NaN or all zero, and for more samples than a row has categories.

    >>> import curta
    >>> curta.multinomial(curta.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights = check("multinomial", input).detach()
    layout = weights.layout
    if not layout.dtype.is_floating_point:
        kind = scalar_name(layout.dtype)
        raise DistributionError(f"multinomial only supports floating-point dtypes for input, got: {kind}")
    if not 1 <= layout.rank <= 2:
        raise DistributionError("prob_dist must be 1 or 2 dim")
    if out is not None and out.layout.dtype is not int64:
        raise DistributionError(f"multinomial expects Long tensor out, got: {scalar_name(out.layout.dtype)}")
    if num_samples <= 0:
        raise DistributionError("cannot sample n_sample <= 0 samples")
    categories = layout.shape[-1]
    if not replacement and num_samples > categories:
        raise DistributionError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if categories > _MOST_CATEGORIES:
        raise DistributionError("number of categories cannot exceed 2^24")
    if host.has_values(weights) and layout.numel:
        _check_weights(weights)
    weights = weights.to(float64)
    if replacement:
        made = _with_replacement(weights, num_samples, generator)
    else:
        # the first to arrive where category c arrives at rate weights[c]
        uniform = draw(UNIFORM, (0.0, 1.0), layout.shape, float64, layout.device, generator)
        made = topk(bind(ARRIVALS, (weights, uniform), least=_LEAST[float64]), num_samples)[1]
    return _into(out, made)


def _with_replacement(weights: Tensor, count: int, generator: Any) -> Tensor:
    """The category in which a uniform number below the sum of the weights falls."""
    layout = weights.layout
    sums = cumsum(weights, -1)
    places = draw(UNIFORM, (0.0, 1.0), (*layout.shape[:-1], count), float64, layout.device, generator) * sums[..., -1:]
    return searchsorted(sums, places, right=True).clamp(max=layout.shape[-1] - 1)


def _check_weights(weights: Tensor) -> None:
    fault = host.number(bind(WEIGHTS_FAULT, (weights,)))
    if fault == BAD_WEIGHT:
        raise DistributionError("probability tensor contains either `inf`, `nan` or element < 0")
    if fault == NO_WEIGHT:
        raise DistributionError("invalid multinomial distribution (sum of probabilities <= 0)")


def _exponential(shape: tuple[int, ...], dtype: DType, device: Any, generator: Any) -> Tensor:
    """Numbers above 0 of the exponential distribution of mean 1."""
    kind = float64 if dtype is float64 else float32
    uniform = draw(UNIFORM, (0.0, 1.0), shape, kind, device, generator)
    return (-(-uniform).log1p()).clamp(min=_LEAST[kind])


# in place


def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers above 0 of the exponential distribution of rate `lambd`."""
    _continuous("exponential_", "Exponential", input)
    if lambd <= 0:
        raise DistributionError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    layout = input.layout
    return _stored(input, _exponential(layout.shape, layout.dtype, layout.device, generator) / lambd)


def geometric_(input: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fill with how many trials of probability `p` it takes until one succeeds: 1 or more."""
    layout = input.layout
    if not 0 < p < 1:
        raise DistributionError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    if layout.dtype is dtypes.bool_:
        raise DistributionError("\"geometric_\" not implemented for 'Bool'")
    times = _exponential(layout.shape, float64, layout.device, generator)
    return _stored(input, (times / -math.log1p(-p)).ceil().clamp(min=1))


def cauchy_(input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers of the Cauchy distribution around `median`, of half-width `sigma`."""
    _continuous("cauchy_", "Cauchy", input)
    if sigma <= 0:
        raise DistributionError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    layout = input.layout
    kind = float64 if layout.dtype is float64 else float32
    uniform = draw(UNIFORM, (-0.5, 0.5), layout.shape, kind, layout.device, generator)
    return _stored(input, (uniform * math.pi).tan() * sigma + median)


def log_normal_(input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers whose logarithms are of the normal distribution of `mean` and `std`."""
    _continuous("log_normal_", "Log-Normal", input)
    if std <= 0:
        raise DistributionError(f"log_normal_ expects std > 0.0, but found std={std}")
    layout = input.layout
    kind = float64 if layout.dtype is float64 else float32
    return _stored(input, draw(NORMAL, (float(mean), float(std)), layout.shape, kind, layout.device, generator).exp())


def random_(input: Tensor, *limits: int | None, generator: Any = None) -> Tensor:
    """Fill with whole numbers: `random_(to)` from 0 to `to` - 1, `random_(first, to)` from `first`.

    Without `to` (or with None) up to the largest one: of the floating-point formats the last before which none is
    missing.
    """
    if len(limits) > 2 or any(limit is not None and not hasattr(limit, "__index__") for limit in limits):
        raise ArgumentTypeError(f"random_() takes two whole numbers at most, got {limits}")
    layout = input.layout
    whole = _WHOLE.get(layout.dtype)
    highest = whole if whole is not None else 1 if layout.dtype is dtypes.bool_ else int(iinfo(layout.dtype).max)
    lowest = -whole if whole is not None else 0 if layout.dtype is dtypes.bool_ else int(iinfo(layout.dtype).min)
    first, to = (0, limits[0]) if len(limits) == 1 else limits or (0, None)
    start = 0 if first is None else first.__index__()
    # of int64 the very last one is left out where nothing else is
    end = to.__index__() if to is not None else highest + 1 if start or highest < _MOST_INTEGERS else highest
    if start >= end:
        raise DistributionError(f"random_ expects 'from' to be less than 'to', but got from={start} >= to={end}")
    for name, limit in (("from", start), ("to - 1", end - 1)):
        if not lowest <= limit <= highest:
            raise DistributionError(f"{name} is out of bounds for {layout.dtype.name}")
    if end - start > _MOST_INTEGERS:
        return _stored(input, _of_many(start, end - start, layout.shape, layout.device, generator))
    kind = int64 if layout.dtype is dtypes.bool_ or whole is not None else layout.dtype
    return _stored(input, draw(INTEGERS, (start, end - start), layout.shape, kind, layout.device, generator))


def _of_many(start: int, count: int, shape: tuple[int, ...], device: Any, generator: Any) -> Tensor:
    """Integers from `start` on, `count` of them, more than int64 can count: 64 random bits modulo `count`.

    All is modulo 2**64: of the bits as an unsigned number, int64 holds 2**63 less.
    """
    high, low = (draw(INTEGERS, (0, 1 << 32), shape, int64, device, generator) for _ in range(2))
    bits = (high - (1 << 31)) * (1 << 32) + low
    if count < 1 << 64:
        bits = bits.where(bits < count - (1 << 63), bits + ((1 << 64) - count))
    return bits + (start + (1 << 63))


def _stored(target: Tensor, made: Tensor) -> Tensor:
    return store(target, made.to(target.layout.dtype))


def _continuous(name: str, distribution: str, input: Tensor) -> None:
    if not input.layout.dtype.is_floating_point:
        kind = scalar_name(input.layout.dtype)
        raise DistributionError(
            f"{distribution} distribution is a continuous probability distribution. dtype must be a floating point but "
            f"you specified {kind} ({name})"
        )
