"""Signs, steps and infinities under PyTorch's names."""

from __future__ import annotations

from curta import dtypes
from curta.errors import DTypeError, UnsupportedDTypeError
from curta.functions.comparison import eq
from curta.functions.creation import full_like
from curta.functions.inplace import scalar_name
from curta.functions.mathematics import sign
from curta.functions.operands import Operand, operand, tensor
from curta.functions.outputs import into
from curta.ops import special as ops
from curta.ops.dispatch import bind
from curta.ops.inference import promoted
from curta.tensor import Tensor


def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`sign`: PyTorch's differ for complex numbers alone.

    >>> import curta
    >>> curta.sgn(curta.tensor([-2.0, 0.0]))
    tensor([-1.,  0.])
    """
    if out is not None:
        return into("sgn", out, sgn(input))
    return sign(input)


def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether the sign is a minus, that of -0.0 and of NaN too.

    >>> import curta
    >>> curta.signbit(curta.tensor([-0.0, 1.0]))
    tensor([ True, False])
    """
    if out is not None:
        return into("signbit", out, signbit(input))
    made: Tensor = bind(ops.SIGNBIT, (tensor("signbit", input),))
    return made


def positive(input: Tensor) -> Tensor:
    """The tensor itself; refused for truth values.

    >>> import curta
    >>> curta.positive(curta.tensor([-1]))
    tensor([-1])
    """
    if tensor("positive", input).layout.dtype is dtypes.bool_:
        raise DTypeError("The `+` operator, on a bool tensor is not supported.")
    return input


def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is positive infinity.

    >>> import curta
    >>> curta.isposinf(curta.tensor([float("inf"), 1.0]))
    tensor([ True, False])
    """
    if out is not None:
        return into("isposinf", out, isposinf(input))
    return _is_number("isposinf", input, float("inf"))


def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is negative infinity.

    >>> import curta
    >>> curta.isneginf(curta.tensor([float("-inf"), 1.0]))
    tensor([ True, False])
    """
    if out is not None:
        return into("isneginf", out, isneginf(input))
    return _is_number("isneginf", input, float("-inf"))


def _is_number(name: str, input: Tensor, number: float) -> Tensor:
    x = tensor(name, input)
    if x.layout.dtype.is_floating_point:
        return eq(x, number)
    return full_like(x, False, dtype=dtypes.bool_)


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 below 0, 1 above it, and `values` at 0; without a gradient.

    >>> import curta
    >>> curta.heaviside(curta.tensor([-1.0, 0.0, 2.0]), curta.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if out is not None:
        return into("heaviside", out, heaviside(input, values))
    x, value = tensor("heaviside", input), tensor("heaviside", values, "values")
    if x.layout.dtype is not value.layout.dtype:
        raise DTypeError("heaviside is not yet implemented for tensors with different dtypes.")
    made: Tensor = bind(ops.HEAVISIDE, (x, value))
    return made


def copysign(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """The size of `input` with the sign of `other`, that of -0.0 too.

    >>> import curta
    >>> curta.copysign(curta.tensor([1.0, -2.0]), curta.tensor([-0.0, 3.0]))
    tensor([-1.,  2.])
    """
    if out is not None:
        return into("copysign", out, copysign(input, other))
    made: Tensor = bind(ops.COPYSIGN, (tensor("copysign", input), operand("copysign", other)))
    return made


def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number that comes next after `input` on the way to `other`, of one floating-point format.

    The gradient goes to `input`; UnsupportedDTypeError for integers.

    >>> import curta
    >>> curta.nextafter(curta.tensor([1.0]), curta.tensor([2.0])).item() - 1
    1.1920928955078125e-07
    """
    if out is not None:
        return into("nextafter", out, nextafter(input, other))
    x, target = tensor("nextafter", input), tensor("nextafter", other, "other")
    kind = promoted((x.layout, target.layout))
    if not kind.is_floating_point:
        raise UnsupportedDTypeError(f'"nextafter_cpu" not implemented for {scalar_name(kind)!r}')
    made: Tensor = bind(ops.NEXTAFTER, (x, target), half=kind.name if kind.itemsize == 2 else "")
    return made
