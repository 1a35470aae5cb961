"""Numbers, sequences nested to any depth and arrays of any framework as one array, read as PyTorch reads them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, TypeAlias

from curta import dtypes, host
from curta.default_dtype import get_default_dtype
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError, DTypeError
from curta.lazy import LazyModule
from curta.promotion import number_for, promote_types, scalar_dtype
from curta.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = LazyModule("numpy")

Array: TypeAlias = "npt.NDArray[Any]"

#: more levels than this has only a list that holds itself
_DEEPEST = 128
_NUMBERS = {bool, int, float}
#: what is looked at as it is
_PLAIN = (list, tuple, range, bool, int, float, complex, str, bytes, type(None), Tensor)


def is_foreign(data: Any) -> bool:
    """Whether another framework's array, which DLPack gives."""
    return hasattr(data, "__dlpack__") and not isinstance(data, Tensor) and not host.is_numpy(data)


def array_of(data: Any, dtype: DType | None) -> Array:
    """Numbers, nested sequences and arrays as an array, with PyTorch's choice of format where none is asked for."""
    if type(data) in (list, tuple) and data and _NUMBERS.issuperset(map(type, data)):
        shape: tuple[int, ...] = (len(data),)
        flat, parts = list(data), []  # the most common form, as `_Numbers` would find it
    else:
        data = _opened(data)
        if host.is_numpy(data):
            values = np.asarray(data)
            dtypes.from_numpy(values.dtype)
            return values
        found = _Numbers(data, dtype)
        flat, shape, parts = found.flat, found.shape, found.parts
    if dtype is not None and dtype.is_floating_point:
        return np.array(flat, np.float64).reshape(shape)
    if dtype is None and parts:
        return _in_common_format(flat, parts).reshape(shape)
    kind = _kind_of(flat)
    if kind is float:
        default = get_default_dtype()
        values = np.array(flat, np.float64).reshape(shape)
        with np.errstate(over="ignore"):  # what is too large for the format becomes infinity, as in PyTorch
            return values if dtype is not None else values.astype(default.numpy)
    if kind is bool:
        return np.array(flat, np.bool_).reshape(shape)
    return _whole_numbers(flat, dtype).reshape(shape)


def _whole_numbers(flat: list[Any], dtype: DType | None) -> Array:
    try:
        if dtype is dtypes.uint64:
            return np.array([number_for(value, dtype) for value in flat], np.int64).view(np.uint64)
        whole = np.array(flat, np.int64)
    except OverflowError:
        raise ArgumentError("Overflow when unpacking long long") from None
    if dtype is not None and dtype.category == 1 and whole.size:
        number_for(int(whole.min()), dtype)
        number_for(int(whole.max()), dtype)
    return whole


def _in_common_format(flat: list[Any], parts: list[tuple[DType, int, int]]) -> Array:
    """Numbers in the format that those of arrays among them (format, first and end) and the others have in common."""
    common, end = parts[0][0], 0
    own: list[Any] = []
    for dtype, first, behind in parts:
        common = promote_types(common, dtype)
        own += flat[end:first]
        end = behind
    own += flat[end:]
    for kind in set(map(type, own)):
        common = promote_types(common, scalar_dtype(kind()))
    with np.errstate(over="ignore"):
        return np.array(flat).astype(common.numpy)


def _kind_of(flat: list[Any]) -> type:
    kinds = set(map(type, flat))
    if not kinds or any(issubclass(kind, float) for kind in kinds):
        return float
    return bool if kinds == {bool} else int


def _opened(data: Any) -> Any:
    """Arrays of any framework as NumPy's, sequences of any kind as lists; other things as they are."""
    if isinstance(data, _PLAIN) or host.is_numpy(data):
        return data
    if is_foreign(data):
        from curta.dlpack.inward import accept

        return host.array(accept(data, None, None))
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return np.asarray(data)
    sequence = hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (Mapping, Set))
    return list(data) if sequence and not isinstance(data, type) else data


class _Numbers:
    """All numbers in `data` one after the other, its shape, and which of them (format, first and end) arrays gave."""

    def __init__(self, data: Any, dtype: DType | None) -> None:
        self.flat: list[Any] = []
        self.parts: list[tuple[DType, int, int]] = []
        self._real = dtype is not None and dtype.is_floating_point
        self.shape = _shape_of(data)
        self._add(data, 0)

    def _add(self, data: Any, depth: int) -> None:
        data = self._values(_opened(data))
        if not isinstance(data, (list, tuple, range)):
            self._add_number(data, depth)
            return
        if depth == len(self.shape):
            raise ArgumentTypeError(f"not a sequence: nested sequences of different depths at dim {depth}")
        if len(data) != self.shape[depth]:
            raise ArgumentError(f"expected sequence of length {self.shape[depth]} at dim {depth} (got {len(data)})")
        if depth == len(self.shape) - 1 and _NUMBERS.issuperset(map(type, data)):
            self.flat.extend(data)
            return
        for part in data:
            self._add(part, depth + 1)

    def _values(self, data: Any) -> Any:
        """An array as nested lists, its format noted; anything else as it is."""
        if isinstance(data, Tensor):
            self._note(data.layout.dtype, data.layout.numel)
            return data.detach().tolist()
        if host.is_numpy(data):
            kind = _format_of(data)
            if kind is not None:
                self._note(kind, data.size)
            return data.astype("f4").tolist() if kind is dtypes.bfloat16 else data.tolist()
        return data

    def _note(self, dtype: DType, count: int) -> None:
        self.parts.append((dtype, len(self.flat), len(self.flat) + count))

    def _add_number(self, data: Any, depth: int) -> None:
        if not isinstance(data, (bool, int, float)):
            if isinstance(data, complex):
                raise ArgumentTypeError("complex numbers are not supported: Curta has no complex dtypes")
            if isinstance(data, (str, bytes)):
                raise ArgumentTypeError(f"new(): invalid data type '{type(data).__name__}'")
            if not self._real or not (hasattr(data, "__float__") or hasattr(data, "__index__")):
                raise DTypeError(f"Could not infer dtype of {type(data).__name__}")
            data = float(data)
        if depth != len(self.shape):
            raise ArgumentTypeError(f"expected sequence of length {self.shape[depth]} at dim {depth} (got a number)")
        self.flat.append(data)


def _shape_of(data: Any) -> tuple[int, ...]:
    shape: list[int] = []
    while True:
        data = _opened(data)
        if isinstance(data, Tensor) or host.is_numpy(data):
            return (*shape, *data.shape)
        if not isinstance(data, (list, tuple, range)):
            return tuple(shape)
        if len(shape) == _DEEPEST:
            raise ArgumentError(f"too many dimensions '{type(data).__name__}'")
        shape.append(len(data))
        if not data:
            return tuple(shape)
        data = data[0]


def _format_of(values: Any) -> DType | None:
    """The format of something of NumPy's; None where Curta has none."""
    return next((dtype for dtype in dtypes.ALL if dtype.numpy == values.dtype), None)
