"""What configurations check about their sizes."""

from __future__ import annotations

from typing import Any

from curta.errors import ArgumentError, ArgumentTypeError


def check_sizes(config: Any, *names: str) -> None:
    """Raises `ArgumentTypeError` for a field that is no whole number, `ArgumentError` for one that is not positive."""
    for name in names:
        size = getattr(config, name)
        if not isinstance(size, int) or isinstance(size, bool):
            raise ArgumentTypeError(f"{name} must be an int, got {type(size).__name__}")
        if size <= 0:
            raise ArgumentError(f"{name} must be positive, got {size}")


def check_heads(width: int, heads: int) -> None:
    """Raises `ArgumentError` where the heads do not divide the width."""
    if width % heads:
        raise ArgumentError(
            f"width must be divisible by heads, got a width of {width} and {heads} head{'s' if heads > 1 else ''}"
        )
