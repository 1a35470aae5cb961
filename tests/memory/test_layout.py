"""Layouts: shared objects, sizes, and pickling."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from curta import dtypes
from curta.device import META
from curta.errors import ArgumentTypeError
from curta.memory.layout import contiguous, strided


def test_equal_layouts_are_one_object() -> None:
    assert contiguous((2, 3), dtypes.float32) is strided((2, 3), (3, 1), dtypes.float32)
    assert contiguous((2, 3), dtypes.float32) is not contiguous((2, 3), dtypes.int32)
    assert contiguous((2, 3), dtypes.float32) is not contiguous((2, 3), dtypes.float32, META)


def test_sizes() -> None:
    layout = strided((4, 5), (1, 4), dtypes.bfloat16)
    assert (layout.rank, layout.numel, layout.nbytes, layout.is_contiguous) == (2, 20, 40, False)
    assert (contiguous((), dtypes.int64).numel, contiguous((0, 3), dtypes.int64).nbytes) == (1, 0)
    assert repr(layout) == "bf16[4,5]"


def test_a_pickled_layout_comes_back_as_the_same_object() -> None:
    layout = strided((4, 5), (1, 4), dtypes.float16)
    assert pickle.loads(pickle.dumps(layout)) is layout


def test_sizes_are_integers_whatever_came_first() -> None:
    """1.0 and True equal 1, so a layout made of them would be found for every other of its shape."""
    with pytest.raises(ArgumentTypeError, match=r"sizes and strides must be integers, got \(77\.0,\)"):
        strided((77.0,), (1,), dtypes.float32)  # type: ignore[arg-type]
    layout = strided((np.int64(77), True), (1, 1), dtypes.float32)
    assert layout is strided((77, 1), (1, 1), dtypes.float32)
    assert all(type(size) is int for size in layout.shape)
