"""Distributions of numbers that stand for choices, with gradients: the concrete distribution and its kin.

Maddison et al. (2017), and Jang et al. (2017): the lower the temperature, the nearer a sample is to a choice.
"""

from __future__ import annotations

import math
from typing import Any

from curta import functions as f
from curta.distributions import constraints
from curta.distributions.discrete import Categorical, Events, OneHotCategorical
from curta.distributions.distribution import Distribution, Shape, inside_unit
from curta.distributions.transformed import TransformedDistribution
from curta.distributions.transforms import ExpTransform, SigmoidTransform
from curta.tensor import Tensor


class LogitRelaxedBernoulli(Events):
    """The logits of what `RelaxedBernoulli` draws.

    >>> import curta
    >>> LogitRelaxedBernoulli(curta.tensor(0.5), 0.5).log_prob(curta.tensor(0.0)).exp()
    tensor(0.1250)
    """

    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._set(probs, logits)
        self._temperature = (temperature,)  # kept from what `expand` makes larger
        super().__init__(self._given.shape, validate_args=validate_args)

    temperature = property(lambda self: self._temperature[0])

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        probs = inside_unit(self.probs.expand(self._extended_shape(sample_shape)))
        even = inside_unit(f.rand(probs.shape, dtype=probs.dtype, device=probs.device))
        made: Tensor = (even.log() - f.log1p(-even) + probs.log() - f.log1p(-probs)) / self.temperature
        return made

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        apart = self.logits - value * self.temperature
        made: Tensor = self.temperature.log() + apart - 2 * f.log1p(apart.exp())
        return made


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1) that stand for 0 and 1, at a temperature; parameters as of `Bernoulli`.

    >>> import curta
    >>> RelaxedBernoulli(curta.tensor(0.5), 0.5).log_prob(curta.tensor(0.5)).exp()
    tensor(0.5000)
    """

    arg_constraints = Events.arg_constraints
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args)
        super().__init__(base, SigmoidTransform(), validate_args)

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)


class ExpRelaxedCategorical(Distribution):
    """The logarithms of what `RelaxedOneHotCategorical` draws.

    >>> import curta
    >>> ExpRelaxedCategorical(curta.tensor(0.5), curta.tensor([1.0, 1.0])).event_shape
    torch.Size([2])
    """

    arg_constraints = Categorical.arg_constraints
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        self._temperature = (temperature,)  # kept from what `expand` makes larger
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    temperature = property(lambda self: self._temperature[0])
    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        made._categorical = self._categorical.expand(batch_shape)
        return made

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        logits = self.logits
        even = f.rand(self._extended_shape(sample_shape), dtype=logits.dtype, device=logits.device)
        scores: Tensor = (logits - (-inside_unit(even).log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        count = self._event_shape[0]
        scores = self.logits - value * self.temperature
        shares = (scores - scores.logsumexp(-1, keepdim=True)).sum(-1)
        return shares + math.lgamma(count) + (count - 1) * self.temperature.log()


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors of shares that stand for one of K categories, at a temperature; parameters as of `Categorical`.

    >>> import curta
    >>> both = RelaxedOneHotCategorical(curta.tensor(1.0), curta.tensor([1.0, 1.0]))
    >>> both.log_prob(curta.tensor([0.5, 0.5])).exp()
    tensor(1.)
    """

    arg_constraints = Categorical.arg_constraints
    support = constraints.simplex
    has_rsample = True

    def __init__(
        self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical` whose samples pass gradients straight on to the probabilities (Bengio et al. 2013).

    >>> import curta
    >>> OneHotCategoricalStraightThrough(curta.tensor([0.0, 2.0])).rsample()
    tensor([0., 1.])
    """

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        probs: Tensor = self.probs
        return self.sample(sample_shape) + (probs - probs.detach())
