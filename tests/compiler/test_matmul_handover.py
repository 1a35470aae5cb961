"""Sums that are handed over panel by panel: what an ending reads, and how little room they need."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from curta import dtypes
from curta.compiler.expression import Expression
from curta.compiler.loops import Slot
from curta.compiler.matmul import Ending, plan_matmul
from curta.compiler.matmul.finish import LINE_BYTES, fetch_slots
from curta.compiler.matmul.spec import K_BLOCK, Meta, Spec
from curta.runtime import cpu, jit

sys.path.insert(0, str(Path(__file__).parent))
from matmul_harness import VECTOR_BYTES, Array, levels, load

F32 = dtypes.float32


def plus_all(others: list[Array], out: Array) -> Ending:
    """The sums and all of `others`."""
    made = Expression("input", F32, (), 0)
    for number in range(1, len(others) + 1):
        made = made + Expression("input", F32, (), number)
    slots = [Slot(F32, "input") for _ in range(len(others) + 1)] + [Slot(F32, "output")]
    strides = tuple(each.strides for each in (out, *others, out))
    return Ending(tuple(slots), ((len(others) + 1, made),), 0, strides, False)


@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("count", [1, 3, 15])
def test_an_ending_that_reads_many_matrices(level: str, count: int) -> None:
    rng = np.random.default_rng(count)
    for M, N, K in ((130, 70, 40), (37, 200, 600), (13, 33, 0)):
        a, b = (rng.integers(-8, 8, shape).astype(np.float32) for shape in ((M, K), (K, N)))
        others = [rng.integers(-99, 99, (M, N)).astype(np.float32) for _ in range(count)]
        out = np.full((M, N), np.nan, np.float32)
        plan = plan_matmul(
            F32, (), M, N, K, (K, 1), (N, 1), (N, 1), level=level, vector_bytes=VECTOR_BYTES[level],
            ending=plus_all(others, out),
        )  # fmt: skip
        words = np.array([each.ctypes.data for each in (a, b, out, *others, out)], np.int64)
        meta, room = np.array(plan.meta, np.int64), np.zeros(plan.scratch_bytes + 64, np.uint8)
        address = room.ctypes.data + -room.ctypes.data % 64
        load(plan, level)(words.ctypes.data, meta.ctypes.data, address, 0, plan.units)
        np.testing.assert_array_equal(out, a @ b + sum(others))  # whole numbers: every sum is exact


def found_addresses(ending: Ending, corner: list[int], steps: list[int], row: int, rows: int, column: int) -> list[int]:
    """What `fetch_slots` writes on this machine, for slots whose rows are so many bytes apart."""
    spec = Spec("block", F32, F32, "k", "column", "column", False, cpu.level(), cpu.vector_bytes(), ending)
    code = fetch_slots(spec)
    module = jit.load(jit.compile(code.write(), passes=code.passes))
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3, ctypes.c_void_p)
    meta = np.zeros(int(Meta.ENDING) + 2 * len(steps), np.int64)
    meta[int(Meta.ENDING) :: 2] = steps
    words, addresses = np.array(corner, np.int64), np.full(K_BLOCK + 100, -1, np.int64)
    place = module.address(code.name)
    function(place)(words.ctypes.data, meta.ctypes.data, row, rows, column, addresses.ctypes.data)
    count = int((addresses != -1).sum())
    assert (addresses[count:] == -1).all()
    return [int(each) for each in addresses[:count]]


def test_the_lines_of_a_tile_that_an_ending_will_read() -> None:
    matrix, bias = np.zeros((50, 100), np.float32), np.broadcast_to(np.zeros(100, np.float32), (50, 100))
    turned = np.zeros((100, 50), np.float32).T
    ending = plus_all([matrix, bias, turned], matrix)
    width = 2 * cpu.vector_bytes()  # bytes of a panel
    found = found_addresses(ending, [0, 1000, 2000, 3000, 0], [0, 400, 0, 4, 400], 10, 2, 20)
    # of the matrix rows 10 and 11 from column 20 on; a bias is in the cache, a turned matrix is read in pieces
    begin = [1000 + row * 400 + 20 * 4 for row in (10, 11)]
    assert found == [start + line for start in begin for line in range(0, width, LINE_BYTES)]


def test_no_more_addresses_than_turns() -> None:
    matrix = np.zeros((50, 100), np.float32)
    ending = plus_all([matrix] * 40, matrix)
    found = found_addresses(ending, [0] * 42, [400] * 42, 0, 1000, 0)
    assert 0 < len(found) <= K_BLOCK


# tiles of bfloat16 have a room of their own
@pytest.mark.parametrize("level", [level for level in levels() if VECTOR_BYTES[level] == 64 and level not in cpu.TILED])
def test_sums_of_one_block_of_k_need_a_panels_room(level: str) -> None:
    half = dtypes.from_numpy(np.dtype(ml_dtypes.bfloat16))

    def beside_packed_b(K: int) -> int:
        step: list[Any] = [(K, 1), (1024, 1), (1024, 1)]
        plan = plan_matmul(half, (), 1024, 1024, K, *step, level=level, vector_bytes=64)
        return plan.scratch_bytes - plan.meta[Meta.UNIT_COLUMNS] * K_BLOCK * 4

    assert beside_packed_b(256) <= 96 * (K_BLOCK + 16) * 4 + 96 * 32 * 4  # A packed, and 96 rows of a panel
    assert beside_packed_b(2048) > 300_000  # all sums of a unit
