"""How variables vary together, and how far points lie apart."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from curta import host
from curta.autograd.state import STATE
from curta.default_dtype import get_default_dtype
from curta.dtypes import compute_dtype
from curta.errors import ArgumentError, DTypeError, ShapeError, UnsupportedDTypeError
from curta.functions.choice import where
from curta.functions.creation import from_numpy
from curta.functions.inplace import scalar_name
from curta.functions.linear_algebra import mm
from curta.functions.operands import tensor
from curta.functions.statistics import norm
from curta.lazy import LazyModule
from curta.promotion import promote_types
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables, the rows of [variables, observations]; of one variable its variance.

    `fweights` says how often each observation counts (whole numbers), `aweights` how much (floating-point);
    sums are divided by their total - `correction`, or by 0 where that is negative.

    >>> import curta
    >>> curta.cov(curta.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    x = tensor("cov", input)
    rank = x.layout.rank
    if rank > 2:
        raise ShapeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {rank} dimensions"
        )
    if x.layout.dtype.category == 0:
        raise DTypeError("cov(): bool dtype is not supported for input")
    x = x if x.layout.dtype.is_floating_point else x.to(get_default_dtype())
    x = x if rank == 2 else x.reshape(1, -1)
    count = x.layout.shape[1]
    weights = _weights(count, fweights, aweights)
    if aweights is not None:
        x = x.to(promote_types(x.layout.dtype, aweights.layout.dtype))
    centred, divisor = _centred(x, count, weights, aweights, correction)
    products = mm(centred, (centred if weights is None else centred * weights.to(x.layout.dtype)).t())
    result: Tensor = (products / divisor).squeeze()
    return result


def _centred(x: Tensor, count: int, weights: Any, aweights: Any, correction: int) -> tuple[Tensor, Any]:
    """The observations less their mean, and what sums of their products are divided by."""
    if weights is None:
        mean = x.sum(1, keepdim=True) / count if count else x.sum(1, keepdim=True) * float("nan")
        return x - mean, float(max(0, count - correction))
    total = weights.sum()
    mean = ((x * weights).sum(1, keepdim=True) / total).to(x.layout.dtype)
    if aweights is None or correction == 0:
        divisor = total - correction
    else:
        divisor = total - correction * (weights * aweights).sum() / total
    return x - mean, divisor.clamp(min=0).to(x.layout.dtype)


def _weights(count: int, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    """The product of both kinds of weights, after the checks that PyTorch makes."""
    for name, wanted, given in (("fweights", "integral", fweights), ("aweights", "floating point", aweights)):
        if given is None:
            continue
        layout = tensor("cov", given, name).layout
        if layout.rank > 1:
            raise ShapeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with {layout.rank} dimensions"
            )
        if layout.dtype.category == 0 or layout.dtype.is_floating_point != (name == "aweights"):
            raise DTypeError(
                f"cov(): expected {name} to have {wanted} dtype but got {name} with {scalar_name(layout.dtype)} dtype"
            )
        if layout.numel != count:
            raise ShapeError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{layout.numel} != {count}"
            )
        if _looked_at(given) and (host.array(given.detach()) < 0).any():
            raise ShapeError(f"cov(): {name} cannot be negative")
    if fweights is None or aweights is None:
        made = aweights if fweights is None else fweights
    else:
        made = fweights * aweights
    if made is not None and _looked_at(made) and host.array(made.detach()).sum() == 0:
        raise ShapeError("cov(): weights sum to zero, can't be normalized")
    return made


def _looked_at(weights: Tensor) -> bool:
    """Whether there are numbers to check: none on the meta device, nor while a function is being recorded."""
    return STATE.recorder is None and bool(host.has_values(weights))


def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients of variables, the rows of [variables, observations].

    >>> import curta
    >>> curta.corrcoef(curta.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    x = tensor("corrcoef", input)
    if x.layout.rank > 2:
        raise ShapeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {x.layout.rank} "
            "dimensions"
        )
    found = cov(x)
    if not found.layout.rank:
        return found / found
    spread = found.diagonal().sqrt()
    result: Tensor = (found / spread.unsqueeze(1) / spread.unsqueeze(0)).clamp(-1, 1)
    return result


# distances

_MODES = (
    "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist",
)  # fmt: skip


def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The `p`-norms of the differences of all pairs of rows, [..., P, M] and [..., R, M] to [..., P, R].

    For float32 and float64. Distances are always those of the differences: no `compute_mode` makes them of products.

    >>> import curta
    >>> curta.cdist(curta.tensor([[0.0, 0.0]]), curta.tensor([[3.0, 4.0], [1.0, 0.0]]))
    tensor([[5., 1.]])
    """
    first, second = tensor("cdist", x1, "x1"), tensor("cdist", x2, "x2")
    for name, one in (("X1", first), ("X2", second)):
        if one.layout.rank < 2:
            raise ShapeError(f"cdist only supports at least 2D tensors, {name} got: {one.layout.rank}D")
    for name, one in (("X1", first), ("X2", second)):
        if not one.layout.dtype.is_floating_point:
            raise DTypeError(f"cdist only supports floating-point dtypes, {name} got: {scalar_name(one.layout.dtype)}")
    columns = first.layout.shape[-1], second.layout.shape[-1]
    if columns[0] != columns[1]:
        raise ShapeError(f"X1 and X2 must have the same number of columns. X1: {columns[0]} X2: {columns[1]}")
    if compute_mode is not None and compute_mode not in _MODES:
        raise ArgumentError(f"{compute_mode} is not a valid value for compute_mode")
    kinds = [one.layout.dtype for one in (first, second)]
    if kinds[0] is not kinds[1]:
        raise DTypeError(f"expected scalar type {scalar_name(kinds[0])} but found {scalar_name(kinds[1])}")
    check_distance("cdist", first, p)
    return _lengths(first.unsqueeze(-2) - second.unsqueeze(-3), p)


def check_distance(name: str, x: Tensor, p: float) -> None:
    """ShapeError for a negative `p`, UnsupportedDTypeError for half formats."""
    if p < 0:
        raise ShapeError(f"{name} only supports non-negative p values")
    if compute_dtype(x.layout.dtype) is not x.layout.dtype:
        raise UnsupportedDTypeError(f"\"{name}\" not implemented for '{scalar_name(x.layout.dtype)}'")


def _lengths(differences: Tensor, p: float) -> Tensor:
    """The norm along the last dimension; of vectors without elements 0."""
    shape = differences.layout.shape
    if not shape[-1] or not prod(shape):
        zeros: Tensor = differences.sum(-1)
        return zeros
    if p == 0:  # how many differ: a number that nothing changes, with a history none the less
        counts = norm(differences, p, -1)
        return where(counts < 0, differences.sum(-1), counts)
    return norm(differences, p, -1)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The `p`-norms of the differences of all pairs of rows of [N, M], row by row: N (N - 1) / 2 numbers.

    For float32 and float64.

    >>> import curta
    >>> curta.nn.functional.pdist(curta.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]))
    tensor([5., 3., 4.])
    """
    x = tensor("pdist", input)
    if x.layout.rank != 2:
        raise ShapeError(f"pdist only supports 2D tensors, got: {x.layout.rank}D")
    if not x.layout.dtype.is_floating_point:
        raise DTypeError("pdist only supports floating-point dtypes")
    check_distance("pdist", x, p)
    N = x.layout.shape[0]
    first, second = (from_numpy(places) for places in np.triu_indices(N, 1))
    return _lengths(x.index_select(0, first) - x.index_select(0, second), p)
