"""Every operator gives the same bits on 1, 2 and 3 threads, forward and backward, when its work is many tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from programs import named_programs
from surroundings import bits, surrounded_by

import curta
from curta.ops import dispatch
from curta.ops.composition import STORED
from curta.ops.indexing import TAKES
from curta.ops.joining import SPLIT, UNBIND
from curta.ops.record import Host, Op, View
from curta.ops.resampling import RESAMPLINGS, resampling
from curta.ops.table import TABLE
from curta.runtime import native

PROGRAMS = named_programs(("contiguous",), every_dtype=False)
#: over all elements, with more than one accumulator: not cut into blocks, so one task whatever the size
WHOLE = tuple(f"{name}-float32-over None" for name in ("argmax", "argmin", "var 0", "var 1", "std 1"))
ROWS, COLUMNS = 300, 257  # 77100 elements: more than one thread takes inline, and not a whole number of blocks


@pytest.fixture(autouse=True)
def same_threads_after() -> Iterator[None]:
    before = curta.get_num_threads()
    yield
    curta.set_num_threads(before)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tasks each plan made from now on has; plans of before are forgotten."""
    counts: list[int] = []
    make = native.make_plan

    def counted(address: int, meta: Any, units: int, grain: int, *rest: Any, **more: Any) -> Any:
        plan = make(address, meta, units, grain, *rest, **more)
        inline = more["inline"] if "inline" in more else rest[-1]
        counts.append(1 if inline else -(-units // grain))
        return plan

    dispatch._CALLS.clear()
    monkeypatch.setattr(native, "make_plan", counted)
    return counts


@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_on_1_2_and_3_threads(name: str, tasks: list[int]) -> None:
    found = []
    for count in (1, 2, 3):
        curta.set_num_threads(count)
        found.append(bits(PROGRAMS[name](surrounded_by(0), ROWS, COLUMNS)))
    assert found[0] == found[1] == found[2]
    assert max(tasks) > 1 or name in WHOLE, "nothing was shared out: the input is too small to test anything"


def test_the_programs_run_every_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: set[int] = set()
    prepare, trace = dispatch._prepare, dispatch._trace

    def prepared(op: Op, *rest: Any) -> Any:
        ran.add(id(op))
        return prepare(op, *rest)

    def traced(op: Op, *rest: Any) -> Any:
        ran.add(id(op))
        return trace(op, *rest)

    monkeypatch.setattr(dispatch, "_prepare", prepared)
    monkeypatch.setattr(dispatch, "_trace", traced)
    dispatch._CALLS.clear()
    for program in PROGRAMS.values():
        program(surrounded_by(0), 9, 37)
    # views, and `unbind` and `split` which are several, compute nothing; indexing by 1 and by 16 tensors are records of
    # one family, and so are sums of 2 and of 32 terms; `stored` is in compiled programs only; LAPACK's threads are not
    # ours
    without = (STORED, SPLIT, UNBIND, *TAKES[2:], *(op for op in RESAMPLINGS if op is not resampling(2)))
    wanted = [op for op in TABLE if not isinstance(op.lower, View | Host) and op not in without]
    missing = [op.name for op in wanted if id(op) not in ran]
    assert " ".join(missing) == ""
