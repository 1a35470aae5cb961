"""Products over chosen dimensions, of several matrices in their cheapest order, and powers of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any

from curta.errors import ArgumentTypeError, DTypeError, ShapeError
from curta.functions.creation import eye, full
from curta.functions.linear_algebra import matmul, mm
from curta.functions.operands import tensor
from curta.functions.products import into
from curta.shapes import normalize_dim
from curta.tensor import Tensor


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """The sum of products over dimensions: the last `dims` of `a` and first of `b`, or those of two lists.

    Both must be of one dtype; a size of 1 goes with any. The result has what is left of `a`, then of `b`.

    >>> import curta
    >>> a, b = curta.ones(2, 3, 4), curta.ones(4, 3, 5)
    >>> curta.tensordot(a, b, dims=([1, 2], [1, 0])).shape
    torch.Size([2, 5])
    """
    one, other = tensor("tensordot", a, "a"), tensor("tensordot", b, "b")
    first, second = _pairs(one, other, dims)
    if len(first) != len(second):
        raise ShapeError("both dimension lists should have same length")
    if one.layout.dtype is not other.layout.dtype:
        raise DTypeError(f"tensordot(): both inputs should have same dtype, got {one.layout} and {other.layout}")
    places = _once(first, one.layout.rank), _once(second, other.layout.rank)
    x, y = _matched(one, other, (first, second), places)
    kept = [tuple(d for d in range(v.layout.rank) if d not in p) for v, p in zip((x, y), places, strict=True)]
    rows = tuple(x.layout.shape[d] for d in kept[0])
    columns = tuple(y.layout.shape[d] for d in kept[1])
    K = prod(x.layout.shape[d] for d in places[0])
    left = x.permute(*kept[0], *places[0]).reshape(prod(rows), K)
    right = y.permute(*places[1], *kept[1]).reshape(K, prod(columns))
    return into("tensordot", mm(left, right).reshape((*rows, *columns)), out, a, b)


def _pairs(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    """The dimensions of each as they were given."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        if len(dims) != 2:
            raise ArgumentTypeError(f"tensordot(): 'dims' must be a number or two lists of dimensions, not {dims}")
        first, second = ([each] if isinstance(each, int) else list(each) for each in dims)
        return first, second
    if not isinstance(dims, int):
        raise ArgumentTypeError(
            f"tensordot(): 'dims' must be a number or two lists of dimensions, not {type(dims).__name__}"
        )
    if dims < 0:
        raise ShapeError(f"tensordot expects dims >= 0, but got dims={dims}")
    if dims > min(a.layout.rank, b.layout.rank):
        raise ShapeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
    return list(range(-dims, 0)), list(range(dims))


def _once(dims: list[int], rank: int) -> tuple[int, ...]:
    places = tuple(normalize_dim(dim, rank) for dim in dims)
    for place in places:
        if places.count(place) > 1:
            raise ShapeError(f"dim {place} appears multiple times in the list of dims")
    return places


def _matched(a: Tensor, b: Tensor, given: Any, places: Any) -> tuple[Tensor, Tensor]:
    """Where one has size 1, the other is summed; other sizes must be the same."""
    for mine, its, dim, other in zip(*places, *given, strict=True):
        left, right = a.layout.shape[mine], b.layout.shape[its]
        if left == right:
            continue
        if left == 1:
            b = b.sum(its, keepdim=True, dtype=b.layout.dtype)
        elif right == 1:
            a = a.sum(mine, keepdim=True, dtype=a.layout.dtype)
        else:
            raise ShapeError(
                f"contracted dimensions need to match, but first has size {left} in dim {dim} and second has size "
                f"{right} in dim {other}"
            )
    return a, b


# several matrices


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of matrices in the order that takes the fewest operations.

    >>> import curta
    >>> curta.chain_matmul(curta.ones(2, 3), curta.ones(3, 4), curta.ones(4, 1)).shape
    torch.Size([2, 1])
    """
    if not matrices:
        raise ShapeError("chain_matmul(): Expected one or more matrices")
    for one in matrices:
        if tensor("chain_matmul", one).layout.rank != 2:
            raise ShapeError(f"Tensor dimension is {one.layout.rank}, expected 2 instead.")
    return into("chain_matmul", matrices[0] if len(matrices) == 1 else _multiplied(matrices), out, *matrices)


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """The product of two or more matrices in the cheapest order; the first and the last may be vectors.

    >>> import curta
    >>> curta.linalg.multi_dot([curta.ones(2), curta.ones(2, 3), curta.ones(3)])
    tensor(6.)
    """
    parts = [tensor("multi_dot", one) for one in tensors]
    if len(parts) < 2:
        raise ShapeError(f"multi_dot(): expected at least 2 tensors but got {len(parts)}")
    for word, one in (("first", parts[0]), ("last", parts[-1])):
        if one.layout.rank not in (1, 2):
            raise ShapeError(f"multi_dot(): the {word} tensor must be 1D or 2D but got {one.layout.rank}D")
    for place, one in enumerate(parts[1:-1], 1):
        if one.layout.rank != 2:
            raise ShapeError(f"multi_dot(): tensor {place} must be 2D but got {one.layout.rank}D")
    dtype = parts[0].layout.dtype
    for place, one in enumerate(parts):
        if one.layout.dtype is not dtype:
            raise DTypeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {dtype.name} and tensor "
                f"{place} {one.layout.dtype.name}"
            )
    return into("multi_dot", _multiplied(parts), out, *parts)


def _multiplied(parts: Sequence[Tensor]) -> Tensor:
    for place, (one, other) in enumerate(pairwise(parts)):
        if one.layout.shape[-1] != other.layout.shape[0]:
            raise ShapeError(
                f"multi_dot(): tensors {place} and {place + 1} with shapes {list(one.layout.shape)} and "
                f"{list(other.layout.shape)} cannot be multiplied"
            )
    rows = parts[0].layout.shape[0] if parts[0].layout.rank == 2 else 1
    columns = parts[-1].layout.shape[1] if parts[-1].layout.rank == 2 else 1
    inner = tuple(one.layout.shape[0] for one in parts[1:])
    cuts = _cuts((rows, *inner, columns))

    def product(start: int, stop: int) -> Tensor:
        if start == stop:
            return parts[start]
        cut = cuts[start, stop]
        return matmul(product(start, cut), product(cut + 1, stop))

    return product(0, len(parts) - 1)


@lru_cache(maxsize=256)
def _cuts(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Behind which matrix each run of matrices is best cut in two; matrix i is [sizes[i], sizes[i + 1]]."""
    count = len(sizes) - 1
    work = {(place, place): 0 for place in range(count)}
    cuts: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for start in range(count - length):
            stop = start + length
            work[start, stop], cuts[start, stop] = min(
                (work[start, cut] + work[cut + 1, stop] + sizes[start] * sizes[cut + 1] * sizes[stop + 1], cut)
                for cut in range(start, stop)
            )
    return cuts


# powers


def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """Square matrices [..., M, M] multiplied `n` times, in about log2(n) products; of a negative `n` their inverses.

    >>> import curta
    >>> curta.matrix_power(curta.tensor([[1, 1], [1, 0]]), 10)
    tensor([[89, 55],
            [55, 34]])
    """
    x = tensor("matrix_power", input)
    if isinstance(n, bool) or not isinstance(n, int):
        raise ArgumentTypeError(f"matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    if x.layout.rank < 2:
        raise ShapeError("linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
    rows, columns = x.layout.shape[-2:]
    if rows != columns:
        raise ShapeError(
            f"linalg.matrix_power: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )
    if n < 0:
        from curta.functions.solving import inverse

        return into("matrix_power", matrix_power(inverse(x), -n), out, x)
    if n == 0:
        unit = eye(rows, dtype=x.layout.dtype, device=x.layout.device)
        always = full(x.layout.shape, True, device=x.layout.device)
        return into("matrix_power", unit.where(always, x), out, x)  # nothing of x, but its history
    return into("matrix_power", x.clone() if n == 1 else _power(x, n), out, x)


def _power(x: Tensor, n: int) -> Tensor:
    """The product of the squares of squares that `n` is made of, the smallest first, as PyTorch rounds it."""
    while n % 2 == 0:
        x, n = matmul(x, x), n // 2
    result = x
    while n := n // 2:
        x = matmul(x, x)
        if n % 2:
            result = matmul(result, x)
    return result
