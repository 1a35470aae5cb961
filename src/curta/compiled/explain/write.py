"""A program run once, timed, and written as a page."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from curta.compiled.explain.machine import first_format, measured
from curta.compiled.explain.page import page
from curta.compiled.program import Program
from curta.dtypes import float32
from curta.errors import ArgumentError
from curta.tensor import Tensor


def check_writable(path: str | os.PathLike[str], overwrite: bool, how: str = "overwrite=True") -> Path:
    """The path, for a page to be written there; ArgumentError if it cannot be, or a file is there already.

    `how` says what lets that file be overwritten.
    """
    target = Path(path)
    if target.is_dir():
        raise ArgumentError(f"{path} is a directory: name a file")
    if target.exists() and not overwrite:
        raise ArgumentError(f"{path} exists: name another file, or pass {how}")
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be written ({error.strerror})") from None
    return target


def explain(program: Program, arguments: list[Tensor], target: Path, title: str) -> None:
    """Measure the machine in the formats that the program computes in, run the program once, and write its page."""
    read = {first_format(node) for native in program.parts().values() for node in native.graph.nodes}
    dtypes = [dtype for dtype in read if dtype is not None and dtype.is_floating_point]
    machine = measured(sorted(dtypes, key=lambda dtype: dtype.name) or [float32])
    target.write_text(page(program, program.profile_parts(arguments), machine, title), encoding="utf-8")
