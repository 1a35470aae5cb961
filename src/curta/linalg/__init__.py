"""Linear algebra under PyTorch's names: factorizations, solutions, determinants, norms and products of matrices.

What factors a matrix runs in NumPy's LAPACK, one batch at a time, in float32 and float64; see docs/linalg.md.
"""

from curta.errors import LinearAlgebraError as LinAlgError
from curta.functions import det, matmul, matrix_exp, matrix_power
from curta.functions.contractions import multi_dot
from curta.functions.factoring import (
    cholesky,
    cholesky_ex,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    householder_product,
    lu_factor,
    lu_factor_ex,
    svdvals,
)
from curta.functions.factoring import lu_parts as lu
from curta.functions.factoring import qr_factors as qr
from curta.functions.factoring import svd_parts as svd
from curta.functions.pseudo_inverses import cond, lstsq, matrix_rank, pinv
from curta.functions.solving import inv_ex, solve, solve_ex, solve_triangular, tensorinv, tensorsolve
from curta.functions.solving import inverse as inv
from curta.functions.solving import lu_solve_factored as lu_solve
from curta.functions.solving import slogdet_parts as slogdet
from curta.functions.symmetric import ldl_factor, ldl_factor_ex, ldl_solve
from curta.linalg.norms import matrix_norm, norm, vector_norm
from curta.linalg.products import cross, diagonal, vander, vecdot

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
