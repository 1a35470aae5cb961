"""Operators on images and on rows: values in every layout and format, gradients, costs, the meta device, compiled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from image_cases import IMAGE_CASES, ImageCase, params_of
from support import DTYPES, array, exact, numpy_dtype, to_numpy

import curta
from curta.ops import batch_normalization, convolution, group_normalization, pooling, resampling, rms_normalization
from curta.ops.dispatch import bind
from curta.ops.record import Op, View

CASES = [pytest.param(case, id=case.name) for case in IMAGE_CASES]
DIFFERENTIABLE = [pytest.param(case, id=case.name) for case in IMAGE_CASES if case.gradients]
LAYOUTS = ("contiguous", "transposed", "step", "broadcast", "empty")
#: of the largest element, for half formats one rounding of the result
ALLOWED = {"float16": 1e-3, "bfloat16": 8e-3, "float32": 1e-5, "float64": 1e-12}


def operands(case: ImageCase, dtype: str, layout: str = "contiguous") -> tuple[list[Any], list[Any]]:
    """The same numbers as NumPy arrays and as tensors; variances are positive, as all numbers here are."""
    arrays, tensors = [], []
    for place, shape in enumerate(case.shapes):
        batched, make = place in case.batched, case.places.get(place)
        shape = (0, *shape[1:]) if layout == "empty" and batched else shape
        values = array(shape, (0.25, 2.0), dtype, place + 1) if make is None else make(shape)
        if layout == "broadcast" and batched:
            values = np.broadcast_to(values[:1], shape)
            tensor = curta.from_numpy(values[:1].copy()).expand(*shape)
        elif layout == "transposed":
            tensor = curta.from_numpy(values.transpose().copy()).permute(*reversed(range(len(shape))))
        elif layout == "step":
            tensor = curta.from_numpy(np.repeat(values, 2, -1))[..., ::2]
        else:
            tensor = curta.from_numpy(values.copy())
        arrays.append(exact(values))
        tensors.append(tensor)
    return arrays, tensors


def all_of(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def run(case: ImageCase, tensors: list[Any], dtype: str = "float32") -> tuple[Any, ...]:
    return all_of(bind(case.op, (*tensors, *case.numbers), **params_of(case, DTYPES[dtype])))


def test_every_operator_has_a_case() -> None:
    covered = {id(case.op) for case in IMAGE_CASES}
    modules = (batch_normalization, convolution, group_normalization, pooling, resampling, rms_normalization)
    for module in modules:
        for name, op in vars(module).items():
            if (
                name.isupper()
                and isinstance(op, Op)
                and op.name.startswith(("conv", "fold", "batch", "group", "plain", "rms", "running", "weighted"))
            ):
                assert id(op) in covered, name
            if module is pooling and isinstance(op, Op) and not isinstance(op.lower, View):
                assert id(op) in covered, name


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("case", "dtype"), [pytest.param(case, name, id=f"{case.name}-{name}") for case in IMAGE_CASES
                        for name in case.dtypes]
)  # fmt: skip
def test_values(case: ImageCase, dtype: str, layout: str) -> None:
    arrays, tensors = operands(case, dtype, layout)
    wanted = all_of(case.oracle(*arrays, *case.numbers, **case.params))
    found = run(case, tensors, dtype)
    assert found[0].dtype is DTYPES[dtype]
    for one, other in zip(found, wanted, strict=True):
        values = to_numpy(one).astype(np.float64)
        assert values.shape == other.shape
        largest = np.abs(other).max(initial=0.0)
        assert np.abs(values - other).max(initial=0.0) <= ALLOWED[dtype] * largest


@pytest.mark.parametrize("case", DIFFERENTIABLE)
def test_gradient(case: ImageCase) -> None:
    arrays, tensors = operands(case, "float64")
    wanting = [tensors[place].requires_grad_() for place in case.gradients]
    result = run(case, tensors, "float64")[0]
    weights = array(tuple(result.shape), (0.5, 1.5), "float64", 9)
    found = curta.autograd.grad((result * curta.from_numpy(weights)).sum(), wanting)
    for place, gradient in zip(case.gradients, found, strict=True):
        wanted = _differences(case, arrays, place, weights)
        np.testing.assert_allclose(gradient.numpy(), wanted, rtol=1e-5, atol=1e-6)


def _differences(case: ImageCase, arrays: list[Any], place: int, weights: Any) -> Any:
    step = 1e-6
    made = np.zeros_like(arrays[place])
    for where in np.ndindex(made.shape):
        values = []
        for sign in (1, -1):
            moved = [one.copy() for one in arrays]
            moved[place][where] += sign * step
            values.append((all_of(case.oracle(*moved, *case.numbers, **case.params))[0] * weights).sum())
        made[where] = (values[0] - values[1]) / (2 * step)
    return made


@pytest.mark.parametrize("case", CASES)
def test_cost(case: ImageCase) -> None:
    _, tensors = operands(case, "float32")
    with curta.account() as account:
        run(case, tensors)
    assert account.by_op() == {case.op.name: case.cost}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", ["contiguous", "transposed"])
def test_meta(case: ImageCase, layout: str) -> None:
    _, real = operands(case, case.dtypes[0], layout)
    meta = [curta.empty_strided(one.shape, one.stride(), dtype=one.dtype, device="meta") for one in real]
    for found, wanted in zip(run(case, meta, case.dtypes[0]), run(case, real, case.dtypes[0]), strict=True):
        assert found.device.type == "meta"
        assert (found.shape, found.stride(), found.dtype) == (wanted.shape, wanted.stride(), wanted.dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES)
def test_compiled(case: ImageCase, layout: str) -> None:
    dtype = case.dtypes[0]
    _, tensors = operands(case, dtype, layout)
    compiled = curta.compile(lambda *given: run(case, list(given), dtype))
    for one, other in zip(compiled(*tensors), run(case, tensors, dtype), strict=True):
        assert to_numpy(one).tobytes() == to_numpy(other).tobytes()
    assert numpy_dtype(dtype) == to_numpy(compiled(*tensors)[0]).dtype
