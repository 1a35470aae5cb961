"""RAdam: Adam whose first steps, with too few squares behind them to divide by, are plain momentum."""

from __future__ import annotations

import math

from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero, check_betas
from curta.optim.update import UpdatePlan, decay_flags, decayed
from curta.tensor import Tensor


def radam_update(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    step_size: float,
    first_weight: float,
    second_decay: float,
    second_weight: float,
    eps: float,
    decay: float,
    *,
    coupled: bool,
    decoupled: bool,
    maximize: bool,
    rectified: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, first moment, second moment); divides by the second moment only if `rectified`.

    `step_size` is lr / (1 - beta1^t), times the rectification and the root of 1 - beta2^t if `rectified`; the other
    scalars are those of `adam_update`.
    """
    parameter, gradient = decayed(parameter, gradient, decay, coupled=coupled, decoupled=decoupled, maximize=maximize)
    first_moment = first_moment + first_weight * (gradient - first_moment)
    second_moment = second_decay * second_moment + second_weight * gradient * gradient
    move = step_size * first_moment
    if rectified:
        move = move / (second_moment.sqrt() + eps)
    return parameter - move, first_moment, second_moment


class RAdam(Optimizer):
    """RAdam (Liu et al. 2019); arguments and trajectory are PyTorch's.

    `foreach`, `capturable` and `differentiable` raise UnsupportedError when true. A compiled step is recorded a second
    time where the rectification begins, at the sixth step with the usual `betas`.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RAdam([weight], lr=0.25)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 6) for value in weight.tolist()]
    [0.5, -1.0]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        step = state.get("step", 0) + 1
        beta1, beta2 = group["betas"]
        # how many squares the running average stands for, in the end and by now
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * beta2**step / (1 - beta2**step)
        step_size, rectified = group["lr"] / (1 - beta1**step), length > 5
        if rectified:
            ratio = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            step_size *= math.sqrt(ratio) * math.sqrt(1 - beta2**step)
        flags, decay = decay_flags(group)
        scalars = (step_size, 1 - beta1, beta2, 1 - beta2, group["eps"], decay)
        flags["rectified"] = rectified
        return UpdatePlan(radam_update, ("exp_avg", "exp_avg_sq"), scalars, flags, {"step": step})
