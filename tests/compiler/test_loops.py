"""Loop programs as text: what a kernel does, and the key under which its code is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from schedule_harness import programs, softmax

from curta import dtypes
from curta.compiler.loops import kept_values, varying
from curta.memory.layout import contiguous, strided
from curta.ops.dispatch import bind
from curta.ops.elementwise import ADD
from curta.ops.reduce import SUM

F32 = dtypes.float32
MATRIX = contiguous((64, 1000), F32)


def add(x: Any, y: Any) -> Any:
    return bind(ADD, (x, y))


def test_an_addition() -> None:
    (program,) = programs(add, MATRIX, MATRIX)
    assert program.describe().splitlines() == [
        "rows outer=0 reduce=0 blocked=True",  # both dimensions merge into one, cut into blocks
        "slot 0: input f32 contiguous",
        "slot 1: input f32 contiguous",
        "slot 2: output f32 contiguous",
        "stage",
        "%0: f32 = input 0()",
        "%1: f32 = input 1()",
        "%2: f32 = call 'add'(%0, %1)",
        "store 2 %2",
        "row",
    ]


def test_a_sum_over_the_last_axis() -> None:
    (program,) = programs(lambda x: bind(SUM, (x,), dims=(1,), keepdim=False), MATRIX)
    assert program.describe().splitlines() == [
        "rows outer=1 reduce=0 blocked=False",
        "slot 0: input f32 contiguous",
        "slot 1: output f32 uniform",
        "stage",
        "%0: f32 = input 0()",
        "reduce sum %0",
        "row",
        "%1: f32 = reduced (0, 0)()",
        "store 1 %1",
    ]


def test_a_sum_over_the_first_axis() -> None:
    (program,) = programs(lambda x: bind(SUM, (x,), dims=(0,), keepdim=False), MATRIX)
    assert program.describe().splitlines() == [
        "columns outer=0 reduce=1 blocked=True",
        "slot 0: input f32 contiguous",
        "slot 1: output f32 contiguous",
        "stage",
        "%0: f32 = input 0()",
        "reduce sum %0",
        "row",
        "%1: f32 = reduced (0, 0)()",
        "store 1 %1",
    ]


def test_a_softmax_is_three_passes_that_compute_one_exponential() -> None:
    (program,) = programs(softmax, MATRIX)
    text = program.describe()
    assert [line for line in text.splitlines() if line.split()[0] in ("stage", "reduce", "store", "row")] == [
        "stage", "reduce max %0", "stage", "reduce sum %3", "stage", "store 1 %5", "row",
    ]  # fmt: skip
    assert text.count("call 'exp'") == 1
    (exponential,) = (r.element for r in program.stages[1].reductions)
    assert kept_values(program) == {id(exponential): 0}  # the last pass reads it from scratch


def test_what_moves_along_the_inner_dimension() -> None:
    row = strided((64, 1000), (1, 0), F32)
    (program,) = programs(add, MATRIX, row)
    (((_, total),),) = (stage.stores for stage in program.stages)
    moves = varying(program, [total])
    assert [id(node) in moves for node in (*total.operands, total)] == [True, False, True]
    assert str(program.slots[1]) == "input f32 uniform"


def test_the_text_is_the_key() -> None:
    """The same for other sizes and other objects; another for another stride pattern, format or operator."""
    key = programs(add, MATRIX, MATRIX)[0].describe()
    larger = contiguous((80, 3000), F32)
    assert programs(lambda x, y: bind(ADD, (x, y)), larger, larger)[0].describe() == key
    stepped, half = strided((64, 1000), (2000, 2), F32), contiguous((64, 1000), dtypes.float16)
    others = [
        programs(add, MATRIX, stepped), programs(add, half, half),
        programs(lambda x, y: bind(ADD, (bind(ADD, (x, y)), y)), MATRIX, MATRIX),
    ]  # fmt: skip
    assert len({key, *(one[0].describe() for one in others)}) == 4
