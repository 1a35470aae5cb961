"""`CURTA_TEST_FILL=ff` runs any test with fresh memory and scratch full of that byte: 0xFF is NaN in every format."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


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


@pytest.fixture(scope="module", autouse=True)
def settled_heap() -> None:
    """What earlier files left, mostly compiled kernels, is not looked through again by every account of this one.

    Unless a tensor is among it, which accounts have to find.
    """
    from curta.memory.allocator import HOST

    gc.collect()
    if HOST.current == 0:
        gc.freeze()


def pytest_collection_finish() -> None:
    """What ten thousand collected tests are made of stays: neither the collector nor an account looks through it.

    Nor does the allocator count the few tensors among it, which an account would else say are somebody else's.
    """
    from curta.memory.allocator import HOST
    from curta.memory.storage import HostStorage

    gc.collect()
    HOST.current -= sum(one.nbytes for one in gc.get_objects() if issubclass(type(one), HostStorage))
    gc.freeze()
