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

    def where(self: Any, condition: Any, other: Any) -> Tensor:
        """See `curta.where`."""
        return late.functions.where(condition, self, other)

    def masked_fill(self: Any, mask: Any, value: Any) -> Tensor:
        """See `curta.masked_fill`."""
        return late.functions.masked_fill(self, mask, value)

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

    def maximum(self: Any, other: Any) -> Tensor:
        """See `curta.maximum`."""
        return late.functions.maximum(self, other)

    def minimum(self: Any, other: Any) -> Tensor:
        """See `curta.minimum`."""
        return late.functions.minimum(self, other)

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

    def __rtruediv__(self: Any, other: Any) -> Any:
        """`other / self`."""
        return late.functions.div(other, self) if late.takes(other) else NotImplemented

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
        """`+self`."""
        return self

    def __abs__(self: Any) -> Tensor:
        """`abs(self)`."""
        return late.functions.abs(self)
