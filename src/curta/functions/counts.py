"""Samples of how often something happens, Poisson's and binomial, of uniform numbers of the same stream as `rand`'s.

Small means are inverted, term by term; for larger ones Hörmann's transformed rejection (1993) proposes numbers until
all are accepted, in float64: the rounds that it takes depend on the numbers, and accounts count those that ran.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from curta import host
from curta.autograd.function import Function
from curta.autograd.state import STATE
from curta.dtypes import float64
from curta.errors import ArgumentError, AutogradError, CostError, DistributionError, DTypeError, UnsupportedDTypeError
from curta.functions.creation import empty, full, zeros
from curta.functions.creation import tensor as make
from curta.functions.inplace import scalar_name
from curta.functions.operands import tensor as check
from curta.functions.random import draw
from curta.memory.layout import Layout, Shape
from curta.ops.random import UNIFORM
from curta.shapes import broadcast_shapes
from curta.tensor import Tensor

#: from this mean on numbers are proposed
_PROPOSED = 10.0
#: shares of the distribution that no uniform number can tell from none
_NOTHING = 2.0**-60
#: log(k!) less Stirling's (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2, for k that its series is too short for
_TAILS = tuple(
    math.lgamma(k + 1) - (k + 0.5) * math.log(k + 1) + (k + 1) - 0.5 * math.log(2 * math.pi) for k in range(10)
)

Attempt = Callable[..., tuple[Tensor, Tensor]]


def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Numbers of the Poisson distribution, each with the mean that `input` holds at its place, in its format.

    DistributionError for means that are negative, infinite or NaN. Needs the values: refused in compiled functions.

    >>> import curta
    >>> curta.poisson(curta.zeros(3))
    tensor([0., 0., 0.])
    """
    x = check("poisson", input).detach()
    layout = x.layout
    if not layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"poisson_cpu" not implemented for {scalar_name(layout.dtype)!r}')
    host.known(x)
    if not host.has_values(x):
        return _without_values("poisson", layout.shape, layout)
    mean = x.to(float64).reshape(-1)
    if not bool(((mean >= 0) & mean.isfinite()).all()):
        raise DistributionError("invalid Poisson rate, expected rate to be non-negative")
    made = _of_means(mean, (mean,), _small_poisson, _propose_poisson, generator)
    return made.reshape(layout.shape).to(layout.dtype)


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """How many of `count` trials succeed, each with the probability `prob`; both broadcast, of one format.

    Of a count between whole numbers a `prob` of 1 gives all; a `prob` above 1/2 what whole numbers of failures leave.
    Negative counts are 0; NaN gives NaN. ArgumentError for counts in a format of integers, AutogradError where
    gradients come by. Needs the values: refused in compiled functions.

    >>> import curta
    >>> curta.binomial(curta.tensor([3.0, 4.0]), curta.tensor([0.0, 1.0]))
    tensor([0., 4.])
    """
    trials, chance = check("binomial", count, "count"), check("binomial", prob, "prob")
    made = _binomial(trials.detach(), chance.detach(), generator)
    if STATE.grad_enabled and (trials.requires_grad or chance.requires_grad):
        made = _Binomial.apply(made, trials, chance)
    return made


class _Binomial(Function):
    @staticmethod
    def forward(ctx: Any, made: Tensor, trials: Tensor, chance: Tensor) -> Tensor:
        return made

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        raise AutogradError("derivative for aten::binomial is not implemented")


def _binomial(trials: Tensor, chance: Tensor, generator: Any) -> Tensor:
    kind = trials.layout.dtype
    if not kind.is_floating_point:
        raise ArgumentError(f"binomial only supports floating-point dtypes for count, got: {scalar_name(kind)}")
    if chance.layout.dtype is not kind:
        raise DTypeError(f"Found dtype {scalar_name(chance.layout.dtype)} but expected {scalar_name(kind)}")
    shape = broadcast_shapes(trials.layout.shape, chance.layout.shape)
    host.known(trials)
    host.known(chance)
    if not (host.has_values(trials) and host.has_values(chance)):
        return _without_values("binomial", shape, trials.layout)
    n = trials.expand(shape).reshape(-1).to(float64).clamp(min=0)
    p = chance.expand(shape).reshape(-1).to(float64)
    unknown = n.isfinite().logical_not() | p.isnan()
    n, p = n.masked_fill(unknown, 0), p.masked_fill(unknown, 0).clamp(0, 1)
    often = p > 0.5
    rare = (1 - p).where(often, p)
    made = _of_means(n * rare, (n, rare), _small_binomial, _propose_binomial, generator)
    made = (n - made).where(often, made).masked_fill(unknown, math.nan)
    return made.reshape(shape).to(kind)


def _without_values(name: str, shape: Shape, like: Layout) -> Tensor:
    """A result on the meta device; CostError where somebody counts, since nobody can say how many rounds it takes."""
    if STATE.books:
        raise CostError(f"account: what {name} costs depends on values, which tensors of the meta device do not have")
    return empty(shape, dtype=like.dtype, device=like.device)


def _of_means(
    mean: Tensor, parameters: tuple[Tensor, ...], small: Callable[..., Tensor], attempt: Attempt, generator: Any
) -> Tensor:
    """A number for each mean, by the way that fits it."""
    made, few = zeros(mean.layout.shape, dtype=float64), mean < _PROPOSED
    for way, chosen in ((small, few), (attempt, few.logical_not())):
        places = chosen.nonzero().reshape(-1)
        if places.layout.numel:
            own = tuple(one[places] for one in parameters)
            made[places] = small(*own, generator) if way is small else _accepted(attempt, own, generator)
    return made


def _uniform(count: int, generator: Any) -> Tensor:
    made: Tensor = draw(UNIFORM, (0.0, 1.0), (count,), float64, full((), 0.0).layout.device, generator)
    return made


def _inverted(first: Tensor, ratio: Callable[[int], Tensor], generator: Any) -> Tensor:
    """The smallest k up to which the terms add up to more than a uniform number; ratio(k) is term k over term k - 1."""
    uniform = _uniform(first.layout.numel, generator)
    made, term, below, k = zeros(first.layout.shape, dtype=float64), first, first, 0
    while True:
        above = uniform >= below
        if not bool((above & (term > _NOTHING)).any()):
            return made
        k += 1
        made = made + above.to(float64)
        term = term * ratio(k)
        below = below + term


def _small_poisson(mean: Tensor, generator: Any) -> Tensor:
    return _inverted((-mean).exp(), lambda k: mean / k, generator)


def _small_binomial(n: Tensor, p: Tensor, generator: Any) -> Tensor:
    n, odds = n.floor(), p / (1 - p)
    return _inverted((n * (-p).log1p()).exp(), lambda k: odds * ((n - (k - 1)) / k).clamp(min=0), generator)


def _accepted(attempt: Attempt, parameters: tuple[Tensor, ...], generator: Any) -> Tensor:
    """Proposals, made again where they are refused."""
    count = parameters[0].layout.numel
    made, places = zeros(count, dtype=float64), None
    while count:
        u, v = _uniform(count, generator) - 0.5, _uniform(count, generator)
        found, good = attempt(u, v, *parameters)
        if places is None:
            made, places = found, good.logical_not().nonzero().reshape(-1)
            rest = places
        else:
            made[places[good]] = found[good]
            rest = good.logical_not().nonzero().reshape(-1)
            places = places[rest]
        parameters = tuple(one[rest] for one in parameters)
        count = rest.layout.numel
    return made


def _tail(k: Tensor) -> Tensor:
    """log(k!) less Stirling's approximation."""
    square = 1 / ((k + 1) * (k + 1))
    series = (1 / 12 - (1 / 360 - square / 1260) * square) / (k + 1)
    exact = make(_TAILS, dtype=float64)[k.clamp(0, 9).long()]
    return exact.where(k < 10, series)


def _propose_poisson(u: Tensor, v: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    b = 0.931 + 2.53 * mean.sqrt()
    a = -0.059 + 0.02483 * b
    us = 0.5 - u.abs()
    k = ((2 * a / us + b) * u + mean + 0.43).floor()
    at_once = (us >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
    hat = (v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (us * us) + b)).log()
    whole = k.clamp(min=0)
    apart = mean - (whole + 1)
    weight = (whole + 0.5) * (apart / (whole + 1)).log1p() - apart - 0.5 * (2 * math.pi * mean).log() - _tail(whole)
    return k, at_once | ((k >= 0) & ((us >= 0.013) | (v <= us)) & (hat <= weight))


def _propose_binomial(u: Tensor, v: Tensor, n: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    spread = (n * p * (1 - p)).sqrt()
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    us = 0.5 - u.abs()
    k = ((2 * a / us + b) * u + n * p + 0.5).floor()
    at_once = (us >= 0.07) & (v <= 0.92 - 4.2 / b)
    inside = (k >= 0) & (k <= n)
    whole = k.clamp(min=0).minimum(n)
    odds, middle = p / (1 - p), ((n + 1) * p).floor()
    hat = (v * (2.83 + 5.1 / b) * spread / (a / (us * us) + b)).log()
    weight = (
        (middle + 0.5) * ((middle + 1) / (odds * (n - middle + 1))).log()
        + (n + 1) * ((whole - middle) / (n - whole + 1)).log1p()
        + (whole + 0.5) * (odds * (n - whole + 1) / (whole + 1)).log()
        + (_tail(middle) + _tail(n - middle) - _tail(whole) - _tail(n - whole))
    )
    return k, at_once | (inside & (hat <= weight))
