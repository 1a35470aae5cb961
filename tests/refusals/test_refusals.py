"""Every refused call raises Curta's own error with its own words, and leaves the seed and the modes as they were."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from refusal import Refusal

import curta
from curta.errors import CurtaError

FILES = sorted(path.stem for path in Path(__file__).parent.glob("refusals_of_*.py"))
REFUSALS = [
    pytest.param(refusal, id=f"{file.removeprefix('refusals_of_')}-{number}")
    for file in FILES
    for number, refusal in enumerate(importlib.import_module(file).REFUSALS)
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal: Refusal) -> None:
    with pytest.raises(CurtaError) as caught:
        refusal.call(curta)
    assert type(caught.value) is refusal.error
    assert str(caught.value) == refusal.message
    assert curta.is_grad_enabled()
