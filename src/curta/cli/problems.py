"""What the commands raise for something that the person at the keyboard can put right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from curta.errors import ArgumentError, ArgumentTypeError, CurtaError


class CommandError(CurtaError, ValueError):
    """A problem to be told in one line on standard error, and the exit code that goes with it.

    >>> CommandError("no such thing").exit_code
    2
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn a complaint about an argument into a `CommandError`; used only around checks of what a person gave.

    Elsewhere such a complaint is a fault of Curta's own, and keeps its traceback.

    >>> with bad_input():
    ...     raise ArgumentError("too short")
    Traceback (most recent call last):
    curta.cli.problems.CommandError: too short
    """
    try:
        yield
    except (ArgumentError, ArgumentTypeError) as error:
        raise CommandError(str(error)) from None
