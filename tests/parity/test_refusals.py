"""What Curta refuses PyTorch refuses too, and code that catches PyTorch's error catches Curta's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "refusals"))
from refusal import Refusal
from test_refusals import REFUSALS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


@pytest.mark.parametrize("refusal", [one for one in REFUSALS if not one.values[0].only_curta])
@pytest.mark.filterwarnings("ignore")
def test_refused_by_pytorch(refusal: Refusal) -> None:
    with pytest.raises(Exception, match="") as caught:
        refusal.call(torch)
    if type(caught.value).__module__.startswith("torch"):
        assert type(caught.value).__name__ == refusal.error.__name__
    else:
        assert issubclass(refusal.error, type(caught.value))
