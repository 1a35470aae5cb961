"""Images and volumes read at the places of a grid, for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from operator import index
from typing import Any

from curta import functions
from curta.dtypes import compute_dtype, int64
from curta.errors import ArgumentError, DTypeError, ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions import creation
from curta.functions.operands import tensor as check
from curta.nn.windows import sizes_of
from curta.ops.indexing import take
from curta.tensor import Tensor


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The places that theta[N, 2, 3] maps those of images of `size` (N, C, H, W) to: [N, H, W, 2], for `grid_sample`.

    With theta[N, 3, 4] and (N, C, D, H, W) those of volumes: [N, D, H, W, 3].

    >>> import curta
    >>> affine_grid(curta.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2)).tolist()
    [[[[-0.5, 0.0], [0.5, 0.0]]]]
    """
    x = check("affine_grid", theta, "theta")
    shape = tuple(index(one) for one in size)
    if not x.layout.dtype.is_floating_point:
        raise ArgumentError(f"Expected theta to have floating point type, but got {x.layout.dtype!r}")
    if len(shape) not in (4, 5):
        raise UnsupportedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{shape}."
        )
    count = len(shape) - 2
    if x.layout.rank != 3 or x.layout.shape[1:] != (count, count + 1):
        raise ArgumentError(
            f"Expected a batch of {count}D affine matrices of shape Nx{count}x{count + 1} for size {shape}. Got "
            f"{x.shape}."
        )
    if min(shape) <= 0:
        raise ArgumentError(f"Expected non-zero, positive output size. Got {shape}")
    if x.layout.shape[0] != shape[0]:
        raise ShapeError(f"affine_grid: expected {shape[0]} matrices, got theta of shape {list(x.layout.shape)}")
    options = {"dtype": compute_dtype(x.layout.dtype), "device": x.layout.device}
    wide = x.to(options["dtype"])
    made: Any = wide[:, :, count].reshape(-1, *(1,) * count, count)
    for axis, elements in enumerate(reversed(shape[2:])):  # x first, which is the last axis
        places = _centres(elements, bool(align_corners), options)
        column = wide[:, :, axis].reshape(-1, *(1,) * count, count)
        made = made + column * places.reshape(-1, *(1,) * (axis + 1))
    return made.to(x.layout.dtype)


def _centres(count: int, align: bool, options: dict[str, Any]) -> Any:
    """Where the elements of an axis lie between -1 and 1."""
    if count == 1:
        return creation.zeros(1, **options)
    edge = 1.0 if align else (count - 1) / count
    return creation.linspace(-edge, edge, count, **options)


def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """input[N, C, H, W] at the places grid[N, h, w, 2] (x, y), -1 and 1 being its edges; [N, C, h, w].

    Volumes [N, C, D, H, W] with grid[N, d, h, w, 3] alike. `mode` is "bilinear", "nearest" or (for images) "bicubic";
    places outside count as zeros, as the "border", or are reflected ("reflection"). `align_corners` makes -1 and 1 the
    middles of the outermost elements.

    >>> import curta
    >>> image = curta.tensor([[[[1.0, 2.0]]]])
    >>> grid_sample(image, curta.tensor([[[[0.0, 0.0], [-0.5, 0.0]]]])).tolist()
    [[[[1.5, 1.0]]]]
    """
    x, places = check("grid_sample", input), check("grid_sample", grid, "grid")
    _check_grid(x, places, mode, padding_mode)
    count, dtype = x.layout.rank - 2, x.layout.dtype
    if not places.layout.numel or not x.layout.numel:
        return x.reshape(-1)[:0].sum() + x.new_zeros((*x.layout.shape[:2], *places.layout.shape[1:-1]))
    wide = compute_dtype(dtype)
    flat, places = x.to(wide).flatten(2), places.to(wide)
    sizes = sizes_of(x, count)[::-1]  # x comes first
    align = bool(align_corners)
    axes = [_unnormalized(places[..., axis].flatten(1), sizes[axis], align) for axis in range(count)]
    if mode != "bicubic":
        axes = [_brought_in(one, size, padding_mode, align) for one, size in zip(axes, sizes, strict=True)]
    if mode == "nearest":
        made = _read(flat, [one.detach().round() for one in axes], sizes, padding_mode)
    elif mode == "bilinear":
        made = _linear(flat, axes, sizes, padding_mode)
    else:
        made = _cubic(flat, axes, sizes, padding_mode, align)
    return made.reshape(*x.layout.shape[:2], *places.layout.shape[1:-1]).to(dtype)


def _check_grid(x: Any, grid: Any, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ArgumentError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ArgumentError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    shape, places = list(x.layout.shape), list(grid.layout.shape)
    if shape[:1] != places[:1]:
        raise ShapeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {shape} and "
            f"grid with sizes {places}"
        )
    if len(shape) not in (4, 5) or len(places) != len(shape):
        raise ShapeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with "
            f"sizes {shape} and grid with sizes {places}"
        )
    if places[-1] != len(shape) - 2:
        raise ShapeError(
            f"grid_sampler(): expected grid to have size {len(shape) - 2} in last dimension, but got grid with sizes "
            f"{places}"
        )
    if 0 in shape[2:]:
        raise ShapeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
            f"{shape} with dimension {shape.index(0, 2)} being empty"
        )
    if mode == "bicubic" and len(shape) != 4:
        raise ShapeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if not x.layout.dtype.is_floating_point:
        raise UnsupportedDTypeError(f"\"grid_sampler\" not implemented for '{x.layout.dtype.name}'")
    if x.layout.dtype is not grid.layout.dtype:
        raise DTypeError(f"expected scalar type {x.layout.dtype.name} but found {grid.layout.dtype.name}")


# coordinates along one axis


def _unnormalized(place: Any, size: int, align: bool) -> Any:
    """From -1 to 1 to the numbers of elements."""
    return (place + 1) * ((size - 1) / 2) if align else ((place + 1) * size - 1) / 2


def _brought_in(place: Any, size: int, padding_mode: str, align: bool) -> Any:
    """A place inside the axis, unless what lies outside counts as zeros."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        place = _reflected(place, 0.0, size - 1.0) if align else _reflected(place, -0.5, size - 0.5)
    # at the edge and outside nothing changes with the place
    return functions.where((place > 0) & (place < size - 1), place, place.detach().clamp(0, size - 1))


def _reflected(place: Any, low: float, high: float) -> Any:
    if low == high:
        return place * 0
    distance, span = (place - low).abs(), high - low
    flips = (distance.detach() / span).floor()
    rest = distance - flips * span
    return functions.where(flips.remainder(2) == 0, rest, span - rest) + low


# elements


def _read(flat: Any, places: list[Any], sizes: Any, padding_mode: str) -> Any:
    """flat[N, C, elements] at whole places [N, P] along each axis; zero outside."""
    number: Any = 0
    inside: Any = None
    for place, size in reversed(list(zip(places, sizes, strict=True))):
        if padding_mode == "zeros":
            here = (place >= 0) & (place <= size - 1)
            inside = here if inside is None else inside & here
        along = place.clamp(0, size - 1).to(int64).clamp(0, size - 1)  # what is no number becomes some place
        number = number * size + along
    N, C = flat.layout.shape[:2]
    where = number.unsqueeze(1).expand(N, C, number.layout.shape[1])
    found = take(flat, [where], (0, 1, -1), (2,), paired=True)
    return found if inside is None else found * inside.unsqueeze(1)


def _linear(flat: Any, axes: list[Any], sizes: Any, padding_mode: str) -> Any:
    """The elements at all the corners around each place, by how near they are."""
    low = [one.detach().floor() for one in axes]
    shares = [one - first for one, first in zip(axes, low, strict=True)]
    total: Any = 0
    for corner in product((0, 1), repeat=len(axes)):
        weight = _product([share if side else 1 - share for side, share in zip(corner, shares, strict=True)])
        places = [first + side for side, first in zip(corner, low, strict=True)]
        total = total + _read(flat, places, sizes, padding_mode) * weight.unsqueeze(1)
    return total


def _cubic(flat: Any, axes: list[Any], sizes: Any, padding_mode: str, align: bool) -> Any:
    low = [one.detach().floor() for one in axes]
    shares = [_cubic_weights(one - first) for one, first in zip(axes, low, strict=True)]
    total: Any = 0
    for corner in product(range(4), repeat=len(axes)):
        weight = _product([each[tap] for each, tap in zip(shares, corner, strict=True)])
        places = [
            _brought_in(first + (tap - 1), size, padding_mode, align).round()
            for first, tap, size in zip(low, corner, sizes, strict=True)
        ]
        total = total + _read(flat, places, sizes, padding_mode) * weight.unsqueeze(1)
    return total


def _cubic_weights(t: Any) -> list[Any]:
    """Keys' kernel with a = -0.75 at the distances t + 1, t, 1 - t, 2 - t."""
    a = -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _product(factors: list[Any]) -> Any:
    """Their product."""
    return prod(factors[1:], start=factors[0])
