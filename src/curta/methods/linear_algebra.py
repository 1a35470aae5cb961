"""Methods of a tensor that multiply vectors and matrices."""

from __future__ import annotations

from typing import Any

from curta.methods import late


class LinearAlgebraMethods:
    """`@` and its relatives; each is the function of the same name."""

    def matmul(self: Any, other: Any) -> Any:
        """See `curta.matmul`."""
        return late.functions.matmul(self, other)

    def __rmatmul__(self: Any, other: Any) -> Any:
        return late.functions.matmul(other, self) if hasattr(other, "layout") else NotImplemented

    def __matmul__(self: Any, other: Any) -> Any:
        if not hasattr(other, "layout"):
            return NotImplemented
        return late.functions.matmul(self, other)

    def mm(self: Any, mat2: Any) -> Any:
        """See `curta.mm`."""
        return late.functions.mm(self, mat2)

    def bmm(self: Any, mat2: Any) -> Any:
        """See `curta.bmm`."""
        return late.functions.bmm(self, mat2)

    def mv(self: Any, vec: Any) -> Any:
        """See `curta.mv`."""
        return late.functions.mv(self, vec)

    def dot(self: Any, tensor: Any) -> Any:
        """See `curta.dot`."""
        return late.functions.dot(self, tensor)

    def addmm(self: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
        """See `curta.addmm`."""
        return late.functions.addmm(self, mat1, mat2, beta=beta, alpha=alpha)

    def outer(self: Any, vec2: Any) -> Any:
        """See `curta.outer`."""
        return late.functions.outer(self, vec2)
