"""Distributions of vectors: dimensions of a batch taken together, and the normal distribution in several dimensions."""

from __future__ import annotations

import math
from typing import Any

from curta import functions as f
from curta import linalg
from curta.autograd import no_grad
from curta.distributions import constraints
from curta.distributions.discrete import Categorical
from curta.distributions.distribution import Distribution, Shape, batch_of, later, sum_last
from curta.errors import ArgumentError, UnsupportedError
from curta.nn import functional as F
from curta.size import Size
from curta.tensor import Tensor


class Independent(Distribution):
    """A distribution whose last `reinterpreted_batch_ndims` batch dimensions are dimensions of the value.

    >>> import curta
    >>> from curta.distributions.continuous import Normal
    >>> Independent(Normal(curta.zeros(3), 1.0), 1).log_prob(curta.zeros(3)).shape
    torch.Size([])
    """

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        batch = tuple(base_distribution.batch_shape)
        if reinterpreted_batch_ndims > len(batch):
            raise ArgumentError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{reinterpreted_batch_ndims} vs {len(batch)}"
            )
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        kept = len(batch) - reinterpreted_batch_ndims
        super().__init__(batch[:kept], (*batch[kept:], *base_distribution.event_shape), validate_args)

    @property
    def support(self) -> constraints.Constraint:
        """Blocks of what the base has."""
        base, count = self.base_dist.support, self.reinterpreted_batch_ndims
        return constraints.independent(base, count) if count else base

    has_rsample = property(lambda self: self.base_dist.has_rsample)
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        inner = tuple(self._event_shape)[: self.reinterpreted_batch_ndims]
        made.base_dist = self.base_dist.expand((*batch_shape, *inner))
        return made

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def _added(self, values: Tensor) -> Tensor:
        return sum_last(values, self.reinterpreted_batch_ndims)

    def log_prob(self, value: Tensor) -> Tensor:
        return self._added(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._added(self.base_dist.entropy())

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        """That of the base, where no dimensions are taken together."""
        return self.base_dist.has_enumerate_support and not self.reinterpreted_batch_ndims

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims > 0:
            raise UnsupportedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class MultivariateNormal(Distribution):
    """The normal distribution of mean `loc` [..., D] and a covariance [..., D, D], given in one of three forms.

    These are `covariance_matrix`, its inverse `precision_matrix`, or the lower triangular L of L L^T, `scale_tril`.

    >>> import curta
    >>> MultivariateNormal(curta.zeros(2), curta.eye(2)).log_prob(curta.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    _parameter_dims = {  # noqa: RUF012
        "loc": 1, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2, "_triangle": 2,
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True
    loc: Tensor

    def __init__(
        self, loc: Tensor, covariance_matrix: Tensor | None = None, precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None, validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if loc.dim() < 1:
            raise ArgumentError("loc must be at least one-dimensional.")
        forms = {
            "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril,
        }  # fmt: skip
        given = [(name, value) for name, value in forms.items() if value is not None]
        if len(given) != 1:
            raise ArgumentError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        name, matrix = given[0]
        if matrix.dim() < 2:
            raise ArgumentError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = batch_of(matrix[..., 0, 0], loc[..., 0])
        size = loc.shape[-1]
        self.__dict__[name] = matrix.expand((*batch, size, size))
        self.loc = loc.expand((*batch, size))
        super().__init__(batch, (size,), validate_args)
        if name == "scale_tril":
            self._triangle = self.__dict__[name]
        elif name == "covariance_matrix":
            self._triangle = linalg.cholesky(self.__dict__[name])
        else:
            self._triangle = _of_inverse(self.__dict__[name])

    @later
    def scale_tril(self) -> Tensor:
        """L, of the covariance L L^T."""
        return self._triangle

    @later
    def covariance_matrix(self) -> Tensor:
        """L L^T."""
        return self._triangle @ self._triangle.mT

    @later
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return f.cholesky_inverse(self._triangle)

    mean = property(lambda self: self.loc)
    mode = mean
    variance = property(lambda self: (self._triangle**2).sum(-1))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        drawn = f.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self._triangle @ drawn.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        apart = (value - self.loc).unsqueeze(-1)
        square = (linalg.solve_triangular(self._triangle, apart, upper=False) ** 2).sum((-2, -1))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + square) - self._log_volume()

    def _log_volume(self) -> Tensor:
        """The logarithm of L's determinant."""
        return self._triangle.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def entropy(self) -> Tensor:
        return 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + self._log_volume()


def _of_inverse(precision: Tensor) -> Tensor:
    """The lower L of L L^T, the inverse of a matrix: by the factor of that matrix turned over in both directions."""
    turned = linalg.cholesky(precision.flip((-2, -1)))
    lower = turned.flip((-2, -1)).mT
    eye = f.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return linalg.solve_triangular(lower, eye, upper=False)


class MixtureSameFamily(Distribution):
    """Values of one of K distributions of a kind, the last dimension of a batch, chosen by a `Categorical` of K.

    >>> import curta
    >>> from curta.distributions.continuous import Normal
    >>> two = Normal(curta.tensor([-1.0, 1.0]), 0.1)
    >>> MixtureSameFamily(Categorical(curta.tensor([1.0, 3.0])), two).mean
    tensor(0.5000)
    """

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(mixture_distribution, Categorical):
            raise ArgumentError("The Mixture distribution needs to be an instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ArgumentError(
                "The Component distribution needs to be an instance of torch.distributions.Distribution"
            )
        chosen, batch = mixture_distribution.batch_shape, Size(component_distribution.batch_shape[:-1])
        for one, other in zip(reversed(chosen), reversed(batch), strict=False):
            if one != 1 and other != 1 and one != other:
                raise ArgumentError(
                    f"`mixture_distribution.batch_shape` ({chosen}) is not compatible with "
                    f"`component_distribution.batch_shape`({batch})"
                )
        count = mixture_distribution.logits.shape[-1]
        components = component_distribution.batch_shape[-1]
        if count != components:
            raise ArgumentError(
                f"`mixture_distribution component` ({count}) does not equal `component_distribution.batch_shape[-1]` "
                f"({components})"
            )
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        super().__init__(batch, component_distribution.event_shape, validate_args)

    @property
    def mixture_distribution(self) -> Categorical:
        """What chooses."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """What is chosen from."""
        return self._component_distribution

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        count = self._component_distribution.batch_shape[-1]
        made._component_distribution = self._component_distribution.expand((*batch_shape, count))
        made._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        return made

    @property
    def support(self) -> constraints.Constraint:
        """What the components have."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    def _of_all(self, value: Tensor) -> Tensor:
        """A value that stands for all components."""
        return value.unsqueeze(-1 - len(self._event_shape))

    def _weighed(self, values: Tensor) -> Tensor:
        """The mean over the components of what is given for each."""
        probs = self._mixture_distribution.probs
        probs = probs.reshape((*probs.shape, *(1,) * len(self._event_shape)))
        return (probs * values).sum(-1 - len(self._event_shape))

    mean = property(lambda self: self._weighed(self._component_distribution.mean))

    @property
    def variance(self) -> Tensor:
        """The mean variance, and the variance of the means."""
        parts = self._component_distribution
        return self._weighed(parts.variance + (parts.mean - self._of_all(self.mean)) ** 2)

    def cdf(self, value: Tensor) -> Tensor:
        return (self._component_distribution.cdf(self._of_all(value)) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logs = self._component_distribution.log_prob(self._of_all(value))
        return (logs + F.log_softmax(self._mixture_distribution.logits, -1)).logsumexp(-1)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        sample_shape, events = tuple(sample_shape), tuple(self._event_shape)
        with no_grad():
            drawn = self._component_distribution.sample(sample_shape)
            chosen = self._mixture_distribution.sample(sample_shape)
            missing = (1,) * (len(self._batch_shape) - len(self._mixture_distribution.batch_shape))
            chosen = chosen.reshape((*sample_shape, *missing, *self._mixture_distribution.batch_shape))
            chosen = chosen.reshape((*chosen.shape, *(1,) * (len(events) + 1)))
            dim = len(sample_shape) + len(self._batch_shape)
            wanted = (*sample_shape, *self._batch_shape, 1, *events)
            return drawn.gather(dim, chosen.expand(wanted)).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
