"""Element-wise functions of one variable under PyTorch's names."""

from __future__ import annotations

from curta.functions.operands import refuse, tensor
from curta.ops import mathematics as ops
from curta.ops.dispatch import bind
from curta.tensor import Tensor


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("exp", out=out)
    return bind(ops.EXP, (tensor("exp", input),))


def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("exp2", out=out)
    return bind(ops.EXP2, (tensor("exp2", input),))


def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("expm1", out=out)
    return bind(ops.EXPM1, (tensor("expm1", input),))


def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("log", out=out)
    return bind(ops.LOG, (tensor("log", input),))


def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("log2", out=out)
    return bind(ops.LOG2, (tensor("log2", input),))


def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("log10", out=out)
    return bind(ops.LOG10, (tensor("log10", input),))


def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("log1p", out=out)
    return bind(ops.LOG1P, (tensor("log1p", input),))


def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("sin", out=out)
    return bind(ops.SIN, (tensor("sin", input),))


def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("cos", out=out)
    return bind(ops.COS, (tensor("cos", input),))


def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("tan", out=out)
    return bind(ops.TAN, (tensor("tan", input),))


def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("asin", out=out)
    return bind(ops.ASIN, (tensor("asin", input),))


def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("acos", out=out)
    return bind(ops.ACOS, (tensor("acos", input),))


def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("atan", out=out)
    return bind(ops.ATAN, (tensor("atan", input),))


def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("sinh", out=out)
    return bind(ops.SINH, (tensor("sinh", input),))


def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("cosh", out=out)
    return bind(ops.COSH, (tensor("cosh", input),))


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("tanh", out=out)
    return bind(ops.TANH, (tensor("tanh", input),))


def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("sigmoid", out=out)
    return bind(ops.SIGMOID, (tensor("sigmoid", input),))


def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("erf", out=out)
    return bind(ops.ERF, (tensor("erf", input),))


def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("erfc", out=out)
    return bind(ops.ERFC, (tensor("erfc", input),))


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("sqrt", out=out)
    return bind(ops.SQRT, (tensor("sqrt", input),))


def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("rsqrt", out=out)
    return bind(ops.RSQRT, (tensor("rsqrt", input),))


def relu(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("relu", out=out)
    return bind(ops.RELU, (tensor("relu", input),))


def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("floor", out=out)
    return bind(ops.FLOOR, (tensor("floor", input),))


def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("ceil", out=out)
    return bind(ops.CEIL, (tensor("ceil", input),))


def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("trunc", out=out)
    return bind(ops.TRUNC, (tensor("trunc", input),))


def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("sign", out=out)
    return bind(ops.SIGN, (tensor("sign", input),))


def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """@DOC@"""
    if out is not None:
        refuse("frac", out=out)
    return bind(ops.FRAC, (tensor("frac", input),))

