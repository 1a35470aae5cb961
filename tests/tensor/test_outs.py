"""Results that go where the caller says: into memory that fits, that is empty, or that has another shape."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curta

sys.path.insert(0, str(Path(__file__).parent))
from out_cases import CASES, PLACES, VALUES, OutCase


def written(case: OutCase, shapes: Any) -> tuple[Any, Any, list[Any]]:
    """The result, what was given for it, and what is expected there, one for each result."""
    several = len(case.formats) > 1
    expected = [np.array(one) for one in (case.expected if several else [case.expected])]
    targets = [
        curta.zeros(*shapes(one.shape), dtype=getattr(curta, kind))
        for one, kind in zip(expected, case.formats, strict=True)
    ]
    out = tuple(targets) if several else targets[0]
    return case.call(curta, curta.tensor(VALUES), curta.tensor(PLACES), out), out, expected


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["as it is", "empty"])
def test_values(name: str, kind: str) -> None:
    case = CASES[name]
    made, out, expected = written(case, (lambda shape: shape) if kind != "empty" else (lambda shape: (0,)))
    if len(case.formats) > 1:
        assert isinstance(made, tuple)
        assert type(made).__name__ == name + "_out"
    else:
        assert made is out
        made, out = (made,), (out,)
    for ours, given, wanted, format_name in zip(made, out, expected, case.formats, strict=True):
        assert ours is given
        assert ours.dtype is getattr(curta, format_name)
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-6)


def test_into_memory_with_gaps() -> None:
    whole = curta.zeros(3, 2)
    curta.sum(curta.tensor(VALUES), 0, out=whole[:, 1])
    assert whole.tolist() == [[0, 9], [0, 7], [0, 6]]


def test_resized_with_a_warning() -> None:
    values, places = curta.zeros(3), curta.zeros(3).long()
    with pytest.warns(UserWarning, match="An output with one or more elements was resized"):
        curta.sort(curta.tensor([2.0, 1.0]), out=(values, places))
    assert (values.tolist(), places.tolist()) == ([1, 2], [1, 0])


def test_an_operand_may_be_where_the_result_goes() -> None:
    x = curta.tensor([3.0, 1.0])
    curta.sort(x, out=(x, curta.empty(0).long()))
    assert x.tolist() == [1, 3]


def test_sums_of_truth_are_truth() -> None:
    x = curta.tensor([1.0, 1.0])
    assert x.sum(dtype=curta.bool).item() is True
    assert x.prod(dtype=curta.bool).item() is True
    assert curta.tensor([1.0, 0.0]).prod(dtype=curta.bool).item() is False
