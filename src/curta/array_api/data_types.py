"""The standard's functions of number formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curta import dtypes, number_formats
from curta.array_api.operands import with_number
from curta.dtypes import DType
from curta.errors import ArgumentError, ArgumentTypeError
from curta.promotion import promote_types, promotes_to
from curta.tensor import Tensor

_UNSIGNED = frozenset({dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64})
_SIGNED = frozenset({dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64})
_REAL = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64})
KINDS: dict[str, frozenset[DType]] = {
    "bool": frozenset({dtypes.bool_}),
    "signed integer": _SIGNED,
    "unsigned integer": _UNSIGNED,
    "integral": _SIGNED | _UNSIGNED,
    "real floating": _REAL,
    "complex floating": frozenset(),
    "numeric": _SIGNED | _UNSIGNED | _REAL,
}


@dataclass(frozen=True)
class FloatLimits:
    """What the standard says of a floating-point format: bits, step from 1 to the next number, limits."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


@dataclass(frozen=True)
class IntegerLimits:
    """What the standard says of an integer format: bits and limits."""

    bits: int
    max: int
    min: int
    dtype: DType


def _format(name: str, type: DType | Tensor) -> DType:
    """The format that is meant, or that of a tensor; ArgumentTypeError for anything else."""
    if isinstance(type, Tensor):
        return type.dtype
    if isinstance(type, DType):
        return type
    raise ArgumentTypeError(f"{name}(): expected a dtype or a tensor, got {type.__class__.__name__}")


def astype(x: Tensor, dtype: DType, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """`x` in another format: a copy, even if it has that format already, unless `copy` is False.

    >>> from curta import array_api as xp
    >>> xp.astype(xp.asarray([1.5, -2.5]), xp.int32)
    tensor([ 1, -2], dtype=curta.int32)
    """
    made = x.to(dtype=_format("astype", dtype), device=x.device if device is None else device)
    return made.clone() if copy and made is x else made


def can_cast(from_: DType | Tensor, to: DType, /) -> bool:
    """Whether promotion leads from one format to the other; never from one kind of numbers to another.

    >>> from curta import array_api as xp
    >>> xp.can_cast(xp.int8, xp.int32), xp.can_cast(xp.int32, xp.int8), xp.can_cast(xp.int8, xp.float32)
    (True, False, False)
    """
    source, target = _format("can_cast", from_), _format("can_cast", to)
    return source.category == target.category and promotes_to(source, target)


def finfo(type: DType | Tensor, /) -> FloatLimits:
    """The limits of a floating-point format, or of a tensor's; ArgumentTypeError for other formats.

    >>> from curta import array_api as xp
    >>> xp.finfo(xp.float32).eps, xp.finfo(xp.ones(2)).dtype
    (1.1920928955078125e-07, curta.float32)
    """
    dtype = _format("finfo", type)
    own = number_formats.finfo(dtype)
    return FloatLimits(own.bits, own.eps, own.max, own.min, own.smallest_normal, dtype)


def iinfo(type: DType | Tensor, /) -> IntegerLimits:
    """The limits of an integer format, or of a tensor's; ArgumentTypeError for other formats.

    >>> from curta import array_api as xp
    >>> xp.iinfo(xp.int8).min, xp.iinfo(xp.arange(2)).bits
    (-128, 64)
    """
    dtype = _format("iinfo", type)
    own = number_formats.iinfo(dtype)
    return IntegerLimits(own.bits, own.max, own.min, dtype)


def isdtype(dtype: DType, kind: DType | str | tuple[DType | str, ...]) -> bool:
    """Whether a format is of a kind: another format, one of the standard's words, or any of several.

    ArgumentError for a word that the standard does not have.

    >>> from curta import array_api as xp
    >>> xp.isdtype(xp.float32, "real floating"), xp.isdtype(xp.float32, ("bool", xp.int8))
    (True, False)
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise ArgumentError(f"isdtype(): unknown kind {kind!r}: expected one of {', '.join(KINDS)}")
        return dtype in KINDS[kind]
    return dtype is _format("isdtype", kind)


def result_type(*arrays_and_dtypes: Tensor | DType | bool | int | float) -> DType:
    """The format that tensors, formats and Python numbers promote to, whatever the ranks; ArgumentError for none.

    >>> from curta import array_api as xp
    >>> xp.result_type(xp.int8, xp.uint8), xp.result_type(xp.ones(2), 1, xp.asarray(2.0, dtype=xp.float64))
    (curta.int16, curta.float64)
    """
    numbers = [one for one in arrays_and_dtypes if isinstance(one, bool | int | float | complex)]
    kinds = [
        _format("result_type", one) for one in arrays_and_dtypes if not isinstance(one, bool | int | float | complex)
    ]
    if not kinds:
        raise ArgumentError("result_type(): requires at least one tensor or dtype")
    found = kinds[0]
    for kind in kinds[1:]:
        found = promote_types(found, kind)
    for number in numbers:
        found = with_number(found, number)
    return found
