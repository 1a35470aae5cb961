"""Muon: momentum whose matrix is made orthogonal, all its singular values about one, before it is a step."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from curta.dtypes import bfloat16
from curta.errors import ArgumentError
from curta.ops.matmul import MATMUL
from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least
from curta.optim.update import Stage, UpdatePlan, Waves, staged
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
    members: list[list[Tensor]],
    lr: float,
    shrink: float,
    momentum: float,
    weight: float,
    eps: float,
    *,
    nesterov: bool,
    coefficients: tuple[float, float, float],
    steps: int,
) -> Waves:
    """Change matrices of one shape and their momentum: a wave for either, five for each step, one for the matrices."""
    averages = [(buffer, gradient) for _, gradient, buffer in members]
    yield [Stage(muon_momentum, averages, (weight,), written=(0,))]
    directions = [(gradient, buffer) for _, gradient, buffer in members]
    (matrices,) = yield [Stage(muon_direction, directions, (momentum, eps), flags={"nesterov": nesterov})]
    tall = members[0][0].shape[0] > members[0][0].shape[1]
    matrices = yield from _orthogonal([one.T for one in matrices] if tall else matrices, coefficients, steps)
    moves = [(tensors[0], one.T if tall else one) for tensors, one in zip(members, matrices, strict=True)]
    yield [Stage(muon_step, moves, (lr, shrink), written=(0,))]


def _orthogonal(
    x: list[Tensor], coefficients: tuple[float, float, float], steps: int
) -> Generator[list[Stage], list[list[Tensor]], list[Tensor]]:
    """Newton and Schulz's iteration: a x + b (x x') x + c (x x')^2 x, which drives the singular values to one."""
    a, b, c = coefficients
    for _ in range(steps):
        (grams,) = yield [Stage(MATMUL, [(one, one.T) for one in x])]
        (squares,) = yield [Stage(MATMUL, [(one, one) for one in grams])]
        (polynomials,) = yield [Stage(muon_sum, _pairs(grams, squares), flags={"a": b, "b": c})]
        (products,) = yield [Stage(MATMUL, _pairs(polynomials, x))]
        (x,) = yield [Stage(muon_sum, _pairs(x, products), flags={"a": a, "b": 1.0})]
    return x


def _pairs(these: list[Tensor], those: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(these, those, strict=True))


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
