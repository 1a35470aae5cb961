"""Inverse hyperbolic functions, logarithms of sums and their like under PyTorch's names."""

from __future__ import annotations

from typing import Any

from curta.default_dtype import get_default_dtype
from curta.errors import UnsupportedDTypeError
from curta.functions.choice import clamp, where
from curta.functions.creation import full
from curta.functions.inplace import scalar_name
from curta.functions.operands import Operand, operand, tensor
from curta.functions.outputs import into
from curta.ops import special as ops
from curta.ops.dispatch import bind
from curta.ops.inference import promoted
from curta.ops.record import Op
from curta.tensor import Tensor


def floating(x: Tensor) -> Tensor:
    return x if x.layout.dtype.is_floating_point else x.to(get_default_dtype())


def one(name: str, op: Op, input: Tensor, out: Any) -> Tensor:
    """A floating-point function of one tensor."""
    if out is not None:
        return into(name, out, one(name, op, input, None))
    made: Tensor = bind(op, (floating(tensor(name, input)),))
    return made


def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of `sinh`.

    >>> import curta
    >>> curta.asinh(curta.tensor([0.0, 2.0]))
    tensor([0.0000, 1.4436])
    """
    return one("asinh", ops.ASINH, input, out)


def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of `cosh`; NaN below 1.

    >>> import curta
    >>> curta.acosh(curta.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return one("acosh", ops.ACOSH, input, out)


def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of `tanh`; NaN outside [-1, 1].

    >>> import curta
    >>> curta.atanh(curta.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return one("atanh", ops.ATANH, input, out)


def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(pi x) / (pi x), which is 1 at 0.

    >>> import curta
    >>> curta.sinc(curta.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return one("sinc", ops.SINC, input, out)


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """log(x / (1 - x)), the inverse of `sigmoid`; with `eps` of x kept within [eps, 1 - eps].

    >>> import curta
    >>> curta.logit(curta.tensor([0.5, 0.75]))
    tensor([0.0000, 1.0986])
    """
    if out is not None:
        return into("logit", out, logit(input, eps))
    x = floating(tensor("logit", input))
    if eps is not None:
        # where the limits have changed places, the lower one comes first
        x = clamp(x, eps, 1 - eps) if eps <= 0.5 else where(x < eps, eps, clamp(x, max=1 - eps))
    return one("logit", ops.LOGIT, x, None)


def two(name: str, op: Op, input: Tensor, other: Tensor, out: Any) -> Tensor:
    """For floating-point tensors in their common format."""
    if out is not None:
        return into(name, out, two(name, op, input, other, None))
    a, b = tensor(name, input), tensor(name, other, "other", 2)
    kind = promoted((a.layout, b.layout))
    if not kind.is_floating_point:
        raise UnsupportedDTypeError(f'"{name}_cpu" not implemented for {scalar_name(kind)!r}')
    made: Tensor = bind(op, (a.to(kind), b.to(kind)))
    return made


def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root of the sum of both squares, without overflow.

    >>> import curta
    >>> curta.hypot(curta.tensor([3.0]), curta.tensor([4.0]))
    tensor([5.])
    """
    return two("hypot", ops.HYPOT, input, other, out)


def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(exp(input) + exp(other)), without overflow.

    >>> import curta
    >>> curta.logaddexp(curta.tensor([0.0]), curta.tensor([0.0]))
    tensor([0.6931])
    """
    return two("logaddexp", ops.LOGADDEXP, input, other, out)


def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log2(2 ** input + 2 ** other), without overflow.

    >>> import curta
    >>> curta.logaddexp2(curta.tensor([1.0]), curta.tensor([1.0]))
    tensor([2.])
    """
    return two("logaddexp2", ops.LOGADDEXP2, input, other, out)


def xlogy(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input * log(other): 0 where `input` is 0, NaN where `other` is NaN.

    >>> import curta
    >>> curta.xlogy(curta.tensor([0.0, 2.0]), curta.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    if out is not None:
        return into("xlogy", out, xlogy(input, other))
    a, b = pair("xlogy", input, other)
    kind = promoted((a.layout, b.layout))
    kind = kind if kind.is_floating_point else get_default_dtype()
    made: Tensor = bind(ops.XLOGY, (a.to(kind), b.to(kind)))
    return made


def pair(name: str, input: Operand, other: Operand) -> tuple[Tensor, Tensor]:
    """Two operands, one of which may be a number, as tensors that promote as they do."""
    if isinstance(input, Tensor):
        return input, other if isinstance(other, Tensor) else _number(input, operand(name, other))
    right = tensor(name, other, "other")
    return _number(right, operand(name, input, "input")), right


def _number(like: Tensor, number: Any) -> Tensor:
    kind = like.layout.dtype
    if not kind.is_floating_point:
        kind = get_default_dtype()
    return full((), float(number), dtype=kind, device=like.layout.device)
