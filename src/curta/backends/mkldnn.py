"""oneDNN: Curta's kernels and threads are its own, and what is set here changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

enabled = True
deterministic = False


def is_available() -> bool:
    """Whether there is oneDNN.

    >>> is_available()
    False
    """
    return False


def set_flags(_enabled: bool | None = None, _deterministic: bool | None = None) -> tuple[bool, bool]:
    """Set the switches that are not None; gives what they were."""
    global enabled, deterministic
    before = enabled, deterministic
    enabled = enabled if _enabled is None else _enabled
    deterministic = deterministic if _deterministic is None else _deterministic
    return before


@contextmanager
def flags(enabled: bool = False, deterministic: bool = False) -> Iterator[None]:
    """The switches as given, until the end of `with`.

    >>> from curta.backends import mkldnn
    >>> with mkldnn.flags(enabled=False):
    ...     mkldnn.enabled
    False
    >>> mkldnn.enabled
    True
    """
    before = set_flags(enabled, deterministic)
    try:
        yield
    finally:
        set_flags(*before)
