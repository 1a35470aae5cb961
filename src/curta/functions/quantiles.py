"""Quantiles under PyTorch's names."""

from __future__ import annotations

from curta import dtypes, host
from curta.autograd.state import STATE
from curta.errors import DTypeError, ShapeError
from curta.functions.creation import full
from curta.functions.operands import refuse, tensor
from curta.functions.sorting import ordered, picked
from curta.shapes import normalize_dim
from curta.tensor import Tensor

_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """What a share `q` of the elements along `dim` (of all by default) lies below; NaN if there is one.

    Several shares make a first dimension. Between two elements the `interpolation` decides: linear, lower, higher,
    midpoint or nearest. For float32 and float64.

    >>> import curta
    >>> curta.quantile(curta.tensor([1.0, 2.0, 3.0]), curta.tensor([0.5, 0.75]))
    tensor([2.0000, 2.5000])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out)


def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there is no other.

    >>> import curta
    >>> curta.nanquantile(curta.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out)


def _quantile(
    name: str, input: Tensor, q: float | Tensor, dim: int | None, keepdim: bool, interpolation: str, out: object
) -> Tensor:
    refuse(name, out=out)
    x = tensor(name, input)
    layout = x.layout
    shares = _shares(name, x, q)
    if interpolation not in _WAYS:
        raise ShapeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    place = None if dim is None else normalize_dim(dim, layout.rank)
    last = x.reshape(-1) if place is None or not layout.rank else x.movedim(place, -1)
    order = ordered(last, last.layout.rank - 1).values
    found = _between(order, _ranks(name, order, shares.reshape(-1)), interpolation)
    made = found.movedim(-1, 0)
    if keepdim and layout.rank:
        made = made.reshape((-1,) + (1,) * layout.rank) if place is None else made.unsqueeze(place + 1)
    return made if isinstance(q, Tensor) and shares.layout.rank else made.squeeze(0)


def _shares(name: str, x: Tensor, q: float | Tensor) -> Tensor:
    """`q` as a tensor of x's format, after the checks that PyTorch makes."""
    dtype = x.layout.dtype
    if not x.layout.numel:
        raise ShapeError(f"{name}() input tensor must be non-empty")
    if isinstance(q, Tensor) and q.layout.rank > 1:
        raise ShapeError(f"{name}() q must be a scalar or 1D tensor")
    if dtype not in (dtypes.float32, dtypes.float64):
        raise DTypeError(f"{name}() input tensor must be either float or double dtype")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise ShapeError(f"{name}() q must be in the range [0, 1] but got {q}")
        return full((), float(q), dtype=dtype, device=x.layout.device)
    if q.layout.dtype is not dtype:
        raise DTypeError(f"{name}() q tensor must be same dtype as the input tensor")
    if STATE.recorder is None and host.has_values(q):
        values = host.array(q.detach())
        if not ((values >= 0) & (values <= 1)).all():
            raise ShapeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _ranks(name: str, order: Tensor, shares: Tensor) -> Tensor:
    """How far into each row of sorted elements every share lies: [..., shares]; of a row with NaN, at its end."""
    last = order.layout.shape[-1] - 1
    plain = order.detach()
    if name == "quantile":
        ranks = (shares * last).clamp(0, last)
        return ranks.where(plain.narrow(-1, last, 1).isnan().logical_not(), float(last))
    numbers = (plain == plain).sum(-1, keepdim=True)
    return (shares * (numbers - 1)).clamp(0, last)


def _between(order: Tensor, ranks: Tensor, interpolation: str) -> Tensor:
    dim = order.layout.rank - 1
    rounded = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}.get(interpolation)
    if rounded is not None:
        return picked(order, dim, rounded().long())
    below = ranks.floor().detach()
    low, high = picked(order, dim, below.long()), picked(order, dim, ranks.ceil().long())
    return low.lerp(high, 0.5 if interpolation == "midpoint" else ranks - below)
