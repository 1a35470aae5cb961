"""Methods of a tensor: functions of one variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class MathematicsMethods:
    """Functions of one variable, element by element."""

    def round(self: Any, *, decimals: int = 0) -> Tensor:
        """See `curta.round`."""
        return late.functions.round(self, decimals=decimals)

    def atan2(self: Any, other: Any) -> Tensor:
        """See `curta.atan2`."""
        return late.functions.atan2(self, other)

    def nan_to_num(self: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Tensor:
        """See `curta.nan_to_num`."""
        return late.functions.nan_to_num(self, nan, posinf, neginf)

    def exp(self: Any) -> Tensor:
        """See `curta.exp`."""
        return late.functions.exp(self)

    def exp2(self: Any) -> Tensor:
        """See `curta.exp2`."""
        return late.functions.exp2(self)

    def expm1(self: Any) -> Tensor:
        """See `curta.expm1`."""
        return late.functions.expm1(self)

    def log(self: Any) -> Tensor:
        """See `curta.log`."""
        return late.functions.log(self)

    def log2(self: Any) -> Tensor:
        """See `curta.log2`."""
        return late.functions.log2(self)

    def log10(self: Any) -> Tensor:
        """See `curta.log10`."""
        return late.functions.log10(self)

    def log1p(self: Any) -> Tensor:
        """See `curta.log1p`."""
        return late.functions.log1p(self)

    def sin(self: Any) -> Tensor:
        """See `curta.sin`."""
        return late.functions.sin(self)

    def cos(self: Any) -> Tensor:
        """See `curta.cos`."""
        return late.functions.cos(self)

    def tan(self: Any) -> Tensor:
        """See `curta.tan`."""
        return late.functions.tan(self)

    def asin(self: Any) -> Tensor:
        """See `curta.asin`."""
        return late.functions.asin(self)

    def acos(self: Any) -> Tensor:
        """See `curta.acos`."""
        return late.functions.acos(self)

    def atan(self: Any) -> Tensor:
        """See `curta.atan`."""
        return late.functions.atan(self)

    def sinh(self: Any) -> Tensor:
        """See `curta.sinh`."""
        return late.functions.sinh(self)

    def cosh(self: Any) -> Tensor:
        """See `curta.cosh`."""
        return late.functions.cosh(self)

    def tanh(self: Any) -> Tensor:
        """See `curta.tanh`."""
        return late.functions.tanh(self)

    def sigmoid(self: Any) -> Tensor:
        """See `curta.sigmoid`."""
        return late.functions.sigmoid(self)

    def erf(self: Any) -> Tensor:
        """See `curta.erf`."""
        return late.functions.erf(self)

    def erfc(self: Any) -> Tensor:
        """See `curta.erfc`."""
        return late.functions.erfc(self)

    def sqrt(self: Any) -> Tensor:
        """See `curta.sqrt`."""
        return late.functions.sqrt(self)

    def rsqrt(self: Any) -> Tensor:
        """See `curta.rsqrt`."""
        return late.functions.rsqrt(self)

    def relu(self: Any) -> Tensor:
        """See `curta.relu`."""
        return late.functions.relu(self)

    def floor(self: Any) -> Tensor:
        """See `curta.floor`."""
        return late.functions.floor(self)

    def ceil(self: Any) -> Tensor:
        """See `curta.ceil`."""
        return late.functions.ceil(self)

    def trunc(self: Any) -> Tensor:
        """See `curta.trunc`."""
        return late.functions.trunc(self)

    def sign(self: Any) -> Tensor:
        """See `curta.sign`."""
        return late.functions.sign(self)

    def frac(self: Any) -> Tensor:
        """See `curta.frac`."""
        return late.functions.frac(self)
