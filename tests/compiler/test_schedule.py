"""How work is cut into units and tasks: by shapes, strides and formats only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from schedule_harness import Cut, cuts, programs, softmax, steps

import curta
from curta import dtypes
from curta.compiler.schedule import COLUMN_BLOCK, GRAIN_ELEMENTS, INLINE_ELEMENTS, MAP_BLOCK, REDUCE_BLOCK
from curta.memory.layout import Layout, contiguous, strided
from curta.ops import dispatch
from curta.ops.dispatch import bind
from curta.ops.elementwise import ADD
from curta.ops.mathematics import EXP
from curta.ops.reduce import ARGMAX, SUM
from curta.runtime import jit

F32 = dtypes.float32


def matrix(rows: int, columns: int) -> Layout:
    return contiguous((rows, columns), F32)


def add(x: Any) -> Any:
    return bind(ADD, (x, 1))


def total(*dims: int) -> Any:
    return lambda x: bind(SUM, (x,), dims=dims, keepdim=False)


def test_an_elementwise_kernel_is_cut_into_blocks() -> None:
    assert (MAP_BLOCK, GRAIN_ELEMENTS, INLINE_ELEMENTS) == (16384, 16384, 32768)
    # 3 * 16384 + 1 elements in any shape: four blocks, a task each
    assert cuts(add, contiguous((3 * MAP_BLOCK + 1,), F32)) == [Cut(4, 1, 0, False)]
    assert cuts(add, matrix(64, 1000)) == [Cut(4, 1, 0, False)]


def test_small_work_stays_on_the_calling_thread() -> None:
    assert cuts(add, contiguous((INLINE_ELEMENTS,), F32))[0].inline
    assert not cuts(add, contiguous((INLINE_ELEMENTS + 1,), F32))[0].inline
    # an exponential counts for five elements
    assert not cuts(lambda x: bind(EXP, (x,)), contiguous((INLINE_ELEMENTS // 5 + 1,), F32))[0].inline


def test_one_element_and_none_have_the_program_of_a_row() -> None:
    def text(*layouts: Layout) -> str:
        (program,) = programs(lambda x, y: bind(ADD, (x, y)), *layouts)
        return program.describe()

    row = text(contiguous((7,), F32), contiguous((7,), F32))
    for shape in ((), (1,), (1, 1), (0,), (0, 5)):
        assert text(contiguous(shape, F32), contiguous(shape, F32)) == row, shape
    assert text(strided((), (), F32), strided((1,), (3,), F32)) == row
    # a number that all of a row share is still one
    assert text(contiguous((1,), F32), contiguous((7,), F32)) != row


def test_what_has_no_elements_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "_modules", {})
    monkeypatch.setattr(jit, "_load", lambda *arguments: pytest.fail("a kernel was made"))
    dispatch._CALLS.clear()
    assert (curta.zeros(0, 3) + curta.zeros(0, 3)).shape == (0, 3)


def test_short_rows_share_a_task() -> None:
    stepped = strided((4096, 100), (200, 1), F32)
    # output and input do not merge: a row is a unit, and 16384 elements are 163 rows
    assert cuts(add, stepped) == [Cut(4096, 163, 0, False)]
    assert cuts(total(1), matrix(4096, 100)) == [Cut(4096, 163, 0, False)]


def test_a_long_sum_is_two_launches() -> None:
    count = 3 * REDUCE_BLOCK + 5
    first, second = cuts(total(0), contiguous((count,), F32))
    assert (first.units, second.units) == (4, 1)
    assert cuts(total(0), contiguous((2 * REDUCE_BLOCK - 1,), F32))[0].units == 1
    assert [step.program.form for step in steps(total(0), contiguous((count,), F32)) if step.program] == ["rows"] * 2


def test_columns_are_cut_into_blocks_and_long_ones_into_pieces() -> None:
    assert COLUMN_BLOCK == 256
    assert [cut.units for cut in cuts(total(0), matrix(100, 1000))] == [4]
    # 6400 rows of 10: pieces of 100 rows, added up by a second launch
    pieces = cuts(total(0), matrix(6400, 10))
    assert [cut.units for cut in pieces] == [64, 1]
    assert {program.form for program in programs(total(0), matrix(6400, 10))} == {"columns"}


def test_a_place_of_an_extreme_is_not_cut() -> None:
    """Its two accumulators would need a second kernel of another kind."""
    largest = lambda x: bind(ARGMAX, (x,), dims=(0,), keepdim=False)  # noqa: E731
    assert [cut.units for cut in cuts(largest, contiguous((10 * REDUCE_BLOCK,), F32))] == [1]


def test_scratch_holds_a_row_of_what_is_kept() -> None:
    # 1000 elements at 8 bytes, in whole lines of 64
    assert cuts(softmax, matrix(64, 1000)) == [Cut(64, 64 * 16384 // (64 * 1000 * 5), 8000, False)]


@pytest.mark.parametrize(
    "body", [add, total(0), total(1), total(0, 1), softmax], ids=["map", "columns", "rows", "all", "softmax"]
)
def test_the_cut_does_not_depend_on_the_number_of_threads(body: Any) -> None:
    before = curta.get_num_threads()
    found = []
    try:
        for count in (1, 2, 7):
            curta.set_num_threads(count)
            found.append(cuts(body, matrix(700, 333)))
    finally:
        curta.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_nothing_to_do() -> None:
    assert [cut.units for cut in cuts(add, matrix(0, 5))] == [0]
    assert [cut.units for cut in cuts(total(1), matrix(3, 0))] == [3]  # sums of nothing are written
