"""Products of vectors and matrices."""

from __future__ import annotations

from math import inf
from typing import Any

from curta.autograd.state import STATE
from curta.errors import DTypeError, ShapeError
from curta.functions.operands import lowered
from curta.functions.operands import tensor as check
from curta.functions.outputs import EXACT, into
from curta.ops.dispatch import bind_out
from curta.ops.matmul import MATMUL, multiply
from curta.tensor import Tensor

_OF_DOT = "result dtype {given} does not match input dtype {made}"


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product, for every rank as `torch.matmul`: vectors count as rows or columns, batches broadcast.

    Both must be of one dtype; DTypeError else, ShapeError where the inner sizes differ.

    >>> import curta
    >>> tuple(curta.matmul(curta.ones(2, 5, 3), curta.ones(3, 4)).shape)
    (2, 5, 4)
    """
    a, b = check("matmul", input), check("matmul", other, "other")
    if out is not None:
        direct = _multiplied(a, b, out, 2, inf)
        return out if direct else into("matmul", out, matmul(a, b), exact=EXACT)
    if STATE.autocast is not None:
        a, b = lowered(a, b)
    ranks = a.layout.rank, b.layout.rank
    if ranks[0] >= 2 and ranks[1] >= 2:
        return multiply(a, b)
    if 0 in ranks:
        raise ShapeError(f"both arguments to matmul need to be at least 1D, but they are {ranks[0]}D and {ranks[1]}D")
    if ranks == (1, 1):
        return dot(a, b)
    if ranks[0] == 1:
        _inner(a.layout.shape[0] == b.layout.shape[-2], f"1x{a.layout.shape[0]}", b)
        return multiply(a.reshape(1, -1), b).squeeze(-2)
    if a.layout.shape[-1] != b.layout.shape[0]:
        raise ShapeError(
            f"size mismatch, got input ({a.layout.shape[-2]}), mat ({a.layout.shape[-2]}x{a.layout.shape[-1]}), "
            f"vec ({b.layout.shape[0]})"
        )
    return multiply(a, b.reshape(-1, 1)).squeeze(-1)


def _multiplied(a: Any, b: Any, out: Any, least: int, most: float) -> bool:
    """Whether a product of tensors of such ranks, of as many matrices, could be written to `out` at once."""
    if STATE.autocast is not None or not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return False
    ranks = a.layout.rank, b.layout.rank
    same = max(ranks) < 3 or a.layout.shape[:-2] == b.layout.shape[:-2]
    return least <= min(ranks) and max(ranks) <= most and same and bind_out(MATMUL, (a, b), out)


def _inner(fits: bool, left: str, b: Tensor) -> None:
    if not fits:
        shape = b.layout.shape
        raise ShapeError(f"mat1 and mat2 shapes cannot be multiplied ({left} and {shape[-2]}x{shape[-1]})")


def _ranks(name: str, expected: tuple[tuple[str, Tensor, int], ...]) -> None:
    for place, value, rank in expected:
        if value.layout.rank != rank:
            raise ShapeError(f"{name}: Expected {rank}-D argument {place}, but got {value.layout.rank}-D")


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inner product of two vectors of one size: a tensor without dimensions."""
    if out is not None:
        return into("dot", out, dot(input, tensor), exact=_OF_DOT)
    a, b = check("dot", input), check("dot", tensor, "tensor")
    if a.layout.rank != 1 or b.layout.rank != 1:
        raise ShapeError(f"1D tensors expected, but got {a.layout.rank}D and {b.layout.rank}D tensors")
    if a.layout.shape != b.layout.shape:
        (left,), (right,) = a.layout.shape, b.layout.shape
        raise ShapeError(
            f"inconsistent tensor size, expected tensor [{left}] and src [{right}] to have the same number of "
            f"elements, but got {left} and {right} elements respectively"
        )
    if a.layout.dtype is not b.layout.dtype:
        raise DTypeError(
            f"dot : expected both vectors to have same dtype, but found {a.layout.dtype.name} and {b.layout.dtype.name}"
        )
    result: Tensor = multiply(a.reshape(1, -1), b.reshape(-1, 1)).reshape(())
    return result


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """[M, K] @ [K, N]; ShapeError for other ranks."""
    if out is not None:
        return out if _multiplied(input, mat2, out, 2, 2) else into("mm", out, mm(input, mat2), exact=EXACT)
    check("mm", input), check("mm", mat2, "mat2")
    if input.layout.rank != 2:
        raise ShapeError("self must be a matrix")
    if mat2.layout.rank != 2:
        raise ShapeError("mat2 must be a matrix")
    result: Tensor = multiply(*lowered(input, mat2))
    return result


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """[B, M, K] @ [B, K, N]; ShapeError for other ranks or different B."""
    if out is not None:
        return out if _multiplied(input, mat2, out, 3, 3) else into("bmm", out, bmm(input, mat2), exact=EXACT)
    check("bmm", input), check("bmm", mat2, "mat2")
    if input.layout.rank != 3 or mat2.layout.rank != 3:
        raise ShapeError(f"batch1 must be a 3D tensor, got {input.layout} and {mat2.layout}")
    (B, _, K), right = input.layout.shape, mat2.layout.shape
    if right[:2] != (B, K):
        raise ShapeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{B}, {K}] but got: "
            f"[{right[0]}, {right[1]}]."
        )
    result: Tensor = multiply(*lowered(input, mat2))
    return result


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """[M, K] @ [K]."""
    if out is not None:
        return into("mv", out, mv(input, vec), exact=EXACT)
    check("mv", input), check("mv", vec, "vec")
    if input.layout.rank != 2 or vec.layout.rank != 1:
        raise ShapeError(f"vector + matrix @ vector expected, got 1, {input.layout.rank}, {vec.layout.rank}")
    return matmul(input, vec)


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2); `input` broadcasts, and is not read when `beta` is 0."""
    if out is not None:
        return into("addmm", out, addmm(input, mat1, mat2, beta=beta, alpha=alpha), exact=EXACT)
    return blended("addmm", input, mm(mat1, mat2), beta, alpha)


def blended(name: str, input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta * input + alpha * product, of one format; `input` broadcasts, and is not read where `beta` is 0."""
    (start,) = lowered(check(name, input))
    dtype, shape = product.layout.dtype, product.layout.shape
    if start.layout.dtype is not dtype:
        raise DTypeError(
            f"{name}: self and mat2 must have the same dtype, but got {start.layout.dtype.name} and {dtype.name}"
        )
    if start.layout.shape != shape:
        start = start.expand(shape)
    if dtype.category == 1:
        beta, alpha = int(beta), int(alpha)  # as PyTorch: towards zero
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return product + (start if beta == 1 else start * beta)


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Every product of an element of one vector with one of the other."""
    if out is not None:
        return into("outer", out, outer(input, vec2))
    _ranks("outer", (("self", input, 1), ("vec2", vec2, 1)))
    result: Tensor = input.reshape(-1, 1) * vec2.reshape(1, -1)
    return result
