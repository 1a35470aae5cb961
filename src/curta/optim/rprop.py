"""Rprop: each element's step grows while its gradient keeps its sign and shrinks when it turns; its size is ignored."""

from __future__ import annotations

from curta.errors import ArgumentError
from curta.functions.choice import where
from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero
from curta.optim.update import UpdatePlan
from curta.tensor import Tensor


def rprop_update(
    parameter: Tensor,
    gradient: Tensor,
    previous: Tensor,
    step_size: Tensor,
    shrink: float,
    grow: float,
    smallest: float,
    largest: float,
    *,
    maximize: bool,
) -> tuple[Tensor, ...]:
    """New (parameter, gradient to compare the next one with, step size of each element)."""
    gradient = -gradient if maximize else gradient
    agreement = gradient * previous
    turned = agreement < 0
    # an agreement that is nan makes the step size nan, as PyTorch's
    step_size = where(agreement > 0, step_size * grow, where(turned, step_size * shrink, step_size + agreement * 0))
    step_size = step_size.clamp(smallest, largest)
    gradient = where(turned, 0.0, gradient)
    return parameter - gradient.sign() * step_size, gradient, step_size


class Rprop(Optimizer):
    """Rprop (Riedmiller and Braun 1993), for whole-batch gradients; arguments and trajectory are PyTorch's.

    `foreach`, `capturable` and `differentiable` raise UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Rprop([weight], lr=0.5)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.5, -1.5]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ArgumentError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is; the first step's size is the learning rate."""
        counts, starts = {"step": state.get("step", 0) + 1}, {"step_size": float(group["lr"])}
        scalars = (*group["etas"], *group["step_sizes"])
        flags = {"maximize": group["maximize"]}
        return UpdatePlan(rprop_update, ("prev", "step_size"), scalars, flags, counts, starts)
