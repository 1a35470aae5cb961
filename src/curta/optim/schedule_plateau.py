"""A learning-rate schedule that waits for a measurement to stop improving, and several schedules at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import SupportsFloat

from curta.autograd.state import STATE
from curta.errors import ArgumentError, ArgumentTypeError, OrderError
from curta.optim.optimizer import Optimizer
from curta.optim.schedule import LRScheduler, SeveralSchedules


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor` when a measurement has not improved for more than `patience` steps.

    `mode` says whether less ("min") or more ("max") is better, `threshold` by how much it must be: of the best value
    ("rel") or absolutely ("abs"). After a change, `cooldown` steps do not count. No rate goes below `min_lr` (a number,
    or one for each group), and changes below `eps` are not made. `step` takes the measurement.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    needs_measurement = True

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ArgumentError("Factor should be < 1.0.")
        if not isinstance(optimizer, Optimizer):
            raise ArgumentTypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if mode not in ("min", "max"):
            raise ArgumentError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ArgumentError(f"threshold mode {threshold_mode} is unknown!")
        self.optimizer = optimizer
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.mode = mode
        self.cooldown = cooldown
        self.min_lrs = self._least_rates(min_lr)
        self.default_min_lr = None if isinstance(min_lr, Sequence) else min_lr
        self.eps = eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = self._current()

    def _least_rates(self, min_lr: float | Sequence[float]) -> list[float]:
        groups = len(self.optimizer.param_groups)
        if not isinstance(min_lr, Sequence):
            return [min_lr] * groups
        if len(min_lr) != groups:
            raise ArgumentError(f"expected {groups} min_lrs, got {len(min_lr)}")
        return list(min_lr)

    def _least_of(self, groups: int) -> list[float]:
        """A least rate for each group; one number stands for those that were added since too."""
        if len(self.min_lrs) != groups:
            if self.default_min_lr is None:
                raise OrderError(
                    f"The number of param groups in the `optimizer` ({groups}) differs from when `ReduceLROnPlateau` "
                    f"was initialized ({len(self.min_lrs)}), usually due to a new param group being added to the "
                    "optimizer. Please modify the `min_lrs` field to match the length of the `optimizer` param groups."
                )
            self.min_lrs = [self.default_min_lr] * groups
        return self.min_lrs

    @property
    def in_cooldown(self) -> bool:
        """Whether the steps after a change of the rate are not over yet."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take the measurement of a step (a number, or a tensor of one element), and lower the rates if it is due."""
        current = float(metrics)
        if STATE.recorder is not None:
            STATE.recorder.effect(lambda: self.step(current, epoch), self._restorer())
            return
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = self._current()
        if self.num_bad_epochs > self.patience:
            pairs = zip(rates, self._least_of(len(rates)), strict=True)
            lower = [max(rate * self.factor, least) for rate, least in pairs]
            rates = [new if old - new > self.eps else old for old, new in zip(rates, lower, strict=True)]
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._assign(rates)

    def _is_better(self, current: float) -> bool:
        # as PyTorch has it: the margin is a part of the best value, whatever its sign
        step = self.threshold if self.threshold_mode == "abs" else self.threshold * self.best
        if not math.isfinite(self.best):
            step = 0.0
        return current < self.best - step if self.mode == "min" else current > self.best + step


class ChainedScheduler(SeveralSchedules):
    """Several schedules of one optimizer, all stepped at every step: each works on what the one before has set.

    >>> import curta
    >>> from curta.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = ChainedScheduler([ConstantLR(optimizer, 0.5, total_iters=4), ExponentialLR(optimizer, 0.5)])
    >>> _ = optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if len(schedulers) < 1:
            raise ArgumentError("ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.")
        optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        for index, scheduler in enumerate(schedulers):
            if scheduler.needs_measurement:
                raise ArgumentError(
                    "ChainedScheduler does not support `ReduceLROnPlateau`, whose step needs a measurement: got it "
                    f"at index {index}"
                )
            if scheduler.optimizer is not optimizer:
                raise ArgumentError(
                    "ChainedScheduler expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(scheduler).__name__} at index {index} with another one"
                )
        self._schedulers = list(schedulers)
        self.optimizer = optimizer
        self._last_lr = self._current()

    def _start(self) -> None:
        for scheduler in self._schedulers:
            scheduler._start()
        self._last_lr = self._current()

    def _undo(self) -> None:
        for scheduler in self._schedulers:
            scheduler._undo()

    def _count_step(self) -> None:
        """The schedules that this one is made of count their own steps."""

    def _set_rates(self, epoch: int | None = None) -> None:
        for scheduler in self._schedulers:
            if epoch is None:
                scheduler.step()
            else:
                scheduler._set_rates(epoch)
        self._last_lr = self._current()

    def _restorer(self) -> Callable[[], None]:
        restorers = [scheduler._restorer() for scheduler in self._schedulers]
        own = super()._restorer()

        def restore() -> None:
            own()
            for one in restorers:
                one()

        return restore
