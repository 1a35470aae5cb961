"""A test that hangs fails, and none leaves processes, mappings, descriptors or files in /dev/shm behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

LIMIT = 30.0


def shared_files() -> set[str]:
    directory = Path("/dev/shm")
    return set(os.listdir(directory)) if directory.is_dir() else set()


def mappings() -> int:
    """How many batches are mapped into this process."""
    return Path("/proc/self/maps").read_text().count("curta-batch")


@pytest.fixture
def mapped() -> Callable[[], int]:
    """`mappings`, to be called by a test."""
    return mappings


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"the test took more than {LIMIT} seconds")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    files, opened = shared_files(), descriptors()
    try:
        yield
        if multiprocessing.active_children() or mappings() or descriptors() > opened:
            gc.collect()  # what an exception's traceback or a cycle still held
        assert multiprocessing.active_children() == []
        assert mappings() == 0
        assert shared_files() <= files
        assert descriptors() <= opened
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
