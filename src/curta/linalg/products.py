"""Products of vectors under PyTorch's names in `linalg`, and matrices made of powers."""

from __future__ import annotations

from curta.errors import DTypeError, ShapeError
from curta.functions.creation import arange
from curta.functions.inplace import scalar_name
from curta.functions.movement import diagonal as diagonal_of
from curta.functions.operands import tensor
from curta.functions.products import crossed, into
from curta.tensor import Tensor


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The products of vectors of 3 elements, which lie along `dim`; other dimensions broadcast.

    >>> import curta
    >>> curta.linalg.cross(curta.tensor([1.0, 0.0, 0.0]), curta.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    return crossed(tensor("cross", input), tensor("cross", other, "other"), dim, out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, a view; as `curta.diagonal`, but of the last two dimensions.

    >>> import curta
    >>> curta.linalg.diagonal(curta.eye(2).expand(3, 2, 2)).shape
    torch.Size([3, 2])
    """
    result: Tensor = diagonal_of(tensor("diagonal", A, "A"), offset, dim1, dim2)
    return result


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The inner products of vectors along `dim`; other dimensions broadcast. Floating-point, of one dtype.

    >>> import curta
    >>> curta.linalg.vecdot(curta.tensor([[1.0, 2.0], [3.0, 4.0]]), curta.tensor([[1.0, 1.0]]))
    tensor([3., 7.])
    """
    first, second = tensor("vecdot", x, "x"), tensor("vecdot", y, "y")
    kinds = first.layout.dtype, second.layout.dtype
    if not kinds[0].is_floating_point:
        raise DTypeError(
            f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {scalar_name(kinds[0])}"
        )
    if kinds[0] is not kinds[1]:
        raise DTypeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {scalar_name(kinds[0])} and "
            f"y of type {scalar_name(kinds[1])} instead"
        )
    if first.layout.rank == second.layout.rank == 1 and first.layout.shape != second.layout.shape:
        (left,), (right,) = first.layout.shape, second.layout.shape
        raise ShapeError(
            f"inconsistent tensor size, expected tensor [{left}] and src [{right}] to have the same number of "
            f"elements, but got {left} and {right} elements respectively"
        )
    return into("vecdot", (first * second).sum(dim), out, x, y)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """For each vector the matrix of its elements' powers 0 to N - 1 (its length, if N is not given), rising.

    >>> import curta
    >>> curta.linalg.vander(curta.tensor([2, 3]), 3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    value = tensor("linalg.vander", x, "x")
    value = value if value.layout.rank else value.reshape(1)
    count = value.layout.shape[-1] if N is None else N
    if N is not None and N <= 1:
        raise ShapeError("N must be greater than 1.")
    kind = value.long() if value.layout.dtype.category < 2 and value.layout.dtype.itemsize < 8 else value
    powers = arange(0, count, device=value.layout.device)
    made: Tensor = kind.unsqueeze(-1) ** powers
    return made
