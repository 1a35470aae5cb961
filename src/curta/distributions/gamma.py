"""The gamma distribution and those made of it: chi-squared, beta, Dirichlet's, Student's t.

Gamma numbers are drawn by Marsaglia and Tsang's method (2000) in float64, all at once until all are accepted. How they
move with the shape is worked out implicitly (Figurnov et al. 2018), from the power series of the incomplete gamma
function, in about as many steps as the largest number says.
"""

from __future__ import annotations

import math
from typing import Any

from curta import functions as f
from curta import host
from curta.autograd import Function, no_grad
from curta.autograd.function import once_differentiable
from curta.autograd.state import STATE
from curta.distributions import constraints
from curta.distributions.distribution import Distribution, Shape, same_shape
from curta.dtypes import float64
from curta.errors import ArgumentError
from curta.nn import functional as F
from curta.number_formats import finfo
from curta.tensor import Tensor

#: terms that change nothing in float64
_NOTHING = 2.0**-56
#: from this shape on an expansion in 1 / sqrt(shape) is exact to 1e-9, where the series would take as many steps
_LARGE = 1e4


def _drawn(shape: Tensor) -> Tensor:
    """A number of the gamma distribution of each of the shapes, a vector of float64; what is no shape gives NaN."""
    usual = (shape >= 0).logical_and(shape < math.inf)
    given, shape = shape, f.where(usual, shape, 1.0)
    boosted = f.where(shape < 1, shape + 1, shape)
    d = boosted - 1 / 3
    c = 1 / (9 * d).sqrt()
    made, left = f.zeros_like(shape), f.arange(shape.numel())
    while left.numel():
        x, u = f.randn(left.numel(), dtype=float64), f.rand(left.numel(), dtype=float64)
        here = d[left]
        cube = (1 + c[left] * x) ** 3
        good = (cube > 0).logical_and((1 - u).log() < 0.5 * x * x + here * (1 - cube + cube.clamp(min=_NOTHING).log()))
        made[left[good]] = (here * cube)[good]
        left = left[good.logical_not()]
    smaller = (1 - f.rand(shape.numel(), dtype=float64)) ** (1 / shape)
    made = f.where(shape < 1, made * smaller, made).clamp(min=finfo(float64).tiny)
    return f.where(usual, made, f.where(given > 0, given, math.nan))


def _slopes(x: Tensor, shape: Tensor) -> Tensor:
    """How numbers of the gamma distribution move with its shape where their share of it stays: -dP/da over the density.

    P is a sum over n of x**(a + n) exp(-x) / gamma(a + n + 1); each term is the one before times x / (a + n + 1).
    """
    small = (shape < _LARGE).logical_and(x < math.inf)
    far, (x, shape) = _far_slopes(x, shape), (f.where(small, one, 1.0) for one in (x, shape))
    term, total, n = 1 / shape, f.zeros_like(x), 1
    height = x.log() - (shape + 1).digamma()
    while True:
        total = total + term * height
        factor = x / (shape + n)
        rest = term * height.abs().clamp(min=1)  # of the height alone some are 0 on their way to below it
        if bool((rest <= _NOTHING * total.abs()).logical_and(factor < 0.9).all()):
            return f.where(small, -x * total, far)
        term = term * factor
        height = height - 1 / (shape + n)
        n += 1


def _far_slopes(x: Tensor, shape: Tensor) -> Tensor:
    """The same of a large shape: the slope of Cornish and Fisher's expansion of a quantile, at the normal number z.

    x = a + z sqrt(a) + (z**2 - 1) / 3 + (z**3 - 7 z) / (36 sqrt(a)) - (3 z**4 + 7 z**2 - 16) / (810 a) + ...
    """
    root = shape.sqrt()
    apart = z = (x - shape) / root
    for _ in range(8):  # z changes by a hundredth of what it did before, or by less
        z = apart - ((z**2 - 1) / 3 + (z**3 - 7 * z) / (36 * root) - (3 * z**4 + 7 * z**2 - 16) / (810 * shape)) / root
    third, fourth = (z**3 - 7 * z) / 72, (3 * z**4 + 7 * z**2 - 16) / 810
    return 1 + z / (2 * root) - third / (root * shape) + fourth / shape**2


class _Following(Function):
    """Numbers that were drawn, and follow the shape in the backward pass; accounts cannot count that."""

    @staticmethod
    def forward(ctx: Any, drawn: Tensor, shape: Tensor) -> Tensor:
        ctx.save_for_backward(drawn, shape)
        return _of_format(drawn, shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[None, Tensor]:
        drawn, shape = ctx.saved_tensors
        slopes = _slopes(drawn, shape.reshape(-1).to(float64))
        return None, g * slopes.reshape(shape.shape).to(g.dtype)


def _of_format(drawn: Tensor, shape: Tensor) -> Tensor:
    return drawn.reshape(shape.shape).to(shape.dtype).clamp(min=finfo(shape.dtype).tiny)


def standard_gamma(shape: Tensor) -> Tensor:
    """Numbers of the gamma distribution of rate 1; where a gradient is wanted it has one, once."""
    host.known(shape)
    if not host.has_values(shape):
        return f.empty_like(shape)
    with no_grad():
        drawn = _drawn(shape.detach().reshape(-1).to(float64))
    if not (STATE.grad_enabled and shape.requires_grad):
        return _of_format(drawn, shape.detach())
    made: Tensor = _Following.apply(drawn, shape)
    return made


class Gamma(Distribution):
    """The gamma distribution: x ** (concentration - 1) * exp(-rate * x), scaled to add up to 1.

    Samples need the parameters' values: refused in compiled functions.

    >>> import curta
    >>> Gamma(2.0, 4.0).mean
    tensor(0.5000)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}  # noqa: RUF012
    support: Any = constraints.nonnegative
    has_rsample = True
    concentration: Any
    rate: Any

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = same_shape(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate**2)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        made = standard_gamma(self.concentration.expand(self._extended_shape(sample_shape))) / self.rate
        return made.clamp(min=finfo(made.dtype).tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        shape: Any = self.concentration
        value = value.to(self.rate.dtype)
        return f.xlogy(shape, self.rate) + f.xlogy(shape - 1, value) - self.rate * value - shape.lgamma()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return f.igamma(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        shape: Any = self.concentration
        return shape - self.rate.log() + shape.lgamma() + (1 - shape) * shape.digamma()


class Chi2(Gamma):
    """The distribution of the sum of `df` squares of normal numbers.

    >>> import curta
    >>> Chi2(3.0).mean
    tensor(3.)
    """

    arg_constraints = {"df": constraints.positive}  # noqa: RUF012

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (freedom,) = same_shape(df)
        super().__init__(0.5 * freedom, 0.5, validate_args)

    df = property(lambda self: self.concentration * 2)


class Dirichlet(Distribution):
    """Vectors of shares that add up to 1, more even the larger the `concentration` [..., K].

    >>> import curta
    >>> Dirichlet(curta.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}  # noqa: RUF012
    _parameter_dims = {"concentration": 1}  # noqa: RUF012
    support: Any = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ArgumentError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(tuple(concentration.shape)[:-1], tuple(concentration.shape)[-1:], validate_args)

    @property
    def _sum(self) -> Tensor:
        return self.concentration.sum(-1, keepdim=True)

    mean = property(lambda self: self.concentration / self._sum)
    variance = property(lambda self: self.mean * (1 - self.mean) / (self._sum + 1))

    @property
    def mode(self) -> Tensor:
        """The likeliest shares; where all concentrations are below 1, all of the first."""
        above = (self.concentration - 1).clamp(min=0)
        corner = F.one_hot(above.argmax(-1), self._event_shape[0]).to(above.dtype)
        return f.where((self.concentration < 1).all(-1, keepdim=True), corner, above / above.sum(-1, keepdim=True))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        made = standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        return made / made.sum(-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        shape: Any = self.concentration
        return f.xlogy(shape - 1, value).sum(-1) + shape.sum(-1).lgamma() - shape.lgamma().sum(-1)

    def entropy(self) -> Tensor:
        shape: Any = self.concentration
        count, total = self._event_shape[0], shape.sum(-1)
        volume = shape.lgamma().sum(-1) - total.lgamma()
        return volume - (count - total) * total.digamma() - ((shape - 1) * shape.digamma()).sum(-1)


class Beta(Distribution):
    """The beta distribution: x ** (concentration1 - 1) * (1 - x) ** (concentration0 - 1), scaled to add up to 1.

    >>> import curta
    >>> Beta(1.0, 3.0).mean
    tensor(0.2500)
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}  # noqa: RUF012
    support: Any = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        both = same_shape(concentration1, concentration0)
        self._dirichlet = Dirichlet(f.stack(list(both), -1), validate_args)
        super().__init__(both[0].shape, validate_args=validate_args)

    concentration1 = property(lambda self: self._dirichlet.concentration[..., 0])
    concentration0 = property(lambda self: self._dirichlet.concentration[..., 1])
    mean = property(lambda self: self._dirichlet.mean[..., 0])
    mode = property(lambda self: self._dirichlet.mode[..., 0])
    variance = property(lambda self: self._dirichlet.variance[..., 0])

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        made._dirichlet = self._dirichlet.expand(batch_shape)
        return made

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._dirichlet.rsample(sample_shape)[..., 0]

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        first, second = self.concentration1, self.concentration0
        volume = first.lgamma() + second.lgamma() - (first + second).lgamma()
        made: Tensor = f.xlogy(first - 1, value) + f.xlogy(second - 1, 1 - value) - volume
        return made

    def entropy(self) -> Tensor:
        return self._dirichlet.entropy()


class StudentT(Distribution):
    """Student's t distribution with `df` degrees of freedom, around `loc`, scaled by `scale`.

    >>> import curta
    >>> StudentT(3.0).variance
    tensor(3.)
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support: Any = constraints.real
    has_rsample = True
    df: Tensor
    loc: Tensor
    scale: Tensor

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = same_shape(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    mean = property(lambda self: self.loc.masked_fill(self.df <= 1, math.nan))
    mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Tensor:
        """Infinite for df up to 2, NaN up to 1."""
        found = self.scale**2 * self.df / (self.df - 2)
        return found.masked_fill(self.df <= 2, math.inf).masked_fill(self.df <= 1, math.nan)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        normal = f.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        squares = 2 * standard_gamma((0.5 * self.df).expand(shape))
        return self.loc + self.scale * normal * (squares / self.df).rsqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        apart, half = (value - self.loc) / self.scale, 0.5 * self.df
        volume = self.scale.log() + 0.5 * (self.df.log() + math.log(math.pi)) + half.lgamma() - (half + 0.5).lgamma()
        return -(half + 0.5) * (apart**2 / self.df).log1p() - volume

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        lbeta = half.lgamma() + 0.5 * math.log(math.pi) - (half + 0.5).lgamma()
        change = (half + 0.5) * ((half + 0.5).digamma() - half.digamma())
        return self.scale.log() + change + 0.5 * self.df.log() + lbeta


class FisherSnedecor(Distribution):
    """The distribution of the ratio of two means of squares of normal numbers, `df1` and `df2` of them.

    >>> import curta
    >>> FisherSnedecor(2.0, 4.0).mean
    tensor(2.)
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}  # noqa: RUF012
    support: Any = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = same_shape(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """NaN for df2 up to 2."""
        below = self.df2.masked_fill(self.df2 <= 2, math.nan)
        return below / (below - 2)

    @property
    def mode(self) -> Tensor:
        """NaN for df1 up to 2."""
        found = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return found.masked_fill(self.df1 <= 2, math.nan)

    @property
    def variance(self) -> Tensor:
        """NaN for df2 up to 4."""
        below: Any = self.df2.masked_fill(self.df2 <= 4, math.nan)
        made: Tensor = 2 * below**2 * (self.df1 + below - 2) / (self.df1 * (below - 2) ** 2 * (below - 4))
        return made

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        above, below = (Gamma(0.5 * df, df, validate_args=False).rsample(sample_shape) for df in (self.df1, self.df2))
        return (above / below).clamp(min=finfo(above.dtype).tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        first, second, ratio = 0.5 * self.df1, 0.5 * self.df2, self.df1 / self.df2
        volume = (first + second).lgamma() - first.lgamma() - second.lgamma() + first * ratio.log()
        return volume + (first - 1) * value.log() - (first + second) * f.log1p(ratio * value)
