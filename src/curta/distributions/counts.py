"""Distributions of counts: of several kinds of events at once, and of failures before so many successes."""

from __future__ import annotations

import math
from typing import Any

from curta import functions as f
from curta.autograd import no_grad
from curta.distributions import constraints
from curta.distributions.discrete import Binomial, Categorical, Events
from curta.distributions.distribution import Distribution, Shape
from curta.distributions.gamma import Gamma
from curta.errors import UnsupportedError
from curta.nn import functional as F
from curta.tensor import Tensor


class Multinomial(Distribution):
    """How often each of K categories comes up in `total_count` trials; parameters as of `Categorical`.

    >>> import curta
    >>> Multinomial(2, curta.tensor([1.0, 1.0])).log_prob(curta.tensor([1.0, 1.0])).exp()
    tensor(0.5000)
    """

    arg_constraints = Categorical.arg_constraints

    def __init__(
        self, total_count: int = 1, probs: Tensor | None = None, logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(total_count, int):
            raise UnsupportedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    @property
    def support(self) -> constraints.Constraint:
        """Counts that add up to at most the total."""
        return constraints.multinomial(self.total_count)

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        made._categorical = self._categorical.expand(batch_shape)
        return made

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        count = self._event_shape[0]
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        counts = f.zeros((*drawn.shape[1:], count), dtype=drawn.dtype, device=drawn.device)
        drawn = drawn.movedim(0, -1)
        return counts.scatter_add(-1, drawn, f.ones_like(drawn)).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = f.broadcast_tensors(self.logits, value)
        logits = logits.masked_fill((value == 0).logical_and(logits == -math.inf), 0)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        whole = self.total_count
        single = Binomial(whole, self.probs, validate_args=False)
        counts = single.enumerate_support(False)
        repeats = (single.log_prob(counts).exp() * f.lgamma(counts + 1)).sum(0).sum(-1)
        return whole * self._categorical.entropy() - math.lgamma(whole + 1) + repeats


class NegativeBinomial(Events):
    """How many successes there are before `total_count` failures, of trials that succeed with probability `probs`.

    >>> import curta
    >>> NegativeBinomial(3.0, 0.5).mean
    tensor(3.)
    """

    arg_constraints = {  # noqa: RUF012
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    total_count: Tensor

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        given, self.total_count = self._set(probs, logits, total_count)
        self.total_count = self.total_count.to(given.dtype)
        super().__init__(given.shape, validate_args=validate_args)

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        rates = Gamma(self.total_count, (-self.logits).exp(), validate_args=False)
        with no_grad():
            return f.poisson(rates.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        trials = self.total_count * F.logsigmoid(-self.logits) + value * F.logsigmoid(self.logits)
        ways = f.lgamma(self.total_count + value) - f.lgamma(value + 1) - f.lgamma(self.total_count)
        # no failures wanted: none is certain, where lgamma(0) is infinite
        return trials + ways.masked_fill(self.total_count + value == 0, 0)
