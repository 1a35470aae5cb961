"""Apple's graphics processors as programs ask after them: Curta has no support for them."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can be put on such a device.

    >>> is_available()
    False
    """
    return False


def device_count() -> int:
    """The number of such devices.

    >>> device_count()
    0
    """
    return 0
