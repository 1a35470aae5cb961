"""CUDA as programs ask after it: there is none yet."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can be put on a CUDA device.

    >>> is_available()
    False
    """
    return False


def device_count() -> int:
    """The number of CUDA devices.

    >>> device_count()
    0
    """
    return 0
