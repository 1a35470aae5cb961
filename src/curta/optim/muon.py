"""Muon: momentum whose matrix is made orthogonal, all its singular values about one, before it is a step."""

from __future__ import annotations

from typing import Any

from curta.autograd import no_grad
from curta.dtypes import bfloat16
from curta.errors import ArgumentError
from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least
from curta.optim.update import UpdatePlan, stage, staged
from curta.tensor import Tensor


def muon_momentum(buffer: Tensor, gradient: Tensor, weight: float) -> Tensor:
    """The running average of gradients, with the new one at `weight`, which is 1 - momentum."""
    return buffer + weight * (gradient - buffer)


def muon_direction(gradient: Tensor, buffer: Tensor, momentum: float, eps: float, *, nesterov: bool) -> Tensor:
    """The matrix to be made orthogonal, in bfloat16, divided by its norm."""
    direction = gradient + momentum * (buffer - gradient) if nesterov else buffer
    direction = direction.to(bfloat16)
    return direction / (direction * direction).sum().sqrt().clamp(eps)


def muon_sum(first: Tensor, second: Tensor, *, a: float, b: float) -> Tensor:
    """A weighted sum of two matrices."""
    return a * first + b * second


def muon_step(parameter: Tensor, direction: Tensor, lr: float, shrink: float) -> Tensor:
    """The new parameter."""
    return shrink * parameter - lr * direction


@staged
def muon_update(
    parameter: Tensor,
    gradient: Tensor,
    buffer: Tensor,
    lr: float,
    shrink: float,
    momentum: float,
    weight: float,
    eps: float,
    *,
    nesterov: bool,
    coefficients: tuple[float, float, float],
    steps: int,
) -> None:
    """Change a matrix and its momentum: with products between them, a kernel before, a few each step, one after."""
    stage(muon_momentum, (buffer, gradient, weight), into=(buffer,))
    matrix = stage(muon_direction, (gradient, buffer, momentum, eps), nesterov=nesterov)
    tall = matrix.shape[0] > matrix.shape[1]
    direction = _orthogonal(matrix.T if tall else matrix, coefficients, steps)
    stage(muon_step, (parameter, direction.T if tall else direction, lr, shrink), into=(parameter,))


def _orthogonal(x: Tensor, coefficients: tuple[float, float, float], steps: int) -> Tensor:
    """Newton and Schulz's iteration: a x + b (x x') x + c (x x')^2 x, which drives the singular values to one."""
    a, b, c = coefficients
    with no_grad():
        for _ in range(steps):
            gram = x @ x.T
            polynomial = stage(muon_sum, (gram, gram @ gram), a=b, b=c)
            x = stage(muon_sum, (x, polynomial @ x), a=a, b=1.0)
    return x


class Muon(Optimizer):
    """Muon (Jordan et al. 2024) for the matrices of hidden layers; arguments and trajectory are PyTorch's.

    The iteration runs in bfloat16. `adjust_lr_fn` "original" (or None) takes the rate times the root of rows over
    columns, if more than 1; "match_rms_adamw" times 0.2 and the root of the larger of both. ArgumentError for
    parameters that are not matrices.

    >>> import curta
    >>> weight = curta.nn.Parameter(curta.eye(2))
    >>> optimizer = Muon([weight], lr=0.1, weight_decay=0.0)
    >>> (weight * curta.tensor([[0.0, 3.0], [3.0, 0.0]])).sum().backward()
    >>> optimizer.step()
    >>> [[round(value, 1) for value in row] for row in weight.tolist()]
    [[1.0, -0.1], [-0.1, 1.0]]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_at_least("Learning rate", lr)
        check_at_least("momentum", momentum)
        check_at_least("weight decay", weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ArgumentError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        """Let the optimizer also update the matrices of `param_group["params"]`."""
        super().add_param_group(param_group)
        for parameter in self.param_groups[-1]["params"]:
            if len(parameter.layout.shape) != 2:
                self.param_groups.pop()
                raise ArgumentError(
                    f"Muon only supports 2D parameters whereas we found a parameter with size: {parameter.shape}"
                )

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        if group["ns_steps"] >= 100:
            raise ArgumentError("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise ArgumentError("Coefficients must be a tuple of exactly 3 values")
        lr, momentum = group["lr"], group["momentum"]
        rows, columns = parameter.layout.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            factor = 0.2 * max(rows, columns) ** 0.5
        else:
            factor = max(1, rows / max(columns, 1)) ** 0.5
        scalars = (lr * factor, 1 - lr * group["weight_decay"], momentum, 1 - momentum, group["eps"])
        flags: dict[str, Any] = {
            "nesterov": group["nesterov"],
            "coefficients": tuple(group["ns_coefficients"]),
            "steps": group["ns_steps"],
        }
        return UpdatePlan(muon_update, ("momentum_buffer",), scalars, flags)
