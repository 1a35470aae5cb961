"""Compositions: whatever is fused gives what NumPy gives in float64."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from engine_harness import array, composition, filled, pointwise, reduction, run, tensor, variants

from curta import dtypes
from curta.compiler.expression import FLAT_INDEX, index
from curta.errors import CompilerError
from curta.ops.choice import MAXIMUM
from curta.ops.dispatch import bind, bind_into
from curta.ops.elementwise import ADD, DIV, MUL, SUB
from curta.ops.mathematics import EXP, TANH

SUM, MAX = reduction("sum"), reduction("max")
RNG = np.random.default_rng(3)


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-5 * max(1.0, float(np.abs(wanted).max(initial=0))))


def softmax(x: Any, dims: tuple[int, ...]) -> Any:
    e = bind(EXP, (bind(SUB, (x, bind(MAX, (x,), dims=dims, keepdim=True))),))
    return bind(DIV, (e, bind(SUM, (e,), dims=dims, keepdim=True)))


@pytest.mark.parametrize("dims", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_softmax_over_any_dims_of_any_layout(dims: tuple[int, ...]) -> None:
    op = composition(lambda x: softmax(x, dims))
    values = RNG.standard_normal((5, 9, 37)).astype(np.float32)
    e = np.exp(values.astype(np.float64))
    for laid in variants(values):
        close(run(op, laid), e / e.sum(dims, keepdims=True))


def test_variance_over_rows_then_a_sum_over_columns() -> None:
    def body(x: Any) -> Any:
        mean = bind(MUL, (bind(SUM, (x,), dims=(1,), keepdim=True), 1 / 70))
        centred = bind(SUB, (x, mean))
        variance = bind(MUL, (bind(SUM, (bind(MUL, (centred, centred)),), dims=(1,), keepdim=True), 1 / 70))
        scaled = bind(DIV, (centred, variance))
        return scaled, bind(SUM, (scaled,), dims=(0,), keepdim=True), variance

    values = RNG.standard_normal((33, 70)).astype(np.float32)
    exact = values.astype(np.float64)
    variance = exact.var(1, keepdims=True)
    scaled = (exact - exact.mean(1, keepdims=True)) / variance
    for found, wanted in zip(
        run(composition(body), values), (scaled, scaled.sum(0, keepdims=True), variance), strict=True
    ):
        close(found, wanted)


def test_results_that_lose_their_dimension_line_up_as_numpy_says() -> None:
    def body(x: Any, y: Any) -> Any:
        rows = bind(SUM, (x,), dims=(1,), keepdim=False)
        return bind(SUB, (x, rows)), bind(MUL, (rows, y)), bind(MUL, (rows, 2.0))

    x, y = RNG.standard_normal((6, 6)).astype(np.float32), RNG.standard_normal(6).astype(np.float32)
    rows = x.astype(np.float64).sum(1)
    for found, wanted in zip(run(composition(body), x, y), (x - rows, rows * y, rows * 2), strict=True):
        close(found, wanted)


def test_a_reduction_of_a_reduction_that_lost_its_dimension() -> None:
    def body(x: Any) -> Any:
        rows = bind(EXP, (bind(SUM, (x,), dims=(1,), keepdim=False),))
        total = bind(SUM, (bind(SUB, (x, rows)),), dims=(1,), keepdim=False)
        return bind(SUM, (bind(MUL, (total, rows)),), dims=(0,), keepdim=False)

    x = RNG.standard_normal((5, 5)).astype(np.float32) / 4
    rows = np.exp(x.astype(np.float64).sum(1))
    close(run(composition(body), x), ((x - rows).sum(1) * rows).sum())


def test_indices_keep_their_meaning_when_broadcast_and_reduced() -> None:
    axis, flat = filled(lambda x: index(0)), filled(lambda x: FLAT_INDEX)
    second = filled(lambda x: index(1))

    def body(x: Any, y: Any) -> Any:
        both = bind(ADD, (bind(MUL, (x, 1)), bind(axis, (y,))))
        return (
            both,
            bind(SUM, (bind(flat, (x,)),), dims=(0,), keepdim=False),
            bind(SUM, (bind(axis, (x,)),), dims=(1,), keepdim=False),
            bind(SUM, (bind(second, (x,)),), dims=(0, 2), keepdim=False),
            bind(MAX, (bind(ADD, (bind(flat, (y,)), x)),), dims=(1,), keepdim=True),
        )

    x, y = RNG.integers(0, 9, (3, 5, 4)), np.zeros(4, np.int64)
    place, along = np.indices(x.shape), np.arange(4)
    numbers = np.arange(60).reshape(x.shape)
    wanted = (x + along, numbers.sum(0), place[0].sum(1), place[1].sum((0, 2)), (along + x).max(1, keepdims=True))
    for found, right in zip(run(composition(body), x, y), wanted, strict=True):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (1, 5), (5, 1), (3, 1, 9), (0, 4)])
def test_indices_of_small_and_empty_shapes(shape: tuple[int, ...]) -> None:
    given = np.zeros(shape, np.float32)
    np.testing.assert_array_equal(run(filled(lambda x: FLAT_INDEX), given), np.arange(given.size).reshape(shape))
    for axis in range(len(shape)):
        op = filled(lambda x, axis=axis: index(axis))
        np.testing.assert_array_equal(run(op, given), np.indices(shape)[axis])


def test_outputs_may_lie_where_inputs_do() -> None:
    # an optimizer's update: both results read both inputs, and are written over them
    op = composition(lambda w, m: (bind(SUB, (w, m)), bind(ADD, (bind(MUL, (m, 0.5)), w))))
    for count in (1, 5, 1000):
        w, m = RNG.standard_normal((2, count)).astype(np.float32)
        wanted = w - m, m * np.float32(0.5) + w
        bind_into(op, (tensor(w), tensor(m)), (tensor(w), tensor(m)))
        np.testing.assert_array_equal(w, wanted[0])
        np.testing.assert_allclose(m, wanted[1], rtol=1e-6)


def test_softmax_written_over_its_input_in_any_layout() -> None:
    op = composition(lambda x: softmax(x, (1,)))
    values = RNG.standard_normal((7, 45)).astype(np.float32)
    e = np.exp(values.astype(np.float64))
    for laid in variants(values):
        into = tensor(laid)
        bind_into(op, (into,), (into,))
        close(laid, e / e.sum(1, keepdims=True))
        assert into.storage is not None
        assert into.storage.version == 1


def test_a_strided_result_that_another_kernel_reads_too() -> None:
    def body(x: Any) -> Any:
        rows = bind(SUM, (x,), dims=(1,), keepdim=True)
        return rows, bind(SUM, (bind(MUL, (x, rows)),), dims=(0,), keepdim=True)

    x = RNG.standard_normal((40, 30)).astype(np.float32)
    wide, columns = np.zeros((40, 50), np.float32), np.zeros((1, 30), np.float64)
    bind_into(composition(body), (tensor(x),), (tensor(wide[:, 7:8]), tensor(columns)))
    rows = x.astype(np.float64).sum(1, keepdims=True)
    close(wide[:, 7:8], rows)
    close(columns, (x * rows).sum(0, keepdims=True))
    assert not wide[:, :7].any()
    assert not wide[:, 8:].any()


UNARY = [(EXP, lambda a: np.exp(np.minimum(a, 3))), (TANH, np.tanh)]
BINARY = [(ADD, np.add), (SUB, np.subtract), (MUL, np.multiply), (MAXIMUM, np.maximum)]
REDUCTIONS = [(SUM, np.sum), (MAX, np.max)]


@st.composite
def programs(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple[str, int, int, int]], list[int], int]:
    """A shape, steps (kind, which, operands), which values are results, and how many threads."""
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 17, 40]), min_size=1, max_size=3)))
    steps = []
    for place in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["unary", "binary", "binary", "reduce", "number"]))
        operands = st.integers(0, 1 + place)
        steps.append((kind, draw(st.integers(0, 99)), draw(operands), draw(operands)))
    results = draw(st.lists(st.integers(2, 1 + len(steps)), min_size=1, max_size=3))
    return shape, steps, results, draw(st.integers(0, 2))


def interpret(steps: list[tuple[str, int, int, int]], values: list[Any], shape: tuple[int, ...], on: Any) -> list[Any]:
    """Run the steps with NumPy (`on` is "numpy") or while a composition is traced."""
    numpy = on == "numpy"

    def apply(pair: Any, *operands: Any, **params: Any) -> Any:
        return pair[1](*operands) if numpy else bind(pair[0], operands, **params)

    cap: Any = (MINIMUM_OF_THREE, lambda a: np.clip(a, -3, 3))
    for kind, which, left, right in steps:
        a, b = values[left], values[right]
        if kind == "unary":
            values.append(apply(UNARY[which % 2], apply(cap, a)))
        elif kind == "binary":
            values.append(apply(cap, apply(BINARY[which % 4], a, b)))
        elif kind == "number":
            values.append(apply(BINARY[which % 4], a, 0.5))
        else:
            rank = len(shape)
            dims = tuple(d for d in range(rank) if (which % (1 << rank) or 1) >> d & 1)
            own, oracle = REDUCTIONS[which % 2]
            result = oracle(a, dims, keepdims=True) if numpy else bind(own, (a,), dims=dims, keepdim=True)
            values.append(apply((MUL, np.multiply), result, 1 / 64))
    return values


MINIMUM_OF_THREE = pointwise(lambda a: a.gt(3.0).select(3.0, a.lt(-3.0).select(-3.0, a)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(programs())
def test_any_composition_equals_numpy(program: Any) -> None:
    shape, steps, results, layout = program
    rng = np.random.default_rng(len(steps))
    first = rng.standard_normal(shape).astype(np.float32)
    first = variants(first)[layout]
    second = rng.standard_normal(shape[-1:]).astype(np.float32)

    def body(x: Any, y: Any) -> Any:
        y = bind(ADD, (y, bind(MUL, (x, 0.0))))  # so that reductions over any axis are possible
        values = interpret(steps, [x, y], shape, "curta")
        return tuple(values[number] for number in results)

    exact = [first.astype(np.float64), np.broadcast_to(second, shape).astype(np.float64)]
    wanted = interpret(steps, exact, shape, "numpy")
    found = run(composition(body), first, second)
    found = found if isinstance(found, tuple) else (found,)
    for number, one in zip(results, found, strict=True):
        np.testing.assert_allclose(one, wanted[number], rtol=3e-4, atol=3e-4)


def test_messages() -> None:
    x = np.ones((2, 3), np.float32)
    with pytest.raises(CompilerError, match=r"writes f32\[2,3\], cannot write into f32\[3,2\]"):
        bind_into(EXP, (tensor(x),), (tensor(np.ones((3, 2), np.float32)),))
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        bind_into(EXP, (tensor(x),), (tensor(np.broadcast_to(np.ones(3, np.float32), (2, 3))),))
    one = run(composition(lambda x: bind(SUM, (x,), dims=(), keepdim=True)), x)
    np.testing.assert_array_equal(one, x)
    assert array(tensor(x)).dtype == dtypes.float32.numpy
