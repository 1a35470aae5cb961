"""Invertible functions of real numbers, and the distributions of what they make of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from curta import functions as f
from curta.autograd import no_grad
from curta.distributions import constraints
from curta.distributions.distribution import Distribution, Shape, batch_of
from curta.errors import ArgumentTypeError, UnsupportedError
from curta.nn import functional as F
from curta.number_formats import finfo
from curta.shapes import broadcast_shapes
from curta.tensor import Tensor


class Transform:
    """y = transform(x), `transform.inv(y)` and log |dy / dx|, all element by element.

    `domain` and `codomain` are where x and y lie, `sign` is 1 for functions that grow, else -1.
    """

    domain: constraints.Constraint = constraints.real
    codomain: constraints.Constraint = constraints.real
    bijective = True
    sign: Any = 1

    def __call__(self, x: Tensor) -> Tensor:
        return self._call(x)

    @property
    def inv(self) -> Transform:
        """The inverse."""
        return _Inverse(self)

    def _call(self, x: Tensor) -> Tensor:
        raise UnsupportedError(f"{type(self).__name__}: its function is not there")

    def _inverse(self, y: Tensor) -> Tensor:
        raise UnsupportedError(f"{type(self).__name__}: its inverse is not there")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |dy / dx| at x, which y is made of."""
        raise UnsupportedError(f"{type(self).__name__}: log_abs_det_jacobian is not there")

    def _key(self) -> tuple[Any, ...]:
        return ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    def __init__(self, forward: Transform) -> None:
        self._forward = forward
        self.domain, self.codomain, self.sign = forward.codomain, forward.domain, forward.sign

    @property
    def inv(self) -> Transform:
        return self._forward

    def _call(self, x: Tensor) -> Tensor:
        return self._forward._inverse(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._forward._call(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self._forward.log_abs_det_jacobian(y, x)

    def _key(self) -> tuple[Any, ...]:
        return (self._forward,)

    def __repr__(self) -> str:
        return f"_InverseTransform({self._forward!r})"


class ExpTransform(Transform):
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


class SigmoidTransform(Transform):
    """y = 1 / (1 + exp(-x)), kept away from 0 and 1.

    >>> import curta
    >>> SigmoidTransform().inv(curta.tensor(0.5))
    tensor(0.)
    """

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        limits = finfo(x.dtype)
        return x.sigmoid().clamp(limits.tiny, 1 - limits.eps)

    def _inverse(self, y: Tensor) -> Tensor:
        limits = finfo(y.dtype)
        y = y.clamp(limits.tiny, 1 - limits.eps)
        return y.log() - f.log1p(-y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -F.softplus(-x) - F.softplus(x)


class TanhTransform(Transform):
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


class AffineTransform(Transform):
    """y = loc + scale * x, for numbers or tensors.

    >>> import curta
    >>> AffineTransform(1.0, -2.0)(curta.tensor(3.0))
    tensor(-5.)
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc, self.scale = loc, scale

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
            return self.scale.abs().log().expand(broadcast_shapes(tuple(x.shape), tuple(self.scale.shape)))
        return f.full_like(x, math.log(abs(self.scale)))

    def _key(self) -> tuple[Any, ...]:
        return tuple(one.tolist() if isinstance(one, Tensor) else one for one in (self.loc, self.scale))


class ComposeTransform(Transform):
    """Several functions, the first one first.

    >>> import curta
    >>> ComposeTransform([AffineTransform(1.0, 2.0), ExpTransform()])(curta.tensor(-0.5))
    tensor(1.)
    """

    def __init__(self, parts: Sequence[Transform]) -> None:
        self.parts = list(parts)
        if self.parts:
            self.domain, self.codomain = self.parts[0].domain, self.parts[-1].codomain

    @property
    def sign(self) -> Any:
        """The product of all signs."""
        made: Any = 1
        for part in self.parts:
            made = made * part.sign
        return made

    def _call(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for part in reversed(self.parts):
            y = part.inv(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        total = f.zeros_like(x)
        for part in self.parts:
            after = part(x)
            total = total + part.log_abs_det_jacobian(x, after)
            x = after
        return total

    def _key(self) -> tuple[Any, ...]:
        return tuple(self.parts)

    def __repr__(self) -> str:
        inside = ",\n    ".join(map(repr, self.parts))
        return f"ComposeTransform(\n    {inside}\n)"


class TransformedDistribution(Distribution):
    """The distribution of transform(x) for samples x of another one; `transforms` is a transform or several in order.

    >>> import curta
    >>> from curta.distributions.continuous import Normal
    >>> squashed = TransformedDistribution(Normal(0.0, 1.0), TanhTransform())
    >>> squashed.log_prob(curta.tensor(0.0))
    tensor(-0.9189)
    """

    def __init__(
        self, base_distribution: Distribution, transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(one, Transform) for one in self.transforms):
            raise ArgumentTypeError(f"transforms must be a Transform or a list of Transforms, but was {transforms!r}")
        batch = tuple(base_distribution.batch_shape)
        for one in self.transforms:
            if isinstance(one, AffineTransform):
                batch = broadcast_shapes(batch, batch_of(*(t for t in (one.loc, one.scale) if isinstance(t, Tensor))))
        known = tuple(base_distribution.batch_shape) == batch or bool(base_distribution.event_shape)
        self.base_dist = base_distribution if known else base_distribution.expand(batch)
        super().__init__(self.base_dist.batch_shape, base_distribution.event_shape, validate_args)

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    @property
    def support(self) -> constraints.Constraint:
        """What the last transform leads to."""
        if not self.transforms:
            return self.base_dist.support
        last, count = self.transforms[-1].codomain, len(self._event_shape)
        return constraints.independent(last, count) if count else last

    def expand(self, batch_shape: Shape) -> Any:
        made = super().expand(batch_shape)
        made.base_dist = self.base_dist.expand(batch_shape)
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
        y = value
        for one in reversed(self.transforms):
            x = one.inv(y)
            slopes = one.log_abs_det_jacobian(x, y)
            count = len(self._event_shape)
            total = total - (slopes.sum(tuple(range(-count, 0))) if count else slopes)
            y = x
        return total + self.base_dist.log_prob(y)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        sign: Any = 1
        for one in reversed(self.transforms):
            value = one.inv(value)
            sign = sign * one.sign
        made: Tensor = sign * (self.base_dist.cdf(value) - 0.5) + 0.5
        return made

    def icdf(self, value: Tensor) -> Tensor:
        sign: Any = 1
        for one in self.transforms:
            sign = sign * one.sign
        return self._moved(self.base_dist.icdf(sign * (value - 0.5) + 0.5))
