"""Learning-rate schedules, under PyTorch's name for where they are."""

from curta.optim.schedule import (
    CosineAnnealingLR,
    CosineWithWarmup,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    SequentialLR,
)
from curta.optim.schedule_cycle import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from curta.optim.schedule_decay import ConstantLR, ExponentialLR, MultiStepLR, PolynomialLR, StepLR
from curta.optim.schedule_plateau import ChainedScheduler, ReduceLROnPlateau

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CosineWithWarmup",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
