"""Equations in matrices, by NumPy's LAPACK: operators over the last two dimensions, the others are a batch."""

from __future__ import annotations

from math import prod
from typing import Any

from curta import dtypes
from curta.autograd.state import STATE
from curta.device import META
from curta.memory.layout import Layout, contiguous
from curta.methods import late
from curta.ops import lapack
from curta.ops.dispatch import bind
from curta.ops.inference import bytes_read
from curta.ops.record import Cost, Gradient, Host, Op


def _turned(x: Any) -> Any:
    return x.transpose(-2, -1)


def _cost(flops: Any) -> Any:
    """`flops(N, K)` for each A [N, N], and B [N, K] where there is one."""

    def cost(inputs: Any, outputs: Any, **params: Any) -> Cost:
        *batch, N, _ = inputs[0].shape
        K = inputs[1].shape[-1] if len(inputs) > 1 and inputs[1].rank > 1 else 0
        return Cost(flops(N, K) * prod(batch), 0, bytes_read(inputs), sum(one.nbytes for one in outputs))

    return cost


def _infer_solve(a: Layout, b: Layout) -> tuple[Layout, Layout]:
    return contiguous(b.shape, b.dtype, b.device), contiguous(a.shape[:-2], dtypes.int32, a.device)


def _solve_rule(node: Any, g: Any, _: Any) -> tuple[Any, Any]:
    found, (g_b, _) = node.output(0), bind(SOLVE, (_turned(node.input(0)), g))
    return -(g_b @ _turned(found)) if node.needs[0] else None, g_b


#: A [N, N] and B [N, K] with one batch: the X of A X = B, and 0 or the first pivot that is zero
SOLVE = Op(
    "linalg_solve",
    _infer_solve,
    Host(lapack.solve),
    Gradient(_solve_rule, inputs=(0,), outputs=(0,), constant_outputs=(1,)),
    _cost(lambda N, K: 2 * N**3 // 3 + 2 * N * N * K),
)


def _triangular_rule(node: Any, g: Any) -> tuple[Any, Any]:
    a, upper, unit = node.input(0), node.params["upper"], node.params["unit"]
    g_b = bind(TRIANGULAR, (_turned(a), g), upper=not upper, unit=unit)
    if not node.needs[0]:
        return None, g_b
    whole = -(g_b @ _turned(node.output(0)))
    beside = int(unit)
    return whole.triu(beside) if upper else whole.tril(-beside), g_b


#: as `SOLVE` for a triangular A, of which only that half is read, and with `unit` no diagonal
TRIANGULAR = Op(
    "linalg_solve_triangular",
    lambda a, b, upper, unit: contiguous(b.shape, b.dtype, b.device),
    Host(lapack.triangular),
    Gradient(_triangular_rule, inputs=(0,), outputs=(0,)),
    _cost(lambda N, K: N * N * K),
)


def _cholesky_solve_rule(node: Any, g: Any) -> tuple[Any, Any]:
    """As if the whole factor were read, which is what PyTorch gives."""
    factor, found = node.input(0), node.output(0)
    g_b = bind(CHOLESKY_SOLVE, (factor, g))
    if not node.needs[0]:
        return None, g_b
    half = g_b @ _turned(found)
    return -(half + _turned(half)) @ factor, g_b


#: the lower triangular L of A = L L^T, and B: the X of A X = B
CHOLESKY_SOLVE = Op(
    "cholesky_solve",
    lambda factor, b: contiguous(b.shape, b.dtype, b.device),
    Host(lapack.cholesky_solve),
    Gradient(_cholesky_solve_rule, inputs=(0,), outputs=(0,)),
    _cost(lambda N, K: 2 * N * N * K),
)


def solved(a: Any, b: Any, upper: bool, unit: bool = False) -> Any:
    """The X of A X = B for a triangular A."""
    return bind(TRIANGULAR, (a, b), upper=upper, unit=unit)


def _determinant_rule(node: Any, g: Any) -> Any:
    """det(A) A^-T; where A is singular the cofactors by singular values, without a derivative of their own."""
    a, found = node.input(0), node.output(0)
    scale = (g * found).unsqueeze(-1).unsqueeze(-1)
    eye = late.functions.eye(a.layout.shape[-1], dtype=a.layout.dtype, device=a.layout.device)
    readable = found.batch is None and STATE.recorder is None and a.layout.device is not META
    if not (readable and (found.detach() == 0).any()):
        return _turned(bind(SOLVE, (a, eye.expand(a.layout.shape)))[0]) * scale
    from curta.ops.factorization import SVD

    u, s, vh = bind(SVD, (a.detach(),), full=False)
    signs = bind(DETERMINANT, (u @ vh,))
    # the product of all singular values but one
    others = late.functions.where(eye > 0, 1, s.unsqueeze(-2)).prod(-1)
    cofactors = (u * others.unsqueeze(-2)) @ vh * signs.unsqueeze(-1).unsqueeze(-1)
    return cofactors * g.unsqueeze(-1).unsqueeze(-1)


#: of square matrices
DETERMINANT = Op(
    "linalg_det",
    lambda a: contiguous(a.shape[:-2], a.dtype, a.device),
    Host(lapack.determinant),
    Gradient(_determinant_rule, inputs=(0,), outputs=(0,)),
    _cost(lambda N, K: 2 * N**3 // 3),
)


def _infer_log(a: Layout) -> tuple[Layout, Layout]:
    made = contiguous(a.shape[:-2], a.dtype, a.device)
    return made, made


def _log_rule(node: Any, _: Any, g: Any) -> Any:
    """The sign has no slope."""
    a = node.input(0)
    eye = late.functions.eye(a.layout.shape[-1], dtype=a.layout.dtype, device=a.layout.device)
    inverse = bind(SOLVE, (a, eye.expand(a.layout.shape)))[0]
    return _turned(inverse) * g.unsqueeze(-1).unsqueeze(-1)


#: the sign of the determinant, and the logarithm of its size
LOG_DETERMINANT = Op(
    "linalg_slogdet",
    _infer_log,
    Host(lapack.log_determinant),
    Gradient(_log_rule, inputs=(0,)),
    _cost(lambda N, K: 2 * N**3 // 3),
)


def _infer_pseudo(a: Layout, absolute: Layout, relative: Layout, hermitian: bool) -> Layout:
    *batch, M, N = a.shape
    return contiguous((*batch, N, M), a.dtype, a.device)


def _pseudo_rule(node: Any, g: Any) -> tuple[Any, None, None]:
    """Golub and Pereyra, "The differentiation of pseudo-inverses", 1973."""
    a, p = node.input(0), node.output(0)
    g, p_turned = _turned(g), _turned(p)
    *_, M, N = a.layout.shape
    if M <= N:
        k = g @ p
        k_turned = k @ p_turned
        return -_turned(p @ k) + k_turned - (a @ p) @ k_turned + (p_turned @ p) @ (g - k @ a), None, None
    k = p @ g
    turned_k = p_turned @ k
    return -_turned(k @ p) + (g - a @ k) @ p @ p_turned + turned_k - (turned_k @ p) @ a, None, None


#: A [M, N], and for each matrix the absolute and the relative limit up to which singular values count as zeros
PSEUDO_INVERSE = Op(
    "linalg_pinv",
    _infer_pseudo,
    Host(lapack.pseudo_inverse),
    Gradient(_pseudo_rule, inputs=(0,), outputs=(0,)),
    lambda inputs, outputs, hermitian: Cost(
        prod(inputs[0].shape[:-2])
        * (
            4 * max(inputs[0].shape[-2:]) * min(inputs[0].shape[-2:]) ** 2
            + 22 * min(inputs[0].shape[-2:]) ** 3
            + 2 * prod(inputs[0].shape[-2:]) * min(inputs[0].shape[-2:])
        ),
        0,
        bytes_read(inputs),
        outputs[0].nbytes,
    ),
)


def _exponential_rule(node: Any, g: Any) -> Any:
    """The exponential of a block matrix has the derivative in its corner (Van Loan, 1978)."""
    a = _turned(node.input(0))
    zeros = late.functions.zeros_like(a)
    rows = [late.functions.cat([a, g], -1), late.functions.cat([zeros, a], -1)]
    count = a.layout.shape[-1]
    whole = bind(EXPONENTIAL, (late.functions.cat(rows, -2),))
    return whole.narrow(-2, 0, count).narrow(-1, count, count)


#: the matrix exponential
EXPONENTIAL = Op(
    "linalg_matrix_exp",
    lambda a: contiguous(a.shape, a.dtype, a.device),
    Host(lapack.exponential),
    Gradient(_exponential_rule, inputs=(0,)),
    _cost(lambda N, K: 2 * N**3 * 6 + 2 * N**3 // 3 + 2 * N**3),
)
