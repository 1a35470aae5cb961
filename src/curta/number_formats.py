"""What the number formats can hold: their limits, and the very bits of a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curta import dtypes
from curta.default_dtype import get_default_dtype
from curta.dtypes import DType, asked_for
from curta.errors import ArgumentTypeError
from curta.lazy import LazyModule

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

#: exponent bits and mantissa bits of each floating-point format; one more bit is the sign
_LAYOUT = {
    dtypes.float64: (11, 52),
    dtypes.float32: (8, 23),
    dtypes.float16: (5, 10),
    dtypes.bfloat16: (8, 7),
}


class finfo:  # noqa: N801 (PyTorch's name)
    """The limits of a floating-point format, by default of the default one; ArgumentTypeError for any other format.

    `bits`, `eps` (from 1 to the next number), `max`, `min`, `smallest_normal` = `tiny`, `resolution` (decimal digits
    that are sure, as a power of ten), `dtype` (its name).

    >>> finfo(dtypes.bfloat16).eps
    0.0078125
    >>> finfo(dtypes.float16).max
    65504.0
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, dtype: DType | None = None) -> None:
        dtype = get_default_dtype() if dtype is None else _checked(dtype, "finfo")
        if not dtype.is_floating_point:
            raise ArgumentTypeError(
                f"curta.finfo() requires a floating point input type, got {dtype!r}. Use curta.iinfo for integers"
            )
        exponent_bits, mantissa_bits = _LAYOUT[dtype]
        bias = 2 ** (exponent_bits - 1) - 1
        self.bits = dtype.itemsize * 8
        self.dtype = dtype.name
        self.eps = 2.0**-mantissa_bits
        self.max = (2.0 - self.eps) * 2.0**bias
        self.min = -self.max
        self.smallest_normal = self.tiny = 2.0 ** (1 - bias)
        self.resolution = 10.0 ** -math.floor(mantissa_bits * math.log10(2))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):.6g}' for name in names)}, dtype={self.dtype})"


class iinfo:  # noqa: N801 (PyTorch's name)
    """The limits of an integer format, ArgumentTypeError for any other: `bits`, `max`, `min`, `dtype` (its name).

    >>> iinfo(dtypes.int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, dtype: DType) -> None:
        dtype = _checked(dtype, "iinfo")
        if dtype.category != 1:
            raise ArgumentTypeError(
                f"curta.iinfo() requires an integer input type, got {dtype!r}"
                + (". Use curta.finfo for floating point" if dtype.is_floating_point else "")
            )
        self.bits = dtype.itemsize * 8
        self.dtype = dtype.name
        value_bits = self.bits - dtype.is_signed
        self.max = 2**value_bits - 1
        self.min = -(2**value_bits) if dtype.is_signed else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash((self.dtype, self.bits))

    def __repr__(self) -> str:
        # The numbers in full: PyTorch shows int64's largest as 9.22337e+18, which no int64 is.
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


@dataclass(frozen=True, repr=False)
class Bits:
    """One number as a floating-point format stores it; made by `bits`.

    `sign`, `exponent` and `mantissa` are the stored fields as text of zeros and ones, `value` is the number that they
    mean (every one is exactly a float64), `power` the exponent of two, `fraction` the factor before it.
    """

    dtype: DType
    sign: str
    exponent: str
    mantissa: str
    value: float

    @property
    def pattern(self) -> int:
        """All the bits as one integer: 0x40490FDB for pi in float32."""
        return int(self.sign + self.exponent + self.mantissa, 2)

    @property
    def kind(self) -> str:
        """What the pattern stands for: "normal", "subnormal", "zero", "infinity" or "nan"."""
        if "0" not in self.exponent:
            return "nan" if "1" in self.mantissa else "infinity"
        if "1" in self.exponent:
            return "normal"
        return "subnormal" if "1" in self.mantissa else "zero"

    @property
    def power(self) -> int:
        """The power of two: the stored exponent without its bias (subnormals and zeros use the smallest normal's)."""
        bias = (1 << (len(self.exponent) - 1)) - 1
        return max(int(self.exponent, 2), 1) - bias

    @property
    def fraction(self) -> float:
        """The factor before the power of two: from 1 to below 2, and below 1 for subnormals."""
        leading = 1.0 if self.kind == "normal" else 0.0
        return leading + int(self.mantissa, 2) / 2.0 ** len(self.mantissa)

    @property
    def text(self) -> str:
        """The value in the fewest digits that name it exactly among float32 (for float64: float64) numbers."""
        return _shortest(self.value, self.dtype)

    @property
    def meaning(self) -> str:
        """The fields in words: "+ 2^1 x 1.5707964"."""
        sign = "-" if self.sign == "1" else "+"
        if self.kind not in ("normal", "subnormal"):
            return self.kind if self.kind == "nan" else f"{sign}{self.kind}"
        digits = _shortest(self.fraction, self.dtype)
        note = ", subnormal" if self.kind == "subnormal" else ""
        return f"{sign} 2^{self.power} x {digits}{note}"

    def __repr__(self) -> str:
        return (
            f"{self.dtype.name}: sign {self.sign} exponent {self.exponent} mantissa {self.mantissa}"
            f" = {self.text} ({self.meaning})"
        )


def _shortest(value: float, dtype: DType) -> str:
    return str(value if dtype is dtypes.float64 else np.float32(value))


def bits(number: float, dtype: DType | None = None) -> Bits:
    """The sign, exponent and mantissa bits that `number` gets when it is rounded to `dtype` (by default the default).

    ArgumentTypeError when `dtype` is not a floating-point format or `number` not a number.

    >>> bits(3.14159265)
    float32: sign 0 exponent 10000000 mantissa 10010010000111111011011 = 3.1415927 (+ 2^1 x 1.5707964)
    >>> bits(3.14159265, dtypes.bfloat16)
    bfloat16: sign 0 exponent 10000000 mantissa 1001001 = 3.140625 (+ 2^1 x 1.5703125)
    """
    dtype = get_default_dtype() if dtype is None else _checked(dtype, "bits")
    if dtype not in _LAYOUT:
        raise ArgumentTypeError(f"bits: needs a floating-point dtype, got {dtype!r}")
    try:
        wide = float(number)
    except OverflowError:
        wide = math.inf if number > 0 else -math.inf  # an int beyond float64
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"bits: needs a number, got {type(number).__name__}") from None
    with np.errstate(over="ignore"):  # rounding to infinity is an answer here, not an accident
        stored = np.array([wide], dtype=np.float64).astype(dtype.numpy)
    pattern = int(stored.view(f"u{dtype.itemsize}")[0])
    digits = f"{pattern:0{dtype.itemsize * 8}b}"
    split = 1 + _LAYOUT[dtype][0]
    return Bits(dtype, digits[0], digits[1:split], digits[split:], float(stored.astype(np.float64)[0]))


_HEADINGS = ("format", "sign", "exponent", "mantissa", "value", "error", "meaning")


def table(number: float) -> str:
    """`number` in every floating-point format, one line each, with the relative error of its rounding.

    >>> print(table(0.1).splitlines()[-1])
    bfloat16  0     01111011     1001101                                               0.100097656  9.8e-04  + 2^-4 x 1.6015625
    """  # noqa: E501
    rows = [_HEADINGS]
    exact = bits(number, dtypes.float64).value
    for dtype in _LAYOUT:
        shown = bits(number, dtype)
        error = _relative_error(shown.value, exact)
        rows.append((dtype.name, shown.sign, shown.exponent, shown.mantissa, shown.text, error, shown.meaning))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _relative_error(value: float, exact: float) -> str:
    if value == exact or (math.isnan(value) and math.isnan(exact)):
        return "exact"
    if not math.isfinite(value) or exact == 0:
        return "overflow"
    return f"{abs(value - exact) / abs(exact):.1e}"


def _checked(dtype: DType, where: str) -> DType:
    if not isinstance(dtype, (DType, type)):
        raise ArgumentTypeError(f"{where}(): argument 'type' must be a curta dtype, not {type(dtype).__name__}")
    return asked_for(dtype, where)
