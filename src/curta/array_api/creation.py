"""The standard's functions that make tensors."""

from __future__ import annotations

from typing import Any

from curta import dtypes, functions
from curta.array_api.operands import in_common
from curta.default_dtype import get_default_dtype
from curta.device import Device
from curta.dtypes import DType
from curta.errors import ArgumentError
from curta.tensor import Tensor

Shape = int | tuple[int, ...]
DeviceLike = Device | str | None


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: DType | None = None,
    device: DeviceLike = None,
) -> Tensor:
    """`start`, `start + step`, … before `stop`: nothing where `stop` lies on the other side.

    >>> from curta import array_api as xp
    >>> xp.arange(1, 7, 2), xp.arange(3, 1).shape
    (tensor([1, 3, 5]), torch.Size([0]))
    """
    if stop is None:
        start, stop = 0, start
    if step and (stop - start) / step <= 0:
        whole = all(isinstance(one, int) for one in (start, stop, step))
        return empty(0, dtype=dtype or (dtypes.int64 if whole else get_default_dtype()), device=device)
    return functions.arange(start, stop, step, dtype=dtype, device=device)


def asarray(obj: Any, /, *, dtype: DType | None = None, device: DeviceLike = None, copy: bool | None = None) -> Tensor:
    """A number, nested sequences, a tensor, or what speaks DLPack or is a buffer, as a tensor, shared where it can be.

    `copy=True` always copies; with `copy=False` ArgumentError for what cannot be shared.

    >>> from curta import array_api as xp
    >>> xp.asarray([[1, 2], [3, 4]], dtype=xp.float32)
    tensor([[1., 2.],
            [3., 4.]])
    """
    return functions.asarray(obj, dtype=dtype, device=device, copy=copy)


def empty(shape: Shape, *, dtype: DType | None = None, device: DeviceLike = None) -> Tensor:
    """A tensor whose contents are whatever the memory held."""
    return functions.empty(shape, dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: DType | None = None, device: DeviceLike = None) -> Tensor:
    """A tensor like `x`, contents undefined."""
    return functions.empty_like(x, dtype=dtype, device=device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DType | None = None, device: DeviceLike = None
) -> Tensor:
    """Ones on the diagonal that is `k` places above the main one, zeros elsewhere.

    >>> from curta import array_api as xp
    >>> xp.eye(2, 3, k=1)
    tensor([[0., 1., 0.],
            [0., 0., 1.]])
    """
    if k == 0:
        return functions.eye(n_rows, n_cols, dtype=dtype, device=device)
    width = n_rows if n_cols is None else n_cols
    columns = functions.arange(width, device=device)
    rows = functions.arange(n_rows, device=device).unsqueeze(-1)
    nearest = max(-n_rows, min(k, width))  # outside the matrix any place is as good
    return (columns - rows == nearest).to(dtype or get_default_dtype())


def full(
    shape: Shape, fill_value: bool | int | float, *, dtype: DType | None = None, device: DeviceLike = None
) -> Tensor:
    """A tensor filled with one number, in the number's own kind unless `dtype` names a format."""
    return functions.full(shape, fill_value, dtype=dtype, device=device)


def full_like(
    x: Tensor, /, fill_value: bool | int | float, *, dtype: DType | None = None, device: DeviceLike = None
) -> Tensor:
    """A tensor like `x`, filled with one number."""
    return functions.full_like(x, fill_value, dtype=dtype, device=device)


def linspace(
    start: float,
    stop: float,
    /,
    num: int,
    *,
    dtype: DType | None = None,
    device: DeviceLike = None,
    endpoint: bool = True,
) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, or without `endpoint` to one step before it.

    The ends are `start` and `stop` also where they are integers that a float64 does not hold.

    >>> from curta import array_api as xp
    >>> xp.linspace(0, 1, 2), xp.linspace(0, 1, 2, endpoint=False)
    (tensor([0., 1.]), tensor([0.0000, 0.5000]))
    """
    steps = num if endpoint else num + 1
    points = functions.linspace(start, stop, steps, dtype=dtype, device=device)[:num]
    if num > 0 and not points.is_floating_point():
        points[0] = int(start)
        if endpoint and num > 1:
            points[-1] = int(stop)
    return points


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """Coordinates as grids, one for each 1-d tensor; "xy" swaps the first two dimensions, "ij" does not.

    ArgumentError for another `indexing`.

    >>> from curta import array_api as xp
    >>> xp.meshgrid(xp.arange(2), xp.arange(3))[0].tolist()
    [[0, 1], [0, 1], [0, 1]]
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid(): indexing must be 'xy' or 'ij', got {indexing!r}")
    if not arrays:
        return []
    return [each.contiguous() for each in functions.meshgrid(*in_common(arrays), indexing=indexing)]


def ones(shape: Shape, *, dtype: DType | None = None, device: DeviceLike = None) -> Tensor:
    """Ones, in the default floating-point format unless `dtype` names another."""
    return functions.ones(shape, dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: DType | None = None, device: DeviceLike = None) -> Tensor:
    """Ones like `x`."""
    return functions.ones_like(x, dtype=dtype, device=device)


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The lower triangles of matrices, up to the diagonal `k`; zeros above."""
    return functions.tril(x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The upper triangles of matrices, from the diagonal `k` on; zeros below."""
    return functions.triu(x, k)


def zeros(shape: Shape, *, dtype: DType | None = None, device: DeviceLike = None) -> Tensor:
    """Zeros, in the default floating-point format unless `dtype` names another."""
    return functions.zeros(shape, dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: DType | None = None, device: DeviceLike = None) -> Tensor:
    """Zeros like `x`."""
    return functions.zeros_like(x, dtype=dtype, device=device)
