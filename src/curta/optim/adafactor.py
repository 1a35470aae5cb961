"""Adafactor: the squares of a matrix's gradients are remembered by their rows' and columns' means alone."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError
from curta.number_formats import finfo
from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least
from curta.optim.update import Stage, UpdatePlan, Waves, staged
from curta.tensor import Tensor


def adafactor_means(average: Tensor, gradient: Tensor, weight: float, *, dim: int) -> Tensor:
    """The running average of the mean squares along `dim`, with the new ones at `weight`."""
    return average + weight * ((gradient * gradient).mean(dim, keepdim=True) - average)


def adafactor_mean_of_rows(rows: Tensor) -> Tensor:
    """What rows times columns are divided by: (..., rows, 1) -> (..., 1, 1)."""
    return rows.mean(-2, keepdim=True)


def _move(gradient: Tensor, rows: Tensor, columns: Tensor, mean: Tensor, eps: float, least: float) -> Tensor:
    """The gradient over its root mean square, of which rows (..., M, 1) times columns (..., 1, N) are an estimate."""
    return gradient * (rows * columns / mean.clamp(eps)).clamp(least).rsqrt()


def _size(parameter: Tensor, move: Tensor, rate: float, smallest: float, threshold: float) -> Tensor:
    """How far a move is taken: by the size of the parameter, less if the move is larger than `threshold`."""
    scale = (parameter * parameter).mean().sqrt().clamp(smallest)
    return rate * scale / ((move * move).mean().sqrt() / threshold).clamp(1.0)


def adafactor_matrix_size(
    parameter: Tensor,
    gradient: Tensor,
    rows: Tensor,
    columns: Tensor,
    mean: Tensor,
    eps: float,
    least: float,
    rate: float,
    smallest: float,
    threshold: float,
) -> Tensor:
    """The step size of a matrix, a scalar tensor."""
    return _size(parameter, _move(gradient, rows, columns, mean, eps, least), rate, smallest, threshold)


def adafactor_matrix_step(
    parameter: Tensor,
    gradient: Tensor,
    rows: Tensor,
    columns: Tensor,
    mean: Tensor,
    size: Tensor,
    eps: float,
    least: float,
    shrink: float,
    *,
    decay: bool,
    maximize: bool,
) -> Tensor:
    """The new parameter."""
    move = size * _move(gradient, rows, columns, mean, eps, least)
    parameter = shrink * parameter if decay else parameter
    return parameter + move if maximize else parameter - move


def adafactor_vector_size(
    parameter: Tensor,
    gradient: Tensor,
    variance: Tensor,
    least: float,
    rate: float,
    smallest: float,
    threshold: float,
) -> Tensor:
    """The step size of a vector, a scalar tensor."""
    return _size(parameter, gradient * variance.clamp(least).rsqrt(), rate, smallest, threshold)


def adafactor_vector_step(
    parameter: Tensor,
    gradient: Tensor,
    variance: Tensor,
    size: Tensor,
    least: float,
    shrink: float,
    *,
    decay: bool,
    maximize: bool,
) -> Tensor:
    """The new parameter."""
    move = size * gradient * variance.clamp(least).rsqrt()
    parameter = shrink * parameter if decay else parameter
    return parameter + move if maximize else parameter - move


def adafactor_squares(variance: Tensor, gradient: Tensor, weight: float) -> Tensor:
    """The running average of the squares themselves."""
    return variance + weight * (gradient * gradient - variance)


@staged
def adafactor_matrix_update(
    members: list[list[Tensor]],
    weight: float,
    eps: float,
    least: float,
    rate: float,
    smallest: float,
    threshold: float,
    shrink: float,
    **flags: Any,
) -> Waves:
    """Change parameters of two or more dimensions, and the averages of their rows (..., M, 1) and columns (..., 1, N).

    Both sums over the parameter and the gradient come before the step that they scale: four waves.
    """
    row_sums = [(rows, gradient) for _, gradient, rows, _ in members]
    column_sums = [(columns, gradient) for _, gradient, _, columns in members]
    yield [
        Stage(adafactor_means, row_sums, (weight,), written=(0,), flags={"dim": -1}),
        Stage(adafactor_means, column_sums, (weight,), written=(0,), flags={"dim": -2}),
    ]
    (means,) = yield [Stage(adafactor_mean_of_rows, [(rows,) for _, _, rows, _ in members])]
    with_means = [(*tensors, mean) for tensors, mean in zip(members, means, strict=True)]
    (sizes,) = yield [Stage(adafactor_matrix_size, with_means, (eps, least, rate, smallest, threshold))]
    with_sizes = [(*tensors, size) for tensors, size in zip(with_means, sizes, strict=True)]
    yield [Stage(adafactor_matrix_step, with_sizes, (eps, least, shrink), written=(0,), flags=flags)]


@staged
def adafactor_vector_update(
    members: list[list[Tensor]],
    weight: float,
    eps: float,
    least: float,
    rate: float,
    smallest: float,
    threshold: float,
    shrink: float,
    **flags: Any,
) -> Waves:
    """Change parameters of one dimension or none, and the averages of their squared gradients: three waves."""
    squares = [(variance, gradient) for _, gradient, variance in members]
    yield [Stage(adafactor_squares, squares, (weight,), written=(0,))]
    (sizes,) = yield [Stage(adafactor_vector_size, members, (least, rate, smallest, threshold))]
    with_sizes = [(*tensors, size) for tensors, size in zip(members, sizes, strict=True)]
    yield [Stage(adafactor_vector_step, with_sizes, (least, shrink), written=(0,), flags=flags)]


class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern 2018); arguments and trajectory are PyTorch's.

    `eps` is (least square, least size of a parameter); None stands for the format's epsilon. State of a matrix of M x N
    is M + N numbers. `foreach` raises UnsupportedError when true.

    >>> import curta
    >>> weight = curta.tensor([4.0, -4.0], requires_grad=True)
    >>> optimizer = Adafactor([weight], lr=0.25)
    >>> (weight * weight).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [3.0, -3.0]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_at_least("Learning rate", lr)
        if not beta2_decay <= 0.0:
            raise ArgumentError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None:
            check_at_least("epsilon1", eps[0])
        check_at_least("epsilon2", eps[1])
        check_at_least("Clipping threshold d", d, 1)
        check_at_least("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def state_shape(self, name: str, parameter: Tensor) -> tuple[int, ...]:
        """The shape of the state tensor `name` of a parameter."""
        shape = parameter.layout.shape
        if name == "row_var":
            return (*shape[:-1], 1)
        return (*shape[:-2], 1, shape[-1]) if name == "col_var" else shape

    def plan(self, state: State, group: Group, parameter: Tensor) -> UpdatePlan:
        """What the next update of a parameter with this state is."""
        step, lr, weight_decay = state.get("step", 0) + 1, group["lr"], group["weight_decay"]
        eps, smallest = group["eps"]
        eps = finfo(parameter.dtype).eps if eps is None else eps
        scalars = (
            step ** group["beta2_decay"],
            eps,
            eps * eps,
            min(lr, 1 / step**0.5),
            smallest,
            group["d"],
            1 - lr * weight_decay,
        )
        flags = {"decay": weight_decay != 0, "maximize": group["maximize"]}
        if len(parameter.layout.shape) > 1:
            return UpdatePlan(adafactor_matrix_update, ("row_var", "col_var"), scalars, flags, {"step": step})
        return UpdatePlan(adafactor_vector_update, ("variance",), scalars, flags, {"step": step})
