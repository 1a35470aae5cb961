"""Masked functions whose result has the input's shape, under `torch.masked`'s names."""

from __future__ import annotations

from curta import functions
from curta.dtypes import DType
from curta.functions.movement import dimension
from curta.functions.operands import tensor
from curta.masked.operands import highest, lowest, replaced
from curta.masked.reductions import norm
from curta.nn import functional
from curta.tensor import Tensor


def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None) -> Tensor:
    """The sum of each element along `dim` and all before it, in the input's format.

    >>> import curta
    >>> curta.masked.cumsum(curta.tensor([1, 2, 4]), 0, mask=curta.tensor([True, False, True]))
    tensor([1, 1, 5])
    """
    x = replaced("cumsum", input, mask, 0)
    kind = dtype or x.layout.dtype
    return functions.cumsum(x, dim, dtype=kind)


def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None) -> Tensor:
    """The product of each element along `dim` and all before it, in the input's format.

    >>> import curta
    >>> curta.masked.cumprod(curta.tensor([1, 2, 4]), 0, mask=curta.tensor([True, False, True]))
    tensor([1, 1, 4])
    """
    x = replaced("cumprod", input, mask, 1)
    kind = dtype or x.layout.dtype
    return functions.cumprod(x, dim, dtype=kind)


def softmax(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None) -> Tensor:
    """exp(input), divided by its sum along `dim`; masked elements are 0, rows without any other NaN.

    >>> import curta
    >>> curta.masked.softmax(curta.tensor([0.0, 0.0, 9.0]), 0, mask=curta.tensor([True, True, False]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    x = tensor("softmax", input) if mask is None else replaced("softmax", input, mask, lowest("softmax", input))
    return functional.softmax(x, dim, dtype=dtype or x.layout.dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None) -> Tensor:
    """The logarithm of `softmax`.

    >>> import curta
    >>> curta.masked.log_softmax(curta.tensor([0.0, 0.0, 9.0]), 0, mask=curta.tensor([True, True, False]))
    tensor([-0.6931, -0.6931,    -inf])
    """
    x = tensor("log_softmax", input)
    x = x if mask is None else replaced("log_softmax", x, mask, lowest("log_softmax", x))
    return functional.log_softmax(x, dim, dtype=dtype or x.layout.dtype)


def softmin(input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None) -> Tensor:
    """`softmax` of the negated input.

    >>> import curta
    >>> curta.masked.softmin(curta.tensor([0.0, 0.0, -9.0]), 0, mask=curta.tensor([True, True, False]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    x = tensor("softmin", input) if mask is None else replaced("softmin", input, mask, highest("softmin", input))
    return functional.softmin(x, dim, dtype=dtype or x.layout.dtype)


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """The elements divided by their norm along `dim`, or by `eps` where that is larger; masked elements are 0.

    >>> import curta
    >>> curta.masked.normalize(curta.tensor([3.0, 4.0, 9.0]), 2, 0, mask=curta.tensor([True, True, False]))
    tensor([0.6000, 0.8000, 0.0000])
    """
    x = replaced("normalize", input, mask, 0)
    place = dimension("normalize", dim, x.layout.rank)
    return x / norm(input, ord, place, keepdim=True, dtype=dtype, mask=mask).clamp(min=eps)
