"""Methods of a tensor: other ways to look at it, and the few that copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curta.methods import late

if TYPE_CHECKING:
    from curta.tensor import Tensor


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

    @property
    def H(self: Any) -> Tensor:
        """The transpose of a matrix."""
        return late.functions.conjugate_transpose(self)

    @property
    def mH(self: Any) -> Tensor:
        """The last two dimensions exchanged."""
        return late.functions.matrix_transpose(self, "mH")

    @property
    def real(self: Any) -> Tensor:
        """The tensor itself, since its numbers are real."""
        return late.functions.real(self)

    @property
    def imag(self: Any) -> Tensor:
        """DTypeError: real numbers have no imaginary part."""
        return late.functions.imag(self)

    def squeeze(self: Any, dim: Any = None) -> Tensor:
        """Without dimensions of size 1: all of them, or those of `dim`."""
        return late.functions.squeeze(self, dim)

    def flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Dimensions `start_dim` to `end_dim` as one."""
        return late.functions.flatten(self, start_dim, end_dim)

    def unflatten(self: Any, dim: int, sizes: Any) -> Tensor:
        """Dimension `dim` as several."""
        return late.functions.unflatten(self, dim, sizes)

    def ravel(self: Any) -> Tensor:
        """All elements in one dimension."""
        return late.functions.ravel(self)

    def expand_as(self: Any, other: Tensor) -> Tensor:
        """Expanded to the shape of `other`."""
        return late.functions.expand_as(self, other)

    def broadcast_to(self: Any, size: Any) -> Tensor:
        """Expanded to `size`."""
        return late.functions.broadcast_to(self, size)

    def view_as(self: Any, other: Tensor) -> Tensor:
        """Viewed in the shape of `other`."""
        return late.functions.view_as(self, other)

    def reshape_as(self: Any, other: Tensor) -> Tensor:
        """Reshaped to the shape of `other`."""
        return late.functions.reshape_as(self, other)

    def movedim(self: Any, source: Any, destination: Any) -> Tensor:
        """Dimensions moved from `source` to `destination`."""
        return late.functions.movedim(self, source, destination)

    def moveaxis(self: Any, source: Any, destination: Any) -> Tensor:
        """`movedim` under NumPy's name."""
        return late.functions.movedim(self, source, destination)

    def swapaxes(self: Any, axis0: int, axis1: int) -> Tensor:
        """`transpose` under NumPy's name."""
        return late.functions.transpose(self, axis0, axis1)

    def t(self: Any) -> Tensor:
        """The transpose of a matrix; vectors and scalars as they are."""
        return late.functions.t(self)

    def as_strided(self: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
        """A view with these sizes and strides."""
        return late.functions.as_strided(self, size, stride, storage_offset)

    def select(self: Any, dim: int, index: int) -> Tensor:
        """The slice at `index` along `dim`, without that dimension."""
        return late.functions.select(self, dim, index)

    def narrow(self: Any, dim: int, start: Any, length: int) -> Tensor:
        """`length` slices along `dim` from `start` on."""
        return late.functions.narrow(self, dim, start, length)

    def split(self: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Pieces of `split_size` along `dim`, or of the sizes listed."""
        return late.functions.split(self, split_size, dim)

    def chunk(self: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """`chunks` pieces along `dim`."""
        return late.functions.chunk(self, chunks, dim)

    def unbind(self: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """The slices along `dim`."""
        return late.functions.unbind(self, dim)

    def diagonal(self: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
        """The diagonal of two dimensions, as the last dimension."""
        return late.functions.diagonal(self, offset, dim1, dim2)

    def repeat(self: Any, *repeats: Any) -> Tensor:
        """Copies side by side, so many along each dimension."""
        return late.functions.repeat(self, *repeats)

    def tile(self: Any, *dims: Any) -> Tensor:
        """Copies side by side, as NumPy's tile."""
        return late.functions.tile(self, *dims)

    def swapdims(self: Any, dim0: int, dim1: int) -> Tensor:
        """`transpose` under another name."""
        return late.functions.transpose(self, dim0, dim1)

    def adjoint(self: Any) -> Tensor:
        """The last two dimensions exchanged."""
        return late.functions.adjoint(self)
