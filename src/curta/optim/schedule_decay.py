"""Learning-rate schedules that go down by steps, by a factor at each step, or as a power of what is left."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from curta.errors import ArgumentError
from curta.optim.optimizer import Optimizer
from curta.optim.schedule import LRScheduler


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` steps.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     _ = optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size <= 0:
            raise ArgumentError(f"step_size must be a positive number of steps, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        factor = 1.0 if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma
        return [rate * factor for rate in self._current()]

    def closed_form_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the base rates."""
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """The rate times `gamma` at each of the steps `milestones`; one that comes twice counts twice.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(4):
    ...     _ = optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        return [rate * self.gamma ** self.milestones[self.last_epoch] for rate in self._current()]

    def closed_form_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the base rates."""
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """`factor` times the base rate until step `total_iters`, and the base rate from there on.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> ConstantLR(optimizer, factor=0.25, total_iters=4).get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1.0:
            raise ArgumentError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        if self.last_epoch == 0:
            return [rate * self.factor for rate in self._current()]
        if self.last_epoch != self.total_iters:
            return self._current()
        # a factor of 0 leaves nothing to divide: PyTorch fails there with a division by zero
        return [rate / self.factor for rate in self._current()] if self.factor else list(self.base_lrs)

    def closed_form_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the base rates."""
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [base * factor for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """The rate times `gamma` at every step.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = ExponentialLR(optimizer, gamma=0.5)
    >>> _ = optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        factor = 1.0 if self._is_initial else self.gamma
        return [rate * factor for rate in self._current()]

    def closed_form_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the base rates."""
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """The base rate times (1 - step / total_iters) to the power `power`, 0 from step `total_iters` on.

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = PolynomialLR(optimizer, total_iters=2, power=2.0)
    >>> _ = optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        if total_iters <= 0:
            raise ArgumentError(f"total_iters must be a positive number of steps, got {total_iters}")
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the rate that it has now."""
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        left, before = 1 - self.last_epoch / self.total_iters, 1 - (self.last_epoch - 1) / self.total_iters
        return [rate * (left / before) ** self.power for rate in self._current()]

    def closed_form_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`, from the base rates."""
        left = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]
