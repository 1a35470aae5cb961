"""`CURTA_TEST_FILL=ff` runs any test with fresh memory and scratch full of that byte: 0xFF is NaN in every format."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from curta.runtime.replay import Replay


@pytest.fixture(autouse=True)
def filled_memory() -> Iterator[None]:
    byte = os.environ.get("CURTA_TEST_FILL")
    if not byte:
        yield
        return
    sys.path.insert(0, str(Path(__file__).parent / "ops"))
    from surroundings import memory_filled_with

    with memory_filled_with(int(byte, 16)):
        yield


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every launch of operators together."""
    seen: list[int] = []
    run = Replay.run

    def counted(self: Replay) -> None:
        seen.append(1)
        run(self)

    monkeypatch.setattr(Replay, "run", counted)
    return seen


@pytest.fixture(scope="module", autouse=True)
def settled_heap() -> None:
    """What earlier files left, mostly compiled kernels, is not looked through again by every collection of this one."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """What ten thousand collected tests are made of stays: the collector does not look through it."""
    gc.collect()
    gc.freeze()
