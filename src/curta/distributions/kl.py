"""Kullback-Leibler divergences, by the pair of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from curta import functions as f
from curta import linalg
from curta.distributions.continuous import Cauchy, Exponential, Laplace, Normal, Uniform
from curta.distributions.discrete import Bernoulli, Binomial, Categorical, Geometric, OneHotCategorical, Poisson
from curta.distributions.distribution import Distribution
from curta.distributions.gamma import Beta, Dirichlet, Gamma
from curta.distributions.several import Independent, MultivariateNormal
from curta.distributions.transformed import (
    EULER,
    Gumbel,
    HalfNormal,
    Pareto,
    TransformedDistribution,
)
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from curta.nn import functional as F
from curta.tensor import Tensor

Rule = Callable[[Any, Any], Tensor]


def _normal(p: Any, q: Any) -> Tensor:
    ratio, apart = (p.scale / q.scale) ** 2, ((p.loc - q.loc) / q.scale) ** 2
    return 0.5 * (ratio + apart - 1 - ratio.log())


def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    return ((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2).log() - (4 * p.scale * q.scale).log()


def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return found.masked_fill((q.low > p.low).logical_or(q.high < p.high), math.inf)


def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


def _gamma(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    moved = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma() + (a - b) * a.digamma()
    return moved + (q.rate - p.rate) * (a / p.rate)


def _dirichlet(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1, keepdim=True)
    volumes = total.squeeze(-1).lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return volumes + ((a - b) * (a.digamma() - total.digamma())).sum(-1)


def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


def _part(p: Tensor, q: Tensor, p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """p * log(p / q), which is 0 where there is no p; without a gradient where p or q is 0."""
    terms = p * (F.logsigmoid(p_logits) - F.logsigmoid(q_logits))
    return terms.masked_fill(q == 0, math.inf).masked_fill(p == 0, 0)


def _bernoulli(p: Any, q: Any) -> Tensor:
    return _part(p.probs, q.probs, p.logits, q.logits) + _part(1 - p.probs, 1 - q.probs, -p.logits, -q.logits)


def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise UnsupportedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    return (p.total_count * _bernoulli(p, q)).masked_fill(p.total_count > q.total_count, math.inf)


def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - f.log1p(-q.probs) / p.probs - q.logits


def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return f.xlogy(p.rate, p.rate) - f.xlogy(p.rate, q.rate) - (p.rate - q.rate)


def _categorical(p: Any, q: Any) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = terms.masked_fill((q.probs == 0).expand_as(terms), math.inf)
    return terms.masked_fill((p.probs == 0).expand_as(terms), 0).sum(-1)


def _multivariate(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    size = p.event_shape[0]
    if size != q.event_shape[0]:
        raise ArgumentError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed"
        )
    ratio = linalg.solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    apart = linalg.solve_triangular(q.scale_tril, (q.loc - p.loc).unsqueeze(-1), upper=False)
    squares = (ratio**2).sum((-2, -1)) + (apart**2).sum((-2, -1))
    return q._log_volume() - p._log_volume() + 0.5 * (squares - size)


def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise UnsupportedError("kl_divergence: both Independent must take as many dimensions together")
    return p._added(kl_divergence(p.base_dist, q.base_dist))


def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise UnsupportedError("kl_divergence: both distributions must be transformed in the same way")
    return kl_divergence(p.base_dist, q.base_dist)


def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return -ratio.log() + apart + ratio * EULER + ((1 + ratio).lgamma() - apart).exp() - (1 + EULER)


def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    found: Tensor = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return found.masked_fill(p.scale < q.scale, math.inf)


# what follows is of unlike pairs: minus the entropy of p, less the mean over p of log q


def _infinite(p: Any, q: Any) -> Tensor:
    """Where q has nothing at some of p's values."""
    return f.full_like(p.mean + q.mean, math.inf)


def _to_normal(p: Any, q: Normal) -> Tensor:
    apart = p.variance + (p.mean - q.loc) ** 2
    found: Tensor = 0.5 * math.log(2 * math.pi) + q.scale.log() + apart / (2 * q.scale**2) - p.entropy()
    return found


def _to_exponential(p: Any, q: Exponential) -> Tensor:
    found: Tensor = q.rate * p.mean - q.rate.log() - p.entropy()
    return found.masked_fill(_lowest(p) < 0, math.inf)


def _to_gamma(p: Any, q: Gamma) -> Tensor:
    shape: Any = q.concentration
    found: Tensor = shape.lgamma() - shape * q.rate.log() - (shape - 1) * _mean_log(p) + q.rate * p.mean - p.entropy()
    return found.masked_fill(_lowest(p) < 0, math.inf)


def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    apart: Tensor = (p.mean - q.loc) / q.scale
    return q.scale.log() + apart + (q.loc / q.scale).exp() * _mean_power(p, 1 / q.scale) - p.entropy()


def _lowest(p: Any) -> Tensor:
    """Where the values of a distribution begin."""
    return p.low if isinstance(p, Uniform) else f.zeros_like(p.mean)


def _even_log(low: Tensor, high: Tensor) -> Tensor:
    """The mean of log x for x even in [low, high]."""
    return (f.xlogy(high, high) - f.xlogy(low, low)) / (high - low) - 1


def _mean_log(p: Any) -> Tensor:
    """The mean of log x."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Exponential):
        return -EULER - p.rate.log()
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    return _even_log(p.low, p.high)


def _mean_power(p: Any, t: Tensor) -> Tensor:
    """The mean of exp(-t x)."""
    if isinstance(p, Exponential):
        return p.rate / (p.rate + t)
    if isinstance(p, Gamma):
        made: Tensor = (1 + t / p.rate) ** -p.concentration
        return made
    if isinstance(p, Normal):
        return (t * t * p.scale**2 / 2 - t * p.loc).exp()
    return ((-t * p.low).exp() - (-t * p.high).exp()) / (t * (p.high - p.low))


def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    apart = p.loc - q.loc
    ratio = apart / p.scale
    mean = math.sqrt(2 / math.pi) * p.scale * (-0.5 * ratio**2).exp() + apart * f.erf(math.sqrt(0.5) * ratio)
    return (2 * q.scale).log() + mean / q.scale - p.entropy()


def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    first, second = q.concentration1, q.concentration0
    volume = first.lgamma() + second.lgamma() - (first + second).lgamma()
    logs = (first - 1) * _even_log(p.low, p.high) + (second - 1) * _even_log(1 - p.high, 1 - p.low)
    found: Tensor = volume - logs - p.entropy()
    return found.masked_fill((p.high > 1).logical_or(p.low < 0), math.inf)


def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    logs = (q.alpha + 1) * _even_log(p.low, p.high)
    found: Tensor = logs - q.alpha.log() - q.alpha * q.scale.log() - p.entropy()
    return found.masked_fill(p.low < q.scale, math.inf)


def _beta_uniform(p: Beta, q: Uniform) -> Tensor:
    found = q.entropy() - p.entropy()
    return found.masked_fill((q.low > 0).logical_or(q.high < 1), math.inf)


def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.probs * q.rate.log() - p.entropy()


_RULES: dict[tuple[type, type], Rule] = {
    (Bernoulli, Bernoulli): _bernoulli,
    (Beta, Beta): _beta,
    (Binomial, Binomial): _binomial,
    (Categorical, Categorical): _categorical,
    (Cauchy, Cauchy): _cauchy,
    (Dirichlet, Dirichlet): _dirichlet,
    (Exponential, Exponential): _exponential,
    (Gamma, Gamma): _gamma,
    (Geometric, Geometric): _geometric,
    (Gumbel, Gumbel): _gumbel,
    (HalfNormal, HalfNormal): _half_normal,
    (Independent, Independent): _independent,
    (Laplace, Laplace): _laplace,
    (MultivariateNormal, MultivariateNormal): _multivariate,
    (Normal, Normal): _normal,
    (OneHotCategorical, OneHotCategorical): _categorical,
    (Pareto, Pareto): _pareto,
    (Poisson, Poisson): _poisson,
    (TransformedDistribution, TransformedDistribution): _transformed,
    (Uniform, Uniform): _uniform,
    (Bernoulli, Poisson): _bernoulli_poisson,
    (Beta, Uniform): _beta_uniform,
    (Normal, Laplace): _normal_laplace,
    (Uniform, Beta): _uniform_beta,
    (Uniform, Pareto): _uniform_pareto,
    **{(p, Normal): _to_normal for p in (Beta, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform)},
    **{(p, Exponential): _to_exponential for p in (Beta, Gamma, Pareto, Uniform)},
    **{(p, Gamma): _to_gamma for p in (Beta, Exponential, Pareto, Uniform)},
    **{(p, Gumbel): _to_gumbel for p in (Exponential, Gamma, Normal, Uniform)},
    **{(p, q): _infinite for p in (Exponential, Gamma) for q in (Beta, Pareto, Uniform)},
    **{(p, q): _infinite for p in (Gumbel, Laplace, Normal) for q in (Beta, Exponential, Gamma, Pareto, Uniform)},
    (Beta, Pareto): _infinite,
    (Pareto, Beta): _infinite,
    (Pareto, Uniform): _infinite,
    (Poisson, Bernoulli): _infinite,
    (Poisson, Binomial): _infinite,
}


def register_kl(type_p: type, type_q: type) -> Callable[[Rule], Rule]:
    """Decorates the function that gives the divergence of two distributions of these classes.

    >>> from curta.distributions.continuous import Normal
    >>> class Mine(Normal):
    ...     pass
    >>> @register_kl(Mine, Mine)
    ... def mine(p, q):
    ...     return 0
    >>> kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0))
    0
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise ArgumentTypeError(f"Expected type_p and type_q to be Distribution subclasses but got {kind!r}")

    def decorate(rule: Rule) -> Rule:
        _RULES[type_p, type_q] = rule
        return rule

    return decorate


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The mean of log p(x) - log q(x) over the samples of `p`; UnsupportedError for pairs that no rule is for.

    >>> from curta.distributions.continuous import Normal
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    for kind in type(p).__mro__:
        for other in type(q).__mro__:
            rule = _RULES.get((kind, other))
            if rule is not None:
                return rule(p, q)
    raise UnsupportedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}")
