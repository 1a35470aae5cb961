"""The page of a program: every kernel, buffer and thread is on it, and it is well-formed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.report.pages import check_page

import curta
from curta.autograd.state import STATE
from curta.compiled.explain import Machine, machine, page, write
from curta.costs.measure import MatmulPeak
from curta.costs.units import quantity, seconds
from curta.errors import ArgumentError, CompileError
from curta.nn import functional as F
from curta.runtime.watch import Watch

MACHINE = Machine({curta.float32: 1e11, curta.bfloat16: 4e11}, {1000: 4e10, 1_000_000: 1e10})


@pytest.fixture
def explain(monkeypatch, tmp_path):
    """The page of a compiled function, on a machine that is not measured."""
    asked = []
    monkeypatch.setattr(write, "measured", lambda dtypes: asked.append(list(dtypes)) or MACHINE)

    def explained(function: Any, *args: Any, **options: Any) -> str:
        function.explain(tmp_path / "page.html", *args, **options)
        text = (tmp_path / "page.html").read_text(encoding="utf-8")
        check_page(text)
        return text

    explained.asked = asked
    return explained


def test_page():
    weight = curta.randn(600, 600)

    @curta.compile
    def function(x: Any) -> Any:
        y = (x @ weight).relu() + 1
        return (y @ weight).sum()

    x = curta.randn(600, 600)
    function(x)
    profile = function.profile(x)
    text = page(function.program, [profile], MACHINE, "a < b")
    check_page(text)
    assert "<title>a &lt; b</title>" in text
    assert len(re.findall(r'class="node"', text)) == len(profile.timings) == 3
    assert len(re.findall(r'class="buffer"', text)) == len(function.program.native.placements())
    assert len(re.findall(r'class="span"', text)) == sum(len(timing.spans) for timing in profile.timings)
    assert ">relu</text>" in text
    assert ">add</text>" in text


def test_explain_calls_the_function_first_where_nobody_has(explain, tmp_path):
    runs = []

    @curta.compile
    def double(x: Any, scale: Any = 1) -> Any:
        runs.append(scale)
        return x.exp() * (2 * scale)

    text = explain(double, curta.ones(3, 4, dtype=curta.float64), scale=3)
    assert runs == [3]  # recorded once
    assert len(double.programs) == 1
    assert "<h1>double(f64[3,4])</h1>" in text
    assert "Nothing lies between" in text  # one kernel needs no arena
    assert explain.asked == [[curta.float64]]
    assert "The forward program" not in text


def test_explain_shows_both_programs_and_adds_to_no_gradient(explain):
    model = curta.nn.Sequential(curta.nn.Linear(30, 20), curta.nn.ReLU(), curta.nn.Linear(20, 7))
    forward = curta.compile(model)
    x = curta.randn(5, 30)
    text = explain(forward, x)
    first, second = text.split("<h2>")[1:]
    assert first.startswith("The forward program</h2>")
    assert second.startswith("The backward program</h2>")
    parts = forward.program.parts()
    for section, native in ((first, parts["forward"]), (second, parts["backward"])):
        assert len(re.findall(r'class="node"', section)) == len(native.graph.nodes)
        assert len(re.findall(r'class="buffer"', section)) == (len(native.placements()) if native.arena.nbytes else 0)
    assert ">relu</text>" in first
    assert ">relu_backward</text>" in second
    assert text.index("tensor memory in all") < text.index("The forward program")
    assert all(parameter.grad is None for parameter in model.parameters())
    forward(x).sum().backward()  # what comes after is as ever
    expected = [parameter.grad for parameter in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = None
    model(x).sum().backward()
    assert all(curta.equal(one, p.grad) for one, p in zip(expected, model.parameters(), strict=True))


def test_explain_of_a_training_step_runs_it_once_more(explain):
    model = curta.nn.Linear(6, 3)
    optimizer = curta.optim.SGD(model.parameters(), lr=0.5)

    @curta.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = model(x).sum()
        loss.backward()
        optimizer.step()
        return loss

    x = curta.ones(4, 6)
    step(x)
    step(x)  # now that there are gradients, a program that lets go of them
    before = model.bias.detach().clone()
    text = explain(step, x)
    assert "sgd_update" in text
    assert curta.equal(model.bias.detach(), before - 0.5 * 4)  # the bias's gradient: one for each row


def test_explain_where_the_first_call_leaves_a_gradient(explain):
    @curta.compile
    def function(x: Any) -> None:
        (x * x).sum().backward()

    x = curta.ones(3, requires_grad=True)
    assert "The forward program" not in explain(function, x)
    assert len(function.programs) == 2  # without a gradient to add to, and with one


def test_explain_where_nothing_runs(explain):
    assert "There is nothing to run." in explain(curta.compile(lambda x: x.reshape(6)), curta.ones(2, 3))
    assert explain.asked == [[curta.float32]]


def test_explain_overwrites_unless_told_not_to(explain, tmp_path):
    ran = []

    @curta.compile
    def function(x: Any) -> Any:
        ran.append(1)
        return x + 1

    (tmp_path / "page.html").write_text("mine")
    with pytest.raises(ArgumentError, match=r"page.html exists: name another file, or pass overwrite=True$"):
        explain(function, curta.ones(2), overwrite=False)
    with pytest.raises(ArgumentError, match=r" is a directory: name a file$"):
        function.explain(tmp_path, curta.ones(2))
    with pytest.raises(ArgumentError, match=r"nowhere/page.html: cannot be written \(No such file or directory\)$"):
        function.explain(tmp_path / "nowhere" / "page.html", curta.ones(2))
    assert ran == []
    assert (tmp_path / "page.html").read_text() == "mine"
    assert "add" in explain(function, curta.ones(2))


def test_explain_where_no_call_is_like_the_next(explain):
    calls = 0

    @curta.compile
    def function(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return x * calls

    with pytest.raises(CompileError, match="every call with these arguments makes another program"):
        explain(function, curta.ones(2))


def test_measuring_the_machine_leaves_no_trace(monkeypatch):
    monkeypatch.setattr(machine, "COPY_SIZES", (64,))
    seen = []

    def peak(dtype: Any) -> Any:
        seen.append((dtype, STATE.autocast))
        curta.rand(5)
        return MatmulPeak(1.0, 1, dtype, 1)

    monkeypatch.setattr(machine, "matmul_peak", peak)
    curta.manual_seed(3)
    expected = curta.rand(4)
    curta.manual_seed(3)
    with curta.autocast("cpu"):
        found = machine.measured([curta.float64])
    assert found.flops_per_second == {curta.float64: 1.0}
    assert list(found.bytes_per_second) == [128]
    assert seen == [(curta.float64, None)]
    assert curta.equal(curta.rand(4), expected)


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
    assert MACHINE.least_seconds(product.node) == pytest.approx(2 * 500**3 / 1e11)
    assert MACHINE.least_seconds(total.node) == pytest.approx(2 * 500 * 500 * 4 / 1e10)


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
    assert [seconds(2.5), seconds(1e-3), seconds(3e-7)] == ["2.5 s", "1 ms", "0.3 µs"]
    assert [quantity(999.6, "B"), quantity(0, "B"), quantity(5e12, "FLOP/s")] == ["1 kB", "0 B", "5 TFLOP/s"]
