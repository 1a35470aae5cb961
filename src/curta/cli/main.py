"""The `curta` command."""

from __future__ import annotations


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return 0
