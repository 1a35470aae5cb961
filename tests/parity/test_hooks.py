"""Hooks on modules hear in Curta what they hear in PyTorch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "nn"))
from hook_stories import STORIES

import curta

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("story", STORIES)
def test_what_hooks_hear(story: Any) -> None:
    assert story(curta) == story(torch)
