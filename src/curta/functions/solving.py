"""Equations, inverses and determinants of matrices under PyTorch's names, by NumPy's LAPACK."""

from __future__ import annotations

from math import prod
from typing import Any

from curta import dtypes, shapes
from curta.errors import DTypeError, ShapeError
from curta.functions.inplace import scalar_name
from curta.functions.matrices import batched, check_info, check_pivots, identity, into, matrices, same_format, turned
from curta.functions.operands import tensor
from curta.ops import factorization
from curta.ops.dispatch import bind
from curta.ops.solution import CHOLESKY_SOLVE, DETERMINANT, EXPONENTIAL, LOG_DETERMINANT, SOLVE, solved
from curta.return_types import Named, named
from curta.tensor import Tensor

_SINGULAR = "The solver failed because the input matrix is singular."
_NO_INVERSE = (
    "The diagonal element {} is zero, the inversion could not be completed because the input matrix is singular."
)


def _is_vector(a: Tensor, b: Tensor, left: bool) -> bool:
    """Whether the right side is a batch of vectors, as PyTorch decides it."""
    own, given = a.layout, b.layout
    vector = given.rank == 1 or (own.rank - 1 == given.rank and given.shape == own.shape[:-1])
    if vector and not left:
        raise ShapeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.")
    return vector


def _check_sides(name: str, a: Tensor, b: Tensor, left: bool) -> None:
    rows, side = a.layout.shape[-2], b.layout.shape[-2 if left else -1]
    if rows != side:
        M, N = b.layout.shape[-2:]
        product = f"AX = B ({rows}x{rows} and {M}x{N})" if left else f"XA = B ({M}x{N} and {rows}x{rows})"
        raise ShapeError(f"{name}: Incompatible shapes of A and B for the equation {product}")


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Named:
    """The X of A X = B (X A = B without `left`), and for each matrix whether it could be found.

    >>> import curta
    >>> solve_ex(curta.tensor([[0.0]]), curta.tensor([[1.0]])).info
    tensor(1, dtype=curta.int32)
    """
    a, b = matrices("linalg.solve", A, square=True), tensor("linalg.solve", B, "B")
    same_format("linalg.solve", a, b)
    vector = _is_vector(a, b, left)
    if not vector and b.layout.rank < 2:
        raise ShapeError("linalg.solve: The input tensor B must have at least 2 dimensions.")
    b = b.unsqueeze(-1) if vector else b
    _check_sides("linalg.solve", a, b, left)
    a, b = batched(a, b)
    found, info = bind(SOLVE, (a, b) if left else (turned(a), turned(b)))
    if check_errors:
        check_info("torch.linalg.solve_ex", info, _SINGULAR)
    found = found if left else turned(found)
    return named("linalg_solve_ex", into("solve_ex", out, (found.squeeze(-1) if vector else found, info), (a, b)), out)


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """The X of A X = B (X A = B without `left`); B has matrices or vectors. LinearAlgebraError if A is singular.

    >>> import curta
    >>> solve(curta.tensor([[2.0, 0.0], [0.0, 4.0]]), curta.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    found = solve_ex(A, B, left=left)
    check_info("torch.linalg.solve", found.info, _SINGULAR)
    made: Tensor = into("solve", out, found.result, (A, B))
    return made


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Named:
    """The inverse, and for each matrix whether there is one.

    >>> import curta
    >>> inv_ex(curta.tensor([[4.0]])).inverse
    tensor([[0.2500]])
    """
    a = matrices("linalg.inv", A, square=True)
    found, info = bind(SOLVE, (a, identity(a)))
    if check_errors:
        check_info("linalg.inv_ex", info, _NO_INVERSE)
    return named("linalg_inv_ex", into("inv_ex", out, (found, info), (a,)), out)


def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices; LinearAlgebraError for a singular one.

    >>> import curta
    >>> curta.inverse(curta.tensor([[4.0]]))
    tensor([[0.2500]])
    """
    found = inv_ex(input)
    check_info("linalg.inv", found.info, _NO_INVERSE)
    made: Tensor = into("inverse", out, found.inverse, (input,))
    return made


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """The X of A X = B (X A = B without `left`) for a triangular A, of which the other half is not read.

    >>> import curta
    >>> solve_triangular(curta.tensor([[2.0, 9.0], [0.0, 4.0]]), curta.tensor([[11.0], [4.0]]), upper=True)
    tensor([[1.],
            [1.]])
    """
    a = matrices("linalg.solve_triangular", A, square=True)
    b = matrices("linalg.solve_triangular", B, argument="B")
    same_format("linalg.solve_triangular", a, b)
    _check_sides("linalg.solve_triangular", a, b, left)
    a, b = batched(a, b)
    if left:
        found = solved(a, b, upper=bool(upper), unit=bool(unitriangular))
    else:
        found = turned(solved(turned(a), turned(b), upper=not upper, unit=bool(unitriangular)))
    made: Tensor = into("solve_triangular", out, found, (a, b))
    return made


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out: Any = None
) -> Named:
    """`linalg.solve_triangular` under its older name, with A behind b.

    >>> import curta
    >>> curta.triangular_solve(curta.tensor([[8.0]]), curta.tensor([[4.0]])).solution
    tensor([[2.]])
    """
    a, right = matrices("triangular_solve", A, square=True), matrices("triangular_solve", b, argument="b")
    same_format("triangular_solve", a, right)
    _check_sides("triangular_solve", a, right, True)
    a, right = batched(a, right)
    found = solved(turned(a) if transpose else a, right, upper=bool(upper) != bool(transpose), unit=bool(unitriangular))
    return named("triangular_solve", into("triangular_solve", out, (found, a.clone()), (a, right)), out)


def lu_solve_factored(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """The X of A X = B (X A = B without `left`; with A's transpose, if `adjoint`) from the factorization of A.

    >>> import curta
    >>> compact, pivots = curta.linalg.lu_factor(curta.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> lu_solve_factored(compact, pivots, curta.tensor([[5.0], [12.0]]))
    tensor([[1.],
            [2.]])
    """
    name = "linalg.lu_solve"
    compact, b = matrices(name, LU, square=True, argument="LU"), matrices(name, B, argument="B")
    rows = tensor(name, pivots, "pivots")
    if rows.layout.dtype is not dtypes.int32:
        raise DTypeError(
            f"{name}: pivots should be a Tensor of scalar type torch.int32. Got {scalar_name(rows.layout.dtype)}"
        )
    if rows.layout.shape != compact.layout.shape[:-1]:
        raise ShapeError(
            f"{name}: Number of pivots per batch should be same as the dimension of the matrix: got "
            f"{list(rows.layout.shape)} for {list(compact.layout.shape)}"
        )
    same_format(name, compact, b)
    _check_sides(name, compact, b, left)
    check_pivots("lu_solve", rows, compact.layout.shape[-1])
    compact, b = batched(compact, b)
    rows = rows.expand(compact.layout.shape[:-1]).contiguous()
    b = b if left else turned(b)
    if bool(adjoint) == left:
        found = solved(turned(compact), b, upper=False)
        found = solved(turned(compact), found, upper=True, unit=True)
        found = factorization.permuted(found, rows, back=True)
    else:
        found = solved(compact, factorization.permuted(b, rows), upper=False, unit=True)
        found = solved(compact, found, upper=True)
    made: Tensor = into("lu_solve", out, found if left else turned(found), (compact, b))
    return made


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.lu_solve` under its older name, with the right side in front."""
    return lu_solve_factored(LU_data, LU_pivots, b, out=out)


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The X of A X = B from the Cholesky factor of A, [N, N], and B [N, K].

    >>> import curta
    >>> curta.cholesky_solve(curta.tensor([[8.0]]), curta.tensor([[2.0]]))
    tensor([[2.]])
    """
    factor = matrices("cholesky_solve", L, square=True, argument="L")
    b = matrices("cholesky_solve", B, argument="B")
    same_format("cholesky_solve", factor, b)
    _check_sides("cholesky_solve", factor, b, True)
    factor, b = batched(factor, b)
    lower = turned(factor) if upper else factor
    made: Tensor = into("cholesky_solve", out, bind(CHOLESKY_SOLVE, (lower, b)), (factor, b))
    return made


def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of A from its Cholesky factor.

    >>> import curta
    >>> curta.cholesky_inverse(curta.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    factor = matrices("cholesky_inverse", L, square=True, argument="L")
    made: Tensor = into("cholesky_inverse", out, cholesky_solve(identity(factor), factor, upper), (factor,))
    return made


# determinants


def det(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of square matrices.

    >>> import curta
    >>> curta.det(curta.tensor([[2.0, 1.0], [0.0, 3.0]]))
    tensor(6.)
    """
    a = matrices("linalg.det", input, square=True)
    made: Tensor = into("det", out, bind(DETERMINANT, (a,)), (a,))
    return made


def slogdet_parts(A: Tensor, *, out: Any = None) -> Named:
    """The sign of the determinant, and the logarithm of its absolute value.

    >>> import curta
    >>> slogdet_parts(curta.tensor([[-1.0]]))
    curta.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.))
    """
    a = matrices("linalg.slogdet", A, square=True)
    return named("linalg_slogdet", into("slogdet", out, bind(LOG_DETERMINANT, (a,)), (a,)), out)


def slogdet(input: Tensor, *, out: Any = None) -> Named:
    """`linalg.slogdet` under its older name.

    >>> import curta
    >>> curta.slogdet(curta.tensor([[-1.0]])).sign
    tensor(-1.)
    """
    return named("slogdet", slogdet_parts(input, out=out), out)


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative.

    >>> import curta
    >>> curta.logdet(curta.tensor([[1.0]]))
    tensor(0.)
    """
    from curta.functions.choice import where

    sign, size = slogdet(input)
    found: Tensor = where(sign < 0, float("nan"), size)
    return found


# further


def matrix_exp(input: Tensor) -> Tensor:
    """The matrix exponential of square matrices, worked out in float64.

    >>> import curta
    >>> curta.matrix_exp(curta.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    x = tensor("linalg.matrix_exp", input)
    kept = x.layout.dtype
    if kept in (dtypes.float16, dtypes.bfloat16):
        x = x.float()
    found: Tensor = bind(EXPONENTIAL, (matrices("linalg.matrix_exp", x, square=True),))
    return found.to(kept)


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of what `tensordot(A, ..., ind)` does: the first `ind` dimensions as rows, the others as columns.

    >>> import curta
    >>> tensorinv(curta.eye(4).reshape(2, 2, 4)).shape
    torch.Size([4, 2, 2])
    """
    x = tensor("linalg.tensorinv", A, "A")
    if ind < 1:
        raise ShapeError("Expected a strictly positive integer for 'ind'")
    rows, columns = x.layout.shape[:ind], x.layout.shape[ind:]
    if prod(rows) != prod(columns):
        raise ShapeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{prod(columns)} != {prod(rows)}"
        )
    made: Tensor = into("tensorinv", out, inverse(x.reshape(prod(rows), -1)).reshape((*columns, *rows)), (x,))
    return made


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The X of tensordot(A, X) = B, with the dimensions `dims` of A moved behind the others first.

    >>> import curta
    >>> tensorsolve(curta.eye(4).reshape(2, 2, 4), curta.ones(2, 2)).shape
    torch.Size([4])
    """
    x, b = tensor("linalg.tensorsolve", A, "A"), tensor("linalg.tensorsolve", B, "B")
    if dims is not None:
        moved = shapes.normalize_dims(tuple(dims), x.layout.rank)
        x = x.permute([dim for dim in range(x.layout.rank) if dim not in moved] + list(moved))
    shape = x.layout.shape[b.layout.rank :]
    count = prod(shape)
    if count != b.layout.numel or count * count != x.layout.numel:
        raise ShapeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {count} != {prod(x.layout.shape[: b.layout.rank])}"
        )
    made: Tensor = into("tensorsolve", out, solve(x.reshape(count, count), b.reshape(-1)).reshape(shape), (x, b))
    return made
