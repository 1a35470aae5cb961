"""Distributions of real numbers of a form that a parameter bends: generalized Pareto, continuous Bernoulli, von Mises.

Angles are drawn by Best and Fisher's method (1979) in float64, all at once until all are accepted.
"""

from __future__ import annotations

import math
from typing import Any

from curta import functions as f
from curta import host, special
from curta.autograd import no_grad
from curta.distributions import constraints
from curta.distributions.discrete import Events
from curta.distributions.distribution import Distribution, Shape, inside_unit, later, same_shape
from curta.dtypes import float64
from curta.nn import functional as F
from curta.tensor import Tensor


class GeneralizedPareto(Distribution):
    """Excesses over `loc`: (1 + concentration * z) ** (-1 / concentration - 1) / scale for z = (x - loc) / scale.

    exp(-z) / scale for a concentration of 0.

    >>> import curta
    >>> GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real,
    }  # fmt: skip
    has_rsample = True
    loc: Tensor
    scale: Tensor
    concentration: Tensor

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = same_shape(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """From loc on, for negative concentrations to where the density ends."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, f.where(self.concentration < 0, end, math.inf))

    def _bend(self) -> tuple[Tensor, Tensor]:
        """Where there is none, and the concentration with 1 in place of it there."""
        none = f.isclose(self.concentration, f.zeros_like(self.concentration))
        return none, f.where(none, 1.0, self.concentration)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(f.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        none, bend = self._bend()
        apart: Tensor = (value - self.loc) / self.scale
        power = 1 / bend + 1
        bent = f.where(power == 0, 0.0, power * f.log1p(bend * apart))
        return -self.scale.log() - f.where(none, apart, bent)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of how likely a sample is above a value."""
        self._validate_sample(value)
        none, bend = self._bend()
        apart: Tensor = (value - self.loc) / self.scale
        return f.where(none, -apart, -f.log1p(bend * apart) / bend)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of `cdf`."""
        return f.log1p(-self.log_survival_function(value).exp())

    def cdf(self, value: Tensor) -> Tensor:
        return self.log_cdf(value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        none, bend = self._bend()
        log = f.log1p(-value)
        return self.loc + self.scale * f.where(none, -log, f.expm1(-bend * log) / bend)

    mode = property(lambda self: self.loc)

    @property
    def mean(self) -> Tensor:
        """NaN for concentrations from 1 on."""
        below: Any = self.concentration.masked_fill(self.concentration >= 1, math.nan)
        made: Tensor = self.loc + self.scale / (1 - below)
        return made

    @property
    def variance(self) -> Tensor:
        """NaN for concentrations from 1/2 on."""
        below: Any = self.concentration.masked_fill(self.concentration >= 0.5, math.nan)
        made: Tensor = self.scale**2 / ((1 - below) ** 2 * (1 - 2 * below))
        return made

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1


class ContinuousBernoulli(Events):
    """Numbers x in [0, 1] of density probs ** x * (1 - probs) ** (1 - x), scaled to add up to 1.

    Between the two `lims`, around 1/2, series take the place of formulas that would round to nothing
    (Loaiza-Ganem and Cunningham 2019).

    >>> import curta
    >>> ContinuousBernoulli(0.5).mean
    tensor(0.5000)
    """

    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self._set(probs, logits)
        super().__init__(self._given.shape, validate_args=validate_args)
        if "probs" in self.__dict__:
            self.__dict__["probs"] = inside_unit(self.__dict__["probs"])
        self._lims = lims

    @later
    def probs(self) -> Tensor:
        """The parameter, away from 0 and 1."""
        return inside_unit(self.logits.sigmoid())

    def _usual(self) -> tuple[Tensor, Tensor]:
        """Where the formulas hold, and the parameter with the lower limit in place of it elsewhere."""
        low, high = self._lims
        usual = (self.probs <= low).logical_or(self.probs > high)
        return usual, f.where(usual, self.probs, low)

    def _log_scale(self) -> Tensor:
        """The logarithm of what the density is scaled by."""
        usual, p = self._usual()
        x = (self.probs - 0.5) ** 2
        log = (f.log1p(-p) - p.log()).abs().log() - (1 - 2 * p).abs().log()
        return f.where(usual, log, math.log(2) + (4 / 3 + 104 / 45 * x) * x)

    @property
    def mean(self) -> Tensor:
        """Between the parameter and 1/2."""
        usual, p = self._usual()
        x: Any = self.probs - 0.5
        found = p / (2 * p - 1) + 1 / (f.log1p(-p) - p.log())
        return f.where(usual, found, 0.5 + (1 / 3 + 16 / 45 * x**2) * x)

    @property
    def variance(self) -> Tensor:
        """At most 1/12."""
        usual, p = self._usual()
        x = (self.probs - 0.5) ** 2
        found = p * (p - 1) / (1 - 2 * p) ** 2 + 1 / (f.log1p(-p) - p.log()) ** 2
        return f.where(usual, found, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(f.rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = f.broadcast_tensors(self.logits, value)
        return self._log_scale() - F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        usual, p = self._usual()
        inner = value.clamp(0, 1)
        found: Any = (p**inner * (1 - p) ** (1 - inner) + p - 1) / (2 * p - 1)
        return f.where(value <= 0, 0.0, f.where(value >= 1, 1.0, f.where(usual, found, value)))

    def icdf(self, value: Tensor) -> Tensor:
        usual, p = self._usual()
        found = (f.log1p(-p + value * (2 * p - 1)) - f.log1p(-p)) / (p.log() - f.log1p(-p))
        return f.where(usual, found, value)

    def entropy(self) -> Tensor:
        none, some = f.log1p(-self.probs), self.probs.log()
        return self.mean * (none - some) - self._log_scale() - none


class VonMises(Distribution):
    """Angles in [-pi, pi) around `loc`, the closer the larger the `concentration`; mean and variance are of angles.

    Samples need the parameters' values: refused in compiled functions.

    >>> import curta
    >>> VonMises(curta.tensor(0.0), curta.tensor(1.0)).log_prob(curta.tensor(0.0))
    tensor(-1.0738)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}  # noqa: RUF012
    support: Any = constraints.real
    loc: Tensor
    concentration: Tensor

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = same_shape(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    mean = property(lambda self: self.loc)
    mode = mean

    @property
    def variance(self) -> Tensor:
        """1 less the mean of cos(x - loc)."""
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        apart: Tensor = self.concentration * ((value - self.loc).cos() - 1)
        return apart - math.log(2 * math.pi) - special.i0e(self.concentration).log()

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        host.known(self.concentration)
        if not host.has_values(self.concentration):
            return f.empty(shape, dtype=self.loc.dtype, device=self.loc.device)
        with no_grad():
            drawn = _angles(self.concentration.to(float64).expand(shape).reshape(-1)).reshape(shape)
            turned = (drawn + self.loc.to(float64) + math.pi) % (2 * math.pi) - math.pi
            return turned.to(self.loc.dtype)


def _angles(concentration: Tensor) -> Tensor:
    """An angle around 0 of each of the concentrations, a vector of float64; NaN for what is none."""
    usual = (concentration > 0).logical_and(concentration < math.inf)
    given, concentration = concentration, f.where(usual, concentration, 1.0)
    tau = 1 + (1 + 4 * concentration**2).sqrt()
    rho = (tau - (2 * tau).sqrt()) / (2 * concentration)
    # where rho rounds to nothing the first two terms of its series
    edge = f.where(concentration < 1e-5, 1 / concentration + concentration, (1 + rho**2) / (2 * rho))
    made, left = f.zeros_like(concentration), f.arange(concentration.numel())
    while left.numel():
        first, second, side = f.rand(3, left.numel(), dtype=float64)
        z, r = (math.pi * first).cos(), edge[left]
        cos = (1 + r * z) / (r + z)
        c = concentration[left] * (r - cos)
        good = (c * (2 - c) > second).logical_or((c / second).log() + 1 - c >= 0)
        made[left[good]] = ((side - 0.5).sign() * f.acos(cos.clamp(-1, 1)))[good]
        left = left[good.logical_not()]
    return f.where(usual, made, f.where(given == math.inf, 0.0, math.nan))
