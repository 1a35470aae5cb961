"""Methods of a tensor: comparisons and logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


class ComparisonMethods:
    """Comparisons, logic and bit operations, element by element."""

    def eq(self: Any, other: Any) -> Tensor:
        """See `curta.eq`."""
        return late.functions.eq(self, other)

    def ne(self: Any, other: Any) -> Tensor:
        """See `curta.ne`."""
        return late.functions.ne(self, other)

    def lt(self: Any, other: Any) -> Tensor:
        """See `curta.lt`."""
        return late.functions.lt(self, other)

    def le(self: Any, other: Any) -> Tensor:
        """See `curta.le`."""
        return late.functions.le(self, other)

    def gt(self: Any, other: Any) -> Tensor:
        """See `curta.gt`."""
        return late.functions.gt(self, other)

    def ge(self: Any, other: Any) -> Tensor:
        """See `curta.ge`."""
        return late.functions.ge(self, other)

    def logical_and(self: Any, other: Any) -> Tensor:
        """See `curta.logical_and`."""
        return late.functions.logical_and(self, other)

    def logical_or(self: Any, other: Any) -> Tensor:
        """See `curta.logical_or`."""
        return late.functions.logical_or(self, other)

    def logical_xor(self: Any, other: Any) -> Tensor:
        """See `curta.logical_xor`."""
        return late.functions.logical_xor(self, other)

    def bitwise_and(self: Any, other: Any) -> Tensor:
        """See `curta.bitwise_and`."""
        return late.functions.bitwise_and(self, other)

    def bitwise_or(self: Any, other: Any) -> Tensor:
        """See `curta.bitwise_or`."""
        return late.functions.bitwise_or(self, other)

    def bitwise_xor(self: Any, other: Any) -> Tensor:
        """See `curta.bitwise_xor`."""
        return late.functions.bitwise_xor(self, other)

    def bitwise_left_shift(self: Any, other: Any) -> Tensor:
        """See `curta.bitwise_left_shift`."""
        return late.functions.bitwise_left_shift(self, other)

    def bitwise_right_shift(self: Any, other: Any) -> Tensor:
        """See `curta.bitwise_right_shift`."""
        return late.functions.bitwise_right_shift(self, other)

    def logical_not(self: Any) -> Tensor:
        """See `curta.logical_not`."""
        return late.functions.logical_not(self)

    def bitwise_not(self: Any) -> Tensor:
        """See `curta.bitwise_not`."""
        return late.functions.bitwise_not(self)

    def isnan(self: Any) -> Tensor:
        """See `curta.isnan`."""
        return late.functions.isnan(self)

    def isinf(self: Any) -> Tensor:
        """See `curta.isinf`."""
        return late.functions.isinf(self)

    def isfinite(self: Any) -> Tensor:
        """See `curta.isfinite`."""
        return late.functions.isfinite(self)

    def __lt__(self: Any, other: Any) -> Any:
        """`self < other`."""
        return late.functions.lt(self, other) if late.takes(other) else NotImplemented

    def __le__(self: Any, other: Any) -> Any:
        """`self <= other`."""
        return late.functions.le(self, other) if late.takes(other) else NotImplemented

    def __gt__(self: Any, other: Any) -> Any:
        """`self > other`."""
        return late.functions.gt(self, other) if late.takes(other) else NotImplemented

    def __ge__(self: Any, other: Any) -> Any:
        """`self >= other`."""
        return late.functions.ge(self, other) if late.takes(other) else NotImplemented

    def __eq__(self: Any, other: Any) -> Any:
        """`self == other`, element by element."""
        if late.takes(other):
            return late.functions.eq(self, other)
        return self == late.functions.from_numpy(other) if late.is_array(other) else NotImplemented

    def __ne__(self: Any, other: Any) -> Any:
        """`self != other`, element by element."""
        if late.takes(other):
            return late.functions.ne(self, other)
        return self != late.functions.from_numpy(other) if late.is_array(other) else NotImplemented

    def __hash__(self) -> int:
        """By identity, as `==` compares elements."""
        return id(self)

    def __and__(self: Any, other: Any) -> Any:
        """`self & other`."""
        return late.functions.bitwise_and(self, other) if late.takes(other) else NotImplemented

    def __rand__(self: Any, other: Any) -> Any:
        """`other & self`."""
        return late.functions.bitwise_and(other, self) if late.takes(other) else NotImplemented

    def __or__(self: Any, other: Any) -> Any:
        """`self | other`."""
        return late.functions.bitwise_or(self, other) if late.takes(other) else NotImplemented

    def __ror__(self: Any, other: Any) -> Any:
        """`other | self`."""
        return late.functions.bitwise_or(other, self) if late.takes(other) else NotImplemented

    def __xor__(self: Any, other: Any) -> Any:
        """`self ^ other`."""
        return late.functions.bitwise_xor(self, other) if late.takes(other) else NotImplemented

    def __rxor__(self: Any, other: Any) -> Any:
        """`other ^ self`."""
        return late.functions.bitwise_xor(other, self) if late.takes(other) else NotImplemented

    def __lshift__(self: Any, other: Any) -> Any:
        """`self << other`."""
        return late.functions.bitwise_left_shift(self, other) if late.takes(other) else NotImplemented

    def __rlshift__(self: Any, other: Any) -> Any:
        """`other << self`."""
        return late.functions.bitwise_left_shift(other, self) if late.takes(other) else NotImplemented

    def __rshift__(self: Any, other: Any) -> Any:
        """`self >> other`."""
        return late.functions.bitwise_right_shift(self, other) if late.takes(other) else NotImplemented

    def __rrshift__(self: Any, other: Any) -> Any:
        """`other >> self`."""
        return late.functions.bitwise_right_shift(other, self) if late.takes(other) else NotImplemented

    def equal(self: Any, other: Any) -> bool:
        """See `curta.equal`."""
        return late.functions.equal(self, other)

    def isclose(self: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
        """See `curta.isclose`."""
        return late.functions.isclose(self, other, rtol, atol, equal_nan)

    def allclose(self: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
        """See `curta.allclose`."""
        return late.functions.allclose(self, other, rtol, atol, equal_nan)

    def __invert__(self: Any) -> Tensor:
        """`~self`."""
        return late.functions.bitwise_not(self)
