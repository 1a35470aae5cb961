"""Images and volumes read at the places of a grid, for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from curta.autograd.state import STATE
from curta.dtypes import compute_dtype
from curta.errors import ArgumentError, DTypeError, ShapeError, UnsupportedDTypeError, UnsupportedError
from curta.functions import creation
from curta.functions.movement import select
from curta.functions.operands import tensor as check
from curta.nn.windows import sizes_of
from curta.ops.grids import axis_of, sampled, sampled_without_gradient
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
    count = x.layout.rank - 2
    if not places.layout.numel or not x.layout.numel:
        return x.reshape(-1)[:0].sum() + x.new_zeros((*x.layout.shape[:2], *places.layout.shape[1:-1]))
    shape = (*x.layout.shape[:2], *places.layout.shape[1:-1])
    numbers = places.reshape(shape[0], 1, -1, count)
    axes = [select(numbers, -1, axis) for axis in range(count)]
    settings: dict[str, Any] = {"mode": mode, "padding_mode": padding_mode, "align": bool(align_corners)}
    plain = STATE.graph is None and not STATE.levels and not (STATE.grad_enabled and _wants_gradient(x, places))
    made = sampled_without_gradient(x, axes, **settings) if plain else _step_by_step(x, axes, settings)
    result: Tensor = made.reshape(shape)
    return result


def _wants_gradient(*tensors: Tensor) -> bool:
    return any(one.requires_grad for one in tensors)


def _step_by_step(x: Any, places: list[Any], settings: dict[str, Any]) -> Any:
    """The same as operators that have gradients."""
    wide = compute_dtype(x.layout.dtype)
    flat = x.to(wide).flatten(2)
    N, C, _ = flat.layout.shape
    sizes = sizes_of(x, len(places))[::-1]  # x comes first

    def read(numbers: list[Any]) -> Any:
        number: Any = 0
        for one, size in reversed(list(zip(numbers, sizes, strict=True))):
            number = number * size + one
        return take(flat, [number.expand(N, C, number.layout.shape[2])], (0, 1, -1), (2,), paired=True)

    axes = [axis_of(size, settings["align"]) for size in sizes]
    return sampled(read, [one.to(wide) for one in places], axes, **settings).to(x.layout.dtype)


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
