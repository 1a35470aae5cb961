"""Methods of a tensor: other ways to look at it, and the few that copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


def _method(name: str) -> Any:
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(late.functions, name)(self, *arguments, **options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"See `curta.{name}`."
    return method


class MovementMethods:
    """Shapes, orders, repetitions."""

    def view(self: Any, *shape: Any) -> Tensor:
        """The same elements as another shape, without a copy."""
        return late.functions.view(self, *shape)

    def reshape(self: Any, *shape: Any) -> Tensor:
        """The same elements as another shape, copied where they must be."""
        return late.functions.reshape(self, *shape)

    def permute(self: Any, *dims: Any) -> Tensor:
        """A view with its dimensions in another order."""
        return late.functions.permute(self, *dims)

    def transpose(self: Any, dim0: int, dim1: int) -> Tensor:
        """A view with two dimensions exchanged."""
        return late.functions.transpose(self, dim0, dim1)

    def unsqueeze(self: Any, dim: int) -> Tensor:
        """A view with a dimension of size 1 at `dim`."""
        return late.functions.unsqueeze(self, dim)

    def expand(self: Any, *size: Any) -> Tensor:
        """A view that repeats dimensions of size 1."""
        return late.functions.expand(self, *size)

    def contiguous(self: Any, memory_format: Any = None) -> Tensor:
        """Itself, or a copy in row-major order."""
        return late.functions.contiguous(self, memory_format)

    @property
    def T(self: Any) -> Tensor:
        """All dimensions in the opposite order."""
        return late.functions.reversed_dims(self)

    @property
    def mT(self: Any) -> Tensor:
        """The last two dimensions exchanged."""
        return late.functions.matrix_transpose(self)


for _name in (
    "view_as", "reshape_as", "swapaxes", "swapdims", "t", "adjoint", "movedim", "moveaxis", "squeeze", "flatten",
    "unflatten", "ravel", "expand_as", "broadcast_to", "as_strided", "select", "narrow", "split", "chunk", "unbind",
    "diagonal", "tile", "repeat", "flip", "tril", "triu", "roll",
):  # fmt: skip
    setattr(MovementMethods, _name, _method(_name))
