"""RMSprop: each element's step is divided by a running root mean square of its gradients."""

from __future__ import annotations

from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero
from curta.optim.update import Update, UpdatePlan, directed, flags_of
from curta.tensor import Tensor


def rmsprop_update(
    parameter: Tensor,
    gradient: Tensor,
    square_average: Tensor,
    lr: float,
    weight_decay: float,
    alpha: float,
    new_weight: float,
    eps: float,
    *,
    decay: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, average of squared gradients); `new_weight` is 1 - alpha."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    square_average = alpha * square_average + new_weight * gradient * gradient
    return parameter - lr * gradient / (square_average.sqrt() + eps), square_average


def rmsprop_momentum_update(
    parameter: Tensor,
    gradient: Tensor,
    square_average: Tensor,
    buffer: Tensor,
    lr: float,
    weight_decay: float,
    alpha: float,
    new_weight: float,
    eps: float,
    momentum: float,
    *,
    decay: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, average of squared gradients, momentum buffer)."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    square_average = alpha * square_average + new_weight * gradient * gradient
    buffer = momentum * buffer + gradient / (square_average.sqrt() + eps)
    return parameter - lr * buffer, square_average, buffer


def rmsprop_centered_update(
    parameter: Tensor,
    gradient: Tensor,
    square_average: Tensor,
    average: Tensor,
    lr: float,
    weight_decay: float,
    alpha: float,
    new_weight: float,
    eps: float,
    *,
    decay: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, average of squared gradients, average of gradients): divides by the standard deviation."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    square_average = alpha * square_average + new_weight * gradient * gradient
    average = average + new_weight * (gradient - average)
    spread = (square_average - average * average).sqrt() + eps
    return parameter - lr * gradient / spread, square_average, average


def rmsprop_centered_momentum_update(
    parameter: Tensor,
    gradient: Tensor,
    square_average: Tensor,
    average: Tensor,
    buffer: Tensor,
    lr: float,
    weight_decay: float,
    alpha: float,
    new_weight: float,
    eps: float,
    momentum: float,
    *,
    decay: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, average of squared gradients, average of gradients, momentum buffer)."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    square_average = alpha * square_average + new_weight * gradient * gradient
    average = average + new_weight * (gradient - average)
    spread = (square_average - average * average).sqrt() + eps
    buffer = momentum * buffer + gradient / spread
    return parameter - lr * buffer, square_average, average, buffer


# (centered, with momentum) -> the update and the names of its state after "square_avg"
_VARIANTS: dict[tuple[bool, bool], tuple[Update, tuple[str, ...]]] = {
    (False, False): (rmsprop_update, ()),
    (False, True): (rmsprop_momentum_update, ("momentum_buffer",)),
    (True, False): (rmsprop_centered_update, ("grad_avg",)),
    (True, True): (rmsprop_centered_momentum_update, ("grad_avg", "momentum_buffer")),
}


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012); arguments and trajectory are PyTorch's.

    `capturable`, `foreach` and `differentiable` raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RMSprop([weight], lr=0.5, alpha=0.0)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.5, -1.5]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        momentum, alpha, weight_decay = group["momentum"], group["alpha"], group["weight_decay"]
        function, extra = _VARIANTS[bool(group["centered"]), momentum > 0]
        scalars: tuple[float, ...] = (group["lr"], weight_decay, alpha, 1 - alpha, group["eps"])
        if momentum > 0:
            scalars = (*scalars, momentum)
        return UpdatePlan(
            function, ("square_avg", *extra), scalars, flags_of(group), {"step": state.get("step", 0) + 1}
        )
