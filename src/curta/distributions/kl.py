"""Kullback-Leibler divergences, by the pair of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from curta import functions as f
from curta import linalg
from curta.distributions.continuous import Cauchy, Exponential, Laplace, LogNormal, Normal, Uniform
from curta.distributions.discrete import Bernoulli, Binomial, Categorical, Geometric, OneHotCategorical, Poisson
from curta.distributions.distribution import Distribution
from curta.distributions.gamma import Beta, Dirichlet, Gamma
from curta.distributions.several import Independent, MultivariateNormal
from curta.errors import ArgumentError, UnsupportedError
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


def _part(share: Tensor, of: Tensor) -> Tensor:
    """share * log(share / of), which is 0 where there is no share."""
    return f.xlogy(share, share) - f.xlogy(share, of)


def _bernoulli(p: Any, q: Any) -> Tensor:
    return _part(p.probs, q.probs) + _part(1 - p.probs, 1 - q.probs)


def _binomial(p: Binomial, q: Binomial) -> Tensor:
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
    ratio = linalg.solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    apart = linalg.solve_triangular(q.scale_tril, (q.loc - p.loc).unsqueeze(-1), upper=False)
    squares = (ratio**2).sum((-2, -1)) + (apart**2).sum((-2, -1))
    return q._log_volume() - p._log_volume() + 0.5 * (squares - size)


def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise UnsupportedError("kl_divergence: both Independent must take as many dimensions together")
    return p._added(kl_divergence(p.base_dist, q.base_dist))


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
    (Independent, Independent): _independent,
    (Laplace, Laplace): _laplace,
    (LogNormal, LogNormal): _normal,
    (MultivariateNormal, MultivariateNormal): _multivariate,
    (Normal, Normal): _normal,
    (OneHotCategorical, OneHotCategorical): _categorical,
    (Poisson, Poisson): _poisson,
    (Uniform, Uniform): _uniform,
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
            raise ArgumentError(f"Expected type_p and type_q to be Distribution subclasses but got {kind!r}")

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
