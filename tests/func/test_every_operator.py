"""`vmap` of every operator and its gradients, against a loop over the slices: values, formats and shapes."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ops"))
from programs import named_programs
from support import to_numpy

import curta
from curta import func

EVERY = named_programs(("contiguous",), every_dtype=False)
#: one for each rule, and for each family that has operators of its own; one rule is for all element-wise operators
PROGRAMS = {
    name: EVERY[name]
    for name in (
        "add-float32-contiguous", "where-float32-contiguous", "softmax rows", "softmax in bfloat16", "layer_norm",
        "rms_norm", "batch_norm", "batch_norm with given statistics", "gelu", "prelu", "glu", "cosine_similarity",
        "cross_entropy", "cross_entropy of probabilities", "embedding", "attention", "attention of wide heads, masked",
        "attention with dropout, masked", "attention masked", "attention biased", "conv2d", "conv2d without bias",
        "max_pool2d", "avg_pool2d", "matmul", "matmul in batches", "matmul transposed", "linear", "projection",
        "linear_cross_entropy", "cat", "stack", "rows by number", "columns by number", "index_select", "gather",
        "scatter", "scatter_add", "index_add", "tril", "triu", "flip", "roll", "repeat", "expand", "as_strided",
        "max along rows", "min along columns", "diagonal", "sort along rows", "sort along columns", "quantile",
        "searchsorted", "cumsum along rows", "cumsum along columns", "cumprod", "cummax", "logcumsumexp", "nansum",
        "written in place", "drawn and scattered in place", "joined in a composition", "causal",
    )
}  # fmt: skip
ROWS, COLUMNS = 5, 9
#: operators that run slice by slice, because a part of them is made again where it is read, or has kernels of its own
LOOPED = {
    "attention", "attention_backward", "batch_norm_inference_backward", "linear_cross_entropy",
    "linear_cross_entropy_backward", "linear_cross_entropy_both", "masked_attention_softmax",
}  # fmt: skip


def recorded(name: str) -> tuple[list[Any], list[Any]]:
    """The arrays that a program is made of, and its results."""
    arrays: list[Any] = []

    def make(values: Any) -> Any:
        arrays.append(np.asarray(values).copy())
        return curta.from_numpy(arrays[-1].copy())

    return arrays, results_of(name, make)


def results_of(name: str, make: Any) -> list[Any]:
    curta.manual_seed(7)
    made = PROGRAMS[name](make, ROWS, COLUMNS)
    return [one for one in (made if isinstance(made, tuple | list) else (made,)) if one is not None]


def other(values: Any) -> Any:
    """Other numbers of the same range; what may have to be sorted stays."""
    return np.roll(values, 1, 0) if values.ndim > 1 else values


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_a_loop_over_slices(name: str) -> None:
    before = func.looped()
    first, wanted = recorded(name)
    second = [other(one) for one in first]
    given = iter([curta.from_numpy(one.copy()) for one in second])
    wanted = [wanted, results_of(name, lambda values: next(given))]
    stacked = [curta.from_numpy(np.stack(pair)) for pair in zip(first, second, strict=True)]

    def mapped(*tensors: Any) -> tuple[Any, ...]:
        left = iter(tensors)
        return tuple(results_of(name, lambda values: next(left)))

    found = func.vmap(mapped, randomness="same")(*stacked)
    for one, *both in zip(found, *wanted, strict=True):
        rough = one.dtype.itemsize == 2
        for got, want in zip(one, both, strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            mine, theirs = (to_numpy(each.detach()).astype("f8") for each in (got, want))
            np.testing.assert_allclose(mine, theirs, rtol=3e-3 if rough else 2e-5, atol=1e-3 if rough else 2e-6)
    assert set(Counter(func.looped()) - Counter(before)) <= LOOPED
