"""Files that appear when they are complete, and not before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import IO

from curta.errors import ArgumentError

_NUMBERS = count()


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write into, which takes the place of `path` when the block ends, and vanishes if it fails.

    Whoever has the old file mapped keeps the old bytes. ArgumentError for a path that is a device or a pipe, OSError
    from the system as it is.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ArgumentError(f"{os.fspath(path)}: is no regular file")
    directory, name = os.path.split(target)
    temporary = os.path.join(directory, f".{name[:100]}.{os.getpid()}-{next(_NUMBERS)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename == temporary:
            error.filename = os.fspath(path)  # the other nobody asked for
        raise
