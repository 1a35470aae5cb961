"""Further products of vectors and matrices under PyTorch's names, and sums of products onto what there is."""

from __future__ import annotations

from math import prod
from typing import Any

from curta.autograd.state import STATE
from curta.dtypes import compute_dtype
from curta.errors import DTypeError, ShapeError, UnsupportedDTypeError
from curta.functions.inplace import scalar_name
from curta.functions.linear_algebra import blended, bmm, dot, matmul, mm, outer
from curta.functions.movement import dimension
from curta.functions.operands import tensor
from curta.functions.outputs import EXACT
from curta.functions.outputs import into as written
from curta.ops.cross import CROSS
from curta.ops.dispatch import bind
from curta.promotion import result_type
from curta.tensor import Tensor

_CONTRACTED = "tensordot: Expected the output tensor to have dtype {made}, but got an output tensor with dtype {given}"
#: what is said of an `out` in another format, where it is not what others say; "" takes what a result can be cast to
_WORDS = {
    "addbmm": "self and mat2 must have the same dtype, but got {given} and {made}",
    "addr": "",
    "inner": _CONTRACTED,
    "kron": "",
    "tensordot": _CONTRACTED,
    "vdot": "result dtype {given} does not match input dtype {made}",
}


def into(name: str, result: Tensor, out: Tensor | None, *inputs: Any) -> Tensor:
    """`result`, written to `out` if one is given, which must be of its format."""
    return result if out is None else written(name, out, result, exact=_WORDS.get(name, EXACT))


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of all vectors along the last dimensions, [..., K] and [..., K]; with one number, of all elements.

    Both must be of one dtype; DTypeError else, ShapeError where the last sizes differ.

    >>> import curta
    >>> curta.inner(curta.tensor([[1, 2], [3, 4]]), curta.tensor([10, 1]))
    tensor([12, 34])
    """
    a, b = tensor("inner", input), tensor("inner", other, "other")
    left, right = a.layout.shape, b.layout.shape
    if not left or not right:
        return into("inner", a * b, out, a, b)
    if a.layout.dtype is not b.layout.dtype:
        raise DTypeError(f"inner(): both inputs should have same dtype, got {a.layout} and {b.layout}")
    if left[-1] != right[-1]:
        raise ShapeError(
            f"inner() the last dimension must match on both input tensors but got shapes {list(left)} and {list(right)}"
        )
    K = left[-1]
    rows, columns = a.reshape(prod(left[:-1]), K), b.reshape(prod(right[:-1]), K)
    return into("inner", mm(rows, columns.t()).reshape((*left[:-1], *right[:-1])), out, a, b)


def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`dot`: for real numbers nothing is conjugated.

    >>> import curta
    >>> curta.vdot(curta.tensor([1.0, 2.0]), curta.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return into("vdot", dot(tensor("vdot", input), tensor("vdot", other, "other")), out, input, other)


def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Another name of `outer`.

    >>> import curta
    >>> curta.ger(curta.tensor([1, 2]), curta.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    return into("ger", outer(tensor("ger", input), tensor("ger", vec2, "vec2")), out, input, vec2)


# beta * input + alpha * product


def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat @ vec), [M, K] @ [K]; `input` broadcasts, and is not read when `beta` is 0.

    >>> import curta
    >>> curta.addmv(curta.tensor([1.0, 2.0]), curta.ones(2, 3), curta.ones(3), alpha=2)
    tensor([7., 8.])
    """
    start, matrix, vector = tensor("addmv", input), tensor("addmv", mat, "mat"), tensor("addmv", vec, "vec")
    ranks = start.layout.rank, matrix.layout.rank, vector.layout.rank
    if ranks[0] > 1 or ranks[1:] != (2, 1):
        raise ShapeError(f"vector + matrix @ vector expected, got {ranks[0]}, {ranks[1]}, {ranks[2]}")
    (M, K), (length,) = matrix.layout.shape, vector.layout.shape
    if length != K or start.layout.shape not in ((), (1,), (M,)):
        size = start.layout.shape[0] if ranks[0] else 1
        raise ShapeError(f"size mismatch, got input ({size}), mat ({M}x{K}), vec ({length})")
    kinds = [one.layout.dtype for one in (start, matrix, vector)]
    if STATE.autocast is None and len(set(kinds)) > 1:
        first, second, third = [scalar_name(kind) for kind in kinds]
        raise DTypeError(f"addmv input tensors must have the same dtype, but got {first}, {second}, and {third}")
    return into("addmv", blended("addmv", start, matmul(matrix, vector), beta, alpha), out, input, mat, vec)


def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2), in the common format; `input` [M, N] broadcasts.

    `input` is not read when `beta` is 0. DTypeError for a fraction as `beta` or `alpha` of whole numbers.

    >>> import curta
    >>> curta.addr(curta.zeros(2, 2), curta.tensor([1.0, 2.0]), curta.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    start, left, right = tensor("addr", input), tensor("addr", vec1, "vec1"), tensor("addr", vec2, "vec2")
    for place, one in (("vec1", left), ("vec2", right)):
        if one.layout.rank != 1:
            raise ShapeError(f"addr: Expected 1-D argument {place}, but got {one.layout.rank}-D")
    whole = not any(one.layout.dtype.is_floating_point for one in (start, left, right))
    for place, number in (("beta", beta), ("alpha", alpha)):
        if whole and isinstance(number, float):
            raise DTypeError(f"For integral input tensors, argument {place} must not be a floating point number.")
    kind = result_type(*((one.layout.dtype, one.layout.rank) for one in (start, left, right)))
    if kind.category == 0:
        beta, alpha = bool(beta), bool(alpha)
    product = left.to(kind).reshape(-1, 1) * right.to(kind)
    made = blended("addr", start.to(kind), product, beta, alpha)
    return into("addr", made, out, input, vec1, vec2)


def _batches(name: str, input: Tensor, batch1: Tensor, batch2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    parts = tensor(name, input), tensor(name, batch1, "batch1"), tensor(name, batch2, "batch2")
    for place, one in (("batch1", parts[1]), ("batch2", parts[2])):
        if one.layout.rank != 3:
            raise ShapeError(f"{place} must be a 3D tensor")
    kinds = [one.layout.dtype for one in parts]
    if STATE.autocast is None and len(set(kinds)) > 1:
        raise DTypeError(
            f"{name}: Input dtypes must be the same, got: input {kinds[0].name}, batch1: {kinds[1].name}, batch2: "
            f"{kinds[2].name}"
        )
    return parts


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * the sum over B of [B, M, K] @ [B, K, N], as one product whose sums are B K long.

    `input` [M, N] broadcasts, and is not read when `beta` is 0.

    >>> import curta
    >>> curta.addbmm(curta.zeros(1, 2), curta.ones(3, 1, 4), curta.ones(3, 4, 2))
    tensor([[12., 12.]])
    """
    start, left, right = _batches("addbmm", input, batch1, batch2)
    (B, M, K), (other, inner, N) = left.layout.shape, right.layout.shape
    if other != B:
        raise ShapeError(f"batch1 and batch2 must have same number of batches, got {B} and {other}")
    if inner != K:
        raise ShapeError(f"Incompatible matrix sizes for bmm ({M}x{K} and {inner}x{N})")
    product = mm(left.permute(1, 0, 2).reshape(M, B * K), right.reshape(B * K, N))
    return into("addbmm", blended("addbmm", start, product, beta, alpha), out, input, batch1, batch2)


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * ([B, M, K] @ [B, K, N]); `input` broadcasts, and is not read when `beta` is 0.

    >>> import curta
    >>> curta.baddbmm(curta.ones(2, 1, 1), curta.ones(2, 1, 4), curta.ones(2, 4, 1)).flatten()
    tensor([5., 5.])
    """
    start, left, right = _batches("baddbmm", input, batch1, batch2)
    return into("baddbmm", blended("baddbmm", start, bmm(left, right), beta, alpha), out, input, batch1, batch2)


# whole matrices


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal; of whole numbers in int64.

    >>> import curta
    >>> curta.trace(curta.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    x = tensor("trace", input)
    if x.layout.rank != 2:
        raise ShapeError(f"trace: expected a matrix, but got tensor with dim {x.layout.rank}")
    if x.layout.dtype.category == 0:
        raise UnsupportedDTypeError("\"trace\" not implemented for 'Bool'")
    result: Tensor = x.diagonal().sum()
    return result


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: `other` times each element of `input`, in the common format; ranks are filled up in front.

    >>> import curta
    >>> curta.kron(curta.tensor([[1, 2]]), curta.tensor([[1, 10], [0, 1]]))
    tensor([[ 1, 10,  2, 20],
            [ 0,  1,  0,  2]])
    """
    a, b = tensor("kron", input), tensor("kron", other, "other")
    rank = max(a.layout.rank, b.layout.rank)
    left = (1,) * (rank - a.layout.rank) + a.layout.shape
    right = (1,) * (rank - b.layout.rank) + b.layout.shape
    spread = a.reshape([size for one in left for size in (one, 1)])
    product = spread * b.reshape([size for one in right for size in (1, one)])
    merged = tuple(one * other for one, other in zip(left, right, strict=True))
    return into("kron", product.reshape(merged), out, input, other)


def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The products of vectors of 3 elements, which lie along `dim` (the first dimension of size 3); others broadcast.

    >>> import curta
    >>> curta.cross(curta.tensor([1.0, 0.0, 0.0]), curta.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    a = tensor("cross", input)
    if dim is None:
        dim = next((place for place, size in enumerate(a.layout.shape) if size == 3), None)
        if dim is None:
            raise ShapeError("no dimension of size 3 in input")
    return crossed(a, tensor("cross", other, "other"), dim, out)


def crossed(a: Tensor, b: Tensor, dim: int, out: Tensor | None) -> Tensor:
    """`linalg.cross` of tensors."""
    if a.layout.rank != b.layout.rank:
        raise ShapeError("linalg.cross: inputs must have the same number of dimensions.")
    place = dimension("cross", dim, a.layout.rank)
    if not a.layout.rank or (a.layout.shape[place], b.layout.shape[place]) != (3, 3):
        sizes = [one.layout.shape[place] if one.layout.rank else 1 for one in (a, b)]
        raise ShapeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and {sizes[1]}")
    kinds = a.layout.dtype, b.layout.dtype
    if kinds[0] is not kinds[1]:
        raise DTypeError(f"expected scalar type {scalar_name(kinds[0])} but found {scalar_name(kinds[1])}")
    if kinds[0].category == 0:
        raise UnsupportedDTypeError("\"cross\" not implemented for 'Bool'")
    if not STATE.levels and compute_dtype(kinds[0]) is kinds[0]:
        return into("cross", bind(CROSS, (a, b), dim=place), out, a, b)
    # what `vmap` does for all slices at once; half formats round each product, as in PyTorch
    forward = a.roll(-1, place) * b.roll(-2, place)
    return into("cross", forward - a.roll(-2, place) * b.roll(-1, place), out, a, b)
