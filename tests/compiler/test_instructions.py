"""Instructions: integers against Python's own, floats against results of PyTorch worked out by hand."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from engine_harness import numbers, pointwise, run

from curta import dtypes
from curta.compiler.expression import Expression, call, constant
from curta.dtypes import DType
from curta.errors import CompilerError

INTEGERS = [d for d in dtypes.ALL if d.category == 1]
FLOATS = [dtypes.float32, dtypes.float64]


def wrap(value: int, dtype: DType) -> int:
    width = 8 * dtype.itemsize
    value %= 1 << width
    return value - (1 << width) if dtype.is_signed and value >> width - 1 else value


def pairs(dtype: DType) -> tuple[Any, Any]:
    """Random and extreme numbers, each against each."""
    limits = np.iinfo(dtype.numpy)
    edge = [limits.min, limits.min + 1, limits.max, limits.max - 1, 0, 1, 2, 3, 7, 10]
    edge += [-1, -2, -3, -7] if dtype.is_signed else []
    some = np.concatenate([np.array(edge, dtype.numpy), numbers(dtype, (9,))])
    left, right = np.meshgrid(some, some)
    return left.ravel().copy(), right.ravel().copy()


def truncated(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


DIVISIONS = {
    "floor_divide": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "truncated_divide": truncated,
    "fmod": lambda a, b: a - truncated(a, b) * b,
}
PLAIN = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "maximum": max,
    "minimum": min,
    "bit_and": lambda a, b: a & b,
    "bit_or": lambda a, b: a | b,
    "bit_xor": lambda a, b: a ^ b,
}
COMPARISONS = {
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
}


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", [*DIVISIONS, *PLAIN])
def test_integers_of_two(name: str, dtype: DType) -> None:
    left, right = pairs(dtype)
    if name in DIVISIONS:
        left, right = left[right != 0], right[right != 0]
    oracle = (DIVISIONS | PLAIN)[name]
    wanted = [wrap(oracle(int(a), int(b)), dtype) for a, b in zip(left, right, strict=True)]
    assert run(pointwise(lambda a, b: call(name, a, b)), left, right).tolist() == wanted


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS], ids=str)
@pytest.mark.parametrize("name", list(COMPARISONS))
def test_comparisons(name: str, dtype: DType) -> None:
    left, right = pairs(dtype if dtype.category == 1 else dtypes.int16)
    left, right = left.astype(dtype.numpy), right.astype(dtype.numpy)
    if dtype.is_floating_point:
        left[::5], right[::7] = np.nan, np.nan
    wanted = [COMPARISONS[name](a, b) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
    assert run(pointwise(lambda a, b: call(name, a, b), dtypes.bool_), left, right).tolist() == wanted


def test_a_division_by_zero_does_not_stop_the_process() -> None:
    left = np.array([5, -7, -(2**31)] * 20, np.int32)
    for name in DIVISIONS:
        run(pointwise(lambda a, b, name=name: call(name, a, b)), left, np.zeros_like(left))


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integer_powers_wrap(dtype: DType) -> None:
    left, _ = pairs(dtype)
    right = np.tile(np.array([0, 1, 2, 3, 5, 31, 62, 63, 100, 127], dtype.numpy), len(left))[: len(left)].copy()
    wanted = [wrap(pow(int(a), int(b)), dtype) for a, b in zip(left, right, strict=True)]
    op = pointwise(lambda a, b: call("power", a, b))
    assert run(op, left, right).tolist() == wanted
    if dtype.is_signed:  # PyTorch: 0 but for the bases 1 and -1
        bases = np.array([1, -1, -1, 2, -3, 0], dtype.numpy)
        assert run(op, bases, np.array([-1, -1, -2, -1, -1, -1], dtype.numpy)).tolist() == [1, -1, 1, 0, 0, 0]


def test_truth_values() -> None:
    left, right = np.array([False, False, True, True]), np.array([False, True, False, True])
    table = {
        "add": [0, 1, 1, 1], "multiply": [0, 0, 0, 1], "maximum": [0, 1, 1, 1], "minimum": [0, 0, 0, 1],
        "bit_xor": [0, 1, 1, 0], "power": [1, 0, 1, 1], "less": [0, 1, 0, 0], "equal": [1, 0, 0, 1],
    }  # fmt: skip
    for name, wanted in table.items():
        op = pointwise(lambda a, b, name=name: call(name, a, b), dtypes.bool_)
        assert run(op, left, right).tolist() == [bool(v) for v in wanted], name
    for name, wanted in (("bit_not", [1, 1, 0, 0]), ("absolute", [0, 0, 1, 1]), ("sign", [0, 0, 1, 1])):
        op = pointwise(lambda a, name=name: call(name, a))
        assert run(op, left).tolist() == [bool(v) for v in wanted], name


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_of_one(dtype: DType) -> None:
    given, _ = pairs(dtype)
    sign = lambda a: (a > 0) - (a < 0)  # noqa: E731
    for name, oracle in (("negate", lambda a: -a), ("absolute", abs), ("sign", sign), ("bit_not", lambda a: ~a)):
        wanted = [wrap(oracle(int(a)), dtype) for a in given]
        assert run(pointwise(lambda a, name=name: call(name, a)), given).tolist() == wanted, name
    for name in ("floor", "ceil", "trunc", "round"):
        assert run(pointwise(lambda a, name=name: call(name, a)), given).tolist() == given.tolist()
    assert not run(pointwise(lambda a: call("is_nan", a), dtypes.bool_), given).any()


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_shifts_within_the_width(dtype: DType) -> None:
    given = numbers(dtype, (200,))
    for count in range(8 * dtype.itemsize):
        counts = np.full_like(given, count)
        left = run(pointwise(lambda a, b: call("shift_left", a, b)), given, counts)
        assert left.tolist() == [wrap(int(a) << count, dtype) for a in given]
        right = run(pointwise(lambda a, b: call("shift_right", a, b)), given, counts)
        assert right.tolist() == [int(a) >> count for a in given]


INF, NAN = math.inf, math.nan
#: dividend, divisor, and PyTorch's floor_divide, remainder and fmod
FLOAT_DIVISIONS = [
    (7.0, 2.0, 3.0, 1.0, 1.0),
    (-7.0, 2.0, -4.0, 1.0, -1.0),
    (7.0, -2.0, -4.0, -1.0, 1.0),
    (-7.0, -2.0, 3.0, -1.0, -1.0),
    (0.5, 1.0, 0.0, 0.5, 0.5),
    (-0.5, 1.0, -1.0, 0.5, -0.5),
    (-0.0, 1.0, -0.0, -0.0, -0.0),
    (0.0, -1.0, -0.0, 0.0, 0.0),
    (1.0, INF, 0.0, 1.0, 1.0),
    (-1.0, INF, -1.0, INF, -1.0),
    (1.0, 0.0, INF, NAN, NAN),
    (-1.0, 0.0, -INF, NAN, NAN),
    (0.0, 0.0, NAN, NAN, NAN),
    (INF, 2.0, NAN, NAN, NAN),
    (NAN, 2.0, NAN, NAN, NAN),
]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(("name", "column"), [("floor_divide", 2), ("remainder", 3), ("fmod", 4)])
def test_float_divisions(name: str, column: int, dtype: DType) -> None:
    table = np.array(FLOAT_DIVISIONS * 3, dtype.numpy)
    left, right = table[:, 0].copy(), table[:, 1].copy()
    found = run(pointwise(lambda a, b: call(name, a, b)), left, right)
    np.testing.assert_array_equal(found, table[:, column])
    number = ~np.isnan(found)
    np.testing.assert_array_equal(np.signbit(found)[number], np.signbit(table[:, column])[number])


def test_floor_divide_does_not_round_up_past_the_floor() -> None:
    # 1 / 0.1 rounds to 10, yet 0.1 as a double is above a tenth: Python and PyTorch agree on 9
    left, right = np.array([1.0, 6.0, -1.0, 1e16]), np.array([0.1, 0.1, 0.1, 0.7])
    wanted = [a // b for a, b in zip(left.tolist(), right.tolist(), strict=True)]
    assert run(pointwise(lambda a, b: call("floor_divide", a, b)), left, right).tolist() == wanted


@pytest.mark.parametrize("dtype", [d for d in dtypes.ALL if d.is_floating_point], ids=str)
def test_extremes_of_nan_are_nan(dtype: DType) -> None:
    left = np.array([NAN, 1.0, NAN, -INF, 2.0] * 9, np.float64).astype(dtype.numpy)
    right = np.array([1.0, NAN, NAN, INF, 1.0] * 9, np.float64).astype(dtype.numpy)
    for name, wanted in (("maximum", [NAN, NAN, NAN, INF, 2.0]), ("minimum", [NAN, NAN, NAN, -INF, 1.0])):
        found = run(pointwise(lambda a, b, name=name: call(name, a, b)), left, right)
        np.testing.assert_array_equal(found.astype(np.float64), np.array(wanted * 9))


def test_float_roundings_and_signs() -> None:
    given = np.array([-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 2.51, INF, -INF] * 3)
    for name, oracle in (("round", np.rint), ("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc)):
        found = run(pointwise(lambda a, name=name: call(name, a)), given)
        np.testing.assert_array_equal(found, oracle(given))
        np.testing.assert_array_equal(np.signbit(found), np.signbit(oracle(given)))
    np.testing.assert_array_equal(run(pointwise(lambda a: call("sign", a)), given), np.sign(given))


def test_gathered_reads_with_and_without_a_condition() -> None:
    table = np.arange(60, dtype=np.float32).reshape(20, 3)
    places = np.array([3, 19, 0, 7, 7, 25, -4] * 8)

    def element(read: Any, place: Expression) -> Expression:
        return read(place, guard=place.ge(0) & place.lt(20))

    across = lambda layout, shape: ((0, layout.strides[1]), (0,))  # noqa: E731
    op = pointwise(element, dtypes.float32, ("raw", "raw"), gathered=across)
    wide = np.repeat(places[:, None], 3, axis=1)
    inside = ((wide >= 0) & (wide < 20))[:, :1]
    for laid in (table, np.asfortranarray(table)):
        found = run(_shaped_as_second(op), laid, wide)
        np.testing.assert_array_equal(found, np.where(inside, table[np.clip(places, 0, 19)], 0))


def _shaped_as_second(op: Any) -> Any:
    from dataclasses import replace

    from curta.memory.layout import contiguous

    return replace(op, infer=lambda table, places: contiguous(places.shape, table.dtype))


def test_messages() -> None:
    whole, real = constant(1, dtypes.int64), constant(1.0, dtypes.float32)
    with pytest.raises(CompilerError, match="add: requires one format, got i64, f32"):
        call("add", whole, real)
    with pytest.raises(CompilerError, match="select: requires an expression for at least one choice"):
        whole.select(1, 2)


SCRIPT = """
import sys; sys.path.insert(0, {here!r})
import numpy as np
from engine_harness import run, reduction, pointwise, tensor, array
from curta import dtypes
from curta.compiler.expression import call
from curta.ops.elementwise import CAST
half = np.arange(65536, dtype=np.uint16).view(np.float16)
with np.errstate(all="ignore"):
    np.testing.assert_array_equal(run(CAST, half, dtype=dtypes.float32), half.astype(np.float32))
x = np.random.default_rng(1).standard_normal((37, 301))
for kind, narrow in ((dtypes.float16, np.float16), (dtypes.float32, np.float32)):
    np.testing.assert_array_equal(run(CAST, x, dtype=kind), x.astype(narrow))
    np.testing.assert_array_equal(run(CAST, x.astype("f4"), dtype=kind), x.astype("f4").astype(narrow))
edge = np.concatenate([s * np.array([65503, 65519.9, 65520, 65536, 1e30, 2.0**-25, 2.0**-25 * 1.001,
    2.0**-14 - 2.0**-26, 2.0**-14, 6e-8, 1e-30, 0, np.inf, 1 + 2.0**-11, 1 + 3 * 2.0**-11], "f4") for s in (1, -1)])
with np.errstate(all="ignore"):
    wanted = edge.astype("f2").view("u2")
np.testing.assert_array_equal(run(CAST, edge, dtype=dtypes.float16).view("u2"), wanted)
assert np.isnan(run(CAST, np.full(40, np.nan, "f4"), dtype=dtypes.float16)).all()
for laid in (x.astype("f4"), x.astype("f4").T, x.astype("f4")[::2, ::3], x.astype("f2")):
    for dims in ((0,), (1,), (0, 1)):
        found = run(reduction("sum"), laid, dims=dims, keepdim=False).astype("f8")
        assert np.allclose(found, laid.astype("f8").sum(dims), rtol=2e-3, atol=0.05)
        np.testing.assert_array_equal(run(reduction("max"), laid, dims=dims, keepdim=False), laid.max(dims))
rest = run(pointwise(lambda a, b: call("fmod", a, b)), x, np.full_like(x, 0.3))
np.testing.assert_array_equal(rest, np.fmod(x, 0.3))
n = np.arange(-500, 500); m = np.full_like(n, 7)
np.testing.assert_array_equal(run(pointwise(lambda a, b: call("floor_divide", a, b)), n, m), n // 7)
bfloat16 = dtypes.bfloat16
wanted = n.astype(bfloat16.numpy).astype("f4")
np.testing.assert_array_equal(run(CAST, n, dtype=bfloat16).astype("f4"), wanted)
print("fine")
"""


@pytest.mark.parametrize("level", ["portable", "avx2"])
def test_lesser_machines(level: str) -> None:
    import curta

    environment = {
        **os.environ,
        "CURTA_CPU": level,
        "PYTHONPATH": str(Path(curta.__file__).parents[1]),
    }
    script = SCRIPT.format(here=str(Path(__file__).parent))
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    if "above what this machine can run" in result.stderr:
        pytest.skip(f"not a machine of level {level}")
    assert result.stdout == "fine\n", result.stderr
