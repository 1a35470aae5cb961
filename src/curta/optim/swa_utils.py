"""Averages of a model's weights over training: of all (stochastic weight averaging), or with older ones fading."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from curta.autograd.modes import no_grad
from curta.device import Device
from curta.dtypes import int64
from curta.errors import ArgumentError
from curta.functions.creation import tensor
from curta.nn.modules.module import Module
from curta.nn.modules.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from curta.optim.optimizer import Optimizer
from curta.optim.schedule import LRScheduler
from curta.optim.schedule_cycle import each_group
from curta.tensor import Tensor

Average = Callable[[Tensor, Tensor, Tensor | int], Tensor]
ManyAverages = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ArgumentError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """decay * average + (1 - decay) * parameter, as an `avg_fn`.

    >>> import curta
    >>> get_ema_avg_fn(0.75)(curta.tensor(4.0), curta.tensor(8.0), 1)
    tensor(5.)
    """
    _check_decay(decay)

    def average(ema_param: Tensor, current_param: Tensor, num_averaged: Tensor | int) -> Tensor:
        with no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> ManyAverages:
    """decay * average + (1 - decay) * parameter, in place over lists, as a `multi_avg_fn`.

    >>> import curta
    >>> averages = [curta.tensor(4.0)]
    >>> get_ema_multi_avg_fn(0.75)(averages, [curta.tensor(8.0)], 1)
    >>> averages
    [tensor(5.)]
    """
    _check_decay(decay)

    def average(ema_params: Sequence[Tensor], current_params: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        with no_grad():
            for average, current in zip(ema_params, current_params, strict=True):
                if average.dtype.is_floating_point:
                    average.copy_(average.lerp(current, 1 - decay))
                else:
                    average.copy_(average * decay + current * (1 - decay))

    return average


def get_swa_avg_fn() -> Average:
    """The mean of all parameters so far, of which `num_averaged` are in the average already, as an `avg_fn`.

    >>> import curta
    >>> get_swa_avg_fn()(curta.tensor(4.0), curta.tensor(7.0), 2)
    tensor(5.)
    """

    def average(averaged_param: Tensor, current_param: Tensor, num_averaged: Tensor | int) -> Tensor:
        with no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return average


def get_swa_multi_avg_fn() -> ManyAverages:
    """The mean of all parameters so far, in place over lists, as a `multi_avg_fn`.

    >>> import curta
    >>> averages = [curta.tensor(4.0)]
    >>> get_swa_multi_avg_fn()(averages, [curta.tensor(7.0)], 2)
    >>> averages
    [tensor(5.)]
    """

    def average(averages: Sequence[Tensor], current_params: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        count = int(num_averaged)
        with no_grad():
            for average, current in zip(averages, current_params, strict=True):
                if average.dtype.is_floating_point:
                    average.copy_(average.lerp(current, 1 / (count + 1)))
                else:
                    average.copy_(average + (current - average) / (count + 1))

    return average


class AveragedModel(Module):
    """A copy of `model` whose parameters are averages of those that `update_parameters` has met.

    `avg_fn(average, parameter, count)` gives the new average, `multi_avg_fn` changes lists of averages in place;
    without either it is the mean. Buffers follow the model's, or are averaged too if `use_buffers`. State dicts go both
    ways between PyTorch and Curta.

    >>> import curta
    >>> model = curta.nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model)
    >>> for value in (1.0, 3.0):
    ...     _ = curta.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged(curta.ones(1, 1)).item()
    2.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Device | str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: ManyAverages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of `model`, which has the copied model's form, into the averages."""
        averages: list[Tensor] = [*self.module.parameters()]
        currents: list[Tensor] = [*model.parameters()]
        buffers = zip(self.module.buffers(), model.buffers(), strict=True)
        if self.use_buffers:
            averages += list(self.module.buffers())
            currents += list(model.buffers())
        pairs = list(zip(averages, currents, strict=True))
        count = int(self.n_averaged)
        with no_grad():
            if count == 0:
                for average, current in pairs:
                    average.copy_(current)
            elif self.avg_fn is not None:
                for average, current in pairs:
                    average.copy_(self.avg_fn(average.detach(), current.detach(), self.n_averaged))
            else:
                self._average_many([(average.detach(), current.detach()) for average, current in pairs])
            for followed, source in () if self.use_buffers else buffers:
                followed.copy_(source)
            self.n_averaged.add_(1)

    def _average_many(self, pairs: list[tuple[Tensor, Tensor]]) -> None:
        """One call for the tensors of each format, as PyTorch makes it."""
        function = self.multi_avg_fn or get_swa_multi_avg_fn()
        for dtype in dict.fromkeys(average.dtype for average, _ in pairs):
            chosen = [(average, current) for average, current in pairs if average.dtype is dtype]
            function([average for average, _ in chosen], [current for _, current in chosen], self.n_averaged)


def update_bn(loader: Iterable[Any], model: Module, device: Device | str | None = None) -> None:
    """Work the running statistics of batch normalizations out anew, as means over all batches of `loader`.

    A batch is a tensor, or a list or tuple whose first entry is the model's input.
    """
    layers = [one for one in model.modules() if isinstance(one, BatchNorm1d | BatchNorm2d | BatchNorm3d)]
    if not layers:
        return
    momenta, was_training = [layer.momentum for layer in layers], model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    with no_grad():
        for batch in loader:
            given = batch[0] if isinstance(batch, list | tuple) else batch
            model(given if device is None else given.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the rate that there is to `swa_lr` in `anneal_epochs` steps, and constant from there on.

    `swa_lr` is a number or one for each group, `anneal_strategy` "cos" or "linear".

    >>> import curta
    >>> optimizer = curta.optim.SGD([curta.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> _ = optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(
            optimizer.param_groups, each_group("swa_lr", optimizer.param_groups, swa_lr), strict=True
        ):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """How much of `swa_lr` is in the rate of a step."""
        place = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return place if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * place)) / 2

    def get_lr(self) -> list[float]:
        """The rate of every group at this step, from the rate that it has now."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal, rate = group["swa_lr"], group["lr"]
            start = goal if before == 1 else (rate - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
