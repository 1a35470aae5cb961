"""Attention kernels against NumPy in float64 over all the scores, at every level this machine has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from curta.errors import CompilerError

sys.path.insert(0, str(Path(__file__).parent))
from attention_harness import gradients, oracle, plan_for, run
from matmul_harness import VECTOR_BYTES, Array, levels, modules

FLOATS = ("float32", "float64", "bfloat16", "float16")
#: half a unit in the last place, relative
ROUNDING = {"float32": 2.0**-24, "float64": 2.0**-53, "bfloat16": 2.0**-8, "float16": 2.0**-11}
#: batch, queries, keys, width, width of the values: around tiles, blocks of rows and blocks of keys
SHAPES = [
    ((), 1, 1, 1, 1), ((2,), 5, 7, 3, 4), ((2, 3), 24, 24, 16, 16), ((), 25, 17, 33, 9), ((1,), 1, 300, 8, 8),
    ((), 300, 1, 8, 8), ((2,), 97, 97, 64, 64), ((), 130, 257, 20, 40), ((), 260, 513, 16, 17), ((), 520, 270, 8, 24),
    ((), 5, 20, 256, 256),
]  # fmt: skip


def numpy_dtype(name: str) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def operands(shape: tuple[Any, ...], name: str, seed: int = 1) -> tuple[Array, Array, Array, Array]:
    """g, query, key, value."""
    batch, L, S, E, V = shape
    rng = np.random.default_rng(seed)
    sizes = (L, V), (L, E), (S, E), (S, V)
    g, query, key, value = (rng.standard_normal((*batch, *each)).astype(numpy_dtype(name)) for each in sizes)
    return g, query, key, value


def empty_results(query: Array, value: Array) -> tuple[Array, Array]:
    wide = np.float64 if query.dtype == np.float64 else np.float32
    return np.full((*query.shape[:-1], value.shape[-1]), np.nan, query.dtype), np.full(query.shape[:-1], np.nan, wide)


def forward(query: Array, key: Array, value: Array, level: str, **settings: Any) -> tuple[Array, Array]:
    out, log_sum = empty_results(query, value)
    run([query, key, value, out, log_sum], level, **settings)
    return out, log_sum


def mask_for(kind: str, shape: tuple[Any, ...], name: str, seed: int = 5) -> Array:
    """A mask over the scores of a shape; nothing lies in memory behind its last element."""
    batch, L, S, _, _ = shape
    rng = np.random.default_rng(seed)
    size = (*(batch if "batch" in kind else ()), 1 if "row" in kind else L, S)
    seen = rng.random(size) < 0.7
    if "bool" in kind:
        return seen
    return np.where(seen, rng.standard_normal(size), -np.inf).astype(numpy_dtype(name))


def near(found: Array, wanted: Array, name: str, steps: int, felt: float = 0.0) -> None:
    """Within the roundings of the sums, which grow as the root of their number, one of the result, and those `felt`."""
    summing = ROUNDING["float64" if name == "float64" else "float32"]
    size = np.abs(wanted).max(initial=1.0)
    subnormal = 2.0**-24 if name == "float16" else 0.0
    bound = (8 + 4 * np.sqrt(steps)) * summing * size + ROUNDING[name] * np.abs(wanted) + subnormal + felt
    assert (np.abs(found.astype(np.float64) - wanted) <= bound).all()


def weights_felt(value: Array, name: str, level: str) -> float:
    """What it changes at most that the weights, whose sum is 1, are rounded where products take pairs of bfloat16."""
    rounded = (name, level) == ("bfloat16", "avx512bf16")
    return float(ROUNDING[name] * np.abs(value.astype(np.float64)).max(initial=0.0)) if rounded else 0.0


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
def test_values(level: str, name: str, causal: bool) -> None:
    for shape in SHAPES:
        _, query, key, value = operands(shape, name)
        settings = {"scale": shape[3] ** -0.5, "causal": causal}
        out, log_sum = forward(query, key, value, level, **settings)
        _, wanted, wanted_log = oracle(query, key, value, **settings)
        near(out, wanted, name, shape[2], weights_felt(value, name, level))
        near(log_sum, wanted_log, "float64" if name == "float64" else "float32", shape[3])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
def test_gradients(level: str, name: str, causal: bool) -> None:
    for shape in SHAPES:
        g, query, key, value = operands(shape, name)
        settings = {"scale": shape[3] ** -0.5, "causal": causal}
        out, log_sum = forward(query, key, value, level, **settings)
        made = [np.full_like(one, np.nan) for one in (query, key, value)]
        run([g, query, key, value, out, log_sum, *made], level, **settings)
        steps = 16 * (shape[1] + shape[2] + shape[3])
        for found, wanted in zip(made, gradients(g, query, key, value, **settings), strict=True):
            # a half format's result, from which the kernel works, has been rounded
            felt = 4 * ROUNDING[name] * np.sqrt(steps) if name in ("bfloat16", "float16") else 0.0
            near(found, wanted, name, steps, felt)


@pytest.mark.parametrize("kind", ["bool", "bool batch", "add", "add row", "add batch"])
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", FLOATS)
def test_masks(level: str, name: str, kind: str) -> None:
    for shape in SHAPES:
        g, query, key, value = operands(shape, name)
        mask = mask_for(kind, shape, name)
        settings = {"scale": shape[3] ** -0.5, "causal": len(shape[0]) == 1}
        out, log_sum = empty_results(query, value)
        run([query, key, value, mask, out, log_sum], level, **settings)
        wanted = oracle(query, key, value, mask=mask, **settings)[1]
        near(out, wanted, name, shape[2], weights_felt(value, name, level))
        made = [np.full_like(one, np.nan) for one in (query, key, value)]
        run([g, query, key, value, out, log_sum, mask, *made], level, **settings)
        steps = 16 * (shape[1] + shape[2] + shape[3])
        felt = 4 * ROUNDING[name] * np.sqrt(steps) if name in ("bfloat16", "float16") else 0.0
        for found, wanted in zip(made, gradients(g, query, key, value, mask=mask, **settings), strict=True):
            near(found, wanted, name, steps, felt)


@pytest.mark.parametrize("window", [1, 2, 30, 300])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("level", levels())
def test_windows(level: str, masked: bool, window: int) -> None:
    for shape in SHAPES:
        g, query, key, value = operands(shape, "float32")
        masks = [mask_for("bool", shape, "float32")] * masked
        settings = {"scale": shape[3] ** -0.5, "causal": True, "window": window}
        known = settings | ({"mask": masks[0]} if masked else {})
        out, log_sum = empty_results(query, value)
        run([query, key, value, *masks, out, log_sum], level, **settings)
        near(out, oracle(query, key, value, **known)[1], "float32", shape[2])
        made = [np.full_like(one, np.nan) for one in (query, key, value)]
        run([g, query, key, value, out, log_sum, *masks, *made], level, **settings)
        for found, wanted in zip(made, gradients(g, query, key, value, **known), strict=True):
            near(found, wanted, "float32", 16 * sum(shape[1:4]))


@pytest.mark.parametrize("level", levels())
def test_heads_between_the_rows_and_results_in_any_order(level: str) -> None:
    rng = np.random.default_rng(2)
    query, key, value, g = (rng.standard_normal((2, 50, 3, 16)).astype(np.float32).swapaxes(1, 2) for _ in range(4))
    settings = {"scale": 0.25, "causal": True}
    _, wanted, _ = oracle(query, key, value, **settings)
    for order in ((0, 1, 2, 3), (2, 0, 1, 3), (3, 1, 0, 2)):
        out = np.full([query.shape[place] for place in order], np.nan, np.float32).transpose(np.argsort(order))
        log_sum = np.full((2, 50, 3), np.nan, np.float32).swapaxes(1, 2)
        run([query, key, value, out, log_sum], level, **settings)
        near(out, wanted, "float32", 50)
        made = [np.full_like(out, np.nan) for _ in range(3)]
        run([g, query, key, value, np.ascontiguousarray(out), log_sum, *made], level, **settings)
        for found, right in zip(made, gradients(g, query, key, value, **settings), strict=True):
            near(found, right, "float32", 500)


@pytest.mark.parametrize("level", levels())
def test_a_batch_shares_keys(level: str) -> None:
    _, query, key, value = operands(((2, 3), 9, 11, 4, 5), "float32")
    key, value = key[:, :1], value[:1, :1]
    settings = {"scale": 1.0, "causal": False}
    out, _ = forward(query, key, value, level, **settings)
    near(out, oracle(query, key, value, **settings)[1], "float32", 11)


@pytest.mark.parametrize("level", levels())
def test_nothing_to_see_gives_zeros_and_nothing_to_do_has_no_units(level: str) -> None:
    settings = {"scale": 1.0, "causal": True}
    g, query, key, value = operands(((2,), 30, 0, 4, 5), "float32")
    out, log_sum = forward(query, key, value, level, **settings)
    assert (out == 0).all()
    assert (log_sum == 0).all()
    made = [np.full_like(one, np.nan) for one in (query, key, value)]
    run([g, query, key, value, out, log_sum, *made], level, **settings)
    assert (made[0] == 0).all()
    g, query, key, value = operands(((2,), 0, 30, 4, 5), "float32")
    made = [np.full_like(one, np.nan) for one in (query, key, value)]
    run([g, query, key, value, *empty_results(query, value), *made], level, **settings)
    assert (made[1] == 0).all()
    assert (made[2] == 0).all()
    _, query, key, value = operands(((0,), 3, 3, 4, 5), "float32")
    assert plan_for([query, key, value, *empty_results(query, value)], level, settings).units == 0


def test_heads_that_are_too_wide_are_refused() -> None:
    _, query, key, value = operands(((), 3, 3, 257, 4), "float32")
    with pytest.raises(CompilerError) as caught:
        plan_for([query, key, value, *empty_results(query, value)], "portable", {"scale": 1.0, "causal": False})
    assert str(caught.value) == "attention: heads are at most 256 wide, got 257 and 4"


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_special_values(level: str, name: str) -> None:
    """A NaN or an infinite score makes its row NaN and no other one; large scores do not overflow."""
    _, query, key, value = operands(((), 30, 300, 4, 4), name)
    query[3, 1], query[7, 2] = np.nan, np.inf
    query[11] *= 1e30 if name == "float32" else 1e150
    out, _ = forward(query, key, value, level, scale=0.5, causal=False)
    assert np.isnan(out[[3, 7]]).all()
    rest = np.delete(np.arange(30), [3, 7])
    best = (query[11].astype(np.float64) @ key.T.astype(np.float64)).argmax()
    np.testing.assert_array_equal(out[11], value[best])
    near(out[rest], oracle(query[rest], key, value, scale=0.5, causal=False)[1], name, 300)


@pytest.mark.parametrize("level", levels())
def test_scores_that_only_rise_and_negative_scales(level: str) -> None:
    """Every block of keys scales down all that came before it."""
    query, value = np.ones((4, 1), np.float32), np.random.default_rng(3).standard_normal((1000, 8)).astype(np.float32)
    key = np.linspace(0, 400, 1000, dtype=np.float32)[:, None]
    for scale in (1.0, -1.0, 0.0):
        out, log_sum = forward(query, key, value, level, scale=scale, causal=False)
        _, wanted, wanted_log = oracle(query, key, value, scale=scale, causal=False)
        near(out, wanted, "float32", 4000)
        np.testing.assert_allclose(log_sum, wanted_log, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("level", levels())
def test_every_cut_of_the_units_gives_the_same_bits(level: str) -> None:
    g, query, key, value = operands(((2,), 700, 300, 8, 8), "float32")
    settings = {"scale": 0.3, "causal": True}
    out, log_sum = forward(query, key, value, level, **settings)
    other, other_log = empty_results(query, value)
    plan = run([query, key, value, other, other_log], level, [1, 3, 4, 9], **settings)
    assert plan.units > 4
    assert out.tobytes() == other.tobytes()
    assert log_sum.tobytes() == other_log.tobytes()
    made, others = ([np.full_like(one, np.nan) for one in (query, key, value)] for _ in range(2))
    run([g, query, key, value, out, log_sum, *made], level, **settings)
    plan = run([g, query, key, value, out, log_sum, *others], level, [1, 3, 4, 9], **settings)
    assert plan.units > 4
    assert [one.tobytes() for one in made] == [one.tobytes() for one in others]


@pytest.mark.parametrize("near_results", [True, False])
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("level", [level for level in VECTOR_BYTES if level not in levels()])
def test_the_text_for_other_processors_is_in_order(level: str, name: str, near_results: bool) -> None:
    g, query, key, value = operands(((), 3, 3, 4, 4), name)
    out, log_sum = empty_results(query, value)
    results = [np.empty_like(one) for one in (query, key, value)]
    if not near_results:
        out, *results = (np.empty_like(one.T).T for one in (out, *results))
    mask = np.ones((3, 3), bool if near_results else numpy_dtype(name))
    for arrays in (
        [query, key, value, out, log_sum], [g, query, key, value, out, log_sum, *results],
        [query, key, value, mask, out, log_sum], [g, query, key, value, out, log_sum, mask, *results],
    ):  # fmt: skip
        plan = plan_for(arrays, level, {"scale": 1.0, "causal": True})
        assert any(function.name == plan.function_name for function in modules(plan)[-1].functions)
