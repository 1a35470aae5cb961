"""Adagrad: each element's step shrinks with the sum of its squared gradients."""

from __future__ import annotations

import math

from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero
from curta.optim.update import UpdatePlan, directed, flags_of, new_state
from curta.tensor import Tensor

#: the least number that float32 holds in full
_LEAST_EPS = 2.0**-126


def adagrad_update(
    parameter: Tensor,
    gradient: Tensor,
    square_sum: Tensor,
    step_size: float,
    weight_decay: float,
    eps: float,
    *,
    decay: bool,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, sum of squared gradients); `step_size` is the learning rate after its decay."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    square_sum = square_sum + gradient * gradient
    return parameter - step_size * gradient / (square_sum.sqrt() + eps), square_sum


class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011); arguments and trajectory are PyTorch's.

    `fused` is accepted and changes nothing: the update is always one fused kernel. `foreach` and `differentiable`
    raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adagrad([weight], lr=0.5)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.5, -1.5]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero(
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        """Let the optimizer also update `param_group["params"]`; their sums start here, as PyTorch's do."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for parameter in group["params"]:
            self.state[parameter] = {"step": 0, "sum": new_state(parameter, group["initial_accumulator_value"])}

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        step_size = group["lr"] / (1 + state["step"] * group["lr_decay"])
        scalars, flags = (step_size, group["weight_decay"], group["eps"]), flags_of(group)
        # a step of 0 / 0 is no number, and that of an infinite rate is none either
        still = not any(flags.values()) and group["eps"] >= _LEAST_EPS and math.isfinite(step_size)
        return UpdatePlan(adagrad_update, ("sum",), scalars, flags, {"step": state["step"] + 1}, still=still)
