"""Learning-rate schedules that go up and down: warm restarts, cycles, one cycle; the latter two move momentum too."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from curta.errors import ArgumentError, ArgumentTypeError
from curta.optim.optimizer import Optimizer
from curta.optim.schedule import LRScheduler


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the base rate down to `eta_min`, again and again: `T_0` steps, then `T_mult` times as many.

    `step(epoch)` goes to any step, also one between two whole ones.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> _ = optimizer.step(); schedule.step(0.5); round(schedule.get_last_lr()[0], 4)
    0.8536
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ArgumentError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ArgumentError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ArgumentError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `T_cur` of this cosine."""
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def _set_rates(self, epoch: float | None = None) -> None:
        if epoch is None and self.last_epoch >= 0:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ArgumentError(f"Expected non-negative epoch, but got {epoch}")
            self.T_cur, self.T_i = self._place(epoch)
            self.last_epoch = math.floor(epoch)
        self._assign(self.get_lr())

    def _place(self, epoch: float) -> tuple[float, int]:
        """Where step `epoch` is: how far in its cosine, and that one's length."""
        if self.T_mult == 1:
            return epoch % self.T_0, self.T_0
        length = self.T_0
        while epoch >= length:
            epoch, length = epoch - length, length * self.T_mult
        return epoch, length


class _WithMomentum(LRScheduler):
    """A schedule that may move momentum (or the first of the betas) between two bounds, against the rate."""

    _changed = ("lr", "momentum", "betas")
    cycle_momentum: bool

    def _set_bounds(self, base: float | Sequence[float], high: float | Sequence[float], first: str) -> None:
        """Note each group's bounds of momentum, and start from the lower ("base") or upper ("max") one."""
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ArgumentError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in defaults
        groups = self.optimizer.param_groups
        pairs = zip(each_group("base_momentum", groups, base), each_group("max_momentum", groups, high), strict=True)
        for group, (low, most) in zip(groups, pairs, strict=True):
            group.update(base_momentum=low, max_momentum=most)
            self._set_momentum(group, low if first == "base" else most)

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_WithMomentum):
    """From `base_lr` up to `max_lr` in `step_size_up` steps, down again in `step_size_down`, and so on.

    `mode` says how the height changes: not ("triangular"), halved with each cycle ("triangular2"), or times `gamma` at
    each step ("exp_range"); `scale_fn` of the cycle's or the step's number (`scale_mode`) takes its place. Momentum
    goes from `max_momentum` to `base_momentum` and back meanwhile, if `cycle_momentum`.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = CyclicLR(optimizer, base_lr=0.5, max_lr=1.0, step_size_up=2)
    >>> _ = optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentTypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ArgumentError("mode is invalid and scale_fn is None")
        self.optimizer = optimizer
        lows = each_group("base_lr", optimizer.param_groups, base_lr)
        if last_epoch == -1:
            for group, low in zip(optimizer.param_groups, lows, strict=True):
                group["lr"] = low
        self.max_lrs = each_group("max_lr", optimizer.param_groups, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn else ("iterations" if mode == "exp_range" else "cycle")
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._set_bounds(base_momentum, max_momentum, "max")
            self.base_momentums = [group["base_momentum"] for group in optimizer.param_groups]
            self.max_momentums = [group["max_momentum"] for group in optimizer.param_groups]
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def scale_fn(self, number: float) -> float:
        """What the height of a cycle is multiplied by."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(number)
        if self.mode == "triangular":
            return 1.0
        return float(1 / 2 ** (number - 1)) if self.mode == "triangular2" else self.gamma**number

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`; the momentum that goes with it is set meanwhile."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        place = 1.0 + self.last_epoch / self.total_size - cycle
        rising = self.step_ratio
        height = place / rising if place <= rising else (place - 1) / (rising - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, most) in zip(self.optimizer.param_groups, bounds, strict=True):
                self._set_momentum(group, most - (most - low) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and a plain function; of a callable object, its attributes."""
        state = super().state_dict()
        function = state.pop("_scale_fn_custom")
        has_attributes = hasattr(function, "__dict__") and not isinstance(function, types.FunctionType)
        state["_scale_fn_custom"] = dict(function.__dict__) if has_attributes else None
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; the function stays the one given to the constructor."""
        rest = dict(state_dict)
        attributes = rest.pop("_scale_fn_custom")
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)
        super().load_state_dict(rest)


#: what a phase of `OneCycleLR` is made of, by PyTorch's names of it in a state
_PHASE = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")


class OneCycleLR(_WithMomentum):
    """From `max_lr` / `div_factor` up to `max_lr`, then down to 1 / `final_div_factor` of the start, in all steps.

    The number of steps is `total_steps`, or `epochs` * `steps_per_epoch`; the rise takes `pct_start` of them.
    `three_phase` goes down to the start as it went up, and only then further. `anneal_strategy` is "cos" or "linear".
    Momentum goes from `max_momentum` to `base_momentum` and back meanwhile, if `cycle_momentum`. ArgumentError for a
    step after the last one.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=10, div_factor=4.0)
    >>> schedule.get_last_lr(), optimizer.param_groups[0]["momentum"]
    ([0.25], 0.95)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentTypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ArgumentError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        #: the step at which each phase ends, and the names of what rate and momentum go from and to
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        if last_epoch == -1:
            for group, high in zip(
                optimizer.param_groups, each_group("max_lr", optimizer.param_groups, max_lr), strict=True
            ):
                first = high / div_factor
                group.update(initial_lr=first, max_lr=high, min_lr=first / final_div_factor)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum and last_epoch == -1:
            self._set_bounds(base_momentum, max_momentum, "max")
        if cycle_momentum:
            self.use_beta1 = "betas" in optimizer.defaults
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, part: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (1 + math.cos(math.pi * part))

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`; the momentum that goes with it is set meanwhile."""
        step = self.last_epoch
        if step > self.total_steps:
            raise ArgumentError(f"Tried to step {step} times. The total number of steps is {self.total_steps}")
        ends = [phase["end_step"] for phase in self._schedule_phases]
        place = next((place for place, end in enumerate(ends) if step <= end), len(ends) - 1)
        start = ends[place - 1] if place else 0.0
        end, rate_from, rate_to, momentum_from, momentum_to = (self._schedule_phases[place][name] for name in _PHASE)
        # PyTorch divides by zero where the rise is over with its first step
        part = (step - start) / (end - start) if end > start else 1.0
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            self._set_momentum(group, self._between(group[momentum_from], group[momentum_to], part))
        return [self._between(group[rate_from], group[rate_to], part) for group in self.optimizer.param_groups]


def _phases(total: int, rise: float, three: bool) -> list[dict[str, Any]]:
    return [dict(zip(_PHASE, phase, strict=True)) for phase in _in_order(total, rise, three)]


def _in_order(total: int, rise: float, three: bool) -> list[tuple[Any, ...]]:
    up = (rise * total - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three:
        return [up, (total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    down = (2 * rise * total - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
    return [up, down, (total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]


def _total_steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return _positive("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ArgumentError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return _positive("epochs", epochs) * _positive("steps_per_epoch", steps_per_epoch)


def _positive(name: str, value: int) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ArgumentError(f"Expected positive integer {name}, but got {value}")
    return value


def each_group(name: str, groups: Sequence[Any], value: float | Sequence[float]) -> list[float]:
    """One value for each group."""
    if not isinstance(value, Sequence):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise ArgumentError(f"{name} must have the same length as optimizer.param_groups: {len(value)}, {len(groups)}")
    return list(value)
