"""Averaged stochastic gradient descent: decaying steps, and the average of the parameters on the way."""

from __future__ import annotations

from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero
from curta.optim.update import UpdatePlan, directed, flags_of
from curta.tensor import Tensor


def asgd_update(
    parameter: Tensor,
    gradient: Tensor,
    average: Tensor,
    step_size: float,
    weight_decay: float,
    shrink: float,
    average_weight: float,
    *,
    decay: bool,
    maximize: bool,
    averaging: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, average); `shrink` is 1 - lambd * step_size. Unless `averaging`, the average is the parameter."""
    gradient = directed(gradient, parameter, weight_decay, decay=decay, maximize=maximize)
    parameter = shrink * parameter - step_size * gradient
    return parameter, average + average_weight * (parameter - average) if averaging else parameter.clone()


class ASGD(Optimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky 1992); arguments and trajectory are PyTorch's.

    The average is `optimizer.state[parameter]["ax"]`. `foreach`, `capturable` and `differentiable` raise
    UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = ASGD([weight], lr=0.25, lambd=0.0)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist(), optimizer.state[weight]["ax"].tolist()
    ([0.5, -1.0], [0.5, -1.0])
    """

    number_names = ("step", "eta", "mu")

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is; it also says the step size of the one after."""
        lr, lambd = group["lr"], group["lambd"]
        step = state.get("step", 0) + 1
        eta, mu = state.get("eta", float(lr)), state.get("mu", 1.0)
        counts = {
            "step": step,
            "eta": lr / (1 + lambd * lr * step) ** group["alpha"],
            "mu": 1 / max(1, step - group["t0"]),
        }
        scalars = (eta, group["weight_decay"], 1 - lambd * eta, mu)
        return UpdatePlan(asgd_update, ("ax",), scalars, {**flags_of(group), "averaging": mu != 1}, counts)
