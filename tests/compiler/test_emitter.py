"""The LLVM text of loop programs: accepted by LLVM in every format, the same for the same program."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from schedule_harness import programs, softmax

from curta import dtypes
from curta.compiler import nest
from curta.compiler.expression import Expression
from curta.dtypes import DType
from curta.errors import CompilerError
from curta.memory.layout import Layout, contiguous, strided
from curta.ops.dispatch import bind
from curta.ops.elementwise import ADD, CAST
from curta.ops.reduce import ARGMAX, SUM
from curta.runtime import jit

FLOATS = [dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64]
EVERY = [*FLOATS, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.bool_]


def verify(text: str) -> Any:
    jit.target_machine()  # LLVM is ready from here on
    module = llvm.parse_assembly(text)
    module.verify()
    return module


def texts(body: Any, *layouts: Layout, vector_bytes: int = 32) -> list[str]:
    return [nest.emit(program, vector_bytes) for program in programs(body, *layouts)]


BODIES = {
    "add": lambda x: bind(ADD, (x, x)),
    "add a number": lambda x: bind(ADD, (x, 1)),
    "rows": lambda x: bind(SUM, (x,), dims=(1,), keepdim=False),
    "columns": lambda x: bind(SUM, (x,), dims=(0,), keepdim=False),
    "to float32": lambda x: bind(CAST, (x,), dtype=dtypes.float32),
}


@pytest.mark.parametrize("dtype", EVERY, ids=str)
@pytest.mark.parametrize("body", BODIES)
def test_llvm_accepts_every_format(body: str, dtype: DType) -> None:
    for layout in (contiguous((64, 1000), dtype), strided((64, 1000), (2000, 2), dtype)):
        for text in texts(BODIES[body], layout):
            assert [one.name for one in verify(text).functions if not one.is_declaration] == ["kernel"]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_llvm_accepts_a_softmax(dtype: DType) -> None:
    body = lambda x: bind(CAST, (softmax(bind(CAST, (x,), dtype=dtypes.float32)),), dtype=dtype)  # noqa: E731
    for text in texts(body, contiguous((64, 1000), dtype)):
        verify(text)


@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
def test_lanes_fill_the_vector(vector_bytes: int) -> None:
    """Element-wise kernels take two vectors a turn, reductions four, then one vector, then one under a mask."""
    lanes = vector_bytes // 4
    (text,) = texts(BODIES["add"], contiguous((64, 1000), dtypes.float32), vector_bytes=vector_bytes)
    assert set(re.findall(r"fadd <(\d+) x float>", text)) == {str(lanes), str(2 * lanes)}
    (text,) = texts(BODIES["rows"], contiguous((64, 1000), dtypes.float32), vector_bytes=vector_bytes)
    assert {str(lanes), str(4 * lanes)} <= set(re.findall(r"fadd <(\d+) x float>", text))
    verify(text)


def test_text_does_not_depend_on_sizes_or_on_the_object() -> None:
    first = texts(BODIES["add"], contiguous((64, 1000), dtypes.float32))
    assert texts(BODIES["add"], contiguous((90, 2000), dtypes.float32)) == first
    assert texts(BODIES["add"], strided((64, 1000), (2000, 2), dtypes.float32)) != first


def test_meta_is_described_field_by_field() -> None:
    (program,) = programs(BODIES["rows"], contiguous((64, 1000), dtypes.float32))
    assert nest.meta_fields(program) == [
        ("inner",), ("block",), ("blocks",), ("turns",), ("reduce_block",), ("reduce_blocks",), ("scratch_step",),
        ("outer", "0"), ("outer_stride", "0", "0"), ("inner_stride", "0"),
        ("outer_stride", "1", "0"), ("inner_stride", "1"),
    ]  # fmt: skip


def test_a_program_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    body, layout = BODIES["add a number"], contiguous((50, 70), dtypes.float32)
    programs(body, layout)
    monkeypatch.setattr(nest, "emit", lambda *_: pytest.fail("text was written again"))
    programs(body, contiguous((60, 70), dtypes.float32))


def test_the_place_of_an_extreme_counts_in_int64() -> None:
    (text,) = texts(lambda x: bind(ARGMAX, (x,), dims=(1,), keepdim=False), contiguous((64, 1000), dtypes.float32))
    assert re.search(r"<\d+ x i64>", text)
    verify(text)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (lambda: Expression("riddle", dtypes.float32), "unknown expression riddle"),
        (lambda: Expression("input", dtypes.float64, (), 0), "store: requires f32, got f64"),
    ],
)
def test_a_program_that_does_not_fit_is_refused(stored: Any, message: str) -> None:
    (program,) = programs(BODIES["add a number"], contiguous((50, 70), dtypes.float32))
    (stage,) = program.stages
    wrong = replace(stage, stores=tuple((slot, stored()) for slot, _ in stage.stores))
    with pytest.raises(CompilerError, match=message):
        nest.emit(replace(program, stages=(wrong,)), 32)
