"""What is refused, in which words: factors of matrices, equations and determinants."""

from __future__ import annotations

from typing import Any

from refusal import Refusal

from curta.errors import (
    ArgumentTypeError,
    DTypeError,
    LinearAlgebraError,
    ShapeError,
    UnsupportedDTypeError,
    UnsupportedError,
)


def ours(call: Any, error: type[Exception], message: str) -> Refusal:
    return Refusal(call, error, message, only_curta=True)


def factored(c: Any) -> Any:
    return c.linalg.lu_factor(c.eye(3))


REFUSALS = (
    Refusal(
        lambda c: c.linalg.lu_solve(c.eye(2), c.tensor([3, 2], dtype=c.int32), c.ones(2, 1)),
        ShapeError,
        "Pivots given to lu_solve must all be smaller or equal to LU.size(-2). Did you properly pass the result of "
        "lu_factor?",
    ),
    Refusal(
        lambda c: c.linalg.lu_solve(c.eye(2), c.tensor([0, 2], dtype=c.int32), c.ones(2, 1)),
        ShapeError,
        "Pivots given to lu_solve must all be greater or equal to 1. Did you properly pass the result of lu_factor?",
    ),
    Refusal(
        lambda c: c.lu_unpack(c.eye(2), c.tensor([0, 2], dtype=c.int32)),
        ShapeError,
        "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of "
        "lu_factor?",
    ),
    Refusal(
        lambda c: c.linalg.ldl_factor(c.ones(3)),
        ShapeError,
        "torch.linalg.ldl_factor_ex: The input tensor A must have at least 2 dimensions.",
    ),
    ours(
        lambda c: c.linalg.ldl_factor(c.stack([c.eye(2), c.zeros(2, 2)])),
        LinearAlgebraError,
        "torch.linalg.ldl_factor: (Batch element 1): D[1,1] is zero and using it on ldl_solve would result in a "
        "division by zero.",
    ),
    ours(
        lambda c: c.linalg.ldl_factor_ex(c.zeros(2, 2), check_errors=True),
        LinearAlgebraError,
        "torch.linalg.ldl_factor_ex: D[1,1] is zero and using it on ldl_solve would result in a division by zero.",
    ),
    Refusal(
        lambda c: c.linalg.ldl_factor(c.eye(2).requires_grad_()).LD.sum().backward(),
        UnsupportedError,
        "derivative for aten::linalg_ldl_factor_ex is not implemented",
    ),
    Refusal(
        lambda c: (
            c.linalg.ldl_solve(c.eye(2).requires_grad_(), c.tensor([1, 2], dtype=c.int32), c.ones(2, 1))
            .sum()
            .backward()
        ),
        UnsupportedError,
        "derivative for aten::linalg_ldl_solve is not implemented",
    ),
    Refusal(
        lambda c: c.linalg.ldl_solve(c.eye(2), c.tensor([1]), c.ones(2, 1)),
        ShapeError,
        "torch.linalg.ldl_solve: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
        "[1] instead",
    ),
    Refusal(
        lambda c: c.linalg.ldl_solve(c.eye(2), c.ones(2), c.ones(2, 1)),
        DTypeError,
        "torch.linalg.ldl_solve: Expected pivots to be integers. Got Float",
    ),
    Refusal(
        lambda c: c.linalg.ldl_solve(c.eye(2), c.tensor([1, 2]), c.ones(3, 1)),
        ShapeError,
        "Incompatible matrix sizes for torch.linalg.ldl_solve: each A matrix is 2 by 2 but each b matrix is 3 by 1",
    ),
    Refusal(
        lambda c: c.linalg.ldl_solve(c.eye(2), c.tensor([1, 2]), c.ones(2, 1, dtype=c.float64)),
        DTypeError,
        "Expected b and A to have the same dtype, but found b of type Double and A of type Float instead.",
    ),
    ours(
        lambda c: c.linalg.ldl_solve(c.eye(2), c.tensor([1, 3]), c.ones(2, 1)),
        ShapeError,
        "torch.linalg.ldl_solve: pivots are not those of a factorization: [1, 3]",
    ),
    ours(
        lambda c: c.linalg.eig(c.eye(2)),
        UnsupportedError,
        "linalg.eig: its results are complex numbers, which Curta does not have; linalg.eigh has the real ones of "
        "symmetric matrices",
    ),
    ours(
        lambda c: c.linalg.eigvals(c.eye(2)),
        UnsupportedError,
        "linalg.eigvals: its results are complex numbers, which Curta does not have; linalg.eigvalsh has the real ones "
        "of symmetric matrices",
    ),
    Refusal(
        lambda c: c.frobenius_norm(c.ones(2, 2, 2), (0, 1, 2)),
        ShapeError,
        "Expected at most 2 dimensions, but got 3 dimensions instead.",
    ),
    Refusal(
        lambda c: c.linalg.inv(c.ones(3)),
        ShapeError,
        "linalg.inv: The input tensor A must have at least 2 dimensions.",
    ),
    Refusal(
        lambda c: c.linalg.inv(c.ones(2, 3)),
        ShapeError,
        "linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices",
    ),
    ours(
        lambda c: c.linalg.svd(c.ones(2, 3, dtype=c.int64)),
        DTypeError,
        "linalg.svd: Expected a floating point or complex tensor as input. Got Long",
    ),
    ours(
        lambda c: c.linalg.svd(c.ones(2, 3, dtype=c.float16)),
        UnsupportedDTypeError,
        "linalg.svd: Low precision dtypes not supported. Got Half",
    ),
    ours(
        lambda c: c.linalg.qr(c.eye(2), out=c.eye(2)),
        ArgumentTypeError,
        "qr(): argument 'out' must be a tuple of 2 tensors, not tensor([[1., 0.],\n        [0., 1.]])",
    ),
    ours(
        lambda c: c.linalg.solve(c.eye(2), c.ones(2, dtype=c.float64)),
        DTypeError,
        "linalg.solve: Expected A and B to have the same dtype, but found A of type Float and B of type Double instead",
    ),
    Refusal(
        lambda c: c.linalg.solve(c.eye(2), c.ones(3, 1)),
        ShapeError,
        "linalg.solve: Incompatible shapes of A and B for the equation AX = B (2x2 and 3x1)",
    ),
    Refusal(
        lambda c: c.linalg.solve(c.eye(2), c.ones(1, 3), left=False),
        ShapeError,
        "linalg.solve: Incompatible shapes of A and B for the equation XA = B (1x3 and 2x2)",
    ),
    Refusal(
        lambda c: c.linalg.solve(c.eye(2), c.ones(2), left=False),
        ShapeError,
        "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.",
    ),
    ours(
        lambda c: c.linalg.solve(c.eye(2), c.ones(())),
        ShapeError,
        "linalg.solve: The input tensor B must have at least 2 dimensions.",
    ),
    ours(
        lambda c: c.linalg.inv(c.zeros(2, 2)),
        LinearAlgebraError,
        "linalg.inv: The diagonal element 1 is zero, the inversion could not be completed because the input matrix is "
        "singular.",
    ),
    ours(
        lambda c: c.linalg.inv_ex(c.zeros(2, 2), check_errors=True),
        LinearAlgebraError,
        "linalg.inv_ex: The diagonal element 1 is zero, the inversion could not be completed because the input matrix "
        "is singular.",
    ),
    ours(
        lambda c: c.linalg.solve_ex(c.zeros(2, 2), c.ones(2), check_errors=True),
        LinearAlgebraError,
        "torch.linalg.solve_ex: The solver failed because the input matrix is singular.",
    ),
    ours(
        lambda c: c.linalg.lu_factor_ex(c.zeros(2, 2), check_errors=True),
        LinearAlgebraError,
        "torch.linalg.lu_factor_ex: U[1,1] is zero and using it on lu_solve would result in a division by zero.",
    ),
    ours(
        lambda c: c.linalg.lu(c.eye(2), pivot=False),
        UnsupportedError,
        "linalg.lu: LU without pivoting is not implemented on the CPU",
    ),
    ours(
        lambda c: c.lu_unpack(c.eye(3), c.ones(3)),
        DTypeError,
        "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this function is "
        "intended to be used with the output produced by torch.linalg.lu_factor",
    ),
    ours(
        lambda c: c.lu_unpack(c.eye(3), c.ones(2, dtype=c.int32)),
        ShapeError,
        "lu_unpack: LU_pivots has shape [2], which does not fit to LU_data",
    ),
    ours(
        lambda c: c.linalg.lu_solve(factored(c)[0], factored(c)[1].long(), c.ones(3, 1)),
        DTypeError,
        "linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32. Got Long",
    ),
    ours(
        lambda c: c.linalg.lu_solve(factored(c)[0], factored(c)[1][:2], c.ones(3, 1)),
        ShapeError,
        "linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix: got [2] for [3, 3]",
    ),
    Refusal(
        lambda c: c.linalg.qr(c.eye(2), "economic"),
        ShapeError,
        "qr received unrecognized mode 'economic' but expected one of 'reduced' (default), 'r', or 'complete'",
    ),
    ours(
        lambda c: c.linalg.householder_product(c.ones(2, 3), c.ones(2)),
        ShapeError,
        "torch.linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]",
    ),
    ours(
        lambda c: c.linalg.householder_product(c.ones(3, 2), c.ones(3)),
        ShapeError,
        "torch.linalg.householder_product: input.shape[-1] must be greater than or equal to tau.shape[-1]",
    ),
    ours(
        lambda c: c.linalg.householder_product(c.ones(3, 2), c.ones(4, 2)),
        ShapeError,
        "torch.linalg.householder_product: Expected tau to have one dimension less than input, and the same batch, got "
        "tau [4, 2] and input [3, 2]",
    ),
    ours(
        lambda c: c.linalg.householder_product(c.ones(3, 2), c.ones(2, dtype=c.float64)),
        DTypeError,
        "torch.linalg.householder_product: tau dtype Double does not match input dtype Float",
    ),
    ours(
        lambda c: c.ormqr(c.ones(3, 2), c.ones(2), c.ones(2, 2)),
        ShapeError,
        "torch.ormqr: other.shape[-2] must be equal to input.shape[-2]",
    ),
    ours(
        lambda c: c.ormqr(c.ones(3, 2), c.ones(3), c.ones(3, 2)),
        ShapeError,
        "torch.ormqr: tau [3] does not fit to input [3, 2]",
    ),
    ours(
        lambda c: c.ormqr(c.ones(3, 2), c.ones(2, dtype=c.float64), c.ones(3, 2)),
        DTypeError,
        "torch.ormqr: input, tau and other must have the same dtype",
    ),
    Refusal(
        lambda c: c.linalg.eigh(c.eye(2), "X"),
        LinearAlgebraError,
        "Expected UPLO argument to be 'L' or 'U', but got X",
    ),
    Refusal(
        lambda c: c.linalg.svd(c.eye(2), driver="gesvd"),
        ShapeError,
        "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs.",
    ),
    ours(
        lambda c: c.linalg.lstsq(c.eye(2), c.eye(2), driver="x"),
        ShapeError,
        "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got x",
    ),
    ours(
        lambda c: c.linalg.lstsq(c.eye(2), c.ones(())),
        ShapeError,
        "torch.linalg.lstsq: other must have at least 1 dimension.",
    ),
    ours(
        lambda c: c.linalg.lstsq(c.eye(2), c.ones(2, dtype=c.float64)),
        DTypeError,
        "torch.linalg.lstsq: Expected input and other to have the same dtype",
    ),
    ours(
        lambda c: c.linalg.lstsq(c.eye(2), c.ones(2, 2, 2)),
        ShapeError,
        "torch.linalg.lstsq: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1",
    ),
    ours(
        lambda c: c.linalg.lstsq(c.eye(2), c.ones(3, 1)),
        ShapeError,
        "torch.linalg.lstsq: input.size(-2) should match other.size(-2)",
    ),
    Refusal(
        lambda c: c.linalg.tensorinv(c.ones(2, 3, 6), 0),
        ShapeError,
        "Expected a strictly positive integer for 'ind'",
    ),
    ours(
        lambda c: c.linalg.tensorinv(c.ones(2, 3)),
        ShapeError,
        "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got 1 != 6",
    ),
    ours(
        lambda c: c.linalg.tensorsolve(c.ones(2, 3), c.ones(2)),
        ShapeError,
        "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but "
        "got 3 != 2",
    ),
    ours(
        lambda c: c.linalg.cond(c.eye(2), "x"),
        ShapeError,
        "linalg.cond got an invalid norm type: x",
    ),
    ours(
        lambda c: c.pca_lowrank(c.ones(3, 2), 5),
        ShapeError,
        "q(=5) must be non-negative integer and not greater than min(m, n)=2",
    ),
    ours(lambda c: c.linalg.vander(c.ones(2), 1), ShapeError, "N must be greater than 1."),
    ours(
        lambda c: c.linalg.norm(c.ones(2, 2), 2, (0, 1, 0)),
        ShapeError,
        "linalg.norm: If dim is specified, it must be of length 1 or 2. Got [0, 1, 0]",
    ),
    ours(
        lambda c: c.linalg.norm(c.ones(2, 2, 2), 2),
        ShapeError,
        "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got 3D.",
    ),
    ours(
        lambda c: c.linalg.norm(c.ones(2), "nuc"),
        ShapeError,
        "linalg.norm: Order nuc not supported for vectors.",
    ),
)
