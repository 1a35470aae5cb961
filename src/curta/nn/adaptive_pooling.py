"""Pooling to given sizes, and what undoes pooling, for `curta.nn.functional`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import Any

from curta.dtypes import int64
from curta.errors import ArgumentError, DTypeError, ShapeError
from curta.functions import creation
from curta.functions.operands import tensor as check
from curta.nn.pooling import checked, divisors, largest, mean
from curta.nn.windows import Numbers, each_axis, sizes_of, steps_of
from curta.ops.pooling import Span
from curta.tensor import Tensor

#: a size for each axis (None: as the input's), or one for all
Sizes = int | Sequence[int | None] | None


def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of `output_size` windows that cover [N, C, L] (or [C, L]).

    >>> import curta
    >>> adaptive_avg_pool1d(curta.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[2.0000, 3.5000]])
    """
    return _means("adaptive_avg_pool1d", input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of `output_size` (height, width; None: as the input's) windows that cover [N, C, H, W] (or [C, H, W]).

    >>> import curta
    >>> adaptive_avg_pool2d(curta.arange(16.0).reshape(1, 1, 4, 4), (1, 2)).tolist()
    [[[[6.5, 8.5]]]]
    """
    return _means("adaptive_avg_pool2d", input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of `output_size` (depth, height, width) windows that cover [N, C, D, H, W] (or [C, D, H, W]).

    >>> import curta
    >>> adaptive_avg_pool3d(curta.arange(8.0).reshape(1, 2, 2, 2), (1, 1, 2)).tolist()
    [[[[3.0, 4.0]]]]
    """
    return _means("adaptive_avg_pool3d", input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` windows that cover [N, C, L] (or [C, L]), as `adaptive_max_pool2d`."""
    return _maxima("adaptive_max_pool1d", input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` (height, width) windows that cover [N, C, H, W] (or [C, H, W]).

    With `return_indices` also their row-major numbers in their image.

    >>> import curta
    >>> adaptive_max_pool2d(curta.arange(16.0).reshape(1, 1, 4, 4), (1, 2)).tolist()
    [[[[13.0, 15.0]]]]
    """
    return _maxima("adaptive_max_pool2d", input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` windows that cover [N, C, D, H, W] (or [C, D, H, W])."""
    return _maxima("adaptive_max_pool3d", input, output_size, return_indices)


def _means(name: str, input: Tensor, output_size: Sizes) -> Any:
    count = int(name[-2])
    _check_rank(check(name, input), output_size, count)
    x = checked(name, input)
    sizes = _sizes(name, x, output_size, count)
    if x.layout.rank == count + 1:
        return _means(name, x.unsqueeze(0), sizes).squeeze(0)
    _check_sizes(name, x, sizes)
    if set(sizes) == {1}:
        return x.mean(tuple(range(2, count + 2)), keepdim=True)
    if 0 in sizes:
        return _nothing(x, sizes)
    axes = [_adaptive(size, wanted) for size, wanted in zip(sizes_of(x, count), sizes, strict=True)]
    return mean(x, axes, divisors(x, axes))


def _maxima(name: str, input: Tensor, output_size: Sizes, return_indices: bool) -> Any:
    count = int(name[-2])
    _check_rank(check(name, input), output_size, count)
    x = checked(name, input)
    sizes = _sizes(name, x, output_size, count)
    if x.layout.rank == count + 1:
        values, places = (one.squeeze(0) for one in _maxima(name, x.unsqueeze(0), sizes, True))
        return (values, places) if return_indices else values
    _check_sizes(name, x, sizes)
    if 0 in sizes:
        values = _nothing(x, sizes)
        places = values.detach().to(int64)
    else:
        axes = [_adaptive(size, wanted) for size, wanted in zip(sizes_of(x, count), sizes, strict=True)]
        values, places = largest(x, axes)
    return (values, places) if return_indices else values


def _nothing(x: Any, sizes: tuple[int, ...]) -> Any:
    """A result without elements, which still has a history."""
    N, C = x.layout.shape[:2]
    return x.flatten()[:0].reshape(N, C, *sizes)


def _sizes(name: str, x: Any, output_size: Sizes, count: int) -> tuple[int, ...]:
    alone = output_size is None or hasattr(output_size, "__index__")
    given: Any = (output_size,) * count if alone else tuple(output_size)  # type: ignore[arg-type]
    if len(given) != count:
        raise ShapeError(f"{name}: output_size must be {count}")
    return tuple(
        size if wanted is None else index(wanted) for size, wanted in zip(sizes_of(x, count), given, strict=True)
    )


def _check_rank(x: Any, output_size: Any, count: int) -> None:
    """PyTorch's own error where sizes are named one by one, and there is no axis for each besides the channels."""
    if count > 1 and isinstance(output_size, Sequence) and x.layout.rank <= len(output_size):
        raise ArgumentError(f"Input dimension should be at least {len(output_size) + 1}, got {list(x.layout.shape)}")


def _check_sizes(name: str, x: Any, sizes: tuple[int, ...]) -> None:
    if min(sizes) < 0:
        raise ShapeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join(map(str, sizes))}}}"
        )
    for dim, size in enumerate(sizes_of(x, len(sizes)), 2):
        if size == 0:
            raise ShapeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has "
                f"sizes {list(x.layout.shape)} with dimension {dim} being empty"
            )


def _adaptive(size: int, count: int) -> Span:
    """Window o from floor(o * size / count) to ceil((o + 1) * size / count)."""
    return Span(size, count, size, 0, size + count - 1, count)


# what undoes pooling


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The elements of [N, C, L] (or [C, L]) where `max_pool1d` found them, among zeros.

    >>> import curta
    >>> max_unpool1d(curta.tensor([[3.0, 5.0]]), curta.tensor([[1, 3]]), 2)
    tensor([[0., 3., 0., 5.]])
    """
    return _unpooled("max_unpool1d", input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The elements of [N, C, H, W] (or [C, H, W]) where `max_pool2d` found them, among zeros.

    `output_size` says which of the sizes that give such a result is meant. ShapeError for an index outside it.

    >>> import curta
    >>> max_unpool2d(curta.tensor([[[7.0]]]), curta.tensor([[[3]]]), 2).tolist()
    [[[0.0, 0.0], [0.0, 7.0]]]
    """
    return _unpooled("max_unpool2d", input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The elements of [N, C, D, H, W] (or [C, D, H, W]) where `max_pool3d` found them, among zeros."""
    return _unpooled("max_unpool3d", input, indices, kernel_size, stride, padding, output_size)


def _unpooled(
    name: str, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    count = int(name[-2])
    x, places = check(name, input), check(name, indices, "indices")
    if x.layout.rank not in (count + 1, count + 2):
        raise ShapeError(
            f"Input to {name} should be a {count + 1}d or {count + 2}d Tensor, but got a tensor with {x.layout.rank} "
            "dimensions."
        )
    if places.layout.dtype is not int64:
        raise DTypeError(f"elements in indices should be type int64 but got: {places.layout.dtype.name}")
    if places.layout.shape != x.layout.shape:
        raise ShapeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(x.layout.shape)}) but got "
            f"indices tensor with shape: {list(places.layout.shape)}"
        )
    words = f"{name}: kernel_size, stride and padding must be one number, or one for each axis"
    kernel = each_axis(kernel_size, count, words)
    jump = steps_of(stride, kernel, words)
    around = each_axis(padding, count, words)
    usual = [(size - 1) * s - 2 * p + k for size, k, s, p in zip(sizes_of(x, count), kernel, jump, around, strict=True)]
    sizes = _chosen(usual, jump, output_size, count)
    lead = x.layout.shape[:-count]
    flat = creation.zeros(*lead, prod(sizes), dtype=x.layout.dtype, device=x.layout.device)
    made = flat.scatter(-1, places.flatten(-count), x.flatten(-count))
    return made.reshape(*lead, *sizes)


def _chosen(usual: list[int], stride: tuple[int, ...], output_size: Any, count: int) -> list[int]:
    """The sizes of the result: less than a stride away from the usual ones."""
    if output_size is None:
        return usual
    given = [index(size) for size in output_size]
    if len(given) == count + 2:
        given = given[2:]
    if len(given) != count:
        raise ArgumentError(
            f"output_size should be a sequence containing {count} or {count + 2} elements, but it has a length of "
            f"'{len(given)}'"
        )
    for dim, (size, middle, step) in enumerate(zip(given, usual, stride, strict=True)):
        if not middle - step < size < middle + step:
            raise ArgumentError(
                f'invalid output_size "{tuple(given)}" (dim {dim} must be between {middle - step} and {middle + step})'
            )
    return given
