"""Methods of a tensor: arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class ArithmeticMethods:
    """Arithmetic, element by element."""

    def add(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """See `curta.add`."""
        return late.functions.add(self, other, alpha=alpha)

    def sub(self: Any, other: Any, *, alpha: Any = 1) -> Tensor:
        """See `curta.sub`."""
        return late.functions.sub(self, other, alpha=alpha)

    def mul(self: Any, other: Any) -> Tensor:
        """See `curta.mul`."""
        return late.functions.mul(self, other)

    def div(self: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """See `curta.div`."""
        return late.functions.div(self, other, rounding_mode=rounding_mode)

    def pow(self: Any, exponent: Any) -> Tensor:
        """See `curta.pow`."""
        return late.functions.pow(self, exponent)

    def clone(self: Any, *, memory_format: Any = None) -> Tensor:
        """See `curta.clone`."""
        return late.functions.clone(self, memory_format=memory_format)

    def neg(self: Any) -> Tensor:
        """See `curta.neg`."""
        return late.functions.neg(self)

    def abs(self: Any) -> Tensor:
        """See `curta.abs`."""
        return late.functions.abs(self)

    def square(self: Any) -> Tensor:
        """See `curta.square`."""
        return late.functions.square(self)

    def reciprocal(self: Any) -> Tensor:
        """See `curta.reciprocal`."""
        return late.functions.reciprocal(self)

    def floor_divide(self: Any, other: Any) -> Tensor:
        """See `curta.floor_divide`."""
        return late.functions.floor_divide(self, other)

    def remainder(self: Any, other: Any) -> Tensor:
        """See `curta.remainder`."""
        return late.functions.remainder(self, other)

    def fmod(self: Any, other: Any) -> Tensor:
        """See `curta.fmod`."""
        return late.functions.fmod(self, other)

    def __add__(self: Any, other: Any) -> Any:
        """`self + other`."""
        return late.functions.add(self, other) if late.takes(other) else NotImplemented

    def __radd__(self: Any, other: Any) -> Any:
        """`other + self`."""
        return late.functions.add(other, self) if late.takes(other) else NotImplemented

    def __sub__(self: Any, other: Any) -> Any:
        """`self - other`."""
        return late.functions.sub(self, other) if late.takes(other) else NotImplemented

    def __rsub__(self: Any, other: Any) -> Any:
        """`other - self`."""
        return late.functions.sub(other, self) if late.takes(other) else NotImplemented

    def __mul__(self: Any, other: Any) -> Any:
        """`self * other`."""
        return late.functions.mul(self, other) if late.takes(other) else NotImplemented

    def __rmul__(self: Any, other: Any) -> Any:
        """`other * self`."""
        return late.functions.mul(other, self) if late.takes(other) else NotImplemented

    def __truediv__(self: Any, other: Any) -> Any:
        """`self / other`."""
        return late.functions.div(self, other) if late.takes(other) else NotImplemented

    def __rdiv__(self: Any, other: Any) -> Any:
        """`other / self`, by the name that Python 2 had for it."""
        return self.__rtruediv__(other)

    def __rtruediv__(self: Any, other: Any) -> Any:
        """`other / self`."""
        if late.takes(other):
            return late.functions.div(other, self)
        return late.functions.reciprocal(self) * other if late.is_array(other) else NotImplemented

    def __floordiv__(self: Any, other: Any) -> Any:
        """`self // other`."""
        return late.functions.floor_divide(self, other) if late.takes(other) else NotImplemented

    def __rfloordiv__(self: Any, other: Any) -> Any:
        """`other // self`."""
        return late.functions.floor_divide(other, self) if late.takes(other) else NotImplemented

    def __mod__(self: Any, other: Any) -> Any:
        """`self % other`."""
        return late.functions.remainder(self, other) if late.takes(other) else NotImplemented

    def __rmod__(self: Any, other: Any) -> Any:
        """`other % self`."""
        return late.functions.remainder(other, self) if late.takes(other) else NotImplemented

    def __pow__(self: Any, other: Any) -> Any:
        """`self ** other`."""
        return late.functions.pow(self, other) if late.takes(other) else NotImplemented

    def __rpow__(self: Any, other: Any) -> Any:
        """`other ** self`."""
        return late.functions.pow(other, self) if late.takes(other) else NotImplemented

    def __neg__(self: Any) -> Tensor:
        """`-self`."""
        return late.functions.neg(self)

    def __pos__(self: Any) -> Tensor:
        """`+self`; refused for truth values."""
        return late.functions.positive(self)

    def __abs__(self: Any) -> Tensor:
        """`abs(self)`."""
        return late.functions.abs(self)
