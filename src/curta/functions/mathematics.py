"""Element-wise functions under PyTorch's names: exponentials, trigonometry, roots, roundings."""

from __future__ import annotations

from curta.errors import UnsupportedDTypeError
from curta.functions.operands import tensor
from curta.functions.outputs import into
from curta.number_formats import finfo
from curta.ops import mathematics as ops
from curta.ops.dispatch import bind, bind_out
from curta.tensor import Tensor


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e to the power of every element.

    >>> import curta
    >>> curta.exp(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    if out is not None:
        return out if bind_out(ops.EXP, (input,), out) else into("exp", out, exp(input))
    return bind(ops.EXP, (tensor("exp", input),))


def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2 to the power of every element.

    >>> import curta
    >>> curta.exp2(curta.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    if out is not None:
        return out if bind_out(ops.EXP2, (input,), out) else into("exp2", out, exp2(input))
    return bind(ops.EXP2, (tensor("exp2", input),))


def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """exp(x) - 1, exact near 0.

    >>> import curta
    >>> curta.expm1(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    if out is not None:
        return out if bind_out(ops.EXPM1, (input,), out) else into("expm1", out, expm1(input))
    return bind(ops.EXPM1, (tensor("expm1", input),))


def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The natural logarithm; NaN below 0.

    >>> import curta
    >>> curta.log(curta.tensor([1.0, 10.0]))
    tensor([0.0000, 2.3026])
    """
    if out is not None:
        return out if bind_out(ops.LOG, (input,), out) else into("log", out, log(input))
    return bind(ops.LOG, (tensor("log", input),))


def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 2; NaN below 0.

    >>> import curta
    >>> curta.log2(curta.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    if out is not None:
        return out if bind_out(ops.LOG2, (input,), out) else into("log2", out, log2(input))
    return bind(ops.LOG2, (tensor("log2", input),))


def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 10; NaN below 0.

    >>> import curta
    >>> curta.log10(curta.tensor([1.0, 1000.0]))
    tensor([0., 3.])
    """
    if out is not None:
        return out if bind_out(ops.LOG10, (input,), out) else into("log10", out, log10(input))
    return bind(ops.LOG10, (tensor("log10", input),))


def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(1 + x), exact near 0.

    >>> import curta
    >>> curta.log1p(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    if out is not None:
        return out if bind_out(ops.LOG1P, (input,), out) else into("log1p", out, log1p(input))
    return bind(ops.LOG1P, (tensor("log1p", input),))


def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sine of angles in radians.

    >>> import curta
    >>> curta.sin(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    if out is not None:
        return out if bind_out(ops.SIN, (input,), out) else into("sin", out, sin(input))
    return bind(ops.SIN, (tensor("sin", input),))


def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The cosine of angles in radians.

    >>> import curta
    >>> curta.cos(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    if out is not None:
        return out if bind_out(ops.COS, (input,), out) else into("cos", out, cos(input))
    return bind(ops.COS, (tensor("cos", input),))


def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The tangent of angles in radians.

    >>> import curta
    >>> curta.tan(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    if out is not None:
        return out if bind_out(ops.TAN, (input,), out) else into("tan", out, tan(input))
    return bind(ops.TAN, (tensor("tan", input),))


def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The arc sine, in radians; NaN outside [-1, 1].

    >>> import curta
    >>> curta.asin(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    if out is not None:
        return out if bind_out(ops.ASIN, (input,), out) else into("asin", out, asin(input))
    return bind(ops.ASIN, (tensor("asin", input),))


def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The arc cosine, in radians; NaN outside [-1, 1].

    >>> import curta
    >>> curta.acos(curta.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    if out is not None:
        return out if bind_out(ops.ACOS, (input,), out) else into("acos", out, acos(input))
    return bind(ops.ACOS, (tensor("acos", input),))


def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The arc tangent, in radians.

    >>> import curta
    >>> curta.atan(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    if out is not None:
        return out if bind_out(ops.ATAN, (input,), out) else into("atan", out, atan(input))
    return bind(ops.ATAN, (tensor("atan", input),))


def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic sine.

    >>> import curta
    >>> curta.sinh(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    if out is not None:
        return out if bind_out(ops.SINH, (input,), out) else into("sinh", out, sinh(input))
    return bind(ops.SINH, (tensor("sinh", input),))


def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic cosine.

    >>> import curta
    >>> curta.cosh(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    if out is not None:
        return out if bind_out(ops.COSH, (input,), out) else into("cosh", out, cosh(input))
    return bind(ops.COSH, (tensor("cosh", input),))


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic tangent.

    >>> import curta
    >>> curta.tanh(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    if out is not None:
        return out if bind_out(ops.TANH, (input,), out) else into("tanh", out, tanh(input))
    return bind(ops.TANH, (tensor("tanh", input),))


def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / (1 + exp(-x)).

    >>> import curta
    >>> curta.sigmoid(curta.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """
    if out is not None:
        return out if bind_out(ops.SIGMOID, (input,), out) else into("sigmoid", out, sigmoid(input))
    return bind(ops.SIGMOID, (tensor("sigmoid", input),))


def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The error function.

    >>> import curta
    >>> curta.erf(curta.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    if out is not None:
        return out if bind_out(ops.ERF, (input,), out) else into("erf", out, erf(input))
    return bind(ops.ERF, (tensor("erf", input),))


def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 - erf(x), exact where that is small.

    >>> import curta
    >>> curta.erfc(curta.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    if out is not None:
        return out if bind_out(ops.ERFC, (input,), out) else into("erfc", out, erfc(input))
    return bind(ops.ERFC, (tensor("erfc", input),))


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root; NaN below 0.

    >>> import curta
    >>> curta.sqrt(curta.tensor([4.0, 2.0]))
    tensor([2.0000, 1.4142])
    """
    if out is not None:
        return out if bind_out(ops.SQRT, (input,), out) else into("sqrt", out, sqrt(input))
    return bind(ops.SQRT, (tensor("sqrt", input),))


def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / sqrt(x).

    >>> import curta
    >>> curta.rsqrt(curta.tensor([4.0, 1.0]))
    tensor([0.5000, 1.0000])
    """
    if out is not None:
        return out if bind_out(ops.RSQRT, (input,), out) else into("rsqrt", out, rsqrt(input))
    return bind(ops.RSQRT, (tensor("rsqrt", input),))


def relu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The element where it is positive, else 0; the gradient at 0 is 0.

    >>> import curta
    >>> curta.relu(curta.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if out is not None:
        return out if bind_out(ops.RELU, (input,), out) else into("relu", out, relu(input))
    return bind(ops.RELU, (tensor("relu", input),))


def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The largest whole number not above each element.

    >>> import curta
    >>> curta.floor(curta.tensor([-1.5, 2.5]))
    tensor([-2.,  2.])
    """
    if out is not None:
        return out if bind_out(ops.FLOOR, (input,), out) else into("floor", out, floor(input))
    return bind(ops.FLOOR, (tensor("floor", input),))


def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest whole number not below each element.

    >>> import curta
    >>> curta.ceil(curta.tensor([-1.5, 2.5]))
    tensor([-1.,  3.])
    """
    if out is not None:
        return out if bind_out(ops.CEIL, (input,), out) else into("ceil", out, ceil(input))
    return bind(ops.CEIL, (tensor("ceil", input),))


def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The whole part of each element.

    >>> import curta
    >>> curta.trunc(curta.tensor([-1.5, 2.5]))
    tensor([-1.,  2.])
    """
    if out is not None:
        return out if bind_out(ops.TRUNC, (input,), out) else into("trunc", out, trunc(input))
    return bind(ops.TRUNC, (tensor("trunc", input),))


def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1 by the sign of each element.

    >>> import curta
    >>> curta.sign(curta.tensor([-1.5, 0.0, 2.5]))
    tensor([-1.,  0.,  1.])
    """
    if out is not None:
        return out if bind_out(ops.SIGN, (input,), out) else into("sign", out, sign(input))
    return bind(ops.SIGN, (tensor("sign", input),))


def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The part after the point, with the element's sign.

    >>> import curta
    >>> curta.frac(curta.tensor([-1.5, 2.25]))
    tensor([-0.5000,  0.2500])
    """
    if out is not None:
        return out if bind_out(ops.FRAC, (input,), out) else into("frac", out, frac(input))
    return bind(ops.FRAC, (tensor("frac", input),))


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """The nearest whole number, halves to the even one; with `decimals`, the nearest multiple of 10 ** -decimals.

    >>> import curta
    >>> curta.round(curta.tensor([0.5, 1.5, -2.6]))
    tensor([ 0.,  2., -3.])
    """
    if out is not None:
        return into("round", out, round(input, decimals=decimals))
    x = tensor("round", input)
    if decimals == 0:
        return bind(ops.ROUND, (x,))
    if not x.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"round_decimals" not implemented for {x.layout.dtype.name!r}')
    if decimals > 0:
        return (x * 10.0**decimals).round() / 10.0**decimals
    return (x / 10.0**-decimals).round() * 10.0**-decimals


def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point (x = other, y = input), in radians from -pi to pi.

    >>> import curta
    >>> curta.atan2(curta.tensor([1.0, 0.0]), curta.tensor([1.0, -1.0]))
    tensor([0.7854, 3.1416])
    """
    if out is not None:
        return out if bind_out(ops.ATAN2, (input, other), out) else into("atan2", out, atan2(input, other))
    return bind(ops.ATAN2, (tensor("atan2", input), tensor("atan2", other, "other")))


def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Numbers in place of NaN (0) and the infinities (the largest and smallest finite numbers of the dtype).

    >>> import curta
    >>> curta.nan_to_num(curta.tensor([float("nan"), 1.0]), nan=5.0)
    tensor([5., 1.])
    """
    if out is not None:
        return into("nan_to_num", out, nan_to_num(input, nan, posinf, neginf))
    x = tensor("nan_to_num", input)
    if not x.layout.dtype.is_floating_point:
        return x.clone()  # integers are numbers already
    limits = finfo(x.layout.dtype)
    largest, lowest = float(limits.max), float(limits.min)
    numbers = (
        0.0 if nan is None else float(nan),
        largest if posinf is None else float(posinf),
        lowest if neginf is None else float(neginf),
    )
    return bind(ops.NAN_TO_NUM, (x, *numbers))
