"""Statistics under PyTorch's names: means, variances, norms, counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod
from typing import Any

from curta import dtypes
from curta.default_dtype import get_default_dtype
from curta.dtypes import DType, asked
from curta.errors import DTypeError, ShapeError, UnsupportedError
from curta.functions.inplace import scalar_name
from curta.functions.operands import tensor
from curta.functions.outputs import EXACT, into
from curta.functions.reduction import Dims, all_dims
from curta.ops import statistics as ops
from curta.ops.dispatch import bind
from curta.ops.reduce import reduced_shape
from curta.shapes import normalize_dim
from curta.tensor import Tensor


def _count(input: Tensor, dims: tuple[int, ...]) -> int:
    return prod(input.layout.shape[dim] for dim in dims)


def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The mean over `dim` (all dimensions by default), of floating-point elements or with a floating-point `dtype`.

    >>> import curta
    >>> curta.mean(curta.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([1.5000, 3.5000])
    """
    if out is not None:
        wide = dtype is None and isinstance(out, Tensor) and out.layout.dtype is dtypes.float64
        return into("mean", out, mean(input, dim, keepdim, dtype=dtypes.float64 if wide else dtype))
    dtype = asked(dtype, "mean")
    kind = dtype or tensor("mean", input).layout.dtype
    if not kind.is_floating_point:
        told = "Input" if dtype is None else "Optional"
        raise DTypeError(
            f"mean(): could not infer output dtype. {told} dtype must be either a floating point or complex dtype. "
            f"Got: {kind.name}"
        )
    dims = all_dims(input, dim)
    return bind(ops.MEAN, (input, float(_count(input, dims))), dims=dims, keepdim=bool(keepdim), dtype=dtype)


def var(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The variance over `dim`: squared distances from the mean, summed and divided by their number - correction (1).

    >>> import curta
    >>> curta.var(curta.tensor([1.0, 2.0, 3.0, 4.0])), curta.var(curta.tensor([1.0, 2.0, 3.0]), correction=0)
    (tensor(1.6667), tensor(0.6667))
    """
    return _spread("var", input, dim, unbiased, keepdim, correction, out)


def std(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The square root of the variance, see `var`.

    >>> import curta
    >>> curta.std(curta.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    return _spread("std", input, dim, unbiased, keepdim, correction, out)


def _spread(
    name: str, input: Tensor, dim: Dims | bool, unbiased: bool | None, keepdim: bool, correction: float | None, out: Any
) -> Tensor:
    x = tensor(name, input)
    if out is not None:
        floating = isinstance(out, Tensor) and out.layout.dtype.is_floating_point and x.layout.dtype.is_floating_point
        x = x.to(out.layout.dtype) if floating else x  # spread is measured in the format of `out`
        return into(name, out, _spread(name, x, dim, unbiased, keepdim, correction, None))
    if isinstance(dim, bool):  # the old form var(input, unbiased)
        dim, unbiased = None, dim
    if not x.layout.dtype.is_floating_point:
        raise DTypeError(f"{name} only support floating point and complex dtypes")
    if correction is None:
        correction = 0 if unbiased is False else 1
    dims = all_dims(x, dim)
    count = _count(x, dims)
    numbers = (float(count), float(max(0, count - correction)))
    return bind(ops.VAR if name == "var" else ops.STD, (x, *numbers), dims=dims, keepdim=bool(keepdim))


def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """log(sum(exp(input))) over `dim`, without overflow.

    >>> import curta
    >>> curta.logsumexp(curta.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    if out is not None:
        if isinstance(out, Tensor) and not out.layout.dtype.is_floating_point:
            kind = scalar_name(out.layout.dtype)
            raise DTypeError(f"logsumexp(): Expected floating point type for result tensor, but got: {kind}")
        return into("logsumexp", out, logsumexp(input, dim, keepdim))
    x = tensor("logsumexp", input)
    if not x.layout.dtype.is_floating_point:
        x = x.to(get_default_dtype())
    dims = all_dims(x, dim)
    made = bind(ops.LOGSUMEXP, (x,), dims=dims, keepdim=True)
    return made if keepdim else made.reshape(reduced_shape(x.layout.shape, dims, False))


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """The vector norm over `dim` (all dimensions by default): p = 2 ("fro"), 1, 0, inf, -inf or any other number.

    With p = "nuc" the sum of the singular values of matrices in two dimensions.

    >>> import curta
    >>> curta.norm(curta.tensor([3.0, 4.0])), curta.norm(curta.tensor([3.0, -4.0]), 1)
    (tensor(5.), tensor(7.))
    """
    if out is not None:
        return into("norm", out, norm(input, p, dim, keepdim, dtype=dtype), exact=EXACT)
    x = tensor("norm", input)
    if dtype is not None:
        x = x.to(dtype)
    if not x.layout.dtype.is_floating_point:
        raise DTypeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + x.layout.dtype.name
        )
    dims, keepdim = all_dims(x, dim), bool(keepdim)
    if p == "nuc":
        from curta.linalg.norms import matrix_norm

        return matrix_norm(x, p, dims, keepdim)  # type: ignore[arg-type]  # says how many dims it takes
    if p is None or p in ("fro", 2):
        return bind(ops.NORM_2, (x,), dims=dims, keepdim=keepdim)
    if isinstance(p, str):
        raise UnsupportedError(f"norm(): p = {p!r} is not supported")
    if p == 1:
        return bind(ops.NORM_1, (x,), dims=dims, keepdim=keepdim)
    if p == inf:
        return x.abs().amax(dims, keepdim)
    if p == -inf:
        return x.abs().amin(dims, keepdim)
    if p == 0:
        return bind(ops.NORM_0, (x,), dims=dims, keepdim=keepdim)
    own = x.layout.dtype
    return _root_of_powers(x.to(dtypes.compute_dtype(own)), float(p), dims, keepdim).to(own)


def frobenius_norm(input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The root of the sum of squares over one or two dimensions, over all for ().

    >>> import curta
    >>> curta.frobenius_norm(curta.tensor([[3.0, 4.0]]), 1)
    tensor([5.])
    """
    x = tensor("frobenius_norm", input)
    count = len(dim) if isinstance(dim, (tuple, list)) else 1
    if count > 2:
        raise ShapeError(f"Expected at most 2 dimensions, but got {count} dimensions instead.")
    return norm(x, 2, dim, keepdim, out=out)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The `pow`-norm over all dimensions but `dim`, which stay at size 1; over all of them for -1.

    >>> import curta
    >>> curta.norm_except_dim(curta.tensor([[3.0, 4.0], [0.0, 1.0]]), 2, 0)
    tensor([[5.],
            [1.]])
    """
    x = tensor("norm_except_dim", v, "v")
    if dim == -1:
        return norm(x, pow)
    place = normalize_dim(dim, x.layout.rank)
    return norm(x, pow, tuple(other for other in range(x.layout.rank) if other != place), True)


def nuclear_norm(
    input: Tensor, dim: Sequence[int] = (-2, -1), keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The sum of the singular values of matrices, which lie in the two dimensions `dim`.

    >>> import curta
    >>> curta.nuclear_norm(curta.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor(7.)
    """
    return norm(tensor("nuclear_norm", input), "nuc", tuple(dim), keepdim, out=out)


def _root_of_powers(x: Tensor, power: float, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    size = x.abs()
    if power < 1:  # the slope at 0 is infinite; PyTorch's is 0
        zero = size == 0
        size = (size.masked_fill(zero, 1) ** power).masked_fill(zero, inf if power < 0 else 0)
    else:
        size = size**power
    total = size.sum(dims, keepdim)
    if power < 0:
        return total ** (1 / power)
    nothing = total == 0  # where a root has no slope; PyTorch's is 0
    return total.masked_fill(nothing, 1) ** (1 / power) * nothing.logical_not()


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over `dim` (all dimensions by default) are not zero, as int64.

    >>> import curta
    >>> curta.count_nonzero(curta.tensor([[0, 2], [1, 3]]), 0)
    tensor([1, 2])
    """
    x = tensor("count_nonzero", input)
    return bind(ops.COUNT_NONZERO, (x,), dims=all_dims(x, dim), keepdim=False)
