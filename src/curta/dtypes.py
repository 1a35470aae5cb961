"""The number formats a tensor can hold: their names, sizes and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.errors import ArgumentTypeError, kind_of
from curta.lazy import LazyModule

if TYPE_CHECKING:
    import ml_dtypes
    import numpy as np
else:
    ml_dtypes = LazyModule("ml_dtypes")
    np = LazyModule("numpy")


class DType:
    """One number format; there is exactly one object for each, so compare with `is`.

    `itemsize` is in bytes; `short` is the name used in error messages and printed graphs.

    >>> bfloat16.itemsize, bfloat16.is_floating_point, bfloat16.short
    (2, True, 'bf16')
    """

    __slots__ = ("_numpy", "category", "is_floating_point", "is_signed", "itemsize", "name", "short")

    def __init__(self, name: str, short: str, itemsize: int, category: int) -> None:
        self.name = name
        self.short = short
        self.itemsize = itemsize
        #: 0 boolean, 1 integer, 2 floating point: promotion never leaves the highest category present
        self.category = category
        self.is_floating_point = category == 2
        self.is_signed = category == 2 or name.startswith("int")
        self._numpy: np.dtype[Any] | None = None

    @property
    def numpy(self) -> np.dtype[Any]:
        """NumPy's format of the same numbers; bfloat16 is that of ml_dtypes."""
        if self._numpy is None:
            self._numpy = np.dtype(ml_dtypes.bfloat16 if self.name == "bfloat16" else self.name)
        return self._numpy

    @property
    def is_complex(self) -> bool:
        """Always False: Curta has no complex formats."""
        return False

    def __repr__(self) -> str:
        return f"curta.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return by_name, (self.name,)


bool_ = DType("bool", "bool", 1, 0)
uint8 = DType("uint8", "u8", 1, 1)
int8 = DType("int8", "i8", 1, 1)
int16 = DType("int16", "i16", 2, 1)
int32 = DType("int32", "i32", 4, 1)
int64 = DType("int64", "i64", 8, 1)
float16 = DType("float16", "f16", 2, 2)
bfloat16 = DType("bfloat16", "bf16", 2, 2)
float32 = DType("float32", "f32", 4, 2)
float64 = DType("float64", "f64", 8, 2)
uint16 = DType("uint16", "u16", 2, 1)
uint32 = DType("uint32", "u32", 4, 1)
uint64 = DType("uint64", "u64", 8, 1)

ALL = (
    bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, uint16, uint32, uint64,
)  # fmt: skip

_BY_NAME = {dtype.name: dtype for dtype in ALL}


#: what PyTorch takes Python's types for
_OF_TYPES: dict[type, DType] = {float: float64, int: int64, bool: bool_}


def asked(dtype: Any, name: str) -> DType | None:
    """A `dtype` that somebody passed to the function `name`, also one of Python's types; ArgumentTypeError for others.

    >>> asked(float, "zeros"), asked(float16, "zeros"), asked(None, "zeros")
    (curta.float64, curta.float16, None)
    """
    return None if dtype is None else asked_for(dtype, name)


def asked_for(dtype: Any, name: str) -> DType:
    """As `asked`, where None is no answer either."""
    if isinstance(dtype, DType):
        return dtype
    found = _OF_TYPES.get(dtype) if isinstance(dtype, type) else None
    if dtype is complex:
        raise ArgumentTypeError(f"{name}(): complex numbers are not supported: Curta has no complex dtypes")
    if found is None:
        raise ArgumentTypeError(f"{name}(): argument 'dtype' must be curta.dtype, not {kind_of(dtype)}")
    return found


def by_name(name: str) -> DType:
    """The format called `name`.

    >>> by_name("float32")
    curta.float32
    """
    return _BY_NAME[name]


#: what `from_numpy` has found: as many as there are formats, in either order of bytes
_FROM_NUMPY: dict[np.dtype[Any], DType] = {}


def from_numpy(dtype: np.dtype[Any]) -> DType:
    """The format that NumPy calls `dtype`.

    >>> from_numpy(np.dtype("int16"))
    curta.int16
    """
    found = _FROM_NUMPY.get(dtype)
    if found is not None:
        return found
    native = dtype.newbyteorder("=")
    for known in ALL:
        if known.numpy == native:
            _FROM_NUMPY[dtype] = known
            return known
    kind = dtype.type
    raise ArgumentTypeError(
        f"can't convert np.ndarray of type {kind.__module__}.{kind.__name__}. The only supported types are: "
        + ", ".join(known.name for known in ALL)
    )


def compute_dtype(dtype: DType) -> DType:
    """The format that arithmetic on `dtype` is done in inside a kernel: half formats widen to float32.

    >>> compute_dtype(float16), compute_dtype(int8)
    (curta.float32, curta.int8)
    """
    return float32 if dtype in (float16, bfloat16) else dtype


def show_bits(number: float, dtype: DType | None = None) -> str:
    """The sign, exponent and mantissa bits of `number` in one floating-point format, or a line for each of them.

    ArgumentTypeError for a format that is not floating point and for what is not a number. The limits of a format are
    `curta.finfo`'s.

    >>> import curta
    >>> print(curta.dtypes.show_bits(1e-8, curta.float16))
    float16: sign 0 exponent 00000 mantissa 0000000000 = 0.0 (+zero)
    >>> len(curta.dtypes.show_bits(1e-8).splitlines())  # a heading, and a line for each format
    5
    """
    from curta import number_formats  # it needs the formats to be there

    return number_formats.table(number) if dtype is None else repr(number_formats.bits(number, dtype))
