"""Distributions of whole numbers, and of one among several."""

from __future__ import annotations

import math
from typing import Any

from curta import functions as f
from curta.autograd import no_grad
from curta.distributions import constraints
from curta.distributions.distribution import Distribution, Shape, either, inside_unit, is_known, later, same_shape
from curta.errors import ArgumentError, UnsupportedError
from curta.nn import functional as F
from curta.number_formats import finfo
from curta.size import Size
from curta.tensor import Tensor


class Events(Distribution):
    """One with the probability of an event, or its logarithm against that of none."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # noqa: RUF012

    def _set(self, probs: Any, logits: Any, *others: Any) -> tuple[Tensor, ...]:
        """Keep the one that is given; the others broadcast with it."""
        found = same_shape(probs if either(probs, logits) else logits, *others)
        self.__dict__["logits" if probs is None else "probs"] = found[0]
        return found

    @property
    def _given(self) -> Tensor:
        found: Tensor = self.__dict__["logits" if "logits" in self.__dict__ else "probs"]
        return found

    @property
    def param_shape(self) -> Size:
        """The shape of the probabilities."""
        return self._given.shape

    @later
    def logits(self) -> Tensor:
        """log(probs / (1 - probs))."""
        probs = inside_unit(self.probs)
        return probs.log() - f.log1p(-probs)

    @later
    def probs(self) -> Tensor:
        """The probability of an event."""
        return self.logits.sigmoid()


class Bernoulli(Events):
    """1 with probability `probs` (or sigmoid(logits)), else 0.

    >>> import curta
    >>> Bernoulli(0.25).log_prob(curta.tensor(1.0)).exp()
    tensor(0.2500)
    """

    support = constraints.boolean
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._set(probs, logits)
        super().__init__(self._given.shape, validate_args=validate_args)

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    @property
    def mode(self) -> Tensor:
        """The likelier of both; NaN where neither is."""
        return (self.probs >= 0.5).to(self.probs.dtype).masked_fill(self.probs == 0.5, math.nan)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return f.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = f.broadcast_tensors(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _along(f.arange(2, dtype=self._given.dtype, device=self._given.device), self, expand)


def _along(values: Tensor, distribution: Distribution, expand: bool) -> Tensor:
    """Values along a first dimension, in front of the batch's."""
    values = values.reshape(-1, *(1,) * len(distribution.batch_shape))
    return values.expand(-1, *distribution.batch_shape) if expand else values


class Geometric(Events):
    """How many failures there are before the first success, of trials with probability `probs`.

    >>> import curta
    >>> Geometric(0.25).mean
    tensor(3.)
    """

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._set(probs, logits)
        super().__init__(self._given.shape, validate_args=validate_args)
        known = "probs" in self.__dict__ and is_known(self._given)
        if self._validate_args and known and not bool((self._given > 0).all()):
            invalid = self._given[self._given <= 0]
            raise ArgumentError(
                f"Expected parameter probs (Tensor of shape {tuple(self._given.shape)}) of distribution {self!r} to be "
                f"positive but found invalid values:\n{invalid}"
            )

    mean = property(lambda self: 1 / self.probs - 1)
    mode = property(lambda self: f.zeros_like(self.probs))
    variance = property(lambda self: (1 / self.probs - 1) / self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        probs = self.probs
        with no_grad():
            drawn = f.rand(self._extended_shape(sample_shape), dtype=probs.dtype, device=probs.device)
            return (drawn.clamp(min=finfo(probs.dtype).tiny).log() / f.log1p(-probs)).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        # where there is no failure and none can be, log1p has no value and its slope would make gradients NaN
        sure = (self.probs == 1).logical_and(value == 0)
        return value * f.log1p(-f.where(sure, 0, self.probs)) + self.probs.log()

    def entropy(self) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs


class Binomial(Events):
    """How many of `total_count` trials succeed, each with probability `probs`.

    >>> import curta
    >>> Binomial(2, 0.5).log_prob(curta.tensor([0.0, 1.0])).exp()
    tensor([0.2500, 0.5000])
    """

    has_enumerate_support = True
    total_count: Tensor

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.arg_constraints = {"total_count": constraints.nonnegative_integer, **Events.arg_constraints}  # type: ignore[misc]
        given, self.total_count = self._set(probs, logits, total_count)
        self.total_count = self.total_count.to(given.dtype)
        super().__init__(given.shape, validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """Whole numbers from 0 to total_count."""
        return constraints.integer_interval(0, self.total_count)

    mean = property(lambda self: self.total_count * self.probs)
    mode = property(lambda self: ((self.total_count + 1) * self.probs).floor().minimum(self.total_count))
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return f.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        ways = (self.total_count + 1).lgamma() - (value + 1).lgamma() - (self.total_count - value + 1).lgamma()
        # of k events out of n: k * logits - n * log(1 + exp(logits))
        return ways + value * self.logits + self.total_count * F.logsigmoid(-self.logits)

    def entropy(self) -> Tensor:
        self._count("entropy")
        logs = self.log_prob(self.enumerate_support(False))
        return -(logs.exp() * logs).sum(0)

    def _count(self, function: str) -> int:
        """The total count that all have."""
        count = int(self.total_count.max().item())
        if int(self.total_count.min().item()) != count:
            raise UnsupportedError(f"Inhomogeneous total count not supported by `{function}`.")
        return count

    def enumerate_support(self, expand: bool = True) -> Tensor:
        count = self._count("enumerate_support")
        return _along(f.arange(count + 1, dtype=self._given.dtype, device=self._given.device), self, expand)


class Poisson(Distribution):
    """How often something happens that happens `rate` times on average.

    >>> import curta
    >>> Poisson(1.0).log_prob(curta.tensor(0.0))
    tensor(-1.)
    """

    arg_constraints = {"rate": constraints.nonnegative}  # noqa: RUF012
    support = constraints.nonnegative_integer
    rate: Tensor

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = same_shape(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    mean = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())
    variance = mean

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return f.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return f.xlogy(value, self.rate) - self.rate - (value + 1).lgamma()


class Categorical(Distribution):
    """The number of one of K categories, of probabilities `probs` [..., K] (scaled to add up to 1) or softmax(logits).

    >>> import curta
    >>> Categorical(curta.tensor([1.0, 3.0])).log_prob(curta.tensor(1)).exp()
    tensor(0.7500)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # noqa: RUF012
    _parameter_dims = {"probs": 1, "logits": 1}  # noqa: RUF012
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        by_probs = either(probs, logits)
        given: Tensor = probs if by_probs else logits
        if given.dim() < 1:
            word = "probs" if by_probs else "logits"
            raise ArgumentError(f"`{word}` parameter must be at least one-dimensional.")
        if by_probs:
            self.__dict__["probs"] = given / given.sum(-1, keepdim=True)
        else:
            self.__dict__["logits"] = given - given.logsumexp(-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(tuple(given.shape)[:-1], validate_args=validate_args)

    @later
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return inside_unit(self.probs).log()

    @later
    def probs(self) -> Tensor:
        """The probabilities."""
        return F.softmax(self.logits, -1)

    @property
    def param_shape(self) -> Size:
        """The shape of the probabilities."""
        found: Size = self.__dict__["logits" if "logits" in self.__dict__ else "probs"].shape
        return found

    @property
    def support(self) -> constraints.Constraint:
        """Whole numbers below K."""
        return constraints.integer_interval(0, self._num_events - 1)

    mean = property(lambda self: f.full_like(self.probs[..., 0], math.nan))
    mode = property(lambda self: self.probs.argmax(-1))
    variance = mean

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            drawn = f.multinomial(rows, Size(sample_shape).numel(), True).T
            return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        place, logits = f.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, place[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _along(f.arange(self._num_events, device=self.logits.device), self, expand)


class OneHotCategorical(Distribution):
    """A vector of K numbers, one of them 1 and the others 0; parameters as of `Categorical`.

    >>> import curta
    >>> OneHotCategorical(curta.tensor([0.0, 2.0])).sample()
    tensor([0., 1.])
    """

    arg_constraints = Categorical.arg_constraints
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self._categorical.probs)
    mode = property(lambda self: F.one_hot(self._categorical.mode, self._event_shape[0]).to(self.probs.dtype))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        made._categorical = self._categorical.expand(batch_shape)
        return made

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return F.one_hot(self._categorical.sample(sample_shape), self._event_shape[0]).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        count = self._event_shape[0]
        values = f.eye(count, dtype=self.probs.dtype, device=self.probs.device)
        values = values.reshape(count, *(1,) * len(self._batch_shape), count)
        return values.expand(count, *self._batch_shape, count) if expand else values
