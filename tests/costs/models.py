"""Training steps that the tests of accounts and plans run: a perceptron, a convolutional net, a GPT."""

from collections.abc import Callable
from functools import partial
from typing import Any

import curta
from curta import nn
from curta.models.gpt import GPT, GPTConfig
from curta.nn import functional as F
from curta.tensor import Tensor
from curta.utils import checkpoint

Step = tuple[Callable[..., Any], tuple[Tensor, ...], nn.Module]

OPTIMIZERS = {
    "sgd": lambda model: curta.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    "adamw": lambda model: curta.optim.AdamW(model.parameters(), lr=1e-3),
}


def perceptron() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """784 to 10, with dropout; the data come with it."""
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))
    return model, (curta.randn(16, 784), curta.randint(0, 10, (16,)))


def net() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """Convolutions, batch normalization and pooling."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, stride=2),
        nn.ReLU(), nn.Flatten(), nn.Linear(16 * 7 * 7, 10),
    )  # fmt: skip
    return model, (curta.randn(8, 3, 32, 32), curta.randint(0, 10, (8,)))


class Flat(nn.Module):
    """A GPT whose scores are a matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.gpt = GPT(GPTConfig(vocabulary=64, width=32, layers=2, heads=4, context=32))

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T] to [B * T, vocabulary]."""
        return self.gpt(tokens).view(-1, 64)


def gpt() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """Two layers, on random tokens."""
    return Flat(), (curta.randint(0, 64, (4, 32)), curta.randint(0, 64, (128,)))


def checkpointed_gpt() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """The same, its blocks made again in the backward pass."""
    model, data = gpt()
    for block in model.gpt.blocks:
        block.forward = partial(checkpoint, block.forward)
    return model, data


MODELS = {"perceptron": perceptron, "net": net, "gpt": gpt, "checkpointed gpt": checkpointed_gpt}


def step_of(model: str, optimizer: str = "adamw", half: bool = False, clear_first: bool = False) -> Step:
    """A training step of a fresh model, with its arguments."""
    curta.manual_seed(0)
    made, data = MODELS[model]()
    updates = OPTIMIZERS[optimizer](made)

    def step(x: Tensor, y: Tensor) -> Tensor:
        if clear_first:
            updates.zero_grad()
        with curta.autocast("cpu", enabled=half):
            loss = F.cross_entropy(made(x), y)
        loss.backward()
        updates.step()
        if not clear_first:
            updates.zero_grad()
        return loss

    return step, data, made
