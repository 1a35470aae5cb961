"""Factors of symmetric matrices that may be indefinite, under PyTorch's names."""

from __future__ import annotations

from typing import Any

from curta.errors import DTypeError, ShapeError
from curta.functions.inplace import scalar_name
from curta.functions.matrices import batched, check_info, into, matrices
from curta.functions.operands import tensor
from curta.ops.dispatch import bind
from curta.ops.symmetric import LDL_FACTOR, LDL_SOLVE
from curta.return_types import Named, named
from curta.tensor import Tensor

_SINGULAR = "D[{0},{0}] is zero and using it on ldl_solve would result in a division by zero."


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Named:
    """The factors of `ldl_factor`, and for each matrix 0 or the number, from 1, of the first zero on D's diagonal.

    >>> import curta
    >>> ldl_factor_ex(curta.zeros(1, 1)).info
    tensor(1, dtype=curta.int32)
    """
    found = bind(LDL_FACTOR, (matrices("torch.linalg.ldl_factor_ex", A, square=True),))
    if check_errors:
        check_info("torch.linalg.ldl_factor_ex", found[2], _SINGULAR)
    return named("linalg_ldl_factor_ex", into("ldl_factor_ex", out, found, (A,)), out)


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Named:
    """A = L D L^T of symmetric matrices in LAPACK's compact form, by Bunch and Kaufman's pivoting.

    Only the lower half of A is read; `hermitian` says nothing of real numbers. LinearAlgebraError where D is singular.
    Without a gradient, which PyTorch has not either.

    >>> import curta
    >>> ldl_factor(curta.tensor([[0.0, 1.0], [1.0, 0.0]])).pivots
    tensor([-2, -2], dtype=curta.int32)
    """
    compact, pivots, info = bind(LDL_FACTOR, (matrices("torch.linalg.ldl_factor_ex", A, square=True),))
    check_info("torch.linalg.ldl_factor", info, _SINGULAR)
    return named("linalg_ldl_factor", into("ldl_factor", out, (compact, pivots), (A,)), out)


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """The X of A X = B from what `ldl_factor` gives of A; B [N, K] has a gradient.

    >>> import curta
    >>> LD, pivots = ldl_factor(curta.tensor([[0.0, 2.0], [2.0, 0.0]]))
    >>> ldl_solve(LD, pivots, curta.tensor([[2.0], [4.0]]))
    tensor([[2.],
            [1.]])
    """
    name = "torch.linalg.ldl_solve"
    compact, b = matrices(name, LD, square=True), matrices(name, B, argument="B")
    rows = tensor(name, pivots, "pivots", 2)
    if rows.layout.shape != compact.layout.shape[:-1]:
        raise ShapeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(rows.layout.shape)} instead"
        )
    if rows.layout.dtype.category != 1:
        raise DTypeError(f"{name}: Expected pivots to be integers. Got {scalar_name(rows.layout.dtype)}")
    N, (M, K) = compact.layout.shape[-1], b.layout.shape[-2:]
    if compact.layout.dtype is not b.layout.dtype:
        raise DTypeError(
            f"Expected b and A to have the same dtype, but found b of type {scalar_name(b.layout.dtype)} and A of type "
            f"{scalar_name(compact.layout.dtype)} instead."
        )
    if N != M:
        raise ShapeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {N} by {N} but each b matrix is {M} by {K}"
        )
    compact, b = batched(compact, b)
    rows = rows.expand(compact.layout.shape[:-1]).contiguous()
    made: Tensor = into("ldl_solve", out, bind(LDL_SOLVE, (compact.contiguous(), rows, b.contiguous())), (compact, b))
    return made
