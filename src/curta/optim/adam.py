"""Adam: steps scaled by running averages of the gradient and of its square, both corrected for starting at zero."""

from __future__ import annotations

import math

from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero, check_betas
from curta.optim.update import UpdatePlan, decay_flags, decayed
from curta.tensor import Tensor


def adam_update(
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
) -> tuple[Tensor, ...]:
    """New (parameter, first moment, second moment), all of the parameter's shape and dtype.

    With c the root of 1 - beta2^t, `step_size` is lr c / (1 - beta1^t) and `eps` is multiplied by c, so that the second
    moment's root need not be divided by it (the remark in section 2 of the paper); `first_weight` is 1 - beta1,
    `second_decay` beta2 and `second_weight` 1 - beta2. `decay` is the weight decay if `coupled`, 1 - lr * weight decay
    if `decoupled`. All of these are worked out in float64 before: 1 - 0.999 in float32 has but four good digits.
    """
    parameter, gradient = decayed(parameter, gradient, decay, coupled=coupled, decoupled=decoupled, maximize=maximize)
    first_moment = first_moment + first_weight * (gradient - first_moment)
    second_moment = second_decay * second_moment + second_weight * gradient * gradient
    spread = second_moment.sqrt() + eps
    return parameter - step_size * first_moment / spread, first_moment, second_moment


def amsgrad_update(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    largest_moment: Tensor,
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
) -> tuple[Tensor, ...]:
    """`adam_update` that divides by the largest second moment so far: a fourth result, and its state."""
    parameter, gradient = decayed(parameter, gradient, decay, coupled=coupled, decoupled=decoupled, maximize=maximize)
    first_moment = first_moment + first_weight * (gradient - first_moment)
    second_moment = second_decay * second_moment + second_weight * gradient * gradient
    largest_moment = largest_moment.maximum(second_moment)
    spread = largest_moment.sqrt() + eps
    return parameter - step_size * first_moment / spread, first_moment, second_moment, largest_moment


class Adam(Optimizer):
    """Adam (Kingma and Ba 2014); arguments and trajectory are PyTorch's.

    `fused` is accepted and changes nothing: the update is always one fused kernel. `foreach`, `capturable` and
    `differentiable` raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([weight], lr=0.5)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 6) for value in weight.tolist()]
    [0.5, -1.5]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")
        step = state.get("step", 0) + 1
        beta1, beta2 = group["betas"]
        flags, decay = decay_flags(group)
        root = math.sqrt(1 - beta2**step)
        scalars = (
            group["lr"] * root / (1 - beta1**step),
            1 - beta1,
            beta2,
            1 - beta2,
            group["eps"] * root,
            decay,
        )
        function = amsgrad_update if group["amsgrad"] else adam_update
        return UpdatePlan(function, names, scalars, flags, {"step": step})
