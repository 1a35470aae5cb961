"""Devices beside the CPU as programs ask after them: there is none."""

from __future__ import annotations


def is_available() -> bool:
    """Whether there is an accelerator.

    >>> is_available()
    False
    """
    return False


def current_accelerator(check_available: bool = False) -> None:
    """The accelerator: None, since there is none."""
    return


def device_count() -> int:
    """The number of accelerators.

    >>> device_count()
    0
    """
    return 0
