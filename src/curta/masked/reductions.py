"""Masked reductions under `torch.masked`'s names."""

from __future__ import annotations

from math import inf, nan
from math import prod as product

from curta import dtypes, functions, host
from curta.autograd.state import STATE
from curta.dtypes import DType
from curta.errors import ArgumentError
from curta.functions.operands import tensor
from curta.functions.reduction import Dims, all_dims
from curta.linalg import vector_norm
from curta.masked.operands import highest, lowest, replaced, spread
from curta.tensor import Tensor

_SMALL = (dtypes.uint8, dtypes.bool_, dtypes.int8, dtypes.int16, dtypes.int32)


def _summed(dtype: DType | None, input: Tensor) -> DType:
    """Sums and products of integers are int64."""
    own = input.layout.dtype
    return dtype or (dtypes.int64 if own in _SMALL else own)


def sum(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The sum over `dim` (all dimensions by default); 0 where the mask leaves nothing.

    >>> import curta
    >>> curta.masked.sum(curta.tensor([1.0, 2.0, 4.0]), mask=curta.tensor([True, False, True]))
    tensor(5.)
    """
    x = replaced("sum", input, mask, 0)
    return functions.sum(x, all_dims(x, dim), bool(keepdim), dtype=_summed(dtype, x))


def prod(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The product over `dim` (all dimensions by default); 1 where the mask leaves nothing.

    >>> import curta
    >>> curta.masked.prod(curta.tensor([1.0, 2.0, 4.0]), mask=curta.tensor([True, False, True]))
    tensor(4.)
    """
    x = replaced("prod", input, mask, 1)
    made = x.to(_summed(dtype, x))
    for place in reversed(all_dims(x, dim)):
        made = functions.prod(made, place, bool(keepdim))
    return made


def amax(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The largest element over `dim` (all dimensions by default); minus infinity where the mask leaves nothing.

    >>> import curta
    >>> curta.masked.amax(curta.tensor([1.0, 4.0]), mask=curta.tensor([True, False]))
    tensor(1.)
    """
    x = tensor("amax", input) if mask is None else replaced("amax", input, mask, lowest("amax", input))
    return functions.amax(x, all_dims(x, dim), bool(keepdim)).to(dtype or x.layout.dtype)


def amin(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The smallest element over `dim` (all dimensions by default); infinity where the mask leaves nothing.

    >>> import curta
    >>> curta.masked.amin(curta.tensor([1.0, 4.0]), mask=curta.tensor([False, True]))
    tensor(4.)
    """
    x = tensor("amin", input) if mask is None else replaced("amin", input, mask, highest("amin", input))
    return functions.amin(x, all_dims(x, dim), bool(keepdim)).to(dtype or x.layout.dtype)


def argmax(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where the largest element is, as a number of the input's format (PyTorch's choice) or of `dtype`.

    >>> import curta
    >>> curta.masked.argmax(curta.tensor([[1, 4, 3]]), 1, mask=curta.tensor([True, False, True]))
    tensor([2])
    """
    x = tensor("argmax", input) if mask is None else replaced("argmax", input, mask, lowest("argmax", input))
    return functions.argmax(x, dim, bool(keepdim)).to(dtype or x.layout.dtype)


def argmin(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where the smallest element is, see `argmax`.

    >>> import curta
    >>> curta.masked.argmin(curta.tensor([[1, 4, 3]]), 1, mask=curta.tensor([False, True, True]))
    tensor([2])
    """
    x = tensor("argmin", input) if mask is None else replaced("argmin", input, mask, highest("argmin", input))
    return functions.argmin(x, dim, bool(keepdim)).to(dtype or x.layout.dtype)


def mean(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean over `dim` (all dimensions by default); NaN where the mask leaves nothing.

    ArgumentError for integers without a floating-point `dtype`.

    >>> import curta
    >>> curta.masked.mean(curta.tensor([1.0, 2.0, 4.0]), mask=curta.tensor([True, False, True]))
    tensor(2.5000)
    """
    x = tensor("mean", input)
    kind = dtype or x.layout.dtype
    if not kind.is_floating_point:
        told = "Input" if dtype is None else "Optional"
        raise ArgumentError(
            f"mean(): Could not infer output dtype. {told} dtype must be either a floating point or complex dtype. "
            f"Got: {kind!r}"
        )
    return sum(x, dim, keepdim=keepdim, dtype=dtype, mask=mask) / _count("mean", x, dim, bool(keepdim), mask)


def _count(name: str, x: Tensor, dim: Dims, keepdim: bool, mask: Tensor | None) -> Tensor:
    """How many elements take part in each result (int64)."""
    dims = all_dims(x, dim)
    if mask is not None:
        return functions.sum(spread(name, x, mask), dims, keepdim)
    layout = x.layout
    kept = ((place, size) for place, size in enumerate(layout.shape) if keepdim or place not in dims)
    shape = tuple(1 if place in dims else size for place, size in kept)
    number = product(layout.shape[place] for place in dims)
    return functions.full(shape, number, dtype=dtypes.int64, device=layout.device)


def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """The middle element along `dim`, of an even number the lower one; NaN where the mask leaves nothing.

    ArgumentError for rows of integers without any element.

    >>> import curta
    >>> curta.masked.median(curta.tensor([[1.0, 2.0, 4.0]]), mask=curta.tensor([False, True, True]))
    tensor([2.])
    """
    x = tensor("median", input)
    own = x.layout.dtype
    wide = x if own.is_floating_point else x.to(dtypes.float32)
    made: Tensor = functions.nanmedian(replaced("median", wide, mask, nan), dim, keepdim)[0]
    if own.is_floating_point:
        return made
    if STATE.recorder is None and host.has_values(made) and bool(made.isnan().any()):
        raise ArgumentError("masked median expects no fully masked out rows if dtype is not floating point")
    return made.to(dtype or own)


def logsumexp(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """log(sum(exp(input))) over `dim`; minus infinity where the mask leaves nothing.

    >>> import curta
    >>> curta.masked.logsumexp(curta.tensor([0.0, 0.0, 9.0]), 0, mask=curta.tensor([True, True, False]))
    tensor(0.6931)
    """
    x = replaced("logsumexp", input, mask, 0 if mask is None else lowest("logsumexp", input))
    return functions.logsumexp(x, all_dims(x, dim), bool(keepdim)).to(dtype or x.layout.dtype)


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: DType | None = None, input_mask: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """log(exp(input) + exp(other)) of the elements that both masks let through, else of one; minus infinity of none.

    >>> import curta
    >>> x, y = curta.tensor([0.0, 1.0]), curta.tensor([0.0, 2.0])
    >>> curta.masked.logaddexp(x, y, input_mask=curta.tensor([True, False]))
    tensor([0.6931, 2.0000])
    """
    left = replaced("logaddexp", input, input_mask, -inf)
    right = replaced("logaddexp", other, other_mask, -inf)
    return functions.logaddexp(left, right).to(dtype or left.layout.dtype)


def norm(
    input: Tensor, ord: float = 2.0, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The vector norm over `dim` (all dimensions by default); 0 where the mask leaves nothing (infinity for -inf).

    >>> import curta
    >>> curta.masked.norm(curta.tensor([3.0, 4.0, 9.0]), 2, mask=curta.tensor([True, True, False]))
    tensor(5.)
    """
    x = replaced("norm", input, mask, inf if ord == -inf else 0)
    return vector_norm(x, ord, all_dims(x, dim), bool(keepdim), dtype=dtype)


def var(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *, correction: float | None = None,
    keepdim: bool | None = False, dtype: DType | None = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The variance over `dim` (all dimensions by default), divided by the number of elements - correction (1).

    >>> import curta
    >>> curta.masked.var(curta.tensor([1.0, 3.0, 9.0]), mask=curta.tensor([True, True, False]))
    tensor(2.)
    """
    return _spread("var", input, dim, unbiased, correction, bool(keepdim), dtype, mask)


def std(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *, correction: float | None = None,
    keepdim: bool | None = False, dtype: DType | None = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The square root of `var`.

    >>> import curta
    >>> curta.masked.std(curta.tensor([1.0, 3.0, 9.0]), unbiased=False, mask=curta.tensor([True, True, False]))
    tensor(1.)
    """
    return _spread("std", input, dim, unbiased, correction, bool(keepdim), dtype, mask).sqrt()


def _spread(
    name: str, input: Tensor, dim: Dims, unbiased: bool | None, correction: float | None, keepdim: bool,
    dtype: DType | None, mask: Tensor | None,
) -> Tensor:  # fmt: skip
    if unbiased is not None and correction is not None:
        raise ArgumentError(f"masked.{name}: takes either unbiased or correction, got both")
    x = tensor(name, input)
    own = x.layout.dtype
    kind = dtype or (own if own.is_floating_point else dtypes.float32)
    wide = kind if kind.is_floating_point else dtypes.float32
    less = correction if correction is not None else 0 if unbiased is False else 1
    apart = x - sum(x, dim, keepdim=True, dtype=kind, mask=mask) / _count(name, x, dim, True, mask)
    total = sum(apart * apart, dim, keepdim=keepdim, dtype=wide, mask=mask)
    count = _count(name, x, dim, keepdim, mask)
    if less:
        count = (count.to(wide) - less).clamp(min=0)
    return (total / count).to(kind)
