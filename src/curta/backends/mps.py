"""Apple's graphics processors: Curta has no support for them."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can be put on such a device.

    >>> is_available()
    False
    """
    return False


def is_built() -> bool:
    """Whether there is support for them."""
    return False
