"""No operator's result depends on memory that nobody wrote: fresh memory, scratch, and what lies around its inputs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from programs import Program, named_programs
from surroundings import bits, memory_filled_with, surrounded_by

PROGRAMS = named_programs(("contiguous", "transposed", "step", "broadcast"), every_dtype=True)


@pytest.mark.parametrize("program", [pytest.param(program, id=name) for name, program in PROGRAMS.items()])
def test_results_do_not_depend_on_unwritten_memory(program: Program) -> None:
    """0xFF bytes are NaN in every floating-point format and -1 in integers; zeros often hide such a mistake."""
    found = []
    for byte in (0x00, 0xFF):
        with memory_filled_with(byte):
            found.append(bits(program(surrounded_by(byte), 9, 37)))
    assert found[0] == found[1]
