"""Learning-rate schedules: called once after each optimizer step, each sets the groups' learning rates.

PyTorch's schedules work from the rate a group has now, so that schedules can be chained; so do these.
"""

from __future__ import annotations

import math
import types
import warnings
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from curta.optim.optimizer import Optimizer


class LRScheduler:
    """Base class: a subclass defines `get_lr`, the rates of all groups at step `last_epoch`.

    `last_epoch` counts the calls of `step`; -1 starts afresh. Making a schedule sets the rates of its step 0.
    """

    #: whether `step` must be given one: such a schedule cannot be a part of another
    needs_measurement = False
    #: the entries of a group that the schedule changes
    _changed: tuple[str, ...] = ("lr",)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentTypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming scheduler with "
                    "last_epoch >= 0: load the optimizer's state dict before making the scheduler"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._start()

    def _start(self) -> None:
        self._step_count = 0
        self._steps_before = self.optimizer.step_count
        self._is_initial = True
        self.step()
        self._is_initial = False
        self._get_lr_called_within_step = False  # says nothing here; states have it in PyTorch

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`."""
        raise UnsupportedError(f"{type(self).__name__} does not define get_lr")

    def closed_form_lr(self) -> list[float]:
        """`get_lr` worked out from the base rates alone, for a schedule that restarts; the same unless redefined."""
        return self.get_lr()

    def get_last_lr(self) -> list[float]:
        """The rates that the last `step` set, one for each group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step, or to step `epoch`, and set the rates of that step."""
        if STATE.recorder is not None:
            STATE.recorder.effect(lambda: self.step(epoch), self._restorer())
            return
        self._count_step()
        self._set_rates(epoch)

    def _count_step(self) -> None:
        if self._step_count == 1:
            self._warn_of_order()
        self._step_count += 1

    def _restorer(self) -> Callable[[], None]:
        """What puts the schedule back where it is now, for a step that is recorded and then fails."""
        state, groups = self.state_dict(), self.optimizer.param_groups
        before = [{name: group[name] for name in self._changed if name in group} for group in groups]

        def restore() -> None:
            self.load_state_dict(state)
            for group, values in zip(self.optimizer.param_groups, before, strict=True):
                group.update(values)

        return restore

    def _set_rates(self, epoch: int | None = None) -> None:
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self.closed_form_lr()
        self._assign(rates)

    def _assign(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _warn_of_order(self) -> None:
        optimizer = self.optimizer
        # An optimizer with a `step` of its own need not count its steps.
        if type(optimizer).step is Optimizer.step and optimizer.step_count == self._steps_before:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: call them in the opposite order, "
                "or the first value of the learning rate schedule is skipped",
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name not in ("optimizer", "_steps_before")}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of the same schedule."""
        self.__dict__.update(state_dict)

    def _undo(self) -> None:
        """Take back the step 0 that was done when the schedule was made: a sequence does it in its own time."""
        self.last_epoch -= 1

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]


class _OfFunctions(LRScheduler):
    """A schedule of one function of the step, or of a list with one for each group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(optimizer.param_groups)
        if isinstance(lr_lambda, Sequence):
            if len(lr_lambda) != groups:
                raise ArgumentError(f"Expected {groups} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * groups
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and plain functions; of a callable object, its attributes."""
        state = super().state_dict()
        state["lr_lambdas"] = [
            None if isinstance(function, types.FunctionType) else dict(function.__dict__)
            for function in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; functions stay the ones given to the constructor."""
        rest = dict(state_dict)
        for function, attributes in zip(self.lr_lambdas, rest.pop("lr_lambdas"), strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)
        super().load_state_dict(rest)


class LambdaLR(_OfFunctions):
    """The base rate times `lr_lambda(step)`: one function, or a list with one for each group.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=0.5)
    >>> LambdaLR(optimizer, lambda step: 0.5 ** (step + 1)).get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`."""
        pairs = zip(self.lr_lambdas, self.base_lrs, strict=True)
        return [base * function(self.last_epoch) for function, base in pairs]


class MultiplicativeLR(_OfFunctions):
    """The rate that there is times `lr_lambda(step)`: one function, or a list with one for each group.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=0.5)
    >>> schedule = MultiplicativeLR(optimizer, lambda step: 0.5)
    >>> _ = optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        if self._is_initial:
            return self._current()
        pairs = zip(self.lr_lambdas, self._current(), strict=True)
        return [rate * function(self.last_epoch) for function, rate in pairs]


class LinearLR(LRScheduler):
    """From `start_factor` times the base rate to `end_factor` times it in `total_iters` equal steps, then constant.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=0.5)
    >>> LinearLR(optimizer, start_factor=0.5, total_iters=4).get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1.0:
            raise ArgumentError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1.0:
            raise ArgumentError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        if self._is_initial:
            return [rate * self.start_factor for rate in self._current()]
        if self.last_epoch > self.total_iters:
            return self._current()
        change = self.end_factor - self.start_factor
        factor = 1.0 + change / (self.total_iters * self.start_factor + (self.last_epoch - 1) * change)
        return [rate * factor for rate in self._current()]

    def closed_form_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the base rates."""
        done = min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (self.start_factor + (self.end_factor - self.start_factor) * done) for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the base rate down to `eta_min` in `T_max` steps, and up again after that.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=0.5)
    >>> schedule = CosineAnnealingLR(optimizer, T_max=2)
    >>> for _ in range(2):
    ...     _ = optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max <= 0:
            raise ArgumentError(f"T_max must be a positive number of steps, got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        rates, period, low = self._current(), self.T_max, self.eta_min
        if self._is_initial:
            return rates
        if self._step_count == 1 and self.last_epoch > 0:
            return self.closed_form_lr()
        if (self.last_epoch - 1 - period) % (2 * period) == 0:
            # The step before was the cosine's lowest: there is no ratio to go on from.
            rise = (1 - math.cos(math.pi / period)) / 2
            return [rate + (base - low) * rise for base, rate in zip(self.base_lrs, rates, strict=True)]
        now = 1 + math.cos(math.pi * self.last_epoch / period)
        before = 1 + math.cos(math.pi * (self.last_epoch - 1) / period)
        return [now / before * (rate - low) + low for rate in rates]

    def closed_form_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the base rates."""
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


class SeveralSchedules(LRScheduler):
    """A schedule made of others: their states are part of its own."""

    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, with the state of each schedule."""
        state = super().state_dict()
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of the same schedules."""
        rest = dict(state_dict)
        for scheduler, state in zip(self._schedulers, rest.pop("_schedulers"), strict=True):
            scheduler.load_state_dict(state)
        super().load_state_dict(rest)


class SequentialLR(SeveralSchedules):
    """Several schedules one after the other: schedule i + 1 takes over, from its step 0, at step `milestones[i]`.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=0.5)
    >>> first, second = LinearLR(optimizer, 0.5, total_iters=2), CosineAnnealingLR(optimizer, 10)
    >>> SequentialLR(optimizer, [first, second], milestones=[2]).get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        if len(schedulers) < 1:
            raise ArgumentError("SequentialLR expects at least one scheduler, but got no scheduler.")
        for index, scheduler in enumerate(schedulers):
            if scheduler.needs_measurement:
                raise ArgumentError(
                    "SequentialLR does not support `ReduceLROnPlateau`, whose step needs a measurement: got it at "
                    f"index {index}"
                )
            if scheduler.optimizer is not optimizer:
                raise ArgumentError(
                    "SequentialLR expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(scheduler).__name__} at index {index} with another one"
                )
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to "
                f"be equal to {len(milestones)}"
            )
        self.optimizer = optimizer
        self._schedulers = list(schedulers)
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        self._undo()
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        self._begin()

    def _undo(self) -> None:
        for scheduler in self._schedulers:
            scheduler._undo()

    def _begin(self) -> None:
        scheduler = self._schedulers[bisect_right(self._milestones, 0)]
        scheduler._start()
        self._last_lr = scheduler.get_last_lr()

    def _start(self) -> None:
        # Reached when this schedule is itself a part of another one, which has just undone its step 0.
        self.last_epoch = 0
        self._begin()

    def _set_rates(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if epoch is not None:
            scheduler._set_rates(epoch - (self._milestones[index - 1] if index else 0))
        elif index and self._milestones[index - 1] == self.last_epoch:
            scheduler._set_rates(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _count_step(self) -> None:
        """The schedules that this one is made of count their own steps."""


class CosineWithWarmup(LRScheduler):
    """The usual schedule of a language model: a linear rise, then half a cosine down to a floor, where it stays.

    At step s < `warmup_steps` the rate is base * (s + 1) / (warmup_steps + 1), which reaches the base rate at step
    `warmup_steps`; from `total_steps` on it is base * `min_factor`. ArgumentError for steps that do not fit.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = CosineWithWarmup(optimizer, warmup_steps=1, total_steps=3, min_factor=0.1)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += [round(rate, 6) for rate in schedule.get_last_lr()]
    ...     _ = optimizer.step()
    ...     schedule.step()
    >>> rates
    [0.5, 1.0, 0.55, 0.1, 0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int,
        total_steps: int,
        min_factor: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= warmup_steps < total_steps:
            raise ArgumentError(
                f"CosineWithWarmup needs 0 <= warmup_steps < total_steps, got {warmup_steps} and {total_steps}"
            )
        if not 0 <= min_factor <= 1:
            raise ArgumentError(f"CosineWithWarmup needs 0 <= min_factor <= 1, got {min_factor}")
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.min_factor = min_factor
        super().__init__(optimizer, last_epoch)

    def factor(self, step: int) -> float:
        """What the base rate is multiplied by at `step`."""
        if step < self.warmup_steps:
            return (step + 1) / (self.warmup_steps + 1)
        progress = min(1.0, (step - self.warmup_steps) / (self.total_steps - self.warmup_steps))
        return self.min_factor + (1 - self.min_factor) * (1 + math.cos(math.pi * progress)) / 2

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`."""
        return [base * self.factor(self.last_epoch) for base in self.base_lrs]
