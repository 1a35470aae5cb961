"""Curta's error types: each is what PyTorch raises in the same place, so that programs catch them the same way."""

#: classes that other frameworks have too
_COMMON = {"Tensor", "Parameter", "dtype", "device"}


def kind_of(value: object) -> str:
    """What a message calls the class of a value: with its package where it is another framework's of the same name.

    >>> kind_of(3), kind_of([])
    ('int', 'list')
    """
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    return f"{package}.{kind.__name__}" if kind.__name__ in _COMMON and package != "curta" else kind.__name__


class CurtaError(Exception):
    """Base of every error that Curta raises itself.

    >>> issubclass(ShapeError, CurtaError) and issubclass(ShapeError, RuntimeError)
    True
    """


class ShapeError(CurtaError, RuntimeError):
    """Shapes or strides do not fit the operator."""


class DTypeError(CurtaError, RuntimeError):
    """A dtype that the operator does not take, or a result that cannot be stored as asked."""


class DeviceError(CurtaError, RuntimeError):
    """A device that is not there, or tensors on different devices."""


class AutogradError(CurtaError, RuntimeError):
    """A backward pass that cannot be done."""


class DivisionByZeroError(CurtaError, RuntimeError, ZeroDivisionError):
    """Integers divided by zero."""


class ArgumentError(CurtaError, ValueError):
    """An argument's value is out of its range."""


class ArgumentTypeError(CurtaError, TypeError):
    """An argument has the wrong type, or is one that Curta does not support."""


class FileFormatError(CurtaError, ValueError):
    """A file that is not what it says it is: damaged, cut short, or written to mislead."""


class IndexRangeError(CurtaError, IndexError):
    """A dimension or an index is out of range."""


class UnsupportedError(CurtaError, NotImplementedError):
    """Something PyTorch offers that Curta does not, named."""


class UnsupportedDTypeError(DTypeError, UnsupportedError):
    """An operator that is not defined for numbers of this dtype."""


class NoDataError(DeviceError, UnsupportedError):
    """The values of a tensor that has none, as on the meta device."""


class ExchangeError(CurtaError, BufferError):
    """Memory that cannot be shared with another framework."""


class NoSuchAttributeError(CurtaError, AttributeError):
    """A module has no parameter, buffer or submodule of that name."""


class NameTakenError(CurtaError, KeyError):
    """A name that a parameter, buffer or submodule cannot have."""

    __str__ = Exception.__str__  # KeyError's own would quote the sentence


class EinopsError(CurtaError, RuntimeError, ValueError):
    """A pattern of `curta.einops` that says nothing, or does not fit the tensor; shows the place in the pattern."""


class MappingError(CurtaError, RuntimeError):
    """Something that `curta.func.vmap` cannot map over a tensor's slices."""


class CompileError(CurtaError, RuntimeError):
    """A function that `curta.compile` cannot make a program of; the message names the line."""


class OrderError(CurtaError, RuntimeError, AssertionError):
    """A call before the one that it needs, or once too often; PyTorch raises now the one type, now the other."""


class CostError(CurtaError, RuntimeError):
    """Work that an account cannot count, named, with what to do."""


class PlanError(CurtaError, RuntimeError):
    """A function that `curta.plan` cannot account for without running it; the message names the line."""


class CompilerError(CurtaError, RuntimeError):
    """A program that the compiler cannot turn into machine code."""


class DataError(CurtaError, RuntimeError):
    """Batches that a `DataLoader` or a sampler cannot give: a worker ended or took too long, weights give no sample."""


class LinearAlgebraError(CurtaError, RuntimeError):
    """A matrix is singular, or not positive definite, where it must not be."""


class MismatchError(CurtaError, AssertionError):
    """Two things that should be the same are not."""


class DistributionError(CurtaError, RuntimeError):
    """A probability distribution that there is not: parameters out of their range, weights that give no sample."""


class CurtaWarning(UserWarning):
    """Base of every warning that Curta gives itself."""


class ImplausibleRateWarning(CurtaWarning):
    """A measured rate that the device cannot reach: one of the figures it was made of is wrong."""


class DataWarning(CurtaWarning):
    """A dataset that is empty where one expects samples, or longer than it says."""
