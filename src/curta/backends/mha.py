"""The fast path of PyTorch's attention layers: Curta has one way, and what is set here changes nothing."""

from __future__ import annotations

_enabled = True


def get_fastpath_enabled() -> bool:
    """Whether the fast path is allowed.

    >>> get_fastpath_enabled()
    True
    """
    return _enabled


def set_fastpath_enabled(value: bool) -> None:
    """Allow the fast path, or not."""
    global _enabled
    _enabled = value
