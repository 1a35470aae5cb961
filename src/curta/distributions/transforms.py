"""Invertible functions of numbers, vectors and matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from curta import functions as f
from curta import linalg
from curta.distributions import constraints
from curta.distributions.distribution import Distribution, same_shape, sum_last
from curta.distributions.transform import (
    ComposeTransform,
    IndependentTransform,
    ReshapeTransform,
    Transform,
    identity_transform,
)
from curta.errors import ArgumentError
from curta.nn import functional as F
from curta.number_formats import finfo
from curta.shapes import broadcast_shapes
from curta.size import Size
from curta.tensor import Tensor

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "ComposeTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "identity_transform",
]


class _Plain(Transform):
    """One without parameters: all of a class are the same."""

    def _key(self) -> tuple[Any, ...]:
        return ()


class _Growing(_Plain):
    """One of numbers that grows and has an inverse."""

    bijective = True
    sign = 1


class ExpTransform(_Growing):
    """y = exp(x).

    >>> import curta
    >>> ExpTransform()(curta.tensor(0.0))
    tensor(1.)
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


def _inside_sigmoid(x: Tensor) -> Tensor:
    limits = finfo(x.dtype)
    return x.sigmoid().clamp(limits.tiny, 1 - limits.eps)


class SigmoidTransform(_Growing):
    """y = 1 / (1 + exp(-x)), kept away from 0 and 1.

    >>> import curta
    >>> SigmoidTransform().inv(curta.tensor(0.5))
    tensor(0.)
    """

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return _inside_sigmoid(x)

    def _inverse(self, y: Tensor) -> Tensor:
        limits = finfo(y.dtype)
        y = y.clamp(limits.tiny, 1 - limits.eps)
        return y.log() - f.log1p(-y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -F.softplus(-x) - F.softplus(x)


class TanhTransform(_Growing):
    """y = tanh(x).

    >>> import curta
    >>> x = curta.tensor(20.0)
    >>> TanhTransform().log_abs_det_jacobian(x, x.tanh())
    tensor(-38.6137)
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return f.atanh(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # log(1 - tanh(x) ** 2) where that would round to log(0)
        return 2.0 * (math.log(2.0) - x - F.softplus(-2.0 * x))


class SoftplusTransform(_Growing):
    """y = log(1 + exp(x)).

    >>> import curta
    >>> SoftplusTransform()(curta.tensor(0.0))
    tensor(0.6931)
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return F.softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-f.expm1(-y)).log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -F.softplus(-x)


class AbsTransform(_Plain):
    """y = |x|, whose inverse is y itself.

    >>> import curta
    >>> AbsTransform()(curta.tensor(-2.0))
    tensor(2.)
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


def _values(of: Any) -> Any:
    return of.tolist() if isinstance(of, Tensor) else of


class PowerTransform(Transform):
    """y = x ** exponent, of positive numbers.

    >>> import curta
    >>> PowerTransform(2.0)(curta.tensor(3.0))
    tensor(9.)
    """

    domain = codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        (self.exponent,) = same_shape(exponent)

    sign = property(lambda self: self.exponent.sign())

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def _inverse(self, y: Tensor) -> Tensor:
        made: Tensor = y ** (1 / self.exponent)
        return made

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return Size(broadcast_shapes(tuple(shape), tuple(self.exponent.shape)))

    inverse_shape = forward_shape

    def _key(self) -> tuple[Any, ...]:
        return (_values(self.exponent),)


class AffineTransform(Transform):
    """y = loc + scale * x, for numbers or tensors; of numbers, or of vectors and more with `event_dim`.

    >>> import curta
    >>> AffineTransform(1.0, -2.0)(curta.tensor(3.0))
    tensor(-5.)
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def domain(self) -> Any:
        """All numbers, in blocks of `event_dim` dimensions."""
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    codomain = domain

    @property
    def sign(self) -> Any:
        """That of the scale."""
        return self.scale.sign() if isinstance(self.scale, Tensor) else int(self.scale > 0) - int(self.scale < 0)

    def _call(self, x: Tensor) -> Tensor:
        made: Tensor = self.loc + self.scale * x
        return made

    def _inverse(self, y: Tensor) -> Tensor:
        made: Tensor = (y - self.loc) / self.scale
        return made

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if isinstance(self.scale, Tensor):
            shape = broadcast_shapes(tuple(x.shape), tuple(self.scale.shape))
            return sum_last(self.scale.abs().log().expand(shape), self._event_dim)
        size = math.log(abs(self.scale)) if self.scale else -math.inf
        return sum_last(f.full_like(x, size), self._event_dim)

    def forward_shape(self, shape: Sequence[int]) -> Size:
        both = (tuple(one.shape) for one in (self.loc, self.scale) if isinstance(one, Tensor))
        return Size(broadcast_shapes(tuple(shape), *both))

    inverse_shape = forward_shape

    def _key(self) -> tuple[Any, ...]:
        return _values(self.loc), _values(self.scale)


class CumulativeDistributionTransform(Transform):
    """y = distribution.cdf(x), which is even between 0 and 1 for samples x of the distribution.

    >>> import curta
    >>> from curta.distributions.continuous import Normal
    >>> CumulativeDistributionTransform(Normal(0.0, 1.0))(curta.tensor(0.0))
    tensor(0.5000)
    """

    codomain = constraints.unit_interval
    bijective = True
    sign = 1

    def __init__(self, distribution: Distribution, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    domain = property(lambda self: self.distribution.support)

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)


class _OfVectors(_Plain):
    """One of vectors to such that add up to 1, which are longer by `_more`."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    _more = 0

    def forward_shape(self, shape: Sequence[int]) -> Size:
        if not shape:
            raise ArgumentError("Too few dimensions on input")
        return Size((*shape[:-1], shape[-1] + self._more))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        if not shape:
            raise ArgumentError("Too few dimensions on input")
        return Size((*shape[:-1], shape[-1] - self._more))


class SoftmaxTransform(_OfVectors):
    """y = softmax(x) of vectors, whose inverse is log(y).

    >>> import curta
    >>> SoftmaxTransform()(curta.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def _call(self, x: Tensor) -> Tensor:
        return F.softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()


class StickBreakingTransform(_OfVectors):
    """A vector of K numbers as K + 1 shares: each takes its part of what those before it left; all the same for zeros.

    >>> import curta
    >>> StickBreakingTransform()(curta.zeros(3))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    bijective = True
    _more = 1

    def _shifted(self, x: Tensor) -> Tensor:
        """Less log of how many shares come after, which makes zeros even shares."""
        return x - f.arange(x.shape[-1], 0, -1, dtype=x.dtype, device=x.device).log()

    def _call(self, x: Tensor) -> Tensor:
        part = _inside_sigmoid(self._shifted(x))
        left = (1 - part).cumprod(-1)
        return F.pad(part, [0, 1], value=1) * F.pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        first = y[..., :-1]
        left = (1 - first.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return first.log() - left.log() - self._shifted(f.zeros_like(first))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # each share's slope is itself times what of its stick it leaves, 1 - sigmoid
        return (F.logsigmoid(-self._shifted(x)) + y[..., :-1].log()).sum(-1)


class LowerCholeskyTransform(_Plain):
    """The lower triangle of a matrix, with exp of its diagonal.

    >>> import curta
    >>> LowerCholeskyTransform()(curta.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain: Any = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return f.tril(x, -1) + f.diag_embed(x.diagonal(dim1=-2, dim2=-1).exp())

    def _inverse(self, y: Tensor) -> Tensor:
        return f.tril(y, -1) + f.diag_embed(y.diagonal(dim1=-2, dim2=-1).log())


class PositiveDefiniteTransform(LowerCholeskyTransform):
    """L L^T of the triangle L that `LowerCholeskyTransform` makes.

    >>> import curta
    >>> PositiveDefiniteTransform()(curta.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        lower = super()._call(x)
        return lower @ lower.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return super()._inverse(linalg.cholesky(y))
