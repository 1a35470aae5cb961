"""The distributions of what transforms make of samples, and those that are best said so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from curta import functions as f
from curta.autograd import no_grad
from curta.distributions import constraints
from curta.distributions.continuous import Cauchy, Exponential, Normal, Uniform
from curta.distributions.distribution import Distribution, Shape, same_shape, sum_last
from curta.distributions.gamma import Gamma
from curta.distributions.several import Independent
from curta.distributions.transform import ComposeTransform, Transform
from curta.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    ExpTransform,
    PowerTransform,
    StickBreakingTransform,
)
from curta.errors import ArgumentError
from curta.number_formats import finfo
from curta.size import Size
from curta.tensor import Tensor

#: Euler and Mascheroni's constant
EULER = 0.57721566490153286060651209


class TransformedDistribution(Distribution):
    """The distribution of transform(x) for samples x of another one; `transforms` is a transform or several in order.

    >>> import curta
    >>> from curta.distributions import Normal, TanhTransform
    >>> squashed = TransformedDistribution(Normal(0.0, 1.0), TanhTransform())
    >>> squashed.log_prob(curta.tensor(0.0))
    tensor(-0.9189)
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}

    def __init__(
        self, base_distribution: Distribution, transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(transforms, (Transform, list, tuple)):
            raise ArgumentError(f"transforms must be a Transform or list, but was {transforms}")
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(one, Transform) for one in self.transforms):
            raise ArgumentError("transforms must be a Transform or a list of Transforms")
        together = ComposeTransform(self.transforms)
        before, after = together.domain.event_dim, together.codomain.event_dim
        shape = Size((*base_distribution.batch_shape, *base_distribution.event_shape))
        if len(shape) < before:
            raise ArgumentError(f"base_distribution needs to have shape with size at least {before}, but got {shape}.")
        made = together.forward_shape(shape)
        needed = together.inverse_shape(made)
        dims = len(base_distribution.event_shape)
        if tuple(needed) != tuple(shape):
            base_distribution = base_distribution.expand(needed[: len(needed) - dims])
        if before > dims:
            base_distribution = Independent(base_distribution, before - dims)
        self.base_dist = base_distribution
        cut = len(made) - max(after, dims + after - before)
        super().__init__(made[:cut], made[cut:], validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    @property
    def support(self) -> constraints.Constraint:
        """What the last transform leads to."""
        if not self.transforms:
            found: constraints.Constraint = self.base_dist.support
            return found
        last: constraints.Constraint = self.transforms[-1].codomain
        more = len(self._event_shape) - last.event_dim
        return constraints.independent(last, more) if more > 0 else last

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        shape = Size((*batch_shape, *self._event_shape))
        for one in reversed(self.transforms):
            shape = one.inverse_shape(shape)
        made.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        return made

    def _moved(self, x: Tensor) -> Tensor:
        for one in self.transforms:
            x = one(x)
        return x

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return self._moved(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._moved(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        total: Any = 0.0
        dims, y = len(self._event_shape), value
        for one in reversed(self.transforms):
            x = one.inv(y)
            dims += one.domain.event_dim - one.codomain.event_dim
            total = total - sum_last(one.log_abs_det_jacobian(x, y), dims - one.domain.event_dim)
            y = x
        made: Tensor = total + sum_last(self.base_dist.log_prob(y), dims - len(self.base_dist.event_shape))
        return made

    def _turned(self, share: Tensor) -> Tensor:
        """A share, or 1 less it where the transforms fall."""
        sign: Any = 1
        for one in self.transforms:
            sign = sign * one.sign
        if isinstance(sign, int) and sign == 1:
            return share
        made: Tensor = sign * (share - 0.5) + 0.5
        return made

    def cdf(self, value: Tensor) -> Tensor:
        for one in reversed(self.transforms):
            value = one.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._moved(self.base_dist.icdf(self._turned(value)))


class LogNormal(TransformedDistribution):
    """exp of a normal distribution of mean `loc` and standard deviation `scale`.

    >>> import curta
    >>> LogNormal(0.0, 1.0).mean
    tensor(1.6487)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale), ExpTransform(), validate_args)

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: (self.loc + self.scale**2 / 2).exp())
    mode = property(lambda self: (self.loc - self.scale**2).exp())
    variance = property(lambda self: f.expm1(self.scale**2) * (2 * self.loc + self.scale**2).exp())

    def entropy(self) -> Tensor:
        made: Tensor = self.base_dist.entropy() + self.loc
        return made


class _Half(TransformedDistribution):
    """What is above the middle of a symmetric distribution around 0, twice as dense."""

    arg_constraints = {"scale": constraints.positive}  # noqa: RUF012
    support = constraints.nonnegative
    has_rsample = True

    scale = property(lambda self: self.base_dist.scale)
    mode = property(lambda self: f.zeros_like(self.scale))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        value = value.to(self.scale.dtype)
        found = self.base_dist.log_prob(value) + math.log(2)
        return f.where(value >= 0, found, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """|x| of numbers x of the normal distribution of mean 0 and standard deviation `scale`.

    >>> import curta
    >>> HalfNormal(1.0).mean
    tensor(0.7979)
    """

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, False), AbsTransform(), validate_args)

    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    variance = property(lambda self: self.scale**2 * (1 - 2 / math.pi))


class HalfCauchy(_Half):
    """|x| of numbers x of the Cauchy distribution around 0; mean and variance are infinite.

    >>> import curta
    >>> HalfCauchy(1.0).cdf(curta.tensor(1.0))
    tensor(0.5000)
    """

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, False), AbsTransform(), validate_args)

    mean = property(lambda self: f.full_like(self.scale, math.inf))
    variance = property(lambda self: f.full_like(self.scale, math.inf))


class Gumbel(TransformedDistribution):
    """The Gumbel distribution of `loc` and `scale`: loc - scale * log(-log(u)) for numbers u even in (0, 1).

    >>> import curta
    >>> Gumbel(0.0, 1.0).mean
    tensor(0.5772)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = same_shape(loc, scale)
        limits = finfo(self.loc.dtype)
        zero = f.zeros_like(self.loc.detach())
        base = Uniform(zero + limits.tiny, zero + (1 - limits.eps), validate_args)
        log = ExpTransform().inv
        steps = [log, AffineTransform(0, -1), log, AffineTransform(self.loc, -self.scale)]
        super().__init__(base, steps, validate_args)

    mean = property(lambda self: self.loc + self.scale * EULER)
    mode = property(lambda self: self.loc)
    stddev = property(lambda self: math.pi / math.sqrt(6) * self.scale)
    variance = property(lambda self: self.stddev**2)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        apart: Tensor = (self.loc - value) / self.scale
        return apart - apart.exp() - self.scale.log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + EULER)


class Weibull(TransformedDistribution):
    """scale * x ** (1 / concentration) of exponential numbers x of rate 1.

    >>> import curta
    >>> Weibull(2.0, 1.0).mean
    tensor(2.)
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}  # noqa: RUF012
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = same_shape(scale, concentration)
        base = Exponential(f.ones_like(self.scale.detach()), validate_args)
        steps = [PowerTransform(self.concentration.reciprocal()), AffineTransform(0, self.scale)]
        super().__init__(base, steps, validate_args)

    @property
    def mean(self) -> Tensor:
        """scale * gamma(1 + 1 / concentration)."""
        return self.scale * (1 + self.concentration.reciprocal()).lgamma().exp()

    @property
    def mode(self) -> Tensor:
        """NaN where the density only falls."""
        share: Any = (self.concentration - 1) / self.concentration
        made: Tensor = self.scale * share ** self.concentration.reciprocal()
        return made

    @property
    def variance(self) -> Tensor:
        """By the gamma function at 1 + 2 / concentration and at 1 + 1 / concentration."""
        step = self.concentration.reciprocal()
        return self.scale**2 * ((1 + 2 * step).lgamma().exp() - (2 * (1 + step).lgamma()).exp())

    def entropy(self) -> Tensor:
        return EULER * (1 - self.concentration.reciprocal()) + (self.scale / self.concentration).log() + 1


class Pareto(TransformedDistribution):
    """Numbers from `scale` on whose share above x is (scale / x) ** alpha.

    >>> import curta
    >>> Pareto(1.0, 2.0).mean
    tensor(2.)
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}  # noqa: RUF012

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = same_shape(scale, alpha)
        steps = [ExpTransform(), AffineTransform(0, self.scale)]
        super().__init__(Exponential(self.alpha, validate_args), steps, validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """Numbers from the scale on."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        """Infinite for alpha up to 1."""
        above: Any = self.alpha.clamp(min=1)
        made: Tensor = above * self.scale / (above - 1)
        return made

    mode = property(lambda self: self.scale)

    @property
    def variance(self) -> Tensor:
        """Infinite for alpha up to 2."""
        above: Any = self.alpha.clamp(min=2)
        made: Tensor = self.scale**2 * above / ((above - 1) ** 2 * (above - 2))
        return made

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


class Kumaraswamy(TransformedDistribution):
    """Numbers in (0, 1) whose share below x is 1 - (1 - x ** concentration1) ** concentration0.

    >>> import curta
    >>> Kumaraswamy(1.0, 1.0).mean
    tensor(0.5000)
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}  # noqa: RUF012
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = same_shape(concentration1, concentration0)
        zero = f.zeros_like(self.concentration0.detach())
        steps = [
            PowerTransform(self.concentration0.reciprocal()),
            AffineTransform(1.0, -1.0),
            PowerTransform(self.concentration1.reciprocal()),
        ]
        super().__init__(Uniform(zero, zero + 1, validate_args), steps, validate_args)

    def _moment(self, n: int) -> Tensor:
        """The mean of x ** n."""
        a: Tensor = 1 + n / self.concentration1
        b = self.concentration0
        return b * (f.lgamma(a) + f.lgamma(b) - f.lgamma(a + b)).exp()

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self._moment(1) ** 2)

    @property
    def mode(self) -> Tensor:
        """NaN where the density is highest at an end."""
        a: Any = self.concentration1
        b = self.concentration0
        made: Tensor = ((a - 1) / (a * b - 1)) ** a.reciprocal()
        return made.masked_fill((a < 1).logical_or(b < 1), math.nan)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = (b + 1).digamma() + EULER
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - a.log() - b.log()


class InverseGamma(TransformedDistribution):
    """1 / x of numbers x of the gamma distribution of `concentration` and `rate`.

    >>> import curta
    >>> InverseGamma(3.0, 1.0).mean
    tensor(0.5000)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}  # noqa: RUF012
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args)
        super().__init__(base, PowerTransform(-f.ones_like(base.rate.detach())), validate_args)

    concentration = property(lambda self: self.base_dist.concentration)
    rate = property(lambda self: self.base_dist.rate)
    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def mean(self) -> Tensor:
        """Infinite for concentrations up to 1."""
        found: Tensor = self.rate / (self.concentration - 1)
        return found.masked_fill(self.concentration <= 1, math.inf)

    @property
    def variance(self) -> Tensor:
        """Infinite for concentrations up to 2."""
        a = self.concentration
        found: Tensor = self.rate**2 / ((a - 1) ** 2 * (a - 2))
        return found.masked_fill(a <= 2, math.inf)

    def entropy(self) -> Tensor:
        a = self.concentration
        made: Tensor = a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()
        return made


class LogisticNormal(TransformedDistribution):
    """Shares that break a stick by normal numbers of mean `loc` [..., K] and standard deviation `scale`: K + 1 of them.

    >>> import curta
    >>> LogisticNormal(curta.zeros(2), curta.ones(2)).event_shape
    torch.Size([3])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args)

    loc = property(lambda self: self.base_dist.base_dist.loc)
    scale = property(lambda self: self.base_dist.base_dist.scale)
