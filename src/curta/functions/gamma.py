"""Gamma's logarithm and what follows from it, under PyTorch's names."""

from __future__ import annotations

from math import log, pi
from typing import Any

from curta.default_dtype import get_default_dtype
from curta.errors import ArgumentError, ArgumentTypeError
from curta.functions.inplace import rewritten
from curta.functions.operands import Operand, tensor
from curta.functions.outputs import into
from curta.functions.special import floating, one, pair, two
from curta.ops import higher as ops
from curta.ops.dispatch import bind
from curta.ops.inference import promoted
from curta.ops.record import Op
from curta.tensor import Tensor


def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The derivative of `lgamma`: minus infinity at 0, NaN at the negative whole numbers.

    >>> import curta
    >>> curta.digamma(curta.tensor([1.0, 2.0]))
    tensor([-0.5772,  0.4228])
    """
    return one("digamma", ops.DIGAMMA, input, out)


def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log |gamma(x)|: infinite at 0 and the negative whole numbers.

    >>> import curta
    >>> curta.lgamma(curta.tensor([0.5, 3.0]))
    tensor([0.5724, 0.6931])
    """
    return one("lgamma", ops.LGAMMA, input, out)


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The derivative of order `n` of `digamma`; ArgumentError for n < 0.

    >>> import curta
    >>> curta.polygamma(1, curta.tensor([1.0, 2.0]))
    tensor([1.6449, 0.6449])
    """
    if out is not None:
        return into("polygamma", out, polygamma(n, input))
    if isinstance(n, bool) or not isinstance(n, int):
        raise ArgumentTypeError(f"polygamma(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    if n < 0:
        raise ArgumentError(f"polygamma(n, x) does not support negative n, got {n}.")
    x = floating(tensor("polygamma", input))
    return digamma(x) if n == 0 else bind(ops.POLYGAMMA, (x,), n=n)


def polygamma_(input: Tensor, n: int) -> Tensor:
    """The in-place form of `polygamma`."""
    return rewritten(input, lambda old: polygamma(n, old))


def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the gamma function of p variables; ArgumentError for p < 1.

    >>> import curta
    >>> curta.mvlgamma(curta.tensor([2.0, 3.0]), 2)
    tensor([0.4516, 1.5502])
    """
    if out is not None:
        return into("mvlgamma", out, mvlgamma(input, p))
    x = floating(tensor("mvlgamma", input))
    if p < 1:
        raise ArgumentError(f"p has to be greater than or equal to 1, got {p}")
    found = lgamma(x)
    for step in range(1, p):
        found = found + lgamma(x - step / 2)
    return found + p * (p - 1) / 4 * log(pi) if p > 1 else found


def of_two(name: str, op: Op, input: Operand, other: Operand, out: Any) -> Tensor:
    """An operator of two tensors or a tensor and a number, in their common floating-point format."""
    if out is not None:
        return into(name, out, of_two(name, op, input, other, None))
    a, b = pair(name, input, other)
    kind = promoted((a.layout, b.layout))
    kind = kind if kind.is_floating_point else get_default_dtype()
    made: Tensor = bind(op, (a.to(kind), b.to(kind)))
    return made


def zeta(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Hurwitz's zeta function, the sum of (other + k) ** -input over k = 0, 1, …; it has a gradient for `other`.

    >>> import curta
    >>> curta.special.zeta(curta.tensor([2.0]), 1)
    tensor([1.6449])
    """
    return of_two("zeta", ops.ZETA, input, other, out)


def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularised lower incomplete gamma function P(input, other); it has a gradient for `other`.

    Both are floating-point tensors that broadcast; NaN where one is negative or both are 0. NotImplementedError for
    integers.

    >>> import curta
    >>> curta.igamma(curta.tensor([1.0, 4.0]), curta.tensor([1.0, 5.0]))
    tensor([0.6321, 0.7350])
    """
    return two("igamma", ops.IGAMMA, input, other, out)


def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularised upper incomplete gamma function Q(input, other), which is 1 - `igamma`, without cancellation.

    >>> import curta
    >>> curta.igammac(curta.tensor([1.0, 4.0]), curta.tensor([1.0, 5.0]))
    tensor([0.3679, 0.2650])
    """
    return two("igammac", ops.IGAMMAC, input, other, out)
