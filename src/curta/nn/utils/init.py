"""Modules whose parameters hold anything."""

from __future__ import annotations

import inspect
from typing import Any

from curta.errors import ShapeError
from curta.nn.modules.module import Module


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module of a class with parameters of its own memory that nothing was written to.

    >>> import curta
    >>> tuple(skip_init(curta.nn.Linear, 3, 4).weight.shape)
    (4, 3)
    """
    if not inspect.isclass(module_cls) or not issubclass(module_cls, Module):
        raise ShapeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise ShapeError(f"Module must support a 'device' arg to skip initialization, got {module_cls.__name__}")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, **{**kwargs, "device": "meta"}).to_empty(device=device)
