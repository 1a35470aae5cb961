"""`vmap` of every operator and its gradients, against a loop over the slices: values, formats and shapes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ops"))
from programs import named_programs
from support import to_numpy

import curta
from curta import func

PROGRAMS = named_programs(("contiguous",), every_dtype=False)
ROWS, COLUMNS = 5, 9
#: what cannot be mapped, and the words that say so
REFUSED: dict[str, str] = {}
#: operators that run slice by slice
LOOPED: set[str] = set()


def recorded(name: str) -> list[Any]:
    """The arrays that a program is made of."""
    arrays: list[Any] = []

    def make(values: Any) -> Any:
        arrays.append(np.asarray(values).copy())
        return curta.from_numpy(arrays[-1].copy())

    PROGRAMS[name](make, ROWS, COLUMNS)
    return arrays


def other(values: Any) -> Any:
    """Different numbers from the same range, in an order that keeps what is sorted sorted."""
    return values.copy() if values.ndim == 0 else np.roll(values, 1, 0) if values.ndim > 1 else values.copy()


def results_of(name: str, tensors: Iterator[Any]) -> tuple[Any, ...]:
    curta.manual_seed(7)
    made = PROGRAMS[name](lambda values: next(tensors), ROWS, COLUMNS)
    given = made if isinstance(made, tuple | list) else (made,)
    return tuple(one for one in given if one is not None)


def test_all() -> None:
    bad = []
    for name in PROGRAMS:
        try:
            one_operator(name)
        except BaseException as e:
            bad.append((name, type(e).__name__, str(e).replace("\n", " ")[:230]))
    for b in bad: print(*b)
    print(len(PROGRAMS), len(bad), func.looped())


def one_operator(name: str) -> None:
    first = recorded(name)
    second = [other(one) for one in first]
    wanted = [results_of(name, iter([curta.from_numpy(one.copy()) for one in arrays])) for arrays in (first, second)]
    stacked = [curta.from_numpy(np.stack(pair)) for pair in zip(first, second, strict=True)]
    found = func.vmap(lambda *tensors: results_of(name, iter(tensors)), randomness="same")(*stacked)
    assert len(found) == len(wanted[0])
    for one, a, b in zip(found, *wanted, strict=True):
        assert one.dtype is a.dtype
        for got, want in zip(one, (a, b), strict=True):
            assert got.shape == want.shape
            np.testing.assert_allclose(to_numpy(got.detach()).astype("f8"), to_numpy(want.detach()).astype("f8"), rtol=3e-3 if one.dtype.itemsize==2 else 2e-5, atol=1e-3 if one.dtype.itemsize==2 else 2e-6)

test_all()
