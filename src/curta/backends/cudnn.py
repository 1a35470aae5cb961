"""cuDNN's switches, with PyTorch's defaults: there is no cuDNN, and what is set here changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True

_NAMES = ("enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32")


def is_available() -> bool:
    """Whether there is cuDNN.

    >>> is_available()
    False
    """
    return False


def is_acceptable(tensor: Any) -> bool:
    """Whether cuDNN would take a tensor: no."""
    return False


def version() -> None:
    """The version of cuDNN: None, since there is none."""
    return


def set_flags(
    _enabled: bool | None = None, _benchmark: bool | None = None, _benchmark_limit: int | None = None,
    _deterministic: bool | None = None, _allow_tf32: bool | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    """Set the switches that are not None; gives what they were."""
    switches = globals()
    before = tuple(switches[name] for name in _NAMES)
    given = (_enabled, _benchmark, _benchmark_limit, _deterministic, _allow_tf32)
    switches.update((name, value) for name, value in zip(_NAMES, given, strict=True) if value is not None)
    return before


@contextmanager
def flags(
    enabled: bool = False, benchmark: bool = False, benchmark_limit: int = 10, deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:  # fmt: skip
    """The switches as given, until the end of `with`.

    >>> from curta.backends import cudnn
    >>> with cudnn.flags(enabled=True, benchmark=True):
    ...     cudnn.benchmark
    True
    >>> cudnn.benchmark
    False
    """
    before = set_flags(enabled, benchmark, benchmark_limit, deterministic, allow_tf32)
    try:
        yield
    finally:
        set_flags(*before)
