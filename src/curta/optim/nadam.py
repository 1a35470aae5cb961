"""NAdam: Adam with Nesterov's look ahead, and a momentum that grows from step to step."""

from __future__ import annotations

import math

from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero, check_betas
from curta.optim.update import UpdatePlan, decay_flags, decayed
from curta.tensor import Tensor


def nadam_update(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    gradient_size: float,
    moment_size: float,
    first_weight: float,
    second_decay: float,
    second_weight: float,
    eps: float,
    decay: float,
    *,
    coupled: bool,
    decoupled: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, first moment, second moment); the step is a sum of the gradient's part and the moment's.

    With momentum mu at this step, mu' at the next and the product P of all so far, `gradient_size` is
    lr c (1 - mu) / (1 - P) and `moment_size` lr c mu' / (1 - P mu'); c and the other scalars are as in `adam_update`.
    """
    parameter, gradient = decayed(parameter, gradient, decay, coupled=coupled, decoupled=decoupled, maximize=maximize)
    first_moment = first_moment + first_weight * (gradient - first_moment)
    second_moment = second_decay * second_moment + second_weight * gradient * gradient
    spread = second_moment.sqrt() + eps
    parameter = parameter - (gradient_size * gradient + moment_size * first_moment) / spread
    return parameter, first_moment, second_moment


class NAdam(Optimizer):
    """NAdam (Dozat 2016); arguments and trajectory are PyTorch's.

    `foreach`, `capturable` and `differentiable` raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = NAdam([weight], lr=0.5, betas=(0.0, 0.9))
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 6) for value in weight.tolist()]
    [0.5, -1.5]
    """

    number_names = ("step", "mu_product")

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        step, lr = state.get("step", 0) + 1, group["lr"]
        beta1, beta2 = group["betas"]
        now, following = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        product = state.get("mu_product", 1.0) * now
        flags, decay = decay_flags(group)
        root = math.sqrt(1 - beta2**step)
        scalars = (
            lr * root * (1 - now) / (1 - product),
            lr * root * following / (1 - product * following),
            1 - beta1,
            beta2,
            1 - beta2,
            group["eps"] * root,
            decay,
        )
        counts = {"step": step, "mu_product": product}
        return UpdatePlan(nadam_update, ("exp_avg", "exp_avg_sq"), scalars, flags, counts)
