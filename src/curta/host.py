"""Between tensors and the host's memory: NumPy arrays over storages, and tensors over arrays."""

from __future__ import annotations

from ctypes import (
    c_bool,
    c_char,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_uint8,
    memmove,
    string_at,
)
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from curta import dtypes
from curta.autograd.counted import refuse_opaque
from curta.autograd.state import STATE
from curta.device import META
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, NoDataError
from curta.lazy import LazyModule
from curta.memory.layout import contiguous, strided
from curta.memory.ledger import INPUTS
from curta.memory.storage import BorrowedStorage, TracedStorage, allocate
from curta.ops.record import Cost
from curta.shapes import storage_extent
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = LazyModule("numpy")

Array: TypeAlias = "npt.NDArray[Any]"


#: how NumPy writes the formats, by `_type_string`
_TYPE_STRINGS: dict[DType, str] = {}


def _type_string(dtype: DType) -> str:
    found = _TYPE_STRINGS[dtype] = "<u2" if dtype is dtypes.bfloat16 else dtype.numpy.str
    return found


class _Exposed:
    """What NumPy looks at: the address of a tensor's first element; keeps the storage alive."""

    def __init__(self, tensor: Tensor) -> None:
        self.storage = tensor.storage
        layout = tensor.layout
        size = layout.dtype.itemsize
        code = _TYPE_STRINGS.get(layout.dtype) or _type_string(layout.dtype)
        self.__array_interface__ = {
            "version": 3,
            "data": (tensor.pointer, False),
            "typestr": code,
            "shape": layout.shape,
            "strides": tuple([stride * size for stride in layout.strides]),
        }


def is_numpy(value: object) -> bool:
    """Whether this is an array or a number of NumPy's."""
    return isinstance(value, (np.ndarray, np.generic))


def known(tensor: Tensor) -> None:
    """CompileError for a tensor whose values a program being recorded will only work out when it runs."""
    if tensor.batch is not None:
        from curta.batching.values import refuse_mapped

        refuse_mapped(tensor)
    if STATE.recorder is not None:
        STATE.recorder.refuse_value(tensor)


def has_values(tensor: Tensor) -> bool:
    """Whether there is anything to read: not on the meta device, nor in what is only recorded, planned or mapped."""
    there = tensor.layout.device is not META and not isinstance(tensor.storage, TracedStorage)
    return there and tensor.batch is None


def readable(tensor: Tensor) -> None:
    """An error for a tensor whose memory nobody may look at from outside: recorded, without data, not to be counted."""
    known(tensor)
    if STATE.opaque is not None:
        refuse_opaque()
    if tensor.storage is None or tensor.layout.device is META:
        raise NoDataError("Cannot copy out of meta tensor; no data!")


def raw_bytes(tensor: Tensor, start: int, nbytes: int) -> memoryview:
    """So many bytes of the tensor's own storage from byte `start` on; the memory lives as long as the view.

    >>> import curta
    >>> bytes(raw_bytes(curta.tensor([1, 256], dtype=curta.int16), 2, 2))
    b'\\x00\\x01'
    """
    readable(tensor)
    storage: Any = tensor.storage  # there is one: it is readable
    block: Any = (c_char * nbytes).from_address(storage.address + start)
    block.storage = storage
    return memoryview(block).cast("B")


def array(tensor: Tensor) -> Array:
    """The tensor's own memory as an array (bfloat16 as ml_dtypes' format); the array keeps the memory alive."""
    readable(tensor)
    if tensor.layout.numel == 0:
        return np.empty(tensor.layout.shape, tensor.layout.dtype.numpy)
    seen = np.asarray(_Exposed(tensor))
    return seen.view(tensor.layout.dtype.numpy) if tensor.layout.dtype is dtypes.bfloat16 else seen


def charge(name: str, read: int, *made: Tensor) -> None:
    """Tell the open accounts of work with NumPy: no FLOPs; so many bytes read once, and what it made written once."""
    if not STATE.books:
        return
    layouts = [one.layout for one in made]
    cost = Cost(0, 0, read, sum(layout.nbytes for layout in layouts))
    for book in STATE.books:
        book.charge_cost(name, cost, layouts)


#: copied byte by byte, which for so few is faster than through an array over the tensor's memory
_FEW_BYTES = 1 << 14

#: what the array module calls the formats of indices
_CODES: dict[DType, Literal["q", "i"]] = {dtypes.int64: "q", dtypes.int32: "i"}


def bounds(tensor: Tensor) -> tuple[int, int]:
    """The smallest and the largest element of a tensor of integers that has any.

    >>> import curta
    >>> bounds(curta.tensor([3, -1, 2]))
    (-1, 3)
    """
    known(tensor)
    layout = tensor.layout
    code = _CODES.get(layout.dtype)
    if code is None:
        values = array(tensor)
        return int(values.min()), int(values.max())
    if layout.numel > 64 or not layout.is_contiguous:
        from curta.ops.extremes import extremes

        readable(tensor)
        return extremes(tensor)
    few = memoryview(string_at(tensor.pointer, layout.nbytes)).cast(code)  # NumPy's own overhead is ten times this
    return min(few), max(few)


#: of so many elements NumPy's own search along several dimensions takes no longer than what it is replaced by
_FEW = 1 << 10


def places(values: Array) -> Array:
    """Where an array is not zero: a row of indices (int64) for each dimension, in the order of the elements.

    NumPy's own search is many times faster along one dimension than along several.

    >>> places(np.array([[0, 1], [2, 0]])).tolist()
    [[0, 1], [1, 0]]
    """
    if values.size <= _FEW:
        return np.array(values.nonzero(), np.int64)
    rest = np.flatnonzero(values if values.dtype == bool else values != 0)
    if values.ndim == 1:
        return rest[None]
    found = np.empty((values.ndim, rest.size), np.int64)
    for axis in range(values.ndim - 1, 0, -1):
        size = values.shape[axis]
        if size & (size - 1) == 0:  # which is several times faster
            np.right_shift(rest, size.bit_length() - 1, out=found[axis - 1])
            np.bitwise_and(rest, size - 1, out=found[axis])
        else:
            np.floor_divide(rest, size, out=found[axis - 1])
            np.subtract(rest, found[axis - 1] * size, out=found[axis])
        rest = found[axis - 1]
    return found


def share(source: Any) -> Tensor:
    """A tensor over an array's memory."""
    if not isinstance(source, np.ndarray):
        raise ArgumentTypeError(f"expected np.ndarray (got {type(source).__name__})")
    dtype = dtypes.from_numpy(source.dtype)
    if not source.dtype.isnative:
        raise ArgumentError(
            "given numpy array has byte order different from the native byte order. "
            "Conversion between byte orders is currently not supported."
        )
    size = source.itemsize
    if any(step < 0 for step in source.strides):
        raise ArgumentError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array with array.copy().)"
        )
    if any(step % size for step in source.strides):
        raise ArgumentError(
            "given numpy array strides not a multiple of the element byte size. "
            "Copy the numpy array to reallocate the memory."
        )
    strides = tuple(step // size for step in source.strides)
    extent = storage_extent(source.shape, strides) * size
    address = source.__array_interface__["data"][0]
    return Tensor._make(BorrowedStorage(extent, address, source), strided(source.shape, strides, dtype), 0)


def tensor_from(values: Array, dtype: DType | None = None) -> Tensor:
    """A new tensor with a copy of an array's values, in format `dtype`."""
    kind = dtype or dtypes.from_numpy(values.dtype)
    if STATE.recorder is not None:
        constant: Tensor = STATE.recorder.constant(lambda: tensor_from(values, kind))
        return constant
    layout = contiguous(values.shape, kind)
    made = Tensor._make(allocate(layout.nbytes), layout, 0)
    for book in STATE.books:
        book.assign(made.storage, INPUTS)
    if layout.numel:
        if values.dtype != kind.numpy:
            with np.errstate(all="ignore"):
                values = values.astype(kind.numpy)
        if layout.nbytes <= _FEW_BYTES:
            memmove(made.pointer, values.tobytes(), layout.nbytes)
        else:
            array(made)[...] = values
    return made


#: what reads one number of a format where it lies, faster than an array is made
_READERS: dict[DType, Any] = {
    dtypes.bool_: c_bool, dtypes.float32: c_float, dtypes.float64: c_double, dtypes.int32: c_int32,
    dtypes.int64: c_int64, dtypes.uint8: c_uint8,
}  # fmt: skip


def number(tensor: Tensor) -> bool | int | float:
    """The first element as a Python number."""
    reader = _READERS.get(tensor.layout.dtype)
    if reader is not None and tensor.layout.numel:
        readable(tensor)
        first: bool | int | float = reader.from_address(tensor.pointer).value
        return first
    found = array(tensor)
    value: bool | int | float = (
        found.astype(np.float32).item() if tensor.layout.dtype is dtypes.bfloat16 else found.item()
    )
    return value


def __getattr__(name: str) -> Any:
    # pickles of the first versions ask for it here
    if name == "rebuilt":
        from curta.pickling import rebuilt_from_array

        return rebuilt_from_array
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
