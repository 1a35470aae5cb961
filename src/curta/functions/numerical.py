"""Differences and sums that stand for derivatives and integrals, limits on norms, and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curta.errors import ArgumentTypeError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import zeros
from curta.functions.cumulative import trapezoid
from curta.functions.joining import cat
from curta.functions.movement import dimension
from curta.functions.operands import tensor
from curta.functions.plain import ldexp
from curta.functions.statistics import norm
from curta.return_types import Named, named
from curta.tensor import Tensor


def frexp(input: Tensor, *, out: Any = None) -> Named:
    """Mantissas of a size in [0.5, 1), and exponents of 2 (int32); zeros, infinities and NaN have the exponent 0.

    >>> import curta
    >>> curta.frexp(curta.tensor([8.0, -0.75])).exponent
    tensor([4, 0], dtype=curta.int32)
    """
    from curta.functions.matrices import into

    x = tensor("frexp", input)
    dtype = x.layout.dtype
    if not dtype.is_floating_point:
        raise UnsupportedDTypeError("torch.frexp() only supports floating-point dtypes")
    wide = x.float() if dtype.itemsize == 2 else x
    plain = wide.detach()
    regular = (plain != 0).logical_and(plain.isfinite())
    exponent = plain.abs().where(regular, 1.0).log2().floor().int() + 1  # off by one at most
    size = ldexp(plain, -exponent).abs()
    exponent = (exponent + (size >= 1).int() - (size < 0.5).int()).where(regular, 0)
    mantissa = ldexp(wide, -exponent).to(dtype)
    return named("frexp", into("frexp", out, (mantissa, exponent), (x,)), out)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """`trapezoid` under its older name.

    >>> import curta
    >>> curta.trapz(curta.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    if x is not None:
        return trapezoid(y, x, dim=dim)
    return trapezoid(y, dim=dim) if dx is None else trapezoid(y, dx=dx, dim=dim)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """The slices along `dim` scaled down to a p-norm of `maxnorm` where theirs is larger.

    >>> import curta
    >>> curta.renorm(curta.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    from curta.functions.outputs import into

    x = tensor("renorm", input)
    if not x.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f'"renorm" not implemented for {x.layout.dtype.name!r}')
    if p <= 0:
        raise ShapeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise ShapeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    rank = x.layout.rank
    if rank < 2:
        raise ShapeError(f"renorm: input needs at least 2 dimensions, got {rank} dimensions")
    kept = dimension("renorm", dim, rank)
    others = tuple(axis for axis in range(rank) if axis != kept)
    wide = x.float() if x.layout.dtype.itemsize == 2 else x
    sizes = norm(wide, p, others, True)
    # PyTorch's small number: a slice just above the limit ends just below it
    factors = (maxnorm / (sizes + 1e-7)).where(sizes > maxnorm, 1.0)
    found: Tensor = x * factors.to(x.layout.dtype)
    return found if out is None else into("renorm", out, found, inputs=(x,))


def gradient(
    input: Tensor, *, spacing: Any = 1, dim: int | Sequence[int] | None = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The derivatives along dimensions by central differences, at the ends by one-sided ones of `edge_order` 1 or 2.

    `spacing` is a distance for all dimensions or each, or the coordinates along each as tensors.

    >>> import curta
    >>> curta.gradient(curta.tensor([1.0, 4.0, 9.0]))
    (tensor([3., 4., 5.]),)
    """
    x = tensor("gradient", input)
    rank = x.layout.rank
    if edge_order not in (1, 2):
        raise ShapeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if dim is None:
        dims: tuple[int, ...] = tuple(range(rank))
    else:
        given = (dim,) if isinstance(dim, int) else tuple(dim)
        dims = tuple(dimension("gradient", one, rank) for one in given)
        if len(set(dims)) < len(dims):
            raise ShapeError(f"dim {given[-1]} appears multiple times in the list of dims")
    spacing = 1 if spacing is None else spacing
    spacings = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    if isinstance(spacing, Tensor):
        raise ArgumentTypeError("gradient(): spacing must be a number, or a sequence of numbers or tensors")
    if len(spacings) != len(dims):
        raise ShapeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
            f"'self.dim() = {rank}', but got a list of length {len(spacings)}"
        )
    for axis in dims:
        if x.layout.shape[axis] < edge_order + 1:
            raise ShapeError("torch.gradient expected each dimension size to be at least edge_order+1")
    if not x.layout.dtype.is_floating_point:
        x = x.float()
    return tuple(_along(x, axis, step, edge_order) for axis, step in zip(dims, spacings, strict=True))


def _along(x: Tensor, dim: int, spacing: Any, edge_order: int) -> Tensor:
    """Coordinates, or a distance, along one dimension."""
    count = x.layout.shape[dim]

    def part(start: int, length: int) -> Tensor:
        return x.narrow(dim, start, length)

    if isinstance(spacing, Tensor):
        behind = (-1,) + (1,) * (x.layout.rank - dim - 1)
        if spacing.layout.rank != 1 or spacing.layout.shape[0] != count:
            raise ShapeError(
                "torch.gradient expected each tensor to have one dimension and as many elements as the dimension, got "
                f"{list(spacing.layout.shape)} for a dimension of size {count}"
            )
        steps = (spacing[1:] - spacing[:-1]).reshape(behind).to(x.layout.dtype)
    else:
        steps = zeros((count - 1,) + (1,) * (x.layout.rank - dim - 1), dtype=x.layout.dtype, device=x.layout.device)
        steps = steps + spacing
    slopes = (part(1, count - 1) - part(0, count - 1)) / steps
    if count < 3:
        return slopes.expand(x.layout.shape) if count == 2 else slopes
    before, after = steps.narrow(0, 0, count - 2), steps.narrow(0, 1, count - 2)
    left, right = slopes.narrow(dim, 0, count - 2), slopes.narrow(dim, 1, count - 2)
    if isinstance(spacing, Tensor):
        inner = (left * after + right * before) / (before + after)
    else:  # rounded twice in place of four times
        inner = (part(2, count - 2) - part(0, count - 2)) / (2 * spacing)
    first, last = slopes.narrow(dim, 0, 1), slopes.narrow(dim, count - 2, 1)
    if edge_order == 2:
        h = [steps.narrow(0, place, 1) for place in (0, 1, count - 3, count - 2)]
        first = first + (first - slopes.narrow(dim, 1, 1)) * h[0] / (h[0] + h[1])
        last = last + (last - slopes.narrow(dim, count - 3, 1)) * h[3] / (h[3] + h[2])
    return cat([first, inner, last], dim)
