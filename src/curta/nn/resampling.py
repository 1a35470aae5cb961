"""Other sizes for sequences, images and volumes: `interpolate` for `curta.nn.functional`.

Every mode goes along one axis after the other: elements are read at places that are known beforehand, and added up
with weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import floor
from operator import index
from typing import TYPE_CHECKING, Any

from curta.autograd.state import STATE
from curta.device import Device
from curta.dtypes import DType, compute_dtype, float64, uint8
from curta.errors import ArgumentError, ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions import creation
from curta.functions.operands import tensor as check
from curta.lazy import LazyModule
from curta.nn import adaptive_pooling, taps
from curta.nn.padding import read_at
from curta.nn.windows import own, sizes_of
from curta.ops.dispatch import bind
from curta.ops.indexing import take
from curta.ops.resampling import MOST_TERMS, WEIGHTED_SUM, resampling
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

_RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "lanczos": 4, "trilinear": 5}
_KINDS = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic", "lanczos": "lanczos"}
_OF_BYTES = ("nearest", "nearest-exact", "bilinear", "bicubic", "lanczos")
_MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"


def interpolate(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest", align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """[N, C, ...] with other sizes behind: `size`, or `scale_factor` times the present ones.

    "nearest" and "nearest-exact" repeat elements or leave some out, "linear", "bilinear", "trilinear" and "bicubic"
    interpolate, "area" takes means. `align_corners` puts the outermost elements above each other, else their edges;
    `antialias` spreads what is made smaller over all elements.

    >>> import curta
    >>> interpolate(curta.tensor([[[1.0, 2.0]]]), scale_factor=2).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    >>> interpolate(curta.tensor([[[1.0, 2.0]]]), 3, mode="linear", align_corners=True).tolist()
    [[[1.0, 1.5, 2.0]]]
    """
    x = check("interpolate", input)
    _check_mode(x, mode, align_corners, antialias)
    count = x.layout.rank - 2
    sizes, factors = _sizes(x, size, scale_factor, bool(recompute_scale_factor), count)
    if mode == "area":
        pool: Any = getattr(adaptive_pooling, f"adaptive_avg_pool{count}d")
        return pool(x, sizes)
    _check_sizes(x, sizes)
    if not x.layout.dtype.is_floating_point and not (x.layout.dtype is uint8 and mode in _OF_BYTES):
        raise UnsupportedDTypeError(f"\"upsample_{mode}{count}d\" not implemented for '{x.layout.dtype.name}'")
    if mode.startswith("nearest") and x.layout.numel:
        return own(_nearest(x, sizes, factors, mode == "nearest-exact"), x)
    return resized(x, sizes, factors, _KINDS.get(mode, "linear"), bool(align_corners), antialias)


def resized(x: Any, sizes: Any, factors: Any, kind: str, align: bool, antialias: bool) -> Any:
    """x[N, C, ...] interpolated between elements that lie `factors` apart, where these are known."""
    if not x.layout.numel:
        return x.reshape(-1)[:0].reshape(*x.layout.shape[:2], *sizes)
    weighted = _of_bytes if x.layout.dtype is uint8 else _weighted
    return own(weighted(x, sizes, factors, kind, align, antialias), x)


def upsample(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest", align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """`interpolate` under its older name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """`interpolate` with mode "nearest"."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


# arguments


def _check_mode(x: Any, mode: str, align_corners: bool | None, antialias: bool) -> None:
    rank = x.layout.rank
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ArgumentError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if rank not in (3, 4, 5) or mode not in (*_RANKS, "nearest", "area", "nearest-exact"):
        raise UnsupportedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank}D) for the modes: {_MODES} (got "
            f"{mode})"
        )
    if rank != _RANKS.get(mode, rank):
        raise UnsupportedError(f"Got {rank}D input, but {mode} mode needs {_RANKS[mode]}D input")
    if antialias and mode not in ("bilinear", "bicubic", "lanczos"):
        raise ArgumentError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "lanczos" and not antialias:
        raise ArgumentError("Lanczos mode requires antialias=True")
    if mode == "lanczos" and align_corners:
        raise ArgumentError("Lanczos mode does not support align_corners=True")


def _sizes(
    x: Any, size: Any, scale_factor: Any, recompute: bool, count: int
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new sizes, and the factors if places are worked out from them."""
    here = sizes_of(x, count)
    if size is None and scale_factor is None:
        raise ArgumentError("either size or scale_factor should be defined")
    if size is not None and scale_factor is not None:
        raise ArgumentError("only one of size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ArgumentError("recompute_scale_factor is not meaningful with an explicit size.")
        given = tuple(size) if isinstance(size, (tuple, list)) else (size,) * count
        _check_count(here, given, count, "output size")
        return tuple(index(one) for one in given), (None,) * count
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * count
    _check_count(here, factors, count, "scale_factor")
    sizes = tuple(floor(size * factor) for size, factor in zip(here, factors, strict=True))
    return sizes, (None,) * count if recompute else tuple(float(factor) for factor in factors)


def _check_count(here: Any, given: Any, count: int, word: str) -> None:
    if len(given) != count:
        letter, connection = ("o", "output size of") if word == "output size" else ("s", "scale_factor of shape")
        raise ArgumentError(
            f"Input and {'output' if letter == 'o' else word} must have the same number of spatial dimensions, but got "
            f"input with spatial dimensions of {list(here)} and {connection} {tuple(given)}. Please provide input "
            f"tensor in (N, C, d1, d2, ...,dK) format and {word} in ({letter}1, {letter}2, ...,{letter}K) format."
        )


def _check_sizes(x: Any, sizes: tuple[int, ...]) -> None:
    here = sizes_of(x, len(sizes))
    if min(*here, *sizes) <= 0:
        letters = "DHW"[-len(sizes) :]
        words = [", ".join(f"{a}: {b}" for a, b in zip(letters, each, strict=True)) for each in (here, sizes)]
        raise ShapeError(
            f"Input and output sizes should be greater than 0, but got input ({words[0]}) output ({words[1]})"
        )


# modes


def _nearest(x: Any, sizes: Any, factors: Any, exact: bool) -> Any:
    double = x.layout.dtype is float64
    here = sizes_of(x, len(sizes))
    places = [
        taps.nearest(size, made, factor, exact, double) for size, made, factor in zip(here, sizes, factors, strict=True)
    ]
    times = [taps.repeats(one, size) for one, size in zip(places, here, strict=True)]
    if None not in times:
        split = [part for size in here for part in (size, 1)]
        spread = [part for pair in zip(here, times, strict=True) for part in pair]
        lead = x.layout.shape[:2]
        return x.reshape(*lead, *split).expand(*lead, *spread).reshape(*lead, *sizes)
    for dim, one in enumerate(places, 2):
        if one != tuple(range(x.layout.shape[dim])):
            x = read_at(x, dim, list(one))
    return x


def _weighted(x: Any, sizes: Any, factors: Any, kind: str, align: bool, antialias: bool) -> Any:
    dtype = x.layout.dtype
    x = x.to(compute_dtype(dtype))
    find = taps.smoothed if antialias else taps.interpolated
    for dim, made in reversed(list(enumerate(sizes, 2))):  # the last one first: what follows then goes by whole rows
        size, factor = x.layout.shape[dim], factors[dim - 2]
        if made == size and (align or factor in (None, 1.0)):
            continue  # every element is itself
        x = _summed(x, dim, find, (kind, size, made, None if align else factor, align))
    return x.to(dtype)


def _summed(x: Any, dim: int, find: Any, settings: tuple[Any, ...]) -> Any:
    """The elements along `dim` that a function of `taps` finds, added up with their weights."""
    found = find(*settings)
    wants = STATE.grad_enabled and x.requires_grad
    terms = _terms(find, settings, False)
    back = _terms(find, settings, True) if wants else terms
    if max(len(terms[0]), len(back[0])) > MOST_TERMS:
        return _along(x, dim, *found)
    # what accounts and recordings look at is made for them, and what inference mode makes is of no use outside of it
    make = _constants if STATE.hooked or STATE.inference else _kept_constants
    tensors: list[Any] = []
    for backward in (False, True) if wants else (False,):
        tensors += make(find, settings, backward, x.layout.dtype, x.layout.device)
    given = (x, *tensors, *(() if wants else tensors))
    return bind(resampling(len(terms[0])), given, dim=dim, ragged=find is taps.smoothed)


@lru_cache(maxsize=256)
def _terms(find: Any, settings: tuple[Any, ...], back: bool) -> tuple[Any, Any]:
    """Places and weights as arrays [terms, new size], or those of the way back."""
    found = find(*settings)
    places, weights = taps.turned(found, settings[1]) if back else found
    return np.array(places, np.int64).T.copy(), np.array(weights).T.copy()


def _constants(find: Any, settings: tuple[Any, ...], back: bool, dtype: DType, device: Device) -> tuple[Tensor, Tensor]:
    """The same as tensors, which nobody writes to."""
    places, weights = _terms(find, settings, back)
    return creation.tensor(places, device=device), creation.tensor(weights, dtype=dtype, device=device)


_kept_constants = lru_cache(maxsize=64)(_constants)


def _of_bytes(x: Any, sizes: Any, factors: Any, kind: str, align: bool, antialias: bool) -> Any:
    """Images of bytes as PyTorch does them: rows first, whole weights, and bytes again after each axis."""
    find = taps.smoothed if antialias else taps.interpolated
    for dim in (3, 2):
        size, made, factor = x.layout.shape[dim], sizes[dim - 2], factors[dim - 2]
        if made != size or not (align or factor in (None, 1.0)):
            found = find(kind, size, made, None if align else factor, align)
            shift, whole = taps.in_whole_numbers(found)
            sums = _along(x.to(float64), dim, found[0], whole)
            x = ((sums + float(1 << shift >> 1)) / float(1 << shift)).floor().clamp(0, 255).to(uint8)
    return x


def _along(x: Any, dim: int, places: Any, weights: Any) -> Any:
    """The elements at `places` [new size, taps] along `dim`, added up with their weights."""
    behind = (1,) * (x.layout.rank - dim - 1)
    shape = (len(places), len(places[0]), *behind)
    device = x.layout.device
    where = creation.tensor(places, device=device).reshape(shape)
    shares = creation.tensor(weights, dtype=x.layout.dtype, device=device).reshape(shape)
    sources = (*range(dim), -1, -1, *range(dim + 1, x.layout.rank))
    seen = take(x, [where], sources, (dim,))
    return bind(WEIGHTED_SUM, (seen, shares), dim=dim + 1).squeeze(dim + 1)
