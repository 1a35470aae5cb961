"""Results written to an `out`, and their named types, against an installed PyTorch; `make parity`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tensor"))
from out_cases import CASES, PLACES, VALUES

import curta
from curta import return_types

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

FORMATS = ("float32", "float64", "float16", "int64", "int32", "uint8", "bool")
#: where PyTorch speaks of its own code, or calls truth values by the name of its device
OTHER_WORDS = {"max of all", "median", "nanmedian"}


def attempt(c: Any, name: str, formats: tuple[str, ...]) -> Any:
    """What stands in `out` afterwards, or what was said."""
    targets = [c.empty(0, dtype=getattr(c, kind)) for kind in formats]
    try:
        made = CASES[name].call(c, c.tensor(VALUES), c.tensor(PLACES), targets[0] if len(targets) == 1 else targets)
    except (RuntimeError, TypeError) as error:
        return str(error)
    assert len(targets) == 1 or made[0] is targets[0]
    return [np.asarray(one.numpy()) for one in targets]


@pytest.mark.parametrize("name", CASES)
def test_every_format(name: str) -> None:
    formats = CASES[name].formats
    for place in range(len(formats)):
        for kind in FORMATS:
            tried = (*formats[:place], kind, *formats[place + 1 :])
            ours, theirs = attempt(curta, name, tried), attempt(torch, name, tried)
            if isinstance(theirs, str):
                assert isinstance(ours, str), (kind, theirs)
                assert ours == theirs or name in OTHER_WORDS
            else:
                assert not isinstance(ours, str), (kind, ours)
                for mine, other in zip(ours, theirs, strict=True):
                    assert mine.dtype == other.dtype
                    np.testing.assert_allclose(mine, other, rtol=1e-3 if kind == "float16" else 1e-6, err_msg=kind)


def test_named_types_have_pytorchs_names() -> None:
    for name, kind in return_types.TYPES.items():
        if hasattr(torch.return_types, name):
            assert getattr(torch.return_types, name).__match_args__ == kind.__match_args__


def test_printed_form() -> None:
    for made in (lambda x: x.max(1), lambda x: x.sort(), lambda x: x.median(0), lambda x: x.topk(2)):
        ours, theirs = (repr(made(c.tensor(VALUES))) for c in (curta, torch))
        assert ours == theirs.replace("torch.", "curta.")
