"""Histograms of numbers and of points, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from curta.device import META
from curta.dtypes import float32, float64
from curta.errors import ArgumentTypeError, DTypeError, IndexRangeError, ShapeError, UnsupportedDTypeError
from curta.functions.creation import full, linspace
from curta.functions.cumulative import diff
from curta.functions.inplace import scalar_name
from curta.functions.movement import integer
from curta.functions.operands import tensor
from curta.functions.outputs import C_TYPES, into_all
from curta.functions.searching import bucketize
from curta.ops.indexing import scatter_rows
from curta.return_types import Named, named
from curta.tensor import Tensor

_COUNTS = (
    "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {made_type} and hist "
    "{given_type}"
)
_EDGES = (
    "torch.histogram: input tensor and bin_edges tensor should have the same dtype, but got input {made_type} and "
    "bin_edges {given_type} for dimension 0"
)


def histogram(
    input: Tensor,
    bins: int | Tensor = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Any = None,
) -> Named:
    """How many elements (or which sum of weights) lie in each bin, and the bins' edges: (hist, bin_edges).

    `bins` is a number of equal parts of `range`, by default from the smallest element to the largest, or a sorted
    vector of edges. The last bin has its upper end; what lies outside, and NaN, counts nowhere. `density` makes the
    integral 1. float32 and float64; without a gradient.

    >>> import curta
    >>> hist, edges = curta.histogram(curta.tensor([1.0, 2.0, 1.0]), 4, range=(0.0, 3.0))
    >>> hist
    tensor([0., 2., 1., 0.])
    """
    if out is not None:
        made = histogram(input, bins, range=range, weight=weight, density=density)
        return into_all("histogram", out, made, (_COUNTS, _EDGES))
    points = tensor("histogram", input).detach().reshape(-1, 1)
    if isinstance(bins, Tensor):
        if range is not None:
            raise ArgumentTypeError("histogram(): the argument 'range' does not go with a tensor of edges")
        given: list[Any] = [bins]
    else:
        given = [integer("histogram", bins, "bins")]
    weights = None if weight is None else tensor("histogram", weight, "weight").reshape(-1)
    hist, edges = _counted(points, given, range, weights, density)
    return named("histogram", (hist, edges[0]))


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Named:
    """How many points input[..., N] lie in each N-dimensional bin, and the N vectors of edges: (hist, bin_edges).

    `bins` is a number of equal parts for each dimension or for all, or a vector of edges for each; `range` has the
    lower and upper end of each dimension one behind the other. Otherwise as `histogram`.

    >>> import curta
    >>> curta.histogramdd(curta.tensor([[0.0, 1.0], [1.0, 0.0]]), [2, 2]).hist
    tensor([[0., 1.],
            [1., 0.]])
    """
    points = tensor("histogramdd", input).detach()
    rank = points.layout.rank
    if not rank:
        raise IndexRangeError("Dimension specified as -1 but tensor has no dimensions")
    count = points.layout.shape[-1]
    if isinstance(bins, (list, tuple)):
        given = _all_alike(bins)
    elif isinstance(bins, Tensor):
        raise ArgumentTypeError("histogramdd(): argument 'bins' (position 2) must be int, ints or Tensors, not Tensor")
    else:
        given = [integer("histogramdd", bins, "bins")] * count
    if rank < 2:
        raise ShapeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if len(given) != count:
        raise ShapeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    weights = None if weight is None else tensor("histogramdd", weight, "weight").detach()
    hist, edges = _counted(points, given, range, weights, density)
    return named("histogramdd", (hist, tuple(edges)))


def _all_alike(bins: Sequence[Any]) -> list[Any]:
    """All whole numbers or all tensors."""
    if all(isinstance(one, Tensor) for one in bins):
        return list(bins)
    for place, one in enumerate(bins):
        if isinstance(bins[0], Tensor) and not isinstance(one, Tensor):
            raise ArgumentTypeError(f"expected Tensor as element {place} in argument 1, but got {type(one).__name__}")
    return [integer("histogramdd", one, "bins") for one in bins]


def _counted(
    points: Tensor, bins: list[Any], ends: Sequence[float] | None, weight: Tensor | None, density: bool
) -> tuple[Tensor, list[Tensor]]:
    """Of points[..., N]: the histogram, and the edges of every dimension."""
    layout = points.layout
    _check_weight(points, weight)
    edges = _given_edges(points, bins) if bins and isinstance(bins[0], Tensor) else _equal_edges(points, bins, ends)
    if layout.dtype not in (float32, float64):
        raise UnsupportedDTypeError(f'"histogramdd" not implemented for {scalar_name(layout.dtype)!r}')
    shape = tuple(one.layout.shape[0] - 1 for one in edges)
    rows = 1
    for size in layout.shape[:-1]:
        rows *= size
    if not edges:
        return full((), 0, dtype=layout.dtype, device=layout.device), []
    flat = points.reshape(rows, len(edges))
    hist = _spread(flat, edges, shape, weight)
    if density:
        hist = hist / hist.sum()
        for dim, one in enumerate(edges):
            hist = hist / diff(one).reshape(-1, *(1,) * (len(shape) - dim - 1))
    return hist, edges


def _spread(flat: Tensor, edges: list[Tensor], shape: tuple[int, ...], weight: Tensor | None) -> Tensor:
    """Each point, or its weight, added to its bin; those outside to one behind all the bins."""
    layout = flat.layout
    rows, total = layout.shape[0], 1
    for size in shape:
        total *= size
    if not total:
        return full(shape, 0, dtype=layout.dtype, device=layout.device)
    places: Any = 0
    inside: Any = None
    for dim, (one, size) in enumerate(zip(edges, shape, strict=True)):
        x = flat[:, dim].contiguous()
        place = (bucketize(x, one, right=True) - 1).clamp(0, size - 1)  # the last edge belongs to the last bin
        places = places * size + place
        here = (x >= one[0]).logical_and(x <= one[-1])
        inside = here if inside is None else inside.logical_and(here)
    if weight is None:
        shares = full((1, 1), 1, dtype=layout.dtype, device=layout.device).expand(rows, 1)
    else:
        shares = weight.detach().reshape(rows, 1)
    counts = scatter_rows(shares, places.where(inside, total), total + 1)
    return counts.reshape(-1).narrow(0, 0, total).reshape(shape).clone()


def _check_weight(points: Tensor, weight: Tensor | None) -> None:
    if weight is None:
        return
    mine, its = points.layout, weight.layout
    if its.shape != mine.shape[:-1]:
        raise ShapeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor "
            f"excluding its innermost dimension, but got input with shape {list(mine.shape)} and weight with shape "
            f"{list(its.shape)}"
        )
    if its.dtype is not mine.dtype:
        raise DTypeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same "
            f"dtype, but got input({C_TYPES[mine.dtype.name]}), and weight({C_TYPES[its.dtype.name]})"
        )


def _given_edges(points: Tensor, bins: list[Tensor]) -> list[Tensor]:
    mine = points.layout.dtype
    for dim, one in enumerate(bins):
        layout = one.layout
        if layout.dtype is not mine:
            raise DTypeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{C_TYPES[mine.name]} and bins for dimension {dim} with dtype {C_TYPES[layout.dtype.name]}"
            )
        if layout.rank != 1:
            raise ShapeError(
                f"torch.histogramdd: bins tensor should have one dimension, but got {layout.rank} dimensions in the "
                f"bins tensor for dimension {dim}"
            )
        if not layout.numel:
            raise ShapeError(
                "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor "
                f"for dimension {dim}"
            )
    return [one.detach().clone() for one in bins]


def _equal_edges(points: Tensor, bins: list[int], ends: Sequence[float] | None) -> list[Tensor]:
    layout = points.layout
    if ends is not None and len(ends) != 2 * len(bins):
        raise ShapeError(
            f"torch.histogramdd: for a {len(bins)}-dimensional histogram range should have {2 * len(bins)} elements, "
            f"but got {len(ends)}"
        )
    for dim, count in enumerate(bins):
        if count <= 0:
            raise ShapeError(f"torch.histogram(): bins must be > 0, but got {count} for dimension {dim}")
    found = []
    for dim, count in enumerate(bins):
        low, high = _ends(points, dim, None if ends is None else (float(ends[2 * dim]), float(ends[2 * dim + 1])))
        found.append(linspace(low, high, count + 1, dtype=layout.dtype, device=layout.device))
    return found


def _ends(points: Tensor, dim: int, given: tuple[float, float] | None) -> tuple[float, float]:
    """Where the first bin begins and the last one ends; the smallest and the largest element, a half beyond one."""
    if given is not None:
        low, high = given
    elif points.layout.numel and points.layout.device is not META:
        along = points[..., dim]
        low, high = float(along.amin().item()), float(along.amax().item())
    else:
        low, high = 0.0, 1.0
    if not isfinite(low) or not isfinite(high):
        raise ShapeError(f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise ShapeError(
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {dim}"
        )
    return (low - 0.5, high + 0.5) if low == high else (low, high)
