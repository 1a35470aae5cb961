"""Optimizers and learning-rate schedules, with PyTorch's arguments and trajectories."""

from curta.optim import lr_scheduler, swa_utils
from curta.optim.adadelta import Adadelta
from curta.optim.adafactor import Adafactor
from curta.optim.adagrad import Adagrad
from curta.optim.adam import Adam
from curta.optim.adamax import Adamax
from curta.optim.adamw import AdamW
from curta.optim.asgd import ASGD
from curta.optim.lbfgs import LBFGS
from curta.optim.muon import Muon
from curta.optim.nadam import NAdam
from curta.optim.optimizer import Optimizer
from curta.optim.radam import RAdam
from curta.optim.rmsprop import RMSprop
from curta.optim.rprop import Rprop
from curta.optim.schedule import CosineAnnealingLR, CosineWithWarmup, LambdaLR, LinearLR, LRScheduler, SequentialLR
from curta.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CosineAnnealingLR",
    "CosineWithWarmup",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SequentialLR",
    "lr_scheduler",
    "swa_utils",
]
