"""OpenMP: Curta's kernels and threads are its own."""

from __future__ import annotations


def is_available() -> bool:
    """Whether there is OpenMP.

    >>> is_available()
    False
    """
    return False
