"""Adamax: Adam that divides by the largest recent gradient in place of a root mean square."""

from __future__ import annotations

from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero, check_betas
from curta.optim.update import UpdatePlan, directed, flags_of
from curta.tensor import Tensor


def adamax_update(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    largest: Tensor,
    step_size: float,
    weight_decay: float,
    first_weight: float,
    second_decay: float,
    eps: float,
    *,
    decay: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, first moment, decayed maximum); `step_size` is lr / (1 - beta1^t), `first_weight` 1 - beta1."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    first_moment = first_moment + first_weight * (gradient - first_moment)
    largest = (second_decay * largest).maximum(gradient.abs() + eps)
    return parameter - step_size * first_moment / largest, first_moment, largest


class Adamax(Optimizer):
    """Adamax (Kingma and Ba 2014); arguments and trajectory are PyTorch's.

    `foreach`, `capturable` and `differentiable` raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adamax([weight], lr=0.5)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 6) for value in weight.tolist()]
    [0.5, -1.5]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        step = state.get("step", 0) + 1
        beta1, beta2 = group["betas"]
        scalars = (group["lr"] / (1 - beta1**step), group["weight_decay"], 1 - beta1, beta2, group["eps"])
        return UpdatePlan(adamax_update, ("exp_avg", "exp_inf"), scalars, flags_of(group), {"step": step})
