"""Optimizers and learning-rate schedules, with PyTorch's arguments and trajectories."""

from curta.optim import schedule as lr_scheduler
from curta.optim.adagrad import Adagrad
from curta.optim.adam import Adam
from curta.optim.adamw import AdamW
from curta.optim.optimizer import Optimizer
from curta.optim.rmsprop import RMSprop
from curta.optim.schedule import CosineAnnealingLR, CosineWithWarmup, LambdaLR, LinearLR, LRScheduler, SequentialLR
from curta.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "CosineWithWarmup",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "Optimizer",
    "RMSprop",
    "SequentialLR",
    "lr_scheduler",
]
