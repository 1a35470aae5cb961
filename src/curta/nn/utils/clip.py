"""Keeping gradients within bounds."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from curta.autograd import no_grad
from curta.errors import ShapeError, UnsupportedError
from curta.functions import creation, joining, reduction, statistics
from curta.tensor import Tensor


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    chosen = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [gradient for gradient in (parameter.grad for parameter in chosen) if gradient is not None]


def _check_foreach(name: str, foreach: bool | None) -> None:
    if foreach:
        raise UnsupportedError(f"{name}: the argument 'foreach' is not supported")


def get_total_norm(
    tensors: Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all the tensors' norms of order `norm_type` (any number, inf too), a scalar tensor.

    ShapeError (a RuntimeError) if it is not finite and `error_if_nonfinite`.
    """
    _check_foreach("get_total_norm", foreach)
    chosen = list(tensors)
    if not chosen:
        return creation.tensor(0.0)
    order = float(norm_type)
    with no_grad():
        if order == 2:
            parts = [_sum_of_squares(tensor) for tensor in chosen]
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            total = total.sqrt()
        else:
            sizes = [statistics.norm(tensor, order) for tensor in chosen]
            total = statistics.norm(joining.stack(sizes), order)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise ShapeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


def _sum_of_squares(tensor: Tensor) -> Tensor:
    return reduction.sum(tensor.square())


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their joint norm is at most `max_norm`; gives the norm before."""
    _check_foreach("clip_grad_norm_", foreach)
    gradients = _gradients(parameters)
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    _scale(gradients, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The older name of `clip_grad_norm_`, with a warning."""
    warnings.warn("`clip_grad_norm` is now deprecated in favor of `clip_grad_norm_`.", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients, in place, so that a joint norm of `total_norm` is at most `max_norm`.

    >>> import curta
    >>> weight = curta.nn.Parameter(curta.zeros(2))
    >>> weight.grad = curta.tensor([3.0, 4.0])
    >>> clip_grads_with_norm_(weight, 1.0, curta.tensor(10.0))
    >>> weight.grad
    tensor([0.3000, 0.4000])
    """
    _check_foreach("clip_grads_with_norm_", foreach)
    _scale(_gradients(parameters), max_norm, total_norm)


def _scale(gradients: list[Tensor], max_norm: float, total: Tensor) -> None:
    with no_grad():
        scale = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(scale)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every gradient, in place, to ±`clip_value`."""
    _check_foreach("clip_grad_value_", foreach)
    with no_grad():
        for gradient in _gradients(parameters):
            gradient.copy_(gradient.clamp(-float(clip_value), float(clip_value)))
