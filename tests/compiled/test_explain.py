"""The page of a program: every kernel, buffer and thread is on it, and it is well-formed."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

import curta
from curta.compiled.explain import Machine, page
from curta.compiled.explain.units import quantity, seconds
from curta.nn import functional as F
from curta.runtime.watch import Watch

MACHINE = Machine({curta.float32: 1e11, curta.bfloat16: 4e11}, {1000: 4e10, 1_000_000: 1e10})


class Checker(HTMLParser):
    """Counts elements, and notices what is not closed."""

    VOID = ("meta", "line", "path")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page():
    weight = curta.randn(600, 600)

    @curta.compile
    def function(x: Any) -> Any:
        y = (x @ weight).relu() + 1
        return (y @ weight).sum()

    x = curta.randn(600, 600)
    function(x)
    profile = function.profile(x)
    text = page(function.program, profile, MACHINE, "a < b")
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert "<title>a &lt; b</title>" in text
    assert len(re.findall(r'class="node"', text)) == len(profile.timings) == 3
    assert len(re.findall(r'class="buffer"', text)) == len(function.program.native.placements())
    assert len(re.findall(r'class="span"', text)) == sum(len(timing.spans) for timing in profile.timings)
    assert ">relu</text>" in text
    assert ">add</text>" in text
    assert "http" not in text  # nothing is loaded from elsewhere


def test_placements_never_share_bytes_while_both_live():
    @curta.compile
    def function(x: Any) -> Any:
        for _ in range(4):
            x = F.softmax(x @ x, -1)
        return x

    function(curta.randn(32, 32))
    placements = function.program.native.placements()
    assert [(one.offset, one.first, one.last) for one in placements[:2]] == [(0, 0, 1), (0, 1, 2)]
    for one in placements:
        for other in placements:
            # where a result takes an operand's place, the two meet in that one operator
            handed_over = one.last == other.first or other.last == one.first
            if one is not other and one.first <= other.last and other.first <= one.last and not handed_over:
                assert one.offset + one.nbytes <= other.offset or other.offset + other.nbytes <= one.offset


def test_a_kernel_is_measured_against_arithmetic_or_memory_whichever_is_slower():
    @curta.compile
    def function(x: Any) -> Any:
        return x @ x, x + 1

    x = curta.randn(500, 500)
    function(x)
    product, total = sorted(function.profile(x).timings, key=lambda timing: timing.node.call.op.name, reverse=True)[:2]
    assert product.node.call.op.name == "matmul"
    assert MACHINE.least_seconds(product) == pytest.approx(2 * 500**3 / 1e11)
    assert MACHINE.least_seconds(total) == pytest.approx(2 * 500 * 500 * 4 / 1e10)


def test_threads_say_when_they_work():
    x = curta.randn(1 << 20)
    x.exp()
    with Watch() as watch:
        x.exp()
        spans = watch.take()
        assert watch.take() == []
    assert len({span.thread for span in spans}) == len(spans) <= curta.get_num_threads()
    assert all(0 < span.stop - span.start < 60 for span in spans)
    with Watch() as watch:
        curta.ones(2).exp()  # by the calling thread alone: nobody is asked
        assert watch.take() == []


def test_numbers():
    assert [seconds(2.5), seconds(1e-3), seconds(3e-7)] == ["2.5e+03 ms", "1 ms", "0.3 µs"]
    assert [quantity(999.6, "B"), quantity(0, "B"), quantity(5e12, "FLOP/s")] == ["1 kB", "0 B", "5 TFLOP/s"]
