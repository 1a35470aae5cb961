"""The figures of a step: the account's own, and what is worked out from its timeline by hand."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from tests.costs.models import MODELS
from tests.costs.models import step_of as model_step
from tests.report.pages import check_page

import curta
from curta import Peak
from curta.costs.memory import Change
from curta.errors import ArgumentError
from curta.memory.ledger import CATEGORIES
from curta.report.page import document
from curta.report.sections import STYLE, memory_section, roofline_section, work_section
from curta.report.step import (
    Column,
    Holder,
    Stretch,
    Work,
    _columns,
    _stretches,
    depth_for,
    holders_by,
    kind_of,
    step_of,
    summed,
)

PEAKS = {name: Peak(1e11, name, bytes_per_second=1e10) for name in ("float32", "bfloat16")}


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("model", MODELS)
def test_the_figures_are_the_accounts(model: str, half: bool) -> None:
    run, data, _ = model_step(model, half=half)
    run(*data)
    gc.collect()
    with curta.account(timeline=True, timing=True) as books:
        run(*data)
    step = step_of(books, PEAKS, wall_seconds=1.0)
    assert (step.flops, step.model_flops, step.calls) == (books.flops, books.model_flops, books.calls)
    assert step.nbytes == books.bytes_read + books.bytes_written
    assert step.seconds == pytest.approx(books.seconds)
    for works in (step.by_phase, step.by_module):
        assert sum(work.flops for work in works.values()) == books.flops
        assert sum(work.nbytes for work in works.values()) == step.nbytes
        assert sum(work.seconds or 0.0 for work in works.values()) == pytest.approx(books.seconds)
    phases = ["forward", "backward", "recomputation", "optimizer"]
    assert list(step.by_phase) == [phase for phase in phases if phase in books.by_phase()]
    assert len(step.by_phase) >= 3
    assert step.peak_bytes == books.memory.peak_bytes == max(column.nbytes for column in step.columns)
    assert sum(one.nbytes for one in step.holders) == step.peak_bytes
    assert {one.module: one.nbytes for one in step.holders} == books.memory.peak_by_module()
    assert (step.columns[0].start, step.columns[-1].stop) == (0, books.calls + 1)
    assert all(before.stop == after.start for before, after in zip(step.columns, step.columns[1:], strict=False))
    assert step.columns[-1].nbytes == books.memory.current_bytes
    assert [one.phase for one in step.stretches][:2] == ["forward", "backward"]
    assert "optimizer" in [one.phase for one in step.stretches]
    assert step.stretches[0].start == 0
    page = check_page(document("a", memory_section(step) + work_section(step) + roofline_section(step), STYLE))
    cells = page.text("td")
    assert all(f"{one.flops:,}" in cells for one in step.by_phase.values())


def test_a_plan_has_no_times() -> None:
    run, data, _ = model_step("gpt")
    planned = curta.plan(run, *data)
    step = step_of(planned, PEAKS)
    assert step.seconds is None
    assert step.flops == planned.flops
    page = check_page(document("a", memory_section(step) + work_section(step) + roofline_section(step), STYLE))
    assert "took" not in page.text("th")
    assert "Times were not measured, so operators have no place under the roof." in page.text("p")


def test_without_a_timeline() -> None:
    with curta.account() as books:
        curta.ones(3) + 1
    with pytest.raises(ArgumentError, match="open it with timeline=True"):
        step_of(books, PEAKS)


def test_nothing_at_all() -> None:
    with curta.account(timeline=True, timing=True) as books:
        pass
    step = step_of(books, PEAKS)
    check_page(document("a", memory_section(step) + work_section(step) + roofline_section(step), STYLE))


def change(begun: int, nbytes: int, phase: str = "forward", module: str = "a", operator: Any = "add") -> Change:
    return Change({**dict.fromkeys(CATEGORIES, 0), "inputs": nbytes}, operator, module, phase, begun)


def test_columns_by_hand() -> None:
    timeline = [change(0, 5, ""), change(1, 9), change(1, 7), change(4, 8)]
    found = [(one.start, one.stop, one.nbytes) for one in _columns(timeline)]
    # the first operator is as high as 9 while it runs, and leaves 7 to the two that change nothing
    assert found == [(0, 1, 9), (1, 3, 7), (3, 4, 8), (4, 5, 8)]
    assert isinstance(_columns(timeline)[0], Column)


def test_stretches_by_hand() -> None:
    timeline = [
        change(0, 5, "", "-", None), change(1, 9, module="-"), change(3, 9), change(4, 9, "backward"),
        change(6, 9, "forward", "-"), change(8, 9, "optimizer", "-"), change(9, 9, "forward", "-", None),
    ]  # fmt: skip
    assert _stretches(timeline) == (
        Stretch("forward", 0, 3),
        Stretch("backward", 3, 5),
        Stretch("other", 5, 7),  # no module has a part in it
        Stretch("optimizer", 7, 9),  # what goes away after it takes no operator
    )


def test_a_second_forward_pass_is_one() -> None:
    timeline = [change(0, 5, "", "-", None), change(1, 9), change(3, 9, "backward"), change(5, 9), change(7, 9)]
    assert _stretches(timeline) == (
        Stretch("forward", 0, 2),
        Stretch("backward", 2, 4),
        Stretch("forward", 4, 7),
    )


def test_modules_by_name() -> None:
    names = [f"blocks.{layer}.{part}" for layer in range(48) for part in ("norm", "attention")]
    assert depth_for(names) == 1  # two parts of the names would be 48 bars
    assert depth_for(names[:8]) == 3
    assert depth_for([]) == 1
    assert kind_of("0") == "0"  # a layer of a Sequential, which is not one of many alike
    assert kind_of("0.weight") == "*.weight"
    works = {"a.0.x": Work(1, 10, 5, 7, 0.5), "a.1.x": Work(2, 20, 5, 7, None), "b": Work(1, 1, 1, 1, 0.25)}
    assert summed(works, kind_of) == {"a.*.x": Work(3, 30, 10, 14, 0.5), "b": works["b"]}
    holders = (Holder("a.0", 5, {"inputs": 5}), Holder("a.1", 4, {"inputs": 1, "gradients": 3}))
    assert holders_by(holders, kind_of) == (Holder("a.*", 9, {"inputs": 6, "gradients": 3}),)
