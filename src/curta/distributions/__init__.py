"""Probability distributions under PyTorch's names: samples, densities, entropies, divergences."""

from curta.distributions import constraints, kl
from curta.distributions.continuous import Cauchy, Exponential, Laplace, LogNormal, Normal, Uniform
from curta.distributions.discrete import Bernoulli, Binomial, Categorical, Geometric, OneHotCategorical, Poisson
from curta.distributions.distribution import Distribution
from curta.distributions.gamma import Beta, Chi2, Dirichlet, Gamma, StudentT
from curta.distributions.kl import kl_divergence, register_kl
from curta.distributions.several import Independent, MultivariateNormal

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "Independent",
    "Laplace",
    "LogNormal",
    "MultivariateNormal",
    "Normal",
    "OneHotCategorical",
    "Poisson",
    "StudentT",
    "Uniform",
    "constraints",
    "kl",
    "kl_divergence",
    "register_kl",
]
