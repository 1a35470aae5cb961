"""Adadelta: each element's step is its gradient times the ratio of two running root mean squares."""

from __future__ import annotations

from curta.errors import ArgumentError
from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero
from curta.optim.update import UpdatePlan, directed, flags_of
from curta.tensor import Tensor


def adadelta_update(
    parameter: Tensor,
    gradient: Tensor,
    square_average: Tensor,
    step_average: Tensor,
    lr: float,
    weight_decay: float,
    rho: float,
    new_weight: float,
    eps: float,
    *,
    decay: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, average of squared gradients, average of squared steps); `new_weight` is 1 - rho."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    square_average = rho * square_average + new_weight * gradient * gradient
    move = (step_average + eps).sqrt() / (square_average + eps).sqrt() * gradient
    step_average = rho * step_average + new_weight * move * move
    return parameter - lr * move, square_average, step_average


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012); arguments and trajectory are PyTorch's.

    `foreach`, `capturable` and `differentiable` raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adadelta([weight], lr=0.5, rho=0.75, eps=4.0)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 6) for value in weight.tolist()]
    [0.105573, -0.585786]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
        if rho > 1:
            raise ArgumentError(f"Invalid rho value: {rho}")
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        rho = group["rho"]
        scalars = (group["lr"], group["weight_decay"], rho, 1 - rho, group["eps"])
        counts = {"step": state.get("step", 0) + 1}
        return UpdatePlan(adadelta_update, ("square_avg", "acc_delta"), scalars, flags_of(group), counts)
