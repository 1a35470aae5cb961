"""One step of every optimizer over parameters that have their gradients: many small ones, and few large ones.

PyTorch updates fused where it can (SGD, Adagrad, Adam, AdamW) and with its loops over lists (`foreach`) elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Work = Callable[[], object]
Build = Callable[[Any], dict[str, Work]]

#: how many parameters of which shape
SETS: dict[str, tuple[int, tuple[int, ...]]] = {
    "60 of 64": (60, (64,)),
    "60 of 64 × 64": (60, (64, 64)),
    "60 of 256 × 256": (60, (256, 256)),
    "4 of 1024 × 1024": (4, (1024, 1024)),
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.01},
    "SGD, momentum": {"lr": 0.01, "momentum": 0.9},
    "Adagrad": {},
    "RMSprop": {},
    "Adam": {},
    "AdamW": {},
    "Adamax": {},
    "NAdam": {},
    "RAdam": {},
    "Adadelta": {},
    "Rprop": {},
    "ASGD": {},
    "Adafactor": {},
    "Muon": {},
}
_FUSED = ("SGD", "SGD, momentum", "Adagrad", "Adam", "AdamW")
_ONE_BY_ONE = ("Muon",)
#: Muon is for matrices; of larger ones PyTorch's takes minutes
_MUON_SETS = ("60 of 64 × 64",)


def _step(framework: Any, name: str, count: int, shape: tuple[int, ...]) -> Work:
    framework.manual_seed(0)
    weights = [framework.nn.Parameter(framework.randn(*shape)) for _ in range(count)]
    for weight in weights:
        weight.grad = framework.randn(*shape)
    arguments = dict(OPTIMIZERS[name])
    if framework.__name__ == "torch" and name not in _ONE_BY_ONE:
        arguments["fused" if name in _FUSED else "foreach"] = True
    optimizer = getattr(framework.optim, name.split(",")[0])(weights, **arguments)
    work: Work = optimizer.step
    return work


def updates(framework: Any) -> dict[str, Work]:
    """Every optimizer on every set."""
    return {
        f"{name}, {title}": _step(framework, name, count, shape)
        for name in OPTIMIZERS
        for title, (count, shape) in SETS.items()
        if name != "Muon" or title in _MUON_SETS
    }


CASES: dict[str, tuple[str, Build]] = {"updates": ("optimizer's step", updates)}
