"""`CURTA_TEST_FILL=ff` runs any test with fresh memory and scratch full of that byte: 0xFF is NaN in every format."""

from __future__ import annotations

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
    from programs import memory_filled_with

    with memory_filled_with(int(byte, 16)):
        yield
