"""What a program says of itself: its listing, its books, its memory, its profile; and that threads change nothing."""

from __future__ import annotations

import gc
import re
from typing import Any

import pytest

import curta
from curta import nn, optim
from curta.errors import CompileError
from curta.nn import functional as F


def test_what_backward_needed_is_given_back_after_it() -> None:
    exponential = curta.compile(lambda x: x.exp().exp())
    x = curta.ones(10000, requires_grad=True)
    kept = []
    for _ in range(3):
        loss = exponential(x).sum()
        loss.backward()
        kept.append(loss)
        x.grad = None
    gc.collect()
    before = curta.memory.memory_allocated()
    kept.clear()
    del loss
    gc.collect()
    assert before - curta.memory.memory_allocated() < x.nbytes


def test_memory_is_the_plan_and_nothing_else() -> None:
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 8))
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @curta.compile
    def step(x: Any) -> Any:
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    x = curta.ones(16, 32)
    step(x)
    gc.collect()
    account = step.program.account()
    parameters = sum(p.nbytes for p in model.parameters())
    assert account.external_bytes == parameters
    assert account.argument_bytes == x.nbytes
    assert account.output_bytes == 4
    assert account.live_bytes <= account.arena_bytes <= 1.1 * account.live_bytes
    assert curta.memory.memory_allocated() >= account.peak_bytes - 4
    held = curta.memory.memory_allocated()
    curta.memory.reset_peak_memory_stats()
    loss = step(x)
    assert curta.memory.max_memory_allocated() == held + 4
    assert loss.item() > 0


def test_a_program_does_not_keep_old_gradients_alive() -> None:
    weight = curta.ones(1000, requires_grad=True)
    backward = curta.compile(lambda x: (x * weight).sum().backward())
    for _ in range(3):
        backward(curta.ones(1000))
    assert len(backward.programs) == 2
    gc.collect()
    held = curta.memory.memory_allocated()
    weight.grad = None
    gc.collect()
    assert curta.memory.memory_allocated() == held - weight.nbytes


def test_costs_are_those_of_the_function_itself() -> None:
    curta.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Dropout(0.2), nn.LayerNorm(16), nn.Linear(16, 4))
    x, y = curta.randn(8, 6), curta.arange(8) % 4

    def function(x: Any, y: Any) -> None:
        F.cross_entropy(model(x), y).backward()

    compiled = curta.compile(function)
    with curta.account() as books:
        compiled(x, y)
    model.zero_grad()
    with curta.account() as eager:
        function(x, y)
    for split in ("by_op", "by_phase", "by_module", "by_dtype"):
        found, wanted = (
            {name: (cost.flops, cost.transcendentals) for name, cost in getattr(one, split)().items()}
            for one in (books, eager)
        )
        assert found == {name: cost for name, cost in wanted.items() if name in found}, split
    assert (books.flops, books.model_flops) == (eager.flops, eager.model_flops)
    assert books.bytes_written < eager.bytes_written


def test_the_number_of_threads_changes_nothing() -> None:
    before = curta.get_num_threads()
    weight = curta.randn(300, 300)
    function = curta.compile(lambda x: F.softmax(F.gelu(x @ weight), -1).sum(0))
    x = curta.randn(200, 300)
    try:
        found = []
        for count in (1, 2, 3):
            curta.set_num_threads(count)
            found.append(function(x).tolist())
    finally:
        curta.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_programs_print_a_line_for_each_operator() -> None:
    function = curta.compile(lambda x: (x * 2).T.sum(0))
    function(curta.ones(2, 3))
    lines = str(function.program.graph).splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"%1: f32\[2,3\] = mul\(a0: f32\[2,3\], 2\)  # forward test_program.py:\d+", lines[0])
    assert re.fullmatch(r"o2: f32\[2\] = sum\(%1\[f32\[3,2\] at 0\].*dims=\(0,\).*", lines[1])


def test_what_nothing_reads_is_not_computed() -> None:
    @curta.compile
    def function(x: Any) -> Any:
        (x @ x).exp()
        return x + 1

    function(curta.ones(3, 3))
    assert function.program.account().launches == 1


def test_a_profile_times_every_operator_of_one_more_run() -> None:
    counter = curta.zeros(1)

    @curta.compile
    def function(x: Any) -> Any:
        counter.add_(1)
        return (x @ x).exp() @ x

    with pytest.raises(CompileError, match="there is no program for these arguments yet"):
        function.profile(curta.ones(64, 64))
    function(curta.ones(64, 64))
    profile = function.profile(curta.ones(64, 64))
    assert counter.item() == 2
    assert [timing.node.call.op.name for timing in profile.timings] == ["add", "matmul+exp", "matmul"]
    assert 0 < sum(timing.seconds for timing in profile.timings) == profile.seconds
    product = next(group for group in profile.groups() if group.name == "matmul")
    assert (product.calls, product.cost.flops) == (1, 2 * 64**3)
    assert product.roofline_seconds(1e9, 1e30) == pytest.approx(2 * 64**3 / 1e9)
    assert product.roofline_seconds(1e30, 1e9) == pytest.approx(3 * 4 * 64**2 / 1e9)
    assert "matmul" in str(profile).splitlines()[1] + str(profile).splitlines()[2]


def test_garbage_is_collected_again_after_recording() -> None:
    """Also after a function that cannot be recorded, and not where it was off before."""

    def bad(x: Any) -> Any:
        assert not gc.isenabled()
        return x * float(x.sum())

    assert gc.isenabled()
    with pytest.raises(CompileError):
        curta.compile(bad)(curta.ones(2))
    assert gc.isenabled()
    gc.disable()
    try:
        curta.compile(lambda x: x + 1)(curta.ones(2))
        assert not gc.isenabled()
    finally:
        gc.enable()
