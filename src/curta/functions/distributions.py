"""Error functions, the normal distribution and entropies under PyTorch's names."""

from __future__ import annotations

from curta.functions.gamma import of_two
from curta.functions.operands import Operand
from curta.functions.special import one
from curta.ops import higher as ops
from curta.tensor import Tensor


def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of `erf`: infinite at 1 and -1, NaN beyond.

    >>> import curta
    >>> curta.erfinv(curta.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """
    return one("erfinv", ops.ERFINV, input, out)


def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x * x) * erfc(x), which is small for large x where exp overflows.

    >>> import curta
    >>> curta.special.erfcx(curta.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0056])
    """
    return one("erfcx", ops.ERFCX, input, out)


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The standard normal distribution: how much of it lies below x.

    >>> import curta
    >>> curta.special.ndtr(curta.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    return one("ndtr", ops.NDTR, input, out)


def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The standard normal distribution's quantiles, the inverse of `ndtr`: NaN outside [0, 1].

    >>> import curta
    >>> curta.special.ndtri(curta.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    return one("ndtri", ops.NDTRI, input, out)


def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(ndtr(x)), for small x too.

    >>> import curta
    >>> curta.special.log_ndtr(curta.tensor([0.0, -20.0]))
    tensor([  -0.6931, -203.9172])
    """
    return one("log_ndtr", ops.LOG_NDTR, input, out)


def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-x * log(x), the parts of an entropy: 0 at 0, minus infinity below.

    >>> import curta
    >>> curta.special.entr(curta.tensor([0.0, 0.5]))
    tensor([0.0000, 0.3466])
    """
    return one("entr", ops.ENTR, input, out)


def xlog1py(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input * log(1 + other): 0 where `input` is 0, NaN where `other` is NaN.

    >>> import curta
    >>> curta.special.xlog1py(curta.tensor([0.0, 2.0]), curta.tensor([-1.0, 1.0]))
    tensor([0.0000, 1.3863])
    """
    return of_two("xlog1py", ops.XLOG1PY, input, other, out)
