"""cuDNN's switches, with PyTorch's defaults: there is no cuDNN, and what is set here changes nothing."""

from __future__ import annotations

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether there is cuDNN.

    >>> is_available()
    False
    """
    return False


def version() -> None:
    """The version of cuDNN: None, since there is none."""
    return
