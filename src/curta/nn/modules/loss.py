"""Losses as layers."""

from __future__ import annotations

from curta.nn import functional as F
from curta.nn.modules.module import Module
from curta.tensor import Tensor


class CrossEntropyLoss(Module):
    """Minus the log-probability that softmax gives to the target class."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.size_average, self.reduce = size_average, reduce
        self.ignore_index, self.reduction, self.label_smoothing = ignore_index, reduction, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input, target, self.weight, self.size_average, self.ignore_index, self.reduce, self.reduction,
            self.label_smoothing,
        )  # fmt: skip


class MSELoss(Module):
    """The mean squared difference."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.size_average, self.reduce, self.reduction = size_average, reduce, reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, self.size_average, self.reduce, self.reduction)
