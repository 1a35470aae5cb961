"""A run's output directory: nothing in it is ever half-written."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from curta.cli.problems import CommandError

WEIGHTS = "model.safetensors"
METRICS = "metrics.jsonl"
PLOT = "loss.png"
REPORT = "report.html"


def default_directory(now: float | None = None) -> Path:
    """`runs/DATE-TIME`, with a number behind it when that is taken: a run never replaces another one.

    >>> default_directory(0.0).parent
    PosixPath('runs')
    """
    stem = time.strftime("%Y-%m-%d-%H%M%S", time.localtime(now))
    path, number = Path("runs") / stem, 2
    while path.exists():
        path, number = Path("runs") / f"{stem}-{number}", number + 1
    return path


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class RunDirectory:
    """The directory `path`, made if needed, and its files, each put in place only when it is complete.

    Use it as a context manager: metrics are appended to a `.partial` file, which `finish_metrics` renames; on leaving,
    what is incomplete is removed, and so are directories that were made and have stayed empty.
    Raises `CommandError` if nothing can be written there or it holds an earlier run and `overwrite` is false.
    """

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        self.path = path
        self.made: list[Path] = []
        self._metrics: IO[str] | None = None
        held = [name for name in (WEIGHTS, METRICS, PLOT, REPORT) if (path / name).exists()]
        if held and not overwrite:
            raise CommandError(f"{path} holds an earlier run ({', '.join(held)}): name another, or pass --overwrite")
        try:
            self._make()
            # Permissions, read-only mounts, full disks: trying is the only test that is always right.
            with tempfile.TemporaryFile(dir=path) as probe:
                probe.write(b"\0")
        except OSError as error:
            self._remove_empty()
            raise CommandError(f"{path}: cannot be written to ({_reason(error)})") from None

    def _make(self) -> None:
        missing: list[Path] = []
        path = self.path
        while not path.exists() and path != path.parent:
            missing.append(path)
            path = path.parent
        for path in reversed(missing):
            path.mkdir()
            self.made.append(path)

    def _remove_empty(self) -> None:
        for path in reversed(self.made):
            try:
                path.rmdir()
            except OSError:  # it holds something, which is then worth keeping
                return

    @property
    def partial(self) -> Path:
        """Where metrics are written while the run goes on."""
        return self.path / f"{METRICS}.partial"

    def __enter__(self) -> RunDirectory:
        self._metrics = open(self.partial, "w", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None
            self.partial.unlink(missing_ok=True)
        self._remove_empty()

    def add_metrics(self, line: str) -> None:
        """Append one line of metrics; it can be read at once by a program that follows the file."""
        assert self._metrics is not None, "add_metrics after finish_metrics"
        self._metrics.write(line + "\n")
        self._metrics.flush()

    def finish_metrics(self) -> Path:
        """Put the metrics file in place and return its path."""
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None
            os.replace(self.partial, self.path / METRICS)
        return self.path / METRICS

    def remove(self, name: str) -> None:
        """Remove the file `name` of an earlier run, if there is one."""
        (self.path / name).unlink(missing_ok=True)

    def write(self, name: str, content: bytes) -> Path:
        """Write the file `name` under another name, put it in place when it is complete, and return its path.

        Raises `CommandError` (exit code 1) if it cannot be written, for example on a full disk.
        """
        target = self.path / name
        temporary = self.path / f".{name}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError as error:
            raise CommandError(f"{target}: cannot be written ({_reason(error)})", exit_code=1) from None
        finally:
            temporary.unlink(missing_ok=True)
        return target
