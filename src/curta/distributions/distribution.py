"""The base of every distribution: shapes, checks, samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from curta import host
from curta.autograd import no_grad
from curta.distributions.constraints import Constraint, Dependent
from curta.errors import ArgumentError, UnsupportedError
from curta.functions import creation
from curta.number_formats import finfo
from curta.shapes import broadcast_shapes
from curta.size import Size
from curta.tensor import Tensor

Shape = tuple[int, ...]


def _absent(name: str) -> Callable[[Any], Any]:
    def missing(self: Any) -> Any:
        raise UnsupportedError(f"{type(self).__name__}: {name} is not there")

    return missing


class Distribution:
    """Independent distributions in a batch of shape `batch_shape`, each over values of shape `event_shape`.

    `sample` draws without gradients, `rsample` with those of the parameters, where samples have them. Parameters and
    values are checked against `arg_constraints` and `support` unless `validate_args` is False.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    #: how many dimensions a parameter has more than the batch
    _parameter_dims: ClassVar[dict[str, int]] = {}
    _validate_args = True

    def __init__(self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            unmade = name not in self.__dict__ and isinstance(getattr(type(self), name, None), later)
            if unmade or isinstance(constraint, Dependent):
                continue
            value = getattr(self, name)
            valid = constraint.check(value) if is_known(value) else None
            if valid is not None and is_known(valid) and not bool(valid.all()):
                raise ArgumentError(
                    f"Expected parameter {name} (Tensor of shape {tuple(value.shape)}) of distribution {self!r} to "
                    f"satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check what they are given, where nothing else is said."""
        if value not in (True, False):
            raise ArgumentError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of a single value."""
        return self._event_shape

    #: where samples lie, their mean, the likeliest of them, and the variance of each number
    support: Any = property(_absent("support"))
    mean: Any = property(_absent("mean"))
    mode: Any = property(_absent("mode"))
    variance: Any = property(_absent("variance"))
    #: the square root of the variance
    stddev: Any = property(lambda self: self.variance.sqrt())

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Values of shape sample_shape + batch_shape + event_shape, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Values whose gradients with respect to the parameters are known."""
        raise UnsupportedError(f"{type(self).__name__}: rsample is not there: samples have no gradients")

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at a value."""
        raise UnsupportedError(f"{type(self).__name__}: log_prob is not there")

    def cdf(self, value: Tensor) -> Tensor:
        """How likely a sample is at most this value."""
        raise UnsupportedError(f"{type(self).__name__}: cdf is not there")

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of `cdf`."""
        raise UnsupportedError(f"{type(self).__name__}: icdf is not there")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values along a new first dimension, over the batch too with `expand`."""
        raise UnsupportedError(f"{type(self).__name__}: enumerate_support is not there")

    def entropy(self) -> Tensor:
        """The entropy, in nats."""
        raise UnsupportedError(f"{type(self).__name__}: entropy is not there")

    def perplexity(self) -> Tensor:
        """exp(entropy)."""
        return self.entropy().exp()

    def expand(self, batch_shape: Shape) -> Any:
        """The distribution for a larger batch; the memory is shared."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        for name, value in self.__dict__.items():
            if isinstance(value, Tensor):
                behind = self._parameter_dims.get(name, len(self._event_shape))
                kept = tuple(value.shape)[value.dim() - behind :] if behind else ()
                made.__dict__[name] = value.expand((*batch_shape, *kept))
        made._batch_shape = Size(batch_shape)
        return made

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ArgumentError("The value argument to log_prob must be a Tensor")
        behind = value.dim() - len(self._event_shape)
        if tuple(value.shape)[max(0, behind) :] != tuple(self._event_shape):
            raise ArgumentError(
                f"The right-most size of value must match event_shape: {value.shape} vs {self._event_shape}."
            )
        expected = Size((*self._batch_shape, *self._event_shape))
        for one, other in zip(reversed(value.shape), reversed(expected), strict=False):
            if one != 1 and other != 1 and one != other:
                raise ArgumentError(
                    f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {expected}."
                )
        support = self.support
        valid = support.check(value) if is_known(value) else None
        if valid is not None and is_known(valid) and not bool(valid.all()):
            raise ArgumentError(
                f"Expected value argument (Tensor of shape {tuple(value.shape)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        given = [(name, self.__dict__[name]) for name in self.arg_constraints if name in self.__dict__]
        inside = ", ".join(f"{name}: {value if value.numel() == 1 else value.shape}" for name, value in given)
        return f"{type(self).__name__}({inside})"


def is_known(value: Tensor) -> bool:
    """Whether there is something to look at: not on the meta device, nor in what is compiled or mapped."""
    return host.has_values(value) and value.trace is None


def same_shape(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors that have been broadcast."""
    if not all(isinstance(value, (Tensor, int, float)) for value in values):
        raise ArgumentError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    known = next((value for value in values if isinstance(value, Tensor)), None)
    options: dict[str, Any] = {} if known is None else {"dtype": known.dtype, "device": known.device}
    tensors = [value if isinstance(value, Tensor) else creation.full((), float(value), **options) for value in values]
    shape = batch_of(*tensors)
    return tuple(one if tuple(one.shape) == shape else one.expand(shape) for one in tensors)


def either(probs: Any, logits: Any) -> bool:
    """Whether `probs` is given and `logits` is not; ArgumentError for both or none."""
    if (probs is None) == (logits is None):
        raise ArgumentError("Either `probs` or `logits` must be specified, but not both.")
    return probs is not None


def batch_of(*tensors: Tensor) -> Shape:
    """The shape that tensors broadcast to."""
    found: Shape = ()
    for one in tensors:
        found = broadcast_shapes(found, tuple(one.shape))
    return found


def sum_last(values: Tensor, count: int) -> Tensor:
    """The sum over the last `count` dimensions; of none the values themselves."""
    return values.sum(tuple(range(-count, 0))) if count > 0 else values


def inside_unit(probs: Tensor) -> Tensor:
    """Probabilities away from 0 and 1 by as much as 1 is from its neighbour."""
    step = finfo(probs.dtype).eps
    return probs.clamp(step, 1 - step)


class later:  # noqa: N801 - a decorator
    """A value that is worked out when it is first asked for, and kept."""

    def __init__(self, make: Callable[[Any], Tensor]) -> None:
        self._make, self._name = make, make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        found = self._make(instance)
        instance.__dict__[self._name] = found
        return found
