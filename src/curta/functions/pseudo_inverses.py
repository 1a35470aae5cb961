"""What singular values tell of matrices: pseudo-inverses, ranks, conditions, least squares; PyTorch's names."""

from __future__ import annotations

from typing import Any

from curta import dtypes
from curta.errors import DTypeError, ShapeError
from curta.functions.creation import full
from curta.functions.factoring import eigh, svdvals
from curta.functions.matrices import batched, into, matrices
from curta.functions.operands import tensor
from curta.functions.solving import inv_ex
from curta.number_formats import finfo
from curta.ops.dispatch import bind
from curta.ops.solution import PSEUDO_INVERSE
from curta.return_types import Named, named
from curta.tensor import Tensor


def _limits(x: Tensor, atol: Any, rtol: Any) -> tuple[Tensor, Tensor]:
    """The absolute and the relative limit for each matrix, as PyTorch takes them where they are not given."""
    batch, dtype, device = x.layout.shape[:-2], x.layout.dtype, x.layout.device

    def whole(value: Any) -> Tensor:
        if isinstance(value, Tensor):
            return value.detach().to(dtype).expand(batch)
        return full(batch, float(value), dtype=dtype, device=device)

    absolute = whole(0.0 if atol is None else atol)
    default = finfo(dtype).eps * max(x.layout.shape[-2:])
    if rtol is not None:
        return absolute, whole(rtol)
    relative = whole(default)
    return absolute, relative if atol is None else relative.where(absolute <= 0, 0.0)


def pinv(
    input: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The pseudo-inverse: singular values up to max(atol, rtol times the largest) count as zeros.

    >>> import curta
    >>> pinv(curta.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    x = matrices("linalg.pinv", input, square=hermitian)
    absolute, relative = _limits(x, atol, rcond if rtol is None else rtol)
    made: Tensor = into("pinv", out, bind(PSEUDO_INVERSE, (x, absolute, relative), hermitian=bool(hermitian)), (x,))
    return made


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` under its older name."""
    return pinv(input, rcond)


def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """How many singular values are above max(atol, rtol times the largest); `tol` is an older name of `atol`.

    >>> import curta
    >>> matrix_rank(curta.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    x = matrices("linalg.matrix_rank", A, square=hermitian).detach()
    if tol is not None:
        atol, rtol = tol, 0.0
    if not x.layout.numel:
        made: Tensor = full(x.layout.shape[:-2], 0, dtype=dtypes.int64, device=x.layout.device)
    else:
        absolute, relative = _limits(x, atol, rtol)
        sizes = eigh(x).eigenvalues.abs() if hermitian else svdvals(x)
        limit = absolute.maximum(relative * sizes.amax(-1))
        made = (sizes > limit.unsqueeze(-1)).sum(-1)
    result: Tensor = into("matrix_rank", out, made, (A,))
    return result


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Named:
    """The X with the least |A X - B|, the shortest of them; by the pseudo-inverse, whatever `driver` is named.

    `residuals` are there where A has more rows than columns and full rank, `singular_values` with drivers "gelsd" and
    "gelss", the rank with all but "gels".

    >>> import curta
    >>> lstsq(curta.tensor([[2.0], [0.0]]), curta.tensor([[4.0], [1.0]])).solution
    tensor([[2.]])
    """
    a, b = matrices("torch.linalg.lstsq", A, argument="input"), tensor("torch.linalg.lstsq", B, "other")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise ShapeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got {driver}"
        )
    if b.layout.rank < 1:
        raise ShapeError("torch.linalg.lstsq: other must have at least 1 dimension.")
    if a.layout.dtype is not b.layout.dtype:
        raise DTypeError("torch.linalg.lstsq: Expected input and other to have the same dtype")
    if not 0 <= a.layout.rank - b.layout.rank <= 1:
        raise ShapeError(
            "torch.linalg.lstsq: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) "
            "<= 1"
        )
    vector = a.layout.rank - 1 == b.layout.rank and a.layout.shape[:-1] == b.layout.shape
    right = b.unsqueeze(-1) if vector else b
    if right.layout.rank < 2 or right.layout.shape[-2] != a.layout.shape[-2]:
        raise ShapeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    a, right = batched(a, right)
    M, N = a.layout.shape[-2:]
    limit = rcond if rcond is not None and driver != "gels" else finfo(a.layout.dtype).eps * max(M, N)
    found = pinv(a, rtol=limit) @ right
    nothing = found.reshape(-1)[:0]  # has a history, as all of PyTorch's results have
    rank = nothing.detach().long() if driver == "gels" else matrix_rank(a, rtol=limit)
    sizes = svdvals(a) if driver in ("gelsd", "gelss") else nothing
    residuals = nothing
    if (
        M > N
        and (driver == "gels" or not rank.layout.numel or bool((rank == N).all()))
        and driver != "gelsy"
        and driver
    ):
        residuals = (a @ found - right).square().sum(-2)
    return named("linalg_lstsq", (found.squeeze(-1) if vector else found, residuals, rank, sizes))


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number: the norm of A times that of its inverse; for p None or 2 by singular values.

    >>> import curta
    >>> cond(curta.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    from curta.linalg.norms import matrix_norm

    x = matrices("linalg.cond", A, square=p not in (None, 2, -2))
    if p in (None, 2, -2):
        sizes = svdvals(x)
        largest, smallest = (
            sizes.narrow(-1, 0, 1).squeeze(-1),
            sizes.narrow(-1, sizes.layout.shape[-1] - 1, 1).squeeze(-1),
        )
        found = smallest / largest if p == -2 else largest / smallest
    else:
        if isinstance(p, str) and p not in ("fro", "nuc"):
            raise ShapeError(f"linalg.cond got an invalid norm type: {p}")
        inverted, info = inv_ex(x)
        found = matrix_norm(x, p) * matrix_norm(inverted, p)
        found = found.where(info == 0, float("inf"))
    made: Tensor = into("cond", out, found, (x,))
    return made
