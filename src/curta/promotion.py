"""Which dtype an operator works in when its operands differ: PyTorch's rules."""

from __future__ import annotations

from functools import lru_cache
from math import isfinite

from curta import dtypes
from curta.default_dtype import get_default_dtype
from curta.dtypes import DType
from curta.errors import ArgumentTypeError, DTypeError

#: an operand as promotion sees it: its dtype, and its rank, or None for a Python number (see `scalar_dtype`)
Operand = tuple[DType, int | None]


_SIGNED = {dtype.itemsize: dtype for dtype in (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)}


def _promote(first: DType, second: DType) -> DType | None:
    """None where no format holds the values of both, which is so for uint64 and the signed formats."""
    if first is second:
        return first
    low, high = sorted((first, second), key=lambda dtype: (dtype.category, dtype.itemsize))
    # Some pairs have no member that holds the other's values: the next format that holds both is taken.
    if low.category < high.category:
        return high
    if high.is_floating_point:
        return high if low.itemsize < high.itemsize else dtypes.float32
    if low.is_signed is high.is_signed:
        return high
    signed, unsigned = (low, high) if low.is_signed else (high, low)
    return signed if signed.itemsize > unsigned.itemsize else _SIGNED.get(2 * unsigned.itemsize)


_PROMOTED = {(first, second): _promote(first, second) for first in dtypes.ALL for second in dtypes.ALL}


def promote_types(first: DType | type, second: DType | type) -> DType:
    """The smallest format that PyTorch takes for a mix of two formats; DTypeError for uint64 and a signed integer.

    For uint16, uint32 and uint64, which PyTorch mixes with floating point only, it is the array API standard's.

    >>> promote_types(dtypes.uint8, dtypes.int8), promote_types(dtypes.int64, dtypes.float16)
    (curta.int16, curta.float16)
    """
    if not (isinstance(first, DType) and isinstance(second, DType)):
        first, second = (dtypes.asked_for(one, "promote_types") for one in (first, second))
    found = _PROMOTED[first, second]
    if found is None:
        raise DTypeError(f"promote_types: no format holds the values of both {first.name} and {second.name}")
    return found


def promotes_to(source: DType, target: DType) -> bool:
    """Whether promotion of the two formats leads to `target`; False where there is none.

    >>> promotes_to(dtypes.int8, dtypes.int16), promotes_to(dtypes.uint64, dtypes.int64)
    (True, False)
    """
    return _PROMOTED[source, target] is target


def _combine(higher: DType | None, lower: DType | None) -> DType | None:
    """The result of two priority classes: the lower one counts only when it is of a higher category."""
    if higher is None or lower is None:
        return higher or lower
    if lower.category <= higher.category:
        return higher
    return promote_types(higher, lower)


@lru_cache(maxsize=4096)
def result_type(*operands: Operand) -> DType:
    """The dtype of an operator over these operands, each (dtype, rank) or (dtype, None) for a Python number.

    Tensors with dims go before zero-dim tensors, and those before Python numbers: a lower class decides only
    when its category (boolean < integer < floating) is higher. ArgumentTypeError without operands.

    >>> result_type((dtypes.bfloat16, 2), (dtypes.float32, None)), result_type((dtypes.int32, 1), (dtypes.float64, 0))
    (curta.bfloat16, curta.float64)
    """
    classes: list[DType | None] = [None, None, None]
    for dtype, rank in operands:
        place = 2 if rank is None else 0 if rank else 1
        known = classes[place]
        classes[place] = dtype if known is None else promote_types(known, dtype)
    result = _combine(classes[0], _combine(classes[1], classes[2]))
    if result is None:
        raise ArgumentTypeError("result_type: needs at least one operand")
    return result


def scalar_dtype(value: bool | int | float) -> DType:
    """The dtype a Python number takes part in promotion with: bool, int64 or the default floating-point format.

    >>> scalar_dtype(True), scalar_dtype(3), scalar_dtype(0.5)
    (curta.bool, curta.int64, curta.float32)
    """
    if isinstance(value, bool):
        return dtypes.bool_
    if isinstance(value, int):
        return dtypes.int64
    if isinstance(value, float):
        return get_default_dtype()
    if isinstance(value, complex):
        raise ArgumentTypeError("complex numbers are not supported: Curta has no complex dtypes")
    raise ArgumentTypeError(f"expected a Python number (bool, int or float), got {type(value).__name__}")


def can_cast(source: DType, target: DType) -> bool:
    """Whether a result of dtype `source` may be stored as `target`: never to a lower category.

    >>> can_cast(dtypes.float64, dtypes.float16), can_cast(dtypes.float16, dtypes.int64)
    (True, False)
    """
    return source.category <= target.category


_LARGEST = float.fromhex("0x1.fffffep+127")  # of float32


def number_for(value: bool | int | float, dtype: DType) -> bool | int | float:
    """A Python number as an operator with a result of `dtype` takes it; DTypeError for one outside its range.

    As in PyTorch a negative number wraps around in an unsigned format, and a half takes what rounds to infinity.

    >>> number_for(2.7, dtypes.int8), number_for(-1, dtypes.uint8), number_for(2, dtypes.bool_)
    (2, -1, True)
    """
    if dtype.is_floating_point:
        real = float(value)
        if dtype is dtypes.float32 and abs(real) > _LARGEST and isfinite(real):
            raise DTypeError(f"value cannot be converted to type {dtype.name} without overflow")
        return real
    if dtype.category == 0:
        return bool(value)
    limit = 1 << (8 * dtype.itemsize - dtype.is_signed)
    if not isfinite(value) or not -limit - dtype.is_signed < int(value) < limit:
        raise DTypeError(f"value cannot be converted to type {dtype.name} without overflow")
    return int(value) if dtype.itemsize < 8 else as_int64(int(value))


def as_int64(value: int) -> int:
    """The int64 with the same 64 bits: kernels take every whole number as one, uint64's too.

    >>> as_int64(2**64 - 1), as_int64(2**63 - 1) == 2**63 - 1
    (-1, True)
    """
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)
