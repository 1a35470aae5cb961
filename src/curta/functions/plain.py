"""Functions of PyTorch that are one or two others: scales, bounds, divisors."""

from __future__ import annotations

from math import pi
from typing import Any

from curta import dtypes
from curta.errors import DTypeError, UnsupportedDTypeError
from curta.functions.arithmetic import pow, sub
from curta.functions.choice import clamp
from curta.functions.inplace import in_place, scalar_name
from curta.functions.operands import Number, Operand, tensor
from curta.functions.outputs import into
from curta.functions.special import floating
from curta.ops import special as ops
from curta.ops.dispatch import bind, bind_out
from curta.ops.inference import promoted
from curta.ops.record import Op
from curta.tensor import Tensor

#: doubled or halved so often, every float64 is an infinity or 0
_MOST_DOUBLINGS = 2200


def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees as radians.

    >>> import curta
    >>> curta.deg2rad(curta.tensor([180.0]))
    tensor([3.1416])
    """
    if out is not None:
        return into("deg2rad", out, deg2rad(input))
    return floating(tensor("deg2rad", input)) * (pi / 180)


def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians as degrees.

    >>> import curta
    >>> curta.rad2deg(curta.tensor([3.0]))
    tensor([171.8873])
    """
    if out is not None:
        return into("rad2deg", out, rad2deg(input))
    return floating(tensor("rad2deg", input)) * (180 / pi)


def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two elements; if one is NaN the other.

    >>> import curta
    >>> curta.fmax(curta.tensor([1.0, float("nan")]), curta.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    if out is not None:
        return out if bind_out(ops.FMAX, (input, other), out) else into("fmax", out, fmax(input, other))
    return bind(ops.FMAX, (tensor("fmax", input), tensor("fmax", other, "other")))


def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two elements; if one is NaN the other.

    >>> import curta
    >>> curta.fmin(curta.tensor([1.0, float("nan")]), curta.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    if out is not None:
        return out if bind_out(ops.FMIN, (input, other), out) else into("fmin", out, fmin(input, other))
    return bind(ops.FMIN, (tensor("fmin", input), tensor("fmin", other, "other")))


def float_power(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """`pow` in float64.

    >>> import curta
    >>> curta.float_power(curta.tensor([2]), 3)
    tensor([8.], dtype=curta.float64)
    """
    if out is not None:
        return into("float_power", out, float_power(input, exponent))
    if not isinstance(exponent, Tensor):
        tensor("float_power", input)
    wide = [one.to(dtypes.float64) if isinstance(one, Tensor) else float(one) for one in (input, exponent)]
    return pow(*wide)


def float_power_(input: Tensor, exponent: Operand) -> Tensor:
    """`float_power` in place, of a float64 tensor."""
    if input.layout.dtype is not dtypes.float64:
        raise DTypeError(
            f"the base given to float_power_ has dtype {scalar_name(input.layout.dtype)} but the operation's result "
            "requires dtype Double"
        )
    return in_place("float_power", input, exponent)


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input * 2 ** other; for whole `other` exact wherever the result is a number of the format.

    >>> import curta
    >>> curta.ldexp(curta.tensor([1.0, 2.0]), curta.tensor([3, 4]))
    tensor([ 8., 32.])
    """
    if out is not None:
        return into("ldexp", out, ldexp(input, other))
    x, powers = tensor("ldexp", input), tensor("ldexp", other, "other")
    if powers.layout.dtype.is_floating_point:
        return x * pow(2.0, powers)
    x, powers = floating(x), powers.double().clamp(-_MOST_DOUBLINGS, _MOST_DOUBLINGS)
    third = (powers / 3).trunc()
    factor = pow(2.0, third)  # in three steps: 2 ** other may have no number of its own
    return (x.double() * factor * factor * pow(2.0, powers - 2 * third)).to(x.layout.dtype)


def _whole(name: str, op: Op, input: Tensor, other: Tensor, out: Any) -> Tensor:
    if out is not None:
        return into(name, out, _whole(name, op, input, other, None))
    operands = tensor(name, input), tensor(name, other, "other")
    kind = promoted(tuple(one.layout for one in operands))
    if kind.category != 1:
        raise UnsupportedDTypeError(f'"{name}_cpu" not implemented for {scalar_name(kind)!r}')
    made: Tensor = bind(op, operands)
    return made


def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor of whole numbers; of 0 and 0 it is 0.

    >>> import curta
    >>> curta.gcd(curta.tensor([12, -8]), curta.tensor([18, 12]))
    tensor([6, 4])
    """
    return _whole("gcd", ops.GCD, input, other, out)


def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple of whole numbers.

    >>> import curta
    >>> curta.lcm(curta.tensor([12, -8]), curta.tensor([18, 12]))
    tensor([36, 24])
    """
    return _whole("lcm", ops.LCM, input, other, out)


def clamp_min(input: Tensor, min: Operand, *, out: Tensor | None = None) -> Tensor:
    """`clamp` from below.

    >>> import curta
    >>> curta.clamp_min(curta.tensor([1, 3]), 2)
    tensor([2, 3])
    """
    if out is not None:
        return into("clamp_min", out, clamp_min(input, min))
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Operand, *, out: Tensor | None = None) -> Tensor:
    """`clamp` from above.

    >>> import curta
    >>> curta.clamp_max(curta.tensor([1, 3]), 2)
    tensor([1, 2])
    """
    if out is not None:
        return into("clamp_max", out, clamp_max(input, max))
    return clamp(input, max=max)


def rsub(input: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """`other - alpha * input`.

    >>> import curta
    >>> curta.rsub(curta.tensor([1, 3]), 2)
    tensor([ 1, -1])
    """
    return sub(other, tensor("rsub", input), alpha=alpha)
