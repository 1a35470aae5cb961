"""L-BFGS: steps along a direction that the last gradients' differences bend towards Newton's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curta import functions
from curta.autograd import enable_grad, no_grad
from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from curta.optim.optimizer import Group, Optimizer, Parameters, State, check_at_least_zero
from curta.optim.wolfe import Point, strong_wolfe
from curta.tensor import Tensor


class LBFGS(Optimizer):
    """L-BFGS (Liu and Nocedal 1989) with PyTorch's arguments and trajectory; one group of parameters.

    `step` needs a closure that computes the loss and its gradients, and calls it up to `max_eval` times (five quarters
    of `max_iter` if None). `line_search_fn` is None, for steps of length `lr`, or "strong_wolfe". Its steps follow from
    values, so that `step` cannot be compiled (UnsupportedError); the closure can.

    >>> import curta
    >>> weight = curta.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([weight], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((weight - curta.tensor([3.0, 4.0])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(40., grad_fn=<SumBackward0>)
    >>> [round(value, 4) for value in weight.tolist()]
    [3.0, 4.0]
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_at_least_zero(lr=lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        """The one group; ArgumentError for a second one."""
        if self.param_groups:
            raise ArgumentError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def loaded_entry(self, name: str, value: Any, parameter: Tensor) -> Any:
        """One entry of a saved state: vectors over all parameters, and numbers that PyTorch saves as tensors."""
        if isinstance(value, list | tuple):
            return [self.loaded_entry(name, one, parameter) for one in value]
        if name in _NUMBERS and value is not None:
            return int(value) if name in ("func_evals", "n_iter") else float(value)
        if not isinstance(value, Tensor):
            return value
        return value.detach().to(device=parameter.device, dtype=parameter.dtype).clone()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to `max_iter` iterations; gives the first loss that `closure` computed."""
        if closure is None:
            raise ArgumentTypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        if STATE.recorder is not None:
            raise UnsupportedError(
                "LBFGS.step cannot be compiled or planned: what it does follows from the values of the loss; compile "
                "the closure"
            )
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ArgumentError("only 'strong_wolfe' is supported")
        self._count_step()
        return _Run(self, group, closure).first


#: entries of the state that are numbers, or lists of numbers
_NUMBERS = ("func_evals", "n_iter", "ro", "H_diag", "t", "prev_loss", "al")


class _Run:
    """One call of `step`: what it starts from, its iterations, and the state it leaves."""

    def __init__(self, optimizer: LBFGS, group: Group, closure: Callable[[], Any]) -> None:
        self.group = group
        self.parameters: list[Tensor] = group["params"]
        self.closure = closure
        self.state: State = optimizer.state[self.parameters[0]]
        self.state.setdefault("func_evals", 0)
        self.state.setdefault("n_iter", 0)
        self.evaluations = 0
        self.first, self.loss, self.gradient = self._evaluate()
        if self._is_flat():
            return
        with no_grad():
            for number in range(1, group["max_iter"] + 1):
                if not self._iterate(number):
                    break

    def _evaluate(self) -> tuple[Any, float, Tensor]:
        with enable_grad():
            loss = self.closure()
        self.evaluations += 1
        self.state["func_evals"] += 1
        with no_grad():
            parts = [
                functions.zeros_like(parameter) if parameter.grad is None else parameter.grad.detach()
                for parameter in self.parameters
            ]
            return loss, float(loss), functions.cat([part.reshape(-1) for part in parts])

    def _is_flat(self) -> bool:
        return _largest(self.gradient) <= self.group["tolerance_grad"]

    def _iterate(self, number: int) -> bool:
        """One iteration; whether there is to be another one."""
        group, state = self.group, self.state
        state["n_iter"] += 1
        is_first = state["n_iter"] == 1
        if is_first:
            state.update(d=-self.gradient, old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        else:
            _remember(state, self.gradient, group["history_size"])
            state["d"] = _direction(state, self.gradient)
        direction = state["d"]
        state.update(prev_flat_grad=self.gradient.clone(), prev_loss=self.loss)
        before = self.loss
        t = group["lr"] * (min(1.0, 1.0 / float(self.gradient.abs().sum())) if is_first else 1.0)
        slope = _dot(self.gradient, direction)
        state["t"] = t
        if slope > -group["tolerance_change"]:
            return False
        if group["line_search_fn"] is not None:
            t = state["t"] = self._search(t, direction, slope)
        else:
            self._move(direction, t)
            if number != group["max_iter"]:  # at the very last, nobody would look at the new gradient
                _, self.loss, self.gradient = self._evaluate()
        return (
            self.evaluations < group["max_eval"]
            and not self._is_flat()
            and abs(t) * _largest(direction) > group["tolerance_change"]
            and not abs(self.loss - before) < group["tolerance_change"]
        )

    def _search(self, t: float, direction: Tensor, slope: float) -> float:
        """Go to the point of the line that the search chooses, and say how far that is."""
        start = [parameter.detach().clone() for parameter in self.parameters]

        def at(t: float) -> Point:
            self._move(direction, t)
            _, loss, gradient = self._evaluate()
            for parameter, value in zip(self.parameters, start, strict=True):
                parameter.copy_(value)
            return Point(t, loss, gradient, _dot(gradient, direction))

        point = Point(0.0, self.loss, self.gradient, slope)
        chosen, _ = strong_wolfe(at, point, t, _largest(direction), self.group["tolerance_change"])
        self.loss, self.gradient = chosen.loss, chosen.gradient
        self._move(direction, chosen.t)
        return chosen.t

    def _move(self, direction: Tensor, t: float) -> None:
        offset = 0
        for parameter in self.parameters:
            size = parameter.layout.numel
            parameter.add_(direction[offset : offset + size].reshape(parameter.layout.shape), alpha=t)
            offset += size


def _remember(state: State, gradient: Tensor, history: int) -> None:
    """Note how the gradient changed along the last step, if the curvature there was positive."""
    change, step = gradient - state["prev_flat_grad"], state["d"] * state["t"]
    curvature = _dot(change, step)
    if curvature <= 1e-10:
        return
    if len(state["old_dirs"]) == history:
        for name in ("old_dirs", "old_stps", "ro"):
            state[name].pop(0)
    state["old_dirs"].append(change)
    state["old_stps"].append(step)
    state["ro"].append(1.0 / curvature)
    state["H_diag"] = curvature / _dot(change, change)


def _direction(state: State, gradient: Tensor) -> Tensor:
    """Minus the gradient, through the inverse Hessian that what is remembered stands for: two loops over it."""
    changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
    direction = -gradient
    weights = [0.0] * len(changes)
    for place in reversed(range(len(changes))):
        weights[place] = inverses[place] * _dot(steps[place], direction)
        direction = direction.add(changes[place], alpha=-weights[place])
    direction = direction * state["H_diag"]
    for place, weight in enumerate(weights):
        correction = inverses[place] * _dot(changes[place], direction)
        direction = direction.add(steps[place], alpha=weight - correction)
    return direction


def _dot(a: Tensor, b: Tensor) -> float:
    return float(a.dot(b))


def _largest(vector: Tensor) -> float:
    return float(vector.abs().max()) if vector.layout.numel else 0.0
