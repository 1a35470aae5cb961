"""What a matrix is made of, by NumPy's LAPACK: operators over the last two dimensions, the others are a batch.

Costs are those of the textbook algorithms (Golub and Van Loan, "Matrix Computations", 4th edition: 4.2.3, 3.4, 5.2.2,
8.3.5, 8.6), in multiply-adds of 2 FLOPs, whatever the library really does. Gradients are those of the decomposition as
a function of the whole matrix; they need different eigenvalues and singular values.
"""

from __future__ import annotations

from math import prod
from typing import Any

from curta import dtypes
from curta.memory.layout import Layout, Shape, contiguous
from curta.methods import late
from curta.ops import lapack
from curta.ops.dispatch import bind
from curta.ops.inference import bytes_read
from curta.ops.record import NO_GRADIENT, Cost, Gradient, Host, Op
from curta.ops.solution import solved


def like(x: Layout, shape: Shape, dtype: Any = None) -> Layout:
    """A row-major tensor of a shape, in the format of another or in one of its own."""
    return contiguous(shape, dtype or x.dtype, x.device)


def costing(flops: Any) -> Any:
    """`flops(M, N)` for each matrix [M, N]; inputs are read once, results written once."""

    def cost(inputs: Any, outputs: Any, **params: Any) -> Cost:
        *batch, M, N = inputs[0].shape
        return Cost(flops(M, N) * prod(batch), 0, bytes_read(inputs), sum(one.nbytes for one in outputs))

    return cost


def _turned(x: Any) -> Any:
    return x.transpose(-2, -1)


# Cholesky


def _infer_cholesky(a: Layout) -> tuple[Layout, Layout]:
    return like(a, a.shape), like(a, a.shape[:-2], dtypes.int32)


def _cholesky_rule(node: Any, g: Any, _: Any) -> Any:
    """Murray, "Differentiation of the Cholesky decomposition", 2016: halves of a symmetric matrix."""
    lower = node.output(0)
    halves = (_turned(lower) @ g).tril()
    halves = halves - late.functions.diag_embed(halves.diagonal(0, -2, -1)) / 2
    first = solved(_turned(lower), halves, upper=True)
    whole = _turned(solved(_turned(lower), _turned(first), upper=True))
    return (whole + _turned(whole)) / 2


#: the lower factor, and 0 or the order of the leading minor that is not positive definite
CHOLESKY = Op(
    "linalg_cholesky",
    _infer_cholesky,
    Host(lapack.cholesky),
    Gradient(_cholesky_rule, outputs=(0,), constant_outputs=(1,)),
    costing(lambda M, N: N**3 // 3),
)

# LU


def _infer_lu(a: Layout) -> tuple[Layout, Layout, Layout]:
    *batch, M, N = a.shape
    pivots = like(a, (*batch, min(M, N)), dtypes.int32)
    return like(a, a.shape), pivots, like(a, tuple(batch), dtypes.int32)


def parts(compact: Any) -> tuple[Any, Any]:
    """The lower factor, with ones on its diagonal, and the upper one, of what `LU` gives."""
    *_, M, N = compact.layout.shape
    count = min(M, N)
    lower = compact.narrow(-1, 0, count).tril(-1)
    ones = late.functions.eye(M, count, dtype=compact.layout.dtype, device=compact.layout.device)
    return lower + ones, compact.narrow(-2, 0, count).triu()


def permuted(x: Any, pivots: Any, back: bool = False) -> Any:
    """Rows exchanged as the factorization did, or put back."""
    order = bind(ROW_ORDER, (pivots,), count=x.layout.shape[-2], back=back)
    return late.functions.take_along_dim(x, order.unsqueeze(-1), -2)


def _lu_rule(node: Any, g: Any, *_: Any) -> Any:
    """Through A = P L U: the square part by the halves of two products, what stands out of it by a division."""
    compact, pivots = node.output(0), node.output(1).detach()
    lower, upper = parts(compact)
    *_, M, N = compact.layout.shape
    count = min(M, N)
    g_lower, g_upper = g.narrow(-1, 0, count).tril(-1), g.narrow(-2, 0, count).triu()
    square_lower, square_upper = lower.narrow(-2, 0, count), upper.narrow(-1, 0, count)
    below = _turned(square_lower) @ g_lower.narrow(-2, 0, count)
    above = g_upper.narrow(-1, 0, count) @ _turned(square_upper)
    rest = []
    if N > M:
        g_right = g_upper.narrow(-1, count, N - M)
        below = below - g_right @ _turned(upper.narrow(-1, count, N - M))
        rest = [solved(_turned(square_lower), g_right, upper=True, unit=True)]
    if M > N:
        g_low = g_lower.narrow(-2, count, M - N)
        above = above - _turned(lower.narrow(-2, count, M - N)) @ g_low
        rest = [_divided(g_low, square_upper)]
    halves = below.tril(-1) + above.triu()
    inner = solved(_turned(square_lower), halves, upper=True, unit=True)
    whole = late.functions.cat([_divided(inner, square_upper), *rest], -1 if N > M else -2)
    return permuted(whole, pivots, back=True)


def _divided(x: Any, upper: Any) -> Any:
    """x U^-T."""
    return _turned(solved(upper, _turned(x), upper=True))


def _lu_flops(M: int, N: int) -> int:
    small, large = min(M, N), max(M, N)
    return small * small * large - small**3 // 3


#: L and U in one matrix, the rows that were exchanged (int32, from 1), and 0 or the number of a pivot that is zero
LU = Op(
    "linalg_lu_factor",
    _infer_lu,
    Host(lapack.lu),
    Gradient(_lu_rule, outputs=(0, 1), constant_outputs=(1, 2)),
    costing(_lu_flops),
)


def _infer_order(pivots: Layout, count: int, back: bool) -> Layout:
    return like(pivots, (*pivots.shape[:-1], count), dtypes.int64)


#: where the rows of a matrix come from after all exchanges; or with `back`, where they go
ROW_ORDER = Op(
    "row_order",
    _infer_order,
    Host(lapack.row_order),
    NO_GRADIENT,
    lambda inputs, outputs, **params: Cost(0, 0, bytes_read(inputs), outputs[0].nbytes),
)

# QR


def _infer_qr(a: Layout, complete: bool) -> tuple[Layout, Layout]:
    *batch, M, N = a.shape
    columns = M if complete else min(M, N)
    return like(a, (*batch, M, columns)), like(a, (*batch, columns, N))


def _qr_rule(node: Any, g_q: Any, g_r: Any) -> Any:
    """Walter and Lehmann, "Walter's method", for as many rows as columns or more; a wide matrix by its left part."""
    q, r = node.output(0), node.output(1)
    *_, M, N = node.input_layouts[0].shape
    if M >= N:
        return _square_qr(q, r, g_q, g_r)
    right = r.narrow(-1, M, N - M)
    g_right = g_r.narrow(-1, M, N - M)
    # the right part is Q times R's
    g_left = _square_qr(q, r.narrow(-1, 0, M), g_q + q @ right @ _turned(g_right), g_r.narrow(-1, 0, M))
    return late.functions.cat([g_left, q @ g_right], -1)


def _square_qr(q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    halves = g_r @ _turned(r) - _turned(q) @ g_q
    halves = halves.triu()
    mirrored = halves + _turned(halves) - late.functions.diag_embed(halves.diagonal(0, -2, -1))
    # the other half of g_r R^T follows from the symmetry that Q^T g_Q R keeps
    inner = g_q + q @ mirrored
    return _turned(solved(r, _turned(inner), upper=True))


#: an orthogonal matrix and an upper triangular one; `complete` gives a square first one
QR = Op(
    "linalg_qr",
    _infer_qr,
    Host(lapack.qr),
    Gradient(_qr_rule, outputs=(0, 1)),
    costing(lambda M, N: 2 * _lu_flops(M, N) * 2),
)


def _infer_raw(a: Layout) -> tuple[Layout, Layout]:
    *batch, M, N = a.shape
    return like(a, a.shape), like(a, (*batch, min(M, N)))


#: R above and Householder vectors below the diagonal, and the factors of these
GEQRF = Op("geqrf", _infer_raw, Host(lapack.geqrf), NO_GRADIENT, costing(lambda M, N: 2 * _lu_flops(M, N)))

# eigenvalues


def _infer_eigh(a: Layout, upper: bool) -> tuple[Layout, Layout]:
    return like(a, a.shape[:-1]), like(a, a.shape)


def _eigh_rule(node: Any, g_values: Any, g_vectors: Any) -> Any:
    """Giles, "Collected matrix derivative results", 2008, 3.1."""
    values, vectors = node.output(0), node.output(1)
    differences = values.unsqueeze(-2) - values.unsqueeze(-1)
    diagonal = late.functions.eye(values.layout.shape[-1], dtype=values.layout.dtype, device=values.layout.device)
    turning = _over(_turned(vectors) @ g_vectors, differences + diagonal) * (1 - diagonal)
    inner = turning + late.functions.diag_embed(g_values)
    return vectors @ ((inner + _turned(inner)) / 2) @ _turned(vectors)  # a symmetric matrix has symmetric slopes


def _over(x: Any, gaps: Any) -> Any:
    """x / gaps, but 0 / 0 is 0: where nothing turns there is nothing to divide by a gap that may be closed."""
    nothing = (x == 0).logical_and(gaps == 0)
    return x / late.functions.where(nothing, 1, gaps)


#: of a symmetric matrix, of which the lower or the `upper` half is read: eigenvalues, rising, and vectors in columns
EIGH = Op(
    "linalg_eigh",
    _infer_eigh,
    Host(lapack.eigh),
    Gradient(_eigh_rule, outputs=(0, 1)),
    costing(lambda M, N: 9 * N**3),
)


def _infer_svd(a: Layout, full: bool) -> tuple[Layout, Layout, Layout]:
    *batch, M, N = a.shape
    K = min(M, N)
    return (
        like(a, (*batch, M, M if full else K)),
        like(a, (*batch, K)),
        like(a, (*batch, N if full else K, N)),
    )


def _svd_rule(node: Any, g_u: Any, g_s: Any, g_vh: Any) -> Any:
    """Townsend, "Differentiating the singular value decomposition", 2016; of full matrices the first columns count."""
    K = node.output_layouts[1].shape[-1]
    u, s, vh = node.output(0).narrow(-1, 0, K), node.output(1), node.output(2).narrow(-2, 0, K)
    g_u, g_vh = g_u.narrow(-1, 0, K), g_vh.narrow(-2, 0, K)
    squares = s * s
    diagonal = late.functions.eye(K, dtype=s.layout.dtype, device=s.layout.device)
    gaps = squares.unsqueeze(-2) - squares.unsqueeze(-1) + diagonal

    left, right = (_over(x - _turned(x), gaps) for x in (_turned(u) @ g_u, vh @ _turned(g_vh)))
    inner = left * s.unsqueeze(-2) + s.unsqueeze(-1) * right + late.functions.diag_embed(g_s)
    found = u @ inner @ vh
    *_, M, N = node.input_layouts[0].shape
    if M > K:
        beside = g_u - u @ (_turned(u) @ g_u)
        found = found + _over(beside, s.unsqueeze(-2)) @ vh
    if N > K:
        beside = g_vh - (g_vh @ _turned(vh)) @ vh
        found = found + u @ _over(beside, s.unsqueeze(-1))
    return found


#: left vectors in columns, singular values, falling, and right vectors in rows; `full` gives square ones
SVD = Op(
    "linalg_svd",
    _infer_svd,
    Host(lapack.svd),
    Gradient(_svd_rule, outputs=(0, 1, 2)),
    costing(lambda M, N: 4 * max(M, N) * min(M, N) ** 2 + 22 * min(M, N) ** 3),
)
