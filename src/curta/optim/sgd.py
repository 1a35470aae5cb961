"""Stochastic gradient descent, with momentum when asked."""

from __future__ import annotations

import math

from curta.errors import ArgumentError
from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero
from curta.optim.update import UpdatePlan, directed, flags_of
from curta.tensor import Tensor


def sgd_update(
    parameter: Tensor, gradient: Tensor, lr: float, weight_decay: float, *, decay: bool, maximize: bool
) -> tuple[Tensor, ...]:
    """New (parameter,) of a step without momentum; all tensors have the parameter's shape and dtype."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    return (parameter - lr * gradient,)


def sgd_momentum_update(
    parameter: Tensor,
    gradient: Tensor,
    buffer: Tensor,
    lr: float,
    weight_decay: float,
    momentum: float,
    gradient_weight: float,
    *,
    decay: bool,
    nesterov: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, momentum buffer); `gradient_weight` is 1 - dampening, and 1 at the first step."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    buffer = momentum * buffer + gradient_weight * gradient
    direction = gradient + momentum * buffer if nesterov else buffer
    return parameter - lr * direction, buffer


class SGD(Optimizer):
    """Stochastic gradient descent; arguments and trajectory are PyTorch's.

    `fused` is accepted and changes nothing: the update is always one fused kernel. `foreach` and `differentiable`
    raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([weight], lr=0.5)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.0, 0.0]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        lr, weight_decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
        flags = flags_of(group)
        if momentum == 0:
            # uphill, the step of a gradient of 0 is -0, which makes 0 of -0; an infinite rate makes NaN of everything
            still = not any(flags.values()) and math.isfinite(lr)
            return UpdatePlan(sgd_update, (), (lr, weight_decay), flags, still=still)
        # The first step's buffer is the gradient itself: the same formula with a buffer of zeros, undampened.
        gradient_weight = 1 if state.get("momentum_buffer") is None else 1 - group["dampening"]
        scalars = (lr, weight_decay, momentum, gradient_weight)
        return UpdatePlan(sgd_momentum_update, ("momentum_buffer",), scalars, {**flags, "nesterov": group["nesterov"]})
