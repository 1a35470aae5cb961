"""`nonzero` against NumPy's search: shapes with sizes of a power of two and others, few elements and many."""

from __future__ import annotations

import numpy as np
import pytest

import curta

SHAPES = ((), (5,), (0,), (3, 4), (0, 3), (3, 0), (64, 33), (100, 128), (7, 11, 13, 8), (40, 1, 64), (2000,), (1, 2048))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_places(shape: tuple[int, ...], share: float) -> None:
    found = np.random.default_rng(len(shape)).random(shape) < share
    for values in (np.array(found), np.array(found, np.float32) * 2, np.asfortranarray(found)):  # never 0-d
        x = curta.from_numpy(np.array(values))
        wanted = np.argwhere(values) if values.ndim else np.zeros((np.count_nonzero(values), 0))
        rows = x.nonzero()
        assert tuple(rows.shape) == wanted.shape
        np.testing.assert_array_equal(rows.numpy(), wanted)
        for mine, numpys in zip(x.nonzero(as_tuple=True), np.atleast_1d(values).nonzero(), strict=True):
            np.testing.assert_array_equal(mine.numpy(), numpys)


def test_indices_of_a_dimension_lie_side_by_side() -> None:
    rows = curta.ones(30, 64).nonzero()
    assert rows.stride() == (1, 30 * 64)
    assert rows._base is None
