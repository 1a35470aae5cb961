"""Probability distributions under PyTorch's names: samples, densities, entropies, divergences."""

from curta.distributions import constraints, kl, transforms
from curta.distributions.continuous import Cauchy, Exponential, Laplace, LogNormal, Normal, Uniform
from curta.distributions.discrete import Bernoulli, Binomial, Categorical, Geometric, OneHotCategorical, Poisson
from curta.distributions.distribution import Distribution
from curta.distributions.gamma import Beta, Chi2, Dirichlet, Gamma, StudentT
from curta.distributions.kl import kl_divergence, register_kl
from curta.distributions.several import Independent, MultivariateNormal
from curta.distributions.transforms import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    SigmoidTransform,
    TanhTransform,
    Transform,
    TransformedDistribution,
)

__all__ = [
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ComposeTransform",
    "Dirichlet",
    "Distribution",
    "ExpTransform",
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
    "SigmoidTransform",
    "StudentT",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "constraints",
    "kl",
    "kl_divergence",
    "register_kl",
    "transforms",
]
