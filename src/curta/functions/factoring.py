"""Factors of matrices under PyTorch's names: Cholesky, LU, QR, eigenvalues and singular values, by NumPy's LAPACK."""

from __future__ import annotations

from functools import partial
from typing import Any

from curta import dtypes
from curta.autograd.state import STATE
from curta.errors import AutogradError, DTypeError, LinearAlgebraError, ShapeError, UnsupportedError
from curta.functions.creation import empty, eye, full, zeros
from curta.functions.inplace import scalar_name
from curta.functions.matrices import check_info, check_pivots, into, matrices, turned
from curta.functions.operands import tensor
from curta.ops import factorization
from curta.ops.dispatch import bind
from curta.ops.factorization import EIGH, GEQRF, LU, QR, SVD
from curta.return_types import Named, named
from curta.tensor import Tensor

_NOT_POSITIVE = (
    "The factorization could not be completed because the input is not positive-definite (the leading minor of order "
    "{} is not positive-definite)."
)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Named:
    """The Cholesky factor of symmetric positive definite matrices, and for each whether it could be found.

    >>> import curta
    >>> cholesky_ex(curta.tensor([[-1.0]])).info
    tensor(1, dtype=curta.int32)
    """
    x = matrices("linalg.cholesky", A, square=True)
    found, info = bind(factorization.CHOLESKY, (turned(x) if upper else x,))
    if check_errors:
        check_info("linalg.cholesky", info, _NOT_POSITIVE)
    return named("linalg_cholesky_ex", into("cholesky_ex", out, (turned(found) if upper else found, info), (x,)), out)


def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The lower triangular L of A = L @ L.mT, or with `upper` its transpose; LinearAlgebraError if there is none.

    >>> import curta
    >>> curta.cholesky(curta.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    found = cholesky_ex(input, upper=bool(upper))
    check_info("linalg.cholesky", found.info, _NOT_POSITIVE)
    made: Tensor = into("cholesky", out, found.L, (input,))
    return made


def _lu(name: str, A: Any, pivot: bool) -> tuple[Tensor, Tensor, Tensor]:
    x = matrices(name, A)
    if not pivot:
        raise UnsupportedError(f"{name}: LU without pivoting is not implemented on the CPU")
    compact, pivots, info = bind(LU, (x,))
    return compact, pivots, info


_ZERO_PIVOT = "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero."


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Named:
    """The LU factorization with partial pivoting in compact form, and for each matrix whether a pivot is zero.

    >>> import curta
    >>> lu_factor_ex(curta.tensor([[0.0, 2.0], [4.0, 1.0]])).pivots
    tensor([2, 2], dtype=curta.int32)
    """
    found = _lu("linalg.lu_factor", A, pivot)
    if check_errors:
        check_info("torch.linalg.lu_factor_ex", found[2], _ZERO_PIVOT)
    return named("linalg_lu_factor_ex", into("lu_factor_ex", out, found, (A,)), out)


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Named:
    """The LU factorization with partial pivoting in compact form; LinearAlgebraError where a pivot is zero.

    >>> import curta
    >>> lu_factor(curta.tensor([[1.0, 2.0], [4.0, 4.0]])).LU
    tensor([[4.0000, 4.0000],
            [0.2500, 1.0000]])
    """
    compact, pivots, info = _lu("linalg.lu_factor", A, pivot)
    check_info("torch.linalg.lu_factor", info, _ZERO_PIVOT)
    return named("linalg_lu_factor", into("lu_factor", out, (compact, pivots), (A,)), out)


def lu_parts(A: Tensor, *, pivot: bool = True, out: Any = None) -> Named:
    """A = P @ L @ U: a permutation, a lower triangular matrix with ones on its diagonal, an upper triangular one.

    >>> import curta
    >>> lu_parts(curta.tensor([[0.0, 2.0], [4.0, 1.0]])).P
    tensor([[0., 1.],
            [1., 0.]])
    """
    compact, pivots, _ = _lu("linalg.lu", A, pivot)
    return named("linalg_lu", into("lu", out, tuple(lu_unpack(compact, pivots)), (A,)), out)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Named:
    """P, L and U of a compact factorization; what is not asked for is empty.

    >>> import curta
    >>> compact, pivots = curta.linalg.lu_factor(curta.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> curta.lu_unpack(compact, pivots).U
    tensor([[4., 4.],
            [0., 1.]])
    """
    x, pivots = matrices("lu_unpack", LU_data, argument="LU_data"), tensor("lu_unpack", LU_pivots, "LU_pivots")
    if pivots.layout.dtype is not dtypes.int32:
        raise DTypeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this "
            "function is intended to be used with the output produced by torch.linalg.lu_factor"
        )
    M, N = x.layout.shape[-2:]
    if unpack_pivots and pivots.layout.shape != (*x.layout.shape[:-2], min(M, N)):
        raise ShapeError(f"lu_unpack: LU_pivots has shape {list(pivots.layout.shape)}, which does not fit to LU_data")
    if unpack_pivots:
        check_pivots("lu_unpack", pivots, M)
    nothing = empty(0, dtype=x.layout.dtype, device=x.layout.device)
    permutation, lower, upper = nothing, nothing, nothing
    if unpack_pivots:
        ones = eye(M, dtype=x.layout.dtype, device=x.layout.device).expand((*x.layout.shape[:-2], M, M))
        permutation = factorization.permuted(ones, pivots.contiguous(), back=True)
    if unpack_data:
        lower, upper = factorization.parts(x)
    return named("lu_unpack", into("lu_unpack", out, (permutation, lower, upper), (x,)), out)


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> tuple[Tensor, ...]:
    """The compact LU factorization under its older name: (LU, pivots), with `get_infos` also whether each was found."""
    found = _lu("linalg.lu_factor", A, pivot)
    if not get_infos:
        check_info("torch.linalg.lu_factor", found[2], _ZERO_PIVOT)
    made: tuple[Tensor, ...] = into("lu", out, found if get_infos else found[:2], (A,))
    return made


def qr_factors(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Named:
    """A = Q @ R: `mode` "reduced" gives as many columns of Q as are needed, "complete" all, "r" none.

    >>> import curta
    >>> qr_factors(curta.tensor([[3.0], [4.0]]), "r").R
    tensor([[-5.]])
    """
    x = matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ShapeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    M, N = x.layout.shape[-2:]
    whole = mode == "complete"
    q, r = bind(QR, (x,), complete=whole)
    if STATE.grad_enabled and x.requires_grad and (mode == "r" or (whole and M > N)):
        if mode == "r":
            why = "mode='r'. Please use torch.linalg.qr(..., mode='reduced')"
        else:
            why = "mode='complete' and nrows > ncols"
        message = f"The derivative of linalg.qr is not implemented when {why}"
        for one in (q, r):
            one.register_hook(partial(_refuse, message))
    if mode == "r":
        q = empty(0, dtype=x.layout.dtype, device=x.layout.device)
    return named("linalg_qr", into("qr", out, (q, r), (x,)), out)


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Named:
    """`linalg.qr` under its older name: "reduced" with `some`, else "complete".

    >>> import curta
    >>> curta.qr(curta.tensor([[3.0], [4.0]])).R
    tensor([[-5.]])
    """
    return named("qr", qr_factors(input, "reduced" if some else "complete", out=out), out)


def _refuse(message: str, gradient: Tensor) -> Tensor:
    raise AutogradError(message)


def geqrf(input: Tensor, *, out: Any = None) -> Named:
    """The QR factorization as LAPACK leaves it: R, Householder vectors under its diagonal, and their factors.

    >>> import curta
    >>> curta.geqrf(curta.tensor([[3.0], [4.0]])).tau
    tensor([1.6000])
    """
    x = matrices("geqrf", input, argument="input")
    return named("geqrf", into("geqrf", out, bind(GEQRF, (x.detach(),)), (x,)), out)


def _check_reflectors(name: str, A: Any, tau: Any) -> tuple[Tensor, Tensor]:
    x, factors = matrices(name, A, argument="input"), tensor(name, tau, "tau")
    M, N = x.layout.shape[-2:]
    if M < N:
        raise ShapeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if not factors.layout.rank or factors.layout.shape[-1] > N:
        raise ShapeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if factors.layout.rank != x.layout.rank - 1 or factors.layout.shape[:-1] != x.layout.shape[:-2]:
        raise ShapeError(
            f"{name}: Expected tau to have one dimension less than input, and the same batch, got tau "
            f"{list(factors.layout.shape)} and input {list(x.layout.shape)}"
        )
    if factors.layout.dtype is not x.layout.dtype:
        raise DTypeError(
            f"{name}: tau dtype {scalar_name(factors.layout.dtype)} does not match input dtype "
            f"{scalar_name(x.layout.dtype)}"
        )
    return x, factors


def _reflected(x: Tensor, tau: Tensor, onto: Tensor, backwards: bool) -> Tensor:
    """The product of all reflections times a matrix; `backwards` that of their transpose."""
    M = x.layout.shape[-2]
    count = tau.layout.shape[-1]
    vectors = x.narrow(-1, 0, count).tril(-1) + eye(M, count, dtype=x.layout.dtype, device=x.layout.device)
    for step in range(count) if backwards else reversed(range(count)):
        vector = vectors.narrow(-1, step, 1)
        onto = onto - tau.narrow(-1, step, 1).unsqueeze(-1) * vector @ (turned(vector) @ onto)
    return onto


def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first columns of the product of Householder reflections: vectors under the diagonal of A, and their factors.

    >>> import curta
    >>> householder_product(curta.tensor([[-5.0], [0.5]]), curta.tensor([1.6]))
    tensor([[-0.6000],
            [-0.8000]])
    """
    x, factors = _check_reflectors("torch.linalg.householder_product", A, tau)
    M, N = x.layout.shape[-2:]
    always = full(x.layout.shape, True, device=x.layout.device)
    first = eye(M, N, dtype=x.layout.dtype, device=x.layout.device).where(always, x)  # nothing of x, but its history
    made: Tensor = into("householder_product", out, _reflected(x, factors, first, False), (x, factors))
    return made


def orgqr(input: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """`linalg.householder_product` under its older name."""
    return householder_product(input, tau, out=out)


def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """A matrix times the whole product of Householder reflections, from the left or the right, or its transpose.

    >>> import curta
    >>> curta.ormqr(curta.tensor([[-5.0], [0.5]]), curta.tensor([1.6]), curta.tensor([[1.0], [0.0]]))
    tensor([[-0.6000],
            [-0.8000]])
    """
    x = matrices("torch.ormqr", input, argument="input")
    factors, onto = tensor("torch.ormqr", tau, "tau"), matrices("torch.ormqr", other, argument="other")
    M = x.layout.shape[-2]
    side = onto.layout.shape[-2 if left else -1]
    if side != M:
        raise ShapeError(f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2]")
    if factors.layout.rank != x.layout.rank - 1 or factors.layout.shape[-1] > min(x.layout.shape[-2:]):
        raise ShapeError(f"torch.ormqr: tau {list(factors.layout.shape)} does not fit to input {list(x.layout.shape)}")
    if len({x.layout.dtype, factors.layout.dtype, onto.layout.dtype}) > 1:
        raise DTypeError("torch.ormqr: input, tau and other must have the same dtype")
    found = _reflected(x, factors, onto if left else turned(onto), bool(transpose) == left)
    made: Tensor = into("ormqr", out, found if left else turned(found), (x, factors, onto))
    return made


# eigenvalues and singular values


def eig(A: Tensor, *, out: Any = None) -> Named:
    """Refused, with an UnsupportedError: eigenvalues of matrices that are not symmetric are complex numbers."""
    raise _no_complex("eig", "eigh")


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Refused, with an UnsupportedError: eigenvalues of matrices that are not symmetric are complex numbers."""
    raise _no_complex("eigvals", "eigvalsh")


def _no_complex(name: str, symmetric: str) -> UnsupportedError:
    return UnsupportedError(
        f"linalg.{name}: its results are complex numbers, which Curta does not have; linalg.{symmetric} has the real "
        "ones of symmetric matrices"
    )


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Named:
    """Eigenvalues, rising, and vectors of symmetric matrices, of which the lower ("L") or upper ("U") half is read.

    LinearAlgebraError for another UPLO.

    >>> import curta
    >>> eigh(curta.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    x = matrices("linalg.eigh", A, square=True)
    if str(UPLO).upper() not in ("L", "U"):
        raise LinearAlgebraError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return named("linalg_eigh", into("eigh", out, bind(EIGH, (x,), upper=UPLO.upper() == "U"), (x,)), out)


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of symmetric matrices, rising; see `eigh`.

    >>> import curta
    >>> eigvalsh(curta.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([-1.,  1.])
    """
    made: Tensor = into("eigvalsh", out, eigh(A, UPLO).eigenvalues, (A,))
    return made


def svd_parts(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Named:
    """A = U @ diag(S) @ Vh: square U and Vh with `full_matrices`, else only what belongs to a singular value.

    >>> import curta
    >>> svd_parts(curta.tensor([[3.0, 0.0], [0.0, -4.0]])).S
    tensor([4., 3.])
    """
    x = matrices("linalg.svd", A)
    if driver is not None:
        raise ShapeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs.")
    return named("linalg_svd", into("svd", out, bind(SVD, (x,), full=bool(full_matrices)), (x,)), out)


def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values, falling.

    >>> import curta
    >>> svdvals(curta.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor([4., 3.])
    """
    made: Tensor = into("svdvals", out, svd_parts(A, False, driver=driver).S, (A,))
    return made


def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Named:
    """U, S and V of input = U @ diag(S) @ V.mT; without `compute_uv` the vectors are zeros.

    >>> import curta
    >>> curta.svd(curta.tensor([[3.0, 0.0], [0.0, -4.0]])).S
    tensor([4., 3.])
    """
    x = matrices("linalg.svd", input)
    found = svd_parts(x, not some)
    parts = found.U, found.S, turned(found.Vh)
    if not compute_uv:
        (M, N), batch = x.layout.shape[-2:], x.layout.shape[:-2]
        options = {"dtype": x.layout.dtype, "device": x.layout.device}
        parts = zeros((*batch, M, M), **options), found.S, zeros((*batch, N, N), **options)
    return named("svd", into("svd", out, parts, (x,)), out)
