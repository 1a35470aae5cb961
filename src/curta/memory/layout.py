"""How a tensor lies in its storage: shape, strides, number format and device, as one shared object."""

from __future__ import annotations

from math import prod
from operator import index

from curta.device import CPU, Device
from curta.dtypes import DType
from curta.errors import ArgumentTypeError, ShapeError
from curta.shapes import contiguous_strides, is_contiguous

Shape = tuple[int, ...]


class Layout:
    """Shape and strides (in elements), format and device. Equal layouts are nearly always one object.

    Sharing makes a layout a cheap dictionary key (its hash is its identity): that is how an operator finds its
    compiled form in well under a microsecond. Two equal layouts that are not one object cost a repeated look-up only.
    """

    __slots__ = ("device", "dtype", "is_contiguous", "nbytes", "numel", "rank", "shape", "strides")

    def __init__(self, shape: Shape, strides: Shape, dtype: DType, device: Device) -> None:
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.device = device
        self.rank = len(shape)
        self.numel = prod(shape)
        self.nbytes = self.numel * dtype.itemsize
        self.is_contiguous = is_contiguous(shape, strides)

    def __repr__(self) -> str:
        return f"{self.dtype.short}[{','.join(map(str, self.shape))}]"

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return strided, (self.shape, self.strides, self.dtype, self.device)


_LAYOUTS: dict[tuple[Shape, Shape, DType, Device], Layout] = {}
_LIMIT = 100_000  # dropping the table is always safe, see Layout
_BOUND = 1 << 63  # kernels take sizes and strides as int64


def strided(shape: Shape, strides: Shape, dtype: DType, device: Device = CPU) -> Layout:
    """The layout with these strides, in elements; ShapeError for what is beyond int64."""
    key = (shape, strides, dtype, device)
    found = _LAYOUTS.get(key)
    if found is None:
        if len(_LAYOUTS) >= _LIMIT:
            _LAYOUTS.clear()
        if not all(type(number) is int for number in (*shape, *strides)):  # 1.0 and True would be found for 1
            return strided(_integers(shape), _integers(strides), dtype, device)
        if not all(-_BOUND <= number < _BOUND for number in (*shape, *strides)):
            raise ShapeError(f"sizes and strides must be numbers of int64, got {list(shape)} and {list(strides)}")
        found = _LAYOUTS[key] = Layout(shape, strides, dtype, device)
    return found


def _integers(numbers: Shape) -> Shape:
    try:
        return tuple([index(number) for number in numbers])
    except TypeError:
        raise ArgumentTypeError(f"sizes and strides must be integers, got {numbers}") from None


def on_processor(layout: Layout) -> Layout:
    """The same layout of what is in memory, for one on the meta device.

    >>> from curta.dtypes import float32
    >>> on_processor(contiguous((4, 8), float32)).device
    device(type='cpu')
    """
    return strided(layout.shape, layout.strides, layout.dtype)


def contiguous(shape: Shape, dtype: DType, device: Device = CPU) -> Layout:
    """The row-major layout of `shape`.

    >>> from curta.dtypes import float32
    >>> contiguous((4, 8), float32).nbytes
    128
    """
    return strided(shape, contiguous_strides(shape), dtype, device)
