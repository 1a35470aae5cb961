"""Fixtures shared by the command line's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import curta
from curta.cli.main import main


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]

TINY = ["--width", "16", "--layers", "1", "--heads", "2", "--context", "16", "--batch", "4", "--report-every", "10"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the command in this process, in an empty directory of its own."""
    monkeypatch.chdir(tmp_path)
    threads = curta.get_num_threads()

    def call(*arguments: str) -> Outcome:
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    yield call
    curta.set_num_threads(threads)  # --threads is for the whole process, which is here also that of other tests


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output directory of a tiny finished run, not to be changed."""
    directory = tmp_path_factory.mktemp("trained") / "run"
    assert main(["train", *TINY, "--steps", "20", "--seed", "3", "--output", str(directory)]) == 0
    return directory
