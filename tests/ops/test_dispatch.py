"""`bind`: what its cache tells apart, devices, and in-place writes."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "compiler"))
from engine_harness import no_cost, run, tensor

import curta
from curta import dtypes
from curta.compiler.graph import Graph
from curta.device import META
from curta.errors import CompilerError, DeviceError
from curta.memory.allocator import HOST
from curta.memory.layout import strided
from curta.memory.storage import allocate
from curta.ops.dispatch import _CALLS, bind, bind_into
from curta.ops.elementwise import ADD
from curta.ops.program import view_executable
from curta.ops.record import NO_GRADIENT, Op, Pointwise, View
from curta.tensor import Tensor


def test_parameters_that_compare_equal_are_not_confused() -> None:
    names = {bool: 1.0, int: 2.0, float: 3.0}
    op = _typed(names)
    one = np.ones(3, np.float32)
    assert [run(op, one, by=by).tolist()[0] for by in (1, 1.0, True, 1)] == [2.0, 3.0, 1.0, 2.0]


def _typed(names: dict[type, float]) -> Op:
    return Op("typed", lambda x, by: x, Pointwise(lambda x, by: x * names[type(by)]), NO_GRADIENT, no_cost)


def test_zeros_of_either_sign_are_different_parameters_and_nan_is_one() -> None:
    op = Op("shift", lambda x, by: x, Pointwise(lambda x, by: x * by), NO_GRADIENT, no_cost)
    one = np.ones(3, np.float32)
    assert np.signbit([run(op, one, by=by)[0] for by in (0.0, -0.0, 0.0)]).tolist() == [False, True, False]
    run(op, one, by=float("nan"))
    before = len(_CALLS)
    run(op, one, by=float("nan"))
    assert len(_CALLS) == before


def test_run_time_numbers_share_one_kernel() -> None:
    x = np.arange(5, dtype=np.float32)
    run(ADD, x, 1.5)
    before = len(_CALLS)
    for number in (0.25, -3.0, float("inf")):
        np.testing.assert_array_equal(run(ADD, x, number), x + np.float32(number))
    assert len(_CALLS) == before


def test_devices_must_agree() -> None:
    layout = strided((3,), (1,), dtypes.float32, META)
    there = Tensor._make(allocate(12, META), layout, 0)
    with pytest.raises(DeviceError, match="found at least two devices, cpu and meta!"):
        bind(ADD, (tensor(np.ones(3, np.float32)), there))
    assert bind(ADD, (there, there)).layout is layout


def test_of_two_tensors_without_dimensions_the_one_without_data_decides() -> None:
    there, here = curta.ones((), device="meta"), curta.ones(())
    for made in (there * here, here * there, curta.where(here > 0, there, here)):
        assert made.device == curta.device("meta")


def test_writing_into_a_tensor_converts_and_counts() -> None:
    out = np.zeros((4, 6), np.int16)
    target = tensor(out[:, ::2])
    bind_into(ADD, (tensor(np.full((4, 3), 2.75)), 1), (target,))
    np.testing.assert_array_equal(out, np.tile([3, 0], (4, 3)))
    assert target.storage is not None
    assert target.storage.version == 1


def test_only_a_view_is_looked_at_as_one() -> None:
    with pytest.raises(CompilerError, match="add: is not a view"):
        view_executable(ADD, (), {})
    flip = Op("same", lambda x: x, View(lambda x: (x, 2)), NO_GRADIENT, no_cost)
    base = tensor(np.arange(5, dtype=np.float32))
    seen = bind(flip, (base,))
    assert (seen.storage, seen.offset, seen.base) == (base.storage, 2, base)


def test_launches_appear_once_all_else_that_they_take_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread runs an operator as soon as it sees its launches."""
    _CALLS.clear()
    curta.zeros(1 << 20).sum()
    (call,) = (one for one in _CALLS.values() if one.temporaries)
    call._runs, found = [], HOST.free_blocks
    seen = []

    def free_blocks(nbytes: int) -> list[int]:
        seen.append(list(call._runs))
        return found(nbytes)

    monkeypatch.setattr(HOST, "free_blocks", free_blocks)
    call.place()
    assert seen
    assert not any(seen)
    assert call._runs


def test_a_compiled_operator_lets_go_of_its_graph() -> None:
    def graphs() -> int:
        gc.collect()
        return sum(type(one) is Graph for one in gc.get_objects())

    before = graphs()
    _CALLS.clear()
    curta.nn.functional.gelu(curta.ones(3, 7)), curta.ones(3, 7) + 1
    assert _CALLS
    assert graphs() <= before
